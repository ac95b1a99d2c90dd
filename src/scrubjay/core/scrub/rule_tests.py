"""Rule tests: whether what left is what a case expects (`scrubjay test`).

A case is judged by what came, what left and which rules found something; who scrubbed it is not asked. Paths are selectors of keys
and positions, counted from the payload's root; in lists of pairs a key is a pair's name. The form of the file is
`settings.rule_tests`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Any, Final

import msgspec
from msgspec import UNSET

from scrubjay.core.scrub.json_text import decode_any, encode
from scrubjay.core.scrub.matching import ascii_lower
from scrubjay.core.scrub.selectors import IndexItem, KeyItem, Path, SelectorError, parse_selector
from scrubjay.core.scrub.spellings import haystack, spellings
from scrubjay.errors import ConfigError
from scrubjay.settings.rule_tests import RuleTest

_MISSING: Final = object()
_MAX_SHOWN: Final = 60
Step = KeyItem | IndexItem


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an input. Payloads item by item; `after` None: dropped, and `reasons` says why. `sent`: all that would leave."""

    before: tuple[bytes, ...]
    after: tuple[bytes | None, ...]
    reasons: tuple[str, ...] = ()
    sent: bytes = b""
    hits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that does not hold. `diff`: lines of a unified diff, expected against found, where there is one."""

    expectation: str
    problem: str
    diff: tuple[str, ...] = ()


def place_text(text: str, at: str) -> bytes:
    """A document that holds a text at a path. Raises ConfigError."""
    value: Any = text
    for step in reversed(_steps(at)):
        value = {step.key: value} if isinstance(step, KeyItem) else [*({} for _ in range(step.index)), value]
    if not isinstance(value, dict):
        raise ConfigError("must begin with a key", path="at")
    return encode(value)


def judge(test: RuleTest, outcome: Outcome) -> list[Failure]:
    """What does not hold. Raises ConfigError where the case itself cannot be used."""
    if test.item >= len(outcome.before):
        raise ConfigError(f"{test.name}: there are {len(outcome.before)} items", path="item")
    dropped = [reason for reason, after in zip(outcome.reasons, outcome.after, strict=False) if after is None]
    if dropped or test.dropped:
        failure = _judge_drop(test, dropped)
        if failure is not None or outcome.after[test.item] is None:
            return [failure] if failure is not None else []
    return [
        *_judge_value(test, outcome),
        *_judge_paths(test, outcome),
        *_judge_texts(test, outcome),
        *_judge_rules(test, outcome),
    ]


def _judge_drop(test: RuleTest, dropped: list[str]) -> Failure | None:
    reasons = ", ".join(dropped)
    if not dropped:
        return Failure("dropped", "nothing was dropped")
    if not test.dropped:
        return Failure("dropped", f"dropped as {reasons}, which no expectation names")
    if isinstance(test.dropped, str) and test.dropped not in dropped:
        return Failure("dropped", f"dropped as {reasons}, not as {test.dropped}")
    return None


def _judge_value(test: RuleTest, outcome: Outcome) -> Iterator[Failure]:
    after = outcome.after[test.item]
    assert after is not None  # what was dropped was judged before
    if test.unchanged and after != outcome.before[test.item]:
        before, found = _read(outcome.before[test.item]), _read(after)
        yield Failure("unchanged", "something was changed", _diff(before, found))
    found = _read(after)
    if test.text is not UNSET and isinstance(found, dict):
        found = look_up(found, _steps(test.at))
    if test.expect is not UNSET:
        seen = _project(found, test.expect)
        if not _holds(test.expect, seen):
            yield Failure("expect", "something else leaves", _diff(test.expect, seen))
    if test.expect_whole is not UNSET:
        expected = test.expect_whole
        if isinstance(found, dict) and isinstance(expected, dict) and "_meta" not in expected:
            found = {key: value for key, value in found.items() if key != "_meta"}
        if found != expected:
            yield Failure("expect_whole", "something else leaves", _diff(expected, found))


def _judge_paths(test: RuleTest, outcome: Outcome) -> Iterator[Failure]:
    if not test.removed and not test.kept:
        return
    before, after = _read(outcome.before[test.item]), _read(outcome.after[test.item] or b"")
    for expectation, paths in (("removed", test.removed), ("kept", test.kept)):
        for path in paths:
            steps = _steps(path)
            came, left = look_up(before, steps), look_up(after, steps)
            if came is _MISSING:
                yield Failure(expectation, f"{path}: the input has no such value")
            elif expectation == "kept" and left != came:
                yield Failure(expectation, f"{path} does not leave as it came", _diff(came, left))
            elif expectation == "removed" and not _is_gone(came, left):
                yield Failure(expectation, f"{path} is still there: {_short(left)}")


def _judge_texts(test: RuleTest, outcome: Outcome) -> Iterator[Failure]:
    if not test.must_contain and not test.must_not_contain:
        return
    searched = haystack([outcome.sent, *(after for after in outcome.after if after is not None)])
    for wanted in map(str, test.must_contain):
        if wanted.encode() not in searched:
            yield Failure("must_contain", f"{_short(wanted)} is not in what leaves")
    for forbidden in map(str, test.must_not_contain):
        form = next((name for form, name in spellings(forbidden).items() if form in searched), None)
        if form is not None:
            yield Failure("must_not_contain", f"{_short(forbidden)} is in what leaves, {form}")


def _judge_rules(test: RuleTest, outcome: Outcome) -> Iterator[Failure]:
    for rule in test.rules:
        # `@creditcard` stands for all its variants.
        if not any(hit == rule or hit.startswith(f"{rule}:") for hit in outcome.hits):
            found = ", ".join(sorted(outcome.hits)) or "none"
            yield Failure("rules", f"{rule} found nothing; rules that did: {found}")


def look_up(document: object, steps: tuple[Step, ...]) -> object:
    """The value at a path; a marker of its own if there is none."""
    for step in steps:
        if isinstance(document, dict) and isinstance(step, KeyItem):
            lower = ascii_lower(step.key)
            fitting = [key for key in document if key == step.key or ascii_lower(key) == lower]
            document = document[step.key if step.key in fitting else fitting[0]] if fitting else _MISSING
        elif isinstance(document, list) and isinstance(step, IndexItem):
            document = document[step.index] if step.index < len(document) else _MISSING
        elif isinstance(document, list) and isinstance(step, KeyItem):
            lower = ascii_lower(step.key)
            document = next(
                (pair[1] for pair in document if _is_pair(pair) and ascii_lower(pair[0]) == lower), _MISSING
            )
        else:
            return _MISSING
    return document


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def _steps(path: str) -> tuple[Step, ...]:
    """Raises ConfigError."""
    try:
        selector = parse_selector(path, legacy_words=False)
    except SelectorError as error:
        raise ConfigError(f"no path: {error}") from None
    if not isinstance(selector, Path):
        raise ConfigError(f"no path: {path!r} is a selector of several")
    steps = tuple(item for item in selector.items if isinstance(item, (KeyItem, IndexItem)))
    if len(steps) != len(selector.items):
        raise ConfigError(f"no path: {path!r} has types or wildcards")
    return steps


def _read(payload: bytes) -> object:
    """JSON as its value, anything else as text."""
    try:
        return decode_any(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return payload.decode("utf-8", "replace")


def _is_gone(came: object, left: object) -> bool:
    """Whether nothing of a value is left. A text may not stand in a longer one either; a container may be there with other content."""
    if left is _MISSING or left is None:
        return True
    if isinstance(came, str) and isinstance(left, str):
        return came not in left
    if isinstance(came, dict) and isinstance(left, dict):
        return all(_is_gone(value, left.get(key, _MISSING)) for key, value in came.items())
    if isinstance(came, list) and isinstance(left, list):
        return all(map(_is_gone, came, left))
    return came != left


def _holds(expected: object, found: object) -> bool:
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(_holds(value, found.get(key)) for key, value in expected.items())
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_holds, expected, found))
    return expected == found and isinstance(expected, bool) == isinstance(found, bool)


def _project(found: object, expected: object) -> object:
    """What was found, without what the expectation does not name."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return {key: _project(found[key], value) if key in found else None for key, value in expected.items()}
    if isinstance(expected, list) and isinstance(found, list):
        return [*map(_project, found, expected), *found[len(expected) :]]
    return None if found is _MISSING else found


def _diff(expected: object, found: object) -> tuple[str, ...]:
    lines = unified_diff(_pretty(expected), _pretty(found), "expected", "found", n=2, lineterm="")
    return tuple(lines)


def _pretty(value: object) -> list[str]:
    if value is _MISSING:
        return []
    return msgspec.json.format(encode(value), indent=2).decode().split("\n")


def _short(value: object) -> str:
    text = value if isinstance(value, str) else encode(value).decode()
    return repr(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…")
