"""What each method is answered with, in versions that begin with a handshake and in those where each request stands by itself."""

from __future__ import annotations

from typing import Any

import pytest

from scrubjay import __version__
from scrubjay.core.capture.mcp.jsonrpc import INVALID_PARAMS, METHOD_NOT_FOUND, Fault, Message
from scrubjay.core.capture.mcp.protocol import (
    HANDSHAKES,
    HEADER_MISMATCH,
    SINGLE,
    UNSUPPORTED_VERSION,
    VERSIONS,
    Call,
    answer,
    version_of,
)
from scrubjay.core.capture.mcp.tools import TOOLS

META = {"io.modelcontextprotocol/protocolVersion": SINGLE, "io.modelcontextprotocol/clientCapabilities": {}}


def asked(method: str, headers: dict[str, str] | None = None, **params: object) -> Any:
    told = answer(Message(1, method, params), headers)
    assert isinstance(told, dict)
    assert (told["jsonrpc"], told["id"]) == ("2.0", 1)
    return told["result"]


def fault(method: str, headers: dict[str, str] | None = None, **params: object) -> Fault:
    with pytest.raises(Fault) as told:
        answer(Message(1, method, params), headers)
    assert told.value.to == 1
    return told.value


def single(method: str, **more: str) -> dict[str, str]:
    return {"Mcp-Protocol-Version": SINGLE, "Mcp-Method": method, **more}


@pytest.mark.parametrize("version", HANDSHAKES)
def test_a_handshake_takes_the_version_that_is_asked_for(version: str) -> None:
    told = asked("initialize", protocolVersion=version, capabilities={}, clientInfo={"name": "x", "version": "1"})
    assert told["protocolVersion"] == version
    assert told["capabilities"] == {"tools": {}}
    assert (told["serverInfo"]["name"], told["serverInfo"]["version"]) == ("scrubjay", __version__)
    assert "never instructions" in told["instructions"]


@pytest.mark.parametrize("version", ["1999-01-01", SINGLE, None, 5])
def test_or_offers_the_newest(version: object) -> None:
    assert asked("initialize", protocolVersion=version)["protocolVersion"] == HANDSHAKES[-1]


def test_ping_and_the_list_of_tools() -> None:
    assert asked("ping") == {}
    told = asked("tools/list")
    assert [tool["name"] for tool in told["tools"]] == list(TOOLS)
    assert set(told) == {"tools"}
    assert fault("tools/list", cursor="2").code == INVALID_PARAMS


def test_calling_a_tool_is_left_to_the_caller() -> None:
    told = answer(Message("a", "tools/call", {"name": "search", "arguments": {"query": "x"}}))
    assert told == Call("a", "search", {"query": "x"}, HANDSHAKES[-1])
    assert told.answer({"content": []}) == {"jsonrpc": "2.0", "id": "a", "result": {"content": []}}
    assert answer(Message(1, "tools/call", {"name": "search"})) == Call(1, "search", {}, HANDSHAKES[-1])


@pytest.mark.parametrize("params", [{}, {"name": "nope"}, {"name": 5}, {"name": "search", "arguments": []}])
def test_calls_that_name_no_tool_or_no_arguments_are_refused(params: dict[str, object]) -> None:
    assert fault("tools/call", **params).code == INVALID_PARAMS


@pytest.mark.parametrize("method", ["resources/list", "server/discover", "", "a" * 500])
def test_other_methods_are_unknown(method: str) -> None:
    told = fault(method)
    assert told.code == METHOD_NOT_FOUND
    assert len(str(told)) < 120


@pytest.mark.parametrize("method", ["notifications/initialized", "notifications/cancelled", "whatever"])
def test_notifications_have_no_answer(method: str) -> None:
    assert answer(Message(None, method)) is None
    assert answer(Message(None, method), single(method)) is None


def test_headers_name_the_version() -> None:
    assert version_of({}) == "2025-03-26"
    assert [version_of({"Mcp-Protocol-Version": version}) for version in VERSIONS] == list(VERSIONS)
    told = fault("ping", {"Mcp-Protocol-Version": "1999-01-01"})
    assert (told.code, told.data) == (UNSUPPORTED_VERSION, {"supported": list(VERSIONS), "requested": "1999-01-01"})


def test_a_request_that_stands_by_itself_discovers_the_server() -> None:
    for headers in (None, single("server/discover")):
        told = asked("server/discover", headers, _meta=META)
        assert (told["supportedVersions"], told["resultType"], told["cacheScope"]) == ([SINGLE], "complete", "private")
        assert told["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "scrubjay"


def test_its_tools_are_the_same() -> None:
    told = asked("tools/list", single("tools/list"), _meta=META)
    assert [tool["name"] for tool in told["tools"]] == list(TOOLS)
    assert (told["resultType"], told["ttlMs"] > 0) == ("complete", True)
    call = answer(
        Message(1, "tools/call", {"name": "search", "_meta": META}), single("tools/call", **{"Mcp-Name": "search"})
    )
    assert isinstance(call, Call)
    assert call.answer({"content": []})["result"]["resultType"] == "complete"  # type: ignore[index]


@pytest.mark.parametrize("method", ["initialize", "ping", "subscriptions/listen"])
def test_what_it_does_not_have(method: str) -> None:
    assert fault(method, single(method), _meta=META).code == METHOD_NOT_FOUND


@pytest.mark.parametrize("meta", [None, 5, {}, {"io.modelcontextprotocol/protocolVersion": SINGLE}])
def test_it_says_what_it_is(meta: object) -> None:
    assert fault("tools/list", single("tools/list"), _meta=meta).code == INVALID_PARAMS


@pytest.mark.parametrize(
    "headers",
    [
        {"Mcp-Protocol-Version": SINGLE},
        single("ping"),
        single("tools/call"),
        single("tools/call", **{"Mcp-Name": "search_logs"}),
        single("tools/call", **{"Mcp-Name": "=?base64?!?="}),
        single("tools/call", **{"Mcp-Name": "=?base64?/w==?="}),
    ],
)
def test_headers_say_what_the_message_says(headers: dict[str, str]) -> None:
    assert fault("tools/call", headers, name="search", _meta=META).code == HEADER_MISMATCH


def test_a_name_may_be_packed() -> None:
    headers = single("tools/call", **{"Mcp-Name": "=?base64?c2VhcmNo?="})
    assert isinstance(answer(Message(1, "tools/call", {"name": "search", "_meta": META}), headers), Call)


@pytest.mark.parametrize(("version", "code"), [("2027-01-01", UNSUPPORTED_VERSION), (5, INVALID_PARAMS)])
def test_a_version_of_the_future_is_told_which_there_are(version: object, code: int) -> None:
    meta = META | {"io.modelcontextprotocol/protocolVersion": version}
    assert fault("tools/list", _meta=meta).code == code
