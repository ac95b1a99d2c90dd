"""The page around the views: what arrives, what is found, what is cleared, and what it never does."""

import gzip
import http.client
import json
import re
import time
from collections.abc import Callable
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from support.chromium import LONGEST_TASK_MS, long_tasks, open_page, shot
from support.corpus import recorded
from support.daemon import Daemon
from support.http_client import post
from support.planted import BEARER, CARD, EMAIL, PASSWORD, found

Send = Callable[[bytes], None]

TITLE = "PaymentError: <img src=x onerror='window.pwned=1'> no"
HOSTILE: dict[str, Any] = {
    "event_id": "5d2c7a5e1b8f4c0e9a3d6f7081920abc",
    "platform": "python",
    "environment": "production",
    "exception": {
        "values": [
            {
                "type": "PaymentError",
                "value": f"<img src=x onerror='window.pwned=1'> no\ncard {CARD} of {EMAIL}",
                "stacktrace": {
                    "frames": [
                        {"filename": "lib/http.py", "function": "dispatch", "lineno": 9, "in_app": False},
                        {"filename": "shop/views.py", "function": "checkout", "lineno": 42, "in_app": True,
                         "context_line": "    charge(cart)", "vars": {"password": PASSWORD}},
                    ]
                },
            }
        ]
    },
    "request": {"headers": {"Authorization": f"Bearer {BEARER}"}, "url": "https://shop.example/pay"},
    "extra": {"note": f"grüße an {EMAIL}", "\u2028": "odd"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_kept(sink: Daemon) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", sink.port, timeout=30)
    connection.request("DELETE", "/api/capture/events")
    assert connection.getresponse().status == 200
    connection.close()


def envelope(event: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(part).encode() for part in ({"event_id": event["event_id"]}, {"type": "event"}, event))


def event(number: int, **more: Any) -> bytes:
    return envelope(
        {"event_id": f"{number:032x}", "platform": "python", "message": f"event number {number}", "level": "error"}
        | more
    )


def rows(page: Page, text: str = "") -> Any:
    return (
        page.locator(".rows a").filter(has=page.locator(".title", has_text=text)) if text else page.locator(".rows a")
    )


def live(page: Page) -> None:
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")


def test_capture_12_an_event_shows_up_scrubbed_and_nothing_else_is_asked_for(
    page: Page, sink: Daemon, send: Send
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(sink.url)
    live(page)
    expect(page.locator(".empty")).to_contain_text("Waiting for the first error")
    expect(page.locator(".empty")).to_contain_text(f":{sink.port}/1")
    shot(page, "empty")

    send(envelope(HOSTILE))
    row = rows(page, TITLE)
    expect(row.locator(".scrubbed")).to_be_visible()
    expect(page.locator("#rail [data-view=errors] .count")).to_have_text("1")
    row.click()
    expect(page.locator(".detail h2")).to_have_text(TITLE)
    expect(page.locator(".detail")).to_contain_text("checkout")
    expect(row).to_have_attribute("aria-current", "true")
    assert page.evaluate("typeof window.pwned") == "undefined", "payloads are shown as text"
    assert page.evaluate("document.documentElement.lang") == "en"
    assert found(page.content().encode()) == {}, "as it would leave"

    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.keyboard.press("t")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()
    expect(page.locator(".detail h2")).to_have_text(TITLE)
    assert light != dark
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark, "the choice is kept"
    assert {urlsplit(url).netloc for url in asked} == {f"127.0.0.1:{sink.port}"}

    account = sink.account()
    assert account.closed
    assert account.ended["captured"]["error"] >= 1


def test_capture_12_live_updates_the_pill_and_pause(page: Page, sink: Daemon, send: Send) -> None:
    for number in range(1, 41):
        send(event(number))
    page.goto(sink.url)
    live(page)
    expect(rows(page, "event number 40")).to_be_visible()
    send(event(41))
    expect(page.locator(".rows li").first).to_contain_text("event number 41")

    page.locator(".rows").evaluate("element => { element.scrollTop = 600; }")
    expect(rows(page, "event number 41")).to_be_hidden()
    middle = page.evaluate("document.elementFromPoint(700, 500).closest('a').dataset.id")
    send(event(42))
    expect(page.locator(".pill")).to_contain_text("1 new")
    assert page.evaluate("document.elementFromPoint(700, 500).closest('a').dataset.id") == middle, "the reader's place"
    page.locator(".pill").click()
    expect(rows(page, "event number 42")).to_be_visible()
    expect(page.locator(".pill")).to_be_hidden()

    page.keyboard.press("p")
    send(event(43))
    expect(page.locator("#connection")).to_have_text("paused, 1 new")
    expect(page.locator("#rail [data-view=errors] .count")).to_have_text("43")
    assert rows(page, "event number 43").count() == 0
    page.keyboard.press("p")
    expect(page.locator(".rows li").first).to_contain_text("event number 43")


def test_capture_12_what_came_unseen_stands_in_the_title(page: Page, sink: Daemon, send: Send) -> None:
    page.add_init_script("document.hasFocus = () => false;")
    page.goto(sink.url)
    live(page)
    send(event(100))
    send(event(101))
    expect(page).to_have_title("(2) Errors · scrubjay")
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page).to_have_title("Errors · scrubjay")


def test_capture_12_keys_move_open_and_go_back(page: Page, sink: Daemon, send: Send) -> None:
    for number in range(200, 204):
        send(event(number))
    page.goto(sink.url)
    expect(rows(page, "event number 203")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows(page, "event number 202")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".detail h2")).to_have_text("event number 202")
    page.keyboard.press("j")
    expect(page.locator(".detail h2")).to_have_text("event number 201")
    page.keyboard.press("k")
    expect(page.locator(".detail h2")).to_have_text("event number 202")
    page.keyboard.press("Escape")
    expect(page.locator(".detail")).to_be_hidden()
    page.go_back()
    expect(page.locator(".detail h2")).to_have_text("event number 202")
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_contain_text("mask originals")
    shot(page, "keys")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    page.keyboard.press("s")
    expect(page.locator("#eye")).to_have_attribute("aria-pressed", "true")


def test_capture_12_search_suggests_finds_and_marks(page: Page, sink: Daemon, send: Send) -> None:
    send(event(300, message="the cart is empty", environment="staging", level="warning"))
    send(event(301, message="the cart is full", environment="production"))
    page.goto(sink.url)
    expect(rows(page, "the cart is full")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("cart envir")
    expect(page.locator("#suggestions li")).to_have_text(["environment:"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#suggestions li", has_text="environment:staging")).to_be_visible()
    shot(page, "search")
    page.keyboard.type("stag")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".rows li")).to_have_count(1)
    expect(page.locator(".rows li mark")).to_have_text("cart")
    assert "q=cart+environment%3Astaging" in page.url
    send(event(302, message="another cart", environment="staging"))
    send(event(303, message="another cart", environment="production"))
    expect(page.locator(".rows li").first).to_contain_text("another cart")
    expect(page.locator(".rows li")).to_have_count(2)
    page.reload()
    expect(page.locator(".rows li")).to_have_count(2)

    page.goto(f"{sink.url}/#/errors")
    page.locator(".chip", has_text="Level").click()
    page.locator(".menu[open] button", has_text="warning").click()
    expect(page.locator(".rows li")).to_have_count(1)
    assert page.url.endswith("level=warning")
    page.locator(".facet .drop").click()
    expect(rows(page, "another cart").first).to_be_visible()


def test_capture_12_clear_can_be_taken_back(page: Page, sink: Daemon, send: Send) -> None:
    page.clock.install()
    send(event(400))
    page.goto(sink.url)
    live(page)
    expect(rows(page, "event number 400")).to_be_visible()
    kept = page.locator(".rows").evaluate("element => element.firstElementChild.style.height")
    page.keyboard.press("x")
    expect(page.locator(".empty")).to_be_visible()
    expect(page.locator("#rail [data-view=errors] .count")).to_have_text("")
    send(event(401))
    page.clock.run_for(1000)
    expect(page.locator(".rows li")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(rows(page, "event number 400")).to_be_visible()
    assert page.locator(".rows").evaluate("element => element.firstElementChild.style.height") != kept

    page.keyboard.press("x")
    expect(page.locator(".empty")).to_be_visible()
    send(event(402))
    with page.expect_response(lambda response: response.request.method == "DELETE") as cleared:
        page.clock.run_for(10_100)
    assert cleared.value.ok
    page.clock.resume()
    page.reload()
    expect(page.locator(".rows li")).to_have_count(1)
    expect(rows(page, "event number 402")).to_be_visible()


def test_capture_12_setup_says_how_and_ticks_off_what_came(page: Page, sink: Daemon) -> None:
    page.goto(f"{sink.url}/#/setup")
    expect(page.locator(".snippet").first).to_contain_text(f":{sink.port}/1")
    for name in ("Django", "FastAPI", "Browser", "React", "Node", "Go", "Java", "Ruby", "PHP", ".NET"):
        page.get_by_role("tab", name=name, exact=True).click()
        expect(page.locator("[role=tabpanel]:visible pre")).to_contain_text(f":{sink.port}/1")
    page.locator("#send-test").click()
    expect(page.locator("[data-check=error]")).to_contain_text("has arrived")
    shot(page, "setup")
    page.locator("#rail [data-view=errors]").click()
    expect(rows(page, "TestError: a test event").locator(".scrubbed")).to_be_visible()


def test_the_whole_corpus_shows_without_an_error(page: Page, sink: Daemon, send: Send) -> None:
    page.goto(f"{sink.url}/#/envelopes")
    live(page)
    for one in recorded("envelope"):
        send(one.body)
    expect(page.locator(".envelopes .row").nth(5)).to_be_visible()
    shot(page, "envelopes")
    page.locator(".envelopes .row").nth(3).click()
    expect(page.locator(".detail h3").first).to_have_text("Envelope header")
    shot(page, "envelope")
    page.goto(f"{sink.url}/#/errors")
    expect(rows(page).nth(8)).to_be_visible()
    shot(page, "errors")
    rows(page).nth(8).click()
    expect(page.locator(".detail h2")).to_be_visible()
    shot(page, "error")


def test_a_page_that_is_given_an_event_waits_for_it(page: Page, sink: Daemon, send: Send) -> None:
    """As Django's error page does: the event may come after the page."""
    asked = f"{0xABC:032x}"
    page.add_init_script(f"window.__spotlight = {{initOptions: {{fullPage: true, startFrom: '/errors/{asked}'}}}};")
    with page.expect_request(lambda request: "/wait?" in request.url):
        page.goto(sink.url)
    send(event(0xABC, message="the one that was asked for"))
    expect(page.locator(".detail h2")).to_have_text("the one that was asked for")


def test_on_a_phone_nothing_is_wider_than_the_window(browser: Browser, sink: Daemon, send: Send) -> None:
    send(event(500))
    page, watch = open_page(browser, sink.url, phone=True)
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(sink.url)
    rows(page, "event number 500").click()
    expect(page.locator(".detail h2")).to_have_text("event number 500")
    for view in ("errors", "envelopes", "setup"):
        page.goto(f"{sink.url}/#/{view}")
        expect(page.locator(f".view.{view}")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, view
        shot(page, f"phone-{view}")
    page.context.close()
    watch.check()


def test_many_at_full_speed_hold_up_nothing(page: Page, sink: Daemon) -> None:
    page.goto(sink.url)
    live(page)
    head = json.dumps({"event_id": f"{1:032x}"})
    item = [
        json.dumps({"type": "event"}),
        json.dumps({"message": "one of many", "level": "error", "platform": "python"}),
    ]
    body = "\n".join([head, *item]).encode()
    for _ in range(400):
        assert post(sink.port, "/api/1/envelope/", body).status == 200
    expect(rows(page, "one of many").first).to_be_visible()
    page.locator(".rows").evaluate("element => { element.scrollTop = element.scrollHeight; }")
    assert max(long_tasks(page), default=0) < LONGEST_TASK_MS
    assert page.locator(".rows li").count() < 100, "rows that nobody sees do not exist"


def test_a_lost_connection_is_taken_up_and_a_restart_starts_anew(
    browser: Browser, daemons: Callable[..., Daemon]
) -> None:
    relay = daemons(mode="capture", spool=False, options={"capture": {"spotlight_port": None}})
    relay.start()
    page, watch = open_page(browser, relay.url)
    watch.allow("ERR_|Failed to fetch|network error")
    page.goto(relay.url)
    live(page)
    assert post(relay.port, "/api/1/envelope/", event(600)).status == 200
    expect(rows(page, "event number 600")).to_be_visible()
    waiting = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=60)
    waiting.request("GET", "/api/capture/wait?count=5&timeout=60")
    page.context.set_offline(True)
    started_mono = time.monotonic()
    assert relay.stop() == 0
    assert time.monotonic() - started_mono < 30, "who waits or listens does not hold up the end"
    assert json.loads(waiting.getresponse().read())["satisfied"] is False
    waiting.close()
    expect(page.locator(".banner")).to_contain_text("No connection")
    expect(rows(page, "event number 600")).to_be_visible()
    shot(page, "offline")
    relay.start()
    assert post(relay.port, "/api/1/envelope/", event(601)).status == 200
    page.context.set_offline(False)
    live(page)
    expect(page.locator(".banner")).to_have_count(0)
    expect(page.locator(".rows li")).to_have_text([re.compile("event number 601")])
    page.context.close()
    watch.check()


def test_capture_12_the_page_is_small() -> None:
    files = (entry.read_bytes() for entry in (resources.files("scrubjay") / "static").iterdir())
    assert sum(len(gzip.compress(body)) for body in files) <= 250 * 1024
