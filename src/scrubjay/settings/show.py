"""Effective settings as text: what `config show` and `check` print, never a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from scrubjay.settings.fields import FIELDS, value_of
from scrubjay.settings.load import Loaded
from scrubjay.settings.scalars import show
from scrubjay.settings.setting import Field, Secret


def effective(loaded: Loaded) -> Iterator[tuple[str, str]]:
    """(dotted key, text); a size that was written with a unit keeps it."""
    for key, row in FIELDS.items():
        yield key, _text(row, value_of(loaded.settings, key), loaded.texts.get(key, ""))


def _text(row: Field, value: Any, written: str) -> str:
    if row.note.unit == "bytes" and value is not None and written and not written.isdigit():
        return written.replace(" ", "")
    return show(value, row)


def as_yaml(loaded: Loaded) -> str:
    """A file that means the same, but for secrets."""
    lines: list[str] = []
    open_sections: list[str] = []
    for key, text in effective(loaded):
        *sections, name = key.split(".")
        for depth, section in enumerate(sections):
            if open_sections[: depth + 1] != sections[: depth + 1]:
                lines.append(f"{'  ' * depth}{section}:")
                open_sections = sections[: depth + 1]
        open_sections = sections
        lines.append(f"{'  ' * len(sections)}{name}: {_scalar(FIELDS[key], text, value_of(loaded.settings, key))}")
    return "\n".join(lines) + "\n"


def _scalar(row: Field, text: str, value: Any) -> str:
    if isinstance(value, str | Secret):
        return text if text and text.replace("_", "").isalnum() else json.dumps(text)
    if isinstance(value, tuple):
        return json.dumps(list(value))
    return text


def as_json(loaded: Loaded) -> str:
    """Nested objects of plain values; sizes and durations are numbers in the unit of the reference page."""
    document: dict[str, Any] = {}
    for key in FIELDS:
        *sections, name = key.split(".")
        place = document
        for section in sections:
            place = place.setdefault(section, {})
        value = value_of(loaded.settings, key)
        place[name] = str(value) if isinstance(value, Secret) else value
    return json.dumps(document, indent=2)
