"""Detectors of `overseas_ids`: their own examples in every spelling, and hostile input against the clock (scrubbing.md 15.4)."""

from __future__ import annotations

from scrubjay.core.scrub.detectors import overseas_ids
from support import detecting

TestExamples = detecting.contract(overseas_ids)
TestFurther = detecting.further_contract(overseas_ids)
