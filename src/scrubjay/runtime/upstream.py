"""One envelope to the central server, and what its answer means for the parcel.

Owns the request (`upstream-and-operations.md` 6.1), the shift of `sent_at` (6.3), timeouts that grow with size (6.4) and the
classification of answers (6.6). Encodings are `compression`, connections `http_client`; waiting, repeating and booking are `outbox`.

Invariants: each `send` ends by returning (the server took it) or by `Transient`, `Throttled` or `Refused`; it never follows a
redirect; but for the header line, the envelope goes out byte for byte.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

from scrubjay import __version__
from scrubjay.core import hops
from scrubjay.core.envelope import decode_json, rewrite_header, shifted_sent_at
from scrubjay.core.ledger import Parcel
from scrubjay.core.limits import ActiveLimit, limits_of_response, parse_retry_after
from scrubjay.core.reporting import TYPE as REPORT
from scrubjay.core.signatures import Signer
from scrubjay.errors import Refused, Throttled, Transient, UpstreamError
from scrubjay.reasons import UPSTREAM_REJECTED, UPSTREAM_TOO_LARGE
from scrubjay.runtime.forwarding.compression import COMPRESSORS, Ladder, compress_in_thread
from scrubjay.runtime.forwarding.http_client import HttpClient, NoReply
from scrubjay.runtime.forwarding.http_reply import MAX_KEPT_BYTES, Reply

PROBE_PATH: Final = "/api/0/relays/live/"
_LONGEST_TIMEOUT_S: Final = 300
_LONGEST_RETRY_AFTER_S: Final = 600
_LEAST_SHIFT_S: Final = 0.5
"""Servers look at minutes; below this the header keeps the client's own spelling."""
_IN_THREAD_FROM_BYTES: Final = 256 * 1024
_UNAVAILABLE: Final = frozenset({502, 503, 504})
_TRY_AGAIN: Final = frozenset({408, 425})


class Observer(Protocol):
    """What is counted and logged of requests; `runtime.telemetry` is the real one."""

    def upstream_request(
        self, result: str, status: int | None, seconds: float, *, route: str = "envelope", detail: str = ""
    ) -> None: ...

    def upstream_body(self, route: str, size_bytes: int) -> None: ...

    def upstream_refused(self, project_id: int, status: int, detail: str) -> None: ...


@dataclass(frozen=True, slots=True)
class UpstreamOptions:
    """The settings `http.*` and `limits.*` that matter here, in their units."""

    encoding: str = "zstd"
    encoding_fallback: bool = True
    timeout_s: float = 5.0
    min_upload_bytes_per_s: int = 64 * 1024
    host_header: str | None = None
    path_prefix: str = ""
    merges_containers: bool = True
    retries_throttled: bool = False
    drops_ambiguous_counters: bool = False
    instance: str = ""
    """Our name among relays, for parcels that come from ourselves."""
    bare_429_s: int = 60
    longest_limit_s: int = 86_400


class Upstream:
    """`on_limits` hears of limits that an answer puts in force for a parcel's key, `on_denied` of keys, with
    the project that was named, that the server does not know.
    """

    def __init__(
        self,
        client: HttpClient,
        observer: Observer,
        options: UpstreamOptions = UpstreamOptions(),
        *,
        on_limits: Callable[[Parcel, tuple[ActiveLimit, ...]], None] = lambda parcel, limits: None,
        on_denied: Callable[[str, int], None] = lambda key, project_id: None,
        signer: Signer | None = None,
        now_unix: Callable[[], float] = time.time,
        now_mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._observer = observer
        self._on_limits = on_limits
        self._on_denied = on_denied
        self._signer = signer
        self._now_unix = now_unix
        self._now_mono = now_mono
        self._scheme, self._netloc = client.origin.scheme, client.origin.netloc
        self._options = options
        self._ladder = Ladder(options.encoding, fallback=options.encoding_fallback)
        self._host = options.host_header or self._netloc
        self.on_batch_offer: Callable[[], None] = lambda: None
        """Called when an answer says that the server takes batches too (`upstream-and-operations.md` 8.3)."""
        self.on_stop: Callable[[str], None] | None = None
        """Hears that the server wants nothing more from this relay (4.4); None: such an answer is like any other 403."""

    def reconfigure(self, options: UpstreamOptions) -> None:
        """For requests from now on. What was learnt of the server's encodings is kept as long as the wish for one is the same."""
        before, self._options = self._options, options
        self._host = options.host_header or self._netloc
        if (before.encoding, before.encoding_fallback) != (options.encoding, options.encoding_fallback):
            self._ladder = Ladder(options.encoding, fallback=options.encoding_fallback)

    @property
    def merges(self) -> bool:
        """Whether envelopes may share one (`http.merge_containers`)."""
        return self._options.merges_containers

    async def send(self, parcel: Parcel, waited_s: float) -> None:
        """Returns once the server has taken the parcel, which was received `waited_s` seconds ago.

        Raises `Transient` (hold it), `Throttled` (the server counted it; the text is the limit's reason code) or `Refused`.
        """
        body = self.rewritten(parcel, waited_s)
        once = self._options.drops_ambiguous_counters and parcel.only_counts
        encoding: str | None = self._ladder.first(self._now_mono())
        while encoding is not None:
            encoded = await _compress(body, encoding)
            head = self._head(parcel, encoding, len(encoded))
            reply, took_s = await self._request("envelope", head, encoded, once=once)
            tried, encoding = encoding, self._ladder.next(encoding, reply.status)
            if encoding is not None:
                self._observer.upstream_request("encoding", reply.status, took_s, detail=f"{tried} refused")
        if 200 <= reply.status < 300:
            self._ladder.worked(tried, self._now_mono())
            if "x-scrubjay-batch" in reply.headers:
                self.on_batch_offer()
            self._observer.upstream_request("ok", reply.status, took_s)
            self._learn(parcel, reply)
            return
        result, error = self._judge(parcel, reply)
        self._observer.upstream_request(result, reply.status, took_s, detail=str(error))
        if isinstance(error, Refused):
            self._observer.upstream_refused(parcel.project_id, reply.status, str(error))
        raise error

    async def probe(self) -> bool:
        """Asks whether the server is there. Any answer will do but those of a proxy that does not reach it."""
        try:
            reply, took_s = await self.call("probe", "GET", PROBE_PATH)
        except Transient:
            return False
        there = reply.status not in _UNAVAILABLE
        self._observer.upstream_request("ok" if there else "unavailable", reply.status, took_s, route="probe")
        return there

    async def call(
        self,
        route: str,
        method: str,
        path: str,
        headers: str = "",
        body: bytes = b"",
        *,
        work_s: float = 0.0,
        keeps_bytes: int = MAX_KEPT_BYTES,
    ) -> tuple[Reply, float]:
        """Anything but an envelope: the answer, whatever it is, and the seconds it took. Raises `Transient`.

        `headers` are whole lines. The server gets `work_s` more than it has for an envelope. `keeps_bytes`: of the answer's body.
        """
        head = (
            f"{method} {self._client.target(self._options.path_prefix + path)} HTTP/1.1\r\nHost: {self._host}\r\n"
            f"User-Agent: scrubjay/{__version__}\r\n{self._client.proxy_header()}{headers}\r\n"
        )
        return await self._request(route, head.encode("latin-1"), body, work_s=work_s, keeps_bytes=keeps_bytes)

    def came_back(self) -> None:
        """The server was away: what was known of its encodings may not hold for what stands there now."""
        self._ladder.doubt()

    def rewritten(self, parcel: Parcel, waited_s: float) -> bytes:
        """The envelope with the server's own DSN, and with `sent_at` moved so that our delay does not look like a wrong clock."""
        place = f"{self._netloc}{self._options.path_prefix}/{parcel.project_id}"
        changes: dict[str, object] = {"dsn": f"{self._scheme}://{parcel.key}:@{place}"}
        end = parcel.body.find(b"\n")
        line = parcel.body if end < 0 else parcel.body[:end]
        if waited_s >= _LEAST_SHIFT_S and b"sent_at" in line:
            headers = decode_json(line)
            sent_at = headers.get("sent_at") if isinstance(headers, dict) else None
            if isinstance(sent_at, str):
                with suppress(OverflowError):  # a time at the edge of the calendar stays
                    changes["sent_at"] = shifted_sent_at(sent_at, waited_s)
        return rewrite_header(parcel.body, changes)

    def _head(self, parcel: Parcel, encoding: str, length: int) -> bytes:
        client = self._client
        path = f"{self._options.path_prefix}/api/{parcel.project_id}/envelope/"
        head = (
            f"POST {client.target(path)} HTTP/1.1\r\nHost: {self._host}\r\n"
            "Content-Type: application/x-sentry-envelope\r\nAccept-Encoding: gzip\r\n"
            f"Content-Length: {length}\r\n{client.proxy_header()}"
            f"X-Sentry-Auth: Sentry sentry_key={parcel.key}, sentry_version={parcel.version}"
        )
        head += "\r\n" if parcel.client is None else f", sentry_client={_clean(parcel.client)}\r\n"
        if encoding != "identity":
            head += f"Content-Encoding: {encoding}\r\n"
        for name, value in (
            ("X-Forwarded-For", parcel.forwarded_for),
            ("Origin", parcel.origin),
            ("User-Agent", parcel.user_agent),
            (hops.HEADER, parcel.via or self._options.instance or None),
        ):
            if value is not None:
                head += f"{name}: {_clean(value)}\r\n"
        if self._signer is not None:
            head += self._signer.envelope_lines(self._now_unix())
        return f"{head}\r\n".encode("utf-8", "replace")

    async def _request(
        self,
        route: str,
        head: bytes,
        body: bytes,
        *,
        once: bool = False,
        work_s: float = 0.0,
        keeps_bytes: int = MAX_KEPT_BYTES,
    ) -> tuple[Reply, float]:
        started_mono = self._now_mono()
        self._observer.upstream_body(route, len(body))
        try:
            timeout_s = self.timeout_s(len(body)) + work_s
            reply = await self._client.request(head, body, timeout_s, once=once, keeps_bytes=keeps_bytes)
        except NoReply as error:
            took_s = self._now_mono() - started_mono
            self._observer.upstream_request(error.failure, None, took_s, route=route, detail=str(error))
            raise Transient(str(error), ambiguous=error.ambiguous) from error
        return reply, self._now_mono() - started_mono

    def timeout_s(self, body_bytes: int) -> float:
        """Time for the whole exchange; a large body gets the time that a slow line needs for it."""
        options = self._options
        upload_s = math.ceil(body_bytes / options.min_upload_bytes_per_s)
        return min(options.timeout_s + upload_s, max(_LONGEST_TIMEOUT_S, options.timeout_s))

    def _judge(self, parcel: Parcel, reply: Reply) -> tuple[str, UpstreamError]:
        """What an answer other than 2xx means, and its name in the metrics (6.6)."""
        status = reply.status
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return "throttled", self._throttled(parcel, reply)
        passing = self.transient(reply)
        if passing is not None:
            return "unavailable" if passing.network else "error", passing
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            if self.on_stop is not None and reply.says_stop:
                self.on_stop(reply.detail())
                return "refused", Transient(reply.detail(), status=status, network=False)
            self.deny(parcel, status)
        reason = UPSTREAM_TOO_LARGE if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else UPSTREAM_REJECTED
        return "refused", Refused(reply.detail(), reason, status=status)

    def transient(self, reply: Reply) -> Transient | None:
        """What to hold a request for, if the answer is one that may be another later."""
        status, wait_s = reply.status, self.retry_after_s(reply)
        if status in _UNAVAILABLE:
            return Transient(reply.detail(), status=status, retry_after_s=wait_s)
        if status >= 500 or status in _TRY_AGAIN:
            return Transient(reply.detail(), status=status, retry_after_s=wait_s, network=False, capped=status >= 500)
        return None

    def _throttled(self, parcel: Parcel, reply: Reply) -> UpstreamError:
        limits = self._learn(parcel, reply)
        # What a report tells is counted by nobody else, so it waits for the end of the limit (`decisions.md` 8.5).
        is_report = parcel.item_types == (REPORT,)
        if is_report or (self._options.retries_throttled and limits):
            until_mono = max((limit.until_mono for limit in limits), default=None)
            wait_s = None if until_mono is None else max(0.0, until_mono - self._now_mono())
            detail = f"throttled: {limits[0].reason or ''}" if limits else "throttled"
            return Transient(detail, status=429, retry_after_s=wait_s, network=False)
        categories = [category for category, _ in parcel.quantities]
        meant = [limit for limit in limits if any(limit.takes(category) for category in categories)]
        named = next((limit.reason for limit in (*meant, *limits)), "generic")
        return Throttled(named or "", status=429)

    def deny(self, parcel: Parcel, status: int) -> None:
        """The server does not know the parcel's key, or does not serve the project to it: 401 or 403. The latter to what came from some
        page may be about that page alone, and any page may send what its visitors' key allows.
        """
        if status == HTTPStatus.UNAUTHORIZED or parcel.origin is None:
            self._on_denied(parcel.key, parcel.project_id)

    def learn(self, parcel: Parcel, rate_limits: str) -> None:
        """Limits for the parcel's key that came another way than with the answer to it."""
        self._learn(parcel, Reply(HTTPStatus.OK, {"x-sentry-rate-limits": rate_limits}, b"", reusable=True))

    def _learn(self, parcel: Parcel, reply: Reply) -> tuple[ActiveLimit, ...]:
        rate_limits = reply.headers.get("x-sentry-rate-limits")
        if rate_limits is None and reply.status != 429:
            return ()
        limits = limits_of_response(
            reply.status,
            () if rate_limits is None else (rate_limits,),
            reply.headers.get("retry-after"),
            now_mono=self._now_mono(),
            now_unix=self._now_unix(),
            bare_s=self._options.bare_429_s,
            cap_s=self._options.longest_limit_s,
        )
        if limits:
            self._on_limits(parcel, limits)
        return limits

    def retry_after_s(self, reply: Reply) -> float | None:
        text = reply.headers.get("retry-after")
        seconds = None if text is None else parse_retry_after(text, self._now_unix())
        return None if seconds is None else float(min(seconds, _LONGEST_RETRY_AFTER_S))

    def close(self) -> None:
        self._client.close()

    def __repr__(self) -> str:
        return f"<Upstream {self._client.origin} {self._ladder!r}>"


async def _compress(body: bytes, encoding: str) -> bytes:
    if len(body) < _IN_THREAD_FROM_BYTES:
        return COMPRESSORS[encoding](body)
    return await asyncio.get_running_loop().run_in_executor(None, compress_in_thread, body, encoding)


def _clean(value: str) -> str:
    """A client's text as a header value: it cannot end the line."""
    return value if value.isprintable() else "".join(char if char.isprintable() else " " for char in value)
