import pytest

from scrubjay.core.capture.facts import UNKNOWN, Coming
from scrubjay.core.capture.item import Fate
from scrubjay.core.capture.local import LOCAL_KEY
from scrubjay.core.capture.report import Report
from scrubjay.core.capture.store import MAX_NAMES, CaptureStore
from scrubjay.core.envelope import Envelope, Item, encode_json
from scrubjay.core.ledger import Account

NOW = 1_800_000_000.0
KEY = "k" * 32


def envelope(*items, **headers):
    return Envelope(headers, [Item({"type": kind}, memoryview(payload)) for kind, payload in items])


def event(event_id="e" * 32, **payload):
    return envelope(("event", encode_json({"event_id": event_id, **payload})), event_id=event_id)


def offer(store, offered, coming=UNKNOWN, now_unix=NOW, **changes):
    account = Account(KEY, 1, "r", offered.event_id, now_unix)
    return store.offer(offered, account, coming, now_unix=now_unix, entropy=7, **changes)


@pytest.fixture
def store():
    return CaptureStore()


def test_what_is_kept_is_a_copy_of_what_would_leave(store):
    received = bytearray(b'{"message":"hi"}')
    offered = envelope(("event", received), event_id="e" * 32, dsn="http://k:secret@h/1", remote_addr="203.0.113.7")
    captured = offer(store, offered, Coming(via="tunnel", user_agent="curl"))
    offered.items.clear()
    received[:] = b"x" * len(received)
    assert captured.items[0].payload() == b'{"message":"hi"}'
    assert captured.facts.headers == {"event_id": "e" * 32}
    assert (captured.facts.via, captured.facts.user_agent, captured.facts.project) == ("tunnel", "curl", "1")
    assert captured.records[0].summary["title"] == "hi"
    assert captured.records is captured.records


def test_an_envelope_without_a_project_is_kept(store):
    captured = store.offer(event(), Account(KEY, None, "r", None, NOW), now_unix=NOW, entropy=0)
    assert captured.facts.project == ""


def test_capture_8_the_oldest_goes_when_there_are_too_many(store):
    ids = [offer(store, event(f"{number:032x}")).id for number in range(501)]
    assert [captured.id for captured in store.newest_first()] == ids[:0:-1]
    assert (len(store), store.totals.envelopes, store.totals.evicted) == (500, 501, 1)
    assert store.find(ids[0]) is None
    assert store.newest_id == ids[-1]


def test_capture_8_the_oldest_goes_when_they_are_too_large():
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
    assert captured.items[0].payload() is None
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
    assert [found.record.item_type for found in store.found()] == ["transaction", "event", "attachment"]


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


def test_what_is_found_shows_its_part(store):
    captured = offer(store, envelope(("log", b'{"items":[{"body":"a"},{"body":"b"}]}')))
    found = store.find(f"{captured.id}-0.1")
    assert (found.id, found.item.type, found.document()) == (f"{captured.id}-0.1", "log", {"body": "b"})


def test_what_came_without_a_project_is_local(store):
    captured = store.offer(event(), Account(LOCAL_KEY, 0, "r", None, NOW), now_unix=NOW)
    assert (captured.facts.project, captured.facts.key) == ("local", "")


def test_originals_and_fates_stand_beside_their_items(store):
    offered = envelope(("event", b'{"a":1}'), ("attachment", b"same"), ("log", b"{}"))
    fates = [Fate("filtered", "localhost"), Fate(), Fate("invalid", "unscrubbable")]
    captured = offer(
        store, offered, fates=fates, originals=[b'{"a":12345}', b"same", None], withheld={2}, untouched={1}
    )
    one, two, three = captured.items
    assert (one.original(), one.payload(), one.fate.outcome) == (b'{"a":12345}', b'{"a":1}', "filtered")
    assert (two.original(), two.has_original, two.is_touched) == (b"same", True, False)
    assert (three.payload(), three.original(), three.is_omitted) == (None, None, True)
    assert captured.summary()["items"][2]["payload_omitted"] is True
    assert captured.wire() == b'{}\n{"type":"event","length":7}\n{"a":1}\n{"type":"attachment","length":4}\nsame\n'
    assert store.totals.outcomes == {"filtered": 1, "accepted": 1, "invalid": 1}


def test_originals_that_do_not_fit_are_not_kept():
    store = CaptureStore(max_bytes=1000)
    captured = offer(store, envelope(("attachment", b"x" * 600)), originals=[b"y" * 600])
    assert captured.items[0].payload() == b"x" * 600
    assert captured.items[0].original() is None


def test_many_short_entries_cost_what_they_take():
    store = CaptureStore(max_bytes=20_000)
    captured = offer(store, envelope(("log", b'{"items":[' + b",".join([b"{}"] * 1000) + b"]}")))
    assert captured.omitted
    assert len(captured.records) == 1
    assert store.size_bytes <= 20_000


def test_the_row_says_how_an_envelope_came(store):
    coming = Coming(method="POST", path="/api/1/envelope/", encoding="gzip", wire_bytes=9, headers={"Host": "x"})
    row = offer(store, event(sdk={"name": "sentry.go"}), coming).summary()
    assert (row["method"], row["path"], row["encoding"], row["wire_bytes"]) == ("POST", "/api/1/envelope/", "gzip", 9)
    assert row["request"]["headers"] == {"Host": "x"}
    assert row["headers"] == {"event_id": "e" * 32}
    assert row["sdk"] == "sentry.go"


def test_what_came_after_an_envelope_is_oldest_first(store):
    ids = [offer(store, event()).id for _ in range(4)]
    assert [captured.id for captured in store.after(ids[1].upper())] == ids[2:]
    assert store.after(ids[-1]) == []
    assert store.after("") is None
    assert store.envelope(ids[0].upper()).id == ids[0]
    assert store.envelope("x") is None


def test_removed_records_are_gone_and_their_payloads_with_them(store):
    captured = offer(store, envelope(("event", b'{"a":1}'), ("attachment", b"x" * 500)))
    size_bytes = store.size_bytes
    assert store.remove([f"{captured.id}-1", f"{captured.id}-7", "unknown-0"]) == 1
    assert captured.items[1].payload() is None
    assert store.size_bytes == size_bytes - 500
    assert store.remove([f"{captured.id}-0"]) == 1
    assert (len(store), store.size_bytes) == (0, 0)


def test_a_report_counts_against_the_limit_and_for_the_record(store):
    captured = offer(store, event())
    size_bytes = store.size_bytes
    change = {"path": "/a", "rule": "@email:replace"}
    report = Report(
        "full", [change], [{"path": "/b", "detector": "email"}], {"@email:replace": {"hits": 1, "bytes": 5}}
    )
    assert store.examined(captured, 0, report)
    assert store.size_bytes == size_bytes + len(report.packed())
    assert Report.unpacked(captured.items[0].report) == report
    assert captured.records[0].scrub == {"changes": 1, "rules": ["@email:replace"], "suspects": 1}
    assert store.totals.rules == {"@email:replace": 1}
    store.clear()
    assert not store.examined(captured, 0, report)


def test_a_report_is_that_of_one_item(store):
    captured = offer(store, envelope(("event", b"{}"), ("log", b'{"items":[{"body":"a"},{"body":"b"}]}')))
    store.examined(captured, 1, Report("full", [{"path": "/items/1/body", "rule": "@ip"}]))
    assert [record.changes for record in captured.records] == [0, 0, 1]


def test_an_envelope_that_has_an_id_keeps_it(store):
    theirs = CaptureStore()
    first = offer(theirs, event(), now_unix=NOW + 100)
    assert offer(store, event(), capture_id=first.id).id == first.id
    assert offer(store, event()).id > first.id
    assert repr(first).startswith(f"<Captured {first.id} of 1 items")


def test_names_that_senders_make_up_are_counted_together_beyond_a_bound(store):
    for number in range(MAX_NAMES + 5):
        offered = envelope((f"type-{number}", b"{}"))
        store.offer(offered, Account(KEY, number, "r", None, NOW), now_unix=NOW, entropy=7)
    assert len(store.totals.items) == len(store.totals.projects) == MAX_NAMES + 1
    assert store.totals.items["other"] == store.totals.projects["other"] == 5
    assert sum(store.totals.items.values()) == MAX_NAMES + 5


def test_what_was_removed_while_it_was_looked_into_does_not_come_back(store):
    """A report may hold what scrubbing took."""
    captured = offer(store, envelope(("event", b'{"message":"hi"}'), ("log", b"{}")))
    store.remove([captured.records[0].id])
    held_bytes = store.size_bytes
    assert not store.examined(captured, 0, Report("full", [{"path": "/message", "rule": "@email", "before": "x"}]))
    assert (captured.items[0].report, store.size_bytes) == (None, held_bytes)
    assert store.examined(captured, 1, Report("full"))
