"""Filters as Python writes them, and as the capture API takes them (`capture.md` 9.2).

What a filter means, and whether there is such a one, is the server's business: a name that it does not know is an error that names the
nearest one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

Value = str | int | float | bool
FilterValue = Value | Iterable[Value] | Mapping[str, Value]
"""A value, alternatives, or for `tags`, `user` and `path` an object of names and values that all have to hold."""

_PREFIXES: Final = {"tags": "tag.", "tag": "tag.", "user": "user.", "path": "path:"}


def parameters(filters: Mapping[str, FilterValue]) -> list[tuple[str, str]]:
    """`type="error", tags={"area": "cart"}` → `type=error`, `tag.area=cart`. Raises `TypeError` for what is no value."""
    return [
        (name, _text(name, one))
        for given, value in filters.items()
        for name, values in _named(given, value)
        for one in ((values,) if isinstance(values, str) or not isinstance(values, Iterable) else values)
    ]


def matching(filters: Mapping[str, FilterValue]) -> dict[str, object]:
    """The same as the member `match` of an expectation (9.4)."""
    match: dict[str, list[str]] = {}
    for name, value in parameters(filters):
        match.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in match.items()}


def described(filters: Mapping[str, FilterValue]) -> str:
    """For people: `type=error tag.area=cart`."""
    return " ".join(f"{name}={value}" for name, value in parameters(filters)) or "anything"


def _named(name: str, value: FilterValue) -> Iterator[tuple[str, Value | Iterable[Value]]]:
    if not isinstance(value, Mapping):
        yield name, value
    elif name in _PREFIXES:
        for part, one in value.items():
            yield _PREFIXES[name] + part, one
    else:
        raise TypeError(f"{name}: only {', '.join(_PREFIXES)} take an object")


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError(f"{name}: {value!r} is no text, number or truth value")
