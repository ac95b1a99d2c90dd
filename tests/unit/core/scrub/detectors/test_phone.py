"""Detectors of `phone`: their own examples in every spelling, and hostile input against the clock (scrubbing.md 15.4)."""

from __future__ import annotations

from scrubjay.core.scrub.detectors import phone
from support import detecting

TestExamples = detecting.contract(phone)
TestFurther = detecting.further_contract(phone)
