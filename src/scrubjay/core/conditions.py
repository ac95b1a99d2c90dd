"""Rule conditions: predicates over what an item says of itself (`decisions.md` 6).

Owns the grammar and how values are compared. What a name stands for in an item is the business of the `Subject` (`subjects`). A
condition that the reference would not understand is *unsupported*: it never matches, and whoever uses it decides what follows
(`decisions.md` 5.2, 7.2). Invariant: a compiled condition answers for whatever a subject holds, and never raises.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, Protocol

from scrubjay.core.globs import compile_glob
from scrubjay.core.networks import Address, compile_networks, parse_address
from scrubjay.core.releases import parse_release

CLIENT_IP: Final = "envelope.client_ip"
"""The one field that does not stand in an item's payload."""

_MAX_DEPTH: Final = 100
"""Conditions within conditions. The reference gives up at about as many."""


class HexId(str):
    """An id of hexadecimal digits, lower case, without dashes: texts equal it in any case."""

    __slots__ = ()


Value = str | HexId | bool | int | float | Address | None
"""What a field holds; None: it is missing."""


class Subject(Protocol):
    """What a condition is held against: an item, a record of a container, a trace, or one element of an array."""

    @property
    def is_broken(self) -> bool:
        """Its fields stand in something that cannot be read."""
        ...

    def value(self, name: str) -> Value:
        """What stands under a full name (`event.release`); None if it is missing or the prefix is another's."""
        ...

    def elements(self, name: str) -> Sequence[Subject] | None:
        """The members of an array field (`event.exception.values`); None if it is missing or no array."""
        ...


Predicate = Callable[[Subject], bool]
Config = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """A name that a condition asks for. `is_list`: as that of an array; `within`: of the elements of that array."""

    name: str
    is_list: bool = False
    within: str | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """`matches` never raises; what could not be read does not match, not even `not`.

    `problems`: parts that are skipped or cannot match, a sentence each. `asked`: each name once, in the order of writing; whether
    anything has a field of that name is no matter of the grammar (`subjects.names`).
    """

    matches: Predicate
    is_supported: bool = True
    problems: tuple[str, ...] = ()
    asked: tuple[Asked, ...] = ()


def compile_condition(config: object, *, quirks: bool = False) -> Condition:
    """Raises `ValueError` for what the reference could not parse either: no `op`, a missing member, a wrong type.

    `quirks`: globs are read with the reference's mistakes (`decisions.md` 12, Q7).
    """
    findings = _Findings(quirks)
    predicate = _compile(config, findings, 0)
    reads = any(asked.name != CLIENT_IP for asked in findings.asked)
    matches = _readable(predicate) if reads else predicate
    return Condition(matches, findings.is_supported, tuple(findings.problems), tuple(findings.asked))


@dataclass(slots=True)
class _Findings:
    """What was found in a condition and all that is inside it."""

    quirks: bool
    is_supported: bool = True
    problems: list[str] = field(default_factory=list)
    asked: dict[Asked, None] = field(default_factory=dict)
    within: str | None = None

    def name_in(self, config: Config, *, is_list: bool = False) -> str:
        """The field that a condition is about."""
        name = _text(config, "name")
        self.asked[Asked(name, is_list, self.within)] = None
        return name

    def unsupported(self, why: str) -> Predicate:
        self.is_supported = False
        self.problems.append(f"{why}; this condition never matches")
        return _never


def _compile(config: object, findings: _Findings, depth: int) -> Predicate:
    if not isinstance(config, Mapping):
        raise ValueError("a condition must be an object")
    if depth > _MAX_DEPTH:
        raise ValueError("conditions are nested too deeply")
    op = _text(config, "op")
    if op in ("and", "or"):
        inner = [_compile(part, findings, depth + 1) for part in _list(config, "inner")]
        return _all_of(inner) if op == "and" else _any_of(inner)
    if op == "not":
        return _not(_compile(_member(config, "inner"), findings, depth + 1))
    if op in ("any", "all"):
        name, outside = findings.name_in(config, is_list=True), findings.within
        findings.within = name
        each = _compile(_member(config, "inner"), findings, depth + 1)
        findings.within = outside
        return _any_element(name, each) if op == "any" else _all_elements(name, each)
    leaf = _LEAVES.get(op)
    return findings.unsupported(f"`{op[:80]}` is no known operator") if leaf is None else leaf(config, findings)


def _eq(config: Config, findings: _Findings) -> Predicate:
    name, wanted, ignores_case = findings.name_in(config), _member(config, "value"), _ignores_case(config)
    if wanted is None:
        return lambda subject: subject.value(name) is None
    if isinstance(wanted, bool):
        return lambda subject: subject.value(name) is wanted
    if isinstance(wanted, str):
        return _equals_text(name, wanted, ignores_case)
    if isinstance(wanted, Sequence):
        texts = [text for text in wanted if isinstance(text, str)]
        if len(texts) < len(wanted):
            findings.problems.append(f"`eq` on {name}: in a list only texts count; the rest is skipped")
        return _equals_any(name, texts, ignores_case)
    if isinstance(wanted, Mapping):
        findings.problems.append(f"`eq` on {name} with an object never matches")
    else:
        findings.problems.append(f"`eq` on {name} with a number never matches; use `gte` and `lte`")
    return _never


def _ignores_case(config: Config) -> bool:
    options = config.get("options", {})
    if not isinstance(options, Mapping):
        raise ValueError("`options` must be an object")
    ignores_case = options.get("ignoreCase", False)
    if not isinstance(ignores_case, bool):
        raise ValueError("`ignoreCase` must be true or false")
    return ignores_case


def _compare(config: Config, findings: _Findings) -> Predicate:
    name, wanted, holds = findings.name_in(config), _member(config, "value"), _ORDERS[_text(config, "op")]
    if isinstance(wanted, str):
        return _compares_text(name, wanted, holds)
    number = _number(wanted)
    if number is None:
        findings.problems.append(f"{name} can only be compared with a number or a text; this condition never matches")
        return _never
    return _compares_number(name, number, holds)


def _glob(config: Config, findings: _Findings) -> Predicate:
    name = findings.name_in(config)
    matcher = compile_glob(_texts(config, "value"), findings.problems, quirks=findings.quirks)

    def matches(subject: Subject) -> bool:
        value = subject.value(name)
        return isinstance(value, str) and not isinstance(value, HexId) and matcher(value)

    return matches


def _cidr(config: Config, findings: _Findings) -> Predicate:
    name = findings.name_in(config)
    holds = compile_networks(_texts(config, "value"), findings.problems)

    def matches(subject: Subject) -> bool:
        value = subject.value(name)
        address = parse_address(value) if isinstance(value, str) else value
        return isinstance(address, (IPv4Address, IPv6Address)) and holds(address)

    return matches


def _release(config: Config, findings: _Findings) -> Predicate:
    name, comparator, value = findings.name_in(config), _text(config, "comparator"), _text(config, "value")
    holds, wanted = _COMPARATORS.get(comparator), parse_release(value)
    if holds is None:
        return findings.unsupported(f"`{comparator[:80]}` is no way to compare releases")
    if wanted is None or wanted.version is None:
        return findings.unsupported(f"{value[:80]!r} has no version that releases could be compared with")
    package, precedence = wanted.package, wanted.version.precedence

    def matches(subject: Subject) -> bool:
        text = subject.value(name)
        release = parse_release(text) if isinstance(text, str) else None
        if release is None or release.version is None or package not in (None, release.package):
            return False
        return holds(release.version.precedence, precedence)

    return matches


Order = Callable[[Any, Any], bool]
_ORDERS: Final[dict[str, Order]] = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
_COMPARATORS: Final[dict[str, Order]] = {**_ORDERS, "eq": operator.eq}

_LEAVES: Final[dict[str, Callable[[Config, _Findings], Predicate]]] = {
    "eq": _eq,
    **dict.fromkeys(_ORDERS, _compare),
    "glob": _glob,
    "cidr": _cidr,
    "release": _release,
}

OPERATORS: Final = (*_LEAVES, "and", "or", "not", "any", "all")
COMPARATORS: Final = tuple(_COMPARATORS)
"""How `release` compares."""


# Predicates


def _readable(predicate: Predicate) -> Predicate:
    return lambda subject: predicate(subject) and not subject.is_broken


def _never(_subject: Subject) -> bool:
    return False


def _not(inner: Predicate) -> Predicate:
    return lambda subject: not inner(subject)


def _all_of(inner: Sequence[Predicate]) -> Predicate:
    def matches(subject: Subject) -> bool:
        for predicate in inner:  # noqa: SIM110 - generators cost more than what they ask
            if not predicate(subject):
                return False
        return True

    return matches


def _any_of(inner: Sequence[Predicate]) -> Predicate:
    def matches(subject: Subject) -> bool:
        for predicate in inner:  # noqa: SIM110
            if predicate(subject):
                return True
        return False

    return matches


def _any_element(name: str, inner: Predicate) -> Predicate:
    def matches(subject: Subject) -> bool:
        elements = subject.elements(name)
        return elements is not None and any(map(inner, elements))

    return matches


def _all_elements(name: str, inner: Predicate) -> Predicate:
    def matches(subject: Subject) -> bool:
        elements = subject.elements(name)
        return elements is not None and all(map(inner, elements))

    return matches


def _equals_text(name: str, wanted: str, ignores_case: bool) -> Predicate:
    as_id, folded, address = wanted.lower(), wanted.casefold(), parse_address(wanted)

    def matches(subject: Subject) -> bool:
        value = subject.value(name)
        if isinstance(value, str):
            if isinstance(value, HexId):
                return value == as_id
            return value == wanted or (ignores_case and value.casefold() == folded)
        return address is not None and value == address

    return matches


def _equals_any(name: str, wanted: Sequence[str], ignores_case: bool) -> Predicate:
    any_of = frozenset(text.casefold() if ignores_case else text for text in wanted)

    def matches(subject: Subject) -> bool:
        value = subject.value(name)
        if not isinstance(value, str) or isinstance(value, HexId):
            return False
        return (value.casefold() if ignores_case else value) in any_of

    return matches


def _compares_text(name: str, wanted: str, holds: Order) -> Predicate:
    encoded = _utf8(wanted)

    def matches(subject: Subject) -> bool:
        value = subject.value(name)
        return isinstance(value, str) and not isinstance(value, HexId) and holds(_utf8(value), encoded)

    return matches


def _compares_number(name: str, wanted: int | float, holds: Order) -> Predicate:
    as_float = float(wanted)

    def matches(subject: Subject) -> bool:
        value = _number(subject.value(name))
        if value is None:
            return False
        if isinstance(value, int) and isinstance(wanted, int):
            return holds(value, wanted)
        return holds(float(value), as_float)

    return matches


def _number(value: object) -> int | float | None:
    """A number that fits; what is neither, or too large for the reference's types, is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if isinstance(value, float) or -(2**63) <= value < 2**64 else None


def _utf8(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


# Members


def _member(config: Config, name: str) -> object:
    if name not in config:
        raise ValueError(f"`{name}` is missing")
    return config[name]


def _text(config: Config, name: str) -> str:
    value = _member(config, name)
    if not isinstance(value, str):
        raise ValueError(f"`{name}` must be text")
    return value


def _list(config: Config, name: str) -> Sequence[object]:
    value = _member(config, name)
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f"`{name}` must be a list")
    return value


def _texts(config: Config, name: str) -> list[str]:
    texts = [text for text in _list(config, name) if isinstance(text, str)]
    if len(texts) < len(_list(config, name)):
        raise ValueError(f"`{name}` must be a list of texts")
    return texts
