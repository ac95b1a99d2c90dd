"""What the page says by itself: desktop notifications, a banner while faults are injected, and how it asks for the token elsewhere."""

import http.client
import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Page, expect

from support.chromium import Watch, open_page, shot
from support.daemon import Daemon
from support.hostile_envelopes import HOSTILE

Send = Callable[[bytes], None]
TOKEN = "an-open-sesame-of-32-characters!"
NOTIFIED = """
window.told = [];
window.Notification = class {
  static permission = 'default';
  static async requestPermission() { return (this.permission = window.answer ?? 'granted'); }
  constructor(title, options) { window.told.push({ title, ...options }); }
};
"""
AWAY = "document.hasFocus = () => false;"


def event(message: str, level: str = "error") -> bytes:
    payload = {"message": message, "level": level, "platform": "python"}
    return b"\n".join(json.dumps(part).encode() for part in ({}, {"type": "event"}, payload))


def asked(sink: Daemon, method: str, path: str, body: Any = None, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", sink.port, timeout=30)
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    status = connection.getresponse().status
    connection.close()
    return status


def live(page: Page) -> None:
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")


def test_desktop_notifications_of_the_chosen_level_while_nobody_looks(page: Page, sink: Daemon, send: Send) -> None:
    page.add_init_script(NOTIFIED)
    page.goto(sink.url)
    live(page)
    page.keyboard.press("?")
    page.evaluate("() => { window.answer = 'denied'; }")
    page.locator("#notify").select_option("error")
    expect(page.locator("#notify")).to_have_value("")
    expect(page.locator(".toast")).to_contain_text("does not allow")
    page.evaluate("() => { window.answer = 'granted'; }")
    page.locator("#notify").select_option("error")
    expect(page.locator("#notify")).to_have_value("error")
    page.keyboard.press("Escape")
    send(event("somebody looks"))
    expect(page.locator(".rows li").first).to_contain_text("somebody looks")
    assert page.evaluate("window.told") == []
    page.evaluate(AWAY)
    send(event("only a warning", "warning"))
    expect(page.locator(".rows li").first).to_contain_text("only a warning")
    assert page.evaluate("window.told") == []
    send(event(HOSTILE, "fatal"))
    page.wait_for_function("() => window.told.length === 1")
    title = page.evaluate("window.told[0].title")
    assert "<img" in title
    assert not [sign for sign in "\x1b\u202e\u2066\x00" if sign in title], "nothing that steers"
    page.reload()
    page.evaluate(AWAY)
    live(page)


def test_faults_stand_in_a_banner_and_end_there(page: Page, sink: Daemon, send: Send) -> None:
    page.goto(sink.url)
    live(page)
    assert asked(sink, "PUT", "/api/capture/faults", [{"action": "status", "code": 503, "times": 100}]) == 200
    send_refused = asked(sink, "POST", "/api/1/envelope/", None, **{"X-Sentry-Auth": "Sentry sentry_key=" + "a" * 32})
    assert send_refused == 503
    page.reload()
    banner = page.locator(".banner")
    expect(banner).to_contain_text("Faults are injected into what SDKs send: status.")
    shot(page, "faults")
    page.set_viewport_size({"width": 360, "height": 760})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    shot(page, "faults-phone")
    banner.get_by_role("button", name="End them").click()
    expect(banner).to_have_count(0)
    send(event("after the faults"))
    expect(page.locator(".rows li").first).to_contain_text("after the faults")


def test_on_other_addresses_the_page_asks_for_its_token_once(browser: Browser, daemons: Callable[..., Daemon]) -> None:
    options = {"relay": {"host": "0.0.0.0"}, "capture": {"spotlight_port": None, "token": TOKEN}}
    relay = daemons(mode="capture", spool=False, options=options)
    relay.start()
    assert asked(relay, "GET", "/api/capture/events") == 401
    page, watch = open_page(browser, relay.url)
    watch.allow("401")
    page.goto(relay.url)
    expect(page.locator("#connection")).to_have_text("locked")
    expect(page.locator(".banner")).to_contain_text("/#token=")
    shot(page, "locked")
    page.goto(f"{relay.url}/#token=wrong")
    expect(page.locator("#connection")).to_have_text("locked")
    page.goto(f"{relay.url}/#token={TOKEN}")
    live(page)
    expect(page.locator(".banner")).to_have_count(0)
    assert TOKEN not in page.url, "neither in the address nor in what is copied of it"
    assert page.evaluate("JSON.stringify(localStorage)").count(TOKEN) == 0
    look_at_one(page, relay, watch)


def look_at_one(page: Page, relay: Daemon, watch: Watch) -> None:
    key = {"X-Sentry-Auth": "Sentry sentry_key=4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"}
    connection = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=30)
    connection.request("POST", "/api/1/envelope/", event("card 4111 1111 1111 1111"), key)
    assert connection.getresponse().status == 200
    connection.close()
    page.locator(".rows a").first.click()
    page.get_by_role("tab", name="Scrub").click()
    expect(page.locator(".scrub .mode")).to_contain_text("Nothing of the originals is kept")
    page.reload()
    live(page)
    expect(page.locator(".recordhead")).to_be_visible()
    assert "4111" not in page.content()
    shot(page, "with-token")
    page.context.close()
    watch.check()
