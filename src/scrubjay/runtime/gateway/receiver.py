"""Batches of another relay, taken once: one answer for each, the same however often it is asked for.

Follows `upstream-and-operations.md` 8.3. Owns what is remembered (batches with their replies, deliveries by their names, those that the
spool held at start among them) and how many batches are worked on at once. What becomes of the records is `passage`'s, bytes on the wire are
`endpoints.batch`'s.

Invariants: what is known as taken is not taken again, and a reply that is given again says what the first one said; no relay can make
another's deliveries known.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final

from scrubjay import reasons
from scrubjay.core.batch_format import Batch, BatchReply, RecordError
from scrubjay.core.envelope import decode_json
from scrubjay.core.pipeline import process
from scrubjay.core.ports import Ports
from scrubjay.core.spool_format import Record
from scrubjay.errors import Unavailable
from scrubjay.runtime.gateway.arrivals import Surroundings, delivery_of, own_name
from scrubjay.runtime.gateway.once import GivenUp, Once
from scrubjay.runtime.gateway.passage import PAUSE_S, TAKEN, Fate, Observer, Passage, Process, refusal
from scrubjay.runtime.gateway.shared import Shared

MAX_BATCHES: Final = 4096
MAX_DELIVERIES: Final = 65_536
_MAX_REPLY_BYTES: Final = 8 * 1024 * 1024
"""Of the replies that are remembered, together."""
_MAX_LIMITS_BYTES: Final = 64 * 1024
"""Of rate limits in a reply: nobody would read one that is longer than senders keep, and without it the batch would come again and again."""
_AT_ONCE: Final = 8
_SURVEY_WAIT_S: Final = 10.0
"""For so long after the start batches wait until it is known what the spool holds; then they are taken all the same."""


class Receiver:
    """Lives as long as the process: what it remembers outlasts reloads. `is_ready`: whether the spool has told what it holds."""

    def __init__(
        self,
        observer: Observer,
        is_ready: Callable[[], bool] = lambda: True,
        shared: Shared | None = None,
        *,
        process: Process = process,
        now_mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._observer = observer
        self._is_ready = is_ready
        self._shared = shared
        self._process = process
        self._now_mono = now_mono
        self._since_mono = now_mono()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._batches: Once[tuple[str, bytes, bytes], BatchReply] = Once(
            MAX_BATCHES, most_bytes=_MAX_REPLY_BYTES, size_of=_size_of, now_mono=now_mono
        )
        self._deliveries: Once[bytes, Fate] = Once(MAX_DELIVERIES, keeps=lambda fate: fate is TAKEN, now_mono=now_mono)

    def found(self, meta: bytes) -> None:
        """The spool held this record when we began: it is not to be taken again."""
        delivery = _delivery(meta)
        if delivery is not None:
            self._deliveries.note(delivery, TAKEN)

    def check_room(self, ports: Ports) -> None:
        """Raises `Unavailable` if no batch can be taken now."""
        if not self._is_ready() and self._now_mono() - self._since_mono < _SURVEY_WAIT_S:
            raise Unavailable(reasons.QUEUE_FAILED, "the spool is being read", retry_after_s=1)
        full = refusal(ports)
        if full is not None:
            raise full

    async def take(self, batch: Batch, contents: bytes, around: Surroundings, ports: Ports) -> BatchReply:
        """Returns when all that was taken is held as durably as configured. `contents` is the `fingerprint` of the records.

        Raises `Unavailable`.
        """
        key = (around.whose, batch.id, contents)
        try:
            reply, _ = await self._batches.run(key, lambda: self._take_new(batch, _name_of(key), around, ports))
        except GivenUp as error:
            raise Unavailable(reasons.QUEUE_FAILED, str(error), retry_after_s=PAUSE_S) from None
        return reply

    async def _take_new(self, batch: Batch, name: bytes, around: Surroundings, ports: Ports) -> BatchReply:
        """By this worker for the first time; others may have been at it."""
        if self._shared is None:
            return (await self._pass(batch, around, ports))[0]
        deliveries = [own_name(_delivery(record.meta), around.whose) for record in batch.records]
        known = await self._shared.claim(name, [delivery for delivery in deliveries if delivery is not None])
        if known.is_claimed:
            raise Unavailable(reasons.QUEUE_FAILED, "another worker is at it", retry_after_s=1)
        if known.reply is not None:
            return BatchReply.decode(known.reply, batch.id, len(batch.records))
        for delivery in known.taken:
            self._deliveries.note(delivery, TAKEN)
        try:
            reply, fates = await self._pass(batch, around, ports)
        except BaseException:
            await self._shared.release(name)
            raise
        taken = [
            delivery for delivery, fate in zip(deliveries, fates, strict=True) if delivery is not None and fate is TAKEN
        ]
        await self._shared.settle(name, reply.encode(), taken)
        return reply

    async def _pass(self, batch: Batch, around: Surroundings, ports: Ports) -> tuple[BatchReply, Sequence[Fate]]:
        passage = Passage(
            self._deliveries, around, ports, self._observer, process=self._process, now_mono=self._now_mono
        )
        async with self._slots:
            await passage.take(batch.records)
        return reply_of(batch.id, passage.fates, passage.limits), passage.fates

    def close(self) -> None:
        if self._shared is not None:
            self._shared.close()

    def __repr__(self) -> str:
        return f"<Receiver batches={self._batches!r} deliveries={self._deliveries!r}>"


def reply_of(batch_id: bytes, fates: Sequence[Fate], limits: Mapping[str, str]) -> BatchReply:
    return BatchReply(
        batch_id,
        [fate.word in ("taken", "known") for fate in fates],
        [fate.word == "dropped" for fate in fates],
        [
            RecordError(index, fate.status, fate.reason, fate.retry_after_s)
            for index, fate in enumerate(fates)
            if fate.word in ("dropped", "later")
        ],
        list(_first_bytes(limits)),
    )


def _first_bytes(limits: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    left_bytes = _MAX_LIMITS_BYTES
    for key, text in limits.items():
        left_bytes -= len(key) + len(text)
        if left_bytes >= 0:
            yield key, text


def fingerprint(records: Sequence[Record]) -> bytes:
    """What a batch holds, by the names of its deliveries: under the same id something else may come, by mistake or on purpose.

    Not by its bytes: `sent_at` is written anew at each attempt. Records without a name stand for themselves.
    """
    digest = sha256()
    for record in records:
        digest.update(_delivery(record.meta) or sha256(record.meta).digest())
    return digest.digest()


def _name_of(key: tuple[str, bytes, bytes]) -> bytes:
    """Of a batch, where many share one memory."""
    sender, batch_id, contents = key
    return batch_id + sha256(sender.encode() + contents).digest()[:16]


def _delivery(meta: bytes) -> bytes | None:
    try:
        facts = decode_json(meta)
    except ValueError:
        return None
    return delivery_of(facts) if isinstance(facts, dict) else None


def _size_of(reply: BatchReply) -> int:
    """About."""
    return 100 * len(reply.errors) + 16 * len(reply.acked) + 200 * (1 + len(reply.rate_limits))
