"""Rules as they are written: what is accepted, what is refused and where, and what never acts (`decisions.md` 5.9)."""

import pytest

from scrubjay.categories import DataCategory as C
from scrubjay.core.sampling.rule_config import load_rules
from scrubjay.core.sampling.rules import Decay, FirstN, Rate, Reservoir
from scrubjay.errors import ConfigError

RULE = {"id": 3100, "applies": ["error"], "rate": 0.5}
BARE = {"id": 3100, "applies": ["error"]}
FIRST = {"n": 10, "window": 60, "then": 0.01}
DECAY = {"type": "exponential", "halfLife": 3600, "floor": 0.1, "start": "2026-03-01T00:00:00Z"}
INFO = {"op": "eq", "name": "event.level", "value": "info"}


def test_each_form() -> None:
    """The example of the specification, and a reservoir."""
    rules, problems = load_rules(
        [
            {"id": 3100, "applies": ["error"], "condition": INFO, "rate": 0.05},
            {"id": 3104, "applies": ["error", "monitor"], "reservoir": {"size": 5, "window": 60}, "protect": False},
            {"id": 3101, "applies": ["error"], "firstN": FIRST | {"newPerWindow": 600, "scope": "worker"}},
            {"id": 3102, "applies": ["log_item"], "rate": 0},
            {"id": 3103, "applies": ["session"], "rate": 1.0, "decay": DECAY},
        ]
    )
    assert problems == []
    assert [rule.share for rule in rules] == [
        Rate(0.05),
        Reservoir(5, 60),
        FirstN(10, 60, 0.01, 600),
        Rate(0),
        Decay(1, 3600, 1_772_323_200, 0.1),
    ]
    assert [rule.protects for rule in rules] == [True, False, True, True, True]
    assert rules[0].condition is not None
    assert rules[1].categories == {C.ERROR, C.MONITOR}


def test_members_that_may_be_missing() -> None:
    rules, _ = load_rules([BARE | {"firstN": FIRST}])
    assert rules[0].share == FirstN(10, 60, 0.01, None)
    rules, _ = load_rules(
        [RULE | {"decay": {"type": "exponential", "halfLife": 60, "start": "2026-03-01T01:00:00+01:00"}}]
    )
    assert rules[0].share == Decay(0.5, 60, 1_772_323_200, 0)


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("error", ""),
        (RULE | {"rates": 1}, ".rates"),
        (RULE | {"id": "3100"}, ".id"),
        (RULE | {"id": True}, ".id"),
        (RULE | {"id": -1}, ".id"),
        (RULE | {"id": 3100}, ".id"),
        ({"applies": ["error"], "rate": 0.5}, ".id"),
        (RULE | {"rate": 1.5}, ".rate"),
        (RULE | {"rate": -0.5}, ".rate"),
        (RULE | {"rate": float("nan")}, ".rate"),
        (RULE | {"rate": True}, ".rate"),
        (RULE | {"rate": "half"}, ".rate"),
        (BARE, ".rate"),
        (RULE | {"firstN": FIRST}, ".rate"),
        (RULE | {"reservoir": {"size": 1, "window": 1}}, ".rate"),
        (RULE | {"protect": "no"}, ".protect"),
        (RULE | {"applies": []}, ".applies"),
        (RULE | {"applies": "error"}, ".applies"),
        (RULE | {"applies": ["errors"]}, ".applies"),
        (RULE | {"applies": [["error"]]}, ".applies"),
        ({"id": 3100, "rate": 0.5}, ".applies"),
        (RULE | {"condition": None}, ".condition"),
        (RULE | {"condition": {"op": "eq"}}, ".condition"),
        (BARE | {"firstN": 10}, ".firstN"),
        (BARE | {"firstN": FIRST | {"m": 1}}, ".firstN.m"),
        (BARE | {"firstN": FIRST | {"n": 0}}, ".firstN.n"),
        (BARE | {"firstN": FIRST | {"n": 1.0}}, ".firstN.n"),
        (BARE | {"firstN": FIRST | {"n": 2**32}}, ".firstN.n"),
        (BARE | {"firstN": FIRST | {"window": None}}, ".firstN.window"),
        (BARE | {"firstN": {"n": 1, "window": 1}}, ".firstN.then"),
        (BARE | {"firstN": FIRST | {"newPerWindow": 0}}, ".firstN.newPerWindow"),
        (BARE | {"firstN": FIRST | {"scope": "host"}}, ".firstN.scope"),
        (BARE | {"firstN": FIRST | {"scope": "galaxy"}}, ".firstN.scope"),
        (BARE | {"firstN": FIRST, "applies": ["error", "transaction"]}, ".applies"),
        (BARE | {"firstN": FIRST, "decay": DECAY}, ".decay"),
        (BARE | {"reservoir": []}, ".reservoir"),
        (BARE | {"reservoir": {"size": 1}}, ".reservoir.window"),
        (BARE | {"reservoir": {"window": 1}}, ".reservoir.size"),
        (RULE | {"decay": "exponential"}, ".decay"),
        (RULE | {"decay": DECAY | {"type": "linear"}}, ".decay.type"),
        (RULE | {"decay": {"halfLife": 60}}, ".decay.type"),
        (RULE | {"decay": DECAY | {"halfLife": 0}}, ".decay.halfLife"),
        (RULE | {"decay": DECAY | {"halfLife": True}}, ".decay.halfLife"),
        (RULE | {"decay": DECAY | {"halfLife": "1h"}}, ".decay.halfLife"),
        (RULE | {"decay": DECAY | {"floor": 2}}, ".decay.floor"),
        (RULE | {"decay": DECAY | {"floor": 0.6}}, ".decay.floor"),
        (RULE | {"decay": DECAY | {"start": "2026-03-01"}}, ".decay.start"),
        (RULE | {"decay": DECAY | {"start": 1772323200}}, ".decay.start"),
        (RULE | {"decay": DECAY | {"start": None}}, ".decay.start"),
        (RULE | {"decay": DECAY | {"end": "2026-03-01"}}, ".decay.end"),
    ],
)
def test_what_cannot_be_honoured_is_an_error(rule: object, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_rules([RULE, rule | {"id": 3101} if path != ".id" and isinstance(rule, dict) else rule])
    assert caught.value.path == f"config.scrubjay.sampling[1]{path}"
    assert caught.value.problem
    assert caught.value.accepted or path in ("", ".condition")


def test_what_cannot_be_counted_on_the_whole_host_is_said() -> None:
    with pytest.raises(ConfigError, match="counting for the whole host is not available yet"):
        load_rules([BARE | {"firstN": FIRST | {"scope": "host"}}])


PATH = "config.scrubjay.sampling: rule"


def test_a_rule_behind_one_that_takes_all_is_named() -> None:
    rules, problems = load_rules(
        [
            RULE | {"condition": INFO},
            BARE | {"id": 3101, "reservoir": {"size": 1, "window": 1}},
            RULE | {"id": 3102},
            RULE | {"id": 3103, "applies": ["error", "session"]},
            RULE
            | {"id": 3104, "applies": ["session"], "condition": {"op": "eq", "name": "event.release", "value": "a"}},
        ]
    )
    assert len(rules) == 5
    assert problems == [
        f"{PATH} 3103 never decides on error, rule 3102 comes first",
        f"{PATH} 3104 never decides on session, rule 3103 comes first",
    ]


def test_a_condition_that_is_not_supported_takes_its_rule_away() -> None:
    """Under `not` it would match everything, and everything would fall."""
    unknown = {"op": "not", "inner": {"op": "galaxy", "name": "event.level", "value": "x"}}
    rules, problems = load_rules([RULE | {"rate": 0, "condition": unknown}])
    assert rules == []
    assert problems == [f"{PATH} 3100 is left out: `galaxy` is no known operator; this condition never matches"]


def test_a_part_that_cannot_match_is_named() -> None:
    condition = {"op": "or", "inner": [INFO, {"op": "eq", "name": "event.duration", "value": 5}]}
    rules, problems = load_rules([RULE | {"condition": condition}])
    assert len(rules) == 1
    assert problems == [
        f"{PATH} 3100 may not match: `eq` on event.duration with a number never matches; use `gte` and `lte`"
    ]


@pytest.mark.parametrize(
    ("applies", "condition", "fields"),
    [
        ("log_item", INFO, "`log.…`"),
        ("error", {"op": "glob", "name": "log.body", "value": ["x"]}, "`event.…`"),
        ("span", {"op": "glob", "name": "log.body", "value": ["x"]}, "`span.…` or `event.…`"),
        ("monitor", {"op": "and", "inner": [INFO]}, "no fields"),
        ("log_item", {"op": "any", "name": "event.exception.values", "inner": {"op": "eq", "name": "ty", "value": "x"}}, "`log.…`"),
        ("error", {"op": "eq", "name": "level", "value": "info"}, "`event.…`"),
    ],
)  # fmt: skip
def test_a_condition_on_fields_that_are_never_there_is_named(applies: str, condition: object, fields: str) -> None:
    rules, (problem,) = load_rules([RULE | {"applies": [applies], "condition": condition}])
    assert rules == []
    assert problem.startswith(f"{PATH} 3100 never decides on {applies}: it has {fields}, and the condition asks for ")


@pytest.mark.parametrize(
    ("applies", "condition"),
    [
        ("error", INFO),
        ("span", {"op": "eq", "name": "event.release", "value": "x"}),
        ("span", {"op": "eq", "name": "span.attributes.x.value", "value": "x"}),
        ("error", {"op": "any", "name": "event.exception.values", "inner": {"op": "eq", "name": "ty", "value": "x"}}),
        ("log_item", {"op": "and", "inner": []}),
    ],
)
def test_a_condition_that_may_match_is_fine(applies: str, condition: object) -> None:
    _, problems = load_rules([RULE | {"applies": [applies], "condition": condition}])
    assert problems == []


@pytest.mark.parametrize(
    ("applies", "condition", "told"),
    [
        ("error", {"op": "eq", "name": "event.enviroment", "value": "x"}, "`event.enviroment` is no field of error, so it is always missing; did you mean `event.environment`?"),
        ("replay", INFO, "`event.level` is no field of replay, so it is always missing"),
        ("log_item", {"op": "not", "inner": INFO}, "`event.level` is no field of log_item, so it is always missing; did you mean `log.level`?"),
        ("log_item", {"op": "eq", "name": "event.level", "value": None}, "`event.level` is no field of log_item, so it is always missing; did you mean `log.level`?"),
        ("log_item", {"op": "or", "inner": [INFO, {"op": "eq", "name": "log.body", "value": "x"}]}, "`event.level` is no field of log_item, so it is always missing; did you mean `log.level`?"),
        ("profile", {"op": "not", "inner": INFO}, "`event.level` is no field of profile, so it is always missing"),
    ],
)  # fmt: skip
def test_a_field_that_is_never_there_is_named_and_the_rule_acts(applies: str, condition: object, told: str) -> None:
    (rule,), problems = load_rules([RULE | {"applies": [applies], "condition": condition}])
    assert [category.wire for category in rule.categories] == [applies]
    assert problems == [f"{PATH} 3100 asks in vain: {told}"]


def test_a_rule_acts_on_those_that_have_the_fields() -> None:
    (rule,), problems = load_rules([RULE | {"applies": ["error", "log_item"], "condition": INFO}])
    assert rule.categories == {C.ERROR}
    assert len(problems) == 1
