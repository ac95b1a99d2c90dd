"""Plain sampling as a whole: from rules as they are written to what becomes of items (`decisions.md` 5.9)."""

import json

import pytest

from scrubjay.core.items.partial import Dropped
from scrubjay.core.sampling.first_n import Occasions
from scrubjay.core.sampling.plain import Ruling, Weighted, compile_plain
from support.items import make_item
from support.plain_sampling import DROPPED, NOW, TRACE, UNWEIGHED, fate, logs, plain
from support.seeds import HIGH, LOW, RATES, ROWS


def context_in(rulings: tuple[Ruling, ...]) -> dict[str, object]:
    (ruling,) = rulings
    assert isinstance(ruling, Weighted)
    assert ruling.payload is not None
    assert ruling.headers == {}
    context = json.loads(ruling.payload)["contexts"]["scrubjay_sampling"]
    assert isinstance(context, dict)
    return context


def weight_of(rulings: tuple[Ruling, ...]) -> float:
    """0: it fell."""
    if isinstance(rulings[0], Dropped):
        return 0
    weight = context_in(rulings)["weight"]
    assert isinstance(weight, float)
    return weight


KEY_ERROR = {"exception": {"values": [{"type": "KeyError", "value": "sku"}]}}
UNIQUE = {"applies": ["error"], "firstN": {"n": 10, "window": 60, "then": 0, "newPerWindow": 600}}


def test_first_n_then_a_share_decisions_82() -> None:
    sampling = plain({"applies": ["error"], "firstN": {"n": 2, "window": 60, "then": 0.25}})
    occasions = Occasions()

    def weights(now_unix: float) -> list[float]:
        return [
            weight_of(fate(sampling, make_item("event", KEY_ERROR), occasions=occasions, now_unix=now_unix, event_id=f"{number:032x}"))
            for number in range(1, 13)
        ]  # fmt: skip

    assert weights(NOW) == [1, 1, 0, 0, 4, 0, 0, 0, 0, 4, 0, 0]
    assert weights(NOW + 60)[:2] == [1, 1]


def test_a_flood_of_new_fingerprints_is_capped_decisions_83() -> None:
    sampling, occasions = plain(UNIQUE), Occasions()
    kept = 0
    for number in range(700):
        item = make_item("event", {"fingerprint": [f"kind {number}"]})
        kept += weight_of(fate(sampling, item, occasions=occasions, event_id=HIGH)) == 1
    assert kept == 600


@pytest.mark.parametrize(
    "event",
    [
        {"level": "fatal"},
        {"exception": {"values": [{"mechanism": {"handled": False}}]}},
        b"junk",
    ],
)
def test_what_is_protected_is_kept_as_one_decisions_84(event: object) -> None:
    item = make_item("event", event)
    for seed in (LOW, HIGH):
        (ruling,) = fate(plain({"applies": ["error"], "rate": 0.5}), item, event_id=seed)
        assert isinstance(ruling, Weighted)
        if ruling.payload is None:
            assert ruling.headers == {"scrubjay_weight": 1, "scrubjay_rate": 1}
        else:
            assert context_in((ruling,))["weight"] == 1
    assert fate(plain({"applies": ["error"], "rate": 0, "protect": False}), item, event_id=HIGH) == DROPPED


def test_what_is_protected_is_not_counted() -> None:
    sampling, occasions = plain({"applies": ["error"], "firstN": {"n": 1, "window": 60, "then": 0}}), Occasions()
    for _ in range(3):
        fatal = fate(sampling, make_item("event", KEY_ERROR | {"level": "fatal"}), occasions=occasions)
        assert weight_of(fatal) == 1
    assert weight_of(fate(sampling, make_item("event", KEY_ERROR), occasions=occasions)) == 1
    assert weight_of(fate(sampling, make_item("event", KEY_ERROR), occasions=occasions)) == 0


# Rates


@pytest.mark.parametrize(("seed", "number", "double", "decisions"), ROWS)
def test_the_number_decides(seed: str, number: float, double: str, decisions: str) -> None:
    kept = [
        weight_of(fate(plain({"applies": ["error"], "rate": rate}), make_item("event"), event_id=seed))
        for rate in RATES
    ]
    assert kept == [1 / rate if letter == "K" else 0 for rate, letter in zip(RATES, decisions, strict=True)]  # fmt: skip


def test_a_kept_event_says_what_it_stands_for() -> None:
    sampling = plain({"applies": ["error"], "rate": 0.25})
    payload = (
        b'{"event_id": "x", "big": 12345678901234567890123, "contexts": {"os": {"name": "L\\u00efnux"}}, "f": 1.50}'
    )
    (ruling,) = fate(sampling, make_item("event", payload), event_id=LOW)
    assert isinstance(ruling, Weighted)
    assert ruling.payload == (
        b'{"event_id":"x","big":12345678901234567890123,"contexts":{"os":{"name": "L\\u00efnux"},'
        b'"scrubjay_sampling":{"type":"scrubjay_sampling","rate":0.25,"weight":4.0,"rule":3100,'
        b'"fingerprint":"54ff79f301cbc641"}},"f":1.50}'
    )


def test_a_rate_of_1_changes_nothing() -> None:
    assert fate(plain({"applies": ["error"], "rate": 1}), make_item("event"), event_id=HIGH) == ()


@pytest.mark.parametrize("rate", [0, 1e-17])
def test_what_is_below_the_finest_step_keeps_nothing(rate: float) -> None:
    assert fate(plain({"applies": ["error"], "rate": rate}), make_item("event"), event_id=LOW) == DROPPED


def test_a_rate_that_halves() -> None:
    decay = {"type": "exponential", "halfLife": 3600, "floor": 0.1, "start": "2026-03-01T00:00:00Z"}
    sampling, start = plain({"applies": ["error"], "rate": 1.0, "decay": decay}), 1_772_323_200.0
    weights = [
        weight_of(fate(sampling, make_item("event"), event_id=LOW, now_unix=start + hours * 3600))
        for hours in (-5, 0, 1, 2, 3, 4, 1e6)
    ]
    assert weights == [1, 1, 2, 4, 8, 10, 10]


# Which rule


def test_the_first_rule_that_matches_decides() -> None:
    def level(*levels: str) -> dict[str, object]:
        return {"op": "eq", "name": "event.level", "value": list(levels)}

    sampling = plain(
        {"applies": ["error"], "condition": level("debug", "info"), "rate": 0},
        {"applies": ["error"], "condition": level("info", "warning"), "rate": 1},
        {"applies": ["error"], "rate": 0.5},
    )
    assert fate(sampling, make_item("event", {"level": "info"}), event_id=LOW) == DROPPED
    assert fate(sampling, make_item("event", {"level": "warning"}), event_id=HIGH) == ()
    assert context_in(fate(sampling, make_item("event", {"level": "error"}), event_id=LOW))["rule"] == 3102


def test_a_reservoir_leaves_the_rest_to_the_next_rule() -> None:
    sampling, occasions = (
        plain({"applies": ["error"], "reservoir": {"size": 2, "window": 60}}, {"applies": ["error"], "rate": 0}),
        Occasions(),
    )
    rules = []
    for now_unix in (0, 59, 59, 60):
        (ruling,) = fate(sampling, make_item("event"), occasions=occasions, now_unix=now_unix, event_id=LOW)
        rules.append("dropped" if isinstance(ruling, Dropped) else context_in((ruling,))["rule"])
    assert rules == [3100, 3100, "dropped", 3100]


def test_nobody_speaks_after_a_full_reservoir() -> None:
    sampling, occasions = plain({"applies": ["error"], "reservoir": {"size": 1, "window": 60}}), Occasions()
    assert weight_of(fate(sampling, make_item("event"), occasions=occasions)) == 1
    assert fate(sampling, make_item("event"), occasions=occasions) == ()
    sampling, occasions = plain({"applies": ["log_item"], "reservoir": {"size": 1, "window": 60}}), Occasions()
    assert fate(sampling, logs({}), occasions=occasions) == (UNWEIGHED,)
    assert fate(sampling, logs({}), occasions=occasions) == ()


def test_a_reservoir_before_a_rate_of_1_counts() -> None:
    sampling, occasions = (
        plain(
            {"applies": ["error"], "reservoir": {"size": 1, "window": 60}},
            {"applies": ["error"], "condition": {"op": "eq", "name": "event.level", "value": "info"}, "rate": 1},
            {"applies": ["error"], "rate": 0},
        ),
        Occasions(),
    )
    assert context_in(fate(sampling, make_item("event", {"level": "info"}), occasions=occasions))["rule"] == 3100
    assert isinstance(fate(sampling, make_item("event"), occasions=occasions)[0], Dropped)


def test_what_no_rule_is_about_stays() -> None:
    sampling = plain(
        {"applies": ["error"], "condition": {"op": "eq", "name": "event.level", "value": "info"}, "rate": 0}
    )
    for item_type in ("attachment", "client_report", "trace_metric", "galaxy", "security", "transaction"):
        assert fate(sampling, make_item(item_type), event_id=HIGH) == ()
    assert fate(sampling, make_item("event"), event_id=HIGH) == ()
    assert repr(sampling) == "<PlainSampling error by 1>"


def test_no_rules() -> None:
    assert compile_plain([]) == (None, [])


# Items that are no events

OTHERS = [
    "user_report",
    "session",
    "sessions",
    "replay_event",
    "replay_recording",
    "replay_video",
    "profile",
    "check_in",
]
ALL = {"applies": ["error", "feedback", "session", "replay", "profile", "monitor", "span", "transaction", "log_item"]}


@pytest.mark.parametrize("item_type", OTHERS)
def test_others_bear_their_weight_in_headers(item_type: str) -> None:
    sampling = plain(ALL | {"rate": 0.25, "protect": False})
    assert fate(sampling, make_item(item_type), event_id=HIGH) == DROPPED
    kept = Weighted(None, {"scrubjay_weight": 4.0, "scrubjay_rate": 0.25}, kept={3100: 1})
    assert fate(sampling, make_item(item_type), event_id=LOW) == (kept,)


def test_a_replay_leaves_or_falls_whole() -> None:
    dev = {"op": "eq", "name": "event.environment", "value": "dev"}
    sampling = plain({"applies": ["replay"], "condition": dev, "rate": 0})
    for environment, expected in (("dev", DROPPED), ("live", ())):
        items = [
            make_item("replay_event", {"environment": environment}),
            make_item("replay_recording"),
            make_item("replay_video"),
        ]
        for item in items:
            beside = [other for other in items if other is not item]
            assert fate(sampling, item, *beside) == expected


@pytest.mark.parametrize("rate", [0.25, 0.5])
def test_traces_decide_on_transactions(rate: float) -> None:
    eleven, sixteen = ROWS[10][0], ROWS[15][0]
    sampling = plain({"applies": ["transaction"], "rate": rate})
    item = make_item("transaction", {"level": "fatal"})
    assert weight_of(fate(sampling, item, trace=TRACE | {"trace_id": eleven}, event_id=HIGH)) == 1 / rate
    kept = fate(sampling, item, trace=TRACE | {"trace_id": sixteen}, event_id=LOW)
    assert weight_of(kept) == (0 if rate == 0.25 else 2)
    assert "fingerprint" not in context_in(kept) if rate == 0.5 else kept == DROPPED


# Folding (D-085)

FOLDED = TRACE | {"sample_rate": "0.5", "release": "shop@1", "org_id": "7"}


@pytest.mark.parametrize("item_type", ["transaction", "span"])
def test_rates_are_folded_into_that_of_the_trace_decisions_85(item_type: str) -> None:
    sampling = plain(ALL | {"rate": 0.5})
    (ruling,) = fate(sampling, make_item(item_type), folds=True, trace=FOLDED | {"sample_rand": "0.2"})
    assert isinstance(ruling, Weighted)
    assert ruling.trace == FOLDED | {"sample_rand": "0.2", "sample_rate": "0.25"}
    assert fate(sampling, make_item(item_type), folds=True, trace=FOLDED | {"sample_rand": "0.3"}) == DROPPED


def test_a_container_is_folded_once_by_its_highest_rate() -> None:
    fast = {"op": "eq", "name": "span.name", "value": "fast"}
    sampling = plain({"applies": ["span"], "condition": fast, "rate": 0.25}, {"applies": ["span"], "rate": 0.5})
    item = make_item("span", {"items": [{"name": "fast"}, {"name": "slow"}]}, item_count=2)
    (ruling,) = fate(sampling, item, folds=True, trace=FOLDED | {"sample_rand": 0.1})
    assert isinstance(ruling, Weighted)
    assert ruling.trace is not None
    assert ruling.trace["sample_rate"] == "0.25"


def test_only_what_belongs_to_a_trace_is_folded() -> None:
    sampling = plain(ALL | {"rate": 0.5})
    for trace in (FOLDED, {"trace_id": "x"}, None):
        (ruling,) = fate(sampling, make_item("session"), folds=True, event_id=LOW, trace=trace)
        assert isinstance(ruling, Weighted)
        assert ruling.trace is None
    (ruling,) = fate(sampling, make_item("transaction"), folds=True, event_id=LOW, trace=FOLDED | {"sample_rate": -1})
    assert isinstance(ruling, Weighted)
    assert ruling.trace is None
