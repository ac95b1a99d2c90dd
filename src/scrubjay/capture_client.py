"""A client of the capture API (`capture.md` 9), for the command line and for tests. Of the standard library, so that it starts at once,
and on plain sockets: in an application under test `http.client` may be instrumented, and its own requests would be among what is captured.

Owns requests and what their errors mean. Reading server-sent events is `event_stream`'s, what the documents say the server's, what is done with
them `cli`'s and `testing`'s. Invariants: each request has a connection of its own, so that a client may be used by any number of threads and
leaves nothing open; every request has a time limit.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode, urlsplit

from scrubjay.errors import ScrubjayError
from scrubjay.event_stream import EventStream, Exchange
from scrubjay.hosts import url_host

Json = dict[str, Any]
Filters = Mapping[str, object] | Iterable[tuple[str, object]]
"""Parameters of `capture.md` 9.2. A value may be a list, which repeats the parameter; None leaves it out."""
Export = Literal["json", "markdown", "curl", "envelope", "python"]

BASE: Final = "/api/capture"
SPOTLIGHT_PORT: Final = 8969
DEFAULT_URL: Final = f"http://127.0.0.1:{SPOTLIGHT_PORT}"
MAX_WAIT_S: Final = 60.0
"""The longest that the server waits for one request."""
_HEALTH_S: Final = 1.0
_CHUNK_BYTES: Final = 64 * 1024


class NoAnswer(ScrubjayError):
    """Nobody answers there, or not in HTTP."""


class ApiError(ScrubjayError):
    """The server refuses: `status` and `code` are its own, the text is its message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Health:
    """What answers at an address. `version` is scrubjay's, empty for any other program."""

    powered_by: str
    version: str

    @property
    def is_scrubjay(self) -> bool:
        return bool(self.version)

    @property
    def is_spotlight(self) -> bool:
        """Spotlight's own sidecar: it has `/stream` and no API of ours."""
        return not self.is_scrubjay and "spotlight" in self.powered_by.lower()


class CaptureClient:
    """One sink. Every method raises `NoAnswer` or `ApiError`."""

    def __init__(self, url: str = DEFAULT_URL, *, token: str | None = None, timeout_s: float = 10.0) -> None:
        """`url` is the sink's address, without a path. Raises `ValueError` for what is none."""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"no address such as {DEFAULT_URL}: {url!r}")
        self._host, self.port = parts.hostname, parts.port or 80
        self._authority = f"{url_host(self._host)}:{self.port}"
        self.url = f"http://{self._authority}"
        self._timeout_s = timeout_s
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def health(self) -> Health:
        """Who is there."""
        with self._sent("GET", "/health", timeout_s=_HEALTH_S) as response:
            headers = response.headers
            return Health(headers.get("X-Powered-By", ""), headers.get("X-Scrubjay-Version", ""))

    def status(self) -> Json:
        return self._ask("GET", "/status")

    def events(self, filters: Filters = ()) -> Json:
        """A list: `{"events", "cursor", "more", "matched", "total"}`, newest first."""
        return self._ask("GET", "/events", filters)

    def event(self, record_id: str) -> Json:
        """One record in full, by the id of a record, a capture or an event."""
        return self._ask("GET", f"/events/{_segment(record_id)}")

    def report(self, record_id: str) -> Json:
        """What scrubbing did to it, and what it may have missed."""
        return self._ask("GET", f"/events/{_segment(record_id)}/report")

    def exported(self, record_id: str, form: Export) -> bytes:
        """One record in a form to paste."""
        with self._ok("GET", f"/events/{_segment(record_id)}/export", (("as", form),)) as response:
            return _read(response)

    def attachment(self, record_id: str, number: int) -> bytes:
        with self._ok("GET", f"/events/{_segment(record_id)}/attachments/{number}") as response:
            return _read(response)

    def trace(self, trace_id: str) -> Json:
        """A trace as a tree; 8 digits of its id do."""
        return self._ask("GET", f"/traces/{_segment(trace_id)}")

    def wait(
        self,
        filters: Filters = (),
        *,
        count: int = 1,
        timeout_s: float = 5.0,
        settle_ms: float = 0,
        exactly: bool = False,
    ) -> Json:
        """`{"satisfied", "events", "waited_ms"}` and, where not satisfied, `near_misses`. At most `MAX_WAIT_S` at once."""
        asked = {
            "count": count,
            "timeout": f"{timeout_s:g}",
            "settle": f"{settle_ms:g}",
            "exactly": 1 if exactly else None,
        }
        patience_s = self._timeout_s + timeout_s + settle_ms / 1_000
        return self._ask("GET", "/wait", (*_pairs(filters), *_pairs(asked)), timeout_s=patience_s)

    def expect(self, document: Mapping[str, object]) -> Json:
        """The report of expectations (`capture.md` 9.4), whether they hold or not."""
        within_ms, settle_ms = (document.get(name) for name in ("within_ms", "settle_ms"))
        more_s = sum(ms / 1_000 for ms in (within_ms, settle_ms) if isinstance(ms, int | float))
        return self._ask("POST", "/assert", body=document, timeout_s=self._timeout_s + more_s, also=417)

    def mark(self) -> str:
        """A point in time between what has come and what will: a value for `since`."""
        return str(self._ask("POST", "/marks")["mark"])

    def remove(self, filters: Filters = ()) -> int:
        """Forgets what matches, without filters everything; how many records that were."""
        return int(self._ask("DELETE", "/events", filters)["removed"])

    def export(self, filters: Filters = ()) -> Iterator[bytes]:
        """NDJSON of everything that matches, in pieces."""
        with self._ok("GET", "/export", filters) as response:
            while chunk := _read(response, _CHUNK_BYTES):
                yield chunk

    def load(self, body: bytes) -> Json:
        """Puts in a recording, NDJSON or an envelope."""
        return self._ask("POST", "/import", body=body)

    def rules(self) -> Json:
        return self._ask("GET", "/rules")

    def faults(self, project: str | None = None) -> Json:
        """What misbehaves on purpose (`capture.md` 13); `project`: only for it."""
        return self._ask("GET", "/faults", {"project": project})

    def inject(self, faults: Iterable[Mapping[str, object]], project: str | None = None) -> Json:
        """Puts these faults in place of those that were."""
        return self._ask("PUT", "/faults", {"project": project}, body=list(faults))

    def heal(self, project: str | None = None) -> Json:
        """Removes faults."""
        return self._ask("DELETE", "/faults", {"project": project})

    def stream(self, filters: Filters = (), *, after: str = "", path: str = f"{BASE}/stream") -> EventStream:
        """Server-sent events: what is kept after the message `after`, then what arrives. To be closed, or used as a context."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        exchange = self._open("GET", _target(path, filters), headers=headers)
        try:
            _judge(exchange.response)
        except ScrubjayError:
            exchange.close()
            raise
        return EventStream(exchange)

    def call_tool(self, name: str, arguments: Mapping[str, object]) -> Json:
        """What a tool answers at `/mcp`, which is there if `capture.mcp` is on (`capture.md` 14): a `result` or an `error`."""
        params = {"name": name, "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        with self._sent("POST", "/mcp", json.dumps(message).encode(), headers) as response:
            _judge(response)
            document = self._document(response)
        return document if isinstance(document, dict) else {}

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Sends something in as an SDK does, to a path from the root; the status of the answer."""
        with self._sent("POST", path, body, headers) as response:
            return response.status

    def _ask(
        self,
        method: str,
        path: str,
        filters: Filters = (),
        *,
        body: object = None,
        timeout_s: float | None = None,
        also: int = 200,
    ) -> Json:
        with self._ok(method, path, filters, body=body, timeout_s=timeout_s, also=also) as response:
            document = self._document(response)
        return document if isinstance(document, dict) else {"items": document}

    def _document(self, response: http.client.HTTPResponse) -> Any:
        text = _read(response)
        try:
            return json.loads(text)
        except ValueError as error:
            raise NoAnswer(f"what answers at {self.url} is no capture API: {error}") from None

    @contextmanager
    def _ok(
        self,
        method: str,
        path: str,
        filters: Filters = (),
        *,
        body: object = None,
        timeout_s: float | None = None,
        also: int = 200,
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer of 200, or of `also`."""
        sent, headers = None, {}
        if body is not None:
            is_raw = isinstance(body, bytes)
            sent = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers = {"Content-Type": "application/octet-stream" if is_raw else "application/json"}
        with self._sent(method, _target(BASE + path, filters), sent, headers, timeout_s=timeout_s) as response:
            _judge(response, also)
            yield response

    @contextmanager
    def _sent(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        exchange = self._open(method, target, body, headers, timeout_s=timeout_s)
        try:
            yield exchange.response
        finally:
            exchange.close()

    def _open(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Exchange:
        sent = {"Host": self._authority, **self._headers, **(headers or {}), "Connection": "close"}
        if body is not None or method in ("POST", "PUT"):
            sent["Content-Length"] = str(len(body or b""))
        try:
            connected = socket.create_connection((self._host, self.port), timeout_s or self._timeout_s)
        except OSError as error:
            raise NoAnswer(f"nobody answers at {self.url}: {_words(error)}") from None
        response = http.client.HTTPResponse(connected, method=method)
        exchange = Exchange(connected, response)
        try:
            with suppress(OSError):  # an answer may come before the body is through
                connected.sendall(_head(method, target, sent) + (body or b""))
            response.begin()
        except (OSError, http.client.HTTPException) as error:
            exchange.close()
            raise NoAnswer(f"nobody answers at {self.url}: {_words(error)}") from None
        return exchange

    def __repr__(self) -> str:
        return f"<CaptureClient {self.url}>"


def _head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line break in a header or an address")
    return "\r\n".join((*lines, "", "")).encode()


def _target(path: str, filters: Filters) -> str:
    query = urlencode(_pairs(filters))
    return f"{path}?{query}" if query else path


def _pairs(filters: Filters) -> list[tuple[str, str]]:
    """Parameters as they are written in a query."""
    given = filters.items() if isinstance(filters, Mapping) else filters
    return [
        (name, _text(one))
        for name, value in given
        for one in (value if isinstance(value, list | tuple | set | frozenset) else (value,))
        if one is not None
    ]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _segment(text: str) -> str:
    """One segment of a path; an empty one would name another route."""
    if not text:
        raise ApiError(404, "not_found", "an empty id names nothing")
    return quote(text, safe="")


def _judge(response: http.client.HTTPResponse, also: int = 200) -> None:
    """Raises `ApiError` for anything but 200 and `also`."""
    if response.status in (200, also):
        return
    text = _read(response, _CHUNK_BYTES).decode("utf-8", "replace")
    try:
        error = json.loads(text)["error"]
        code, message = str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        code, message = "", text.strip()[:200] or response.reason
    raise ApiError(response.status, code, message)


def _read(response: http.client.HTTPResponse, most: int | None = None) -> bytes:
    try:
        return response.read(most)
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"the answer breaks off: {_words(error)}") from None


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
