"""Blocks of trace sampling are taken, refused and understood as by the reference (`decisions.md` 5.2).

Random blocks, most of them wrong in one place. One difference is known and left out of the cases: where an object is wanted the reference also
takes an array of its members in their order. What its own settings page refuses beyond that (`validate_sampling_configuration`) is what it
does not support.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from sentry_relay.processing import normalize_project_config, validate_sampling_configuration

from scrubjay.core.envelope import encode_json
from scrubjay.core.sampling.times import unix_time
from scrubjay.core.sampling.trace_rules import compile_dynamic

CASES = 4_000
NUMBERS: list[Any] = [0, 1, -1, 0.5, 2.5, 1e-9, 1e300, 2**32 - 1, 2**32, 2**70, True, None, "1", [], {}, 1.0]
TEXTS: list[Any] = ["trace", "project", "transaction", "martian", "", "Trace", None, 3, [], {}]
KINDS: list[Any] = ["sampleRate", "factor", "minimumSampleRate", "reservoir", "SampleRate", None, 1, []]
DECAYS: list[Any] = [
    {"type": "constant"}, {"type": "constant", "decayedValue": "x"}, {"type": "linear", "decayedValue": 0.1}, {"type": "linear"},
    {"type": "linear", "decayedValue": None}, {"type": "exponential"}, {"type": "exponential", "decayedValue": 1}, {}, None, "constant", 1,
]  # fmt: skip
TIMES: list[Any] = [
    "2026-03-01T00:00:00Z", "2026-03-08 00:00:00.25+02:00", "2026-3-1T0:0:0 utc", "2026-03-01", "2026-03-01T00:00:00", "2026-02-30T00:00:00Z",
    "2026-03-01T00:00:00+0200", "2026-03-01T00:00:00+02", "", None, 1767261600, [], "+12026-03-01T00:00:00Z", "2026-03-01T00:00:60Z",
]  # fmt: skip
CONDITIONS: list[Any] = [
    {"op": "and", "inner": []}, {"op": "or", "inner": []}, {"op": "eq", "name": "trace.release", "value": None}, {"op": "martian"},
    {"op": "eq", "name": "trace.release", "value": ["a", "b"], "options": {"ignoreCase": True}}, {"op": "eq", "name": "trace.release"}, {},
    {"op": "glob", "name": "trace.release", "value": ["1.*"]}, {"op": "glob", "name": "trace.release", "value": "1.*"}, None, "and", 3,
    {"op": "not", "inner": {"op": "or", "inner": [{"op": "ufo"}]}}, {"op": "not", "inner": {"op": "or", "inner": [{}]}}, {"op": "and"},
    {"op": "gt", "name": "event.duration", "value": 5}, {"op": "gt", "name": "event.duration"}, {"op": "any", "name": "event.exception.values"},
]  # fmt: skip


class Maker:
    """Makes blocks; each rule is wrong in some places with the given chance."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)

    def block(self) -> dict[str, Any]:
        wrong = self.choose.choice([0, 0.02, 0.1])
        block: dict[str, Any] = {
            "version": self._one([2, 2, 1], [0, 1, 2, 3, 65535, 65536, -1, 2.0, "2", None, True], wrong)
        }
        for name, often in (("rules", 0.95), ("rulesV2", 0.3)):
            if self.choose.random() < often:
                rules = [self._rule(wrong) for _ in range(self.choose.randrange(4))]
                block[name] = self._one([rules], [None, {}, "rules", 3, [3], [None]], wrong / 2)
        if self.choose.random() < wrong:
            block.pop(self.choose.choice(list(block)))
        return block

    def _rule(self, wrong: float) -> dict[str, Any]:
        value = {"type": self._one(KINDS[:3], KINDS, wrong), "value": self._one([0.2, 0.5, 2], NUMBERS, wrong)}
        rule = {
            "id": self._one([3001, 1400, 0], NUMBERS, wrong),
            "type": self._one(TEXTS[:3], TEXTS, wrong),
            "samplingValue": self._one([value], [0.5, {}, None, "factor"], wrong),
            "condition": self._one(CONDITIONS[:3], CONDITIONS, wrong),
        }
        if self.choose.random() < 0.4:
            rule["decayingFn"] = self._one(DECAYS[:3], DECAYS, wrong)
        if self.choose.random() < 0.4:
            ends = {name: self._one(TIMES[:3], TIMES, wrong) for name in ("start", "end") if self.choose.random() < 0.8}
            rule["timeRange"] = self._one([ends], [None, 3, "now"], wrong)
        if self.choose.random() < wrong:
            rule.pop(self.choose.choice(list(rule)))
        if self.choose.random() < wrong:
            rule["unknown"] = self.choose.choice(NUMBERS)
        return rule

    def _one(self, right: list[Any], any_of: list[Any], wrong: float) -> Any:
        return self.choose.choice(any_of if self.choose.random() < wrong else right)


def of_reference(block: dict[str, Any]) -> list[dict[str, Any]] | str:
    """Its rules as it understood them, those of both lists if both count; else why it does nothing."""
    read = normalize_project_config({"sampling": block})["sampling"]
    if read is None:
        return "not parsed"
    rules = list(read["rules"])
    if read["version"] == 1:
        rules += normalize_project_config({"sampling": {"version": 2, "rules": block.get("rulesV2", [])}})["sampling"][
            "rules"
        ]
    if read["version"] > 2 or any(rule["type"] == "unsupported" for rule in rules):
        return "unsupported"
    try:
        validate_sampling_configuration(encode_json({"version": 2, "rules": rules}).decode())
    except ValueError:
        return "unsupported"
    return rules


def of_ours(block: dict[str, Any]) -> tuple[list[tuple[Any, ...]], ...] | str:
    sampling, problems = compile_dynamic(block)
    if any("not applied" in problem for problem in problems):
        return "not parsed"
    if sampling is not None and not sampling.is_supported:
        return "unsupported"
    groups = ((), (), ()) if sampling is None else (sampling.transaction, sampling.project, sampling.trace)
    return tuple(
        [(rule.id, rule.kind, rule.value, rule.start_unix, rule.end_unix, rule.decays_to) for rule in group]
        for group in groups
    )


def as_ours(rules: list[dict[str, Any]]) -> tuple[list[tuple[Any, ...]], ...]:
    """Rules of the reference by type, without those that can never apply (5.3)."""
    groups: dict[str, list[tuple[Any, ...]]] = {"transaction": [], "project": [], "trace": []}
    for rule in rules:
        value, ends = rule["samplingValue"], rule.get("timeRange", {})
        start, end = (None if ends.get(name) is None else unix_time(ends[name]) for name in ("start", "end"))
        decayed = rule.get("decayingFn", {}).get("decayedValue")
        if decayed is None or (start is not None and end is not None and value["value"] >= decayed):
            groups[rule["type"]].append((rule["id"], value["type"], value["value"], start, end, decayed))
    return tuple(groups.values())


def agree(seed: int, cases: int) -> dict[str, int]:
    maker = Maker(seed)
    seen: dict[str, int] = {}
    for _ in range(cases):
        block = maker.block()
        theirs, ours = of_reference(block), of_ours(block)
        assert ours == (theirs if isinstance(theirs, str) else as_ours(theirs)), block
        kind = theirs if isinstance(theirs, str) else "applied"
        seen[kind] = seen.get(kind, 0) + 1
    return seen


def test_blocks_are_understood_alike() -> None:
    seen = agree(1, CASES)
    assert min(seen[kind] for kind in ("applied", "unsupported", "not parsed")) > CASES / 100


SPELLINGS = [
    "2026-03-01T00:00:00Z", "2026-02-28T23:59:60.5+02:00", "1-1-1T1:1:1z", "+12026-3-01T00:00:00 -23:59", "2024-02-29 12 : 30:07.123456789123 +0530",
    "-5-12-31t23:59:59 utc", "9999-12-31T23:59:59+24:00", "2026-03-01T00:00:00\u22120100", "262142-12-31T00:00:00Z", "+262142-12-31T23:59:59-01:00",
    "-262143-01-01T00:00:00Z", "2026-03-01T00:00:00+05: 30", "-262143-01-01T00:00:00+01:00",
]  # fmt: skip
LETTERS = "0123456789:-+TtZz .UTCutc\u2212\u00a0\n\x1c\u0663"


def respelled(choose: random.Random) -> str:
    text = choose.choice(SPELLINGS)
    for _ in range(choose.choice([0, 1, 1, 2, 3])):
        position = choose.randrange(len(text) + 1)
        instead = choose.choice([choose.choice(LETTERS), ""])
        text = text[:position] + instead + text[position + choose.choice([0, 1]) :]
    return text


def times_agree(seed: int, cases: int) -> int:
    choose = random.Random(seed)
    taken = 0
    for _ in range(cases):
        text = respelled(choose)
        block = {
            "rules": [
                {
                    "id": 1,
                    "type": "trace",
                    "samplingValue": {"type": "factor", "value": 1},
                    "condition": CONDITIONS[0],
                    "timeRange": {"start": text},
                }
            ]
        }
        read = normalize_project_config({"sampling": block})["sampling"]
        if read is None:
            with pytest.raises(ValueError, match=r"."):
                unix_time(text)
        else:
            taken += 1
            # The reference writes what it read in universal time, in the plainest form.
            assert unix_time(text) == pytest.approx(unix_time(read["rules"][0]["timeRange"]["start"]), abs=1e-6), text
    return taken


def test_times_are_read_alike() -> None:
    assert times_agree(1, CASES) > CASES / 10


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_times_are_read_alike_with_a_fresh_seed() -> None:
    times_agree(random.SystemRandom().randrange(2**31), 50 * CASES)


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_blocks_are_understood_alike_with_a_fresh_seed() -> None:
    agree(random.SystemRandom().randrange(2**31), 50 * CASES)
