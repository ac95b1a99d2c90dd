"""Filter `legacyBrowsers` (`decisions.md` 7.8)."""

import pytest

from scrubjay.core.filters.browsers import OPTIONS
from scrubjay.core.filters.compile import compile_filters
from support.filtering import asks, compiled, container, record, why, why_event
from support.items import make_item

FALLS = "legacy-browsers"

AGENTS = {
    "IE 8": "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.0; Trident/4.0)",
    "IE 9": "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)",
    "IE 10": "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
    "IE 11": "Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko",
    "IE Mobile 9": "Mozilla/5.0 (compatible; MSIE 9.0; Windows Phone OS 7.5; Trident/5.0; IEMobile/9.0; NOKIA; Lumia 710)",
    "Opera 12": "Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.16",
    "Opera 15": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/28.0.1500 Safari/537.36 OPR/15.0.1147",
    "Opera 100": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0 Safari/537.36 OPR/100.0.4815",
    "Opera Mini 7": "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10",
    "Opera Mini 8": "Opera/9.80 (J2ME/MIDP; Opera Mini/8.0.35158/36.2534; U; en) Presto/2.12.423 Version/12.16",
    "Opera Mini 35": "Opera/9.80 (Android; Opera Mini/35.5.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
    "Android 3": "Mozilla/5.0 (Linux; U; Android 3.2; nl-nl; GT-P6800 Build/HTJ85B) AppleWebKit/534.13 (KHTML, like Gecko) Version/4.0 Safari/534.13",
    "Android 4": "Mozilla/5.0 (Linux; U; Android 4.0.3; de-de; HTC Build/IML74K) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
    "Safari 5": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_6_8) AppleWebKit/533.21.1 (KHTML, like Gecko) Version/5.0.5 Safari/533.21.1",
    "Safari 15": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.6 Safari/605.1.15",
    "Safari 16": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.1 Safari/605.1.15",
    "Edge 18": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282 Safari/537.36 Edge/18.17763",
    "Edge 110": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/110.0.0 Safari/537.36 Edg/110.0.1587",
    "Edge 111": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/111.0.0 Safari/537.36 Edg/111.0.1661",
    "Chrome 110": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/110.0.0.0 Safari/537.36",
    "Chrome 111": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/111.0.0.0 Safari/537.36",
    "Firefox 110": "Mozilla/5.0 (X11; Linux x86_64; rv:110.0) Gecko/20100101 Firefox/110.0",
    "Firefox 111": "Mozilla/5.0 (X11; Linux x86_64; rv:111.0) Gecko/20100101 Firefox/111.0",
}  # fmt: skip
"""Family and major version → what such a browser sends."""

FALLEN = {
    "default": {"IE 8", "IE 9", "IE Mobile 9", "Opera 12", "Opera Mini 7", "Android 3", "Safari 5"},
    "ie_pre_9": {"IE 8"},
    "ie9": {"IE 9", "IE Mobile 9"},
    "ie10": {"IE 10"},
    "ie11": {"IE 11"},
    "opera_pre_15": {"Opera 12"},
    "opera_mini_pre_8": {"Opera Mini 7"},
    "android_pre_4": {"Android 3"},
    "safari_pre_6": {"Safari 5"},
    "edge_pre_79": {"Edge 18"},
    "ie": {"IE 8", "IE 9", "IE 10", "IE 11", "IE Mobile 9"},
    "safari": {"Safari 5", "Safari 15"},
    "opera": {"Opera 12", "Opera 15"},
    "opera_mini": {"Opera Mini 7", "Opera Mini 8"},
    "android": {"Android 3"},
    "firefox": {"Firefox 110"},
    "chrome": {"Chrome 110"},
    "edge": {"Edge 18", "Edge 110"},
}


def legacy(*options: str):
    return compiled(legacyBrowsers={"isEnabled": True, "options": list(options)})


@pytest.mark.parametrize("option", OPTIONS)
def test_each_option(option: str) -> None:
    filters = legacy(option)
    assert {name for name, agent in AGENTS.items() if why_event(filters, asks(agent)) == FALLS} == FALLEN[option]


@pytest.mark.parametrize(
    ("options", "browser", "reason"),
    [
        (["default"], "IE 9", FALLS),
        (["default"], "IE 10", None),
        (["default", "ie11"], "IE 11", None),
        (["ie11", "default"], "IE 9", FALLS),
        (["ie11"], "IE 11", FALLS),
        (["ie11", "ie9"], "IE 9", FALLS),
        (["ie11", "ie9"], "IE 10", None),
    ],
)
def test_the_default_row_stands_alone_decisions_102(options: list[str], browser: str, reason: str | None) -> None:
    assert why_event(legacy(*options), asks(AGENTS[browser])) == reason


@pytest.mark.parametrize("options", [{}, {"options": []}, {"options": ["ie9"], "isEnabled": False}])
def test_nothing_to_look_for_decisions_102(options: dict[str, object]) -> None:
    assert compile_filters({"legacyBrowsers": {"isEnabled": True} | options}) == (None, [])


def test_an_unknown_option_never_matches() -> None:
    filters, problems = compile_filters({"legacyBrowsers": {"isEnabled": True, "options": ["netscape", "ie9"]}})
    assert filters is not None
    assert why_event(filters, asks(AGENTS["IE 9"])) == FALLS
    assert problems == ["filterSettings.legacyBrowsers: option 'netscape' is not known; it is skipped"]
    nothing, problems = compile_filters({"legacyBrowsers": {"isEnabled": True, "options": ["netscape"]}})
    assert nothing is None
    assert problems


@pytest.mark.parametrize("user_agent", ["", "curl/8.0", "MSIE", "IE", "Safari/5.0", "x" * 100_000])
def test_what_names_no_old_browser(user_agent: str) -> None:
    assert why_event(legacy(*[option for option in OPTIONS if option != "default"]), asks(user_agent)) is None


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"user_agent__original": AGENTS["IE 9"]}, FALLS),
        ({"browser__name": "IE", "browser__version": "9.0"}, FALLS),
        ({"browser__name": "IE Mobile", "browser__version": "9"}, FALLS),
        ({"browser__name": "IE", "browser__version": "10.0"}, None),
        ({"browser__name": "IE", "browser__version": "nine"}, None),
        ({"browser__name": "IE", "browser__version": 9}, None),
        ({"browser__name": "IE"}, None),
        ({"browser__version": "9.0"}, None),
        ({"user_agent__original": AGENTS["Firefox 111"], "browser__name": "IE", "browser__version": "9.0"}, None),
    ],
)
@pytest.mark.parametrize("item_type", ["log", "span", "trace_metric"])
def test_records(item_type: str, attributes: dict[str, object], reason: str | None) -> None:
    assert why(legacy("default"), container(item_type, record(**attributes))) == reason


def test_other_items() -> None:
    filters = legacy("default")
    assert why(filters, make_item("session", {"attrs": {"user_agent": AGENTS["IE 9"]}})) == FALLS
    assert why(filters, make_item("replay_event", asks(AGENTS["IE 9"]))) == FALLS
    assert why(filters, make_item("profile", asks(AGENTS["IE 9"]))) is None
    assert why(filters, make_item("event", {})) is None
