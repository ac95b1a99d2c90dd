"""A setting exists because something reads it; what nothing reads stands in `inert` and says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scrubjay.settings.fields import FIELDS

SOURCE = Path(__file__).parents[3] / "src" / "scrubjay"
READERS = "\n".join(
    path.read_text(encoding="utf-8")
    for storey in ("core", "runtime")
    for path in (*sorted((SOURCE / storey).rglob("*.py")), SOURCE / "settings" / "resolve.py")
)


@pytest.mark.parametrize("key", FIELDS)
def test_something_reads_it(key: str) -> None:
    section, _, name = key.rpartition(".")
    owners = f"{section.rpartition('.')[2]}|options|settings|bounds"
    assert re.search(rf"\b(?:{owners})\.{name}\b", READERS), f"{key} has no effect: it belongs into settings/inert.py"
