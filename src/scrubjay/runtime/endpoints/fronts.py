"""What answers on which listener: all on the main one, or what is for operators on an internal one and nowhere else (`upstream-and-operations.md` 2.3).

Invariant: with an internal listener no route of it answers on the main one, and none of the main one's on it.
"""

from __future__ import annotations

from collections.abc import Iterable

from scrubjay.runtime.endpoints.bodies import Bodies
from scrubjay.runtime.endpoints.common import Observer
from scrubjay.runtime.endpoints.front import Front, Route


class Fronts:
    """`public` takes what clients send. `internal` is there if the instance `is_split`."""

    def __init__(self, routes: Iterable[Route], observer: Observer, bodies: Bodies, *, is_split: bool = False) -> None:
        self.public = Front((), observer, bodies)
        self.internal = Front((), observer, bodies) if is_split else None
        self.route(routes)

    def route(self, routes: Iterable[Route]) -> None:
        """Puts these routes in place of those that were."""
        table = list(routes)
        if self.internal is None:
            self.public.route(table)
        else:
            self.public.route(route for route in table if not route.internal)
            self.internal.route(route for route in table if route.internal)

    def __repr__(self) -> str:
        return f"<Fronts {self.public!r} {self.internal!r}>"
