"""Trace sampling: whatever the rules and the envelope, there is an answer; relays in a row agree; a lower rate keeps a part of a higher one's."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core.envelope import Envelope, Item, encode_json
from scrubjay.core.sampling.context import read_context
from scrubjay.core.sampling.dynamic import UNCHANGED, TraceRuling, sample_traces
from scrubjay.core.sampling.trace_rules import NO_RULES, DynamicSampling, compile_dynamic
from support.items import make_envelope, make_item
from support.trace_rules import ALWAYS, config, is_in, rule

KEY, OTHER = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
SPANS = {"content_type": "application/vnd.sentry.items.span.v2+json"}
NOW = 1_700_000_000.0

IDS = st.integers(0, 2**128 - 1).map(lambda bits: f"{bits:032x}")
NAMES = st.text(max_size=4) | st.sampled_from(
    [
        "version", "rules", "rulesV2", "id", "type", "samplingValue", "value", "condition", "op", "name", "inner", "timeRange", "start", "end",
        "decayingFn", "decayedValue", "contexts", "trace", "trace_id", "user", "segment", "items", "spans", "release", "environment", "transaction",
        "public_key", "sample_rate", "sample_rand", "sampled", "replay_id", "user_id", "segment_name",
    ]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | IDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)

# Rules and envelopes that are valid

# Not on the user: in a context that is built from a transaction the next relay does not see them.
CONDITIONS = st.sampled_from(
    [
        ALWAYS,
        is_in("prod"),
        {"op": "eq", "name": "event.transaction", "value": "/cart"},
        {"op": "not", "inner": is_in("prod")},
    ]
)
DECAYS = st.sampled_from([{"type": "constant"}, {"type": "linear", "decayedValue": 0.05}])
TIMES = st.sampled_from(
    [
        {},
        {"start": "2023-11-14T00:00:00Z", "end": "2023-11-16T00:00:00Z"},
        {"start": "2023-11-15T00:00:00Z"},
        {"end": "2023-11-15T00:00:00Z"},
    ]
)


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["sampleRate", "sampleRate", "factor", "minimumSampleRate"]))
    return rule(
        draw(st.integers(0, 5000)),
        type=draw(st.sampled_from(["transaction", "project", "trace"])),
        samplingValue={"type": kind, "value": draw(st.floats(0, 2 if kind == "factor" else 1))},
        condition=draw(CONDITIONS),
        decayingFn=draw(DECAYS),
        timeRange=draw(TIMES),
    )


BLOCKS = st.lists(rules(), max_size=6).map(lambda found: compile_dynamic(config(*found))[0])
ENVIRONMENTS = st.sampled_from(["prod", "dev"])


@st.composite
def envelopes(draw: st.DrawFn) -> Envelope:
    trace_id, environment = draw(IDS), draw(ENVIRONMENTS)
    transaction = {
        "transaction": draw(st.sampled_from(["/cart", "/"])),
        "environment": environment,
        "contexts": {"trace": {"trace_id": trace_id}},
        "user": {"id": draw(st.sampled_from([7, "7", "8"]))},
    }
    spans = {"items": [{"trace_id": trace_id}]}
    items = [
        make_item("transaction", transaction),
        make_item("span", spans, item_count=1, **SPANS),
        make_item("span", {"trace_id": trace_id}),
        make_item("profile", b"{}"),
        make_item("attachment", b"x"),
        make_item("event"),
    ]
    headers: dict[str, Any] = {"event_id": draw(IDS)}
    if draw(st.booleans()):
        key = draw(st.sampled_from([KEY, OTHER]))
        headers["trace"] = {"trace_id": trace_id, "public_key": key, "environment": environment, "user_id": "7"}
        headers["trace"]["sample_rate"] = draw(st.sampled_from(["0.5", 1, None, -1]))
    chosen = draw(st.lists(st.sampled_from(range(len(items))), unique=True))
    return make_envelope(*(items[number] for number in sorted(chosen)), **headers)


def carried_out(envelope: Envelope, ruling: TraceRuling | None) -> list[Item]:
    """Does what the ruling says; returns what fell."""
    if ruling is None:
        return []
    if ruling.context is None:
        del envelope.headers["trace"]
    elif ruling.context is not UNCHANGED:
        envelope.headers["trace"] = ruling.context
    for profile in ruling.detached:
        profile.headers["sampled"] = False
    fallen = [fall.item for fall in ruling.falls]
    assert not {id(item) for item in fallen} & {id(item) for item in ruling.detached}
    envelope.items[:] = [item for item in envelope.items if not any(item is other for other in fallen)]
    return fallen


def relay(
    envelope: Envelope, own: DynamicSampling | None, root: DynamicSampling | None, *, folds: bool = False
) -> list[Item]:
    """As the pipeline does it; `root` None: the key `OTHER` is not known."""
    trace = envelope.headers.get("trace")
    if isinstance(trace, dict) and trace.get("public_key") == KEY:
        root = own or NO_RULES
    elif trace is None:
        root = None
    return carried_out(envelope, sample_traces(envelope, own, root, own_key=KEY, now_unix=NOW, fold_rates=folds))


@given(envelopes(), BLOCKS, st.none() | BLOCKS.map(lambda found: found or NO_RULES))
def test_relays_in_a_row_agree_decisions_81(
    envelope: Envelope, own: DynamicSampling | None, root: DynamicSampling | None
) -> None:
    relay(envelope, own, root)
    assert relay(envelope, own, root) == []


@given(
    envelopes(),
    st.lists(
        st.tuples(st.floats(0, 1), CONDITIONS, st.sampled_from(["transaction", "project", "trace"])),
        min_size=1,
        max_size=4,
    ),
    st.floats(0, 1),
)
def test_a_lower_rate_keeps_a_part(
    envelope: Envelope, wanted: list[tuple[float, dict[str, Any], str]], part: float
) -> None:
    def fallen(factor: float) -> set[int]:
        blocks = [rule(3000, rate * factor, type=kind, condition=condition) for rate, condition, kind in wanted]
        copy = make_envelope(*envelope.items, **envelope.headers)
        return {id(item) for item in relay(copy, compile_dynamic(config(*blocks))[0], None)}

    sampled = {item.headers.pop("sampled", None) for item in envelope.items}
    assert sampled <= {None}
    higher = fallen(1)
    for item in envelope.items:
        item.headers.pop("sampled", None)
    assert higher <= fallen(part)


@given(envelopes(), BLOCKS, st.none() | BLOCKS.map(lambda found: found or NO_RULES))
def test_a_rate_that_was_folded_can_be_read_again(
    envelope: Envelope, own: DynamicSampling | None, root: DynamicSampling | None
) -> None:
    before = read_context(envelope.headers.get("trace"))
    relay(envelope, own, root, folds=True)
    after = read_context(envelope.headers.get("trace"))
    if before is not None and after is not None and before.sample_rate is not None:
        assert after.sample_rate is not None
        assert 0 <= after.sample_rate <= before.sample_rate


# Anything at all

ITEM_TYPES = st.sampled_from(["transaction", "span", "profile", "attachment", "event", "form_data", "replay_event"])


@given(VALUES)
def test_any_block_is_judged(block: object) -> None:
    sampling, problems = compile_dynamic(block)
    assert sampling is None or sampling or not sampling.is_supported
    assert all(isinstance(problem, str) for problem in problems)


@given(
    st.lists(st.tuples(ITEM_TYPES, st.binary(max_size=9) | VALUES.map(encode_json), st.sampled_from([{}, SPANS, {"item_count": 1, **SPANS}, {"sampled": False}, {"span_count": "x"}])), max_size=4),
    VALUES | st.dictionaries(NAMES, VALUES).map(lambda found: {**found, "trace_id": "1" * 32, "public_key": KEY}),
    BLOCKS, st.booleans(),
)  # fmt: skip
def test_any_envelope_is_judged(
    items: list[tuple[str, bytes, dict[str, Any]]], trace: object, own: DynamicSampling | None, folds: bool
) -> None:
    envelope = make_envelope(
        *(make_item(name, payload.replace(b"\n", b""), **headers) for name, payload, headers in items)
    )
    envelope.headers["trace"] = trace
    for root in (None, NO_RULES, own):
        ruling = sample_traces(envelope, own, root, own_key=KEY, now_unix=NOW, fold_rates=folds)
        assert ruling is None or isinstance(ruling.explained(), str)
