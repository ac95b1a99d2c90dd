"""What the upstream sent becomes plans: one at a time, in a thread.

Owns the order of compiling, and that always the newest settings, overlays and shared configuration are used (`upstream-and-operations.md` 2.8,
5.4). What a document means is `settings.fetched`'s, what a plan is `core.plan`'s, what becomes of it `fetched`'s.

Invariants: no two plans are compiled at once, since they share their programs; a document that nobody can use, or that finds a bug, costs no
other; a plan is handed over only if the sources have not changed while it was compiled.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from scrubjay.core.plan import Programs, ProjectPlan, compile_plan, revision_of
from scrubjay.core.scrub.builtin_rules import BUILTIN_RULES, FURTHER_RULES
from scrubjay.errors import ConfigError
from scrubjay.runtime.tasks import Tasks
from scrubjay.settings.fetched import overlaid, read_fetched
from scrubjay.settings.global_config import NOTHING_SHARED, GlobalConfig
from scrubjay.settings.schema import Settings

Document = Mapping[str, Any]
_BUILT_IN: Final = frozenset((*BUILTIN_RULES, *FURTHER_RULES))


@dataclass(frozen=True, slots=True)
class Sources:
    """What goes into a plan beside the document. `overlays`: key → what the operator lays over it."""

    settings: Settings
    overlays: Mapping[str, Document] = field(default_factory=dict)
    shared: GlobalConfig = NOTHING_SHARED

    def whole(self, key: str, document: Document) -> Document:
        """The document with what lies over it. Raises `ConfigError`."""
        overlay = self.overlays.get(key)
        return document if overlay is None else overlaid(document, overlay, _BUILT_IN)


Compile = Callable[[Sources, str, Document, ProjectPlan | None], ProjectPlan]
"""(sources, key, document, the plan it may be already) → plan. Raises `ConfigError`."""


class PlanCompiler:
    """The ordinary `Compile`."""

    def __init__(self, mono: Callable[[], float] = time.monotonic) -> None:
        self._programs = Programs(mono)

    def __call__(self, sources: Sources, key: str, document: Document, predecessor: ProjectPlan | None) -> ProjectPlan:
        project, problems = read_fetched(sources.whole(key, document), key)
        revision = revision_of(project, sources.settings, sources.shared)
        if predecessor is not None and predecessor.revision == revision:
            return predecessor
        plan = compile_plan(project, sources.settings, self._programs, sources.shared)
        return replace(plan, problems=(*problems, *plan.problems)) if problems else plan


class Observer(Protocol):
    """What is said here; `runtime.telemetry` is the real one."""

    def config_unreadable(self, key: str, problem: str) -> None: ...

    def project_problem(self, project: str, problem: str, kind: str) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None: ...


@dataclass(frozen=True, slots=True)
class _Job:
    document: Document
    predecessor: ProjectPlan | None
    done: Callable[[ProjectPlan | None], None]


class CompileLane:
    """Works while there is anything to do. `sources` may be exchanged at any time."""

    def __init__(
        self,
        sources: Sources,
        compile_: Compile,
        observer: Observer,
        in_thread: Callable[..., Awaitable[ProjectPlan]] = asyncio.to_thread,
    ) -> None:
        self.sources = sources
        self._compile = compile_
        self._observer = observer
        self._in_thread = in_thread
        self._jobs: dict[str, _Job] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._tasks = Tasks(observer.internal_error)

    def submit(
        self,
        key: str,
        document: Document,
        predecessor: ProjectPlan | None,
        done: Callable[[ProjectPlan | None], None],
    ) -> None:
        """`done` gets the plan, or None if there is none, which was said by then. What was submitted for the key before and has not begun is forgotten."""
        self._jobs[key] = _Job(document, predecessor, done)
        if self._idle.is_set():
            self._idle.clear()
            self._tasks.start("config-compile", self._work())

    def has(self, key: str) -> bool:
        """Whether something was submitted for the key that has not begun."""
        return key in self._jobs

    async def idle(self) -> None:
        """Returns when nothing is left to do."""
        await self._idle.wait()

    async def stop(self) -> None:
        self._jobs.clear()
        await self._tasks.stop()

    async def _work(self) -> None:
        try:
            while self._jobs:
                key = next(iter(self._jobs))
                job = self._jobs.pop(key)
                job.done(await self._plan(key, job))
        finally:
            self._idle.set()

    async def _plan(self, key: str, job: _Job) -> ProjectPlan | None:
        while True:
            sources = self.sources
            try:
                plan = await self._in_thread(self._compile, sources, key, job.document, job.predecessor)
            except (ConfigError, RecursionError) as error:
                self._observer.config_unreadable(key, str(error))
                return None
            except Exception as error:  # noqa: BLE001  what one document brings to light must not cost the others their plans
                self._observer.internal_error("config-compile", error)
                return None
            if sources is self.sources:
                break
        if plan is not job.predecessor:
            for problem in plan.problems:
                self._observer.project_problem(f"project {plan.project_id}", problem.text, problem.kind)
        return plan

    def __repr__(self) -> str:
        return f"<CompileLane {len(self._jobs)} wait>"
