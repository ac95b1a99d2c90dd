"""Families of filters, and filters as they are written."""

import pytest

from scrubjay.core.filters import FAMILIES
from scrubjay.core.filters.family import ALL, EVENTS, PROFILES, RECORDS, REPLAYS, SESSIONS, Draft, Unusable
from scrubjay.core.items import KINDS

VISITS = EVENTS | REPLAYS | SESSIONS | RECORDS


def test_which_filter_is_asked_about_which_item() -> None:
    """The table of `decisions.md` 7.1."""
    assert {family.name: family.item_types for family in FAMILIES} == {
        "generic": ALL,
        "csp": EVENTS,
        "clientIps": ALL,
        "releases": ALL,
        "errorMessages": EVENTS,
        "localhost": VISITS,
        "browserExtensions": EVENTS,
        "legacyBrowsers": VISITS,
        "webCrawlers": VISITS,
        "ignoreTransactions": {"event", "transaction"} | RECORDS,
        "config.scrubjay.filters": ALL,
    }


def test_items_that_are_never_filtered() -> None:
    assert set(KINDS) - ALL == {
        "unreal_report", "user_report", "attachment", "form_data", "replay_recording", "client_report", "check_in",
        "metric_buckets",
    }  # fmt: skip
    assert set(KINDS) >= ALL
    assert ALL == VISITS | PROFILES


def test_members_of_a_draft() -> None:
    draft = Draft({"isEnabled": False, "on": True, "names": ("a",), 5: None}, quirks=False)
    assert (draft.is_enabled(), draft.is_enabled("on"), draft.is_enabled("off", default=True)) == (False, True, True)
    assert (draft.texts("names"), draft.texts("others", default=())) == (("a",), ())
    assert (draft.get("on"), draft.get("off"), draft.members()) == (True, None, ["isEnabled", "on", "names", "5"])
    matches = draft.globs(["[a", "b*"])
    assert matches("bc")
    assert draft.problems == ["pattern '[a': `[` without `]`; it is skipped"]
    for wrong in (lambda: draft.is_enabled("off"), lambda: draft.texts("on"), lambda: Draft([], quirks=False)):
        with pytest.raises(Unusable):
            wrong()
