"""The rules of trace sampling: their form, and what one says at a time (`decisions.md` 5.2, 5.3)."""

import pytest

from scrubjay.core.sampling.trace_rules import NO_RULES, UNSUPPORTED, DynamicSampling, TraceRule, compile_dynamic
from support.trace_rules import config, rule

START, END = "1970-01-01T00:16:40Z", "1970-01-01T00:33:20Z"
"""1000 and 2000 seconds after the epoch."""


def compiled(*rules: dict[str, object], **members: object) -> DynamicSampling:
    found, problems = compile_dynamic(config(*rules, **members))
    assert problems == []
    assert found is not None
    return found


def only(**members: object) -> TraceRule:
    (found,) = compiled(rule(3001, **members)).trace
    return found


def test_rules_by_their_type() -> None:
    rules = compiled(rule(1, type="trace"), rule(2, type="project"), rule(3, type="transaction"), rule(4, type="trace"))
    assert [[found.id for found in group] for group in (rules.transaction, rules.project, rules.trace)] == [
        [3],
        [2],
        [1, 4],
    ]
    assert rules
    assert repr(rules) == "<DynamicSampling 1 transaction, 1 project, 2 trace>"


@pytest.mark.parametrize(
    "nothing", [None, {}, {"version": 2}, {"version": 2, "rules": []}, {"version": 0, "rules": []}]
)
def test_no_rules(nothing: object) -> None:
    assert compile_dynamic(nothing) == (None, [])
    assert not NO_RULES


def test_values() -> None:
    found = only(samplingValue={"type": "factor", "value": 2})
    assert (found.kind, found.value) == ("factor", 2.0)
    assert only(samplingValue={"type": "minimumSampleRate", "value": -1}).kind == "minimumSampleRate"
    assert only(unknown=1, samplingValue={"type": "sampleRate", "value": 0.5, "unknown": 1}).value == 0.5


def test_rules_of_the_oldest_form_decisions_75() -> None:
    assert [found.id for found in compiled(rulesV2=[rule(1)], version=1).trace] == [1]
    both = {"rules": [rule(1)], "rulesV2": [rule(2)]}
    found, problems = compile_dynamic(both)
    assert problems == []
    assert found is not None
    assert [each.id for each in found.trace] == [1, 2]
    found, _ = compile_dynamic({**both, "version": 2})
    assert found is not None
    assert [each.id for each in found.trace] == [1]


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        pytest.param(config(rule(1), rule(2, type="martian")), "rules[1]", id="decisions-74-type"),
        pytest.param(config(version=3), "version 3", id="decisions-74-version"),
        pytest.param(config(rule(1, condition={"op": "martian"})), "rules[0]", id="condition"),
        pytest.param(
            config(rule(1, condition={"op": "not", "inner": {"op": "or", "inner": [{"op": "ufo"}]}})),
            "rules[0]",
            id="inside",
        ),
        pytest.param({"rulesV2": [rule(1, type="martian")]}, "rulesV2[0]", id="oldest-form"),
    ],
)
def test_one_rule_that_is_not_supported_switches_all_off(broken: object, what: str) -> None:
    found, problems = compile_dynamic(broken)
    assert found == UNSUPPORTED
    assert repr(found) == "<DynamicSampling unsupported>"
    assert f"{what} not supported" in problems[-1]


VALUE = {"type": "sampleRate", "value": 0.5}


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        pytest.param(config(rule(1, samplingValue={"type": "reservoir", "limit": 3})), "rules[0].samplingValue.type", id="decisions-74-reservoir"),
        (config(rule(1, decayingFn={"type": "exponential"})), "rules[0].decayingFn.type"),
        (config(rule(1, decayingFn={"type": "linear"})), "rules[0].decayingFn.decayedValue"),
        (config(rule(1, decayingFn=None)), "rules[0].decayingFn"),
        ([], "an object"),
        (config(version="2"), "version"),
        (config(version=True), "version"),
        (config(version=65536), "version"),
        ({"rules": None}, "rules is no list"),
        ({"version": 2, "rulesV2": [3]}, "rulesV2[0]"),
        (config(rule(-1)), "rules[0].id"),
        (config(rule(1, id=2**32)), "rules[0].id"),
        (config(rule(1, id=True)), "rules[0].id"),
        (config(rule(1, type=3)), "rules[0].type"),
        (config(rule(1, samplingValue=0.5)), "rules[0].samplingValue"),
        (config(rule(1, samplingValue={"type": ["factor"], "value": 1})), "rules[0].samplingValue.type"),
        (config(rule(1, samplingValue={"type": "factor", "value": "1"})), "rules[0].samplingValue.value"),
        (config(rule(1, samplingValue={"type": "factor", "value": True})), "rules[0].samplingValue.value"),
        (config(rule(1, samplingValue={"type": "factor", "value": float("nan")})), "rules[0].samplingValue.value"),
        (config(rule(1, samplingValue={"type": "factor", "value": 10**400})), "rules[0].samplingValue.value"),
        (config(rule(1, timeRange=None)), "rules[0].timeRange"),
        (config(rule(1, timeRange={"start": "2026-03-01"})), "rules[0].timeRange.start"),
        (config(rule(1, timeRange={"end": 7})), "rules[0].timeRange.end"),
        (config(rule(1, condition=None)), "rules[0].condition"),
        (config(rule(1, condition={"op": "eq", "name": "x"})), "rules[0].condition"),
        (config({"id": 1, "type": "trace", "samplingValue": VALUE}), "rules[0].condition"),
    ],
)  # fmt: skip
def test_what_cannot_be_parsed_is_not_applied(broken: object, where: str) -> None:
    found, problems = compile_dynamic(broken)
    assert found is None
    (problem,) = problems
    assert where in problem
    assert "everything is kept" in problem


def test_what_is_doubtful_is_named_and_applied() -> None:
    found, problems = compile_dynamic(config(rule(1, condition={"op": "eq", "name": "trace.release", "value": 7})))
    assert found
    assert problems[0].startswith("config.sampling.rules[0]: ")


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        ("trace", "event.release", "`event.release` is no field of traces, so it is always missing; did you mean `trace.release`?"),
        ("project", "trace.enviroment", "`trace.enviroment` is no field of traces, so it is always missing; did you mean `trace.environment`?"),
        ("transaction", "trace.release", "`trace.release` is no field of transactions, so it is always missing; did you mean `event.release`?"),
    ],
)  # fmt: skip
def test_a_field_that_a_rule_never_sees_is_named_and_the_rule_applies(kind: str, name: str, told: str) -> None:
    condition = {"op": "eq", "name": name, "value": None}
    found, problems = compile_dynamic(config(rule(1, type=kind, condition=condition)))
    assert found
    assert found.is_supported
    assert problems == [f"config.sampling.rules[0]: {told}"]


@pytest.mark.parametrize(("kind", "name"), [("trace", "trace.user.id"), ("transaction", "event.contexts.os.name")])
def test_nothing_is_said_of_fields_that_a_rule_sees(kind: str, name: str) -> None:
    assert compiled(rule(1, type=kind, condition={"op": "eq", "name": name, "value": "x"}))


def test_times_are_half_open() -> None:
    ranged = only(timeRange={"start": START, "end": END})
    assert [ranged.value_at(now) for now in (999.9, 1000, 1999.9, 2000)] == [None, 0.25, 0.25, None]
    assert only(timeRange={"start": START}).value_at(1e12) == 0.25
    assert only(timeRange={"end": END, "start": None}).value_at(0) == 0.25


def test_linear_decay() -> None:
    """The worked example of 5.3."""
    falling = only(
        samplingValue={"type": "sampleRate", "value": 0.8},
        decayingFn={"type": "linear", "decayedValue": 0.2},
        timeRange={"start": START, "end": END},
    )
    values = [falling.value_at(now) for now in (1000, 1250, 1500, 1999)]
    assert values == pytest.approx([0.8, 0.65, 0.5, 0.2006])
    assert falling.value_at(1250.9) == falling.value_at(1250)
    assert falling.value_at(2000) is None


def test_a_decay_to_the_same_value() -> None:
    level = only(decayingFn={"type": "linear", "decayedValue": 0.25}, timeRange={"start": START, "end": END})
    assert level.value_at(1500) == 0.25


def test_a_decay_of_less_than_a_second() -> None:
    falling = only(
        decayingFn={"type": "linear", "decayedValue": 0.05},
        timeRange={"start": START, "end": "1970-01-01T00:16:40.5Z"},
    )
    assert falling.value_at(1000.4) == 0.25


@pytest.mark.parametrize(
    ("value", "times"),
    [
        pytest.param(0.1, {"start": START, "end": END}, id="decisions-73-growing"),
        pytest.param(0.8, {"start": START}, id="decisions-73-without-end"),
        pytest.param(0.8, {"end": END}, id="without-start"),
    ],
)
def test_a_decay_that_cannot_be_is_left_out(value: float, times: dict[str, str]) -> None:
    found, problems = compile_dynamic(
        config(
            rule(1, samplingValue={"type": "sampleRate", "value": value}, decayingFn={"type": "linear", "decayedValue": 0.5}, timeRange=times),
            rule(2),
        )
    )  # fmt: skip
    assert found is not None
    assert [each.id for each in found.trace] == [2]
    assert "never applies" in problems[0]


def test_a_constant_rule_outside_its_time_decisions_73() -> None:
    assert only(timeRange={"end": START}, decayingFn={"type": "constant"}).value_at(1500) is None


def test_quirks_reach_the_conditions() -> None:
    unclosed = config(rule(1, condition={"op": "glob", "name": "trace.release", "value": ["x{open"]}))
    assert compile_dynamic(unclosed)[1]
    assert compile_dynamic(unclosed, quirks=True)[0]
