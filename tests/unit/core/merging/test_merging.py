"""Which envelopes share one, and what the shared one says."""

import json

import pytest

from scrubjay.categories import DataCategory
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.merging import MAX_ENTRIES, MergeTag, merge, merge_tag
from support.forwarding import parcel as event_parcel
from support.merging import (
    KEY,
    RECEIVED,
    RECEIVED_UNIX,
    SENT_AT,
    bucket,
    container,
    log,
    packed,
    read_parts,
    report,
    session,
    sessions,
)

TRACE = {"trace_id": "0af7651916cd43dd8448eb211c80319c", "public_key": KEY}


def tag_of(parcel):
    tag = merge_tag(parcel)
    assert tag is not None
    return tag


def share(*parcels):
    return len({tag_of(parcel).key for parcel in parcels}) == 1


# The header rule


def test_equal_headers_share_whatever_their_times():
    first = packed(session(), head={"sent_at": "2026-01-05T09:59:59Z", "sdk": {"name": "js"}})
    second = packed(session(), head={"sent_at": "2026-01-05T09:59:00Z", "sdk": {"name": "js"}})
    assert share(first, second)


@pytest.mark.parametrize(
    "fact",
    [
        {"key": "b" * 32},
        {"project_id": 43},
        {"upstream": "https://other.example/"},
        {"client": "shop.sdk/2.0"},
        {"client": None},
        {"version": 6},
        {"origin": "https://shop.example"},
        {"user_agent": "browser/1"},
        {"forwarded_for": "192.0.2.7"},
    ],
    ids=lambda fact: next(iter(fact)),
)
def test_parcels_of_different_facts_do_not(fact):
    assert not share(packed(session()), packed(session(), **fact))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sdk", {"name": "js"}),
        ("trace", TRACE),
        ("remote_addr", "192.0.2.7"),
        ("forwarded_for", "192.0.2.7, 10.0.0.1"),
        ("user_agent", "browser/1"),
        ("client_hints", {"sec-ch-ua": "x"}),
        ("origin", "https://shop.example"),
        ("no_cache", True),
    ],
)
def test_operations_98_different_header_members_do_not(name, value):
    assert not share(packed(session()), packed(session(), head={name: value}))
    assert share(packed(session(), head={name: value}), packed(session(), head={name: value}))


def test_operations_98_different_traces_do_not():
    other = TRACE | {"trace_id": "deadbeefdeadbeefdeadbeefdeadbeef"}
    assert not share(packed(session(), head={"trace": TRACE}), packed(session(), head={"trace": other}))


def test_the_dsn_is_the_servers_and_may_differ():
    assert share(packed(session(), head={"dsn": "https://a@x.example/1"}), packed(session()))


@pytest.mark.parametrize(
    "head",
    [
        {"event_id": "9ec79c33ec9942ab8353589fcb2e04dc"},
        {"unheard_of": 1},
        {"required_features": []},
        {"sent_at": "2026-01-05T09:05:00Z"},
        {"sent_at": "2026-01-05T10:55:00Z"},
        {"sent_at": "0001-01-01T00:00:00+23:59"},
        {"sent_at": "9999-12-31T23:59:59-23:59"},
    ],
    ids=str,
)
def test_headers_that_only_one_envelope_can_have(head):
    assert merge_tag(packed(session(), head=head)) is None


def test_a_clock_that_is_a_little_wrong_may_share():
    assert share(packed(session(), head={"sent_at": "2026-01-05T09:05:01Z"}), packed(session()))


def test_absent_is_not_null():
    assert share(packed(session(), head={"sent_at": None}), packed(session()))


# Items


def test_operations_97_events_are_left_alone():
    assert merge_tag(event_parcel()) is None
    assert merge_tag(packed(({"type": "event"}, {"message": "a"}))) is None


@pytest.mark.parametrize(
    "name", ["transaction", "attachment", "check_in", "user_report", "replay_recording", "unheard"]
)
def test_operations_97_so_is_everything_else(name):
    assert merge_tag(packed(({"type": name}, {}))) is None
    assert merge_tag(packed(session(), ({"type": name}, {}))) is None


def test_what_is_never_merged_is_not_even_looked_at():
    """The types of a parcel say it; its body, here none at all, costs nothing."""
    assert merge_tag(packed(session(), item_types=("event", "session"), body=b"not an envelope")) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not an envelope",
        b"{}",
        b"{}\n",
        b'\n{}\n{"type":"session"}\n{}\n',
        b'{}\n{"type":"event"}\n{}\n',
        b'{}\n{"type":"session","length":99}\n{}\n',
    ],
)
def test_a_body_that_is_not_what_its_types_say(body):
    assert merge_tag(packed(session(), body=body)) is None


def test_types_that_are_not_known_any_more():
    assert merge_tag(packed(session(), item_types=())) is None


def test_what_is_large_gains_nothing():
    assert merge_tag(packed(session(note="x" * 7_500))) is not None
    assert merge_tag(packed(session(note="x" * 8_200))) is None


def test_more_than_an_envelope_holds():
    update = {"type": "session"}, {}
    assert tag_of(packed(*[update] * 100)).entries == MAX_ENTRIES
    assert merge_tag(packed(*[update] * 101)) is None


def test_different_types_share():
    first, second = packed(session(), sessions({"exited": 1})), packed(sessions({"exited": 2}))
    assert share(first, second)
    assert share(first, packed(session()))


def test_reports_share_with_reports_alone():
    """A limit that the server has set in its answer means the sessions; what a report tells has to arrive."""
    assert share(packed(report(("ratelimit_backoff", "error", 1))), packed(report(("before_send", "error", 1))))
    assert not share(packed(report(("ratelimit_backoff", "error", 1))), packed(session()))


def test_a_second_container_of_a_type_is_no_valid_envelope():
    assert merge_tag(packed(container("log", log()), container("log", log()))) is None
    assert merge_tag(packed(container("log", log()), container("trace_metric", {"name": "a"}))) is not None


def test_spans_share_within_one_trace_and_with_spans_alone():
    spans = container("span", {"span_id": "a"})
    assert share(packed(spans, head={"trace": TRACE}), packed(spans, head={"trace": TRACE}))
    assert merge_tag(packed(spans)) is None
    assert merge_tag(packed(spans, session(), head={"trace": TRACE})) is None


def test_old_spans_are_left_alone():
    assert merge_tag(packed(({"type": "span"}, {"span_id": "a"}), head={"trace": TRACE})) is None


def test_a_tag_is_a_key_and_a_size():
    tag = tag_of(packed(container("log", log(1), log(2))))
    assert tag == MergeTag(tag.key, 2)
    assert hash(tag.key) == hash(tag_of(packed(container("log", log(3)))).key)


# The shared envelope


def test_the_header_says_what_all_say_and_a_time():
    head = {"sdk": {"name": "js"}, "trace": TRACE, "dsn": "https://a@x.example/1"}
    first = packed(session("a"), head={**head, "sent_at": RECEIVED})
    second = packed(session("b"), head={**head, "sent_at": "2026-01-05T09:59:59Z"})
    assert parse_envelope(merge([first, second], SENT_AT)).headers == {**head, "sent_at": SENT_AT}


def test_without_a_time_it_says_none():
    both = [packed(session("a"), head={"sent_at": RECEIVED}), packed(session("b"))]
    assert parse_envelope(merge(both, None)).headers == {}


def test_equal_members_keep_their_spelling():
    body = packed(session()).body.removeprefix(b"{}")
    both = [packed(session(), body=b'{"trace": {"a": 1.0}}' + body) for _ in range(2)]
    assert merge(both, None).startswith(b'{"trace":{"a": 1.0}}\n')


def test_sessions_stand_side_by_side_in_the_order_of_arrival():
    parcels = [packed(session(f"s{number}", seq=number)) for number in range(5)]
    found = read_parts(merge(parcels, SENT_AT))
    assert [payload["sid"] for _, payload in found] == ["s0", "s1", "s2", "s3", "s4"]


def test_what_is_alone_of_its_type_keeps_its_bytes():
    aggregates = {"type": "sessions"}, b'{ "attrs" : {"release":"shop@1"},"aggregates":[]}'
    merged = merge([packed(aggregates), packed(session())], None)
    assert aggregates[1] in merged


def test_types_come_in_the_order_of_their_first_item():
    parcels = [packed(session("a"), sessions({"exited": 1})), packed(sessions({"exited": 2}), session("b"))]
    found = read_parts(merge(parcels, None))
    assert [headers["type"] for headers, _ in found] == ["session", "session", "sessions"]
    assert found[2][1]["aggregates"][0]["exited"] == 3


def test_operations_95_ten_envelopes_of_aggregates_are_one():
    parcels = [packed(sessions({"exited": number, "crashed": 1})) for number in range(10)]
    assert share(*parcels)
    ((headers, payload),) = read_parts(merge(parcels, SENT_AT))
    assert headers["type"] == "sessions"
    assert payload == {
        "aggregates": [{"started": RECEIVED, "exited": 45, "crashed": 10}],
        "attrs": {"release": "shop@1"},
    }


def test_operations_95_releases_stay_apart():
    parcels = [packed(sessions({"exited": 1}, release=f"shop@{number % 2}")) for number in range(10)]
    assert share(*parcels)
    found = [payload for _, payload in read_parts(merge(parcels, SENT_AT))]
    assert [(each["attrs"]["release"], each["aggregates"][0]["exited"]) for each in found] == [
        ("shop@0", 5),
        ("shop@1", 5),
    ]


def test_operations_96_equal_settings_make_one_container():
    settings = {"infer_ip": "never"}
    parcels = [packed(container("log", log(number), log(-number), ingest_settings=settings)) for number in range(3)]
    assert share(*parcels)
    ((headers, payload),) = read_parts(merge(parcels, SENT_AT))
    assert headers["item_count"] == 6
    assert payload["version"] == 2
    assert payload["ingest_settings"] == settings
    assert [record["body"] for record in payload["items"]] == [f"line {n}" for n in (0, 0, 1, -1, 2, -2)]


def test_operations_96_different_settings_do_not():
    never, auto = ({"infer_ip": word} for word in ("never", "auto"))
    assert not share(
        packed(container("log", log(), ingest_settings=never)), packed(container("log", log(), ingest_settings=auto))
    )
    assert not share(packed(container("log", log(), ingest_settings=never)), packed(container("log", log())))
    assert not share(packed(container("log", log())), packed(container("log", log(), version=1)))


def test_buckets_are_one_list():
    parcels = [packed(({"type": "metric_buckets"}, [bucket(number)])) for number in range(3)]
    assert share(*parcels)
    ((_, payload),) = read_parts(merge(parcels, None))
    assert payload == [bucket(0), bucket(1), bucket(2)]


def test_a_real_quantity_travels_with_the_parcels():
    """The bytes are all that merging makes: what parcels count as stays theirs."""
    first = packed(session(), quantities=((DataCategory.SESSION, 1),))
    merge([first, packed(session())], None)
    assert first.quantities == ((DataCategory.SESSION, 1),)
    assert json.loads(first.body.splitlines()[2])["sid"]
    assert first.received_unix == RECEIVED_UNIX
