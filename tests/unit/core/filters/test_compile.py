"""From `filterSettings` to filters (`decisions.md` 7.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core.filters import FAMILIES
from scrubjay.core.filters.chain import Filters
from scrubjay.core.filters.compile import compile_filters
from scrubjay.core.filters.family import Draft, Source
from support.filtering import why_event


def test_the_order_of_the_specification() -> None:
    assert [family.name for family in FAMILIES] == [
        "generic", "csp", "clientIps", "releases", "errorMessages", "localhost", "browserExtensions", "legacyBrowsers",
        "webCrawlers", "ignoreTransactions", "config.scrubjay.filters",
    ]  # fmt: skip


def test_the_reasons_of_the_specification() -> None:
    assert [family.reason.code for family in FAMILIES if family.reason] == [
        "invalid-csp", "ip-address", "release-version", "error-message", "localhost", "browser-extensions",
        "legacy-browsers", "web-crawlers", "filtered-transaction",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"releases": {"releases": []}},
        {"errorMessages": {"patterns": ()}},
        {"csp": {"disallowedSources": []}, "clientIps": {"blacklistedIps": []}},
        {"localhost": {"isEnabled": False}, "webCrawlers": {"isEnabled": False}},
        {"browserExtensions": {"isEnabled": False}, "generic": {"version": 1, "filters": []}},
        {"legacyBrowsers": {"isEnabled": False, "options": ["ie9"]}, "clientIps": None},
        {"ignoreTransactions": {"patterns": ["*"]}},
        dict.fromkeys([*(family.name for family in FAMILIES), "galaxy"]),
    ],
)
def test_nothing_to_run(settings: dict[str, object]) -> None:
    assert compile_filters(settings) == (None, [])


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("galaxy", "filterSettings.galaxy is not known, and ignored"),
        ("webCrawler", "filterSettings.webCrawler is not known, and ignored; did you mean `webCrawlers`?"),
        ("config.scrubjay.filters", "filterSettings.config.scrubjay.filters is not known, and ignored"),
    ],
)
def test_unknown_filters_are_ignored_and_named(name: str, problem: str) -> None:
    assert compile_filters({name: {"isEnabled": True}}) == (None, [problem])


@pytest.mark.parametrize(
    ("name", "member", "what"),
    [
        ("csp", "disallowedSources", "a list of texts"),
        ("clientIps", "blacklistedIps", "a list of texts"),
        ("releases", "releases", "a list of texts"),
        ("errorMessages", "patterns", "a list of texts"),
        ("localhost", "isEnabled", "true or false"),
        ("browserExtensions", "isEnabled", "true or false"),
        ("legacyBrowsers", "isEnabled", "true or false"),
        ("webCrawlers", "isEnabled", "true or false"),
        ("ignoreTransactions", "patterns", "a list of texts"),
    ],
)
def test_a_required_member(name: str, member: str, what: str) -> None:
    good = {"localhost": {"isEnabled": True}, "webCrawlers": {"isEnabled": True}}
    sentence = f"filterSettings.{name} is disabled: `{member}` must be {what}"
    for wrong in ({}, {member: None}, {member: "x"}, {member: 1}, {member: [1]}):
        filters, problems = compile_filters(good | {name: wrong})
        assert problems == [sentence]
        assert filters is not None
        assert name not in repr(filters)
    _, problems = compile_filters({name: [True]})
    assert problems == [f"filterSettings.{name} is disabled: it must be an object"]


def test_a_broken_filter_disables_no_other() -> None:
    filters, problems = compile_filters({"releases": {"releases": "1.*"}, "errorMessages": {"patterns": ["[a", "ok*"]}})
    assert filters is not None
    assert why_event(filters, {"message": "okay", "release": "1.0"}) == "error-message"
    assert problems == [
        "filterSettings.releases is disabled: `releases` must be a list of texts",
        "filterSettings.errorMessages: pattern '[a': `[` without `]`; it is skipped",
    ]


def test_globs_with_the_mistakes_of_the_reference() -> None:
    """Quirk Q7: an unclosed brace ends the pattern."""
    settings = {"errorMessages": {"patterns": ["boom{x"]}}
    right, problems = compile_filters(settings)
    assert right is not None
    assert problems
    assert why_event(right, {"message": "boom"}) is None
    theirs, _ = compile_filters(settings, quirks=True)
    assert theirs is not None
    assert why_event(theirs, {"message": "boom"}) == "error-message"


@given(
    st.dictionaries(
        st.sampled_from([family.name for family in FAMILIES]),
        st.none()
        | st.booleans()
        | st.text(max_size=3)
        | st.dictionaries(
            st.sampled_from(["isEnabled", "patterns", "releases", "options", "version", "filters", "preset"]),
            st.none() | st.booleans() | st.integers(-1, 3) | st.lists(st.text(max_size=4) | st.integers(), max_size=3),
        ),
    )
)
def test_any_settings_compile(settings: dict[str, object]) -> None:
    filters, problems = compile_filters(settings, own=[settings], global_filters=settings)
    assert isinstance(filters, Filters | None)
    assert all(isinstance(problem, str) for problem in problems)


def test_projects_share_what_is_equal() -> None:
    """Patterns of ten thousand projects would take seconds and hundreds of MB, if each had its own."""
    settings = {"webCrawlers": {"isEnabled": True}, "browserExtensions": {"isEnabled": True}}
    one, other = (Source(settings) for _ in range(2))
    for family in FAMILIES:
        assert [rule.matches for rule in family.compile(one)] == [rule.matches for rule in family.compile(other)]
    first, second = (Draft({}, quirks=False) for _ in range(2))
    assert first.globs(["[a", "x*"]) is second.globs(["[a", "x*"])
    assert first.problems == second.problems != []
    assert Draft({}, quirks=True).globs(["[a", "x*"]) is not first.globs(["[a", "x*"])
