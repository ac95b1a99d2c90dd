"""Browsers and the form of filters, held against the package `sentry-relay` with random input.

It answers no filter, but what filters rest on: the browser of a user agent, and whether `filterSettings` and the global filters can be
read. Browsers may differ where the two have another issue of the uap-core data; of the families that `legacyBrowsers` names none does.
What the package refuses as a whole disables one filter here (`decisions.md` 7.1), so that to be refused there is to be named here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from faker import Faker

from scrubjay.core.filters.browsers import OPTIONS
from scrubjay.core.filters.compile import compile_filters
from scrubjay.core.filters.user_agents import MAX_CHARACTERS, browser_of, major_of
from support.requirements import require

try:
    processing: Any = import_module("sentry_relay.processing")
except ImportError:
    processing = None

SEED = 20_261_122
NAMED = {family for falls in OPTIONS.values() for family in falls} | {"IE Mobile"}


@pytest.fixture(autouse=True)
def _the_package() -> None:
    require(processing is not None, "needs the package sentry-relay")


def user_agents(rng: random.Random, count: int) -> Iterator[str]:
    """As browsers send them, and pieces of such put together."""
    fake = Faker()
    fake.seed_instance(rng.randrange(2**32))
    kinds = (fake.user_agent, fake.chrome, fake.firefox, fake.internet_explorer, fake.opera, fake.safari)
    for _ in range(count):
        first, second = rng.choice(kinds)(), rng.choice(kinds)()
        yield first
        yield first[: rng.randrange(len(first) + 1)]
        yield first[: rng.randrange(len(first) + 1)] + second[rng.randrange(len(second) + 1) :]
    for piece in ("IEMobile/{}", "Edge/{}", "Edg/{}", "OPR/{}.0", "Opera Mini/{}.1", "Android {}.2", "MSIE {}.0; ", "Version/{} Safari/1"):
        for major in (1, 3, 4, 8, 9, 10, 15, 79, 111):
            yield f"Mozilla/5.0 (x) {piece.format(major)} Chrome/{major}.0 Safari/537.36"
            yield f"Mozilla/5.0 (compatible; {piece.format(major)})"


def test_browsers_agree() -> None:
    normalizer = processing.StoreNormalizer(normalize_user_agent=True)
    wrong, compared, named = [], 0, 0
    for user_agent in user_agents(random.Random(SEED), 700):
        event = normalizer.normalize_event({"request": {"headers": [["User-Agent", user_agent]]}})
        theirs = (event.get("contexts") or {}).get("browser") or {}
        family, major = theirs.get("name"), major_of(theirs.get("version"))
        ours = browser_of(user_agent) if len(user_agent) <= MAX_CHARACTERS else None
        found = (None, None) if ours is None else tuple(ours)
        compared += 1
        named += family in NAMED
        if found != (family, major) and {family, found[0]} & NAMED:
            wrong.append((user_agent, found, (family, major)))
    assert wrong == []
    assert compared > 2000
    assert named > 1000


VALUES: list[Any] = [None, True, False, 1, -1, "x", [], ["a*"], ["[a"], [1], {}, {"a": 1}]
MEMBERS = {
    "csp": ["disallowedSources"],
    "clientIps": ["blacklistedIps"],
    "releases": ["releases"],
    "errorMessages": ["patterns"],
    "localhost": ["isEnabled"],
    "browserExtensions": ["isEnabled"],
    "legacyBrowsers": ["isEnabled", "options"],
    "webCrawlers": ["isEnabled"],
    "ignoreTransactions": ["isEnabled", "patterns"],
}


def options(rng: random.Random, name: str) -> Any:
    if rng.random() < 0.1:
        return rng.choice([5, "x", True])
    chosen = {member: rng.choice(VALUES) for member in MEMBERS[name] if rng.random() < 0.9}
    return chosen | ({"unknown": 1} if rng.random() < 0.2 else {})


def is_read(settings: dict[str, Any]) -> bool:
    try:
        processing.normalize_project_config({"filterSettings": settings})
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", MEMBERS)
def test_the_same_filters_can_be_read(name: str) -> None:
    rng = random.Random(f"{SEED}{name}")
    seen = set()
    for _ in range(300):
        settings = {name: options(rng, name)}
        disabled = any("is disabled" in problem for problem in compile_filters(settings)[1])
        assert disabled is not is_read(settings), settings
        seen.add(disabled)
    assert seen == {True, False}


CONDITIONS: list[Any] = [None, {"op": "eq", "name": "event.logger", "value": "x"}, {"op": "eq"}, 5]


def test_the_same_global_filters_can_be_read() -> None:
    rng = random.Random(SEED)
    seen = set()
    for _ in range(500):
        entry = {"id": "a", "isEnabled": True, "condition": rng.choice(CONDITIONS)}
        for member in list(entry):
            if rng.random() < 0.1:
                # To the package a list may stand for an object, member by member; and it reads what is switched off.
                entry[member] = rng.choice([value for value in VALUES if not isinstance(value, list) and value is not False])
            elif rng.random() < 0.1:
                del entry[member]
        filters = {"version": rng.choice([0, 1, 1, 1, -1, None, "1"]), "filters": rng.choice([[entry], [entry], [], {}, None])}
        for member in list(filters):
            if rng.random() < 0.1:
                del filters[member]
        read = "filters" in processing.normalize_global_config({"filters": filters})
        _, problems = compile_filters({}, global_filters=filters)
        unread = [problem for problem in problems if "no condition" not in problem and "is skipped" not in problem]
        is_empty = filters.get("version") == 0 and not filters.get("filters")  # the package leaves out what says nothing
        if not is_empty:
            assert bool(unread) is not read, (filters, problems)
        seen.add(read)
    assert seen == {True, False}
