"""Which gaps of the reference are closed, and what that adds to the default rules (scrubbing.md 14, profile `strict`).

Here are the closures that are more reach for rules that exist: G4, G5, G14, and the rules of `scrub.bundles`. They run after the
reference's own rules, so that these
remove no less. The others are steps of rules (`rules.py`), or turns of the walk, which asks `Pass.closed`.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Final

from scrubjay.core.scrub import keys, legacy, queries, taken
from scrubjay.core.scrub.matching import Application
from scrubjay.core.scrub.rule_spec import Config
from scrubjay.core.scrub.rules import Rule, RuleSet
from scrubjay.core.scrub.selectors import And, Not, parse_selector, sort_key
from scrubjay.settings.gaps import CLOSURES, Gap
from scrubjay.settings.scrub import Scrub

# What the closure of gap G4 adds to the reach of the default rules, whatever the class of the node; `$logentry.message` because
# loggers are called with ready-made texts as often as with templates. The attributes are where streamed spans carry a description
# and the text of the error that ended them; their name is a description too, such as the statement of a query.
_PLACES: Final = (
    "$http.url || tags.* || $error.value || $breadcrumb.category || $span.description || $span.name || $logentry.message"
    " || $logentry.formatted || attributes.'sentry.description' || attributes.'sentry.status.message'"
)

# Cookies as one text, as headers, environments and libraries have them.
_COOKIE_HEADERS: Final = "cookie || 'set-cookie' || cookies || set_cookie || HTTP_COOKIE || headers"


def closed_gaps(options: Scrub) -> frozenset[Gap]:
    """The gaps that are closed under these settings."""
    return frozenset(CLOSURES).difference(options.open_gaps) if options.profile == "strict" else frozenset()


def text_rules(rules: RuleSet, switches: legacy.Switches) -> tuple[Rule, ...]:
    """The default rules for texts in which one word must not take the whole (scrubbing.md 15.6)."""
    ids = [*legacy.TEXT_RULES, "@urlauth", "@pemkey"]
    if switches.scrub_ip_addresses:
        ids.append("@ip")
    return rules.resolve(ids, "closures")


def key_rules(applications: list[Application], config: Config) -> tuple[Rule, ...]:
    """The rules for keys: what looks for values in untyped content, of the default rules and of those added to them (gap G15)."""
    base = min(config.applications, key=sort_key)
    return keys.key_rules(rule for one in applications if one.selector == base for rule in one.rules)


def in_place(applications: list[Application], config: Config, key_verdict: Callable[[str], int]) -> list[Application]:
    """The same, but for queries written as text: there values of telling names go first, and then these names tell nothing."""
    base = min(config.applications, key=sort_key)
    queried = parse_selector(queries.SELECTOR)
    own = next(one for one in applications if one.selector == base)
    others = [one for one in applications if one is not own]
    return [
        Application(queried, queries.value_rules(own.rules, key_verdict)),
        Application(And((base, Not(queried))), own.rules),
        Application(And((base, queried)), tuple(rule.testing(taken.beside_parameters) for rule in own.rules)),
        *others,
    ]


def further_applications(
    config: Config, rules: RuleSet, switches: legacy.Switches, closed: AbstractSet[Gap], bundled: tuple[Rule, ...]
) -> list[Application]:
    """What the closed gaps add to the converted settings, and after all of it the rules of bundles."""
    out = []
    base = min(config.applications, key=sort_key)
    if "email" in closed:
        out.append(Application(base, rules.resolve(["@email:replace"], "closures")))
    if "ai_texts" in closed:
        texts = parse_selector(legacy.ai_texts_selector())
        out.append(Application(texts, rules.resolve(legacy.TEXT_RULES, "closures")))
    if "places" in closed:
        out.append(Application(parse_selector(_PLACES), text_rules(rules, switches), any_class=True))
    if "headers" in closed:
        out.append(Application(parse_selector(_COOKIE_HEADERS), rules.resolve(["@cookies:filter"], "closures")))
    if bundled:
        out.append(Application(base, bundled))
        if "places" in closed:
            out.append(Application(parse_selector(f"{_PLACES} || $log.body"), bundled, any_class=True))
    return out
