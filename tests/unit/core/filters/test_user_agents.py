"""Browsers by their user agent (`decisions.md` 7.8)."""

import subprocess
import sys
import time

import pytest

from scrubjay.core.filters.user_agents import MAX_CHARACTERS, Browser, browser_of, load, major_of


@pytest.mark.parametrize(
    ("version", "major"),
    [("9", 9), ("9.0", 9), ("011.1", 11), ("", None), (None, None), ("x.1", None), ("٩", None), ("-1", None),
     ("9 ", None), ("9" * 9, 999_999_999), ("9" * 10, None), ("9" * 10_000, None)],
)  # fmt: skip
def test_the_major_version(version: str | None, major: int | None) -> None:
    assert major_of(version) == major


@pytest.mark.parametrize(
    ("user_agent", "browser"),
    [
        ("Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)", Browser("IE", 9)),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0", Browser("Firefox", 126)),
        ("", None),
        ("nobody knows", None),
        ("\x00\ud7ff\U0001f99c", None),
    ],
)
def test_browsers(user_agent: str, browser: Browser | None) -> None:
    assert browser_of(user_agent) == browser


def test_a_family_may_have_no_version() -> None:
    browser = browser_of("Mozilla/5.0 (compatible; Konqueror; Linux)")
    assert browser is None or browser.major is None


def test_only_the_beginning_is_read() -> None:
    firefox = "Firefox/126.0"
    assert browser_of("x" * (MAX_CHARACTERS - len(firefox)) + firefox) == Browser("Firefox", 126)
    assert browser_of("x" * MAX_CHARACTERS + firefox) is None


@pytest.mark.parametrize(
    "piece", ["a", "Mozilla/", "(", "Opera Mini/1", "Version/1 ", "; ", "CFNetwork", "1.", "AppleWebKit/1 (KHTML, "]
)
def test_hostile_ones_take_no_time(piece: str) -> None:
    load()
    user_agent = "Mozilla/5.0 " + piece * 100_000
    started = time.thread_time()
    browser_of(user_agent)
    assert time.thread_time() - started < 0.5


def test_nothing_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys; from scrubjay.core.filters.compile import compile_filters;"
        "compile_filters({'webCrawlers': {'isEnabled': True}, 'legacyBrowsers': {'isEnabled': True, 'options': []}});"
        "print('ua_parser' in sys.modules);"
        "compile_filters({'legacyBrowsers': {'isEnabled': True, 'options': ['ie9']}});"
        "print('ua_parser' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
