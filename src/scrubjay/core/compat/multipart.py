"""Form data in parts (RFC 7578), as crash reporters send it: bytes in, parts out.

Ours and not a library's, because bodies are whole and large: payloads are cut out once, and nothing is decoded line by line. Raises
`BadRequest(INVALID_BODY)` for what is no such body.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import collapse_rfc2231_value
from typing import Final

from scrubjay import reasons
from scrubjay.errors import BadRequest

MAX_PARTS: Final = 1_000
_MAX_HEADER_BYTES: Final = 16 * 1024
_MAX_BOUNDARY: Final = 70
"""RFC 2046, 5.1.1."""


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form. A file has a `filename`; absent is None, which empty text is not."""

    name: str | None
    filename: str | None
    content_type: str | None
    payload: bytes


def boundary_of(content_type: str | None) -> bytes | None:
    """What separates the parts; None if the media type is another, or names none."""
    message = Message()
    message["Content-Type"] = (content_type or "").replace("\n", " ").replace("\r", " ")
    if message.get_content_type() != "multipart/form-data":
        return None
    boundary = message.get_boundary("") or ""
    return boundary.encode("utf-8", "replace") if 0 < len(boundary) <= _MAX_BOUNDARY else None


def read_parts(body: bytes, boundary: bytes) -> list[Part]:
    """All parts up to the closing delimiter."""
    delimiter = b"--" + boundary
    position = 0 if body.startswith(delimiter) else body.find(b"\n" + delimiter) + 1
    if not position and not body.startswith(delimiter):
        raise _invalid("no part")
    position += len(delimiter)
    parts: list[Part] = []
    while body[position : position + 2] != b"--":
        if len(parts) >= MAX_PARTS:
            raise _invalid(f"more than {MAX_PARTS} parts")
        start = body.find(b"\n", position) + 1
        blank = body.find(b"\r\n\r\n", start - 2 if start else position, start + _MAX_HEADER_BYTES)
        if not start or blank < 0:
            raise _invalid("a part without headers")
        end = body.find(b"\r\n" + delimiter, blank + 2)
        if end < 0:
            raise _invalid("the last part has no end")
        parts.append(_part(body[start : blank + 2], body[blank + 4 : max(end, blank + 4)]))
        position = end + 2 + len(delimiter)
    return parts


def _part(head: bytes, payload: bytes) -> Part:
    message = BytesHeaderParser().parsebytes(head)
    name = message.get_param("name", header="content-disposition")
    content_type = message.get("Content-Type")
    return Part(
        None if name is None else collapse_rfc2231_value(name),
        message.get_filename(),
        None if content_type is None else str(content_type),
        payload,
    )


def _invalid(cause: str) -> BadRequest:
    return BadRequest(reasons.INVALID_BODY, "the form data cannot be read", cause)
