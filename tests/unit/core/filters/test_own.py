"""Filters of our own: `config.scrubjay.filters`."""

import pytest

from scrubjay.core.filters.compile import compile_filters
from scrubjay.core.filters.own import MEMBERS
from support.filtering import compiled, container, record, why, why_event
from support.items import make_item

EVENT = {
    "level": "warning",
    "logger": "shop.cart",
    "environment": "staging",
    "release": "shop@1.2.3",
    "server_name": "web-7",
    "tags": {"tenant": "acme", "region": "eu"},
    "exception": {"values": [{"type": "KeyError", "module": "shop.models", "value": "x"}, {"type": "OSError"}]},
}


def own(**members: object):
    return compiled([{"id": "mine", **members}])


@pytest.mark.parametrize(
    ("members", "falls"),
    [
        ({"loggers": ["shop.*"]}, True),
        ({"loggers": ["SHOP.CART"]}, True),
        ({"loggers": ["shop"]}, False),
        ({"loggers": ["api", "shop.*"]}, True),
        ({"environments": ["staging", "dev"]}, True),
        ({"environments": ["prod"]}, False),
        ({"levels": ["debug", "warning"]}, True),
        ({"levels": ["debug"]}, False),
        ({"exception_types": ["Key*"]}, True),
        ({"exception_types": ["OSError"]}, True),
        ({"exception_types": ["Error"]}, False),
        ({"exception_modules": ["shop.*"]}, True),
        ({"exception_modules": ["models"]}, False),
        ({"server_names": ["web-?"]}, True),
        ({"server_names": ["web-??"]}, False),
        ({"releases": ["shop@1.*"]}, True),
        ({"releases": ["1.*"]}, False),
        ({"tags": {"tenant": ["acme"]}}, True),
        ({"tags": {"tenant": ["acme", "x"], "region": ["e?"]}}, True),
        ({"tags": {"tenant": ["acme"], "region": ["us"]}}, False),
        ({"tags": {"zone": ["*"]}}, False),
        ({"client_ips": ["10.0.0.0/8"]}, True),
        ({"client_ips": ["11.0.0.0/8"]}, False),
        ({"condition": {"op": "eq", "name": "event.logger", "value": "shop.cart"}}, True),
        ({"condition": {"op": "eq", "name": "event.logger", "value": "shop"}}, False),
        ({"loggers": ["shop.*"], "levels": ["warning"]}, True),
        ({"loggers": ["shop.*"], "levels": ["fatal"]}, False),
        ({"loggers": ["api"], "levels": ["warning"]}, False),
        ({"loggers": ["shop.*"], "condition": {"op": "and", "inner": []}, "client_ips": ["10.0.0.1"]}, True),
    ],
)
def test_all_members_must_match_by_any_of_their_values(members: dict[str, object], falls: bool) -> None:
    filters = own(**members)
    assert why(filters, make_item("event", EVENT), "10.0.0.1") == ("mine" if falls else None)
    assert why(filters, make_item("event", {})) is None


@pytest.mark.parametrize("item_type", ["log", "span", "trace_metric"])
@pytest.mark.parametrize(
    ("members", "attributes"),
    [
        ({"environments": ["dev"]}, {"sentry__environment": "dev"}),
        ({"releases": ["shop@*"]}, {"sentry__release": "shop@1"}),
        ({"server_names": ["web-*"]}, {"server__address": "web-7"}),
        ({"tags": {"tenant": ["acme"]}}, {"tenant": "acme"}),
        ({"tags": {"http.route": ["/x"]}}, {"http__route": "/x"}),
    ],
)
def test_records_have_attributes(item_type: str, members: dict[str, object], attributes: dict[str, object]) -> None:
    filters = own(**members)
    assert why(filters, container(item_type, record(**attributes))) == "mine"
    assert why(filters, container(item_type, record(**dict.fromkeys(attributes, "other")))) is None


def test_logs_have_a_level() -> None:
    filters = own(levels=["trace", "warning"])
    assert why(filters, container("log", {"level": "trace", "body": "x"}, {"level": "warn"})) == "mine"
    assert why(filters, container("log", {"level": "error", "body": "x"})) is None


def test_a_filter_that_is_switched_off() -> None:
    assert compile_filters({}, own=[{"id": "mine", "enabled": False, "loggers": ["x"]}]) == (None, [])
    assert own(enabled=True, loggers=["shop.cart"]).match(make_item("event", EVENT))


def test_they_come_after_the_filters_of_the_reference() -> None:
    filters = compiled([{"id": "mine", "loggers": ["*"]}], releases={"releases": ["shop@*"]})
    assert why_event(filters, EVENT) == "release-version"
    assert why_event(filters, {"logger": "x"}) == "mine"


def test_the_first_that_matches_gives_the_reason() -> None:
    filters = compiled([{"id": "a", "loggers": ["x"]}, {"id": "b", "loggers": ["*"]}, {"id": "c", "loggers": ["*"]}])
    assert [why_event(filters, {"logger": name}) for name in ("x", "y")] == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (5, "it must be an object"),
        ({"loggers": ["x"]}, "`id` must be text"),
        ({"id": "", "loggers": ["x"]}, "`id` must be text"),
        ({"id": "é" * 101, "loggers": ["x"]}, "`id` is longer than 200 bytes"),
        ({"id": "mine"}, "it does not say what to match"),
        ({"id": "mine", "loggrs": ["x"]}, "unknown member `loggrs`; did you mean `loggers`?"),
        ({"id": "mine", "zzz": 1, "loggers": ["x"]}, "unknown member `zzz`"),
        ({"id": "mine", "isEnabled": True, "loggers": ["x"]}, "unknown member `isEnabled`; did you mean `enabled`?"),
        ({"id": "mine", "enabled": "no", "loggers": ["x"]}, "`enabled` must be true or false"),
        ({"id": "mine", "loggers": []}, "`loggers` is empty, so that nothing could match"),
        ({"id": "mine", "loggers": "x"}, "`loggers` must be a list of texts"),
        ({"id": "mine", "loggers": [1]}, "`loggers` must be a list of texts"),
        ({"id": "mine", "levels": ["warn"]}, "`levels`: 'warn' is none of fatal, error, warning, info, debug, trace"),
        ({"id": "mine", "tags": []}, "`tags` must name tags, each with a list of globs"),
        ({"id": "mine", "tags": {}}, "`tags` must name tags, each with a list of globs"),
        ({"id": "mine", "tags": {5: ["x"]}}, "`tags` must name tags, each with a list of globs"),
        ({"id": "mine", "tags": {"tenant": "x"}}, "`tenant` must be a list of texts"),
        ({"id": "mine", "tags": {"tenant": []}}, "`tenant` is empty, so that nothing could match"),
        ({"id": "mine", "condition": "x"}, "`condition` must be an object"),
        ({"id": "mine", "condition": {"op": "eq"}}, "its condition cannot be read: `name` is missing"),
        ({"id": "good", "loggers": ["x"]}, "there is another one with the id 'good'"),
    ],
)
def test_a_broken_filter_disables_only_itself(options: object, problem: str) -> None:
    filters, problems = compile_filters({}, own=[{"id": "good", "loggers": ["shop.*"]}, options])
    assert problems == [f"config.scrubjay.filters[1] is disabled: {problem}"]
    assert filters is not None
    assert why_event(filters, EVENT) == "good"


def test_a_condition_that_is_not_understood_disables_the_filter() -> None:
    condition = {"op": "neq", "name": "event.logger", "value": "x"}
    filters, problems = compile_filters({}, own=[{"id": "mine", "condition": condition}])
    assert filters is None
    assert problems[0].startswith("config.scrubjay.filters[0] is disabled: `neq` is no known operator")


def test_values_that_are_skipped_are_named() -> None:
    _, problems = compile_filters({}, own=[{"id": "mine", "loggers": ["[a", "x"], "client_ips": ["bad"]}])
    assert problems == [
        "config.scrubjay.filters[0]: pattern '[a': `[` without `]`; it is skipped",
        "config.scrubjay.filters[0]: 'bad' is no address and no network; it is skipped",
    ]


def test_a_field_that_no_item_has_is_named_once() -> None:
    condition = {"op": "eq", "name": "event.servername", "value": "x"}
    filters, problems = compile_filters({}, own=[{"id": "mine", "condition": condition}])
    assert filters is not None
    (problem,) = problems
    assert problem.startswith("config.scrubjay.filters[0]: `event.servername` is no field of items")
    assert problem.endswith("; did you mean `event.server_name`?")


def test_nothing_is_said_of_fields_that_some_items_have() -> None:
    more = {"tags": {"tenant": ["x"]}, "levels": ["info"], "client_ips": ["::1"]}
    globs = {member: ["x"] for member in MEMBERS if member not in more and member != "condition"}
    _, problems = compile_filters({}, own=[{"id": "all", **globs, **more}, {"id": "few", **more}])
    assert problems == []


def test_every_member_is_tested_above() -> None:
    assert set(MEMBERS) == {
        "tags", "loggers", "environments", "levels", "exception_types", "exception_modules", "server_names", "releases",
        "client_ips", "condition",
    }  # fmt: skip
