"""Check-ins without an SDK. Whole requests: integration/test_ingest_reports.py."""

import pytest

from scrubjay import reasons
from scrubjay.core.compat.check_ins import check_in_of_json, check_in_of_query
from scrubjay.core.envelope import Envelope, decode_json
from scrubjay.errors import BadRequest


def payload(envelope: Envelope) -> object:
    (item,) = envelope.items
    assert item.headers == {"type": "check_in", "content_type": "application/json"}
    return decode_json(item.payload)


def test_json_keeps_what_nobody_here_knows() -> None:
    read = payload(check_in_of_json(b'{"status":"error","more":[1]}', "nightly"))
    assert read == {"check_in_id": "0" * 32, "monitor_slug": "nightly", "status": "error", "more": [1]}


def test_a_query_has_as_much_as_it_says() -> None:
    assert payload(check_in_of_query({"status": "ok"}, "x")) == {
        "check_in_id": "0" * 32,
        "monitor_slug": "x",
        "status": "ok",
    }
    assert payload(check_in_of_query({"status": "?", "duration": "2", "environment": "e"}, "x")) == {
        "check_in_id": "0" * 32,
        "monitor_slug": "x",
        "status": "unknown",
        "environment": "e",
        "duration": 2.0,
    }


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"status": "ok", "check_in_id": "1"},
        *({"status": "ok", "duration": text} for text in ("x", "-1", "inf", "nan")),
    ],
)
def test_a_query_that_cannot_be_read(query: dict[str, str]) -> None:
    with pytest.raises(BadRequest) as refused:
        check_in_of_query(query, "x")
    assert refused.value.reason is reasons.INVALID_BODY


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"", reasons.INVALID_BODY), (b"1", reasons.INVALID_CHECK_IN), (b'{"status":null}', reasons.INVALID_CHECK_IN)],
)
def test_json_that_cannot_be_read(body: bytes, reason: reasons.Reason) -> None:
    with pytest.raises(BadRequest) as refused:
        check_in_of_json(body, "x")
    assert refused.value.reason is reason
