"""`docs/conditions.md`: what it says of conditions holds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from msgspec import Raw

from scrubjay.core.conditions import COMPARATORS, OPERATORS, Subject, compile_condition
from scrubjay.core.envelope import Item
from scrubjay.core.subjects import subject_of, subject_of_record, subject_of_trace
from scrubjay.core.subjects.names import ITEMS, KINDS_OF, TRACE, Kind, missing_fields
from scrubjay.core.subjects.page import (
    EQUALITIES,
    EXAMPLES,
    GLOBS,
    OPERATOR_DOCS,
    RELEASES,
    Comparison,
    Equality,
    Example,
    Pattern,
    render_page,
)

PAGE = (Path(__file__).parents[4] / "docs" / "conditions.md").read_text(encoding="utf-8")


def test_the_committed_page_is_up_to_date() -> None:
    assert render_page() == PAGE, "run `scrubjay config render` and commit the result"


def test_the_page_names_everything() -> None:
    assert set(OPERATOR_DOCS) == set(OPERATORS)
    for name in (*OPERATORS, *COMPARATORS, "ty", "module", "client_ip", "event.contexts.gpu.", "<name>.value"):
        assert f"`{name}`" in PAGE
    for kind in (*ITEMS, TRACE):
        assert f"### {kind.title}\n" in PAGE


def test_every_example_of_the_page_is_tested_here() -> None:
    assert re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) == [example.condition for example in EXAMPLES]


def matches(config: object, subject: Subject, kinds: tuple[Kind, ...] = ITEMS) -> bool:
    """Of a condition that nothing is to be said about."""
    condition = compile_condition(config)
    assert condition.is_supported
    assert list(missing_fields(condition.asked, kinds, "items")) == []
    return condition.matches(subject)


def event(text: str) -> Subject:
    return subject_of(Item({"type": "event"}, text.encode()))


def seen(item_type: str, text: str) -> Subject:
    if item_type == "trace":
        return subject_of_trace(json.loads(text))
    if item_type == "log":
        return subject_of_record("log", Raw(text.encode()))
    return subject_of(Item({"type": item_type}, text.encode()))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_examples(example: Example) -> None:
    kinds = KINDS_OF.get(example.item_type, (TRACE,))
    config = yaml.safe_load(example.condition)
    assert example.matches
    assert example.misses
    assert all(matches(config, seen(example.item_type, text), kinds) for text in example.matches)
    assert not any(matches(config, seen(example.item_type, text), kinds) for text in example.misses)


@pytest.mark.parametrize("row", EQUALITIES, ids=lambda row: row.doc)
def test_equality(row: Equality) -> None:
    config = {"op": "eq", "name": row.name, "value": json.loads(row.value)}
    assert matches(config, event(row.event)) is row.matches
    if "ignoreCase" in row.doc:
        assert matches({**config, "options": {"ignoreCase": True}}, event(row.event))


@pytest.mark.parametrize("row", RELEASES, ids=lambda row: row.doc)
def test_releases(row: Comparison) -> None:
    config = {"op": "release", "name": "event.release", "comparator": row.comparator, "value": row.value}
    assert matches(config, event(json.dumps({"release": row.release}))) is row.matches


@pytest.mark.parametrize("row", GLOBS, ids=lambda row: row.doc)
def test_patterns(row: Pattern) -> None:
    config = {"op": "glob", "name": "event.transaction", "value": [row.pattern]}
    for text in row.matches:
        assert matches(config, event(json.dumps({"transaction": text})))
    assert not matches(config, event(json.dumps({"transaction": row.misses})))
