"""Browsers by their user agent: family and major version, from the public uap-core data (`decisions.md` 7.8).

The data and its parser are loaded when a filter needs them, which takes 40 ms and 6 MB. A first pass of RE2 finds the pattern in
linear time; only that one pattern then takes the text apart. What comes often is remembered, within a bound.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from ua_parser.core import Resolver

MAX_CHARACTERS: Final = 512
"""Of a user agent that are read. Real ones have about 100 to 300; the patterns that take a text apart may go back over it."""

_MAX_REMEMBERED: Final = 1024


class Browser(NamedTuple):
    """`major` None: there is none, or it is no number."""

    family: str
    major: int | None


def major_of(version: str | None) -> int | None:
    """The first number of a version."""
    major = (version or "").partition(".")[0]
    return int(major) if major.isascii() and major.isdigit() and len(major) < 10 else None


def load() -> None:
    """Makes ready, so that no request has to wait for it."""
    _resolver()


def browser_of(user_agent: str) -> Browser | None:
    """None if nobody knows it."""
    return _browser_of(user_agent[:MAX_CHARACTERS])


@lru_cache(_MAX_REMEMBERED)
def _browser_of(user_agent: str) -> Browser | None:
    from ua_parser.core import Domain  # noqa: PLC0415 - loaded where a filter needs it

    found = _resolver()(user_agent, Domain.USER_AGENT).user_agent
    return None if found is None else Browser(found.family, major_of(found.major))


@cache
def _resolver() -> Resolver:
    from ua_parser.loaders import load_lazy_builtins  # noqa: PLC0415
    from ua_parser.re2 import Resolver  # noqa: PLC0415

    user_agents, _systems, _devices = load_lazy_builtins()
    return Resolver((user_agents, [], []))
