"""Detectors of `northern_ids`: their own examples in every spelling, and hostile input against the clock (scrubbing.md 15.4)."""

from __future__ import annotations

from scrubjay.core.scrub.detectors import northern_ids
from support import detecting

TestExamples = detecting.contract(northern_ids)
TestFurther = detecting.further_contract(northern_ids)
