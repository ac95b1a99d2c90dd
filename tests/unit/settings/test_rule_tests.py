"""Files of rule tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scrubjay.errors import ConfigError
from scrubjay.settings.json_schema import json_schema
from scrubjay.settings.project import DataScrubbing
from scrubjay.settings.rule_tests import RuleTest, read_rule_tests


def written(folder: Path, text: str) -> Path:
    path = folder / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_brings_its_rules(tmp_path: Path) -> None:
    read = read_rule_tests(
        written(
            tmp_path,
            "piiConfig: {applications: {$string: ['@ip']}}\n"
            "datascrubbingSettings: {scrubData: true}\n"
            "profile: parity\nscrub: {opaque: forward}\n"
            "tests: [{name: a, text: b, expect: b, must_not_contain: [4242]}]\n",
        )
    )
    assert read.has_rules
    config = read.own_project().config
    assert config.pii_config == {"applications": {"$string": ["@ip"]}}
    assert config.datascrubbing_settings == DataScrubbing(scrub_data=True)
    assert config.scrubjay.scrub == {"opaque": "forward", "profile": "parity"}
    (test,) = read.tests
    assert (test.name, test.text, test.expect, test.must_not_contain) == ("a", "b", "b", (4242,))


@pytest.mark.parametrize(
    ("project", "path"),
    [("project: shop.yaml\n", "shop.yaml"), ("project: shop\n", None), ("project: 42\n", None), ("", None)],
)
def test_a_file_names_its_rules(tmp_path: Path, project: str, path: str | None) -> None:
    read = read_rule_tests(written(tmp_path, project + "tests: [{name: a, input: {}, unchanged: true}]"))
    assert not read.has_rules
    assert read.project_path == path
    assert read.own_project().config.scrubjay.scrub == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tests: []", "length >= 1"),
        ("a: 1", "unknown field a"),
        ("profile: strict", "missing required field tests"),
        ("tests:\n- name: a\n  inptu: {}", ":2: tests[0]: Object contains unknown field inptu"),
        (
            "tests:\n- name: a\n  expect: x",
            ":2: tests.0: a case has one input (accepted: `input`, `text` or `envelope`)",
        ),
        ("tests:\n- {name: a, text: x, input: y, expect: x}", ":2: tests.0: a case has one input"),
        ("tests:\n- {name: a, text: x}", ":2: tests.0: a case that expects nothing cannot fail"),
        ("tests:\n- {name: a, text: 5, expect: x}", ":2: tests[0].text: expected a text, got a whole number"),
        (
            "profile: strict\nproject: 42\ntests: [{name: a, text: x, expect: x}]",
            ":2: project: a file has rules of its own",
        ),
        ("tests: [", "malformed YAML"),
    ],
)
def test_errors_say_where(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_rule_tests(written(tmp_path, text))
    assert str(tmp_path / "rules.yaml") in str(caught.value)
    assert problem in str(caught.value)


@pytest.mark.parametrize("expected", ["false", "0", "null", "''", "[]"])
def test_any_value_can_be_expected(tmp_path: Path, expected: str) -> None:
    assert read_rule_tests(written(tmp_path, f"tests: [{{name: a, input: {{}}, expect: {expected}}}]")).tests


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot open the file"):
        read_rule_tests(tmp_path / "none.yaml")


def test_editors_know_the_form() -> None:
    definitions = json.loads(json_schema())["$defs"]
    assert definitions["rule_tests"] == {"$ref": "#/$defs/RuleTestFile"}
    assert definitions["RuleTestFile"]["required"] == ["tests"]
    assert set(definitions["RuleTest"]["properties"]) == set(RuleTest.__struct_fields__)
