"""What `relay.profile` sets where nothing else is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scrubjay.settings.fields import FIELDS
from scrubjay.settings.load import load
from scrubjay.settings.profiles import SIDECAR
from scrubjay.settings.schema import Settings


@pytest.mark.parametrize("key", SIDECAR)
def test_the_profile_names_settings_and_changes_them(key: str) -> None:
    assert key in FIELDS
    assert SIDECAR[key] != FIELDS[key].note.default
    most = FIELDS[key].note.maximum
    assert (FIELDS[key].note.minimum or 0) <= SIDECAR[key] <= (most if most is not None else SIDECAR[key])


def value_of(settings: Settings, key: str) -> object:
    found: object = settings
    for name in key.split("."):
        found = getattr(found, name)
    return found


def test_what_is_set_by_itself_stays() -> None:
    env = {"SCRUBJAY__RELAY__PROFILE": "sidecar", "SCRUBJAY__LIMITS__MAX_CONNECTIONS": "7"}
    loaded = load(env=env)
    assert loaded.settings.limits.max_connections == 7
    for key, value in SIDECAR.items():
        if key != "limits.max_connections":
            assert value_of(loaded.settings, key) == value
            assert loaded.origins[key] == "profile `sidecar`"


def test_without_it_nothing_changes() -> None:
    loaded = load(env={})
    assert not [key for key in SIDECAR if loaded.origins[key].startswith("profile")]


def test_the_page_shows_the_profile_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs" / "pressure.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^\| `([a-z_.]+)` \| ([\w.]+) \|$", page, re.MULTILINE))
    assert shown == {
        key: shown_size(value) if FIELDS[key].note.unit == "bytes" else str(value) for key, value in SIDECAR.items()
    }


def shown_size(value: int) -> str:
    return f"{value >> 20}MiB" if value % (1 << 20) == 0 else f"{value >> 10}KiB"
