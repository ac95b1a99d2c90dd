"""`/mcp` of a real worker in mode `capture`: the transport, who may use it, and what each tool tells (`capture.md` 14)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from scrubjay.core.capture.mcp.tools import TOOLS
from support.capturing import Capture, capturing
from support.raw_http import Answer
from support.relay import relay

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE = {"Host": "localhost", "Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
SINGLE = "2026-07-28"
TRACE = "abcdef0123456789abcdef0123456789"
OTHER = "abcdef01ffffffffffffffffffffffff"
EVENT = "5d2c7a5e1b8f4c0e9a3d6f7081920abc"
START = 1_800_000_000
CARD, MAIL = "4111 1111 1111 1111", "ana@lab.example"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def capture(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Capture]:
    """With originals, which must not show."""
    async with capturing(tmp_path_factory.mktemp("mcp"), mcp=True, originals="full") as one:
        await fill(one)
        yield one


async def fill(one: Capture) -> None:
    frames = {"frames": [{"filename": "shop/cart.py", "function": "pay", "lineno": 3, "in_app": True}]}
    failure = {"type": "ValueError", "value": f"no {CARD} of {MAIL}", "stacktrace": frames}
    context = {"trace_id": TRACE, "span_id": "a" * 16, "op": "http.server", "status": "ok"}
    times = {"start_timestamp": START, "timestamp": START + 2}
    span = {"span_id": "b" * 16, "parent_span_id": "a" * 16, "op": "db", "description": f"SELECT {MAIL}", **times}
    pay = {"transaction": "/pay", "contexts": {"trace": context}, "spans": [span], **times}
    await one.send(("transaction", pay))
    await one.send(("transaction", pay | {"contexts": {"trace": context | {"trace_id": OTHER}}, "transaction": "/x"}))
    await one.send(
        ("log", {"items": [{"timestamp": START + n, "body": f"line {n}", "level": "info"} for n in (1, 2, 3)]})
    )
    nothing = {"monitor_slug": "nightly", "status": "ok", "contexts": {"trace": {"trace_id": "9" * 32}}}
    await one.send(("check_in", nothing))
    await one.event(message="plain", level="warning", tags={"area": "cart"})
    await one.event(
        event_id=EVENT,
        exception={"values": [failure]},
        contexts={"trace": context},
        extra={MAIL: {"note": CARD}, "mail": MAIL},
        tags={"area": "cart"},
    )


def message(method: str, sender: object = 1, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": sender, "method": method, "params": params}


async def post(one: Capture, body: object, **headers: str | None) -> Answer:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = HERE | {name.replace("_", "-"): value for name, value in headers.items()}
    return await one.relay.send(
        "POST", "/mcp", sent, {name: value for name, value in named.items() if value is not None}
    )


async def call(one: Capture, name: str, is_error: bool = False, **arguments: object) -> list[str]:
    told: Any = (await post(one, message("tools/call", name=name, arguments=arguments))).json
    assert told["result"].get("isError", False) is is_error
    return [block["text"] for block in told["result"]["content"]]


async def test_it_is_not_there_unless_it_is_asked_for(tmp_path: Path) -> None:
    async with capturing(tmp_path / "off") as one:
        assert (await post(one, message("ping"))).status == 404


async def test_a_handshake_and_what_follows(capture: Capture) -> None:
    told = await post(capture, message("initialize", protocolVersion="2025-06-18", capabilities={}))
    assert (told.status, told.headers["content-type"]) == (200, "application/json")
    assert told.json["result"]["protocolVersion"] == "2025-06-18"  # type: ignore[index]
    assert "mcp-session-id" not in told.headers
    begun = await post(
        capture, {"jsonrpc": "2.0", "method": "notifications/initialized"}, Mcp_Protocol_Version="2025-06-18"
    )
    assert (begun.status, begun.body) == (202, b"")
    assert (await post(capture, {"jsonrpc": "2.0", "id": 5, "result": {}})).status == 202
    listed: Any = (await post(capture, message("tools/list"))).json
    assert [tool["name"] for tool in listed["result"]["tools"]] == list(TOOLS)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_there_are_no_streams_and_no_sessions(capture: Capture, method: str) -> None:
    answer = await capture.relay.send(method, "/mcp", headers=HERE)
    assert answer.status == 405
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Accept": "text/event-stream"}, 406),
        ({"Accept": "text/html"}, 406),
        ({"Accept": None}, 200),
        ({"Accept": "*/*"}, 200),
        ({"Accept": "text/html, Application/JSON;q=0.5"}, 200),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": None}, 415),
        ({"Content_Type": "application/json; charset=utf-8"}, 200),
        ({"Mcp_Protocol_Version": "1999-01-01"}, 400),
        ({"Mcp_Protocol_Version": "2025-11-25"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://localhost:6274"}, 200),
    ],
)
async def test_headers(capture: Capture, headers: dict[str, str | None], status: int) -> None:
    assert (await post(capture, message("ping"), **headers)).status == status


async def test_elsewhere_than_on_loopback_the_token_is_wanted(tmp_path: Path) -> None:
    options = {"relay": {"host": "0.0.0.0"}, "capture": {"spotlight_port": None, "mcp": True, "token": "s3cret-token"}}
    async with relay(tmp_path / "r", mode="capture", options=options) as one:
        for given, status in ((None, 401), ("Bearer wrong", 401), ("Bearer s3cret-token", 200)):
            answer = await post(Capture(one), message("ping"), Authorization=given)
            assert answer.status == status


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, -32700),
        (b"", 400, -32700),
        (b"5", 400, -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', 400, -32600),
        (b"[]", 400, -32600),
        (json.dumps([message("ping")] * 21).encode(), 400, -32600),
        (json.dumps(message("nope")).encode(), 200, -32601),
        (json.dumps(message("tools/call", name="nope")).encode(), 200, -32602),
    ],
)
async def test_what_is_wrong_is_told_as_json_rpc_tells_it(
    capture: Capture, body: bytes, status: int, code: int
) -> None:
    answer = await post(capture, body)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)  # type: ignore[index]


async def test_a_request_has_a_size(capture: Capture) -> None:
    assert (await post(capture, b" " * (1 << 20) + b"{}")).status == 413
    answer = await capture.relay.send("POST", "/mcp?x=1", b"{}", HERE)
    assert answer.status == 400


async def test_the_older_versions_have_batches(capture: Capture) -> None:
    told: Any = (
        await post(capture, [message("ping", 1), message("nope", "b"), {"jsonrpc": "2.0", "method": "x"}, 5])
    ).json
    assert [(one["id"], "result" in one) for one in told] == [(1, True), ("b", False), (None, False)]
    assert (await post(capture, [{"jsonrpc": "2.0", "method": "x"}])).status == 202
    refused = await post(capture, [message("ping")], Mcp_Protocol_Version="2025-06-18")
    assert (refused.status, refused.json["error"]["code"]) == (400, -32600)  # type: ignore[index]


async def test_a_request_that_stands_by_itself(capture: Capture) -> None:
    meta = {"io.modelcontextprotocol/protocolVersion": SINGLE, "io.modelcontextprotocol/clientCapabilities": {}}
    single = {"Mcp_Protocol_Version": SINGLE, "Mcp_Method": "tools/call", "Mcp_Name": "search"}
    asked = message("tools/call", name="search", arguments={"query": ""}, _meta=meta)
    told: Any = (await post(capture, asked, **single)).json
    assert (told["result"]["resultType"], len(told["result"]["content"])) == ("complete", 1)
    mismatch = await post(capture, asked, **single | {"Mcp_Name": "search_logs"})
    assert (mismatch.status, mismatch.json["error"]["code"]) == (400, -32020)  # type: ignore[index]
    unknown = await post(capture, message("ping", _meta=meta), Mcp_Protocol_Version=SINGLE, Mcp_Method="ping")
    assert (unknown.status, unknown.json["error"]["code"]) == (404, -32601)  # type: ignore[index]
    assert (await post(capture, [asked], **single)).status == 400


async def test_search_errors(capture: Capture) -> None:
    said, newest, plain = await call(capture, "search_errors", filters={"timeWindow": 600})
    assert said == "1 to 2 of 2 errors, newest first."
    assert "ValueError" in newest
    assert "shop/cart.py:3 in pay" in newest
    assert "plain" in plain
    (said, only) = await call(capture, "search_errors", filters={"filename": "cart.py"})
    assert said == "1 to 1 of 1 errors, newest first."
    assert only.split("\n")[0] == newest.split("\n")[0]
    said, second = await call(capture, "search_errors", filters={"limit": 1, "offset": 1})
    assert second == plain


async def test_search_logs(capture: Capture) -> None:
    said, *lines = await call(capture, "search_logs", filters={"limit": 2})
    assert said == "1 to 2 of 3 logs, newest first; the next by offset 2."
    assert [line.split("\n")[0].rpartition(" info ")[2] for line in lines] == ["line 3", "line 2"]
    assert await call(capture, "search_logs", filters={"filename": "none.py"}) == ["No logs match."]


async def test_search_traces(capture: Capture) -> None:
    (said,) = await call(capture, "search_traces")
    assert said.startswith("1 to 2 of 2 traces")
    assert f"- {TRACE}: /pay (http.server), 2000.0 ms, 2 spans, 1 errors, 0 logs, ok" in said
    (said,) = await call(capture, "search_traces", filters={"filename": "cart.py"})
    assert "of 1 traces" in said
    assert TRACE in said


async def test_get_traces(capture: Capture) -> None:
    (said,) = await call(capture, "get_traces", traceId=TRACE[:12])
    assert said.startswith(f"Trace {TRACE}, 2000.0 ms, 2 spans\n\n- /pay, http.server, 2000.0 ms")
    assert "Errors: 1" in said
    (said,) = await call(capture, "get_traces", is_error=True, traceId="abcdef01")
    assert said.startswith("2 traces begin with 'abcdef01'")
    for wrong in (TRACE[:7], "0" * 32):
        (said,) = await call(capture, "get_traces", is_error=True, traceId=wrong)
        assert said.startswith("no such trace")


async def test_get_event(capture: Capture) -> None:
    said, payload = await call(capture, "get_event", id=EVENT)
    assert "### Stack trace" in said
    assert json.loads(payload)["extra"]["mail"] == "[email]"
    (said,) = await call(capture, "get_event", is_error=True, id="nope")
    assert said.startswith("no such record")


async def test_get_scrub_report(capture: Capture) -> None:
    (said,) = await call(capture, "get_scrub_report", id=EVENT)
    assert "- /exception/values/0/value: " in said
    assert "- /extra/mail: replaced by @email" in said


async def test_search(capture: Capture) -> None:
    (said,) = await call(capture, "search", query="tag.area:cart", limit=1)
    assert said.startswith("1 to 1 of 2 records, newest first; the next by offset 1.")
    (said,) = await call(capture, "search", query="has:changes type:error")
    assert said.startswith("1 to 1 of 1 records")
    (said,) = await call(capture, "search", is_error=True, query="levl:error")
    assert "did you mean 'level'" in said


async def test_only_what_is_scrubbed_is_told(capture: Capture) -> None:
    """Originals are kept here, and the name of a member was one."""
    assert (await capture.ask(f"/events/{EVENT}/original")).body.count(MAIL.encode()) > 1
    asked: dict[str, dict[str, object]] = {
        "search_errors": {},
        "search_logs": {},
        "search_traces": {},
        "get_traces": {"traceId": TRACE},
        "get_event": {"id": EVENT},
        "get_scrub_report": {"id": EVENT},
        "search": {"query": ""},
    }
    assert asked.keys() == TOOLS.keys()
    for name, arguments in asked.items():
        said = "\n".join(await call(capture, name, **arguments))
        for secret in (CARD, MAIL, "ana@", "4111"):
            assert secret not in said, name
