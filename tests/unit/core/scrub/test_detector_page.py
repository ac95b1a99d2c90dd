"""The page of detectors. That the committed one is up to date is tested with the other pages."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.builtin_rules import FURTHER_RULES
from scrubjay.core.scrub.detector_page import render_page
from scrubjay.core.scrub.detectors import DETECTORS

PAGE = render_page()


@pytest.mark.parametrize("detector", [one for one in DETECTORS.values() if one.family], ids=lambda one: one.name)
def test_each_detector_stands_on_the_page(detector: object) -> None:
    assert detector.takes in PAGE
    assert f"`@{detector.name if detector.country else detector.family}`" in PAGE


def test_each_rule_without_variant_stands_on_the_page() -> None:
    assert not [rule for rule in FURTHER_RULES if ":" not in rule and f"`{rule}`" not in PAGE]


def test_what_is_on_by_default_is_said() -> None:
    assert "Writes `[card]`; default, in `@pci`." in PAGE
    assert "Writes `[jwt]`; default, in `@secrets`." in PAGE
    assert "Writes `[id]`; in `@hipaa`." in PAGE
    assert "`@national_id_gb` (default)" in PAGE
    assert "`@national_id_nl` |" in PAGE


def test_no_key_is_spelled_out() -> None:
    assert "`ghp_zQ…`" in PAGE
    assert "ghp_zQWB" not in PAGE
