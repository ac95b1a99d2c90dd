"""Detectors of `southern_ids`: their own examples in every spelling, and hostile input against the clock (scrubbing.md 15.4)."""

from __future__ import annotations

from scrubjay.core.scrub.detectors import southern_ids
from support import detecting

TestExamples = detecting.contract(southern_ids)
TestFurther = detecting.further_contract(southern_ids)
