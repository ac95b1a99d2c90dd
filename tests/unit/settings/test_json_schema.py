"""The schema for editors, by a real validator: it knows what is right from what is wrong."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from scrubjay.settings import inert
from scrubjay.settings.document import compose, decode_json, read_text, to_plain
from scrubjay.settings.fields import ALIASES, FIELDS
from scrubjay.settings.json_schema import json_schema
from scrubjay.settings.render import sample
from support.wrong_files import WRONG_PROJECTS, WRONG_SETTINGS, WrongFile

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "config").rglob("scrubjay.yaml"))
PROJECTS = sorted(path for path in (ROOT / "config").rglob("projects/*") if path.is_file())


@cache
def validator(part: str = "") -> Any:
    schema = json.loads(json_schema())
    if part:
        schema = {"$defs": schema["$defs"], "$ref": f"#/$defs/{part}"}
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def as_an_editor_reads(text: str, name: str) -> object:
    return decode_json(text, name) if name.endswith(".json") else to_plain(compose(text, name), name)


def complaints(document: object, part: str = "") -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator(part).iter_errors(document)]


def test_the_sample_is_right_as_it_stands_and_with_each_line_switched_on() -> None:
    assert complaints(as_an_editor_reads(sample(), "s.yaml")) == []
    lines = []
    for line in sample().splitlines():
        name = line.strip().removeprefix("# ").partition(": ")[0]
        is_setting = line.strip().startswith("# ") and any(row.name == name for row in FIELDS.values())
        lines.append(line.replace("# ", "", 1) if is_setting else line)
    assert complaints(as_an_editor_reads("\n".join(lines), "s.yaml")) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_examples_are_right(path: Path) -> None:
    assert complaints(as_an_editor_reads(read_text(path), path.name)) == []


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.name)
def test_project_files_are_right(path: Path) -> None:
    assert complaints(as_an_editor_reads(read_text(path), path.name), "project") == []


@pytest.mark.parametrize(
    "wrong", [row for row in WRONG_SETTINGS if row.flagged], ids=lambda wrong: repr(wrong.text[:60])
)
def test_wrong_settings_are_flagged(wrong: WrongFile) -> None:
    assert complaints(as_an_editor_reads(wrong.text, wrong.name))


@pytest.mark.parametrize(
    "wrong", [row for row in WRONG_PROJECTS if row.flagged], ids=lambda wrong: repr(wrong.text[40:100])
)
def test_wrong_projects_are_flagged(wrong: WrongFile) -> None:
    assert complaints(as_an_editor_reads(wrong.text, wrong.name), "project")


def test_most_of_what_can_be_wrong_is_flagged() -> None:
    assert sum(row.flagged for row in WRONG_SETTINGS) >= 40


@pytest.mark.parametrize("key", FIELDS)
def test_a_variable_or_nothing_may_stand_everywhere(key: str) -> None:
    for value in ("${NAME}", "${file:PATH}", None):
        document: Any = value
        for name in reversed(key.split(".")):
            document = {name: document}
        assert complaints(document) == []


@pytest.mark.parametrize(
    "text",
    [
        "limits: {max_event_size: 1 MiB, max_log_size: '1048576', max_span_size: 1.5KB}",
        "http: {timeout: 250ms, retry_delay: 0, upstream_path_prefix: '', proxy: 'http://p:1'}",
        "relay: {upstream: [https://a, 'http://[::1]:9000/'], host: '::', trusted_proxies: [10.0.0.0/8, '::1', '::/0'], workers: auto}",
        "relay: {port: '3000', override_project_ids: on}",
        "quotas: {redis: 'redis+sentinel://a:1,b:2/n'}",
        "metrics: {statsd: '127.0.0.1:8125', default_tags: {zone: 1, on: true}}",
        "limits: {max_replay_size: 1MB}\nprocessing: {enabled: false, kafka_config: [{name: a, value: b}]}",
        "relay:\nlimits:\n",
    ],
)
def test_what_is_accepted_is_not_flagged(text: str) -> None:
    assert complaints(as_an_editor_reads(text, "s.yaml")) == []


def test_keys_without_effect_are_known() -> None:
    for name in (*inert.ELSEWHERE, *ALIASES):
        document: Any = {} if name.endswith(".") else "x"
        for part in reversed(name.removesuffix(".").split(".")):
            document = {part: document}
        assert complaints(document) == [], name
