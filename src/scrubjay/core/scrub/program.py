"""Scrub rules, compiled: a `ScrubProgram` is what a plan holds and what a document is scrubbed by.

A program is up to two passes that run one after the other over the same document, the advanced config and then the converted
legacy settings (scrubbing.md 1), each with its own automaton of selectors and its own screen. How a pass runs is `descend.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakValueDictionary

from scrubjay.core.scrub import closures, legacy
from scrubjay.core.scrub.allow import AllowList
from scrubjay.core.scrub.bounds import Bounds, read_bounds
from scrubjay.core.scrub.choice import Choice
from scrubjay.core.scrub.encoded import SIGN
from scrubjay.core.scrub.key_verdicts import KeyVerdicts
from scrubjay.core.scrub.keys import RENAMED, is_renamed
from scrubjay.core.scrub.matching import ALWAYS, TRUE, Application, Matcher
from scrubjay.core.scrub.pseudonyms import Keyring, read_keys
from scrubjay.core.scrub.rule_spec import Config, read_config
from scrubjay.core.scrub.rules import Rule, RuleSet
from scrubjay.core.scrub.schema import Plan, Planner
from scrubjay.core.scrub.screen import Screen, ScreenBuilder
from scrubjay.core.scrub.selectors import sort_key
from scrubjay.settings.gaps import Gap
from scrubjay.settings.scrub import Scrub

DEFAULTS: Final = Scrub()
# Documents by schema type, and the value type of the root step where the root is one (scrubbing.md 12.2).
DOCUMENT_TYPES = {
    "event": "", "replay": "", "span": "span", "log": "log", "span_v2": "span", "trace_metric": "trace_metric",
    "trace_attachment_meta": "object",
}  # fmt: skip
_MAX_KEYS: Final = 20_000


@dataclass(slots=True, weakref_slot=True, eq=False)
class Pass:
    """One config, compiled. `legacy_view`: attributes count as their values (scrubbing.md 12.2).

    `text_rules` run over plain text such as log files (15.6); only profile `strict` has any. `closed`: the gaps that are closed
    (14); `strict` is that of values of the wrong kind, which the walk meets at every turn.
    """

    matcher: Matcher
    planner: Planner
    screen: Screen
    key_info: Callable[[str], tuple[int, int]]
    plain_match: int
    strict: bool
    legacy_view: bool
    scrubs_data: bool
    forced_full: tuple[str, ...]
    documents: dict[str, Plan]
    text_rules: tuple[Rule, ...]
    closed: frozenset[Gap]
    bounds: Bounds
    key_rules: tuple[Rule, ...]
    encoded: int
    embeds: bool
    searches_numbers: bool
    choices: dict[int, Choice] = field(default_factory=dict)
    """By the identity of the rules of a state, which live as long as the pass."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class ScrubProgram:
    """Everything that scrubbing one project's payloads needs.

    `forced_full`: rules that force the always-yes screen. `scrubs_ip`: the settings remove IP addresses. `graphql`: GraphQL bodies
    are treated (scrubbing.md 1). `hide_client_ip`: the server must not infer an address (ingest.md 7.4). `keys`: of pseudonyms.
    `allow`: what may leave at all, where that is listed (15.5). Equal is only itself: comparing what was compiled takes minutes.
    """

    passes: tuple[Pass, ...]
    options: Scrub
    bounds: Bounds
    forced_full: tuple[str, ...] = ()
    scrubs_ip: bool = False
    graphql: bool = False
    hide_client_ip: bool = False
    keys: Keyring | None = None
    allow: AllowList | None = None

    @property
    def strict(self) -> bool:
        return self.options.profile == "strict"

    def __repr__(self) -> str:
        return f"<ScrubProgram {self.options.profile}, {len(self.passes)} passes, full walk forced by {list(self.forced_full)}>"


def compile_program(
    *,
    pii_config: Mapping[str, object] | None,
    settings: object,
    options: Scrub = DEFAULTS,
    hide_client_ip: bool = False,
    clock: Callable[[], float] | None = None,
) -> ScrubProgram:
    """Compile a project's scrubbing. `settings` are the legacy settings, as JSON or as a settings struct. Raises ConfigError.

    `clock` gives the seconds that bound the time of one document; without it there is no such bound.
    """
    keys, bounds = read_keys(options), read_bounds(options, clock)
    config = None if pii_config is None else read_config(pii_config, further=options.profile == "strict")
    passes = []
    if config is not None:
        passes.append(_compile_pass(config, options, keys, bounds, switches=None))
    switches = None
    if (mapping := legacy.as_mapping(settings)) is not None:
        switches = legacy.read_switches(mapping)
        passes.append(_settings_pass(mapping, switches, options, keys, bounds))
    acts = not options.dry_run
    compiled = tuple(one for one in passes if one is not None)
    return ScrubProgram(
        compiled,
        options,
        bounds,
        forced_full=tuple(dict.fromkeys(name for one in compiled for name in one.forced_full)),
        scrubs_ip=acts and switches is not None and switches.scrub_ip_addresses,
        graphql=acts and switches is not None and switches.scrub_data,
        hide_client_ip=acts and hide_client_ip,
        keys=keys,
        allow=AllowList(options, config.rules if config else ()) if acts and options.mode == "allow" else None,
    )


_settings_passes: WeakValueDictionary[tuple[legacy.Switches, Scrub, Bounds], Pass] = WeakValueDictionary()


def _settings_pass(
    settings: Mapping[str, object], switches: legacy.Switches, options: Scrub, keys: Keyring | None, bounds: Bounds
) -> Pass | None:
    """The pass of the legacy settings, one for all programs with equal ones: most projects differ in rules of their own only."""
    one = _settings_passes.get((switches, options, bounds))
    if one is None:
        config = read_config(legacy.convert_settings(settings))
        one = _compile_pass(config, options, keys, bounds, switches=switches)
        if one is not None:
            _settings_passes[switches, options, bounds] = one
    return one


def _compile_pass(
    config: Config, options: Scrub, keys: Keyring | None, bounds: Bounds, *, switches: legacy.Switches | None
) -> Pass | None:
    """`switches` are given for the converted settings, which alone have closures and the legacy view. None: nothing to do."""
    builder = ScreenBuilder()
    strict, closed = options.profile == "strict", closures.closed_gaps(options)
    rules = RuleSet(
        config.rules,
        builder,
        closed=closed,
        further=strict,
        keys=keys,
        hash_is_keyed=options.hash_is_keyed,
        dry_run=options.dry_run,
    )
    if switches is not None:
        rules.ignore_case(legacy.SENSITIVE_RULE)
    elif "validation" in closed:
        for rule_id in config.rules:
            rules.check(rule_id)
    key_verdict = KeyVerdicts(builder.key_patterns)
    applications = [
        Application(selector, resolved)
        for selector, ids in sorted(config.applications.items(), key=lambda entry: sort_key(entry[0]))
        if (resolved := rules.resolve(ids, "applications", dry_run=selector in config.dry_runs))
    ]
    texts: tuple[Rule, ...] = ()
    key_rules: tuple[Rule, ...] = ()
    if switches is not None and switches.defaults and strict:
        bundled = rules.resolve(options.bundles, "scrub.bundles")
        applications += closures.further_applications(config, rules, switches, closed, bundled)
        if "keys" in closed:
            key_rules = closures.key_rules(applications, config)
        if "queries" in closed:
            applications = closures.in_place(applications, config, key_verdict)
        texts = closures.text_rules(rules, switches) + bundled
    if not applications:
        return None
    matcher = Matcher(applications, builder.key_bit)
    known: dict[str, tuple[int, int]] = {}

    def key_info(key: str) -> tuple[int, int]:
        info = known.get(key)
        if info is None:
            verdict = key_verdict(key)
            if key_rules and is_renamed(key, key_rules, screen):
                verdict |= RENAMED
            info = (matcher.key_match(key), verdict)
            if len(known) < _MAX_KEYS:
                known[key] = info
        return info

    planner = Planner(
        matcher, key_verdict, builder.field_bit, builder.percent, builder.exponent, strict="wrong_kinds" in closed
    )
    plain = matcher.index_match(-1)
    # Made before the screen, so that the keys that matter have their bits in it.
    documents = {name: planner.document(name, root_type) for name, root_type in DOCUMENT_TYPES.items()}
    forced = _forced(applications, rules)
    signs = builder.detector_bit(SIGN) if "encoded" in closed else 0
    screen = builder.build()
    return Pass(
        matcher, planner, screen, key_info, plain, "wrong_kinds" in closed, switches is not None,
        switches is not None and switches.scrub_data, forced, documents, texts, closed, bounds,
        key_rules, signs, "embedded" in closed, "numbers" in closed,
    )  # fmt: skip


def _forced(applications: list[Application], rules: RuleSet) -> tuple[str, ...]:
    """Rules for which every byte must be looked at: a pattern without a word, or `anything` on types and wildcards alone."""
    names = list(rules.unscreened)
    matcher = Matcher([one for one in applications if any(rule.takes_nodes for rule in one.rules)], lambda _key: 2)
    if matcher.root.region and matcher.root.region[TRUE] & ALWAYS:
        names += [rule.id for one in applications for rule in one.rules if rule.takes_nodes]
    return tuple(dict.fromkeys(names))
