import uuid

import pytest

from scrubjay.core.capture.store import CaptureIds, CaptureStore
from scrubjay.core.envelope import Envelope, Item, encode_json
from scrubjay.core.ledger import Account

NOW = 1_800_000_000.0
KEY = "k" * 32


def envelope(*items, **headers):
    return Envelope(headers, [Item({"type": kind}, memoryview(payload)) for kind, payload in items])


def event(event_id="e" * 32, **payload):
    return envelope(("event", encode_json({"event_id": event_id, **payload})), event_id=event_id)


def offer(store, offered, now_unix=NOW, **changes):
    account = Account(KEY, 1, "r", offered.event_id, now_unix)
    return store.offer(offered, account, now_unix=now_unix, entropy=7, **changes)


@pytest.fixture
def store():
    return CaptureStore()


def test_ids_are_uuids_of_version_7_with_their_time():
    made = uuid.UUID(CaptureIds().next(NOW, 2**80 - 1))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == NOW * 1000


def test_ids_increase_whatever_the_clock_and_the_dice_do():
    ids = CaptureIds()
    clock = (NOW, NOW, NOW + 0.0005, NOW - 60, NOW + 1, NOW + 0.5)
    entropy = (2**74 - 1, 0, 5, 2**73 - 1, 1, 0)
    made = [ids.next(*both) for both in zip(clock, entropy, strict=True)]
    assert made == sorted(set(made))
    assert {uuid.UUID(one).version for one in made} == {7}


def test_what_is_kept_is_a_copy_of_what_would_leave(store):
    received = bytearray(b'{"message":"hi"}')
    offered = envelope(("event", received), event_id="e" * 32, dsn="http://k:secret@h/1", remote_addr="203.0.113.7")
    captured = offer(store, offered, via="tunnel", user_agent="curl")
    offered.items.clear()
    received[:] = b"x" * len(received)
    assert captured.items[0].payload == b'{"message":"hi"}'
    assert captured.facts.headers == {"event_id": "e" * 32}
    assert (captured.facts.via, captured.facts.user_agent, captured.facts.project) == ("tunnel", "curl", "1")
    assert captured.records[0].summary["title"] == "hi"
    assert captured.records is captured.records


def test_an_envelope_without_a_project_is_kept(store):
    captured = store.offer(event(), Account(KEY, None, "r", None, NOW), now_unix=NOW, entropy=0)
    assert captured.facts.project == ""


def test_the_oldest_goes_when_there_are_too_many(store):
    ids = [offer(store, event(f"{number:032x}")).id for number in range(501)]
    assert [captured.id for captured in store.newest_first()] == ids[:0:-1]
    assert (len(store), store.totals.envelopes, store.totals.evicted) == (500, 501, 1)
    assert store.find(ids[0]) is None
    assert store.newest_id == ids[-1]


def test_the_oldest_goes_when_they_are_too_large():
    store = CaptureStore(max_bytes=1000)
    for _ in range(10):
        offer(store, envelope(("attachment", b"x" * 300)))
    assert len(store) == 3
    assert store.size_bytes <= 1000
    assert store.totals.evicted == 7
    assert store.totals.bytes > 3000
    assert store.totals.items == {"attachment": 10}


def test_an_envelope_over_the_limit_is_kept_without_payloads():
    store = CaptureStore(max_bytes=1000)
    offer(store, event())
    captured = offer(store, envelope(("attachment", b"x" * 5000)))
    assert captured.omitted
    assert captured.items[0].payload is None
    assert captured.summary()["payload_omitted"] is True
    assert captured.items[0].size_bytes == 5000
    assert len(store) == 2
    assert store.size_bytes < 1000


def test_headers_alone_over_the_limit_are_not_kept():
    store = CaptureStore(max_bytes=100)
    offer(store, envelope(("event", b"{}"), trace={"x": "y" * 200}))
    assert (len(store), store.size_bytes, store.totals.evicted) == (0, 0, 1)


def test_the_row_of_the_raw_view(store):
    row = offer(store, event()).summary()
    assert row["items"][0]["type"] == "event"
    assert (row["project"], row["public_key"], row["received_at"]) == ("1", KEY, "2027-01-15T08:00:00.000Z")
    assert "payload_omitted" not in row


def test_records_are_newest_first_and_in_order_inside_an_envelope(store):
    offer(store, envelope(("event", b"{}"), ("attachment", b"x")))
    offer(store, envelope(("transaction", b"{}")))
    assert [record.summary["item_type"] for record in store.records()] == ["transaction", "event", "attachment"]


def test_a_record_is_found_by_each_of_its_ids(store):
    older = offer(store, event("a" * 32))
    captured = offer(store, envelope(("attachment", b"x"), ("event", b"{}"), event_id="a" * 32))
    assert store.find(f"{captured.id}-1")[1].index == 1
    assert store.find(captured.id.upper())[1].index == 0
    found, record = store.find("a" * 32)
    assert (found.id, record.summary["type"]) == (captured.id, "error")
    assert store.find(older.id)[0] is older
    assert store.find(f"{captured.id}-9") is None
    assert store.find("b" * 32) is None
    assert store.find("") is None


def test_an_attachment_is_found_by_event_id_when_its_event_is_not_there(store):
    captured = offer(store, envelope(("attachment", b"x"), event_id="a" * 32))
    assert store.find("a" * 32)[0] is captured


def test_an_empty_envelope_has_no_first_record(store):
    captured = offer(store, envelope())
    assert store.find(captured.id) is None


def test_a_mark_lies_between_what_came_and_what_comes(store):
    before = offer(store, event())
    mark = store.mark(NOW, 0)
    after = offer(store, event())
    assert before.id < mark < after.id
    assert store.newest_id == after.id


def test_clearing_forgets_all_but_the_counts(store):
    assert store.clear() == 0
    offer(store, envelope(("event", b"{}"), ("attachment", b"x")))
    newest = store.newest_id
    assert store.clear() == 2
    assert (len(store), store.size_bytes, store.totals.envelopes) == (0, 0, 1)
    assert store.newest_id == newest
    assert repr(store) == "<CaptureStore 0 envelopes, 0 bytes, 0 evicted>"
