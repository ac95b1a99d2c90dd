"""One record in full: each of its parts, what can be copied, and events that mean harm."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import Locator, Page, expect

from support.bundle import SCRIPT, THROWN, map_bytes
from support.chromium import LONGEST_TASK_MS, long_tasks, shot
from support.daemon import Daemon
from support.shown_events import EVENT, MARKUP, SECRETS, attachments, envelope, hostile

Send = Callable[[bytes], None]
ID = EVENT["event_id"]


def opened(page: Page, sink: Daemon, part: str = "", event_id: str = ID) -> Locator:
    """The pane with a part of the record open."""
    page.goto(f"{sink.url}/#/errors/{event_id}{f'/{part}' if part else ''}")
    pane = page.locator(".detail")
    expect(pane.locator("h2")).to_be_visible()
    return pane


def tab(pane: Locator, name: str) -> Locator:
    pane.get_by_role("tab", name=name).click()
    return pane.locator("[role=tabpanel]:visible")


def test_capture_12_each_part_of_a_record(page: Page, sink: Daemon, send: Send) -> None:
    send(envelope(EVENT, *attachments()))
    pane = opened(page, sink)
    expect(pane.locator("h2")).to_have_text("Refused: card [creditcard] of [email] refused by [ip]")
    expect(pane.locator(".facts")).to_contain_text("shop@2.4.1")
    expect(pane.locator(".tags")).to_contain_text("customer [email]")

    stack = pane.locator("[role=tabpanel]:visible")
    expect(stack.locator(".exception h3")).to_have_text(["Refused", "KeyError"])
    expect(stack.locator(".exception").first).to_contain_text("unhandled")
    expect(stack.locator(".inside").first.locator(".line.here")).to_have_text(
        "▸   42     raise Refused(f'card {card} refused')"
    )
    expect(stack.locator(".vars").first).to_contain_text("password: [Filtered]")
    expect(stack.locator(".library > details")).to_have_text("2 library frames")
    stack.get_by_text("2 library frames").click()
    expect(stack.locator(".library .outside")).to_have_count(2)
    shot(page, "detail-stack")
    stack.get_by_role("button", name="Oldest first").click()
    expect(stack.locator(".exception h3")).to_have_text(["KeyError", "Refused"])
    stack.get_by_role("button", name="As text").click()
    expect(stack.locator(".rawstack")).to_contain_text("    at checkout (shop/views.py:42)")
    stack.get_by_role("combobox").select_option(label="Thread 2 worker")
    expect(stack.locator(".rawstack")).to_contain_text("at loop (shop/worker.py:12)")

    crumbs = tab(pane, "Breadcrumbs")
    expect(crumbs.locator(".crumb")).to_have_count(3)
    expect(crumbs.locator(".crumb").first.locator("time")).to_contain_text("−2.00 s")
    expect(crumbs.locator(".crumb").nth(1)).to_contain_text("POST https://pay.example/charge 502")
    shot(page, "detail-breadcrumbs")
    crumbs.get_by_label("Level").select_option("warning")
    expect(crumbs.locator(".crumb")).to_have_count(1)

    context = tab(pane, "Context")
    expect(context.locator(".card").first).to_contain_text("POST https://shop.example/checkout")
    expect(context).to_contain_text("new-checkout")
    assert page.url.endswith("/context"), "each part has its own address"
    shot(page, "detail-context")

    files = tab(pane, "Attachments")
    expect(files.locator("li.card")).to_have_count(5)
    expect(files.locator("img")).to_have_js_property("naturalWidth", 120)
    expect(files.locator("td")).to_have_text(["1", 'a, "quoted" name', "2", "<b>bold</b>"])
    expect(files.locator(".hierarchy")).to_contain_text("Button #pay")
    expect(files.locator("svg")).to_have_count(0)
    shot(page, "detail-attachments")

    expect(tab(pane, "Related").locator("a")).to_have_count(5)
    raw = tab(pane, "Raw")
    expect(raw.locator(".rawitem")).to_have_count(6)
    raw.get_by_role("searchbox").first.fill("WIL-315")
    expect(raw.locator("output").first).to_have_text("1 of 2")
    expect(raw.locator(".flash")).to_contain_text("WIL-315")
    shot(page, "detail-raw")

    assert page.evaluate("typeof window.pwned") == "undefined"
    content = page.content()
    assert not [secret for secret in SECRETS if secret in content], "as it would leave"


def test_capture_12_a_record_is_copied_in_each_form(page: Page, sink: Daemon, send: Send) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    send(envelope(EVENT))
    pane = opened(page, sink)

    def copied(press: Callable[[], None], said: str) -> str:
        press()
        expect(page.locator("#toasts")).to_contain_text(said)
        return str(page.evaluate("navigator.clipboard.readText()"))

    assert json.loads(copied(lambda: page.keyboard.press("c"), "Copied as JSON."))["event_id"] == ID
    assert "Refused" in copied(lambda: page.keyboard.press("m"), "Copied as Markdown.")
    curl, test, link = (pane.get_by_role("button", name=name) for name in ("curl", "Python test", "Link"))
    assert copied(curl.click, "Copied as curl.").startswith("curl ")
    assert "def test_" in copied(test.click, "Copied as Python test.")
    assert copied(link.click, "Link copied.").startswith(f"{sink.url}/#/errors/")
    with page.expect_download() as download:
        pane.get_by_role("button", name="Envelope").click()
    body = download.value.path().read_bytes()
    assert ID.encode() in body
    assert not [secret for secret in SECRETS if secret.encode() in body]


def test_capture_12_source_lines_that_did_not_come_along_are_read_from_the_roots(
    page: Page, sink: Daemon, send: Send
) -> None:
    (sink.folder / "shop.js").write_text("".join(f"line {number};\n" for number in range(1, 20)))
    frame = {"filename": "shop.js", "function": "pay", "lineno": 7, "colno": 1, "in_app": True}
    event = {"event_id": "0b" * 16, "platform": "node", "exception": {"values": [{"type": "E", "value": "v", "stacktrace": {"frames": [frame]}}]}}  # fmt: skip
    send(envelope(event))
    pane = opened(page, sink, event_id="0b" * 16)
    pane.locator(".frames summary").first.click()
    expect(pane.locator(".line.here")).to_contain_text("line 7;")


def test_capture_12_a_hostile_event_runs_nothing_and_holds_up_nothing(page: Page, sink: Daemon, send: Send) -> None:
    send(envelope(hostile("0c" * 16), ({"filename": "long.txt", "content_type": "text/plain"}, b"q" * 5_000_000)))
    pane = opened(page, sink, event_id="0c" * 16)
    expect(pane.locator("h2")).to_contain_text("<img src=x onerror=")
    expect(pane.locator("h2 .control").first).to_have_text("RLO")
    expect(pane.locator(".said .more")).to_contain_text("more characters")
    pane.locator(".said .more").click()
    expect(pane.locator(".said .more")).to_have_count(0)
    assert pane.locator("a[href^='javascript']").count() == 0
    shot(page, "detail-hostile")
    for name in ("Breadcrumbs", "Context", "Scrub", "Attachments", "Related", "Raw"):
        panel = tab(pane, name)
        expect(panel).not_to_be_empty()
        assert panel.locator("a[href^='javascript']").count() == 0
    tab(pane, "Context").get_by_text("more", exact=False).first.wait_for()
    tab(pane, "Scrub")
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert page.evaluate("({}).polluted") is None
    assert pane.locator("script, iframe").count() == 0
    assert MARKUP in pane.locator("h2").inner_text().replace("\n", "")
    assert max(long_tasks(page), default=0) < LONGEST_TASK_MS


def test_capture_12_a_record_is_readable_on_a_phone(page: Page, sink: Daemon, send: Send) -> None:
    send(envelope(EVENT))
    page.set_viewport_size({"width": 320, "height": 700})
    for part in ("", "breadcrumbs", "context", "scrub", "raw"):
        pane = opened(page, sink, part)
        expect(pane.locator("[role=tabpanel]:visible")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, f"{part} stays in its width"
        assert pane.evaluate("element => element.scrollWidth <= element.clientWidth + 1"), (
            f"{part} needs no scrolling sideways"
        )
    shot(page, "detail-phone")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The files of a folder, over HTTP."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_trace_of_a_bundle_is_shown_as_it_was_written(page: Page, sink: Daemon, send: Send, tmp_path: Path) -> None:
    (tmp_path / "app.js").write_text(SCRIPT)
    (tmp_path / "app.js.map").write_bytes(map_bytes())
    with served(tmp_path) as site:
        frames = [
            {"filename": f"{site}/app.js", "function": name or "?", "lineno": 1, "colno": column, "in_app": True}
            for name, column in THROWN
        ]
        values = [{"type": "TypeError", "value": "no price of cup", "stacktrace": {"frames": frames}}]
        event_id = "b0d1e5" + "0" * 26
        send(envelope({"event_id": event_id, "platform": "javascript", "exception": {"values": values}}))
        stack = opened(page, sink, event_id=event_id).locator("[role=tabpanel]:visible")
        first = stack.locator(".inside").first
        expect(first.locator("summary")).to_contain_text("/app.js:1:69 ← sumOfCart ../src/cart.ts:11:13")
        first.locator("summary").click()
        expect(first.locator(".original")).to_have_text(["sumOfCart ../src/cart.ts:11:13", "as it ran"])
        expect(first.locator(".line.here").first).to_have_text(
            "▸   11       throw new TypeError(`no price of ${line.name}`);"
        )
        expect(first.locator(".line.here").last).to_contain_text("if(e.price===null)throw new TypeError")
        shot(page, "detail-original")
        stack.get_by_role("button", name="Oldest first").click()
        expect(stack.locator(".inside").first.locator("summary")).to_contain_text("← ../src/main.ts:12:1")
        stack.get_by_role("button", name="As text").click()
        expect(stack.locator(".rawstack")).to_contain_text("app.js:1:206) ← checkOut ../src/main.ts:9:15")
