"""Whether this process is fit to get traffic, and its numbers (`upstream-and-operations.md` 9.1, 9.2).

Owns the named checks behind readiness; being alive needs no check, whoever answers is. A dead upstream does not make an instance
unready: that is what the spool is for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scrubjay.runtime.autoscaling import autoscaling
from scrubjay.runtime.state import Merged

Check = tuple[bool, str]
"""Whether it is well, and what an operator should know."""


class Health:
    """Unready until the worker says that it has started, and from the moment it says that it stops."""

    def __init__(self, metrics: Callable[[], str], merged: Callable[[], Merged]) -> None:
        self.has_started = False
        self.is_stopping = False
        self.metrics = metrics
        self.merged = merged
        self._checks: dict[str, Callable[[], Check]] = {}

    def watch(self, name: str, check: Callable[[], Check]) -> None:
        """`check` is asked at each probe; it must cost next to nothing."""
        self._checks[name] = check

    def started(self) -> bool:
        return self.has_started

    def checks(self) -> Mapping[str, Check]:
        """Each check's answer now."""
        found = {name: check() for name, check in self._checks.items()}
        found["running"] = (self.has_started and not self.is_stopping, "stopping" if self.is_stopping else "")
        return found

    def autoscaling(self) -> str:
        """The few numbers by which replicas are added and removed; who stops says so."""
        return autoscaling(self.merged(), is_up=not self.is_stopping)

    def __repr__(self) -> str:
        return f"<Health {dict(self.checks())}>"
