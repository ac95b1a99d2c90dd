"""Which events are of one kind: a hash over what tells kinds apart (`decisions.md` 5.9).

Owns the fingerprint of errors and feedback, and that of logs. It is computed before scrubbing, since scrubbing would make different
kinds look alike; it leaves as eight bytes of BLAKE2b and never in clear. Line numbers, addresses and amounts do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from scrubjay.core.items.partial import read
from scrubjay.core.sampling.documents import ErrorException, Members, open_document, text_of

_MAX_FRAMES: Final = 3
_SEPARATOR: Final = b"\x1f"

_DEFAULT: Final = re.compile(r"\{\{\s*default\s*\}\}")
_VARIABLE: Final = re.compile("[0-9a-fA-F]{8,}|[0-9]+")
_PATH_END: Final = re.compile(r"[^/\\]*\Z")


class _Frame(Struct):
    """Members may be of any type."""

    module: Any = None
    filename: Any = None
    abs_path: Any = None
    function: Any = None
    in_app: Any = None


class _Frames(Struct):
    frames: list[_Frame | None] | None = None


_LIST: Final = msgspec.json.Decoder(list[Raw])
_FRAMES: Final = msgspec.json.Decoder(_Frames)


def digest(parts: Iterable[bytes]) -> str:
    """16 hexadecimal digits over the parts."""
    return blake2b(_SEPARATOR.join(parts), digest_size=8).hexdigest()


def fingerprint_of_event(document: Members, exceptions: Sequence[ErrorException]) -> str:
    """By the fingerprint that was set for it, else the last of its exceptions, else the message."""
    given = document.get("fingerprint")
    elements = read(_LIST, given) if given else None
    if not elements:
        return _default(document, exceptions)
    parts = [_element(element) for element in elements]
    if len(parts) == 1 and parts[0] is None:
        return _default(document, exceptions)
    default = _default(document, exceptions).encode() if None in parts else b""
    return digest((b"f", *(default if part is None else part for part in parts)))


def fingerprint_of_log(document: Members) -> str:
    """By the template of its message if its maker sent one, else by the message itself."""
    attributes = open_document(document["attributes"]) if "attributes" in document else None
    template = (attributes or {}).get("sentry.message.template")
    value = open_document(template) if template is not None else None
    message = text_of((value or {}).get("value")) or text_of(document.get("body"))
    return digest((b"m", b"", _template(message)))


def _element(raw: Raw) -> bytes | None:
    """None stands for the default. What is no text counts as it is written."""
    text = text_of(raw)
    if not text:
        return b"" if bytes(raw) == b'""' else bytes(raw)
    return None if _DEFAULT.fullmatch(text) else text.encode()


def _default(document: Members, exceptions: Sequence[ErrorException]) -> str:
    if exceptions:
        return _of_exception(exceptions[-1])
    return digest((b"m", text_of(document.get("logger")).encode(), _template(_message(document))))


def _of_exception(exception: ErrorException) -> str:
    parts = [b"e", _text(exception.type).encode()]
    for frame in _telling(exception):
        place = _text(frame.module) or _text(frame.filename) or _base_name(_text(frame.abs_path))
        parts += (place.encode(), _text(frame.function).encode())
    return digest(parts)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _telling(exception: ErrorException) -> list[_Frame]:
    """The last frames of the application's own, or of any if none is its own, from the end. A stack of anything else has none."""
    stack = read(_FRAMES, exception.stacktrace) if exception.stacktrace else None
    own: list[_Frame] = []
    others: list[_Frame] = []
    for frame in reversed((stack and stack.frames) or ()):
        if frame is None:
            continue
        if frame.in_app is True:
            own.append(frame)
            if len(own) == _MAX_FRAMES:
                break
        elif not own and len(others) < _MAX_FRAMES:
            others.append(frame)
    return own or others


def _base_name(path: str) -> str:
    found = _PATH_END.search(path)
    assert found is not None
    return found[0]


def _message(document: Members) -> str:
    """The template of the message rather than the message."""
    entry = open_document(document["logentry"]) if "logentry" in document else None
    if entry is not None:
        message = text_of(entry.get("message")) or text_of(entry.get("formatted"))
        if message:
            return message
    return text_of(document.get("message"))


def _template(message: str) -> bytes:
    return _VARIABLE.sub("#", message).encode()
