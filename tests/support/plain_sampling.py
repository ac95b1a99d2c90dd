"""Plain sampling from rules to what becomes of an item, without the path."""

from collections.abc import Mapping

from scrubjay import reasons
from scrubjay.core.envelope import Item
from scrubjay.core.items.partial import Dropped
from scrubjay.core.sampling.first_n import Occasions
from scrubjay.core.sampling.plain import PlainSampling, Ruling, Weighted, compile_plain
from support.items import make_envelope, make_item
from support.seeds import LOW

NOW = 1_795_339_884.0
KEY = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"
TRACE = {"trace_id": LOW, "public_key": KEY}
UNWEIGHED = Weighted(None, {"scrubjay_weight": 1, "scrubjay_rate": 1}, kept={3100: 1})
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
    return sampling.rule(item, examined, sampling.settle(examined, occasions or Occasions(), 42, now_unix))


def logs(*records: object) -> Item:
    return make_item("log", {"items": records}, item_count=len(records))
