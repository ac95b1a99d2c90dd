"""Detectors of `secrets`: the golden vectors of scrubbing.md 10, their own examples, and hostile input against the clock."""

from __future__ import annotations

from scrubjay.core.scrub.detectors import secrets
from support import detecting

TestSecrets = detecting.contract(secrets)
