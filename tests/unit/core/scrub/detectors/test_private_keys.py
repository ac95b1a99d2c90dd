"""Detectors of `private_keys`: their own examples in every spelling, and hostile input against the clock (scrubbing.md 15.4)."""

from __future__ import annotations

from scrubjay.core.scrub.detectors import private_keys
from support import detecting

TestExamples = detecting.contract(private_keys)
TestFurther = detecting.further_contract(private_keys)
