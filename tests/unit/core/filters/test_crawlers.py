"""Filter `webCrawlers` (`decisions.md` 7.7)."""

import pytest

from scrubjay.core.filters.crawlers import NAMES, WELCOME
from support.filtering import asks, compiled, container, record, why, why_event
from support.items import make_item

FALLS = "web-crawlers"
CRAWLERS = compiled(webCrawlers={"isEnabled": True})


@pytest.mark.parametrize(
    ("user_agent", "reason"),
    [
        ("Twitterbot/1.0", FALLS),
        ("Slackbot 1.0(+https://api.slack.com/robots)", None),
        ("Slackbot 1.x", FALLS),
        ("Slackbot 2.0", FALLS),
        ("Slackbot-LinkExpanding 1.0", FALLS),
        ("ChatGPT-User/1.0", None),
        ("Mozilla/5.0; ChatGPT-User/1.0; +https://openai.com/bot", None),
        ("SentryUptimeBot/1.0 (+http://docs.sentry.io)", None),
        ("botanic garden app", None),
        ("Robots.app", None),
        ("mybot", FALLS),
        ("my bots", FALLS),
        ("a spider", FALLS),
        ("spiderman", None),
        ("CUBOT X19", FALLS),
        ("a bot.", None),
        ("(a bot)", FALLS),
        ("a bot; x", FALLS),
        ("a Bot x", FALLS),
        ("GOOGLEBOT-image", FALLS),
        ("Mozilla/5.0 (compatible; Yahoo! Slurp)", FALLS),
        ("metaverse", None),
        ("", None),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0", None),
        (f"{'x' * 100_000} Googlebot", FALLS),
        (f"{'x' * 100_000} Safari", None),
        ("é" * 600 + "bot", FALLS),
    ],
)
def test_crawlers_decisions_101(user_agent: str, reason: str | None) -> None:
    assert why_event(CRAWLERS, asks(user_agent)) == reason
    assert why_event(CRAWLERS, asks(user_agent)) == reason  # as remembered


@pytest.mark.parametrize("name", NAMES)
def test_each_name(name: str) -> None:
    assert why_event(CRAWLERS, asks(f"Mozilla/5.0 ({name.swapcase()}; x)")) == FALLS


@pytest.mark.parametrize("name", [*WELCOME, "slackbot 1.0"])
def test_who_is_welcome(name: str) -> None:
    assert why_event(CRAWLERS, asks(f"Googlebot {name.upper()} bot")) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"USER-AGENT": "Googlebot"},
        {"user-agent": "Googlebot"},
        {"User-Agent": ["Googlebot", "x"]},
        [["User-Agent", "Googlebot"]],
        [["Accept", "*/*"], ["user-agent", "Googlebot"]],
    ],
)
def test_the_header_s_name_may_have_any_case(headers: object) -> None:
    assert why_event(CRAWLERS, {"request": {"headers": headers}}) == FALLS


@pytest.mark.parametrize("headers", [{}, [], None, "Googlebot", {"X-User-Agent": "Googlebot"}, [["User-Agent"]], 5])
def test_without_a_user_agent(headers: object) -> None:
    assert why_event(CRAWLERS, {"request": {"headers": headers}, "user_agent": "Googlebot"}) is None


def test_other_items() -> None:
    assert why(CRAWLERS, make_item("session", {"attrs": {"user_agent": "Googlebot"}})) == FALLS
    assert why(CRAWLERS, make_item("sessions", {"attrs": {"user_agent": "Firefox"}})) is None
    assert why(CRAWLERS, make_item("replay_event", asks("Googlebot"))) == FALLS
    assert why(CRAWLERS, make_item("profile", asks("Googlebot"))) is None
    assert why(CRAWLERS, make_item("span", {"data": {"user_agent.original": "Googlebot"}})) == FALLS


@pytest.mark.parametrize("item_type", ["log", "span", "trace_metric"])
def test_records(item_type: str) -> None:
    assert why(CRAWLERS, container(item_type, record(user_agent__original="Googlebot"))) == FALLS
    assert why(CRAWLERS, container(item_type, record(browser__name="Googlebot"))) == FALLS
    sent = record(user_agent__original="Firefox", browser__name="Googlebot")
    assert why(CRAWLERS, container(item_type, sent)) is None
