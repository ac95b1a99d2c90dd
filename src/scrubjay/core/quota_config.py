"""Quotas as they are written: from JSON to a `QuotaSet`.

Owns both forms: the reference's, of `config.quotas` and the global configuration (`decisions.md` 2.1, 2.2), and the extended one of
`config.scrubjay.quotas` (9.1). One broken quota disables nothing but itself and is named in a sentence.
Invariant: no configuration raises.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from scrubjay.categories import DataCategory
from scrubjay.core.conditions import Condition, compile_condition
from scrubjay.core.dimensions import REFERENCE_DIMENSIONS, is_dimension
from scrubjay.core.limits import KEY, METRIC_NAMESPACES, ORGANIZATION, PROJECT, wire_reason
from scrubjay.core.quota_set import QuotaSet
from scrubjay.core.quotas import Algorithm, Grouping, Quota
from scrubjay.core.subjects.names import ITEMS, missing_fields

_MAX_COUNT: Final = 2**63 - 1
"""A limit above it never rejects."""
_MAX_U64: Final = 2**64 - 1
_MAX_U32: Final = 2**32 - 1
_NEVER: Final = -1
"""The scope id of a quota that applies to nobody."""

_BYTES: Final = frozenset({DataCategory.ATTACHMENT, DataCategory.LOG_BYTE, DataCategory.TRACE_METRIC_BYTE})
_MILLISECONDS: Final = frozenset({DataCategory.PROFILE_DURATION, DataCategory.PROFILE_DURATION_UI})

_GLOBAL: Final = "global quotas"
_OURS: Final = "scrubjay.quotas"
"""Where a quota is written; in a sentence it is followed by the position."""

_EXTENDED: Final = {"algorithm": "fixed", "burst": None, "condition": None, "action": "drop"}
"""Members of the extended form, and the value that says nothing new."""
_ALGORITHMS: Final[dict[str, Algorithm]] = {"fixed": "fixed", "sliding": "sliding", "bucket": "bucket"}
_SAMPLE: Final = re.compile(r"sample:([0-9]+(?:\.[0-9]+)?)", re.ASCII)


def compile_quotas(
    configs: Sequence[object],
    extended: Sequence[object] = (),
    shared: Sequence[object] = (),
    *,
    quirks: bool = False,
) -> tuple[QuotaSet, list[str]]:
    """The quotas that can be applied, those of the global configuration (`shared`) first, and a sentence on each that cannot.

    `quirks`: see `QuotaSet`.
    """
    quotas: list[Quota] = []
    problems: list[str] = []
    for path, source in ((_GLOBAL, shared), ("quotas", configs), (_OURS, extended)):
        for position, config in enumerate(source):
            where = f"{path}[{position}]"
            try:
                quota = _compile(config, is_extended=path == _OURS, is_global=path == _GLOBAL, quirks=quirks)
            except ValueError as error:
                problems.append(f"{where}: {error}; this quota is not applied")
            else:
                quotas.append(quota)
                problems += (f"{where}: {problem}" for problem in _doubts(quota.condition))
    return QuotaSet(quotas, quirks=quirks), problems


def _doubts(condition: Condition | None) -> Sequence[str]:
    """What of a condition is skipped, cannot match or is always missing."""
    return () if condition is None else (*condition.problems, *missing_fields(condition.asked, ITEMS, "items"))


def _compile(config: object, *, is_extended: bool, is_global: bool, quirks: bool) -> Quota:
    if not isinstance(config, Mapping):
        raise ValueError("not an object")
    if not is_extended:
        for member, plain in _EXTENDED.items():
            if config.get(member) not in (None, plain):
                raise ValueError(f"`{member}` is only known in config.scrubjay.quotas")
    scope, is_known = _scope(config)
    scope_id = _scope_id(config)
    limit = _whole(config, "limit")
    algorithm = _algorithm(config)
    burst = _burst(config, algorithm)
    counts_down = bool(limit)
    quota = Quota(
        id=_text(config, "id") or "",
        scope=scope,
        categories=_categories(config.get("categories", [])),
        limit=limit if limit is None or limit <= _MAX_COUNT else None,
        window_s=_whole(config, "window") or 0,
        scope_id=scope_id if is_known or scope_id is None else _NEVER,
        reason=wire_reason(_text(config, "reasonCode") or ""),
        namespace=_text(config, "namespace"),
        # What refuses everything or nothing does so in any way of counting.
        algorithm=algorithm if counts_down else "fixed",
        burst=burst if counts_down else None,
        condition=_condition(config.get("condition"), quirks=quirks),
        grouping=_grouping(config.get("groupBy"), is_extended=is_extended),
        sampled_excess=_sampled_excess(config.get("action")),
        is_global=is_global,
    )
    _check(quota)
    return quota


def _check(quota: Quota) -> None:
    """Validity (`decisions.md` 2.2)."""
    if quota.namespace is not None and quota.namespace not in METRIC_NAMESPACES:
        raise ValueError(f"unknown namespace {quota.namespace!r}")
    if quota.categories and quota.categories <= {DataCategory.UNKNOWN}:
        raise ValueError("no known category")
    if not quota.is_plain and DataCategory.METRIC_BUCKET in quota.categories:
        raise ValueError("metric buckets all count alike, without `condition`, `groupBy` or `action`")
    if quota.limit == 0:
        return
    if not quota.categories:
        raise ValueError("without categories only a limit of 0 makes sense, as units differ")
    if len({_unit(category) for category in quota.categories if category is not DataCategory.UNKNOWN}) > 1:
        raise ValueError("its categories are counted in different units")
    if not quota.id:
        raise ValueError("`id` is missing")
    if not quota.window_s:
        raise ValueError("`window` is missing or 0")


def _unit(category: DataCategory) -> str:
    if category in _BYTES:
        return "bytes"
    return "milliseconds" if category in _MILLISECONDS else "items"


# Members of both forms


def _text(config: Mapping[str, Any], member: str) -> str | None:
    value = config.get(member)
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"`{member}` must be text")


def _whole(config: Mapping[str, Any], member: str, most: int = _MAX_U64) -> int | None:
    value = config.get(member)
    if value is None:
        return None
    if type(value) is int and 0 <= value <= most:
        return value
    raise ValueError(f"`{member}` must be a whole number, not negative")


def _categories(value: object) -> frozenset[DataCategory]:
    return frozenset(map(DataCategory.parse, _names(value, "categories")))


def _names(value: object, member: str) -> Sequence[str]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise ValueError(f"`{member}` must be a list of names")
    if not all(isinstance(name, str) for name in value):
        raise ValueError(f"`{member}` must be a list of names")
    return value


def _scope(config: Mapping[str, Any]) -> tuple[str, bool]:
    """The scope, and whether it is a known one: of any other name limits are told as those of the key."""
    scope = config.get("scope", ORGANIZATION)
    if not isinstance(scope, str):
        raise ValueError("`scope` must be text")
    is_known = scope in (ORGANIZATION, PROJECT, KEY)
    return scope if is_known else KEY, is_known


def _scope_id(config: Mapping[str, Any]) -> int | None:
    text = _text(config, "scopeId")
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else _NEVER


def _grouping(config: object, *, is_extended: bool) -> Grouping | None:
    if config is None:
        return None
    if not isinstance(config, Mapping):
        raise ValueError("`groupBy` must be an object")
    most = _whole(config, "maxCardinality", _MAX_U32)
    if most is None:
        raise ValueError("`groupBy.maxCardinality` is missing")
    names = tuple(dict.fromkeys(_names(config.get("dimensions"), "groupBy.dimensions")))
    if not names:
        raise ValueError("`groupBy` without dimensions")
    for name in names:
        if not is_dimension(name) or not (is_extended or name in REFERENCE_DIMENSIONS):
            raise ValueError(f"unknown dimension {name!r}")
    overflow = config.get("overflow")
    if overflow not in (None, "reject", "shared"):
        raise ValueError("`groupBy.overflow` must be `reject` or `shared`")
    if overflow == "shared" and not is_extended:
        raise ValueError("`groupBy.overflow` is only known in config.scrubjay.quotas")
    shares = is_extended and overflow != "reject"
    return Grouping(names, most, shares_overflow=shares, needs_all=not is_extended)


# Members of the extended form


def _algorithm(config: Mapping[str, Any]) -> Algorithm:
    name = _text(config, "algorithm") or "fixed"
    if name not in _ALGORITHMS:
        raise ValueError("`algorithm` must be `fixed`, `sliding` or `bucket`")
    return _ALGORITHMS[name]


def _burst(config: Mapping[str, Any], algorithm: Algorithm) -> int | None:
    burst = _whole(config, "burst", _MAX_COUNT)
    if burst == 0:
        raise ValueError("`burst` must be at least 1")
    if burst is not None and algorithm != "bucket":
        raise ValueError("`burst` is the depth of a bucket: it needs `algorithm: bucket`")
    return burst


def _condition(config: object, *, quirks: bool) -> Condition | None:
    if config is None:
        return None
    try:
        condition = compile_condition(config, quirks=quirks)
    except ValueError as error:
        raise ValueError(f"condition: {error}") from None
    if not condition.is_supported:
        raise ValueError("; ".join(condition.problems) or "condition: not supported")
    return condition


def _sampled_excess(action: object) -> float:
    if action in (None, "drop"):
        return 0
    if action == "observe":
        return 1
    rate = _SAMPLE.fullmatch(action) if isinstance(action, str) else None
    if rate is None or float(rate[1]) > 1:
        raise ValueError("`action` must be `drop`, `observe` or `sample:` with a rate from 0 to 1")
    return float(rate[1])
