"""What is made of the chart's values: schema, page, list of settings that need another pod; and the maker's own complaints."""

from __future__ import annotations

import json
import re
import runpy
from typing import Any

import jsonschema
import pytest
import yaml

from scrubjay import __version__
from scrubjay.settings.fields import FIELDS
from support.helm import CHARTS, RELAY_CHART

RENDER: dict[str, Any] = runpy.run_path(str(CHARTS / "render.py"))
SCHEMA: dict[str, Any] = json.loads((RELAY_CHART / "values.schema.json").read_text())
VALUES: dict[str, Any] = yaml.safe_load((RELAY_CHART / "values.yaml").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


@pytest.mark.parametrize("name", RENDER["PAGES"])
def test_committed_pages_are_up_to_date(name: str) -> None:
    committed = (RELAY_CHART / name).read_text(encoding="utf-8")
    assert committed == RENDER["PAGES"][name](), "run `python helm/render.py` and commit the result"


def test_the_chart_installs_this_version() -> None:
    assert yaml.safe_load((RELAY_CHART / "Chart.yaml").read_text())["appVersion"] == __version__


def test_the_schema_is_one_and_takes_the_defaults() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert not list(VALIDATOR.iter_errors(VALUES))


def test_the_page_names_every_value_and_its_example_is_taken() -> None:
    page = (RELAY_CHART / "README.md").read_text()
    assert {value.key for value in all_values() if not value.members} == set(
        re.findall(r"^\| `([\w.]+)` \|", page, re.MULTILINE)
    )
    example = yaml.safe_load(re.search(r"```yaml\n(.+?)```", page, re.DOTALL)[1])
    assert not list(VALIDATOR.iter_errors({**VALUES, **example}))


def all_values() -> list[Any]:
    found = list(RENDER["read_values"]((RELAY_CHART / "values.yaml").read_text()))
    for value in found:
        found.extend(value.members)
    return found


def test_no_value_can_be_misspelt_or_taken_away() -> None:
    """Each map that the chart reads itself is closed, and needs every value whose default is not null."""
    for value in all_values():
        if value.members:
            with_more = edited(
                value.path, {member.path[-1]: member.default for member in value.members} | {"misspelt": 1}
            )
            assert [error.message for error in VALIDATOR.iter_errors(with_more)] == [
                "Additional properties are not allowed ('misspelt' was unexpected)"
            ]
            assert list(VALIDATOR.iter_errors(edited(value.path, {})))


def edited(path: tuple[str, ...], replacement: object) -> dict[str, Any]:
    values = json.loads(json.dumps(VALUES))
    inner = values
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = replacement
    return values


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("shape", "deployment"),
        ("config", {"relay": {"portt": 1}}),
        ("config", {"relay": {"mode": "statik"}}),
        ("config", {"relay": None}),
        ("config", {"limits": {"max_connections": 0}}),
        ("projects", {"42": {"publicKeys": [{"publicKey": "short"}]}}),
        ("projects", {"42": []}),
        ("projects", {"../42": {}}),
        (
            "credentials",
            {**VALUES["credentials"], "secretKey": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"},
        ),
        ("secretFiles", {"a/b": {"name": "x", "key": "y"}}),
        ("secretFiles", {"a": "the secret itself"}),
        ("internalPort", 65536),
        ("internalPort", "3001"),
        ("replicaCount", -1),
        ("terminationGracePeriodSeconds", 1.5),
        ("commonLabels", {"a": 1}),
        ("persistence", {**VALUES["persistence"], "size": "10 gigs"}),
        ("redis", {**VALUES["redis"], "url": "http://r:6379"}),
    ],
)
def test_what_is_wrong_is_refused_by_the_schema(key: str, wrong: object) -> None:
    errors = list(VALIDATOR.iter_errors({**VALUES, key: wrong}))
    assert [error.path[0] for error in errors] == [key]


@pytest.mark.parametrize(
    "added",
    [
        {"global": {"imageRegistry": "x"}},
        {"enabled": True},
        {"config": {"relay": {"upstream": ["https://a.example", "https://b.example"], "mode": "${MODE}"}}},
        {"config": {"limits": {"shutdown_timeout": "20s", "max_connections": "${MAX}"}}},
        {"projects": {"default": None, "42": {"publicKeys": [{"publicKey": "a94ae32be2584e0bbd7a4cbb95971fee"}]}}},
        {"relay": {**VALUES["relay"], "workers": "auto"}},
    ],
)
def test_what_is_right_is_taken(added: dict[str, Any]) -> None:
    assert not list(VALIDATOR.iter_errors({**VALUES, **added}))


def test_settings_that_take_effect_at_once_replace_no_pod() -> None:
    keys = yaml.safe_load((RELAY_CHART / "files" / "restart-keys.yaml").read_text())
    assert set(keys) == {key for key, row in FIELDS.items() if not row.note.reload}
    assert "relay.upstream" in keys
    assert "limits.shutdown_timeout" not in keys


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\n", "values.yaml:1: a has no comment"),
        ("# A map.\na:\n  b: 1\n", "values.yaml:3: a.b has no comment"),
        ('# @schema {"minimum": 1}\na: 1\n', "values.yaml:2: a has no comment"),
    ],
)
def test_a_value_without_words_is_a_mistake(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        RENDER["read_values"](text)


def test_a_null_needs_a_type() -> None:
    (value,) = RENDER["read_values"]("# Nothing.\na: null\n")
    with pytest.raises(ValueError, match="a: its default is null"):
        RENDER["_schema"](value, {})
