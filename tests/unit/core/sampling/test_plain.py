"""Plain sampling as a whole: from rules as they are written to what becomes of items (`decisions.md` 5.9)."""

import json
from collections.abc import Mapping

import pytest
from msgspec import Raw

from scrubjay import reasons
from scrubjay.core.envelope import Item
from scrubjay.core.items.partial import Dropped, Thinned
from scrubjay.core.sampling.first_n import Occasions
from scrubjay.core.sampling.plain import PlainSampling, Ruling, Weighted, compile_plain
from scrubjay.reasons import DataCategory as C
from support.items import make_envelope, make_item
from support.seeds import HIGH, LOW, RATES, ROWS

NOW = 1_795_339_884.0
KEY = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"
TRACE = {"trace_id": LOW, "public_key": KEY}
DROPPED = (Dropped(reasons.SAMPLE_RATE, "3100"),)


def plain(*rules: Mapping[str, object]) -> PlainSampling:
    compiled, problems = compile_plain([{"id": 3100 + number, **rule} for number, rule in enumerate(rules)])
    assert problems == []
    assert compiled is not None
    return compiled


def fate(
    sampling: PlainSampling,
    item: Item,
    *beside: Item,
    occasions: Occasions | None = None,
    now_unix: float = NOW,
    folds: bool = False,
    **headers: object,
) -> tuple[Ruling, ...]:
    envelope = make_envelope(item, *beside, **headers)
    examined = sampling.examine(item, envelope, folds=folds)
    if examined is None:
        return ()
    assert examined.explained()
    return sampling.decide(item, examined, occasions or Occasions(), 42, now_unix)


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
