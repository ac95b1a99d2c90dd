"""Whether the upstream is a scrubjay that takes batches, and within which bounds (`upstream-and-operations.md` 8.3).

Asks at the start, again when the answer has grown old, and sooner when there is reason to: an answer to an envelope that offers
batches, an outage that is over, a reply to a batch that cannot be read. What batches themselves taught (an encoding that is refused, bounds
that were too wide) is kept for an hour, or until the upstream says something else of itself: what stood in between may be gone again.
Batches are `batch_post`'s.

Invariants: one question at a time; without an answer nothing changes; who was told that it may not send batches does not ask again
for `NEGATIVE_S`, whatever is offered.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from http import HTTPStatus
from typing import Final, Protocol

from zstandard import ZstdCompressionDict, ZstdCompressor, ZstdError

from scrubjay.core.batch_format import CAPABILITIES_PATH, DICTIONARY_PATH, VERSION, Capabilities
from scrubjay.errors import Transient
from scrubjay.runtime.forwarding.http_reply import Reply

NEGATIVE_S: Final = 600.0
POSITIVE_S: Final = 300.0
_LESSON_S: Final = 3600.0
_UNANSWERED_S: Final = 10.0
"""Until the next question, if nobody answered the last."""
_LEAST_S: Final = 10.0
"""Between two questions, whatever gives reason to ask."""

_ENCODINGS: Final = ("zstd", "gzip", "identity")
_ROUTE: Final = "capabilities"
_DICTIONARY_NAME: Final = re.compile(r"[0-9a-f]{16}")
_MOST_DICTIONARIES: Final = 4


class Line(Protocol):
    """The way to the server; `runtime.upstream` is the real one."""

    async def call(
        self, route: str, method: str, path: str, headers: str = "", body: bytes = b"", *, work_s: float = 0.0
    ) -> tuple[Reply, float]: ...


class Observer(Protocol):
    """What is counted and logged of requests; `runtime.telemetry` is the real one."""

    def upstream_request(
        self, result: str, status: int | None, seconds: float, *, route: str = "envelope", detail: str = ""
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Dictionary:
    """What both sides know of what envelopes look like. `name`: 16 hex digits."""

    name: str
    zstd: ZstdCompressionDict


@dataclass(frozen=True, slots=True)
class Offer:
    """What a batch may be: so many records, so many bytes as sent and before compression, in the first of `encodings`."""

    records: int
    wire_bytes: int
    decoded_bytes: int
    encodings: tuple[str, ...] = _ENCODINGS
    dictionary: Dictionary | None = None

    @classmethod
    def of(cls, said: Capabilities, dictionary: Dictionary | None) -> Offer | None:
        """None: there is no encoding or version that both know."""
        encodings = tuple(name for name in _ENCODINGS if name in said.encodings)
        if VERSION not in said.versions or not encodings:
            return None
        return cls(said.max_batch_envelopes, said.max_batch_bytes, said.max_decompressed_bytes, encodings, dictionary)


class Discovery:
    """`offer` is what is known now, None: no batches. `on_change` is called when the upstream said another.

    `can_sign`: without credentials there is no use in asking who insists on signatures. `wants_dictionary`: `http.batch_dict`.
    """

    def __init__(
        self,
        line: Line,
        observer: Observer,
        *,
        can_sign: bool,
        on_change: Callable[[], None],
        wants_dictionary: bool = False,
        now_mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line = line
        self._observer = observer
        self._can_sign = can_sign
        self._on_change = on_change
        self._now_mono = now_mono
        self._said: Capabilities | None = None
        self._asked_mono = float("-inf")
        self._shut_until_mono = float("-inf")
        self._taught_mono = float("inf")
        self._due_mono = float("-inf")
        self._reason_to_ask = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.wants_dictionary = wants_dictionary
        self.offer: Offer | None = None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep_asking(), name="upstream-capabilities")

    def stop(self) -> None:
        """What was known is known no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._forget()

    # What others noticed

    def heard(self) -> None:
        """The upstream offered batches, in an answer to something else."""
        if self.offer is None:
            self.doubt()

    def doubt(self) -> None:
        """It may be another server now. Until it has answered, all stays as it is."""
        now_mono = self._now_mono()
        if now_mono >= self._shut_until_mono and now_mono - self._asked_mono >= _LEAST_S:
            self._due_mono = now_mono
            self._reason_to_ask.set()

    def lost(self) -> None:
        """There is nobody who takes batches any more."""
        self._asked_mono = self._now_mono()
        self._due_mono = self._asked_mono + NEGATIVE_S
        self._forget()

    def refused(self) -> None:
        """Batches are taken, and not from us."""
        self._shut_until_mono = self._due_mono = self._now_mono() + NEGATIVE_S
        self._forget()

    def halve(self) -> None:
        """A batch within the bounds was too large."""
        if self.offer is not None:
            bounds = (self.offer.records, self.offer.wire_bytes, self.offer.decoded_bytes)
            records, wire_bytes, decoded_bytes = (max(1, bound // 2) for bound in bounds)
            self._teach(replace(self.offer, records=records, wire_bytes=wire_bytes, decoded_bytes=decoded_bytes))

    def step_down(self) -> bool:
        """An encoding was refused: the dictionary goes first. False if nothing is left to try."""
        offer = self.offer
        if offer is None:
            return False
        if offer.dictionary is not None:
            self._teach(replace(offer, dictionary=None))
        elif len(offer.encodings) > 1:
            self._teach(replace(offer, encodings=offer.encodings[1:]))
        else:
            return False
        return True

    def _teach(self, offer: Offer) -> None:
        self.offer, self._taught_mono = offer, self._now_mono()

    # Asking

    async def _keep_asking(self) -> None:
        while True:
            self._reason_to_ask.clear()
            left_s = self._due_mono - self._now_mono()
            if left_s <= 0:
                left_s = await self.ask()
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._reason_to_ask.wait()

    async def ask(self) -> float:
        """Once. Returns for how many seconds the answer holds."""
        holds_s = await self._ask()
        self._due_mono = self._now_mono() + holds_s
        return holds_s

    async def _ask(self) -> float:
        self._asked_mono = self._now_mono()
        try:
            reply, took_s = await self._line.call(_ROUTE, "GET", CAPABILITIES_PATH)
        except Transient:
            return _UNANSWERED_S
        passing = reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.status == HTTPStatus.TOO_MANY_REQUESTS
        self._observer.upstream_request("ok", reply.status, took_s, route=_ROUTE)
        if passing and reply.status != HTTPStatus.NOT_IMPLEMENTED:
            return _UNANSWERED_S
        said = _read(reply)
        if said is not None and said.requires_auth and not self._can_sign:
            detail = "it takes batches that are signed, and this relay has no credentials"
            self._observer.upstream_request("unsigned", reply.status, took_s, route=_ROUTE, detail=detail)
            said = None
        if said is None:
            self._forget()
            return NEGATIVE_S
        if said != self._said or self.offer is None or self._now_mono() - self._taught_mono >= _LESSON_S:
            self._learn(said, Offer.of(said, await self._dictionary(said)))
        return POSITIVE_S if self.offer is not None else NEGATIVE_S

    async def _dictionary(self, said: Capabilities) -> Dictionary | None:
        """The first that can be had and is what its name says."""
        if not self.wants_dictionary or "zstd" not in said.encodings:
            return None
        names = [name for name in said.dictionaries if _DICTIONARY_NAME.fullmatch(name)]
        for name in names[:_MOST_DICTIONARIES]:
            with suppress(Transient, ZstdError):
                reply, took_s = await self._line.call(_ROUTE, "GET", DICTIONARY_PATH + name)
                self._observer.upstream_request("ok", reply.status, took_s, route=_ROUTE)
                if reply.status == HTTPStatus.OK and sha256(reply.body).hexdigest().startswith(name):
                    found = ZstdCompressionDict(reply.body)
                    ZstdCompressor(dict_data=found).compress(b"")  # what is damaged shows only in use
                    if found.dict_id():  # frames have to say which one they need
                        return Dictionary(name, found)
        return None

    def _learn(self, said: Capabilities, offer: Offer | None) -> None:
        had, self._said, self.offer = self.offer, said, offer
        self._taught_mono = float("inf")
        if had != offer:
            self._on_change()

    def _forget(self) -> None:
        had, self._said, self.offer = self.offer, None, None
        if had is not None:
            self._on_change()

    def __repr__(self) -> str:
        return f"<Discovery {self.offer!r}>"


def _read(reply: Reply) -> Capabilities | None:
    """None unless a scrubjay speaks."""
    if reply.status != HTTPStatus.OK or "x-scrubjay" not in reply.headers:
        return None
    try:
        return Capabilities.decode(reply.body)
    except ValueError:
        return None
