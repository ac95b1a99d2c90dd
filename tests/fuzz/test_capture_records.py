"""Records are derived while an envelope is being answered: whatever an SDK sent, nothing may be raised."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scrubjay.core.capture.facts import Facts
from scrubjay.core.capture.item import CapturedItem
from scrubjay.core.capture.reading import parse_time
from scrubjay.core.capture.records import document_of, records_of
from scrubjay.core.capture.remarks import remarks
from scrubjay.core.envelope import encode_json

FACTS = Facts(
    "01a20300-ae0d-7136-a7a0-e0b9d0a99721", 1_800_000_000.0, "1", "k" * 32, {"trace": 5, "sdk": [], "event_id": None}
)
TYPES = (
    "event", "transaction", "span", "log", "feedback", "user_report", "check_in", "session", "replay_event", "profile",
    "trace_metric", "client_report", "attachment", "raw_security", "later", "",
)  # fmt: skip
KEYS = st.sampled_from(
    (
        "exception", "values", "stacktrace", "frames", "message", "logentry", "formatted", "type", "value", "tags", "user", "sdk",
        "name", "contexts", "trace", "trace_id", "feedback", "items", "body", "attributes", "level", "timestamp", "_meta", "", "rem",
        "len", "discarded_events", "quantity", "urls", "segment_id", "attrs", "release", "culprit", "platform", "event_id",
    )
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
JSON = st.recursive(
    LEAVES,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(KEYS | st.text(max_size=3), children, max_size=6),
    max_leaves=30,
)


@given(item_type=st.sampled_from(TYPES), document=JSON | st.dictionaries(KEYS, JSON, max_size=12))
def test_any_json_has_a_record_that_can_be_sent(item_type: str, document: object) -> None:
    payload = encode_json(document)
    item = CapturedItem(item_type, {"filename": 5, "content_type": None}, payload)
    records = records_of(FACTS, (item,))
    assert records
    for record in records:
        assert record.summary["title"]
        encode_json(record.summary)
        encode_json(remarks(document_of(item, record.part)))


@given(value=st.text() | st.datetimes().map(str) | LEAVES)
@example("0001-01-01T00:00:00+23:59")
@example("9999-12-31T23:59:59-23:59")
@example("1e999")
@example("१७९५३३९८५५")
def test_any_time_is_read_or_refused(value: object) -> None:
    read = parse_time(value)
    assert read is None or 0 <= read <= 253_402_300_799


@pytest.mark.parametrize("payload", [b"", b"\xff\xfe", b"{" * 1000, b"[" * 100_000, b'"\\ud800"', b"NaN"])
def test_what_is_no_json_has_a_record_too(payload: bytes) -> None:
    for item_type in TYPES:
        assert records_of(FACTS, (CapturedItem(item_type, {}, payload),))
