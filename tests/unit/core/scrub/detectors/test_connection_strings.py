"""Detectors of `connection_strings`: their own examples in every spelling, and hostile input against the clock (scrubbing.md 15.4)."""

from __future__ import annotations

from scrubjay.core.scrub.detectors import connection_strings
from support import detecting

TestExamples = detecting.contract(connection_strings)
TestFurther = detecting.further_contract(connection_strings)
