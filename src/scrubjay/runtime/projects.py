"""The table of plans: which plan a key has now.

Owns the plans in force, the keys that the upstream denied for a while, and the swap at a reload. Reading files is
`settings.project_files`', compiling is `core.plan`'s. Invariants: `find` is one or two look-ups; a swap replaces the whole table at
once, so that a request sees one generation; a plan that does not compile leaves its predecessor in force; at the first load it
is an error, so that nothing starts under a plan other than the written one.

In mode `managed` the table has the keys of local files alone, and all others are pending here: `managed.fetched` says what they have. So without
it, or before it knows, nothing leaves under them. For all keys goes then what the upstream says goes for all projects (5.6), as soon as it is known.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from cachetools import TTLCache

from scrubjay.core.limits import Scoping
from scrubjay.core.plan import PENDING, Programs, ProjectPlan, compile_plan, pass_plan, revision_of
from scrubjay.core.relays.config_reply import DISABLED, WAITING, Enabled, State
from scrubjay.core.relays.limited import of_file
from scrubjay.errors import ConfigError
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.settings.global_config import GlobalConfig
from scrubjay.settings.project import Problem, ProjectConfig
from scrubjay.settings.project_files import ProjectSet
from scrubjay.settings.schema import Settings

DENIED = ProjectPlan(revision="denied", disabled=True)
"""For keys whose plan cannot be used: they are refused, never served by another's plan."""

_MAX_DENIED = 10_000
_NUMBERED_S = 1.0
"""Time between two looks at which project each fetched key is of."""


class Fetched(Protocol):
    """What the upstream configures; `runtime.managed.fetched` is the real one."""

    shared_document: Mapping[str, Any] | None

    def find(self, key: str) -> ProjectPlan: ...

    def peek(self, key: str) -> ProjectPlan: ...

    def upstream_of(self, key: str) -> str | None: ...

    def document_of(self, key: str) -> State: ...

    def plans(self) -> Iterable[tuple[str, ProjectPlan]]: ...


@dataclass(frozen=True, slots=True)
class _Table:
    """One generation. `fallback` serves keys without a plan of their own; None: they are refused."""

    by_key: Mapping[str, ProjectPlan] = field(default_factory=dict)
    fallback: ProjectPlan | None = None
    has_default: bool = False
    keys: Mapping[tuple[int, int | None], str] = field(default_factory=dict)
    """Of each project those that it takes, by number; under None its first."""
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the plans were compiled from."""
    shared: Mapping[str, Any] = field(default_factory=dict)
    switched_off: frozenset[str] = frozenset()
    """Keys that the operator refuses, whatever the upstream says of them."""
    diverts: bool = False
    """Whether a project names an upstream of its own."""
    states: dict[str, State] = field(default_factory=dict)
    """What relays behind us are told of a key, as soon as one has asked."""

    def left_out(self) -> set[tuple[int | None, Problem]]:
        """Parts that are not in the plan of a project; several keys of it have the same."""
        plans = (*self.by_key.values(), *((self.fallback,) if self.fallback else ()))
        return {(plan.project_id, problem) for plan in plans for problem in plan.problems}


@dataclass(slots=True)
class _Generation:
    """What compiling gave. `unusable`: (file or project, why it has no new plan); `left_out`: (project, part that is not in its plan)."""

    table: _Table = _Table()
    unusable: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[tuple[str, Problem]] = field(default_factory=list)


class Projects:
    """Raises `ConfigError` when built from projects that cannot all be used. `fetched`: set in mode `managed`."""

    fetched: Fetched | None = None

    def __init__(
        self, settings: Settings, projects: ProjectSet, telemetry: Telemetry, mono: Callable[[], float]
    ) -> None:
        if projects.problems:
            raise ConfigError(projects.problems[0])
        self._telemetry = telemetry
        self._mono = mono
        self._programs = Programs(mono)
        self._denied: TTLCache[tuple[str, int], None] = TTLCache(_MAX_DENIED, settings.cache.miss_expiry, mono)
        self._table = _Table()
        self._written = settings, projects
        self._shared: GlobalConfig | None = None
        self._exchanging = asyncio.Lock()
        self._fetched_keys: Mapping[tuple[int, int | None], str] = {}
        self._numbered_until_mono = -math.inf
        self.ok = True
        self._swap(_compile(settings, projects, self._table, self._programs, first=True))

    def find(self, key: str) -> ProjectPlan | None:
        """The plan of `key`; None if nothing serves it, `PENDING` as long as nobody knows."""
        table = self._table
        plan = table.by_key.get(key, table.fallback)
        return plan if plan is not PENDING or self.fetched is None else self.fetched.find(key)

    def _known(self, key: str) -> ProjectPlan | None:
        """The same, and nothing is begun."""
        table = self._table
        plan = table.by_key.get(key, table.fallback)
        return plan if plan is not PENDING or self.fetched is None else self.fetched.peek(key)

    def project_of(self, key: str) -> int | None:
        """The project that `key` belongs to, for routes that name none."""
        plan = self._known(key)
        return plan.project_id if plan else None

    def scoping(self, key: str, project_id: int) -> Scoping:
        """Whose limits bind what `key` sends for a project."""
        plan = self._known(key)
        if plan is None:
            return Scoping(key, project_id)
        return Scoping(key, project_id, plan.organization_id, plan.key_id(key))

    @property
    def diverts(self) -> bool:
        """Whether any project may name an upstream of its own."""
        return self._table.diverts or self.fetched is not None

    def upstream_of(self, key: str) -> str | None:
        """The upstream that the project of `key` names."""
        plan = self._known(key)
        if plan is not None and plan.disabled and self.fetched is not None:  # or not known just now
            return plan.upstream or self.fetched.upstream_of(key)
        return plan.upstream if plan else None

    def key_of(self, project_id: int, key_id: int | None) -> str | None:
        """The key that has this number in a project; without, or if none has it, the first one that is not disabled.

        None: the project is not known, or takes nothing.
        """
        keys = self._table.keys
        found = keys.get((project_id, key_id), keys.get((project_id, None)))
        if found is not None or self.fetched is None:
            return found
        now_mono = self._mono()
        if now_mono >= self._numbered_until_mono:
            self._fetched_keys = _numbered(dict(self.fetched.plans()))
            self._numbered_until_mono = now_mono + _NUMBERED_S
        return self._fetched_keys.get((project_id, key_id), self._fetched_keys.get((project_id, None)))

    def is_disabled(self, key: str, project_id: int) -> bool:
        """Whether what waited for `key` must not be sent any more (`decisions.md` 0.2). Only the operator's word counts: not
        that the server denied the key once, or has another word for it by now, and not a file that cannot be used just now.
        """
        plan = self._table.by_key.get(key, self._table.fallback)
        if plan is PENDING:
            return key in self._table.switched_off
        if plan is None:
            return self.ok
        if plan is DENIED:
            return False
        return plan.disabled or key in plan.disabled_keys or plan.project_id not in (None, project_id)

    def passes(self, key: str | None) -> bool:
        """Whether what is sent with `key` may leave as it came, since nothing would be scrubbed. None: with a key that is not known
        to us, so that it may be any. What a plan says counts here, not that the server denied the key for a while.
        """
        table = self._table
        plans = (table.fallback, *table.by_key.values()) if key is None else (self._known(key),)
        return all(plan is not None and plan.scrub is None and not plan.disabled for plan in plans)

    def document_of(self, key: str) -> State:
        """What relays behind this one may be told of `key`. Raises `ConfigError`."""
        table = self._table
        plan = table.by_key.get(key)
        if plan is None:
            return DISABLED if self.fetched is None else self.fetched.document_of(key)
        if plan is DENIED:
            return WAITING
        state = table.states.get(key)
        if state is None:
            refused = plan.disabled or key in plan.disabled_keys
            state = DISABLED if refused else Enabled(of_file(table.documents.get(key, {}), plan.project_id))
            table.states[key] = state
        return state

    def global_document(self) -> Mapping[str, Any] | None:
        """What goes for all projects; None: not known yet."""
        return self._table.shared if self.fetched is None else self.fetched.shared_document

    def is_denied(self, key: str, project_id: int | None) -> bool:
        """Whether the upstream refused the key for this project a while ago."""
        return (key, project_id) in self._denied

    def deny(self, key: str, project_id: int) -> None:
        """The upstream does not know `key`, or not for this project: refuse it here for a while. Not for others: which project
        a client names is its own choice, and must not shut out whoever names the right one.
        """
        self._denied[key, project_id] = None

    async def reload(self, settings: Settings, projects: ProjectSet) -> None:
        """Puts another generation in force, compiled in a thread; what cannot be used leaves its predecessor as it is."""
        if settings.cache.miss_expiry != self._denied.ttl:
            self._denied = TTLCache(_MAX_DENIED, settings.cache.miss_expiry, self._mono)
        self._written = settings, projects
        await self._exchange()

    async def share(self, shared: GlobalConfig) -> None:
        """From now on this goes for all projects, whatever `global_config.json` says."""
        self._shared = shared
        await self._exchange()

    async def _exchange(self) -> None:
        async with self._exchanging:
            settings, projects = self._written
            if self._shared is not None:
                projects = replace(projects, shared=replace(projects.shared, config=self._shared))
            self._swap(await asyncio.to_thread(_compile, settings, projects, self._table, self._programs))

    def _swap(self, generation: _Generation) -> None:
        self._table = generation.table
        self.ok = not generation.unusable
        for file, why in generation.unusable:
            self._telemetry.project_file_error(file, why)
        for project, problem in generation.left_out:
            self._telemetry.project_problem(project, problem.text, problem.kind)
        table = generation.table
        self._telemetry.projects(
            {"loaded": len(table.by_key), "default": int(table.has_default)},
            Counter(problem.kind for _, problem in table.left_out()),
            all_usable=self.ok,
        )

    def __repr__(self) -> str:
        state = "" if self.ok else ", a file cannot be used"
        return f"<Projects {len(self._table.by_key)} keys, default {self._table.fallback!r}{state}>"


def _compile(
    settings: Settings, projects: ProjectSet, old: _Table, programs: Programs, *, first: bool = False
) -> _Generation:
    """The next generation; `first`: there is no predecessor to fall back on. Raises `ConfigError` if `first`."""
    generation = _Generation()
    generation.unusable += [(problem.partition(":")[0], problem) for problem in projects.problems]
    shared = projects.shared.config

    def plan_of(project: ProjectConfig, predecessor: ProjectPlan | None) -> ProjectPlan:
        if predecessor is not None and predecessor.revision == revision_of(project, settings, shared):
            return predecessor
        try:
            plan = compile_plan(project, settings, programs, shared)
        except ConfigError as error:
            where, line = projects.place_of(project, error.path)
            if first:
                raise ConfigError(f"{_name(project)}: {error}", where=where, line=line) from error
            generation.unusable.append((_name(project), str(ConfigError(str(error), where=where, line=line))))
            return _last_good(predecessor, project)
        generation.left_out += [(_name(project), problem) for problem in plan.problems]
        return plan

    by_key: dict[str, ProjectPlan] = {}
    documents: dict[str, Mapping[str, Any]] = {}
    for key, project in projects.by_key.items():
        failures = len(generation.unusable)
        by_key[key] = plan_of(project, old.by_key.get(key))
        source = projects if len(generation.unusable) == failures else old
        documents[key] = source.documents.get(key, {})
    fallback = plan_of(projects.default, old.fallback) if projects.default is not None else None
    if settings.relay.mode == "managed":
        fallback = PENDING
    elif fallback is None and settings.projects.unknown == "forward":
        fallback = pass_plan(settings)
    generation.table = _Table(
        by_key,
        fallback,
        has_default=projects.default is not None,
        keys=_numbered(by_key),
        documents=documents,
        shared=projects.shared.document,
        switched_off=frozenset(key for key, overlay in projects.overlays.items() if _switches_off(overlay, key)),
        diverts=any(plan.upstream is not None for plan in (*by_key.values(), *([fallback] if fallback else []))),
    )
    return generation


def _switches_off(overlay: Mapping[str, Any], key: str) -> bool:
    """Of a document that `settings.project_files` has read."""
    entries = overlay.get("publicKeys") or ()
    return overlay.get("disabled") is True or any(
        entry["publicKey"] == key and entry.get("isEnabled") is False for entry in entries
    )


def _numbered(by_key: Mapping[str, ProjectPlan]) -> dict[tuple[int, int | None], str]:
    keys: dict[tuple[int, int | None], str] = {}
    for key, plan in by_key.items():
        if plan.project_id is not None and not plan.disabled and key not in plan.disabled_keys:
            for number in (plan.key_id(key), None):
                keys.setdefault((plan.project_id, number), key)
    return keys


def _last_good(predecessor: ProjectPlan | None, project: ProjectConfig) -> ProjectPlan:
    """The plan that an earlier version of `project` gave; without one its keys are refused, never served by another's plan."""
    if predecessor is None or predecessor.scrub is None or predecessor.project_id != project.project_id:
        return DENIED
    return predecessor


def _name(project: ProjectConfig) -> str:
    return "project default" if project.project_id is None else f"project {project.project_id}"
