"""Questions to the upstream, signed: who we are, what is known of projects, whose key is whose (`upstream-and-operations.md` 5.1, 6.7).

Owns one question and its answer. They go to the upstream in use, on the connections that envelopes have too, but need no permit of theirs and so
never queue behind them. Who asks tries again. Invariants: nobody but the registration itself asks before the upstream knows us; where it
does not want to know us, all others are told so at once; every `ask` ends with the answer or with `QueryFailed`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from scrubjay.core.envelope import decode_json, encode_json
from scrubjay.core.relays.registration import ROUTE
from scrubjay.core.signatures import Signer
from scrubjay.errors import Transient, UpstreamError
from scrubjay.runtime.forwarding.http_reply import Reply
from scrubjay.settings.schema import Settings

_UNAVAILABLE: Final = frozenset({502, 503, 504})
_DENIED: Final = 403
_UNKNOWN: Final = 401


class QueryFailed(UpstreamError):
    """No answer, or none that can be used. `network`: nobody answered, or a proxy whose server did not; `is_stop`: the upstream wants nothing
    from this relay any more (4.4).
    """

    def __init__(self, detail: str, *, status: int | None = None, network: bool = False, is_stop: bool = False) -> None:
        super().__init__(detail, status=status)
        self.network = network
        self.is_stop = is_stop


class Line(Protocol):
    """The way to one server; `runtime.upstream` is the real one."""

    async def call(
        self, route: str, method: str, path: str, headers: str = "", body: bytes = b"", *, keeps_bytes: int = ...
    ) -> tuple[Reply, float]: ...


class Choice(Protocol):
    """Which way is used; `runtime.forwarding.failover` has the real one."""

    active: int

    async def choose(self, avoided: int | None) -> bool: ...


class Observer(Protocol):
    """What is counted and logged of requests; `runtime.telemetry` is the real one."""

    def upstream_request(
        self, result: str, status: int | None, seconds: float, *, route: str = "envelope", detail: str = ""
    ) -> None: ...


class Queries:
    """`lines`: one per upstream, in the order of `choice`."""

    def __init__(
        self,
        lines: Sequence[Line],
        choice: Choice,
        signer: Signer,
        settings: Settings,
        observer: Observer,
        *,
        now_unix: Callable[[], float] = time.time,
        now_mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lines = lines
        self._choice = choice
        self._signer = signer
        self._observer = observer
        self._now_unix = now_unix
        self._now_mono = now_mono
        self._decided = asyncio.Event()
        self._denial = ""
        self._failing_since_mono: float | None = None
        self._is_choosing = False
        self.on_refused: Callable[[QueryFailed], None] = lambda error: None
        """Hears of an answer that says that the upstream does not know us, or wants nothing from us, to anybody but the registration."""
        self.reconfigure(settings)

    def reconfigure(self, settings: Settings) -> None:
        """For questions from now on."""
        self._most_bytes = settings.limits.max_api_payload_size
        self._grace_s = settings.http.outage_grace_period

    # Who may ask

    def admit(self) -> None:
        """The upstream knows us: whoever waits may ask."""
        self._denial = ""
        self._decided.set()

    def withhold(self) -> None:
        """It does not, or not yet: whoever asks waits."""
        self._denial = ""
        self._decided.clear()

    def deny(self, detail: str) -> None:
        """It does not want to: whoever asks is told so."""
        self._denial = detail
        self._decided.set()

    @property
    def is_admitted(self) -> bool:
        return self._decided.is_set() and not self._denial

    @property
    def is_out(self) -> bool:
        """Whether nobody has answered for so long that it is an outage."""
        since_mono = self._failing_since_mono
        return since_mono is not None and self._now_mono() - since_mono >= self._grace_s

    # Asking

    async def ask(self, route: str, path: str, body: object) -> object:
        """The answer to a POST of `body` as JSON, decoded. Waits until the upstream knows us. Raises `QueryFailed`."""
        while not self._decided.is_set():
            await self._decided.wait()
        if self._denial:
            raise QueryFailed(self._denial, status=_DENIED, is_stop=True)
        try:
            return await self._ask(route, path, body)
        except QueryFailed as error:
            if error.is_stop or error.status == _UNKNOWN:
                self.on_refused(error)
            raise

    async def register(self, path: str, body: object) -> object:
        """As `ask`, for the registration itself: at once."""
        return await self._ask(ROUTE, path, body)

    async def _ask(self, route: str, path: str, body: object) -> object:
        data = encode_json(body)
        headers = (
            "Content-Type: application/json\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\n"
            f"Content-Length: {len(data)}\r\n{self._signer.lines(data, self._now_unix())}"
        )
        line = self._lines[self._choice.active]
        try:
            reply, took_s = await line.call(route, "POST", path, headers, data, keeps_bytes=self._most_bytes + 1)
        except Transient as error:
            await self._failed()
            raise QueryFailed(str(error), network=True) from error
        result, answer = self._read(reply)
        detail = str(answer) if isinstance(answer, QueryFailed) else ""
        self._observer.upstream_request(result, reply.status, took_s, route=route, detail=detail)
        if reply.status in _UNAVAILABLE:
            await self._failed()
        else:
            self._failing_since_mono = None
        if isinstance(answer, QueryFailed):
            raise answer
        return answer

    def _read(self, reply: Reply) -> tuple[str, object]:
        """The answer or what is wrong with it, and its name in the metrics."""
        status = reply.status
        if not 200 <= status < 300:
            if status in _UNAVAILABLE:
                return "unavailable", QueryFailed(reply.detail(), status=status, network=True)
            return ("error" if status >= 500 else "refused"), QueryFailed(
                reply.detail(), status=status, is_stop=reply.says_stop
            )
        body = reply.unpacked(self._most_bytes + 1)
        if len(body) > self._most_bytes:
            problem = f"the answer has more than limits.max_api_payload_size, {self._most_bytes} bytes"
            return "error", QueryFailed(problem, status=status)
        try:
            return "ok", decode_json(body)
        except ValueError:
            return "error", QueryFailed("the answer is no JSON", status=status)

    async def _failed(self) -> None:
        """Nobody answered. In an outage another upstream may be there; where nothing is sent, nobody else would notice."""
        if self._failing_since_mono is None:
            self._failing_since_mono = self._now_mono()
        if self.is_out and len(self._lines) > 1 and not self._is_choosing:
            self._is_choosing = True
            try:
                await self._choice.choose(self._choice.active)
            finally:
                self._is_choosing = False

    def __repr__(self) -> str:
        words = "denied" if self._denial else "admitted" if self.is_admitted else "waiting"
        return f"<Queries {words}{' out' if self.is_out else ''}>"
