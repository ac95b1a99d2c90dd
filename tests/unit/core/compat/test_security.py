"""Bodies of browsers' reports."""

import pytest

from scrubjay import reasons
from scrubjay.core.compat.security import report_envelope, split_reports
from scrubjay.errors import BadRequest


@pytest.mark.parametrize(
    ("body", "reports"),
    [
        (b"[]", []),
        (b'[{"a": 1} , {"b":2}]', [b'{"a": 1}', b'{"b":2}']),
        (b'{"csp-report": {}}', [b'{"csp-report": {}}']),
        (b"no json", [b"no json"]),
        (b"[1", [b"[1"]),
        (b"\xff", [b"\xff"]),
        (b"[" * 100_000, [b"[" * 100_000]),
    ],
)
def test_a_body_is_split_where_it_is_an_array(body: bytes, reports: list[bytes]) -> None:
    assert split_reports(body) == reports


@pytest.mark.parametrize(
    ("body", "reason"), [(b"", reasons.EMPTY_BODY), (b"[" + b"{}," * 500 + b"{}]", reasons.INVALID_BODY)]
)
def test_bodies_that_are_refused(body: bytes, reason: reasons.Reason) -> None:
    with pytest.raises(BadRequest) as refused:
        split_reports(body)
    assert refused.value.reason is reason


def test_what_the_query_says_stands_in_the_items_header() -> None:
    envelope = report_envelope(b"{}", "r1", None)
    (item,) = envelope.items
    assert item.headers == {"type": "raw_security", "content_type": "application/json", "sentry_release": "r1"}
    assert envelope.headers == {}
