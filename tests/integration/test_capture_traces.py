"""Traces of a real worker in mode `capture`: the list, its filters, and one trace as a tree (`capture.md` 9.1)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from scrubjay.runtime.capturing.sink import CaptureSink
from support.relay import Relay, relay

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE = {"Host": "localhost"}
TRACE = "abcdef0123456789abcdef0123456789"
OTHER = "abcdef01ffffffffffffffffffffffff"
START = 1_800_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sidecar(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Relay]:
    async with relay(
        tmp_path_factory.mktemp("traces"), mode="capture", options={"capture": {"spotlight_port": None}}
    ) as one:
        yield one


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def two_traces(sidecar: Relay) -> None:
    """One of a transaction, a span container, an error and a log line, and another, of another environment."""
    sink = sidecar.worker.ports.capture
    assert isinstance(sink, CaptureSink)
    sink.clear()
    span = {"span_id": "b" * 16, "parent_span_id": "a" * 16, "op": "db", "description": "SELECT mail@example.com", "start_timestamp": START, "timestamp": START + 1}  # fmt: skip
    late = {"trace_id": TRACE, "span_id": "c" * 16, "parent_span_id": "9" * 16, "name": "late", "start_timestamp": START, "end_timestamp": START + 2, "status": "ok"}  # fmt: skip
    line = {"timestamp": START, "level": "info", "body": "paid", "trace_id": TRACE}
    await send(sidecar, "transaction", transaction(TRACE, "/pay", [span]))
    await send(
        sidecar, "span", {"items": [late]}, item_count=1, content_type="application/vnd.sentry.items.span.v2+json"
    )
    await send(sidecar, "event", {"message": "no", "contexts": {"trace": {"trace_id": TRACE, "span_id": "b" * 16}}})
    await send(sidecar, "log", {"items": [line]}, item_count=1, content_type="application/vnd.sentry.items.log+json")
    await send(sidecar, "transaction", transaction(OTHER, "/other", [], environment="staging"))


def transaction(trace_id: str, name: str, spans: list[dict[str, object]], **more: object) -> dict[str, object]:
    context = {"trace_id": trace_id, "span_id": "a" * 16, "op": "http.server", "status": "ok"}
    times = {"start_timestamp": START, "timestamp": START + 1}
    return {"type": "transaction", "transaction": name, "contexts": {"trace": context}, "spans": spans} | times | more


async def send(one: Relay, item_type: str, payload: dict[str, object], **headers: object) -> None:
    lines = ({}, {"type": item_type} | headers, payload)
    body = b"\n".join(json.dumps(line).encode() for line in lines)
    assert (await one.send("POST", "/stream", body)).status == 200


async def read(one: Relay, path: str, status: int = 200) -> dict[str, object]:
    answer = await one.send("GET", f"/api/capture/{path}", headers=HERE)
    assert answer.status == status, answer.body
    return json.loads(answer.body)


async def test_the_newest_trace_comes_first_with_what_it_counts(sidecar: Relay) -> None:
    listed = await read(sidecar, "traces")
    assert (listed["matched"], listed["more"]) == (2, False)
    other, trace = listed["traces"]
    assert (other["name"], trace["name"]) == ("/other", "/pay")
    assert (trace["spans"], trace["errors"], trace["logs"]) == (3, 1, 1)
    assert trace["duration_ms"] == 2000


async def test_a_limit_cuts_the_list(sidecar: Relay) -> None:
    listed = await read(sidecar, "traces?limit=1")
    assert (len(listed["traces"]), listed["matched"], listed["more"]) == (1, 2, True)


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ("environment=staging", ["/other"]),
        ("type=error", ["/pay"]),
        ("has=changes", ["/pay"]),
        ("transaction=/nowhere", []),
    ],
)
async def test_traces_with_a_record_that_matches_are_shown_whole(
    sidecar: Relay, filters: str, names: list[str]
) -> None:
    listed = await read(sidecar, f"traces?{filters}")
    assert [trace["name"] for trace in listed["traces"]] == names


async def test_an_unknown_parameter_is_an_error(sidecar: Relay) -> None:
    assert "limit" in (await read(sidecar, "traces?limti=3", 400))["error"]["message"]
    await read(sidecar, f"traces/{TRACE}?type=error", 400)


@pytest.mark.parametrize("wanted", [TRACE, TRACE.upper(), TRACE[:12]])
async def test_one_trace_is_a_tree(sidecar: Relay, wanted: str) -> None:
    trace = await read(sidecar, f"traces/{wanted}")
    rows = [(row["span_id"][0], row["depth"], row.get("missing_parent", False)) for row in trace["spans"]]
    assert rows == [("a", 0, False), ("b", 1, False), ("9", 0, True), ("c", 1, False)]
    assert [error["title"] for error in trace["errors"]] == ["no"]
    assert [line["title"] for line in trace["logs"]] == ["paid"]
    assert "mail@example.com" not in json.dumps(trace)


async def test_a_beginning_that_two_have_is_refused(sidecar: Relay) -> None:
    refused = await read(sidecar, f"traces/{TRACE[:8]}", 409)
    assert OTHER in refused["error"]["message"]


@pytest.mark.parametrize("wanted", ["abcdef0", "0" * 32])
async def test_what_is_not_kept_is_not_found(sidecar: Relay, wanted: str) -> None:
    assert (await read(sidecar, f"traces/{wanted}", 404))["error"]["code"] == "not_found"
