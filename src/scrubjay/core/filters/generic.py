"""Filters with a condition, of the project and of all projects (`decisions.md` 7.2).

Owns how the two lists become one: the project's in their order, then those for all projects whose id the project does not have. A
project's filter without a condition borrows the one of the same id; one that is switched off hides it. A version that is not known
switches all of them off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from scrubjay import reasons
from scrubjay.core.conditions import Condition, Subject, compile_condition
from scrubjay.core.filters.facts import Facts
from scrubjay.core.filters.family import ALL, Family, Predicate, Rule, Source, Unusable
from scrubjay.core.subjects.names import ITEMS, missing_fields

_NAME: Final = "generic"
_PROJECT: Final = f"filterSettings.{_NAME}"
_EVERYWHERE: Final = "the global configuration's `filters`"
_NEWEST: Final = 1


@dataclass(frozen=True, slots=True)
class _Written:
    """A filter as it is written; not usable: it is enabled to nobody, but takes its id."""

    id: str
    where: str
    is_enabled: bool = False
    condition: object = None


def supports_sampling(settings: Mapping[str, object], everywhere: object = None) -> bool:
    """Whether both lists can be read; else transactions are not sampled by trace either, as in the reference."""
    return all(options is None or _is_known(options) for options in (settings.get(_NAME), everywhere))


def _is_known(options: object) -> bool:
    return isinstance(options, Mapping) and type(version := options.get("version")) is int and 0 <= version <= _NEWEST


def _compile(source: Source) -> Iterator[Rule]:
    project = _list_of(source.settings.get(_NAME), _PROJECT, source)
    everywhere = _list_of(source.everywhere, _EVERYWHERE, source)
    if project is None or everywhere is None:
        return
    common = {written.id: written for written in reversed(everywhere)}
    seen: set[str] = set()
    for written in (*project, *everywhere):
        if written.id in seen:
            continue
        seen.add(written.id)
        if not written.is_enabled:
            continue
        condition = written.condition
        if condition is None and written.id in common:
            condition = common[written.id].condition
        if condition is None:
            source.disable(written.where, "it has no condition")
            continue
        try:
            predicate = compile_predicate(condition, written.where, source)
        except Unusable as error:
            source.disable(written.where, error)
            continue
        yield Rule(written.id, reasons.filtered(written.id), ALL, predicate)


def compile_predicate(config: object, where: str, source: Source) -> Predicate:
    """A condition over the facts of an item. Raises `Unusable`."""
    try:
        condition: Condition = compile_condition(config, quirks=source.quirks)
    except ValueError as error:
        raise Unusable(f"its condition cannot be read: {error}") from None
    if not (condition.is_supported or source.quirks):
        raise Unusable("; ".join(condition.problems))
    source.tell(where, condition.problems)
    source.tell(where, missing_fields(condition.asked, ITEMS, "items"))
    return _over_facts(condition.matches)


def _over_facts(matches: Callable[[Subject], bool]) -> Predicate:
    def predicate(facts: Facts) -> bool:
        return matches(facts.subject)

    return predicate


def _list_of(options: object, where: str, source: Source) -> list[_Written] | None:
    """The filters of one list; None: a version that is not known. A list that cannot be read is none."""
    if options is None:
        return []
    if not isinstance(options, Mapping):
        source.disable(where, "it must be an object")
        return []
    version, filters = options.get("version"), options.get("filters", ())
    if type(version) is int and version > _NEWEST:
        source.problems.append(f"{where}: version {version} is not known, so no filter with a condition is run")
        return None
    if type(version) is not int or version < 0:
        source.disable(where, "`version` must be a number")
        return []
    if not isinstance(filters, (list, tuple)):
        source.disable(where, "`filters` must be a list")
        return []
    return list(_read(filters, where, source))


def _read(filters: Iterable[object], where: str, source: Source) -> Iterator[_Written]:
    for position, entry in enumerate(filters):
        place = f"{where}[{position}]"
        if not isinstance(entry, Mapping):
            source.disable(place, "it must be an object")
            continue
        filter_id, is_enabled = entry.get("id"), entry.get("isEnabled")
        if not isinstance(filter_id, str):
            source.disable(place, "`id` must be text")
            continue
        place = f"{place} `{filter_id[:80]}`"
        if isinstance(is_enabled, bool):
            yield _Written(filter_id, place, is_enabled, entry.get("condition"))
        else:
            source.disable(place, "`isEnabled` must be true or false")
            yield _Written(filter_id, place)


GENERIC: Final = Family(
    _NAME,
    "{version: 1, filters: [{id, isEnabled, condition}, …]}",
    "Each filter has a condition and is its own reason. Those of `global_config.json` follow; a project's filter "
    "without a condition borrows the one of the same id there, one that is switched off hides it.",
    ALL,
    None,
    _compile,
)
