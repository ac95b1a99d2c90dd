"""What goes for all projects, as the upstream says (`upstream-and-operations.md` 5.6).

Owns asking for it again and again, and how long everybody waits for the first answer. What its members mean is `settings.global_config`'s. An
upstream that is still working it out is asked again, and nothing of its answer is used. Invariant: `on_shared` is called once at the latest
when patience ends, and afterwards only with something new.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from scrubjay.core.relays.config_reply import PATH, ROUTE, read_shared, shared_question
from scrubjay.errors import ScrubjayError
from scrubjay.runtime.forwarding.outage import back_off_s
from scrubjay.runtime.managed.config_fetch import Ask, without_chance
from scrubjay.runtime.tasks import Tasks
from scrubjay.settings.global_config import NOTHING_SHARED, GlobalConfig, read_global
from scrubjay.settings.schema import Settings

Document = Mapping[str, Any]
PATIENCE_S: Final = 30.0
_TOLD_AFTER_S: Final = 35.0
_WHERE: Final = "global configuration of the upstream"


class Observer(Protocol):
    """What is counted and said here; `runtime.telemetry` is the real one."""

    def global_fetched(self, result: str) -> None: ...

    def global_failed(self, detail: str, failing_s: float) -> None: ...

    def project_problem(self, project: str, problem: str, kind: str) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None: ...


@dataclass(frozen=True, slots=True)
class Shared:
    """What goes for all projects. `document`: as it came, None: not known."""

    config: GlobalConfig = NOTHING_SHARED
    document: Document | None = None


class GlobalPoll:
    """Asks from `start` until `stop`."""

    def __init__(
        self,
        settings: Settings,
        ask: Ask,
        observer: Observer,
        on_shared: Callable[[Shared], Awaitable[None]],
        mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self.reconfigure(settings)
        self._ask = ask
        self._observer = observer
        self._on_shared = on_shared
        self._mono = mono
        self._document: Document | None = None
        self._is_settled = False
        self._failures = 0
        self._succeeded_mono = mono()
        self._tasks = Tasks(observer.internal_error)

    def reconfigure(self, settings: Settings) -> None:
        """For questions from now on."""
        self._interval_s = settings.cache.global_config_fetch_interval

    async def start(self, known: Document | None = None) -> None:
        """`known`: what an earlier process knew; it is in force when this returns, and nobody waits."""
        if known is not None:
            await self._settle(known)
        else:
            self._tasks.start("global-patience", self._be_patient())
        self._tasks.start("global-config", self._poll())

    async def stop(self) -> None:
        await self._tasks.stop()

    async def _be_patient(self) -> None:
        await asyncio.sleep(PATIENCE_S)
        if not self._is_settled:
            self._is_settled = True
            await self._on_shared(Shared())

    async def _poll(self) -> None:
        while True:
            await self._look()
            pause_s = self._interval_s
            if not self._is_settled:  # everybody waits for it
                self._failures += 1
                pause_s = min(pause_s, back_off_s(self._failures, pause_s, without_chance))
            await asyncio.sleep(pause_s)

    async def _look(self) -> None:
        try:
            document = read_shared(await self._ask(ROUTE, PATH, shared_question())).document
        except ScrubjayError as error:
            self._observer.global_fetched("failed")
            failing_s = self._mono() - self._succeeded_mono
            if failing_s >= _TOLD_AFTER_S:
                self._observer.global_failed(str(error), failing_s)
            return
        except Exception as error:  # noqa: BLE001  no answer may end the asking
            self._observer.internal_error("global-config", error)
            return
        self._succeeded_mono = self._mono()
        self._observer.global_fetched("pending" if document is None else "ready")
        if document is not None and (document != self._document or not self._is_settled):
            await self._settle(document)

    async def _settle(self, document: Document) -> None:
        try:
            config, problems = read_global(document, _WHERE)
            for problem in problems:
                self._observer.project_problem("all projects", problem, "project")
            self._is_settled = True
            await self._on_shared(Shared(config, document))
            self._document = document
        except Exception as error:  # noqa: BLE001  what one document brings to light must not end the asking
            self._observer.internal_error("global-config", error)

    def __repr__(self) -> str:
        return f"<GlobalPoll {'settled' if self._is_settled else 'waiting'}>"
