"""The rules of trace sampling, in the reference's form (`config.sampling`; `decisions.md` 5.2, 5.3).

Owns their grammar and what one rule says at a time. Which rules are asked about an envelope, in which order, and what follows is
`dynamic`'s business. A block that the reference could not parse is no block; one that it would not understand switches sampling off.
Both mean that everything is kept, and are named as problems.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

from scrubjay.core.conditions import Subject, compile_condition
from scrubjay.core.sampling.times import unix_time
from scrubjay.core.subjects.names import EVENTS, TRACE, missing_fields

_PATH: Final = "config.sampling"
_LEGACY_VERSION, _VERSION = 1, 2
_SEEN: Final = {
    "transaction": ((EVENTS,), "transactions"),
    "project": ((TRACE,), "traces"),
    "trace": ((TRACE,), "traces"),
}
"""What the rules of each type look at."""
_TYPES: Final = tuple(_SEEN)
_VALUES: Final = ("sampleRate", "factor", "minimumSampleRate")
_CONSTANT: Final = {"type": "constant"}


@dataclass(frozen=True, slots=True)
class TraceRule:
    """`value` is a rate, a factor or a least rate, as `kind` says. `decays_to`: it falls evenly to this while the rule is in force."""

    id: int
    kind: str
    value: float
    matches: Callable[[Subject], bool]
    start_unix: float | None = None
    end_unix: float | None = None
    decays_to: float | None = None

    def value_at(self, now_unix: float) -> float | None:
        """None: the rule is not in force."""
        start, end = self.start_unix, self.end_unix
        if (start is not None and now_unix < start) or (end is not None and now_unix >= end):
            return None
        if self.decays_to is None or start is None or end is None:
            return self.value
        # Whole seconds; a time shorter than one has no middle.
        passed = int(now_unix - start) / max(1, int(end - start))
        return self.value + (self.decays_to - self.value) * min(passed, 1.0)


@dataclass(frozen=True, slots=True)
class DynamicSampling:
    """A project's rules, by whom they are asked about. One that is not supported has none, and forbids the other project's too."""

    transaction: tuple[TraceRule, ...] = ()
    project: tuple[TraceRule, ...] = ()
    trace: tuple[TraceRule, ...] = ()
    is_supported: bool = True

    def __bool__(self) -> bool:
        return bool(self.transaction or self.project or self.trace)

    def __repr__(self) -> str:
        if not self.is_supported:
            return "<DynamicSampling unsupported>"
        counts = ", ".join(f"{len(getattr(self, name))} {name}" for name in _TYPES)
        return f"<DynamicSampling {counts}>"


NO_RULES: Final = DynamicSampling()
"""Of a project that is known and samples nothing."""

UNSUPPORTED: Final = DynamicSampling(is_supported=False)
"""Of a project with something that this version may not understand rightly."""


def compile_dynamic(config: object, *, quirks: bool = False) -> tuple[DynamicSampling | None, list[str]]:
    """A project's rules, None if there are none, and a sentence on what is not applied. `quirks`: as of `compile_condition`."""
    if config is None:
        return None, []
    try:
        return _compile(config, quirks)
    except ValueError as error:
        return None, [f"{_PATH}: {error}; the rules are not applied, everything is kept"]


@dataclass(slots=True)
class _Findings:
    """What was found in the lists of rules. `unsupported`: what switches all of them off."""

    rules: dict[str, list[TraceRule]] = field(default_factory=lambda: {name: [] for name in _TYPES})
    problems: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)


def _compile(config: object, quirks: bool) -> tuple[DynamicSampling | None, list[str]]:
    if not isinstance(config, Mapping):
        raise ValueError("the rules must stand in an object")
    version = config.get("version", _LEGACY_VERSION)
    if type(version) is not int or not 0 <= version < 2**16:
        raise ValueError("`version` is no version")
    findings = _Findings()
    if version > _VERSION:
        findings.unsupported.append(f"version {version}")
    _read(config, "rules", quirks, findings)
    # The second list must be right in any case, and counts beside the first in the oldest form alone.
    _read(config, "rulesV2", quirks, findings if version == _LEGACY_VERSION else _Findings())
    problems = [f"{_PATH}.{problem}" for problem in findings.problems]
    if findings.unsupported:
        what = ", ".join(findings.unsupported)
        problems.append(f"{_PATH}: {what} not supported; one such switches all off, everything is kept")
        return UNSUPPORTED, problems
    transaction, project, trace = (tuple(findings.rules[name]) for name in _TYPES)
    rules = DynamicSampling(transaction, project, trace)
    return rules or None, problems


def _read(config: Mapping[Any, object], name: str, quirks: bool, findings: _Findings) -> None:
    rules = config.get(name, ())
    if not isinstance(rules, (list, tuple)):
        raise ValueError(f"{name} is no list")
    for position, rule in enumerate(rules):
        _add(rule, f"{name}[{position}]", quirks, findings)


def _add(rule: object, path: str, quirks: bool, findings: _Findings) -> None:
    if not isinstance(rule, Mapping):
        raise ValueError(f"{path} is no object")
    rule_id, rule_type, times = rule.get("id"), rule.get("type"), rule.get("timeRange", {})
    if type(rule_id) is not int or not 0 <= rule_id < 2**32:
        raise ValueError(f"{path}.id is no whole number of 32 bits")
    if not isinstance(rule_type, str):
        raise ValueError(f"{path}.type is missing or no text")
    if not isinstance(times, Mapping):
        raise ValueError(f"{path}.timeRange is no object")
    kind, sampling_value = _choice(rule.get("samplingValue"), _VALUES, f"{path}.samplingValue")
    value = _number(sampling_value.get("value"), f"{path}.samplingValue.value")
    start, end = (_time(times.get(name), f"{path}.timeRange.{name}") for name in ("start", "end"))
    decay, function = _choice(rule.get("decayingFn", _CONSTANT), ("constant", "linear"), f"{path}.decayingFn")
    decays_to = _number(function.get("decayedValue"), f"{path}.decayingFn.decayedValue") if decay == "linear" else None
    try:
        condition = compile_condition(rule.get("condition"), quirks=quirks)
    except ValueError as error:
        raise ValueError(f"{path}.condition: {error}") from None
    findings.problems += [f"{path}: {problem}" for problem in condition.problems]
    if rule_type in _SEEN:
        kinds, seen = _SEEN[rule_type]
        findings.problems += [f"{path}: {problem}" for problem in missing_fields(condition.asked, kinds, seen)]
    if rule_type not in _TYPES or not condition.is_supported:
        findings.unsupported.append(path)
    elif decays_to is not None and (start is None or end is None or value < decays_to):
        findings.problems.append(f"{path}: it never applies, since it has no whole time to decay in, or grows")
    else:
        compiled = TraceRule(rule_id, kind, value, condition.matches, start, end, decays_to)
        findings.rules[rule_type].append(compiled)


def _choice(value: object, names: Sequence[str], path: str) -> tuple[str, Mapping[str, object]]:
    """A member of which `type` says what it is, and that type."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{path} is missing or no object")
    name = value.get("type")
    if not isinstance(name, str) or name not in names:
        raise ValueError(f"{path}.type is not one of {', '.join(names)}")
    return name, value


def _number(value: object, path: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if isfinite(number):
            return number
    raise ValueError(f"{path} is missing or no number")


def _time(value: object, path: str) -> float | None:
    try:
        return None if value is None else unix_time(value)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
