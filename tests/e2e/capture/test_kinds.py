"""Traces, logs, feedback and every other kind of record, as somebody reads them in a browser."""

import http.client
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from support.chromium import LONGEST_TASK_MS, long_tasks, open_page, shot
from support.corpus import recorded
from support.daemon import Daemon

Send = Callable[[bytes], None]

START = 1_800_000_000
TRACE = "abcdef0123456789abcdef0123456789"
LARGE = "f" * 32
HOSTILE = "<img src=x onerror='window.pwned=1'>\u202e"


@pytest.fixture(autouse=True)
def nothing_kept(sink: Daemon) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", sink.port, timeout=30)
    connection.request("DELETE", "/api/capture/events")
    assert connection.getresponse().status == 200
    connection.close()


def envelope(*items: tuple[dict[str, Any], bytes], **headers: Any) -> bytes:
    parts = [json.dumps(headers).encode()]
    for head, payload in items:
        parts += [json.dumps(head | {"length": len(payload)}).encode(), payload]
    return b"\n".join(parts)


def item(kind: str, payload: dict[str, Any], **headers: Any) -> bytes:
    return envelope(({"type": kind} | headers, json.dumps(payload).encode()))


def container(kind: str, entries: list[dict[str, Any]]) -> bytes:
    media_type = {"log": "log", "span": "span.v2"}[kind]
    return item(kind, {"version": 2, "items": entries}, item_count=len(entries), content_type=f"application/vnd.sentry.items.{media_type}+json")  # fmt: skip


def transaction(
    trace_id: str, name: str, span_id: str, *, parent: str = "", start_s: float = 0, length_s: float = 1, **more: Any
) -> bytes:
    context = {"trace_id": trace_id, "span_id": span_id, "parent_span_id": parent or None, "op": "http.server", "status": "ok"}  # fmt: skip
    times = {"start_timestamp": START + start_s, "timestamp": START + start_s + length_s}
    event = {"type": "transaction", "transaction": name, "platform": "python", "contexts": {"trace": context}}
    return item("transaction", event | times | more)


def span(span_id: str, parent: str, op: str, name: str, start_s: float, length_s: float, **more: Any) -> dict[str, Any]:
    times = {"start_timestamp": START + start_s, "timestamp": START + start_s + length_s}
    return (
        {"trace_id": TRACE, "span_id": span_id, "parent_span_id": parent, "op": op, "description": name} | times | more
    )


def log(body: str, number: int = 0, level: str = "info", **more: Any) -> dict[str, Any]:
    return {"timestamp": START + number / 1000, "level": level, "body": body, "trace_id": TRACE} | more


def shop(send: Send) -> None:
    """A trace of two services whose clocks disagree, with a missing parent, a failure, an error and a log line."""
    page = {"name": "sentry.javascript.react"}
    spans = [
        span("b" * 16, "a" * 16, "http.client", "POST /pay", 0.1, 0.6),
        span("c" * 16, "a" * 16, "ui.render", "<Cart>", 0.72, 0.2),
    ]
    send(transaction(TRACE, "/checkout", "a" * 16, spans=spans, sdk=page, tags={"area": "cart"}))
    behind = [
        span("e" * 16, "d" * 16, "db.query", "SELECT * FROM carts WHERE id = %s", 0.1, 0.2, data={"db.system": "postgresql"}),
        span("1" * 16, "d" * 16, "cache.get", HOSTILE, 0.31, 0.01, status="internal_error"),
        span("2" * 16, "d" * 16, "queue.publish", "mail", 0.33, 0.1, links=[{"trace_id": LARGE, "span_id": "3" * 16}]),
    ]  # fmt: skip
    send(transaction(TRACE, "POST /pay", "d" * 16, parent="b" * 16, start_s=0.05, length_s=0.5, spans=behind, sdk={"name": "sentry.python"}))  # fmt: skip
    send(transaction(TRACE, "send mail", "4" * 16, parent="9" * 16, start_s=0.7, length_s=0.3, sdk={"name": "sentry.python"}))  # fmt: skip
    context = {"trace": {"trace_id": TRACE, "span_id": "e" * 16}}
    send(item("event", {"event_id": "e" * 32, "message": "the cart is gone", "level": "error", "contexts": context}))
    send(container("log", [log("cart loaded", span_id="e" * 16)]))


def test_capture_12_a_waterfall_with_a_missing_parent_and_clocks_that_disagree(
    page: Page, sink: Daemon, send: Send
) -> None:
    shop(send)
    page.goto(f"{sink.url}/#/traces")
    row = page.locator(".trace-row.row")
    expect(row).to_contain_text("/checkout")
    expect(row.locator(".errors-count")).to_have_text("✕ 1")
    shot(page, "traces")
    row.click()
    spans = page.locator(".span-row")
    expect(spans).to_have_count(9)
    expect(spans.nth(2)).to_contain_text("POST /pay")
    expect(spans.nth(2).locator(".mark-skew")).to_contain_text("50 ms")
    expect(spans.filter(has_text="missing parent")).to_have_count(1)
    expect(spans.nth(3).locator(".mark-error")).to_have_text("✕ 1 error")

    page.locator(".pick", has_text="SELECT").click()
    pane = page.locator(".span-pane")
    expect(pane.locator(".statement")).to_have_text("SELECT * FROM carts WHERE id = %s")
    expect(pane).to_contain_text("postgresql")
    expect(pane).to_contain_text("the cart is gone")
    expect(pane).to_contain_text("cart loaded")
    shot(page, "trace")

    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    expect(spans).to_have_count(6)
    page.keyboard.press("ArrowRight")
    expect(spans).to_have_count(9)

    strip = page.locator(".overview")
    box = strip.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 20, steps=3)
    page.mouse.up()
    expect(page.locator(".axis .tick").first).not_to_have_text("0")
    strip.press("0")
    expect(page.locator(".axis .tick").first).to_have_text("0")
    page.reload()
    expect(page.locator(".span-pane .statement")).to_be_visible()
    late = {
        "trace_id": TRACE,
        "span_id": "8" * 16,
        "name": "late",
        "start_timestamp": START,
        "end_timestamp": START + 1,
    }
    send(container("span", [late]))
    page.locator("button", has_text="more of it arrived").click()
    expect(spans).to_have_count(10)
    page.keyboard.press("Escape")
    expect(row).to_have_count(1)
    send(transaction(LARGE, "another", "7" * 16))
    expect(row).to_have_count(2)
    assert page.evaluate("window.pwned") is None


def test_five_thousand_spans_scroll(page: Page, sink: Daemon, send: Send) -> None:
    for part in range(5):
        spans = [
            {"trace_id": LARGE, "span_id": f"{part:08x}{number:08x}", "parent_span_id": "a" * 16 if not number else f"{part:08x}{number // 2:08x}",
             "name": f"step {number} of {part}", "start_timestamp": START + number / 1000, "end_timestamp": START + number / 1000 + 0.01,
             "status": "ok", "attributes": {"sentry.op": {"type": "string", "value": "db" if number % 3 else "http"}}}
            for number in range(999)
        ]  # fmt: skip
        send(container("span", spans))
    send(transaction(LARGE, "large", "a" * 16))
    page.goto(f"{sink.url}/#/traces/{LARGE}")
    expect(page.locator(".name-head")).to_contain_text("4,996 spans")
    for _ in range(8):
        page.mouse.move(500, 500)
        page.mouse.wheel(0, 6000)
    page.locator(".waterfall-tools button", has_text="Collapse").click()
    page.locator(".waterfall-tools button", has_text="Expand all").click()
    expect(page.locator(".span-row").first).to_be_visible()
    assert page.locator(".span-row").count() < 100
    assert max(long_tasks(page), default=0) < LONGEST_TASK_MS


def test_logs_read_as_a_terminal_shows_them(page: Page, sink: Daemon, send: Send) -> None:
    attributes = {"sku": {"value": "AMB-100", "type": "string"}, "sentry.message.template": {"value": "stock of {sku} low", "type": "string"},
                  "sentry.message.parameter.sku": {"value": "AMB-100", "type": "string"}}  # fmt: skip
    send(
        container(
            "log",
            [log("\x1b[1;32mready\x1b[0m on \x1b]8;;http://evil\x07port\x1b]8;;\x07 80", 1), log(HOSTILE, 2, "error")],
        )
    )
    send(container("log", [log("stock of AMB-100 low", 3, "warn", attributes=attributes)]))
    page.goto(f"{sink.url}/#/logs")
    lines = page.locator(".log-row")
    expect(lines).to_have_count(3)
    expect(lines.nth(0).locator(".said")).to_have_text("ready on port 80")
    expect(lines.nth(0).locator(".ansi-green.ansi-bold")).to_have_text("ready")
    expect(lines.nth(2).locator(".attr")).to_have_text("sku AMB-100")
    send(container("log", [log("it arrived while the page was open", 4)]))
    expect(lines.last).to_contain_text("while the page was open")

    lines.nth(2).click()
    pane = page.locator(".log-pane")
    expect(pane).to_contain_text("stock of {sku} low")
    shot(page, "logs")
    page.keyboard.press("Escape")
    expect(pane).to_be_hidden()
    page.locator(".level-chip", has_text="error").click()
    expect(lines).to_have_count(1)
    page.goto(f"{sink.url}/#/logs?trace_id={TRACE}")
    expect(lines).to_have_count(4)
    assert page.evaluate("window.pwned") is None


def test_twenty_thousand_log_lines(page: Page, sink: Daemon, send: Send) -> None:
    for part in range(200):
        send(container("log", [log(f"line {number}", number) for number in range(part * 100, part * 100 + 100)]))
    page.goto(f"{sink.url}/#/logs")
    expect(page.locator(".log-row").last).to_contain_text("line 19999")
    page.keyboard.press("f")
    for _ in range(6):
        page.mouse.move(600, 500)
        page.mouse.wheel(0, -30_000)
        page.wait_for_function("!document.querySelector('[aria-busy=true]')")
    send(container("log", [log("the newest of all", 30_000)]))
    page.keyboard.press("f")
    expect(page.locator(".log-row").last).to_contain_text("the newest of all")
    assert page.locator(".log-row").count() < 120
    assert max(long_tasks(page), default=0) < LONGEST_TASK_MS


def picture(size: int = 64) -> bytes:
    """A PNG in plain blue."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = (b"\0" + b"\x1f\x5f\xc4" * size) * size
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_feedback_of_both_forms_with_its_screenshot(page: Page, sink: Daemon, send: Send) -> None:
    given = {
        "message": f"the button is dead {HOSTILE}",
        "name": "Jo",
        "url": "javascript:alert(1)",
        "associated_event_id": "e" * 32,
    }
    feedback = json.dumps(
        {"event_id": "d" * 32, "contexts": {"feedback": given, "trace": {"trace_id": TRACE, "span_id": "a" * 16}}}
    )
    shot_of = {"type": "attachment", "filename": "shot.png", "content_type": "image/png"}
    send(envelope(({"type": "feedback"}, feedback.encode()), (shot_of, picture()), event_id="d" * 32))
    send(
        item(
            "user_report", {"event_id": "e" * 32, "name": "Al", "email": "al@example.com", "comments": "the older form"}
        )
    )
    page.goto(f"{sink.url}/#/feedback")
    page.locator(".feedback-row", has_text="button").click()
    pane = page.locator(".feedback-pane")
    expect(pane.locator("img")).to_have_js_property("naturalWidth", 64)
    expect(pane.locator("a[href*=javascript]")).to_have_count(0)
    expect(pane.locator("a", has_text="trace abcdef01")).to_have_attribute("href", f"#/traces/{TRACE}")
    shot(page, "feedback")
    page.locator(".feedback-row", has_text="older").click()
    expect(pane.locator("blockquote")).to_have_text("the older form")
    assert page.evaluate("window.pwned") is None


SECTIONS = {
    "check-ins": ".run-bar.good",
    "sessions": "th:has-text('crash-free')",
    "client-reports": "td:has-text('your before_send returned nothing')",
    "metrics": ".course polyline",
    "profiles": "td a",
    "replays": ".monitor td",
    "attachments": "td a",
}


def test_every_other_kind_has_its_section(page: Page, sink: Daemon, send: Send) -> None:
    for one in recorded("envelope"):
        send(one.body)
    for section, sign in SECTIONS.items():
        page.goto(f"{sink.url}/#/other/{section}")
        expect(page.locator(".section-body").locator(sign).first).to_be_visible()
        if section in ("check-ins", "metrics"):
            shot(page, section)
    page.goto(f"{sink.url}/#/other/profiles")
    page.locator(".section-body td a").first.click()
    expect(page.locator(".flame-box").first).to_be_visible()
    boxes = page.locator(".flame-box")
    boxes.nth(3).click()
    expect(page.locator(".flame-trail button")).to_have_count(1)
    functions = page.locator(".profile-pane tbody tr")
    expect(functions.first).to_be_visible()
    page.get_by_label("only functions of the application").click()
    expect(functions.first).to_be_visible()
    shot(page, "profile")


PROFILE = {
    "frames": [{"function": "main"}, {"function": "work", "filename": "a.py", "lineno": 3}, {"function": "wait", "in_app": False}],
    "stacks": [[1, 0], [2, 1, 0], [0], [99], "odd"],
    "samples": [
        {"stack_id": 0, "thread_id": 1, "elapsed_since_start_ns": 0},
        {"stack_id": 1, "thread_id": 1, "elapsed_since_start_ns": 10_000_000},
        {"stack_id": 2, "thread_id": 1, "elapsed_since_start_ns": 30_000_000},
        {"stack_id": 3, "thread_id": 1, "elapsed_since_start_ns": 40_000_000},
        {"stack_id": 7, "thread_id": 2},
        None,
    ],
    "thread_metadata": {"1": {"name": "MainThread"}},
}  # fmt: skip
COUNTED = """async (profile) => {
  const { readProfile, functionTimes, callTree } = await import(new URL('static/samples.js', document.baseURI));
  const read = readProfile({ profile });
  const [{ name, samples }] = read.threads;
  const top = callTree(samples, read.frames);
  return {
    name, threads: read.threads.length, none: readProfile({ sampled_profile: 'x' }),
    times: functionTimes(samples, read.frames).map((row) => [row.name, row.place, row.self_ms, row.total_ms]),
    top: [top.total_ms, top.self_ms, [...top.children.values()].map((child) => [child.name, child.total_ms])],
  };
}"""


def test_a_profile_is_counted_by_own_and_whole_time(page: Page, sink: Daemon) -> None:
    page.goto(sink.url)
    assert page.evaluate(COUNTED, PROFILE) == {
        "name": "MainThread",
        "threads": 1,
        "none": None,
        "times": [["wait", "", 20, 20], ["main", "", 10, 40], ["work", "a.py:3", 10, 30]],
        "top": [50, 10, [["main", 40]]],
    }


COLOURED = """async (text) => {
  const { ansi, stripped } = await import(new URL('static/ansi.js', document.baseURI));
  const pieces = [...ansi(text).querySelectorAll('[class^=ansi]')].map((one) => [one.className, one.textContent]);
  return [stripped(text), pieces];
}"""


COLOURS = {
    "plain": ("plain", []),
    "\x1b[31mred\x1b[0m": ("red", [["ansi-red", "red"]]),
    "\x1b[1;4;92mA\x1b[22;24mB": ("AB", [["ansi-green ansi-bold ansi-underline", "A"], ["ansi-green", "B"]]),
    "\x1b[38;5;208m5\x1b[48;2;20;30;200m2": ("52", [["ansi-yellow", "5"], ["ansi-yellow ansi-on-blue", "2"]]),
    "\x1b[38;5mx\x1b[38;2;9mz": ("xz", [["ansi-white", "x"], ["ansi-black", "z"]]),
    "\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b\x9b2Jc\x1b(Bd\x1b7e": ("abcde", []),
    "\x1b]never closed": ("", []),
}


def test_terminal_colours_become_those_of_the_page(page: Page, sink: Daemon) -> None:
    page.goto(sink.url)
    assert {text: page.evaluate(COLOURED, text) for text in COLOURS} == {
        text: [*both] for text, both in COLOURS.items()
    }


LONG = HOSTILE + "W" * 3000
ODD: dict[str, Any] = {
    "check_in": {"check_in_id": "1" * 32, "monitor_slug": LONG, "status": "odd", "duration": 1e300, "monitor_config": {"schedule": 3}},
    "sessions": {"aggregates": [{"started": LONG, "exited": -1}, None, LONG], "attrs": {"release": LONG}},
    "client_report": {"discarded_events": [{"reason": LONG, "category": "error", "quantity": -5}, LONG, None]},
    "trace_metric": {"items": [{"name": LONG, "type": "gauge", "value": value, "unit": LONG} for value in (-1e308, 1e308)]},
    "profile": {"event_id": "3" * 32, "platform": "node", "version": "1", "profile": {
        "frames": [{"function": LONG, "filename": LONG, "lineno": LONG}, None, 3], "stacks": [[0, 1, 0], None, [2]],
        "samples": [{"stack_id": 0, "thread_id": LONG, "elapsed_since_start_ns": 1}, {"stack_id": 2}, None]}},
    "replay_event": {"type": "replay_event", "replay_id": "4" * 32, "urls": ["javascript:alert(1)", LONG, 3], "segment_id": LONG},
    "raw_security": {"csp-report": {"blocked-uri": LONG, "effective-directive": "img-src", "document-uri": "javascript:1"}},
}  # fmt: skip


def test_odd_payloads_run_nothing_and_break_nothing(page: Page, sink: Daemon, send: Send) -> None:
    for kind, payload in ODD.items():
        more = {"item_count": 2, "content_type": "application/vnd.sentry.items.trace-metric+json"} if kind == "trace_metric" else {}  # fmt: skip
        send(item(kind, payload, **more))
    for section in (*SECTIONS, "security"):
        page.goto(f"{sink.url}/#/other/{section}")
        expect(page.locator(f".section-tab[aria-current][href*={section}]")).to_be_visible()
        expect(page.locator(".section-body > *").first).to_be_attached()
        assert page.locator("a[href*='javascript']").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), section
    assert page.evaluate("window.pwned") is None


def test_all_of_it_on_a_phone(browser: Browser, sink: Daemon, send: Send) -> None:
    shop(send)
    page, watch = open_page(browser, sink.url, phone=True)
    for address in (f"traces/{TRACE}/{'e' * 16}", "traces", "logs", "other/check-ins"):
        page.goto(f"{sink.url}/#/{address}")
        page.locator("main").wait_for()
        shot(page, f"phone-{address.split('/')[0]}{'-one' if TRACE in address else ''}")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, address
    watch.check()
    page.context.close()
