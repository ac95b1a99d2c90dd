"""Messages of JSON-RPC 2.0, as the Model Context Protocol uses them: read from whatever was sent, and answered.

Owns the form of messages, requests, notifications and responses told apart, and the errors. What the methods mean is `protocol`'s.
Everything is refused with a `Fault`, which knows whom it answers; nothing else is raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from scrubjay.core.capture.reading import Json
from scrubjay.core.envelope import decode_json

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603

MAX_BATCH: Final = 20

Id = str | int | float


class Fault(Exception):
    """A message that is answered by an error."""

    def __init__(self, code: int, message: str, *, to: Id | None = None, data: Json | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.to = to
        self.data = data

    def document(self) -> Json:
        error: dict[str, object] = {"code": self.code, "message": str(self)}
        if self.data is not None:
            error["data"] = self.data
        return {"jsonrpc": "2.0", "id": self.to, "error": error}


@dataclass(frozen=True, slots=True)
class Message:
    """A request, or without an id a notification."""

    id: Id | None
    method: str
    params: Json = field(default_factory=dict)


def parse(data: bytes | str) -> object:
    """The JSON of one message or of a batch. Raises `Fault`."""
    try:
        return decode_json(data)
    except ValueError as error:
        raise Fault(PARSE_ERROR, f"no JSON: {error}") from None


def read_message(node: object) -> Message | None:
    """None: a response, for which nobody waits here. Raises `Fault`."""
    if not isinstance(node, Mapping) or node.get("jsonrpc") != "2.0":
        raise Fault(INVALID_REQUEST, "no message of JSON-RPC 2.0")
    if "method" not in node and ("result" in node or "error" in node):
        return None
    sender = node.get("id")
    if "id" in node and not _is_id(sender):
        raise Fault(INVALID_REQUEST, "an id is a text or a number")
    method, params = node.get("method"), node.get("params", {})
    if not isinstance(method, str):
        raise Fault(INVALID_REQUEST, "a method is a text", to=sender)
    if not isinstance(params, Mapping):
        raise Fault(INVALID_PARAMS, "params are an object", to=sender)
    return Message(sender, method, params)


def batch(nodes: Sequence[object]) -> Sequence[object]:
    """Messages that came as one. Raises `Fault`."""
    if not 0 < len(nodes) <= MAX_BATCH:
        raise Fault(INVALID_REQUEST, f"a batch has 1 to {MAX_BATCH} messages")
    return nodes


def answered(to: Id | None, result: Json) -> Json:
    return {"jsonrpc": "2.0", "id": to, "result": result}


def _is_id(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
