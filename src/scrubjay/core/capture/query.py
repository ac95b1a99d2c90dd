"""Which records: the parameters of a request to the capture API (`capture.md` 9.2, 9.3).

Owns reading parameters into a `Query`. What each filter means is `filters`' business, the search box `search`'s, making the answer
`select`'s. An unknown parameter or value is an error that names the nearest valid one, so that a typing error cannot make somebody's
test pass. Regular expressions, lengths and numbers of parameters are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from scrubjay.core.capture.filters import FILTERS, OPEN_NAMES, Condition, comparison, condition, files, filter_named
from scrubjay.core.capture.moments import TIMES, moment
from scrubjay.core.capture.search import search
from scrubjay.core.capture.shaping import Field, parse_fields
from scrubjay.core.capture.values import BadQuery, nearest

if TYPE_CHECKING:
    from scrubjay.core.capture.store import Found

__all__ = ["BadQuery", "Query", "parse_query"]

MAX_LIMIT: Final = 500
DEFAULT_LIMIT: Final = 50
MAX_TIMEOUT_S: Final = 60.0
MAX_SETTLE_S: Final = 10.0
MAX_PARAMETERS: Final = 100

PAGING: Final = ("limit", "cursor", "order", "fields")
WAITING: Final = ("count", "timeout", "settle", "exactly", "limit", "order", "fields")
OPTIONS: Final = {
    "limit": f"records in one answer, {DEFAULT_LIMIT} by default, {MAX_LIMIT} at most",
    "cursor": "the `cursor` of the answer before: what comes after it in the list",
    "order": "`desc` (newest first) or `asc`",
    "fields": "comma-separated: keys of a record, `tags.NAME`, or JSON Pointers into the payload; the id is always there",
    "count": "how many records have to match, 1 by default",
    "timeout": f"seconds, 5 by default, {MAX_TIMEOUT_S:g} at most",
    "settle": f"milliseconds without a further match after the count is reached, {MAX_SETTLE_S * 1000:g} at most",
    "exactly": "`1`: more than `count` is a failure",
}
_COMPARED: Final = re.compile(r"([A-Za-z_.]+)(>=|<=|>|<)(.*)", re.DOTALL)
_TRUE: Final = ("1", "true", "yes")
_FALSE: Final = ("0", "false", "no", "")


@dataclass(frozen=True, slots=True)
class Query:
    """All conditions have to hold; those that are cheap to ask come first. `also`: what the caller alone understands."""

    conditions: tuple[Condition, ...] = ()
    limit: int = DEFAULT_LIMIT
    cursor: str = ""
    order: Literal["desc", "asc"] = "desc"
    fields: tuple[Field, ...] = ()
    count: int = 1
    timeout_s: float = 5.0
    settle_s: float = 0.0
    exactly: bool = False
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs_reports(self) -> bool:
        """What is asked is only known once scrubbing was looked into: await `examined()` first."""
        return any(one.needs_reports for one in self.conditions)

    @property
    def looks_inside(self) -> bool:
        """Payloads have to be decoded to answer."""
        return any(one.cost for one in self.conditions) or any(one.pointer is not None for one in self.fields)

    def matches(self, found: Found) -> bool:
        return all(one.test(found) for one in self.conditions)


def parse_query(params: Sequence[tuple[str, str]], *, now_unix: float, also: Iterable[str] = ()) -> Query:
    """`also`: parameters beside the filters, those of `OPTIONS` among them. Raises `BadQuery`."""
    also = tuple(also)
    if len(params) > MAX_PARAMETERS:
        raise BadQuery(f"at most {MAX_PARAMETERS} parameters")
    conditions: list[Condition] = []
    valued: dict[str, list[str]] = {}
    options: dict[str, str] = {}
    for name, value in params:
        if name in also:
            options[name] = value
        elif name in TIMES:
            conditions += [moment(name, value, now_unix)] if value else []
        elif name == "q":
            conditions += search(value, now_unix)
        elif compared := None if name.startswith(("path:/", "tag.")) else _COMPARED.fullmatch(_whole(name, value)):
            conditions.append(comparison(compared[1], compared[2], compared[3]))
        elif name in FILTERS or name.startswith(("tag.", "user.", "path:/")):
            filter_named(name)
            valued.setdefault(name, []).append(value)
        else:
            raise BadQuery(f"unknown parameter {name[:80]!r}{nearest(name, names(also))}")
    conditions += _valued(valued)
    return Query(
        conditions=tuple(sorted(conditions, key=lambda one: one.cost)),
        limit=int(_number(options, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)),
        cursor=options.get("cursor", "").lower(),
        order="asc" if _one_of(options, "order", ("desc", "asc"), ("",)) == "asc" else "desc",
        fields=parse_fields(options.get("fields", "")),
        count=int(_number(options, "count", 1, 0, 1_000_000)),
        timeout_s=_number(options, "timeout", 5.0, 0, MAX_TIMEOUT_S),
        settle_s=_number(options, "settle", 0.0, 0, MAX_SETTLE_S * 1000) / 1000,
        exactly=_one_of(options, "exactly", _TRUE, _FALSE) in _TRUE,
        also={name: value for name, value in options.items() if name not in OPTIONS},
    )


def names(also: Iterable[str] = ()) -> tuple[str, ...]:
    """Everything that may be asked."""
    return (*FILTERS, *OPEN_NAMES, *TIMES, "q", *also)


def _whole(name: str, value: str) -> str:
    """`level>=warning` arrives as the parameter `level>` of the value `warning`, `duration>5s` as a parameter without one."""
    return f"{name}={value}" if name.endswith((">", "<")) else name if not value else ""


def _valued(valued: dict[str, list[str]]) -> list[Condition]:
    """`file` and `in_app` speak of the same frame."""
    found = [one for name, values in valued.items() for one in condition(name, values)]
    in_app = [one for one in found if one.name == "in_app"]
    if not ("file" in valued and len(in_app) == 1 and in_app[0].shown in ("in_app=true", "in_app=false")):
        return found
    wanted = in_app[0].shown == "in_app=true"
    of_frame = condition("file", valued["file"], partial(files, in_app=wanted))
    return [one for one in found if one.name not in ("file", "in_app")] + of_frame


def _one_of(options: Mapping[str, str], name: str, accepted: tuple[str, ...], default: tuple[str, ...]) -> str:
    value = options.get(name, "").lower()
    if value not in accepted and value not in default:
        raise BadQuery(f"{name}: {value[:80]!r} is none of {', '.join(accepted)}")
    return value


def _number(options: Mapping[str, str], name: str, default: float, lowest: float, highest: float) -> float:
    text = options.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not lowest <= value <= highest:
        raise BadQuery(f"{name}: {text[:80]!r} is no number from {lowest:g} to {highest:g}")
    return value
