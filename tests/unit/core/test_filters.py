"""Inbound filters (`decisions.md` 7.1 to 7.3)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay import reasons
from scrubjay.core.filters import Filters, compile_filters
from scrubjay.core.items.partial import Dropped, Thinned
from scrubjay.reasons import DataCategory as C
from support.items import make_item

BY_RELEASE = Dropped(reasons.RELEASE_VERSION, "releases")
BY_MESSAGE = Dropped(reasons.ERROR_MESSAGE, "errorMessages")


def compiled(**settings: object) -> Filters:
    filters, problems = compile_filters(settings)
    assert problems == []
    assert filters is not None
    return filters


def by_release(*patterns: str) -> Filters:
    return compiled(releases={"releases": list(patterns)})


def by_message(*patterns: str) -> Filters:
    return compiled(errorMessages={"patterns": list(patterns)})


# Releases


@pytest.mark.parametrize(
    ("release", "ruling"), [("1.2.3", BY_RELEASE), ("shop@1.2.3", None), ("", None), (None, None), (5, None)]
)
def test_releases_decisions_99(release: object, ruling: Dropped | None) -> None:
    assert by_release("1.*").match(make_item("event", {"release": release, "level": "error"})) == ruling


@pytest.mark.parametrize(
    ("item_type", "payload", "headers"),
    [
        ("event", {"release": "a@1"}, {}),
        ("transaction", {"spans": [{"release": "b"}], "release": "A@1"}, {}),
        ("feedback", {"release": "a@1"}, {}),
        ("security", {"release": "a@1"}, {}),
        ("raw_security", {"csp-report": {}}, {"sentry_release": "a@1"}),
        ("profile", {"release": "a@1"}, {}),
        ("profile_chunk", {"release": "a@1"}, {"platform": "python"}),
        ("session", {"attrs": {"release": "a@1"}}, {}),
        ("sessions", {"aggregates": [], "attrs": {"release": "a@1"}}, {}),
    ],
)
def test_items_with_a_release(item_type: str, payload: object, headers: dict[str, object]) -> None:
    item = make_item(item_type, payload, **headers)
    assert by_release("a@1").match(item) == BY_RELEASE
    assert by_release("b*").match(item) is None


@pytest.mark.parametrize(
    ("item_type", "payload", "headers"),
    [
        ("event", b"junk", {}),
        ("event", b"[]", {}),
        ("event", {}, {}),
        ("session", b"junk", {}),
        ("session", {}, {}),
        ("session", {"attrs": []}, {}),
        ("raw_security", {}, {"sentry_release": 5}),
        ("raw_security", {}, {}),
        ("check_in", {"release": "a@1"}, {}),
        ("user_report", {"release": "a@1"}, {}),
        ("replay_event", {"release": "a@1"}, {}),
        ("attachment", {"release": "a@1"}, {}),
        ("client_report", {"release": "a@1"}, {}),
        ("galaxy", {"release": "a@1"}, {}),
        ("span", {"release": "a@1", "span_id": "x"}, {}),
        ("log", b"junk", {"item_count": 1}),
    ],
)
def test_what_has_no_release_stays(item_type: str, payload: object, headers: dict[str, object]) -> None:
    assert by_release("*").match(make_item(item_type, payload, **headers)) is None


def test_a_lone_surrogate_is_no_way_around_a_filter() -> None:
    assert by_release("a@1").match(make_item("event", rb'{"x":"\ud83d","release":"a@1"}')) == BY_RELEASE


def record(release: object = None, **more: object) -> dict[str, object]:
    attributes = {"sentry.release": {"value": release, "type": "string"}} if release is not None else {}
    return {"body": "x", "attributes": attributes | more}


@pytest.mark.parametrize("item_type", ["log", "span", "trace_metric"])
def test_records_are_judged_one_by_one(item_type: str) -> None:
    records = [record("1.0"), record("2.0"), record(), record("1.1"), record(5), {"attributes": None}, 7]
    kept = [json.dumps(records[position]).replace(" ", "") for position in (1, 2, 4, 5, 6)]
    item = make_item(item_type, json.dumps({"items": records}).replace(" ", "").encode(), item_count=7)
    ruling = by_release("1.*").match(item)
    assert isinstance(ruling, Thinned)
    assert ruling.payload == f'{{"items":[{",".join(kept)}]}}'.encode()
    assert (ruling.item_count, ruling.reason, ruling.origin) == (5, reasons.RELEASE_VERSION, "releases")
    assert ruling.dropped[0][1] == 2
    assert by_release("3.*").match(item) is None


def test_a_container_of_nothing_else_falls_whole() -> None:
    item = make_item("log", {"items": [record("1.0"), record("1.1")]}, item_count=2)
    assert by_release("1.*").match(item) == BY_RELEASE
    assert dict(item.kind.quantities(item))[C.LOG_ITEM] == 2


# Messages


EXCEPTION = {"type": "IOError", "value": "Read TIMEOUT", "stacktrace": {"frames": [{"filename": "timeout.py"}]}}

MESSAGES = [
    ("decisions-100 exception", {"exception": {"values": [EXCEPTION]}}, BY_MESSAGE),
    ("decisions-100 formatted wins", {"logentry": {"formatted": "fine", "message": "timeout"}}, None),
    ("template without formatted", {"logentry": {"message": "a timeout of %s"}}, BY_MESSAGE),
    ("formatted null", {"logentry": {"formatted": None, "message": "timeout"}}, BY_MESSAGE),
    ("formatted", {"logentry": {"formatted": "Timeout!", "message": "x"}}, BY_MESSAGE),
    ("log entry as text", {"logentry": "timeout"}, BY_MESSAGE),
    ("message as text", {"message": "timeout"}, BY_MESSAGE),
    ("message as object", {"message": {"formatted": "timeout"}}, BY_MESSAGE),
    ("log entry outranks message", {"logentry": {"message": "fine"}, "message": "timeout"}, None),
    ("log entry null", {"logentry": None, "message": "timeout"}, BY_MESSAGE),
    ("old name", {"sentry.interfaces.Message": {"message": "timeout"}}, BY_MESSAGE),
    ("message of another type", {"message": 5}, None),
    ("exceptions as a list", {"exception": [{"value": "x"}, EXCEPTION]}, BY_MESSAGE),
    ("a single exception", {"exception": EXCEPTION}, BY_MESSAGE),
    ("exceptions by their old name", {"sentry.interfaces.Exception": {"values": [EXCEPTION]}}, BY_MESSAGE),
    ("any exception", {"message": "fine", "exception": {"values": [{"type": "A"}, None, EXCEPTION]}}, BY_MESSAGE),
    ("type alone", {"exception": {"values": [{"type": "TimeoutError", "value": ""}]}}, BY_MESSAGE),
    ("value alone", {"exception": {"values": [{"value": "a timeout"}]}}, BY_MESSAGE),
    ("value that is no text", {"exception": {"values": [{"type": "A", "value": {"why": "timeout"}}]}}, BY_MESSAGE),
    ("file names are no message", {"exception": {"values": [EXCEPTION | {"value": "x", "type": "y"}]}}, None),
    ("neither type nor value", {"exception": {"values": [{"value": None}]}}, None),
    ("a list with something else in it", {"message": "timeout", "exception": {"values": [5, EXCEPTION]}}, None),
    ("no exceptions", {"exception": {"values": []}}, None),
    ("broken list", {"exception": {"values": "timeout"}}, None),
    ("exception of another type", {"exception": "timeout"}, None),
    ("silent", {"level": "error", "tags": {"a": "timeout"}}, None),
    ("no object", [], None),
]


@pytest.mark.parametrize(("event", "ruling"), [case[1:] for case in MESSAGES], ids=[case[0] for case in MESSAGES])
def test_messages(event: object, ruling: Dropped | None) -> None:
    assert by_message("*timeout*").match(make_item("event", event)) == ruling


def test_type_and_value_are_one_text() -> None:
    assert by_message("ioerror: read timeout").match(make_item("event", {"exception": [EXCEPTION]})) == BY_MESSAGE


@pytest.mark.parametrize("item_type", ["session", "log", "check_in", "profile"])
def test_only_events_have_messages(item_type: str) -> None:
    assert by_message("*").match(make_item(item_type, {"message": "x"}, item_count=1)) is None


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "items",
                    "attributes",
                    "sentry.release",
                    "value",
                    "release",
                    "attrs",
                    "exception",
                    "values",
                    "logentry",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(["event", "session", "span", "log", "profile"]),
    SHAPES.map(json.dumps) | st.text(),
    st.integers(0, 3),
)
def test_any_payload_is_judged(item_type: str, payload: str, item_count: int) -> None:
    filters = compiled(releases={"releases": ["a*"]}, errorMessages={"patterns": ["b*"]})
    item = make_item(item_type, payload.encode(), item_count=item_count)
    assert isinstance(filters.match(item), Dropped | Thinned | None)


# Together


def test_releases_come_before_messages_decisions_108() -> None:
    filters = compiled(errorMessages={"patterns": ["*"]}, releases={"releases": ["1.*"]})
    assert filters.match(make_item("event", {"release": "1.0", "message": "x"})) == BY_RELEASE
    assert filters.match(make_item("event", {"release": "2.0", "message": "x"})) == BY_MESSAGE
    assert repr(filters) == "<Filters releases, errorMessages>"


@pytest.mark.parametrize(
    ("settings", "problems"),
    [
        ({}, []),
        ({"releases": {"releases": []}}, []),
        ({"errorMessages": {"patterns": ()}}, []),
        (
            {
                "localhost": {"isEnabled": False},
                "csp": {"disallowedSources": []},
                "generic": {"version": 1, "filters": []},
            },
            [],
        ),
        ({"legacyBrowsers": {"isEnabled": False, "options": ["ie9"]}, "clientIps": None}, []),
        ({"webCrawlers": {"isEnabled": True}}, ["filterSettings.webCrawlers is not yet enforced"]),
        ({"csp": {"disallowedSources": ["*"]}}, ["filterSettings.csp is not yet enforced"]),
        ({"galaxy": True}, ["filterSettings.galaxy is not yet enforced"]),
        ({"releases": {}}, ["filterSettings.releases is disabled: `releases` must be a list of patterns"]),
        ({"releases": ["1.*"]}, ["filterSettings.releases is disabled: `releases` must be a list of patterns"]),
        (
            {"errorMessages": {"patterns": [1]}},
            ["filterSettings.errorMessages is disabled: `patterns` must be a list of patterns"],
        ),
    ],
)
def test_nothing_to_run(settings: dict[str, object], problems: list[str]) -> None:
    assert compile_filters(settings) == (None, problems)


def test_a_broken_filter_disables_no_other() -> None:
    filters, problems = compile_filters({"releases": {"releases": "1.*"}, "errorMessages": {"patterns": ["[a", "ok*"]}})
    assert filters is not None
    assert filters.match(make_item("event", {"message": "okay", "release": "1.0"})) == BY_MESSAGE
    assert problems == [
        "filterSettings.releases is disabled: `releases` must be a list of patterns",
        "filterSettings.errorMessages: pattern '[a': `[` without `]`; it is skipped",
    ]
