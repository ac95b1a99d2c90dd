"""What was done already is not done again: answers that are remembered for a while, and work that others wait for.

Owns the bounds of remembering: how many, how long, how many bytes. What the keys name (batches, deliveries) and what an answer is, is
the business of those who ask. Invariants: work for one key never runs twice at a time; what failed is forgotten at once; the oldest is
forgotten first, and nothing is remembered that was not done to its end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

KEEP_S: Final = 600.0
"""`upstream-and-operations.md` 8.3."""


class GivenUp(Exception):
    """The work that was waited for has not come to an end, and nobody knows how far it got."""


class Once(Generic[Key, Answer]):
    """`keeps`: whether an answer is final. `size_of`: what an answer weighs towards `most_bytes`."""

    def __init__(
        self,
        most: int,
        *,
        keep_s: float = KEEP_S,
        most_bytes: int | None = None,
        size_of: Callable[[Answer], int] = lambda answer: 0,
        keeps: Callable[[Answer], bool] = lambda answer: True,
        now_mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._keep_s = keep_s
        self._most_bytes = most_bytes
        self._size_of = size_of
        self._keeps = keeps
        self._now_mono = now_mono
        self._done: dict[Key, tuple[float, Answer]] = {}
        self._running: dict[Key, asyncio.Future[Answer]] = {}
        self._size_bytes = 0

    def find(self, key: Key) -> Answer | None:
        """The answer of work that was done."""
        self._forget_old()
        found = self._done.get(key)
        return None if found is None else found[1]

    def note(self, key: Key, answer: Answer) -> None:
        """Remembers an answer. What is known keeps the one it has."""
        if key in self._done:
            return
        self._done[key] = (self._now_mono(), answer)
        self._size_bytes += self._size_of(answer)
        self._forget_old()

    async def run(self, key: Key, work: Callable[[], Awaitable[Answer]]) -> tuple[Answer, bool]:
        """The answer, and whether the work was done now, for this call; else it was done before, or another call is at it.

        Raises what the work raises, and `GivenUp` if the call that is at it ends without an answer.
        """
        known = self.find(key)
        if known is not None:
            return known, False
        running = self._running.get(key)
        if running is not None:
            return await asyncio.shield(running), False
        running = self._running[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await work()
        except BaseException as error:
            running.set_exception(error if isinstance(error, Exception) else GivenUp("ended while it was at work"))
            running.exception()  # mostly nobody waits, which is no mistake
            raise
        else:
            if self._keeps(answer):
                self.note(key, answer)
            running.set_result(answer)
            return answer, True
        finally:
            del self._running[key]

    def _forget_old(self) -> None:
        before_mono = self._now_mono() - self._keep_s
        while self._done:
            key, (noted_mono, answer) = next(iter(self._done.items()))
            too_many = len(self._done) > self._most
            too_much = self._most_bytes is not None and self._size_bytes > self._most_bytes and len(self._done) > 1
            if not too_many and not too_much and noted_mono >= before_mono:
                return
            del self._done[key]
            self._size_bytes -= self._size_of(answer)

    def __len__(self) -> int:
        return len(self._done)

    def __repr__(self) -> str:
        return f"<Once {len(self._done)} done, {len(self._running)} running>"
