"""Reading advanced configs; what is refused is in `test_program.py`."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.pseudonyms import Form
from scrubjay.core.scrub.redact import Redaction
from scrubjay.core.scrub.rule_spec import read_config
from scrubjay.core.scrub.selectors import parse_selector
from scrubjay.errors import ConfigError


def test_defaults() -> None:
    config = read_config({"rules": {"p": {"type": "pattern", "pattern": "a", "replaceGroups": None, "unknown": 1}}})
    assert config.rules["p"].groups == (0,)
    assert config.rules["p"].redaction == Redaction()
    assert not config.applications


def test_spellings() -> None:
    rules = {
        "a": {"type": "redactPair", "keyPattern": "k", "redaction": {"method": "replace"}},
        "b": {"type": "alias", "rule": "@ip", "hideInner": True, "redaction": {"method": "mask", "text": 5}},
        "c": {"type": "pattern", "pattern": "a", "replaceGroups": []},
    }
    config = read_config({"rules": rules, "vars": {"hashKey": "ignored", "x": 1}})
    assert config.rules["a"].kind == "redact_pair"
    assert config.rules["a"].redaction == Redaction("replace", "[Filtered]")
    assert config.rules["b"].is_group
    assert config.rules["c"].groups == ()


def test_two_spellings_of_one_selector_are_one() -> None:
    config = read_config({"applications": {"$http.x": ["a"], "$request.x": ["b"]}})
    assert list(config.applications.values()) == [("b",)]


def test_pseudonyms_have_a_form() -> None:
    rules = {
        "a": {"type": "email", "redaction": {"method": "pseudonym"}},
        "b": {"type": "email", "redaction": {"method": "pseudonym", "prefix": "u_", "length": 52, "scope": "day"}},
    }
    config = read_config({"rules": rules})
    assert config.rules["a"].redaction.form == Form("", 16, "deployment")
    assert config.rules["b"].redaction.form == Form("u_", 52, "day")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("length", 9),
        ("length", 53),
        ("length", True),
        ("length", "16"),
        ("scope", "host"),
        ("scope", []),
        ("prefix", 1),
    ],
)
def test_a_form_that_cannot_be_is_refused(member: str, value: object) -> None:
    redaction = {"method": "pseudonym", member: value}
    with pytest.raises(ConfigError) as refused:
        read_config({"rules": {"a": {"type": "email", "redaction": redaction}}})
    assert refused.value.path == f"rules.a.redaction.{member}"


def test_rules_and_applications_may_be_dry_runs() -> None:
    """scrubbing-15.2"""
    config = read_config(
        {
            "rules": {"a": {"type": "email", "dry_run": True}, "b": {"type": "email"}},
            "applications": {
                "extra.x": {"rules": ["a"], "dry_run": True},
                "extra.y": {"rules": ["b"]},
                "extra.z": ["b"],
            },
        }
    )
    assert {name: spec.dry_run for name, spec in config.rules.items()} == {"a": True, "b": False}
    assert set(config.applications.values()) == {("a",), ("b",)}
    assert config.dry_runs == {parse_selector("extra.x")}


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"rules": {"a": {"type": "email", "dry_run": 1}}}, "rules.a.dry_run"),
        ({"applications": {"x": {"rules": ["a"], "dry_run": "yes"}}}, "applications.x.dry_run"),
        ({"applications": {"x": {"dry_run": True}}}, "applications.x"),
    ],
)
def test_dry_runs_are_checked(config: dict[str, object], path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(config)
    assert caught.value.path == path
