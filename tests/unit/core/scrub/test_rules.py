"""Rules: resolution, steps, keys."""

from __future__ import annotations

from typing import Any

import pytest

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import compile_program
from scrubjay.core.scrub.rule_spec import read_config
from scrubjay.core.scrub.rules import DryRule, RuleSet
from scrubjay.core.scrub.screen import ScreenBuilder
from scrubjay.settings.scrub import Scrub
from support import scrubbing

KEYS = scrubbing.vectors()["password_keys"]


@pytest.mark.parametrize("key", KEYS["scrubbed"])
def test_keys_whose_value_goes(key: str) -> None:
    program = scrubbing.config_program({"applications": {"$string": ["@password:filter"]}})
    assert scrubbing.scrub(program, {"extra": {key: "plain"}})["extra"][key] == "[Filtered]"


@pytest.mark.parametrize("key", KEYS["kept"])
def test_keys_whose_value_stays(key: str) -> None:
    program = scrubbing.config_program({"applications": {"$string": ["@password:filter"]}})
    assert scrubbing.scrub(program, {"extra": {key: "plain"}})["extra"][key] == "plain"


def test_recursion_and_unknown_ids_end() -> None:
    config = {
        "rules": {
            "a": {"type": "alias", "rule": "b"},
            "b": {
                "type": "multiple",
                "rules": ["a", "@ip", "nope"],
                "hideInner": True,
                "redaction": {"method": "mask"},
            },
        },
        "applications": {"$string": ["a"]},
    }
    got = scrubbing.scrub(scrubbing.config_program(config), {"extra": {"x": "192.0.2.1"}})
    assert got["extra"]["x"] == "*" * 9
    assert got["_meta"]["extra"]["x"][""]["rem"] == [["b", "m", 0, 9]]


def test_inherited_redaction_ends_at_a_group_that_hides_nothing() -> None:
    config = {
        "rules": {"k": {"type": "multiple", "rules": ["@common"], "hideInner": True, "redaction": {"method": "mask"}}},
        "applications": {"$string": ["k"]},
    }
    assert scrubbing.scrub(scrubbing.config_program(config), {"extra": {"x": "192.0.2.1"}})["extra"]["x"] == "[ip]"


def test_long_chains_are_cut_off() -> None:
    rules = {f"r{n}": {"type": "alias", "rule": f"r{n + 1}"} for n in range(300)}
    rules["r300"] = {"type": "ip"}
    config = {"rules": rules, "applications": {"$string": ["r0"]}}
    event = {"extra": {"x": "192.0.2.1"}}
    assert scrubbing.scrub(scrubbing.config_program(config), event) == event


def test_unknown_method_joins_what_stood_around() -> None:
    config = {
        "rules": {
            "a": {"type": "pattern", "pattern": "x", "redaction": {"method": "scramble"}},
            "b": {"type": "pattern", "pattern": "ab", "redaction": {"method": "mask"}},
        },
        "applications": {"$string": ["a", "b"]},
    }
    assert scrubbing.scrub(scrubbing.config_program(config), {"extra": {"k": "axb"}})["extra"]["k"] == "**"


def test_overlapping_groups() -> None:
    """Gap G11: a crash of the reference."""
    from scrubjay.errors import Unscrubbable

    config = {
        "rules": {
            "n": {"type": "pattern", "pattern": "(a(b))", "replaceGroups": [1, 2], "redaction": {"method": "mask"}}
        },
        "applications": {"$string": ["n"]},
    }
    with pytest.raises(Unscrubbable, match="overlap"):
        scrubbing.scrub(scrubbing.config_program(config), {"extra": {"k": "ab"}})
    assert scrubbing.scrub(scrubbing.config_program(config, "strict"), {"extra": {"k": "ab"}})["extra"]["k"] == "**"


def test_groups_of_known_rules_are_accepted_in_strict() -> None:
    """The unknown member is named, wherever it stands."""
    from scrubjay.errors import ConfigError

    def program(*members: str):
        rules = {"k": {"type": "multiple", "rules": members}, "mine": {"type": "ip"}}
        return scrubbing.config_program({"rules": rules, "applications": {"$string": ["k"]}}, "strict")

    got = scrubbing.scrub(program("@email", "mine"), {"extra": {"x": "a@b.co 192.0.2.1"}})
    assert "a@b.co" not in got["extra"]["x"]
    assert "192.0.2.1" not in got["extra"]["x"]
    with pytest.raises(ConfigError, match="'nope'"):
        program("@email", "nope", "mine")


def dry_rules(config: dict[str, Any], ids: list[str], **kwargs: bool) -> dict[str, bool]:
    plan_is_dry = kwargs.pop("plan", False)
    rules = RuleSet(read_config(config).rules, ScreenBuilder(), closed=frozenset(), dry_run=plan_is_dry)
    return {rule.id: type(rule) is DryRule for rule in rules.resolve(ids, "test", **kwargs)}


def test_dry_runs_of_rules_their_members_applications_and_plans() -> None:
    """scrubbing-15.2"""
    config = {
        "rules": {
            "g": {"type": "multiple", "rules": ["@mac:mask", "@uuid:mask"], "dry_run": True},
            "r": {"type": "email"},
        }
    }
    assert dry_rules(config, ["g", "r"]) == {"@mac:mask": True, "@uuid:mask": True, "r": False}
    assert dry_rules(config, ["r"], dry_run=True) == {"r": True}
    assert dry_rules(config, ["r"], plan=True) == {"r": True}


@pytest.mark.parametrize("ids", [["g", "@mac:mask"], ["@mac:mask", "g"]])
def test_a_rule_that_is_also_meant_is_run(ids: list[str]) -> None:
    config = {"rules": {"g": {"type": "multiple", "rules": ["@mac:mask", "@uuid:mask"], "dry_run": True}}}
    assert dry_rules(config, ids) == {"@mac:mask": False, "@uuid:mask": True}


def test_a_dry_rule_changes_nothing_and_a_dry_plan_neither() -> None:
    document = {"extra": {"mail": "a@b.com", "n": 5, "o": {}}, "user": {"ip_address": "{{auto}}"}}
    config = {"rules": {"r": {"type": "anything", "dry_run": True}}, "applications": {"**": ["r"]}}
    assert scrubbing.scrub(scrubbing.config_program(config), document) == document
    program = compile_program(
        pii_config={"applications": {"**": ["@anything:remove"]}},
        settings=scrubbing.SETTINGS,
        options=Scrub(dry_run=True),
        hide_client_ip=True,
    )
    assert scrubbing.scrub(program, document) is document
    twice = b'{"extra":{"a":1,"a":2}}'
    assert scrub_document(program, twice, "event") is None
    assert scrubbing.scrub(program, {"attrs": {"ip_address": "192.0.2.1"}}, "session") == {
        "attrs": {"ip_address": "192.0.2.1"}
    }


@pytest.mark.parametrize(("text", "whole"), [("token/::1ébearer  tok", True), ("token of ::1ébearer  tok", False)])
def test_words_are_looked_for_before_addresses_are_taken(text: str, whole: bool) -> None:
    """An address that the reference leaves may hold the colon that makes the word telling; strict takes no less for taking it."""
    for program in (
        scrubbing.default_program("strict"),
        scrubbing.config_program({"applications": {"$string": ["@ip", "@password:filter"]}}, "strict"),
    ):
        left = scrubbing.scrub(program, {"extra": {"x": text}})["extra"]["x"]
        assert (left == "[Filtered]") is whole
