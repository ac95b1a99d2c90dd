"""What a client gives to a tool, read into what is asked of the store (`capture.md` 14).

Owns checking. What filters mean is `filters`' and `query`'s business. Whatever is wrong is a `BadQuery`, whose text the model gets to read: it
says what would do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scrubjay.core.capture.filters import Condition, condition, files
from scrubjay.core.capture.mcp.tools import DEFAULT_SHOWN, MAX_OFFSET, MAX_SHOWN, MAX_TRACES, MAX_WINDOW_S
from scrubjay.core.capture.query import parse_query
from scrubjay.core.capture.reading import Json, get, text
from scrubjay.core.capture.values import BadQuery, nearest

if TYPE_CHECKING:
    from scrubjay.core.capture.store import Found

_FILE_ATTRIBUTES: Final = ("code.file.path", "code.filepath", "code.file")
_FILTERS: Final = ("timeWindow", "filename", "limit", "offset")


@dataclass(frozen=True, slots=True)
class Search:
    """Which records, and which of them to show."""

    conditions: tuple[Condition, ...]
    limit: int
    offset: int

    @property
    def looks_inside(self) -> bool:
        return any(one.cost for one in self.conditions)

    @property
    def needs_reports(self) -> bool:
        return any(one.needs_reports for one in self.conditions)

    def matches(self, found: Found) -> bool:
        return all(one.test(found) for one in self.conditions)


def of_kind(arguments: Json, kind: str, now_unix: float) -> Search:
    """For `search_errors`, `search_logs` and `search_traces`; `kind` is a type of records, empty: any. Raises `BadQuery`."""
    _known(arguments, ("filters",), "")
    given = arguments.get("filters")
    filters = {} if given is None else given
    if not isinstance(filters, Mapping):
        raise BadQuery('filters: an object is wanted, such as {"timeWindow": 300}')
    _known(filters, _FILTERS, "filters.")
    params = [("type", kind)] if kind else []
    window_s = filters.get("timeWindow")
    if window_s is not None:
        params.append(("since", f"{_number(window_s, 'filters.timeWindow', 0.001, MAX_WINDOW_S):.3f}s"))
    conditions = list(parse_query(params, now_unix=now_unix).conditions)
    if filters.get("filename") is not None:
        name = _text(filters, "filename", "filters.").replace("\\", "/")
        conditions += condition("file", [f"\\{name}"], _named_files)
    most = MAX_SHOWN if kind else MAX_TRACES
    return Search(tuple(sorted(conditions, key=lambda one: one.cost)), *_page(filters, "filters.", most))


def of_text(arguments: Json, now_unix: float) -> Search:
    """For `search`. Raises `BadQuery`."""
    _known(arguments, ("query", "limit", "offset"), "")
    query = parse_query([("q", _text(arguments, "query"))], now_unix=now_unix)
    return Search(query.conditions, *_page(arguments, "", MAX_SHOWN))


def the_one(arguments: Json, name: str) -> str:
    """For tools that take one text and nothing else. Raises `BadQuery`."""
    _known(arguments, (name,), "")
    return _text(arguments, name).strip()


def _named_files(found: Found) -> Iterator[str]:
    """Of stack traces, and where a line of a log was written."""
    yield from files(found)
    attributes = get(found.document(), "attributes")
    for name in _FILE_ATTRIBUTES:
        if path := text(get(attributes, name, "value")):
            yield path.replace("\\", "/")


def _page(given: Json, where: str, most: int) -> tuple[int, int]:
    """Limit and offset."""
    limit, offset = given.get("limit"), given.get("offset")
    return (
        min(most, DEFAULT_SHOWN) if limit is None else _whole(limit, f"{where}limit", 1, most),
        0 if offset is None else _whole(offset, f"{where}offset", 0, MAX_OFFSET),
    )


def _known(given: Json, accepted: Iterable[str], where: str) -> None:
    accepted = tuple(accepted)
    for name in given:
        if name not in accepted:
            raise BadQuery(f"unknown argument {where}{name[:80]}{nearest(name, accepted)}")


def _text(given: Json, name: str, where: str = "") -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise BadQuery(f"{where}{name}: a text is wanted")
    return value


def _whole(value: object, name: str, least: int, most: int) -> int:
    number = _number(value, name, least, most)
    if number != int(number):
        raise BadQuery(f"{name}: a whole number is wanted")
    return int(number)


def _number(value: object, name: str, least: float, most: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise BadQuery(f"{name}: a number from {least:g} to {most} is wanted")
    return value
