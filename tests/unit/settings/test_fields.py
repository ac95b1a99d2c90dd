"""The flat table of settings."""

from __future__ import annotations

import pytest

from scrubjay.settings.fields import DISPENSABLE, FIELDS, MAPS, SECTIONS, field_above, map_of


def test_every_field_has_its_section() -> None:
    assert all(row.section in SECTIONS for row in FIELDS.values())
    assert not FIELDS.keys() & SECTIONS.keys()
    assert set(MAPS) <= FIELDS.keys()
    assert "capture.spotlight_port" in DISPENSABLE
    assert "relay.upstream" not in DISPENSABLE


@pytest.mark.parametrize(
    ("key", "whole"),
    [("metrics.default_tags.zone", "metrics.default_tags"), ("metrics.default_tags", None), ("relay.port.x", None)],
)
def test_members_of_maps(key: str, whole: str | None) -> None:
    assert map_of(key) == whole


@pytest.mark.parametrize(
    ("key", "above"), [("admin.token.x.y", "admin.token"), ("admin.token", None), ("admin.tokens.x", None)]
)
def test_what_stands_below_a_setting(key: str, above: str | None) -> None:
    assert field_above(key) == above
