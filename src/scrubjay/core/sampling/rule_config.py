"""`config.scrubjay.sampling` as it is written: a list of rules, checked member by member (`decisions.md` 5.9).

Raises `ConfigError` with the member's path for what cannot be honoured; what can be loaded but never acts is named in a sentence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from scrubjay.categories import DataCategory
from scrubjay.core.conditions import Condition, compile_condition
from scrubjay.core.sampling.rules import SAMPLED_AS, Decay, FirstN, Rate, Reservoir, Rule, Share
from scrubjay.core.sampling.times import unix_time
from scrubjay.core.subjects import Fields
from scrubjay.core.subjects.names import KINDS_OF, missing_fields
from scrubjay.errors import ConfigError

PATH: Final = "config.scrubjay.sampling"

_Members = Mapping[str, object]

_MEMBERS: Final = ("id", "applies", "condition", "rate", "decay", "firstN", "reservoir", "protect")
_CATEGORIES: Final = {category.wire: category for category in SAMPLED_AS.values()}
_FINGERPRINTED: Final = (DataCategory.ERROR, DataCategory.FEEDBACK, DataCategory.LOG_ITEM)
"""What is of a kind. Transactions and spans have to follow their trace, which counting would tear."""

_PREFIXES: Final = {
    DataCategory.ERROR: ("event.",),
    DataCategory.FEEDBACK: ("event.",),
    DataCategory.TRANSACTION: ("event.",),
    DataCategory.REPLAY: ("event.",),
    DataCategory.SESSION: ("event.",),
    DataCategory.SPAN: ("span.", "event."),
    DataCategory.LOG_ITEM: ("log.",),
}
"""Fields that a category has at all (`decisions.md` 6.3)."""

_MAX_COUNT: Final = 2**32 - 1


def load_rules(rules: Sequence[object]) -> tuple[list[Rule], list[str]]:
    """Rules in their order, and a sentence on each that will never act. Raises `ConfigError`."""
    problems: list[str] = []
    loaded: list[Rule] = []
    positions: dict[int, int] = {}
    for position, config in enumerate(rules):
        path = f"{PATH}[{position}]"
        rule = _rule(config, path)
        if rule.id in positions:
            place = f"{PATH}[{positions[rule.id]}]"
            raise ConfigError(f"{place} has this id too", path=f"{path}.id", accepted="an id of its own")
        positions[rule.id] = position
        acting, faults = _acting(rule)
        problems += [f"{PATH}: rule {rule.id} {fault}" for fault in faults]
        if acting.categories:
            loaded.append(acting)
    problems += _hidden(loaded)
    return loaded, problems


def _hidden(rules: Sequence[Rule]) -> Iterator[str]:
    """Of several rules for a category the first that takes all of it hides the others."""
    taken: dict[DataCategory, Rule] = {}
    for rule in rules:
        for category in sorted(rule.categories):
            if category in taken:
                first = taken[category]
                yield f"{PATH}: rule {rule.id} never decides on {category.wire}, rule {first.id} comes first"
            elif rule.condition is None and not isinstance(rule.share, Reservoir):
                taken[category] = rule


def _acting(rule: Rule) -> tuple[Rule, list[str]]:
    """The rule for the categories that its condition can match, and what is wrong with the condition.

    Names are judged by what is left to decide on: of the others is said already that they have no such fields.
    """
    condition = rule.condition
    if condition is None:
        return rule, []
    if not condition.is_supported:
        return replace(rule, categories=frozenset()), [f"is left out: {problem}" for problem in condition.problems]
    faults = [f"may not match: {problem}" for problem in condition.problems]
    # What is asked of the elements of an array does not count: they are there if the array is.
    names = sorted({asked.name for asked in condition.asked if asked.within is None})
    acting = set(rule.categories)
    if names and not condition.matches(Fields(None)):
        for category in sorted(rule.categories):
            known = _PREFIXES.get(category, ())
            if not any(name.startswith(known) for name in names):
                acting.remove(category)
                fields = " or ".join(f"`{prefix}…`" for prefix in known) or "no fields"
                faults.append(
                    f"never decides on {category.wire}: it has {fields}, and the condition asks for {', '.join(names)}"
                )
    if acting:
        faults += _doubts(condition, acting)
    return replace(rule, categories=frozenset(acting)), faults


def _doubts(condition: Condition, categories: Collection[DataCategory]) -> Iterator[str]:
    """Fields that nothing of these categories has."""
    types = [item_type for item_type, category in SAMPLED_AS.items() if category in categories]
    kinds = tuple(dict.fromkeys(kind for item_type in types for kind in KINDS_OF.get(item_type, ())))
    seen = " or ".join(category.wire for category in sorted(categories))
    return (f"asks in vain: {problem}" for problem in missing_fields(condition.asked, kinds, seen))


def _rule(rule: object, path: str) -> Rule:
    if not isinstance(rule, Mapping):
        raise ConfigError("a rule must be an object", path=path)
    for member in rule:
        if member not in _MEMBERS:
            raise ConfigError(f"`{member}` is not known", path=f"{path}.{member}", accepted=", ".join(_MEMBERS))
    rule_id, protects = rule.get("id"), rule.get("protect", True)
    if type(rule_id) is not int or not 0 <= rule_id < 2**32:
        raise ConfigError("an id is needed", path=f"{path}.id", accepted="a whole number, 3000 to 4999 by custom")
    if not isinstance(protects, bool):
        raise ConfigError(f"{protects!r} is neither true nor false", path=f"{path}.protect", accepted="true, false")
    categories = _categories(rule.get("applies"), f"{path}.applies")
    share = _share(rule, path)
    if isinstance(share, FirstN):
        for category in sorted(categories.difference(_FINGERPRINTED)):
            raise ConfigError(
                f"{category.wire} has no fingerprint to count by",
                path=f"{path}.applies",
                accepted=", ".join(category.wire for category in _FINGERPRINTED),
            )
    return Rule(rule_id, categories, share, _condition(rule, path), protects)


def _categories(names: object, path: str) -> frozenset[DataCategory]:
    if not isinstance(names, (list, tuple)) or not names:
        raise ConfigError("a list of categories is needed", path=path, accepted=", ".join(_CATEGORIES))
    for name in names:
        if not isinstance(name, str) or name not in _CATEGORIES:
            raise ConfigError(f"{name!r} cannot be sampled", path=path, accepted=", ".join(_CATEGORIES))
    return frozenset(_CATEGORIES[name] for name in names)


def _condition(rule: _Members, path: str) -> Condition | None:
    if "condition" not in rule:
        return None
    try:
        return compile_condition(rule["condition"])
    except ValueError as error:
        raise ConfigError(str(error), path=f"{path}.condition") from None


def _share(rule: _Members, path: str) -> Share:
    given = [member for member in ("rate", "firstN", "reservoir") if member in rule]
    if len(given) != 1:
        what = "none is given" if not given else f"{' and '.join(given)} exclude each other"
        raise ConfigError(
            f"what is kept is unclear: {what}", path=f"{path}.rate", accepted="one of rate, firstN, reservoir"
        )
    (member,) = given
    if "decay" in rule and member != "rate":
        raise ConfigError(
            f"`decay` goes with `rate`, not with `{member}`", path=f"{path}.decay", accepted="a rule with rate"
        )
    if member == "firstN":
        return _first_n(rule[member], f"{path}.firstN")
    if member == "reservoir":
        return _reservoir(rule[member], f"{path}.reservoir")
    rate = _rate(rule, "rate", path)
    return _decay(rate, rule["decay"], f"{path}.decay") if "decay" in rule else Rate(rate)


def _first_n(config: object, path: str) -> FirstN:
    members = _object(config, ("n", "window", "then", "newPerWindow", "scope"), path)
    if members.get("scope", "worker") == "host":
        raise ConfigError("counting for the whole host is not available yet", path=f"{path}.scope", accepted="worker")
    if members.get("scope", "worker") != "worker":
        raise ConfigError(f"{members['scope']!r} is not known", path=f"{path}.scope", accepted="worker")
    cap = _count(members, "newPerWindow", path) if "newPerWindow" in members else None
    return FirstN(_count(members, "n", path), _count(members, "window", path), _rate(members, "then", path), cap)


def _reservoir(config: object, path: str) -> Reservoir:
    members = _object(config, ("size", "window"), path)
    return Reservoir(_count(members, "size", path), _count(members, "window", path))


def _decay(rate: float, config: object, path: str) -> Decay:
    members = _object(config, ("type", "halfLife", "floor", "start"), path)
    if members.get("type") != "exponential":
        raise ConfigError(f"{members.get('type')!r} is not known", path=f"{path}.type", accepted="exponential")
    half_life = members.get("halfLife")
    if isinstance(half_life, bool) or not isinstance(half_life, (int, float)) or not 1 <= half_life <= _MAX_COUNT:
        raise ConfigError("a half-life is needed", path=f"{path}.halfLife", accepted="seconds, 1 or more")
    floor = _rate(members, "floor", path) if "floor" in members else 0.0
    if floor > rate:
        raise ConfigError(f"{floor:g} is above the rate", path=f"{path}.floor", accepted=f"a number from 0 to {rate:g}")
    return Decay(rate, float(half_life), _time(members.get("start"), f"{path}.start"), floor)


def _time(text: object, path: str) -> float:
    try:
        return unix_time(text)
    except ValueError as error:
        raise ConfigError(str(error), path=path, accepted='a time such as "2026-03-01T00:00:00Z"') from None


def _object(config: object, known: Sequence[str], path: str) -> _Members:
    if not isinstance(config, Mapping):
        raise ConfigError("an object is needed", path=path, accepted=", ".join(known))
    for member in config:
        if member not in known:
            raise ConfigError(f"`{member}` is not known", path=f"{path}.{member}", accepted=", ".join(known))
    return config


def _rate(members: _Members, name: str, path: str) -> float:
    value = members.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ConfigError("a rate is needed", path=f"{path}.{name}", accepted="a number from 0 to 1")
    return float(value)


def _count(members: _Members, name: str, path: str) -> int:
    value = members.get(name)
    if type(value) is not int or not 1 <= value <= _MAX_COUNT:
        raise ConfigError("a count is needed", path=f"{path}.{name}", accepted="a whole number, 1 or more")
    return value
