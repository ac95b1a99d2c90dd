"""Detectors of `numbers`: the golden vectors of scrubbing.md 10, their own examples, and hostile input against the clock."""

from __future__ import annotations

from scrubjay.core.scrub.detectors import numbers
from support import detecting

TestNumbers = detecting.contract(numbers)
