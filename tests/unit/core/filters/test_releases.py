"""Filter `releases` (`decisions.md` 7.3)."""

import pytest

from support.filtering import compiled, container, record, why
from support.items import make_item

FALLS = "release-version"


def by_release(*patterns: str):
    return compiled(releases={"releases": list(patterns)})


@pytest.mark.parametrize(
    ("release", "reason"),
    [("1.2.3", FALLS), ("shop@1.2.3", None), ("", None), (None, None), (5, None), ("v1.2.3", None), ("1", None)],
)
def test_releases_decisions_99(release: object, reason: str | None) -> None:
    assert why(by_release("1.*"), make_item("event", {"release": release, "level": "error"})) == reason


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
        ("replay_event", {"release": "a@1"}, {}),
        ("session", {"attrs": {"release": "a@1"}}, {}),
        ("sessions", {"aggregates": [], "attrs": {"release": "a@1"}}, {}),
        ("span", {"span_id": "x", "data": {"sentry.release": "a@1"}}, {}),
        ("span", {"span_id": "x", "data": {"release": "a@1"}}, {}),
    ],
)
def test_items_with_a_release(item_type: str, payload: object, headers: dict[str, object]) -> None:
    item = make_item(item_type, payload, **headers)
    assert why(by_release("a@1"), item) == FALLS
    assert why(by_release("b*"), item) is None


@pytest.mark.parametrize("item_type", ["log", "span", "trace_metric"])
def test_records_with_a_release(item_type: str) -> None:
    item = container(item_type, record(sentry__release="1.0"), record(sentry__release="1.1"))
    assert why(by_release("1.*"), item) == FALLS
    assert why(by_release("2.*"), item) is None


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
        ("replay_recording", {"release": "a@1"}, {}),
        ("attachment", {"release": "a@1"}, {}),
        ("client_report", {"release": "a@1"}, {}),
        ("galaxy", {"release": "a@1"}, {}),
        ("span", {"release": "a@1", "span_id": "x"}, {}),
        ("log", b"junk", {"item_count": 1}),
        ("log", {"items": [{"attributes": {"sentry.release": {"value": "a@1"}}}]}, {"item_count": 2}),
    ],
)
def test_what_has_no_release_stays(item_type: str, payload: object, headers: dict[str, object]) -> None:
    assert why(by_release("*"), make_item(item_type, payload, **headers)) is None


def test_a_lone_surrogate_is_no_way_around_a_filter() -> None:
    assert why(by_release("a@1"), make_item("event", rb'{"x":"\ud83d","release":"a@1"}')) == FALLS
