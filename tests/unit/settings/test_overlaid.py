"""What a local file lays over a fetched configuration."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from tests.unit.settings.test_fetched import DOCUMENTS, KEY, OTHER, deep

from scrubjay.core.plan import compile_plan
from scrubjay.core.quota_set import NO_QUOTAS
from scrubjay.errors import ConfigError
from scrubjay.settings.fetched import overlaid, read_fetched
from scrubjay.settings.schema import Settings

CARD = {"type": "creditcard", "redaction": {"method": "mask"}}
MAIL = {"type": "email"}
DOCUMENT: Mapping[str, Any] = {
    "slug": "checkout",
    "projectId": 42,
    "publicKeys": [{"publicKey": KEY, "numericId": 7}],
    "config": {
        "allowedDomains": ["*.shop.example"],
        "datascrubbingSettings": {"scrubData": True, "scrubDefaults": True, "sensitiveFields": ["iban"]},
        "piiConfig": {"rules": {"card": CARD}, "applications": {"$string": ["card"]}},
        "filterSettings": {"localhost": {"isEnabled": True}},
        "features": ["organizations:profiling"],
        "trimming": {"span": {"maxSize": 7}},
    },
}


def options_of(options: Mapping[str, Any], over: Mapping[str, Any] = DOCUMENT) -> dict[str, Any]:
    made: dict[str, Any] = overlaid(over, {"overlay": True, "config": options})["config"]
    return made


def test_operations_31_a_quota_over_a_limited_configuration() -> None:
    quota = {"id": "burst", "categories": ["error"], "scope": "key", "limit": 600, "window": 60}
    whole = overlaid(DOCUMENT, {"overlay": True, "publicKeys": [{"publicKey": KEY}], "config": {"quotas": [quota]}})
    assert whole == {**DOCUMENT, "config": {**DOCUMENT["config"], "quotas": [quota]}}
    project, problems = read_fetched(whole, KEY)
    plan = compile_plan(project, Settings())
    assert plan.problems == problems == ()
    assert plan.quotas is not NO_QUOTAS
    assert plan.scrub is not None
    assert project.config.pii_config == DOCUMENT["config"]["piiConfig"]
    assert (plan.project_id, plan.key_id(KEY)) == (42, 7)


@pytest.mark.parametrize(
    ("options", "member", "merged"),
    [
        ({}, "filterSettings", {"localhost": {"isEnabled": True}}),
        # As JSON Merge Patch has it
        ({"filterSettings": {"x": {"isEnabled": True}}}, "filterSettings", {"localhost": {"isEnabled": True}, "x": {"isEnabled": True}}),
        ({"filterSettings": {"localhost": {"isEnabled": False, "a": None}}}, "filterSettings", {"localhost": {"isEnabled": False}}),
        ({"filterSettings": None}, "filterSettings", None),
        ({"trimming": {"span": None}}, "trimming", {}),
        ({"trimming": 5}, "trimming", 5),
        ({"measurements": {"a": {"b": None, "c": 1}}}, "measurements", {"a": {"c": 1}}),
        ({"allowedDomains": ["a.example"]}, "allowedDomains", ["a.example"]),
        ({"allowedDomains": None}, "allowedDomains", None),
        (
            {"datascrubbingSettings": {"scrubIpAddresses": True, "sensitiveFields": ["x"]}},
            "datascrubbingSettings",
            {"scrubData": True, "scrubDefaults": True, "scrubIpAddresses": True, "sensitiveFields": ["x"]},
        ),
        # Otherwise
        ({"features": ["a", "organizations:profiling"]}, "features", ["organizations:profiling", "a"]),
        ({"features": None}, "features", None),
        (
            {"piiConfig": {"rules": {"mail": MAIL}, "applications": {"$string": ["mail", "card"], "$user.id": ["mail"]}}},
            "piiConfig",
            {"rules": {"card": CARD, "mail": MAIL}, "applications": {"$string": ["card", "mail"], "$user.id": ["mail"]}},
        ),
        # A rule is one thing: half of each would be a third one.
        ({"piiConfig": {"rules": {"card": MAIL}}}, "piiConfig", {"rules": {"card": MAIL}, "applications": {"$string": ["card"]}}),
        ({"piiConfig": {"applications": {"$string": None}}}, "piiConfig", {"rules": {"card": CARD}, "applications": {}}),
        ({"piiConfig": {"vars": {"hashKey": "x"}}}, "piiConfig", {**DOCUMENT["config"]["piiConfig"], "vars": {"hashKey": "x"}}),
    ],
)  # fmt: skip
def test_members_are_merged(options: dict[str, Any], member: str, merged: object) -> None:
    assert options_of(options).get(member) == merged


def test_quotas_are_united_and_local_ids_win() -> None:
    theirs = [{"id": "a", "limit": 1}, {"limit": 2}, {"id": "b", "limit": 3}, 5]
    over = {"config": {"quotas": theirs}}
    ours = [{"id": "b", "limit": 30}, {"limit": 4}]
    assert options_of({"quotas": ours}, over)["quotas"] == [theirs[0], theirs[1], 5, *ours]
    assert options_of({"quotas": ours}, {"config": {"quotas": None}})["quotas"] == ours
    bad = options_of({"quotas": ours}, {"config": {"quotas": 7}})["quotas"]
    assert bad == [7, *ours], "whoever compiles it says so"
    assert "quotas" not in options_of({"quotas": None}, over)


def test_rules_over_a_configuration_without_any() -> None:
    ours = {"rules": {"mail": MAIL}, "applications": {"$string": ["mail"]}}
    for config in ({}, {"piiConfig": None}, {"piiConfig": {}}):
        assert options_of({"piiConfig": ours}, {"config": config})["piiConfig"] == ours


def test_a_key_keeps_its_number() -> None:
    def keys(theirs: object, ours: list[Any]) -> object:
        return overlaid({"publicKeys": theirs}, {"publicKeys": ours})["publicKeys"]

    off = {"publicKey": KEY, "isEnabled": False}
    assert keys([{"publicKey": KEY, "numericId": 7}], [off, {"publicKey": OTHER}]) == [{**off, "numericId": 7}]
    assert keys([{"publicKey": OTHER, "numericId": 8}], [off]) == [{"publicKey": OTHER, "numericId": 8}]
    assert keys([], [off]) == keys(None, [off]) == [off]


def test_what_stands_beside_the_options() -> None:
    whole = overlaid(DOCUMENT, {"overlay": True, "slug": None, "upstream": "https://h/", "disabled": True})
    assert whole == {
        **{name: value for name, value in DOCUMENT.items() if name != "slug"},
        "upstream": "https://h/",
        "disabled": True,
    }


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"slug": 99}, "slug"),
        ({"config": 5}, "config"),
        ({"config": {"piiConfig": "x"}}, "config.piiConfig"),
        ({"config": {"piiConfig": {"rules": ["card"]}}}, "config.piiConfig.rules"),
        ({"config": {"piiConfig": {"applications": 5}}}, "config.piiConfig.applications"),
        ({"config": {"piiConfig": {"applications": {"$string": "card"}}}}, "config.piiConfig.applications.$string"),
        (
            {"config": {"piiConfig": {"applications": {"$string": {"rules": ["card"], "dry_run": True}}}}},
            "config.piiConfig.applications.$string",
        ),
        ({"config": {"datascrubbingSettings": {"scrubData": 1}}}, "config.datascrubbingSettings.scrubData"),
    ],
)
def test_no_overlay_hides_a_document_that_cannot_be_used(document: dict[str, Any], path: str) -> None:
    ours = {"rules": {"mail": MAIL}, "applications": {"$string": ["mail"]}}
    overlay = {"slug": "x", "config": {"piiConfig": ours, "datascrubbingSettings": {"scrubData": True}}}
    with pytest.raises(ConfigError) as refused:
        overlaid(document, overlay)
    assert refused.value.path == path


def test_an_overlay_may_be_too_deep_too() -> None:
    with pytest.raises(ConfigError, match="levels deep"):
        overlaid({}, {"config": {"measurements": deep(5000)}})


@settings(max_examples=40)
@given(DOCUMENTS, DOCUMENTS)
def test_nothing_else_is_raised_and_nothing_changed(document: dict[str, Any], overlay: dict[str, Any]) -> None:
    before = copy.deepcopy((document, overlay))
    try:
        whole = overlaid(document, overlay)
    except ConfigError:
        whole = {}
    assert repr((document, overlay)) == repr(before)
    assert None not in [whole[name] for name in overlay if name in whole]


@settings(max_examples=40)
@given(DOCUMENTS)
def test_without_anything_to_say_nothing_is_changed(document: dict[str, Any]) -> None:
    try:
        whole = overlaid(document, {"overlay": True})
    except ConfigError:
        return
    assert repr(whole) == repr(document)


def test_what_an_overlay_means_by_a_built_in_rule_is_not_the_server_s_to_say() -> None:
    never = {"type": "pattern", "pattern": "never"}
    document = {
        "config": {"piiConfig": {"rules": {"@email": never, "theirs": never}, "applications": {"$string": ["theirs"]}}}
    }
    before = copy.deepcopy(document)
    overlay = {"overlay": True, "config": {"piiConfig": {"applications": {"$string": ["@email"]}}}}
    made = overlaid(document, overlay, {"@email", "@ip"})["config"]["piiConfig"]
    assert made == {"rules": {"theirs": never}, "applications": {"$string": ["theirs", "@email"]}}
    assert document == before
    mine = {"overlay": True, "config": {"piiConfig": {"rules": {"@email": MAIL}}}}
    assert overlaid(document, mine, {"@email"})["config"]["piiConfig"]["rules"] == {"theirs": never, "@email": MAIL}
    assert overlaid({"config": {"piiConfig": None}}, overlay, {"@email"})["config"]["piiConfig"]["applications"]


def test_an_overlay_may_forbid_another_upstream() -> None:
    document = {"upstream": "http://169.254.169.254/", "projectId": 42}
    assert overlaid(document, {"overlay": True, "upstream": None}) == {"projectId": 42}
