"""Messages are read from whatever was sent; what is none is refused with whom it answers."""

from __future__ import annotations

import pytest

from scrubjay.core.capture.mcp.jsonrpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    MAX_BATCH,
    PARSE_ERROR,
    Fault,
    Message,
    answered,
    batch,
    parse,
    read_message,
)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"NaN", b'{"a":1} x', b"[" * 100_000])
def test_what_is_no_json_is_a_parse_error(body: bytes) -> None:
    with pytest.raises(Fault) as told:
        parse(body)
    assert told.value.document()["error"]["code"] == PARSE_ERROR  # type: ignore[index]
    assert told.value.document()["id"] is None


@pytest.mark.parametrize("sender", ["a", 7, 1.5, ""])
def test_a_request_has_an_id(sender: object) -> None:
    message = read_message(parse('{"jsonrpc":"2.0","id":%s,"method":"ping"}' % repr(sender).replace("'", '"')))
    assert message == Message(sender, "ping", {})  # type: ignore[arg-type]


def test_a_notification_has_none() -> None:
    assert read_message({"jsonrpc": "2.0", "method": "x", "params": {"a": 1}}) == Message(None, "x", {"a": 1})


@pytest.mark.parametrize("outcome", ["result", "error"])
def test_a_response_is_nothing_to_be_answered(outcome: str) -> None:
    assert read_message({"jsonrpc": "2.0", "id": 1, outcome: {}}) is None


@pytest.mark.parametrize(
    ("node", "code", "to"),
    [
        (None, INVALID_REQUEST, None),
        ([], INVALID_REQUEST, None),
        ({}, INVALID_REQUEST, None),
        ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, INVALID_REQUEST, None),
        ({"jsonrpc": "2.0", "id": 1}, INVALID_REQUEST, 1),
        ({"jsonrpc": "2.0", "id": 1, "method": 5}, INVALID_REQUEST, 1),
        ({"jsonrpc": "2.0", "id": None, "method": "ping"}, INVALID_REQUEST, None),
        ({"jsonrpc": "2.0", "id": True, "method": "ping"}, INVALID_REQUEST, None),
        ({"jsonrpc": "2.0", "id": {}, "method": "ping"}, INVALID_REQUEST, None),
        ({"jsonrpc": "2.0", "id": "a", "method": "ping", "params": [1]}, INVALID_PARAMS, "a"),
        ({"jsonrpc": "2.0", "id": "a", "method": "ping", "params": None}, INVALID_PARAMS, "a"),
    ],
)
def test_what_is_no_message_is_refused(node: object, code: int, to: object) -> None:
    with pytest.raises(Fault) as told:
        read_message(node)
    assert (told.value.code, told.value.to) == (code, to)


def test_a_batch_has_bounds() -> None:
    assert batch([1, 2]) == [1, 2]
    for wrong in ([], [0] * (MAX_BATCH + 1)):
        with pytest.raises(Fault, match="1 to 20"):
            batch(wrong)


def test_the_forms_of_answers() -> None:
    assert answered(3, {"a": 1}) == {"jsonrpc": "2.0", "id": 3, "result": {"a": 1}}
    fault = Fault(-1, "no", to="x", data={"why": 1})
    assert fault.document() == {"jsonrpc": "2.0", "id": "x", "error": {"code": -1, "message": "no", "data": {"why": 1}}}
