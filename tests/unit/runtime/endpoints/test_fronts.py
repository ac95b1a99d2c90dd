"""Which routes answer on which listener."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from scrubjay.runtime.endpoints.bodies import Bodies
from scrubjay.runtime.endpoints.front import Front, Route
from scrubjay.runtime.endpoints.fronts import Fronts


async def _answer(_: Any) -> web.StreamResponse:
    return web.Response()


ROUTES = [Route("GET", "/in", _answer, "in", internal=True), Route("GET", "/out", _answer, "out")]


class Book:
    def request(self, route: str, status: int, seconds: float) -> None: ...

    def rejected(self, reason: object, detail: str = "", **more: object) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None: ...


def paths(front: Front) -> set[str]:
    return set(front._fixed)


async def test_all_answer_on_the_only_one() -> None:
    fronts = Fronts(ROUTES, Book(), Bodies(1))
    assert fronts.internal is None
    assert paths(fronts.public) == {"/in", "/out"}


async def test_each_has_its_own_where_there_are_two_and_keeps_it() -> None:
    fronts = Fronts(ROUTES, Book(), Bodies(1), is_split=True)
    assert fronts.internal is not None
    assert (paths(fronts.public), paths(fronts.internal)) == ({"/out"}, {"/in"})
    fronts.route(iter(ROUTES[:1]))
    assert (paths(fronts.public), paths(fronts.internal)) == (set(), {"/in"})
    assert repr(fronts) == "<Fronts <Front 0 paths> <Front 1 paths>>"
