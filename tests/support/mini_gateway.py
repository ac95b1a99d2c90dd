"""A gateway that does as it is told: it reads batches, remembers what it answered to each, and misbehaves by a script.

`batch_answers` are given to the next batches, first come first served: an `Answer` instead of a reply, or a function from the batch to
one. What was answered 200 with a sound reply counts as taken, once, whatever comes again under the same id.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from scrubjay.core.batch_format import (
    BATCH_PATH,
    CAPABILITIES_PATH,
    Batch,
    BatchBounds,
    BatchReply,
    Capabilities,
    decode_batch,
)
from scrubjay.core.envelope import decode_json
from support.mini_upstream import Answer, Arrival, MiniUpstream

BatchAnswer = Answer | Callable[[Batch], Answer | BatchReply]


class MiniGateway(MiniUpstream):
    """`said` None: it does not say that it takes batches."""

    def __init__(self, said: Capabilities | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.said: Capabilities | None = said or Capabilities("1", requires_auth=False)
        self.batch_answers: deque[BatchAnswer] = deque()
        self.batch_default: BatchAnswer = taken
        self.batches: list[tuple[Batch, Arrival]] = []
        """Whatever the answer was."""
        self.taken: Counter[str] = Counter()
        """Deliveries, by the name of the event."""
        self._answered: dict[bytes, Answer] = {}
        self.hook = self._on_arrival

    def _on_arrival(self, arrival: Arrival) -> Answer | None:
        if arrival.path == CAPABILITIES_PATH:
            return Answer(404) if self.said is None else Answer(200, {"X-Scrubjay": "1"}, self.said.encode())
        if arrival.path == BATCH_PATH:
            return self._on_batch(arrival)
        if arrival.path.endswith("/envelope/") and arrival.answer is not None and arrival.answer.takes:
            self.taken[arrival.envelope[1][0].payload.decode()[12:-2]] += 1
        return None

    def _on_batch(self, arrival: Arrival) -> Answer:
        batch = decode_batch(arrival.body, BatchBounds())
        self.batches.append((batch, arrival))
        script = self.batch_answers.popleft() if self.batch_answers else self.batch_default
        if isinstance(script, Answer) and script.reset != "after":
            return script
        if batch.id not in self._answered:
            found = taken(batch) if isinstance(script, Answer) else script(batch)
            if isinstance(found, Answer):
                return found
            self.taken.update(name for name, acked in zip(names_in(batch), found.acked, strict=True) if acked)
            self._answered[batch.id] = Answer(200, body=found.encode())
        return script if isinstance(script, Answer) else self._answered[batch.id]

    @property
    def sizes(self) -> list[int]:
        return [len(batch.records) for batch, _ in self.batches]


def taken(batch: Batch) -> BatchReply:
    """All of it."""
    return BatchReply(batch.id, [True] * len(batch.records), [False] * len(batch.records))


def names_in(batch: Batch) -> list[str]:
    """The names of the events, which their deliveries bear."""
    found = []
    for record in batch.records:
        facts = decode_json(record.meta)
        assert isinstance(facts, dict)
        found.append(str(facts["d"]).removeprefix("id-"))
    return found
