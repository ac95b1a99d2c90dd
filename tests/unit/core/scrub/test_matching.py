"""What selectors reach: the vectors of the specification, and the corners of `**`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scrubjay.core.scrub.matching import ascii_lower
from support import scrubbing

VECTORS = scrubbing.vectors()


def changed(before: Any, after: Any, path: str = "") -> set[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        return {found for key in before for found in changed(before[key], after.get(key), f"{path}.{key}")}
    if isinstance(before, list) and isinstance(after, list):
        return {
            found for at, pair in enumerate(zip(before, after, strict=True)) for found in changed(*pair, f"{path}.{at}")
        }
    if before == after:
        return set()
    return {f"{path}.{'.'.join(map(str, leaf))}".strip(".") for leaf in scrubbing.leaves(before)} or {path[1:]}


@pytest.mark.parametrize("vector", VECTORS["selectors"], ids=[vector["selector"] for vector in VECTORS["selectors"]])
def test_vectors(vector: dict[str, Any]) -> None:
    event = VECTORS["selector_event"]
    program = scrubbing.config_program({"applications": {vector["selector"]: ["@anything:mask"]}})
    got = scrubbing.scrub(program, event)
    assert changed(event, got) == set(vector["masked_or_removed"])


EVENT = {
    "extra": {"a": {"b": {"c": {"d": {"e": "v"}}}}, "x": "v", "user": {"p": {"q": "v"}}},
    "user": {"geo": {"city": "v"}, "id": "v", "data": {"q": "v", "r": {"s": "v"}}},
    "request": {"data": {"k": {"l": "v"}}},
}


@pytest.mark.parametrize(
    "selector",
    ["*.**", "*.extra.**", "*.user.**", "extra.*.**", "user.*.**", "*.*.**.*", "*.**.city", "*.a.b.**", "a.b.**", "b.*.**",
     "*.$user.**", "*.user.**.s", "*.*.*.**", "extra.**.q", "extra.a.**.d.e", "!(extra.**)", "$user.** && !id"],
)  # fmt: skip
def test_deep_wildcards_as_the_reference(selector: str) -> None:
    from sentry_relay.processing import pii_strip_event

    config = {"applications": {selector: ["@anything:mask"]}}
    want = pii_strip_event(config, EVENT)
    got = scrubbing.scrub(scrubbing.config_program(config), EVENT)
    for event in (want, got):
        event.pop("_meta", None)
    assert json.loads(json.dumps(got)) == want


def test_keys_compare_with_ascii_case_ignored() -> None:
    assert ascii_lower("ABCÉ") == "abcÉ"
    assert ascii_lower("ABC") == "abc"
