"""The table of plans: which plan a key has now.

Owns the plans in force, the keys that the upstream denied for a while, and the swap at a reload. Reading files is
`settings.project_files`', compiling is `core.plan`'s. Invariants: `find` is one or two look-ups; a swap replaces the whole table at
once, so that a request sees one generation; a plan that does not compile leaves its predecessor in force; at the first load it
is an error, so that nothing starts under a plan other than the written one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cachetools import TTLCache

from scrubjay.core.plan import Programs, ProjectPlan, compile_plan, pass_plan, revision_of
from scrubjay.errors import ConfigError
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.settings.project import ProjectConfig
from scrubjay.settings.project_files import ProjectSet
from scrubjay.settings.schema import Settings

DENIED = ProjectPlan(revision="denied", disabled=True)
"""For keys that the upstream answered 401 or 403 (`upstream-and-operations.md` 6.6)."""

_MAX_DENIED = 10_000


@dataclass(frozen=True, slots=True)
class _Table:
    """One generation. `fallback` serves keys without a plan of their own; None: they are refused."""

    by_key: Mapping[str, ProjectPlan] = field(default_factory=dict)
    fallback: ProjectPlan | None = None


class Projects:
    """Raises `ConfigError` when built from projects that cannot all be used."""

    def __init__(
        self, settings: Settings, projects: ProjectSet, telemetry: Telemetry, mono: Callable[[], float]
    ) -> None:
        if projects.problems:
            raise ConfigError(projects.problems[0])
        self._telemetry = telemetry
        self._mono = mono
        self._programs = Programs()
        self._denied: TTLCache[str, None] = TTLCache(_MAX_DENIED, settings.cache.miss_expiry, mono)
        self._table = _Table()
        self.ok = True
        self._swap(settings, projects, first=True)

    def find(self, key: str) -> ProjectPlan | None:
        """The plan of `key`; None if nothing serves it."""
        if self._denied and key in self._denied:
            return DENIED
        table = self._table
        return table.by_key.get(key, table.fallback)

    def project_of(self, key: str) -> int | None:
        """The project that `key` belongs to, for routes that name none."""
        plan = self._table.by_key.get(key)
        return plan.project_id if plan else None

    def deny(self, key: str) -> None:
        """The upstream does not know `key`: refuse it here for a while."""
        self._denied[key] = None

    def reload(self, settings: Settings, projects: ProjectSet) -> None:
        """Puts another generation in force; what cannot be used is counted and leaves its predecessor as it is."""
        if settings.cache.miss_expiry != self._denied.ttl:
            self._denied = TTLCache(_MAX_DENIED, settings.cache.miss_expiry, self._mono)
        self._swap(settings, projects, first=False)

    def _swap(self, settings: Settings, projects: ProjectSet, *, first: bool) -> None:
        old, compiled = self._table, dict[str, ProjectPlan]()
        self.ok = not projects.problems
        for problem in projects.problems:
            self._telemetry.project_file_error(problem.partition(":")[0], problem)

        def plan_of(project: ProjectConfig, predecessor: ProjectPlan | None) -> ProjectPlan:
            revision = revision_of(project, settings)
            if predecessor is not None and predecessor.revision == revision:
                return predecessor
            try:
                plan = compiled.get(revision) or compile_plan(project, settings, self._programs)
            except ConfigError as error:
                if first:
                    raise ConfigError(f"{_name(project)}: {error}") from error
                self.ok = False
                self._telemetry.project_file_error(_name(project), str(error))
                return _last_good(predecessor, project)
            if revision not in compiled:
                compiled[revision] = plan
                for problem in plan.problems:
                    self._telemetry.project_problem(_name(project), problem)
            return plan

        by_key = {key: plan_of(project, old.by_key.get(key)) for key, project in projects.by_key.items()}
        fallback = plan_of(projects.default, old.fallback) if projects.default is not None else None
        if fallback is None and _forwards_unknown(settings):
            fallback = pass_plan(settings)
        self._table = _Table(by_key, fallback)
        self._telemetry.projects({"loaded": len(by_key), "default": int(projects.default is not None)})

    def __repr__(self) -> str:
        state = "" if self.ok else ", a file cannot be used"
        return f"<Projects {len(self._table.by_key)} keys, default {self._table.fallback!r}{state}>"


def _last_good(predecessor: ProjectPlan | None, project: ProjectConfig) -> ProjectPlan:
    """The plan that an earlier version of `project` gave; without one its keys are refused, never served by another's plan."""
    if predecessor is None or predecessor.scrub is None or predecessor.project_id != project.project_id:
        return DENIED
    return predecessor


def _name(project: ProjectConfig) -> str:
    return "project default" if project.project_id is None else f"project {project.project_id}"


def _forwards_unknown(settings: Settings) -> bool:
    choice = settings.projects.unknown
    return settings.relay.mode == "proxy" if choice == "auto" else choice == "forward"
