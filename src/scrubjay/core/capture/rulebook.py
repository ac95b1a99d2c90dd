"""What each rule has done so far, over everything that was looked into (`capture.md` 10.5).

Sums of reports: they outlive the records that they come from, and hold rules, paths and amounts, never a value. How many rules and
paths are counted one by one is bounded.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from scrubjay.core.capture.reading import iso, text
from scrubjay.core.capture.report import Report

MAX_RULES: Final = 1_000
MAX_PATHS: Final = 2_000
SHOWN_PATHS: Final = 100
OTHER: Final = "other"
_INDEX: Final = re.compile(r"(?<=/)\d+(?=/|$)", re.ASCII)


@dataclass(slots=True)
class RuleSum:
    """`slowest_ms`: how long scrubbing took of an item that it acted on."""

    hits: int = 0
    events: int = 0
    bytes: int = 0
    last_unix: float = 0.0
    slowest_ms: float = 0.0

    def document(self) -> dict[str, object]:
        told: dict[str, object] = {"hits": self.hits, "events": self.events, "bytes": self.bytes}
        if not self.events:
            return told
        return told | {"last_hit": iso(self.last_unix), "slowest_ms": self.slowest_ms}


@dataclass(slots=True)
class _ProjectSum:
    events: int = 0
    changes: int = 0
    suspects: int = 0


@dataclass(slots=True)
class RuleBook:
    """`rules` by the name that remarks give them."""

    rules: dict[str, RuleSum] = field(default_factory=dict)
    suspects: Counter[str] = field(default_factory=Counter)
    _paths: Counter[tuple[str, str]] = field(default_factory=Counter)
    _projects: dict[str, _ProjectSum] = field(default_factory=dict)

    def add(self, report: Report, project: str, now_unix: float) -> None:
        acted = Counter(text(change.get("rule")) for change in report.changes)
        acted.update(dict.fromkeys(report.totals, 0))
        for rule, changes in acted.items():
            total = report.totals.get(rule, {})
            one = self._sum(rule)
            one.hits += total.get("hits", changes)
            one.bytes += total.get("bytes", 0)
            one.events += 1
            one.last_unix = max(one.last_unix, now_unix)
            one.slowest_ms = max(one.slowest_ms, report.time_ms)
        for change in report.changes:
            key = _INDEX.sub("*", text(change.get("path"))), text(change.get("rule"))
            if key in self._paths or len(self._paths) < MAX_PATHS:
                self._paths[key] += 1
        self.suspects.update(text(suspect.get("detector")) for suspect in report.suspects)
        if project in self._projects or len(self._projects) < MAX_RULES:
            mine = self._projects.setdefault(project, _ProjectSum())
            mine.events += 1
            mine.changes += len(report.changes)
            mine.suspects += len(report.suspects)

    def hits(self) -> dict[str, int]:
        return {rule: one.hits for rule, one in self.rules.items()}

    def paths(self) -> list[dict[str, object]]:
        """Those most often scrubbed, places in lists as `*`."""
        return [
            {"path": path, "rule": rule, "hits": hits} for (path, rule), hits in self._paths.most_common(SHOWN_PATHS)
        ]

    def projects(self) -> list[dict[str, object]]:
        return [
            {"project": project, "events": one.events, "changes": one.changes, "suspects": one.suspects}
            for project, one in self._projects.items()
        ]

    def _sum(self, rule: str) -> RuleSum:
        if rule not in self.rules and len(self.rules) >= MAX_RULES:
            rule = OTHER
        return self.rules.setdefault(rule, RuleSum())
