"""Reading advanced configs; what is refused is in `test_program.py`."""

from __future__ import annotations

from scrubjay.core.scrub.redact import Redaction
from scrubjay.core.scrub.rule_spec import read_config


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
