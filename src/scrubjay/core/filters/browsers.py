"""Browsers that are too old to care for (`decisions.md` 7.8).

Each option is a few families with the majors that fall. Where `default` is listed, the others are not looked at, as in the reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scrubjay import reasons
from scrubjay.core.filters.facts import Facts
from scrubjay.core.filters.family import VISITS, Draft, Predicate, family
from scrubjay.core.filters.user_agents import browser_of, load


@dataclass(frozen=True, slots=True)
class Majors:
    """From `first` up to, not including, `end`."""

    end: int
    first: int = 0

    def __contains__(self, major: int) -> bool:
        return self.first <= major < self.end

    def __str__(self) -> str:
        return f"= {self.first}" if self.first == self.end - 1 else f"< {self.end}"


OPTIONS: Final[Mapping[str, Mapping[str, Majors]]] = {
    "default": {
        "IE": Majors(10),
        "Safari": Majors(6),
        "Opera": Majors(15),
        "Opera Mini": Majors(8),
        "Android": Majors(4),
    },
    "ie_pre_9": {"IE": Majors(9)},
    "ie9": {"IE": Majors(10, 9)},
    "ie10": {"IE": Majors(11, 10)},
    "ie11": {"IE": Majors(12, 11)},
    "opera_pre_15": {"Opera": Majors(15)},
    "opera_mini_pre_8": {"Opera Mini": Majors(8)},
    "android_pre_4": {"Android": Majors(4)},
    "safari_pre_6": {"Safari": Majors(6)},
    "edge_pre_79": {"Edge": Majors(79)},
    "ie": {"IE": Majors(12)},
    "safari": {"Safari": Majors(16)},
    "opera": {"Opera": Majors(100)},
    "opera_mini": {"Opera Mini": Majors(35)},
    "android": {"Android": Majors(4)},
    "firefox": {"Firefox": Majors(111)},
    "chrome": {"Chrome": Majors(111)},
    "edge": {"Edge": Majors(111)},
}
_SAME: Final = {"IE Mobile": "IE"}
"""Families that count as another."""


def _predicate(draft: Draft) -> Predicate | None:
    is_enabled, options = draft.is_enabled(), draft.texts("options", default=())
    draft.problems += (f"option {name[:80]!r} is not known; it is skipped" for name in options if name not in OPTIONS)
    chosen = ["default"] if "default" in options else [name for name in options if name in OPTIONS]
    if not (is_enabled and chosen):
        return None
    falls: dict[str, list[Majors]] = {}
    for name in chosen:
        for family_name, majors in OPTIONS[name].items():
            falls.setdefault(family_name, []).append(majors)
    load()

    def matches(facts: Facts) -> bool:
        sent = facts.user_agent()
        browser = browser_of(sent) if isinstance(sent, str) else sent
        if browser is None or browser.major is None:
            return False
        major = browser.major
        return any(major in majors for majors in falls.get(_SAME.get(browser.family, browser.family), ()))

    return matches


LEGACY_BROWSERS: Final = family(
    "legacyBrowsers",
    reasons.LEGACY_BROWSERS,
    VISITS,
    _predicate,
    form="{isEnabled, options: [name, …]}",
    doc="The browser of the user agent, by the public uap-core data; the options are below. Without options nothing falls.",
)
