"""Which rules are applied."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scrubjay.cli.scrub_rules import Choice, chosen_plan
from scrubjay.core.scrub.documents import scrub_document
from scrubjay.errors import ConfigError
from scrubjay.settings.load import load

KEY = "a94ae32be2584e0bbd7a4cbb95971fee"
EVENT = b'{"extra":{"mail":"ana@lab.example","password":"hunter2","ip":"192.0.2.1"}}'


def taken(conf: Path | None = None, **choice: Any) -> set[str]:
    """Members of `extra` that the rules take something from."""
    plan = chosen_plan(Choice(**choice), load(conf))
    assert plan.scrub is not None
    scrubbed = json.loads(scrub_document(plan.scrub, EVENT, "event") or EVENT)
    return {key for key, value in json.loads(EVENT)["extra"].items() if scrubbed["extra"][key] != value}


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_without_a_choice_the_default_rules_run() -> None:
    assert taken() == {"mail", "password", "ip"}
    assert taken(profile="parity") == {"password", "ip"}


def test_the_plan_default_of_the_configuration(folder: Callable[..., Path]) -> None:
    conf = folder("", default="config: {datascrubbingSettings: {scrubIpAddresses: true}}")
    assert taken(conf) == {"ip"}


@pytest.mark.parametrize(
    ("name", "text"),
    [("r.yaml", "applications: {$string: ['@email']}"), ("r.json", '{"applications": {"$string": ["@email"]}}')],
)
def test_rules_alone_are_all_there_is(tmp_path: Path, name: str, text: str) -> None:
    assert taken(pii_config=write(tmp_path / name, text)) == {"mail"}


def test_switches_alone_and_with_rules(tmp_path: Path) -> None:
    rules = write(tmp_path / "r.yaml", "applications: {$string: ['@email']}")
    switches = write(tmp_path / "s.json", '{"scrubIpAddresses": true}')
    assert taken(settings=switches) == {"ip"}
    assert taken(settings=switches, pii_config=rules) == {"ip", "mail"}


def test_a_project_file_and_other_rules_for_it(tmp_path: Path) -> None:
    project = write(tmp_path / "p.yaml", "config: {datascrubbingSettings: {scrubIpAddresses: true}}")
    rules = write(tmp_path / "r.yaml", "applications: {$string: ['@email']}")
    assert taken(project=project) == {"ip"}
    assert taken(project=project, pii_config=rules) == {"ip", "mail"}


def test_projects_of_the_configuration(folder: Callable[..., Path]) -> None:
    conf = folder(
        "",
        default="config: {datascrubbingSettings: {}}",
        p42=f"slug: shop\npublicKeys: [{{publicKey: {KEY}}}]\nconfig: {{datascrubbingSettings: {{scrubIpAddresses: true}}}}",
    )
    for choice in ({"key": KEY}, {"project_id": "42"}, {"project_id": "shop"}):
        assert taken(conf, **choice) == {"ip"}
    for choice in ({"key": "b" * 32}, {"project_id": "43"}):
        with pytest.raises(ConfigError, match="has no project"):
            taken(conf, **choice)


@pytest.mark.parametrize(
    ("member", "text", "problem"),
    [
        ("pii_config", "[]", "r.json: must be an object"),
        ("pii_config", "{", "r.json: malformed JSON"),
        ("pii_config", '{"applications": {"$string": ["@nope"]}}', "r.json: applications: unknown rule"),
        ("settings", '{"scrubData": 5}', "r.json: Expected `bool`"),
        ("project", '{"config": {"scrubjay": {"scrub": {"profile": "lax"}}}}', "r.json: config.scrubjay.scrub.profile"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, member: str, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        taken(**{member: write(tmp_path / "r.json", text)})
