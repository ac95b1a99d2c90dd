"""Which questions an envelope raises, and in which order (`decisions.md` 2.6)."""

from scrubjay.categories import DataCategory as C
from scrubjay.core.checks import amount_of, checks_of, touched
from scrubjay.core.items import KINDS
from scrubjay.core.quotas import EVERY_CATEGORY, bit, mask_of
from support.items import make_item

TRACE = {"content_type": "application/vnd.sentry.trace-attachment", "meta_length": 2}
SPAN = TRACE | {"span_id": "ad54d9ad54d9ad54"}

EVERYTHING = [
    make_item("attachment", b"x", rate_limited=True),
    make_item("attachment", b"x" * 5),
    make_item("metric_buckets", []),
    make_item("profile_chunk", platform="cocoa"),
    make_item("profile_chunk", platform="python"),
    make_item("profile_chunk"),
    make_item("check_in"),
    make_item("user_report"),
    make_item("replay_recording", b"{}\n"),
    make_item("profile", platform="python"),
    make_item("log", item_count=2),
    make_item("trace_metric", item_count=2),
    make_item("sessions"),
    make_item("attachment", b"x" * 6, **TRACE),
    make_item("attachment", b"x" * 7, **SPAN),
    make_item("span"),
    make_item("client_report"),
    make_item("galaxy"),
]


def listed(*types: str, counted: bool = True) -> list[tuple[str, int | None]]:
    """(category, the category of the check that comes before) of items of these types."""
    checks = checks_of([make_item(name) for name in types], EVERY_CATEGORY, counted=counted)
    return [
        (check.category.wire, None if check.after is None else checks[check.after].category.wire) for check in checks
    ]


def test_the_order_is_that_of_the_table() -> None:
    event = make_item("event")
    checks = checks_of([*EVERYTHING, event], EVERY_CATEGORY, counted=False)
    assert [(check.category.wire, check.amount) for check in checks] == [
        ("error", 1),
        ("span", 1),
        ("attachment", 5),
        ("attachment_item", 1),
        ("attachment", 5),
        ("attachment_item", 1),
        ("attachment", 4),
        ("attachment_item", 1),
        ("session", 1),
        ("trace_metric", 2),
        ("trace_metric_byte", 2),
        ("log_item", 2),
        ("log_byte", 2),
        ("profile", 1),
        ("profile_backend", 1),
        ("replay", 1),
        ("feedback", 1),
        ("monitor", 1),
        ("profile_chunk", 1),
        ("profile_chunk_ui", 1),
        ("metric_bucket", 0),
    ]
    assert checks[0].event is event


def test_indexed_categories_are_counted_and_buckets_are_not() -> None:
    checks = checks_of([*EVERYTHING, make_item("transaction")], EVERY_CATEGORY, counted=True)
    names = [check.category.wire for check in checks]
    assert names[:4] == ["transaction", "transaction_indexed", "span", "span_indexed"]
    assert names[names.index("profile") + 1] == "profile_indexed"
    assert "metric_bucket" not in names


def test_what_depends_on_what() -> None:
    assert listed("transaction", "profile", "user_report", "span") == [
        ("transaction", None),
        ("transaction_indexed", "transaction"),
        ("span", None),
        ("span_indexed", "span"),
        ("profile", "transaction_indexed"),
        ("profile_indexed", "profile"),
        ("feedback", "transaction_indexed"),
    ]
    assert listed("profile") == [("profile", None), ("profile_indexed", "profile"), ("transaction", "profile_indexed")]
    assert listed("event", "replay_event", "replay_recording") == [("error", None), ("replay", None)]
    assert listed("event", "replay_event") == [("error", None), ("replay", "error")]


def test_only_what_somebody_would_answer_is_asked() -> None:
    items = [*EVERYTHING, make_item("event")]
    about = mask_of([C.LOG_BYTE, C.ATTACHMENT_ITEM, C.MONITOR])
    assert [(check.category.wire, check.after) for check in checks_of(items, about, counted=True)] == [
        ("attachment_item", None),
        ("attachment_item", None),
        ("attachment_item", None),
        ("log_byte", None),
        ("monitor", None),
    ]
    assert checks_of(items, 0, counted=True) == []
    assert [check.category for check in checks_of([make_item("profile")], bit(C.TRANSACTION), counted=True)] == [
        C.TRANSACTION
    ]


def test_an_event_without_a_check_is_an_event_all_the_same() -> None:
    """No quota on errors: a profile with one does not obey the quota on transactions."""
    items = [make_item("event"), make_item("profile")]
    assert checks_of(items, bit(C.TRANSACTION), counted=True) == []


def test_what_a_check_may_be_about_is_known_by_type() -> None:
    """No category is checked that `touched` does not tell, or quotas on it would not be asked."""
    for name in KINDS:
        for headers in ({}, {"platform": "cocoa"}, {"attachment_type": "event.minidump"}, TRACE, SPAN):
            item = make_item(name, b"{}", **headers)
            for counted in (True, False):
                categories = mask_of(check.category for check in checks_of([item], EVERY_CATEGORY, counted=counted))
                assert categories & ~touched([item]) == 0, (name, headers)
    assert touched([make_item("client_report"), make_item("form_data"), make_item("galaxy")]) == 0


def test_amounts() -> None:
    assert amount_of(make_item("log", b"12345", item_count=3), C.LOG_BYTE) == 5
    assert amount_of(make_item("log", b"12345", item_count=3), C.ERROR) == 0
