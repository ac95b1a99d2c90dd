"""Filters with a condition (`decisions.md` 7.2)."""

import pytest

from scrubjay.core.filters.compile import compile_filters, supports_sampling
from support.filtering import compiled, container, record, why, why_event
from support.items import make_item

LOGGER = {"op": "eq", "name": "event.logger", "value": "noise"}
LEVEL = {"op": "eq", "name": "event.level", "value": "debug"}
NOISE, DEBUG = {"logger": "noise"}, {"level": "debug"}


def one(filter_id: str, condition: object = None, *, enabled: bool = True) -> dict[str, object]:
    return {"id": filter_id, "isEnabled": enabled, "condition": condition}


def listed(*filters: object, version: object = 1) -> dict[str, object]:
    return {"version": version, "filters": list(filters)}


@pytest.mark.parametrize(
    ("project", "everywhere", "falls"),
    [
        (listed(one("old")), listed(one("old", LOGGER)), {"noise": "old"}),
        (listed(one("old")), listed(one("old", LOGGER, enabled=False)), {"noise": "old"}),
        (listed(one("old", LEVEL)), listed(one("old", LOGGER)), {"debug": "old"}),
        (listed(one("old", LEVEL, enabled=False)), listed(one("old", LOGGER)), {}),
        (listed(one("old", enabled=False)), listed(one("old", LOGGER)), {}),
        (listed(one("mine", LEVEL)), listed(one("old", LOGGER)), {"debug": "mine", "noise": "old"}),
        (None, listed(one("old", LOGGER)), {"noise": "old"}),
        (None, listed(one("old", LOGGER, enabled=False)), {}),
        (listed(one("old", LOGGER), one("old", LEVEL)), None, {"noise": "old"}),
        (listed(), listed(one("old", LOGGER), one("old", LEVEL)), {"noise": "old"}),
        (listed(one("a", LOGGER), one("b", LOGGER)), None, {"noise": "a"}),
        (listed(one("b", LOGGER), one("a", LOGGER)), None, {"noise": "b"}),
        (listed(one("mine", LOGGER)), listed(one("old", LOGGER)), {"noise": "mine"}),
        (listed(one("old", LOGGER), version=0), None, {"noise": "old"}),
        ({"version": 1}, listed(one("old", LOGGER)), {"noise": "old"}),
    ],
)
def test_two_lists_are_one_decisions_106(project: object, everywhere: object, falls: dict[str, str]) -> None:
    filters, problems = compile_filters({"generic": project}, global_filters=everywhere)
    assert problems == []
    got = {}
    for name, event in (("noise", NOISE), ("debug", DEBUG)):
        reason = None if filters is None else why_event(filters, event)
        if reason is not None:
            got[name] = reason
    assert got == falls


@pytest.mark.parametrize(
    ("project", "everywhere", "where"),
    [
        (listed(one("a", LOGGER), version=2), None, "filterSettings.generic"),
        (listed(one("a", LOGGER)), listed(version=2), "the global configuration's `filters`"),
        (None, listed(one("a", LOGGER), version=2), "the global configuration's `filters`"),
    ],
)
def test_a_newer_version_switches_all_of_them_off_decisions_106(
    project: object, everywhere: object, where: str
) -> None:
    settings = {"generic": project, "releases": {"releases": ["1.*"]}}
    filters, problems = compile_filters(settings, global_filters=everywhere)
    assert problems == [f"{where}: version 2 is not known, so no filter with a condition is run"]
    assert filters is not None
    assert why_event(filters, NOISE | {"release": "1.0"}) == "release-version"
    assert why_event(filters, NOISE) is None
    assert not supports_sampling(settings, everywhere)


@pytest.mark.parametrize(
    ("settings", "everywhere", "supported"),
    [
        ({}, None, True),
        ({"generic": None}, None, True),
        ({"generic": listed()}, listed(version=0), True),
        ({"generic": listed(version=2)}, None, False),
        ({"generic": {}}, None, False),
        ({}, "junk", False),
        ({}, listed(version=True), False),
        ({}, listed(version=-1), False),
    ],
)
def test_lists_that_cannot_be_read_switch_trace_sampling_off(
    settings: dict[str, object], everywhere: object, supported: bool
) -> None:
    assert supports_sampling(settings, everywhere) is supported


UNSUPPORTED = {"op": "not", "inner": {"op": "neq", "name": "event.logger", "value": "x"}}


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (5, "filterSettings.generic[0] is disabled: it must be an object"),
        ({"isEnabled": True, "condition": LOGGER}, "filterSettings.generic[0] is disabled: `id` must be text"),
        (
            {"id": "old", "condition": LOGGER},
            "filterSettings.generic[0] `old` is disabled: `isEnabled` must be true or false",
        ),
        (one("old"), "filterSettings.generic[0] `old` is disabled: it has no condition"),
        (
            one("old", {"op": "eq"}),
            "filterSettings.generic[0] `old` is disabled: its condition cannot be read: `name` is missing",
        ),
        (one("old", UNSUPPORTED), "filterSettings.generic[0] `old` is disabled: `neq` is no known operator"),
    ],
)
def test_a_broken_filter_disables_only_itself(broken: object, problem: str) -> None:
    filters, problems = compile_filters({"generic": listed(broken, one("good", LEVEL))})
    assert len(problems) == 1
    assert problems[0].startswith(problem)
    assert filters is not None
    assert why_event(filters, DEBUG) == "good"
    assert why_event(filters, NOISE) is None


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("junk", "it must be an object"),
        ({"filters": []}, "`version` must be a number"),
        ({"version": "1"}, "`version` must be a number"),
        ({"version": -1}, "`version` must be a number"),
        ({"version": 1, "filters": {}}, "`filters` must be a list"),
    ],
)
def test_a_broken_list_is_no_list(options: object, problem: str) -> None:
    filters, problems = compile_filters({"generic": options}, global_filters=listed(one("good", LEVEL)))
    assert problems == [f"filterSettings.generic is disabled: {problem}"]
    assert repr(filters) == "<Filters good>"
    filters, problems = compile_filters({"generic": listed(one("good", LEVEL))}, global_filters=options)
    assert problems == [f"the global configuration's `filters` is disabled: {problem}"]
    assert repr(filters) == "<Filters good>"


def test_a_broken_filter_takes_its_id() -> None:
    project = listed({"id": "old", "isEnabled": "yes"})
    assert compile_filters({"generic": project}, global_filters=listed(one("old", LOGGER)))[0] is None


def test_parts_that_are_skipped_are_named() -> None:
    condition = {"op": "glob", "name": "event.logger", "value": ["[a", "noise"]}
    filters, problems = compile_filters({"generic": listed(one("old", condition))})
    assert filters is not None
    assert why_event(filters, NOISE) == "old"
    assert problems == ["filterSettings.generic[0] `old`: pattern '[a': `[` without `]`; it is skipped"]


def test_a_field_that_no_item_has_is_named_and_the_filter_runs() -> None:
    typo = {"op": "not", "inner": {"op": "eq", "name": "event.enviroment", "value": "prod"}}
    on_the_trace = {"op": "eq", "name": "trace.release", "value": "x"}
    filters, problems = compile_filters({"generic": listed(one("old", {"op": "or", "inner": [on_the_trace, typo]}))})
    assert filters is not None
    assert why_event(filters, {"environment": "prod"}) == "old"
    where, missing = "filterSettings.generic[0] `old`:", "is no field of items, so it is always missing"
    assert problems == [
        f"{where} `trace.release` {missing}; did you mean `event.release`?",
        f"{where} `event.enviroment` {missing}; did you mean `event.environment`?",
    ]


def test_what_is_not_understood_is_false_inside_a_filter_of_the_reference() -> None:
    """Quirk Q6: so that its opposite holds for everything."""
    filters, problems = compile_filters({"generic": listed(one("old", UNSUPPORTED))}, quirks=True)
    assert filters is not None
    assert why_event(filters, {}) == "old"
    assert problems


CLIENT = {"op": "cidr", "name": "envelope.client_ip", "value": ["1.2.3.0/24"]}


@pytest.mark.parametrize(
    "item_type", ["event", "raw_security", "replay_event", "session", "sessions", "span", "profile", "profile_chunk"]
)
def test_every_item_has_a_client(item_type: str) -> None:
    filters = compiled(generic=listed(one("office", CLIENT)))
    assert why(filters, make_item(item_type, {}), "1.2.3.4") == "office"
    assert why(filters, make_item(item_type, {}), "1.2.4.4") is None


@pytest.mark.parametrize("item_type", ["check_in", "user_report", "attachment", "client_report", "metric_buckets"])
def test_other_items_are_not_filtered(item_type: str) -> None:
    filters = compiled(generic=listed(one("all", {"op": "and", "inner": []})))
    assert why(filters, make_item(item_type, {}), "1.2.3.4") is None


@pytest.mark.parametrize("item_type", ["log", "span", "trace_metric"])
def test_records_have_attributes(item_type: str) -> None:
    condition = {"op": "eq", "name": f"{item_type}.attributes.http.route.value", "value": "/x"}
    filters = compiled(generic=listed(one("route", condition), one("office", CLIENT)))
    assert why(filters, container(item_type, record(http__route="/x"))) == "route"
    assert why(filters, container(item_type, record(http__route="/y"))) is None
    assert why(filters, container(item_type, record(http__route="/y")), "1.2.3.4") == "office"


def test_sessions_have_a_release_and_an_environment() -> None:
    condition = {"op": "eq", "name": "event.environment", "value": "dev"}
    filters = compiled(generic=listed(one("dev", condition)))
    assert why(filters, make_item("sessions", {"aggregates": [], "attrs": {"environment": "dev"}})) == "dev"
    assert why(filters, make_item("session", {"attrs": {"environment": "prod"}})) is None
