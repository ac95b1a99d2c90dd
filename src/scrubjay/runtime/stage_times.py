"""How long each stage of the path takes, of one envelope in 64 (`upstream-and-operations.md` 9.7).

Owns the watch: a tally that looks at the clock whenever its stage changes. The path knows nothing of it, and the envelopes that are not
timed pay nothing for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from scrubjay.core.envelope import Envelope
from scrubjay.core.ledger import Account, Book, Ledger, Reports, Tally


class Watch(Protocol):
    """Who hears how long the stages of one envelope took."""

    def stage(self, stage: str, seconds: float) -> None: ...


class Observer(Book, Watch, Protocol):
    """`runtime.telemetry` is the real one."""

    def timing_due(self) -> bool: ...


class TimedLedger(Ledger):
    """A ledger that times the envelopes that its observer picks."""

    def __init__(
        self,
        observer: Observer,
        reports: Reports | None = None,
        *,
        strict: bool = False,
        now_mono: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(observer, reports, strict=strict)
        self._observer = observer
        self._now_mono = now_mono

    def open(self, envelope: Envelope, account: Account) -> Tally:
        if self._observer.timing_due():
            return TimedTally(self, envelope, account, self._observer, self._now_mono)
        return super().open(envelope, account)


class TimedTally(Tally):
    """Tells `watch` of each stage when it ends."""

    __slots__ = ("_now_mono", "_since_mono", "_stage", "_watch")

    def __init__(
        self, ledger: Ledger, envelope: Envelope, account: Account, watch: Watch, now_mono: Callable[[], float]
    ) -> None:
        self._watch = watch
        self._now_mono = now_mono
        self._stage = ""
        self._since_mono = 0.0
        super().__init__(ledger, envelope, account)

    @property
    def stage(self) -> str:
        return self._stage

    @stage.setter
    def stage(self, stage: str) -> None:
        now_mono = self._now_mono()
        if self._stage:
            self._watch.stage(self._stage, now_mono - self._since_mono)
        self._stage = stage
        self._since_mono = now_mono

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, traceback)
        self.stage = ""
