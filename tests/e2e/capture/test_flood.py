"""A page that stays open: memory and elements do not grow with what went by, in any view; and it shows the newest at the end.

`SCRUBJAY_FLOOD=5000` sends as many envelopes; without it, as few as show a leak of one element per envelope.
"""

import http.client
import json
import os
from typing import Any

from playwright.sync_api import CDPSession, Page, expect

from support.chromium import long_tasks
from support.daemon import Daemon
from support.http_client import auth

AMOUNT = int(os.environ.get("SCRUBJAY_FLOOD", "1200"))
ROUNDS = 3
NOW = 1_800_000_000
VIEWS = {"errors": ".rows li", "logs": ".log-row", "traces": ".trace-row", "envelopes": ".rows li"}
MORE_NODES = 1500
MORE_BYTES = 3 * 1024 * 1024
"""From one round to the next, of which the first fills what is bounded: 500 envelopes, 50,000 ids."""


def envelope(number: int) -> bytes:
    trace = {"trace_id": f"{number:032x}", "span_id": f"{number:016x}"}
    kinds: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"type": "event"}, {"message": f"number {number}", "level": "error", "tags": {"n": number}, "contexts": {"trace": trace}}),
        ({"type": "transaction"}, {"type": "transaction", "transaction": f"number {number}", "start_timestamp": NOW, "timestamp": NOW + 1, "contexts": {"trace": trace}}),
        ({"type": "log", "item_count": 2, "content_type": "application/vnd.sentry.items.log+json"},
         {"items": [{"timestamp": NOW + number, "trace_id": trace["trace_id"], "level": "info", "body": f"number {number}"}] * 2}),
    ]  # fmt: skip
    item, payload = kinds[number % 3]
    return b"\n".join(json.dumps(part).encode() for part in ({}, item, payload))


def flood(sink: Daemon, first: int, amount: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", sink.port, timeout=30)
    for number in range(first, first + amount):
        connection.request("POST", "/api/1/envelope/", envelope(number), auth())
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
    connection.close()


def held(inside: CDPSession) -> tuple[int, int]:
    """Elements and bytes of the page, without what nobody refers to."""
    inside.send("HeapProfiler.collectGarbage")
    metrics = {one["name"]: int(one["value"]) for one in inside.send("Performance.getMetrics")["metrics"]}
    return metrics["Nodes"], metrics["JSHeapUsedSize"]


def test_a_page_that_stays_open_stays_small(page: Page, sink: Daemon) -> None:
    inside = page.context.new_cdp_session(page)
    inside.send("Performance.enable")
    page.goto(sink.url)
    share = AMOUNT // (ROUNDS * len(VIEWS)) // 3 * 3
    sent, seen = 0, []
    for _ in range(ROUNDS):
        for view, rows in VIEWS.items():
            page.evaluate("view => { location.hash = `#/${view}`; }", view)
            expect(page.locator(f".view.{view}")).to_be_visible()
            flood(sink, sent, share)
            sent += share
            newest = {"errors": sent - 3, "traces": sent - 2, "logs": sent - 1}.get(view)
            expect(page.locator(rows).filter(has_text=f"number {newest}" if newest else "log").first).to_be_visible()
            assert page.locator(rows).count() < 150, "rows that nobody sees do not exist"
        page.evaluate("() => { location.hash = '#/errors'; }")
        expect(page.locator(".rows li").filter(has_text=f"number {sent - 3}")).to_be_visible()
        seen.append(held(inside))
    print("nodes, bytes:", seen, "longest task, ms:", max(long_tasks(page), default=0))
    (nodes, size), (nodes_after, size_after) = seen[-2:]
    assert nodes_after - nodes < MORE_NODES, seen
    assert size_after - size < MORE_BYTES, seen
