"""Signatures of requests to another relay, and how long making them takes: the core that makes them has no clock."""

from __future__ import annotations

import time
from typing import Protocol

from scrubjay.core.signatures import Signer


class Observer(Protocol):
    """`runtime.telemetry` is the real one."""

    def signed(self, seconds: float) -> None: ...


class TimedSigner(Signer):
    """Tells `observer` of each signature."""

    def __init__(self, relay_id: str, secret_key: str, observer: Observer) -> None:
        super().__init__(relay_id, secret_key)
        self._observer = observer

    def lines(self, data: bytes, now_unix: float) -> str:
        started_mono = time.perf_counter()
        made = super().lines(data, now_unix)
        self._observer.signed(time.perf_counter() - started_mono)
        return made
