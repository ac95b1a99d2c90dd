"""Merging: whatever comes has a tag or none, and an envelope that stands for others says what they said, no more and no less."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scrubjay.core.envelope import parse_envelope
from scrubjay.core.items import check_sizes, classify
from scrubjay.core.ledger import Parcel
from scrubjay.core.merging import MAX_BYTES, MAX_ENTRIES, MAX_MEMBERS, merge, merge_tag
from scrubjay.errors import BadRequest
from scrubjay.settings.limits import Limits
from support.corpus import recorded
from support.merging import RECEIVED_UNIX, SENT_AT, Part, bucket, container, log, packed, report, session, sessions
from support.random_envelopes import random_envelope

_COUNTERS = ("exited", "errored", "abnormal", "unhandled", "crashed")
_SECTIONS = ("discarded_events", "rate_limited_events", "filtered_events", "filtered_sampling_events")
_MOST = 2**32 - 1

COUNTS = st.integers(0, 3) | st.sampled_from([_MOST, _MOST - 1])
ENTRIES = st.dictionaries(st.sampled_from(_COUNTERS), COUNTS).flatmap(
    lambda counts: st.sampled_from([{}, {"did": "a"}, {"did": "b"}, {"started": "2026-01-05T11:00:00+01:00"}]).map(
        lambda more: counts | more
    )
)
LINES = st.lists(
    st.tuples(st.sampled_from(["a", "before_send", "é" * 200]), st.sampled_from(["error", "martian"]), COUNTS),
    max_size=4,
)
SESSIONS = st.lists(ENTRIES, max_size=4).flatmap(
    lambda entries: st.sampled_from([{}, {"environment": "prod"}, {"release": "shop@2"}]).map(
        lambda attributes: sessions(*entries, **attributes)
    )
)
REPORTS = st.builds(
    lambda discarded, filtered, at: report(*discarded, at=at, filtered_events=filtered),
    LINES,
    LINES,
    st.sampled_from([None, RECEIVED_UNIX, RECEIVED_UNIX + 7.5, RECEIVED_UNIX + 20, "2026-01-05T10:00:03Z"]),
)
LOGS = st.builds(
    lambda numbers, never: container("log", *map(log, numbers), **({"ingest_settings": {}} if never else {})),
    st.lists(st.integers(0, 9), max_size=3),
    st.booleans(),
)
BUCKETS = st.lists(st.integers(0, 9), max_size=3).map(
    lambda numbers: ({"type": "metric_buckets"}, [bucket(number) for number in numbers])
)
UPDATES = st.integers(0, 99).map(lambda number: session(f"s{number}"))
HEADS = st.sampled_from([{}, {}, {}, {"sent_at": "2026-01-05T09:59:58Z"}, {"sdk": {"name": "js"}}, {"trace": {"a": 1}}])
PARCELS = st.lists(
    st.builds(
        lambda parts, head: packed(*parts, head=head),
        st.lists(UPDATES | SESSIONS | LOGS | BUCKETS, min_size=1, max_size=3)
        | st.lists(REPORTS, min_size=1, max_size=3),
        HEADS,
    ),
    min_size=2,
    max_size=30,
)


def shipments(parcels: list[Parcel]) -> list[list[Parcel]]:
    """What shares an envelope, by the rules that hold for whoever ships them."""
    groups: dict[Any, list[tuple[Parcel, int]]] = defaultdict(list)
    for parcel in parcels:
        tag = merge_tag(parcel)
        if tag is not None:
            groups[tag.key].append((parcel, tag.entries))
    filled = []
    for group in groups.values():
        ships: list[Parcel] = []
        entries = size = 0
        for parcel, weight in group:
            if ships and (
                len(ships) == MAX_MEMBERS or entries + weight > MAX_ENTRIES or size + len(parcel.body) > MAX_BYTES
            ):
                filled.append(ships)
                ships, entries, size = [], 0, 0
            ships.append(parcel)
            entries += weight
            size += len(parcel.body)
        filled.append(ships)
    return filled


def said(*bodies: bytes) -> dict[str, Any]:
    """All that envelopes tell a server, by means of nothing that merging uses."""
    counters: Counter[Any] = Counter()
    records = defaultdict(list)
    for body in bodies:
        _, rest = body.split(b"\n", 1)
        while rest:
            line, rest = rest.split(b"\n", 1)
            header = json.loads(line)
            payload, rest = json.loads(rest[: header["length"]]), rest[header["length"] + 1 :]
            match header["type"]:
                case "sessions":
                    for entry in payload["aggregates"]:
                        name = (tuple(sorted(payload["attrs"].items())), entry["started"], entry.get("did"))
                        counters.update({(*name, counter): entry.get(counter, 0) for counter in _COUNTERS})
                        assert all(entry.get(counter, 0) <= _MOST for counter in _COUNTERS)
                case "client_report":
                    at = payload.get("timestamp")
                    at = 1_767_607_203 if isinstance(at, str) else at
                    for section in _SECTIONS:
                        for told in payload.get(section, ()):
                            slot = None if at is None else int(at) // 10
                            counters[slot, section, told["reason"], told["category"]] += told["quantity"]
                            assert told["quantity"] <= _MOST
                case "metric_buckets":
                    records["metric_buckets"] += payload
                case "session":
                    records["session"].append(payload)
                case kind:
                    assert header["item_count"] == len(payload["items"])
                    records[kind, str({**payload, "items": 0})] += payload["items"]
    return {"counters": +counters, "records": records}


def accept(body: bytes) -> None:
    """What our own intake asks of an envelope."""
    envelope = parse_envelope(body)
    for item in envelope.items:
        classify(item)
    check_sizes(envelope.items, Limits())


@given(PARCELS)
@settings(max_examples=80, deadline=None)
def test_what_is_merged_says_the_same(parcels: list[Parcel]) -> None:
    for shipment in shipments(parcels):
        body = merge(shipment, SENT_AT)
        assert said(body) == said(*(parcel.body for parcel in shipment))
        accept(body)


@given(st.lists(SESSIONS | REPORTS, min_size=1, max_size=3), st.integers(60, 150))
@settings(max_examples=20, deadline=None)
def test_the_bounds_hold_however_many_come(parts: list[Part], count: int) -> None:
    """One that takes up as much as it may, as often as it may."""
    for shipment in shipments([packed(*parts) for _ in range(count)]):
        assert len(shipment) <= MAX_MEMBERS
        body = merge(shipment, None)
        assert said(body) == said(*(parcel.body for parcel in shipment))
        accept(body)


@given(st.integers(0, 2**32))
@settings(max_examples=250, deadline=None)
def test_any_envelope_has_a_tag_or_none(seed: int) -> None:
    """Bodies that lie about themselves, as parcels of types that lie too: no error, and what has a tag can be merged."""
    random = Random(seed)
    body = random_envelope(random)
    try:
        envelope = parse_envelope(body)
    except BadRequest:
        return
    types = tuple(sorted({item.type for item in envelope.items})) if seed % 3 else ("log", "session")
    parcel = Parcel("1", "k" * 32, 42, body, (), RECEIVED_UNIX, event_id=None, item_types=types)
    if merge_tag(parcel) is not None:
        accept(merge([parcel, parcel], SENT_AT))


@given(st.integers(0, 2**32))
@settings(max_examples=250, deadline=None)
def test_a_damaged_container_spoils_no_other(seed: int) -> None:
    """Where one byte of a log is another, it stays away, or the sum is the list of both."""
    random = Random(seed)
    whole = packed(container("log", log(1), log(2), ingest_settings={"infer_ip": "auto"}))
    at = random.randrange(len(whole.body))
    damaged = packed(
        container("log"),
        body=whole.body[:at] + bytes([random.randrange(256)]) + whole.body[at + 1 :],
        item_types=("log",),
    )
    tag = merge_tag(damaged)
    if tag is None or tag != merge_tag(whole):
        return
    (item,) = parse_envelope(merge([whole, damaged, whole], None)).items
    records = [json.loads(bytes(parse_envelope(each.body).items[0].payload))["items"] for each in (whole, damaged)]
    assert json.loads(bytes(item.payload))["items"] == records[0] + records[1] + records[0]
    assert item.headers["item_count"] == 6


def test_what_sdks_send_merges_with_itself() -> None:
    """Sessions, reports, logs, metrics and spans of the recorded SDKs."""
    merged: Counter[str] = Counter()
    for request in recorded("envelope"):
        envelope = parse_envelope(request.body)
        types = tuple(sorted({item.type for item in envelope.items}))
        parcel = Parcel(
            "1", "k" * 32, 42, request.body, (), 1_795_339_900.0, event_id=envelope.event_id, item_types=types
        )
        tag = merge_tag(parcel)
        if tag is not None:
            body = merge([parcel, parcel], SENT_AT)
            accept(body)
            merged[parse_envelope(body).items[0].type] += 1
    assert merged.keys() == {"session", "sessions", "client_report", "log", "span", "trace_metric"}
    assert merged.total() >= 30
