"""The dynamic sampling context: what the head of a trace says of it, in the envelope header `trace` (`decisions.md` 5.5).

Owns its reading, its writing, and making one from a transaction. Reading never raises: a context that is not valid is none, and its header
is left as it came. What is not known is kept. When one is replaced or removed is `dynamic`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Final

import msgspec
from msgspec import Raw, Struct

from scrubjay.core.envelope import decode_json, encode_json
from scrubjay.core.items.partial import Payload, read
from scrubjay.core.sampling.unit import uuid_digits

_TEXTS: Final = ("release", "environment", "transaction")
_USER: Final = ("user_id", "user_segment")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """`members` is all but the first three, as it is written; a rate or a name that was not given is not in it.

    `unwritten` is what rules see beside it: a user out of a payload, whom scrubbing may take from there, must not leave in a header.
    """

    trace_id: str
    public_key: str
    sample_rate: float | None = None
    members: Mapping[str, object] = field(default_factory=dict)
    unwritten: Mapping[str, object] = field(default_factory=dict)

    @property
    def seen(self) -> Mapping[str, object]:
        """What rules see."""
        return {**self.members, **self.unwritten} if self.unwritten else self.members

    @property
    def sample_rand(self) -> float | None:
        """The number in [0, 1) that the head of the trace decided by; None if it says none that can be used."""
        try:
            number = _number(self.members.get("sample_rand"))
        except ValueError:
            return None
        return number if number is not None and 0 <= number < 1 else None

    def sampled_at(self, rate: float) -> TraceContext:
        return replace(self, sample_rate=rate)

    def header(self) -> dict[str, object]:
        """As it is written: the rate is a text, in its shortest form."""
        header: dict[str, object] = {"trace_id": self.trace_id, "public_key": self.public_key, **self.members}
        if self.sample_rate is not None:
            header["sample_rate"] = encode_json(self.sample_rate).decode()
        return header


def read_context(header: object) -> TraceContext | None:
    """The value of the envelope header; None if it is missing or not valid."""
    if not isinstance(header, Mapping):
        return None
    trace_id, public_key = uuid_digits(header.get("trace_id")), header.get("public_key")
    if trace_id is None or not isinstance(public_key, str) or uuid_digits(public_key) != public_key:
        return None
    members = {
        name: value
        for name, value in header.items()
        if name not in ("trace_id", "public_key", "sample_rate", "sampled")
    }
    try:
        rate = _number(header.get("sample_rate"))
        sampled = _flag(header.get("sampled"))
        _normalise(members)
    except ValueError:
        return None
    if rate is not None and rate < 0:
        return None
    if sampled is not None:
        members["sampled"] = sampled
    return TraceContext(trace_id.lower(), public_key, rate, members)


def trace_key(headers: Mapping[str, object]) -> str | None:
    """The key of the project at the head of the trace, from the headers of an envelope; whether the context is valid is not looked at."""
    context = headers.get("trace")
    key = context.get("public_key") if isinstance(context, Mapping) else None
    return key if isinstance(key, str) else None


def _normalise(members: dict[str, object]) -> None:
    """Known names in the form that they are written in. Raises `ValueError`."""
    if "segment_name" in members:
        name = members.pop("segment_name")
        if members.get("transaction") is None:
            members["transaction"] = name
    for name in _TEXTS:
        if name in members and _text(members[name]) is None:
            del members[name]
    user = {name: text for name in _USER if (text := _text(members.pop(name, None)))}
    nested = members.pop("user", None)
    if not user and isinstance(nested, Mapping):
        texts = (("user_id", nested.get("id")), ("user_segment", nested.get("segment")))
        user = {name: text for name, text in texts if isinstance(text, str) and text}
    members |= user
    if "replay_id" in members:
        replay_id = members.pop("replay_id")
        if replay_id is not None:
            digits = uuid_digits(replay_id)
            if digits is None:
                raise ValueError("replay_id is no id")
            members["replay_id"] = digits.lower()


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError("no text")


def _flag(value: object) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value)
    if value is None or isinstance(value, bool):
        return value
    raise ValueError("neither true nor false")


def _number(value: object) -> float | None:
    """A number, or a text that is one in JSON. Raises `ValueError`."""
    if isinstance(value, str):
        value = decode_json(value)
        if value is None:
            raise ValueError("no number")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("no number")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("no number") from None
    if not isfinite(number):
        raise ValueError("no number")
    return number


# From a transaction


class _Trace(Struct):
    trace_id: Raw = Raw()


class _Contexts(Struct):
    trace: _Trace | None = None


class _User(Struct):
    id: Raw = Raw()
    segment: Raw = Raw()


class _Transaction(Struct):
    contexts: _Contexts | None = None
    release: Raw = Raw()
    environment: Raw = Raw()
    transaction: Raw = Raw()
    user: Raw = Raw()


_TRANSACTION: Final = msgspec.json.Decoder(_Transaction)
_OF_USER: Final = msgspec.json.Decoder(_User)
_SCALAR: Final = msgspec.json.Decoder(str | int)
_TRACE_OF_SPAN: Final = msgspec.json.Decoder(_Trace)


def context_of(transaction: Payload, public_key: str, sample_rate: float | None) -> TraceContext | None:
    """The context that a transaction itself would begin; None if it names no trace.

    The rate is what the client really sampled at, wherever the trace began: it is handed on.
    """
    document = read(_TRANSACTION, transaction)
    if document is None or document.contexts is None or document.contexts.trace is None:
        return None
    trace_id = uuid_digits(_scalar(document.contexts.trace.trace_id))
    if trace_id is None:
        return None
    user = (read(_OF_USER, document.user) if document.user else None) or _User()
    members = _filled(release=document.release, environment=document.environment, transaction=document.transaction)
    return TraceContext(
        trace_id.lower(), public_key, sample_rate, members, _filled(user_id=user.id, user_segment=user.segment)
    )


def trace_of_span(record: Payload) -> str | None:
    """The trace that a span says it belongs to."""
    span = read(_TRACE_OF_SPAN, record)
    digits = None if span is None else uuid_digits(_scalar(span.trace_id))
    return None if digits is None else digits.lower()


def _filled(**found: Raw) -> dict[str, object]:
    texts = {name: _scalar(raw) for name, raw in found.items()}
    return {name: text for name, text in texts.items() if text}


def _scalar(raw: Raw) -> str | None:
    """A text; ids may be written as numbers."""
    value = read(_SCALAR, raw) if raw else None
    return None if value is None else str(value)
