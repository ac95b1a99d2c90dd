"""Detectors of `wallet_seed`: their own examples in every spelling, and hostile input against the clock (scrubbing.md 15.4)."""

from __future__ import annotations

from scrubjay.core.scrub.detectors import wallet_seed
from support import detecting

TestExamples = detecting.contract(wallet_seed)
TestFurther = detecting.further_contract(wallet_seed)
