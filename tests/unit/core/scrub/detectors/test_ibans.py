"""Detectors of `ibans`: their own examples in every spelling, and hostile input against the clock (scrubbing.md 15.4)."""

from __future__ import annotations

from scrubjay.core.scrub.detectors import ibans
from support import detecting

TestExamples = detecting.contract(ibans)
TestFurther = detecting.further_contract(ibans)
