"""How a setting is declared: one field of a frozen struct that carries its own documentation.

Owns the `setting` helper, the `Section` base and the flat table of all fields that parsing, the environment, the JSON schema and
the reference page are derived from (`architecture.md` 9). What settings there are stands in `schema`; how text becomes a value
stands in `scalars`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

T = TypeVar("T")

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

Unit = Literal[
    "bytes",
    "s",
    "ms",
    "url",
    "path",
    "cidr",
    "ip",
    "prefix",
    "relay",
    "host:port",
    "dotted",
    "word",
    "tag",
    "dsn",
    "otlp",
    "proxy",
    "redis",
    "sealing key",
    "version",
]
"""What a number or a text means; it decides how it is parsed and shown."""


class Secret:
    """A text that must not be shown: `str` and `repr` are masked, `reveal` gives it away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True)
class Note:
    """What `setting` says of a field beyond its type and default."""

    doc: str
    unit: Unit | None
    reload: bool
    minimum: float | None
    maximum: float | None
    example: str | None
    default: Any
    shown: str | None


def setting(
    default: T,
    doc: str,
    *,
    unit: Unit | None = None,
    reload: bool = False,
    minimum: float | None = None,
    maximum: float | None = None,
    example: str | None = None,
    shown: str | None = None,
) -> T:
    """A field of a `Section`.

    `reload`: a changed value takes effect without a restart. `example`: a value for the sample file where the default says nothing. `shown`: the default in words, where it depends on
    other things than this table.
    """
    note = Note(doc, unit, reload, minimum, maximum, example, default, shown)
    return cast("T", note)


class _SectionMeta(msgspec.StructMeta):
    """Takes the notes out of the class body, so that msgspec sees plain defaults."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any) -> Any:
        notes = {key: value for key, value in namespace.items() if isinstance(value, Note)}
        namespace.update({key: note.default for key, note in notes.items()})
        section = super().__new__(mcs, name, bases, namespace, kw_only=True, **config)
        _NOTES[section] = notes
        return section


_NOTES: Final[dict[type, dict[str, Note]]] = {}


class Section(msgspec.Struct, metaclass=_SectionMeta, frozen=True):
    """A group of settings. Its docstring is the section's text in the reference page."""


@dataclass(frozen=True, slots=True)
class Field:
    """A setting with its place: one row of the reference."""

    key: str
    type: Any
    note: Note

    @property
    def section(self) -> str:
        return self.key.rpartition(".")[0]

    @property
    def name(self) -> str:
        return self.key.rpartition(".")[2]

    @property
    def options(self) -> tuple[Any, ...]:
        """What a value may be beside null: the members of the type if it is a union, else the type."""
        if get_origin(self.type) in (Union, UnionType):
            return tuple(option for option in get_args(self.type) if option is not NoneType)
        return (self.type,)

    @property
    def takes_null(self) -> bool:
        return NoneType in get_args(self.type)

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "SCRUBJAY__" + self.key.upper().replace(".", "__")


def walk(section: type[Section], prefix: str = "") -> Iterator[Field | tuple[str, type[Section]]]:
    """Fields in the order of the file; each section is announced as (dotted name, type) before its fields."""
    notes = _NOTES[section]
    for name, hint in get_type_hints(section).items():
        key = f"{prefix}{name}"
        if isinstance(hint, type) and issubclass(hint, Section):
            yield key, hint
            yield from walk(hint, f"{key}.")
        else:
            yield Field(key, hint, notes[name])
