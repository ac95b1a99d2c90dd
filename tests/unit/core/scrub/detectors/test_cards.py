"""Detectors of `cards`: their own examples in every spelling, and hostile input against the clock (scrubbing.md 15.4)."""

from __future__ import annotations

from scrubjay.core.scrub.detectors import cards
from support import detecting

TestExamples = detecting.contract(cards)
TestFurther = detecting.further_contract(cards)
