"""Errors of browser extensions and of what else is injected into pages (`decisions.md` 7.6).

Only the first exception counts: by what it says, and by the file that it comes from.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from scrubjay import reasons
from scrubjay.core.filters.facts import Facts
from scrubjay.core.filters.family import EVENTS, Draft, Predicate, family
from scrubjay.core.filters.words import compile_words

VALUES: Final = (
    "top.GLOBALS",
    "originalCreateNotification",
    "canvas.contentDocument",
    "MyApp_RemoveAllHighlights",
    "http://tt.epicplay.com",
    "Can't find variable: ZiteReader",
    "jigsaw is not defined",
    "ComboSearch is not defined",
    "http://loading.retry.widdit.com/",
    "atomicFindClose",
    "fb_xd_fragment",
    "bmi_SafeAddOnload",
    "EBCallBackMessageReceived",
    "_gCrWeb",
    "conduitPage",
    "null is not an object (evaluating 'elt.parentNode')",
    "plugin.setSuspendState is not a function",
    "Extension context invalidated",
    "webkit-masked-url:",
    "can't access dead object",
    "Cannot redefine property: solana",
    "Cannot redefine property: ethereum",
    "Cannot redefine property: googletag",
    "Permission denied to access property ",
    "Can't find variable: gmo",
)
_VALUE_PATTERNS: Final = (r"undefined is not an object \(evaluating 'a\..'\)",)
"""A minified name of one character."""

SCHEMES: Final = (
    "chrome://",
    "chrome-extension://",
    "moz-extension://",
    "safari-extension://",
    "safari-web-extension://",
)
SOURCES: Final = (
    "graph.facebook.com",
    "connect.facebook.net",
    "eatdifferent.com.woopra-ns.com",
    "static.woopra.com/js/woopra.js",
    "webkit-masked-url",
    "127.0.0.1:4001/isrunning",
    "webappstoolbarba.texthelp.com/",
    "metrics.itunes.apple.com.edgesuite.net/",
    "kaspersky-labs.com",
)


def _predicate(draft: Draft) -> Predicate | None:
    return _is_of_extension() if draft.is_enabled() else None


@cache
def _is_of_extension() -> Predicate:
    """The same for all projects."""
    says = compile_words(VALUES, _VALUE_PATTERNS)
    comes_from = compile_words(SOURCES, (rf"\A(?:{'|'.join(SCHEMES)})",))

    def matches(facts: Facts) -> bool:
        value = facts.thrown_text()
        if value is not None and says(value):
            return True
        source = facts.thrown_by()
        return source is not None and comes_from(source)

    return matches


BROWSER_EXTENSIONS: Final = family(
    "browserExtensions",
    reasons.BROWSER_EXTENSIONS,
    EVENTS,
    _predicate,
    form="{isEnabled}",
    doc="The first exception says what errors of known extensions say, or comes from a file of an extension: its last frame that is "
    "neither `<anonymous>` nor `[native code]`.",
)
