"""Visits of robots (`decisions.md` 7.7)."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

from scrubjay import reasons
from scrubjay.core.filters.facts import Facts
from scrubjay.core.filters.family import VISITS, Draft, Predicate, family
from scrubjay.core.filters.user_agents import MAX_CHARACTERS
from scrubjay.core.filters.words import compile_words

NAMES: Final = (
    "Mediapartners-Google",
    "AdsBot-Google",
    "Googlebot",
    "FeedFetcher-Google",
    "Storebot-Google",
    "BingBot",
    "BingPreview",
    "Baiduspider",
    "Slurp",
    "Sogou",
    "facebook",
    "meta-",
    "ia_archiver",
    "Slack",
    "Calypso AppCrawler",
    "pingdom",
    "lyticsbot",
    "AWS Security Scanner",
    "HubSpot Crawler",
    "Bytespider",
    "Better Uptime",
    "Cloudflare-Healthchecks",
    "GTmetrix",
    "BrightEdgeOnCrawl",
    "ELB-HealthChecker",
    "naver.me/spd",
    "ClaudeBot",
    "CCBot",
    "OAI-SearchBot",
    "GPTBot",
    "PerplexityBot",
    "Applebot",
    "DuckDuckBot",
    "Lightpanda",
)
_AT_A_WORDS_END: Final = r"(?:bots?|spider)(?:[/\s);]|\z)"
WELCOME: Final = ("SentryUptimeBot", "ChatGPT-User")
_WELCOME_PATTERN: Final = r"Slackbot 1\.[0-9]+"
_MAX_REMEMBERED: Final = 1024


def _predicate(draft: Draft) -> Predicate | None:
    return _is_crawler() if draft.is_enabled() else None


@cache
def _is_crawler() -> Predicate:
    """The same for all projects, with its memory."""
    names_a_robot = compile_words(NAMES, (_AT_A_WORDS_END,))
    is_welcome = compile_words(WELCOME, (_WELCOME_PATTERN,))

    @lru_cache(_MAX_REMEMBERED)
    def is_crawler(user_agent: str) -> bool:
        return names_a_robot(user_agent) and not is_welcome(user_agent)

    def matches(facts: Facts) -> bool:
        sent = facts.user_agent()
        if sent is None:
            return False
        text = sent if isinstance(sent, str) else sent.family
        # What nobody sends is searched, but not remembered.
        return is_crawler(text) if len(text) <= MAX_CHARACTERS else is_crawler.__wrapped__(text)

    return matches


WEB_CRAWLERS: Final = family(
    "webCrawlers",
    reasons.WEB_CRAWLERS,
    VISITS,
    _predicate,
    form="{isEnabled}",
    doc="The user agent names a known robot, or a word in it ends in `bot`, `bots` or `spider`; but for "
    + ", ".join(f"`{name}`" for name in ("Slackbot 1.", *WELCOME))
    + ".",
)
