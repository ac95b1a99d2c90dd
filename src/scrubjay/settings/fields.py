"""All settings as one flat table, by dotted key: what parsing, the environment, the schema and the pages are derived from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any, Final

from scrubjay.settings.schema import Settings
from scrubjay.settings.setting import Field, Section, walk


def value_of(settings: Settings, key: str) -> Any:
    """The value at a dotted key."""
    return reduce(getattr, key.split("."), settings)


FIELDS: Final[Mapping[str, Field]] = {row.key: row for row in walk(Settings) if isinstance(row, Field)}
SECTIONS: Final[Mapping[str, type[Section]]] = dict(row for row in walk(Settings) if not isinstance(row, Field))
DISPENSABLE: Final = frozenset(
    key for key, row in FIELDS.items() if row.takes_null and value_of(Settings(), key) is not None
)
"""Keys whose null says that one does without; of all others it means the default."""
ALIASES: Final[Mapping[str, str]] = {"limits.max_replay_size": "limits.max_replay_uncompressed_size"}
"""The reference's other names for keys."""
MAPS: Final = tuple(key for key, row in FIELDS.items() if row.note.unit == "tag")
"""Settings that are written as a mapping from names to values."""


def map_of(key: str) -> str | None:
    """The setting that a key is a member of, where that is a map."""
    return next((name for name in MAPS if key.startswith(f"{name}.")), None)


def field_above(key: str) -> str | None:
    """The setting that a key stands below, as if it were a section."""
    return next((name for name in FIELDS if key.startswith(f"{name}.")), None)
