"""Detectors of `phone_national`: their own examples in every spelling, and hostile input against the clock (scrubbing.md 15.4)."""

from __future__ import annotations

from scrubjay.core.scrub.detectors import phone_national
from scrubjay.core.scrub.families import BUNDLES
from support import detecting

TestExamples = detecting.contract(phone_national)
TestFurther = detecting.further_contract(phone_national)


def test_no_bundle_has_them() -> None:
    assert not [member for members in BUNDLES.values() for member in members if "phone_national" in member]
