"""Which events are of one kind: a hash over what tells kinds apart (`decisions.md` 5.9).

Owns the fingerprint of errors and feedback, and that of logs. It is computed before scrubbing, since scrubbing would make different
kinds look alike; it leaves as eight bytes of BLAKE2b and never in clear. Line numbers, addresses and amounts do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Raw, Struct

from scrubjay.core.items.partial import read
from scrubjay.core.sampling.documents import ErrorException, Members, exceptions_of, open_document, text_of

_MAX_FRAMES: Final = 3
_SEPARATOR: Final = b"\x1f"

_DEFAULT: Final = re.compile(r"\{\{\s*default\s*\}\}")
_VARIABLE: Final = re.compile("[0-9a-fA-F]{8,}|[0-9]+")
_PATH_END: Final = re.compile(r"[^/\\]*\Z")


class _Frames(Struct):
    frames: list[Raw] | None = None


class _Frame(Struct):
    module: Raw = Raw()
    filename: Raw = Raw()
    abs_path: Raw = Raw()
    function: Raw = Raw()
    in_app: Raw = Raw()


_LIST: Final = msgspec.json.Decoder(list[Raw])
_FRAMES: Final = msgspec.json.Decoder(_Frames)
_FRAME: Final = msgspec.json.Decoder(_Frame)


def digest(parts: Iterable[bytes]) -> str:
    """16 hexadecimal digits over the parts."""
    return blake2b(_SEPARATOR.join(parts), digest_size=8).hexdigest()


def fingerprint_of_event(document: Members) -> str:
    """By the fingerprint that was set for it, else the last exception, else the message."""
    given = document.get("fingerprint")
    elements = read(_LIST, given) if given else None
    if not elements:
        return _default(document)
    parts = [_element(element) for element in elements]
    if len(parts) == 1 and parts[0] is None:
        return _default(document)
    return digest((b"f", *(_default(document).encode() if part is None else part for part in parts)))


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


def _default(document: Members) -> str:
    exceptions = exceptions_of(document)
    if exceptions:
        return _of_exception(exceptions[-1])
    return digest((b"m", text_of(document.get("logger")).encode(), _template(_message(document))))


def _of_exception(exception: ErrorException) -> str:
    parts = [b"e", text_of(exception.type).encode()]
    for frame in _telling(exception):
        place = text_of(frame.module) or text_of(frame.filename) or _base_name(text_of(frame.abs_path))
        parts += (place.encode(), text_of(frame.function).encode())
    return digest(parts)


def _telling(exception: ErrorException) -> list[_Frame]:
    """The last frames of the application's own, or of any if none is its own, from the end."""
    stack = read(_FRAMES, exception.stacktrace) if exception.stacktrace else None
    own: list[_Frame] = []
    others: list[_Frame] = []
    for raw in reversed((stack and stack.frames) or ()):
        frame = read(_FRAME, raw)
        if frame is None:
            continue
        if bytes(frame.in_app) == b"true":
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
