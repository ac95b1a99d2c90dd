"""What all endpoints of the capture sink are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from scrubjay.core.ports import Ports
from scrubjay.runtime.capturing.sink import CaptureSink
from scrubjay.runtime.endpoints.guard import Guard
from scrubjay.settings.schema import Settings

BASE: Final = "/api/capture"
SAMPLE_KEY: Final = "decafbaddecafbaddecafbaddecafbad"
"""The key in the DSNs that are offered; any other does as well."""


@dataclass(frozen=True, slots=True)
class Site:
    """One sink and those who may use it."""

    settings: Settings
    ports: Ports
    sink: CaptureSink
    guard: Guard
