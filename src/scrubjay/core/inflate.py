"""Undoing a `Content-Encoding` without being blown up by it.

Owns the four codings of `ingest.md` 4.1. Every decoder is driven in small steps, so a bomb costs no more memory than the limit
allows: `inflate` keeps what it decodes and stops at the limit, `measure` decodes and throws away. A body must end where its
stream ends: what another decoder might read behind the end would travel on unseen. Raises `BadRequest(INVALID_BODY)` and
`TooLarge(REQUEST_TOO_LARGE)`, nothing else.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Final

import brotli  # type: ignore[import-untyped]
import zstandard

from scrubjay import reasons
from scrubjay.errors import BadRequest, TooLarge

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_STEP_BYTES: Final = 65_536
"""Compressed bytes given to zlib and brotli at once; both also bound what they return."""
_PIECE_BYTES: Final = 262_144
_ZSTD_STEP_BYTES: Final = 256
"""zstandard returns all that its input yields: at most 128 KiB for every four bytes, so 8 MiB for a step."""
_MAX_MEMBERS: Final = 1_000
_GZIP_WBITS: Final = 31
_ZLIB_WBITS: Final = 15
_RAW_WBITS: Final = -15


def inflate(
    encoding: str, wire: bytes, limit_bytes: int, dictionary: zstandard.ZstdCompressionDict | None = None
) -> bytes:
    """The decoded body, at most `limit_bytes` of it. `dictionary`: what zstd may have been given."""
    pieces = []
    room = limit_bytes
    for piece in _pieces(encoding, wire, dictionary):
        room -= len(piece)
        if room < 0:
            raise too_large(limit_bytes)
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def measure(
    encoding: str,
    wire: bytes,
    limit_bytes: int,
    see: Callable[[bytes], object] = lambda piece: None,
    dictionary: zstandard.ZstdCompressionDict | None = None,
) -> int:
    """How long the decoded body is; holds one piece at a time, and shows it to `see`."""
    size = 0
    for piece in _pieces(encoding, wire, dictionary):
        size += len(piece)
        if size > limit_bytes:
            raise too_large(limit_bytes)
        see(piece)
    return size


def too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(reasons.REQUEST_TOO_LARGE, "the body is too long", f"the limit is {limit_bytes} bytes")


def _pieces(encoding: str, wire: bytes, dictionary: zstandard.ZstdCompressionDict | None) -> Iterator[bytes]:
    try:
        yield from DECODERS[encoding](wire) if dictionary is None else _zstd(wire, dictionary)
    except (zlib.error, brotli.error, zstandard.ZstdError) as error:
        raise BadRequest(reasons.INVALID_BODY, "the body cannot be decoded", f"{encoding}: {error}") from None


def _invalid(cause: str) -> BadRequest:
    return BadRequest(reasons.INVALID_BODY, "the body cannot be decoded", cause)


def _gzip(wire: bytes) -> Iterator[bytes]:
    """All members, one after the other."""
    end = 0
    for _ in range(_MAX_MEMBERS):
        end = yield from _zlib_stream(wire, end, _GZIP_WBITS)
        if end == len(wire):
            return
    raise _invalid("too many gzip members")


def _deflate(wire: bytes) -> Iterator[bytes]:
    """zlib data, as the coding's definition has it, or the raw deflate that some clients send instead."""
    wrapped = len(wire) >= 2 and wire[0] & 0x0F == 8 and int.from_bytes(wire[:2], "big") % 31 == 0
    end = yield from _zlib_stream(wire, 0, _ZLIB_WBITS if wrapped else _RAW_WBITS)
    if end != len(wire):
        raise _invalid("bytes after the end of the stream")


def _zlib_stream(wire: bytes, start: int, wbits: int) -> Generator[bytes, None, int]:
    """Yields one stream that begins at `start`; returns where it ends."""
    decoder = zlib.decompressobj(wbits)
    view = memoryview(wire)
    for position in range(start, len(wire), _STEP_BYTES):
        step: Buffer = view[position : position + _STEP_BYTES]
        while step and not decoder.eof:
            yield decoder.decompress(step, _PIECE_BYTES)
            step = decoder.unconsumed_tail
        if decoder.eof:
            return min(position + _STEP_BYTES, len(wire)) - len(decoder.unused_data)
    yield decoder.flush()
    if not decoder.eof:
        raise _invalid("the compressed data end too early")
    return len(wire)


def _brotli(wire: bytes) -> Iterator[bytes]:
    decoder = brotli.Decompressor()
    view = memoryview(wire)
    for position in range(0, len(wire), _STEP_BYTES):
        yield decoder.process(view[position : position + _STEP_BYTES], output_buffer_limit=_PIECE_BYTES)
        while not decoder.can_accept_more_data():
            yield decoder.process(b"", output_buffer_limit=_PIECE_BYTES)
    while not decoder.is_finished():
        piece = decoder.process(b"", output_buffer_limit=_PIECE_BYTES)
        if not piece:
            raise _invalid("the compressed data end too early")
        yield piece


def _zstd(wire: bytes, dictionary: zstandard.ZstdCompressionDict | None = None) -> Iterator[bytes]:
    """All frames, one after the other."""
    view = memoryview(wire)
    position = 0
    for _ in range(_MAX_MEMBERS):
        decoder = zstandard.ZstdDecompressor(dict_data=dictionary).decompressobj()
        while not decoder.eof:
            if position >= len(wire):
                raise _invalid("the compressed data end too early")
            yield decoder.decompress(view[position : position + _ZSTD_STEP_BYTES])
            position += _ZSTD_STEP_BYTES
        position = min(position, len(wire)) - len(decoder.unused_data)
        if position == len(wire):
            return
    raise _invalid("too many zstd frames")


DECODERS: Final[dict[str, Callable[[bytes], Iterator[bytes]]]] = {
    "gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
"""By the exact value of `Content-Encoding`."""
