"""Reading an HTTP/1.1 reply out of bytes as they come (RFC 9112), for `http_client`.

Owns framing (`Content-Length`, chunked, until close), the bounds on what is kept, and whether the connection may be used again. It
is pure: bytes in, a `Reply` out. Header names are lower case; values of a name that came more than once are joined with a comma.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Final, NamedTuple

from scrubjay.core.envelope import decode_json
from scrubjay.runtime.log import of_others

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_KEPT_BYTES: Final = 256 * 1024
"""What is kept of a body: enough for any error text, and for the answer to a batch. The rest is read and forgotten."""
MAX_BODY_BYTES: Final = 20 * 1024 * 1024
"""Where reading on costs more than a new connection (`limits.max_api_payload_size` of the reference)."""

_FORBIDDEN: Final = 403
_NO_BODY: Final = frozenset({204, 304})
_VERSIONS: Final = b"HTTP/1."
_MAX_LINE_BYTES: Final = 4 * 1024
_MAX_DETAIL: Final = 200
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_HEX: Final = re.compile(rb"[0-9a-fA-F]{1,15}")


class BrokenReply(ValueError):
    """The bytes are no HTTP/1.x reply."""


class Reply(NamedTuple):
    """`body` is cut at what was to be kept; `reusable` says whether another request may follow on the connection."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    reusable: bool

    def unpacked(self, most_bytes: int = MAX_KEPT_BYTES) -> bytes:
        """The body without its compression, cut at `most_bytes`; nothing, if it cannot be read."""
        if self.headers.get("content-encoding", "").strip().lower() != "gzip":
            return self.body
        try:
            return zlib.decompressobj(wbits=31).decompress(self.body, most_bytes)
        except zlib.error:
            return b""

    def text(self) -> str:
        """The body as text, whatever of it can be read."""
        return self.unpacked().decode("utf-8", "replace")

    @property
    def says_stop(self) -> bool:
        """Whether the server wants nothing more from this relay (`upstream-and-operations.md` 4.4)."""
        if self.status != _FORBIDDEN:
            return False
        try:
            document = decode_json(self.unpacked())
        except ValueError:
            return False
        return isinstance(document, dict) and document.get("relay") == "stop"

    def detail(self) -> str:
        """What the server said of it, short; for 3xx where it pointed."""
        if 300 <= self.status < 400:
            return f"{self.status} to {self.headers.get('location', '')}"[:_MAX_DETAIL]
        text = self.text()
        try:
            document = decode_json(text.encode())
        except ValueError:
            document = None
        if isinstance(document, dict) and isinstance(document.get("detail"), str):
            text = document["detail"]
        return f"{self.status} {' '.join(of_others(text).split())}".strip()[:_MAX_DETAIL]


# What the bytes to come are. Plain numbers: looking up the members of an enumeration would double the cost of a reply.
_HEAD, _COUNTED, _UNTIL_CLOSE, _CHUNK_SIZE, _CHUNK, _CHUNK_END, _TRAILERS, _NOTHING = range(8)


class ReplyReader:
    """One reply. `feed` returns it once it is whole; bytes behind it make the connection not reusable."""

    __slots__ = (
        "_bodiless",
        "_body",
        "_buffer",
        "_headers",
        "_keeps_bytes",
        "_left",
        "_next",
        "_reusable",
        "_seen_bytes",
        "_status",
    )

    def __init__(self, *, bodiless: bool = False, keeps_bytes: int = MAX_KEPT_BYTES) -> None:
        """`bodiless`: no body follows, whatever the head says (the answer to CONNECT)."""
        self._bodiless = bodiless
        self._keeps_bytes = keeps_bytes
        self._buffer = bytearray()  # its front can be taken off without moving the rest
        self._next = _HEAD
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._seen_bytes = 0
        self._left = 0
        self._reusable = True

    @property
    def started(self) -> bool:
        """Whether the other side said anything at all."""
        return self._next != _HEAD or bool(self._buffer)

    def feed(self, data: bytes) -> Reply | None:
        """Raises `BrokenReply`."""
        self._buffer += data
        while self._step():
            if self._seen_bytes > MAX_BODY_BYTES and self._seen_bytes > self._keeps_bytes:
                return self._reply(reusable=False)
        if self._next != _NOTHING:
            return None
        return self._reply(reusable=self._reusable and not self._buffer)

    def end(self) -> Reply | None:
        """The other side closed. None: it did so in the middle of the reply."""
        return self._reply(reusable=False) if self._next == _UNTIL_CLOSE else None

    def _step(self) -> bool:
        """Takes one piece off the buffer; False if what is there is not enough for one."""
        state = self._next
        if state == _NOTHING:
            return False
        if state in (_COUNTED, _CHUNK):
            return self._read_counted()
        if state == _HEAD:
            return self._read_head()
        if state == _UNTIL_CLOSE:
            data = self._take(len(self._buffer))
            self._keep(data)
            return bool(data)
        return self._read_chunk_line()

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or end > MAX_HEAD_BYTES:
            if len(self._buffer) > MAX_HEAD_BYTES or not _VERSIONS.startswith(bytes(self._buffer[: len(_VERSIONS)])):
                raise BrokenReply("no HTTP reply")
            return False
        first, *lines = self._take(end, 4).decode("latin-1").split("\r\n")
        self._status = _status(first)
        if 100 <= self._status < 200:
            return True  # an interim reply; the real one follows
        headers = self._headers
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise BrokenReply("header line without a colon")
            name, value = name.lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        self._choose_framing(keeps_alive=first.startswith("HTTP/1.1"))
        return True

    def _choose_framing(self, *, keeps_alive: bool) -> None:
        headers = self._headers
        connection = headers.get("connection")
        if connection is not None:
            options = connection.lower()
            keeps_alive = "close" not in options and (keeps_alive or "keep-alive" in options)
        self._reusable = keeps_alive
        length = headers.get("content-length")
        if self._bodiless or self._status in _NO_BODY or length == "0":
            self._next = _NOTHING
        elif "transfer-encoding" in headers:
            chunked = headers["transfer-encoding"].lower().endswith("chunked")
            self._next = _CHUNK_SIZE if chunked else _UNTIL_CLOSE
        elif length is None:
            self._next = _UNTIL_CLOSE
        elif _LENGTH.fullmatch(length):
            self._next = _COUNTED
            self._left = int(length)
        else:
            raise BrokenReply("content length is no number")

    def _read_counted(self) -> bool:
        data = self._take(self._left)
        self._keep(data)
        self._left -= len(data)
        if not self._left:
            self._next = _NOTHING if self._next == _COUNTED else _CHUNK_END
        return bool(data)

    def _read_chunk_line(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > _MAX_LINE_BYTES:
                raise BrokenReply("chunk line too long")
            return False
        line = self._take(end, 2)
        self._seen_bytes += end  # framing is read like a body, and there could be more of it
        if self._next == _CHUNK_SIZE:
            self._left = _chunk_size(line)
            self._next = _CHUNK if self._left else _TRAILERS
        elif self._next == _CHUNK_END:
            if line:
                raise BrokenReply("chunk longer than announced")
            self._next = _CHUNK_SIZE
        elif not line:
            self._next = _NOTHING
        return True

    def _take(self, length: int, end: int = 0) -> bytes:
        """So much off the front of the buffer; what ends it goes too."""
        data = bytes(self._buffer[:length])
        del self._buffer[: length + end]
        return data

    def _keep(self, data: bytes) -> None:
        self._seen_bytes += len(data)
        room = self._keeps_bytes - len(self._body)
        if room > 0:
            self._body += data[:room]

    def _reply(self, *, reusable: bool) -> Reply:
        return Reply(self._status, self._headers, bytes(self._body), reusable)


def _status(line: str) -> int:
    version, _, rest = line.partition(" ")
    code = rest[:3]
    if version not in ("HTTP/1.1", "HTTP/1.0") or not (code.isascii() and code.isdigit() and rest[3:4] in ("", " ")):
        raise BrokenReply("no HTTP reply")
    return int(code)


def _chunk_size(line: bytes) -> int:
    text = line.partition(b";")[0].strip()
    if not _HEX.fullmatch(text):
        raise BrokenReply("chunk size is no number")
    return int(text, 16)
