"""Reading an advanced config: rules and applications as they are written (scrubbing.md 3). Nothing is compiled here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from scrubjay.core.scrub.families import FAMILIES, SWITCHES
from scrubjay.core.scrub.pseudonyms import LENGTHS, SCOPES, USUAL_FORM, Form
from scrubjay.core.scrub.redact import Redaction
from scrubjay.core.scrub.selectors import Selector, SelectorError, parse_selector
from scrubjay.errors import ConfigError
from scrubjay.settings.suggestions import nearest_word

_DETECTOR_TYPES = frozenset(
    ("anything", "ip", "email", "creditcard", "iban", "mac", "uuid", "imei", "us_ssn", "url_auth", "userpath", "pemkey", "bearer",
     "password", "cookies")
)  # fmt: skip
_GROUP_TYPES = frozenset(("multiple", "alias"))


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """One rule as written. `kind` is its type; `members` only for `multiple` and `alias`, `pattern` only for types that have one.

    `dry_run` (ours): it is only tried, and its members with it (15.2). `switches`: those of its type that are on (15.4).
    """

    kind: str
    redaction: Redaction = field(default_factory=Redaction)
    pattern: str = ""
    groups: tuple[int, ...] = (0,)
    members: tuple[str, ...] = ()
    hide_inner: bool = False
    dry_run: bool = False
    switches: frozenset[str] = frozenset()

    @property
    def is_group(self) -> bool:
        return self.kind in _GROUP_TYPES


@dataclass(frozen=True, slots=True)
class Config:
    """A config as written: rules by id, and rule ids by selector. `dry_runs`: selectors whose rules are only tried."""

    rules: Mapping[str, RuleSpec] = field(default_factory=dict)
    applications: Mapping[Selector, tuple[str, ...]] = field(default_factory=dict)
    dry_runs: frozenset[Selector] = frozenset()


def read_config(pii_config: Mapping[str, object], *, further: bool = False) -> Config:
    """`further`: rule types beyond the reference may be named. Raises ConfigError with the member's path."""
    if not isinstance(pii_config, Mapping):
        raise ConfigError("must be an object")
    hash_key = _object(pii_config, "vars", "vars").get("hashKey")
    if hash_key is not None and not isinstance(hash_key, str):
        raise ConfigError("must be text", path="vars.hashKey")
    types = _DETECTOR_TYPES.union(FAMILIES) if further else _DETECTOR_TYPES
    rules = {name: _rule(spec, f"rules.{name}", types) for name, spec in _object(pii_config, "rules", "rules").items()}
    applications: dict[Selector, tuple[str, ...]] = {}
    dry_runs = set()
    for text, ids in _object(pii_config, "applications", "applications").items():
        path = f"applications.{text}"
        try:
            selector = parse_selector(text)
        except SelectorError as error:
            raise ConfigError(str(error), path=path) from None
        except RecursionError:
            raise ConfigError("selector is nested too deeply", path=path) from None
        if isinstance(ids, Mapping):
            # Ours: `{"rules": […], "dry_run": true}`.
            if _flag(ids, "dry_run", path):
                dry_runs.add(selector)
            ids = ids.get("rules")
        applications[selector] = _texts(ids, path)
    return Config(rules, applications, frozenset(dry_runs))


def _object(parent: Mapping[str, object], member: str, path: str) -> Mapping[str, object]:
    value = parent.get(member, {})
    if not isinstance(value, Mapping):
        raise ConfigError("must be an object", path=path)
    return cast("Mapping[str, object]", value)


def _texts(value: object, path: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, str) for entry in value):
        raise ConfigError("must be an array of texts", path=path)
    return tuple(value)


def _text(spec: Mapping[str, object], member: str, path: str) -> str:
    value = spec.get(member)
    if not isinstance(value, str):
        raise ConfigError("must be text", path=f"{path}.{member}")
    return value


def _flag(spec: Mapping[str, object], member: str, path: str) -> bool:
    value = spec.get(member, False)
    if not isinstance(value, bool):
        raise ConfigError("must be true or false", path=f"{path}.{member}")
    return value


def _rule(spec: object, path: str, types: frozenset[str]) -> RuleSpec:
    if not isinstance(spec, Mapping):
        raise ConfigError("must be an object", path=path)
    return replace(_typed_rule(spec, path, types), dry_run=_flag(spec, "dry_run", path))


def _typed_rule(spec: Mapping[str, object], path: str, types: frozenset[str]) -> RuleSpec:
    kind = _text(spec, "type", path)
    redaction = _redaction(spec["redaction"], f"{path}.redaction") if "redaction" in spec else Redaction()
    if kind in types:
        switches = frozenset(name for name in SWITCHES.get(kind, ()) if _flag(spec, name, path))
        return RuleSpec(kind, redaction, switches=switches)
    if kind == "pattern":
        return RuleSpec(kind, redaction, _text(spec, "pattern", path), _groups(spec, path))
    if kind in {"redact_pair", "redactPair"}:
        return RuleSpec("redact_pair", redaction, _text(spec, "keyPattern", path))
    if kind in _GROUP_TYPES:
        hide = _flag(spec, "hideInner", path)
        members = _texts(spec.get("rules"), f"{path}.rules") if kind == "multiple" else (_text(spec, "rule", path),)
        return RuleSpec(kind, redaction, members=members, hide_inner=hide)
    known = sorted((*types, *_GROUP_TYPES, "pattern", "redact_pair"))
    near = nearest_word(kind, known)
    raise ConfigError(f"unknown rule type {kind!r}", path=f"{path}.type", accepted=", ".join(known), near=near)


def _redaction(value: object, path: str) -> Redaction:
    if not isinstance(value, Mapping):
        raise ConfigError("must be an object with a method", path=path)
    method = _text(value, "method", path)
    if method == "replace" and "text" in value:
        return Redaction(method, _text(value, "text", path))
    if method == "pseudonym":
        return Redaction(method, form=_form(value, path))
    return Redaction(method)


def _form(value: Mapping[str, object], path: str) -> Form:
    prefix = _text(value, "prefix", path) if "prefix" in value else USUAL_FORM.prefix
    length, scope = value.get("length", USUAL_FORM.length), value.get("scope", USUAL_FORM.scope)
    if type(length) is not int or length not in LENGTHS:
        raise ConfigError("bad length", path=f"{path}.length", accepted=f"{LENGTHS[0]} to {LENGTHS[-1]}")
    if scope not in SCOPES:
        raise ConfigError(f"unknown scope {scope!r}", path=f"{path}.scope", accepted=", ".join(SCOPES))
    return Form(prefix, length, scope)


def _groups(spec: Mapping[str, object], path: str) -> tuple[int, ...]:
    value = spec.get("replaceGroups")
    if value is None:
        return (0,)
    if not isinstance(value, (list, tuple)) or not all(type(group) is int and 0 <= group <= 255 for group in value):
        raise ConfigError("must be an array of integers from 0 to 255", path=f"{path}.replaceGroups")
    return tuple(sorted(set(value)))
