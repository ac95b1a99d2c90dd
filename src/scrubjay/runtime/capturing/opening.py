"""The sink that the settings ask for, if they ask for one."""

from __future__ import annotations

from collections.abc import Callable

from scrubjay.core.capture.store import CaptureStore
from scrubjay.core.plan import ProjectPlan
from scrubjay.runtime.capturing.sink import CaptureSink
from scrubjay.settings.schema import Settings

PlanOf = Callable[[str], ProjectPlan | None]
"""The plan in force for a key."""


def open_sink(settings: Settings, plan_of: PlanOf) -> CaptureSink | None:
    """In mode `capture`, and beside forwarding where `capture.enabled`."""
    if settings.relay.mode != "capture" and not settings.capture.enabled:
        return None
    return CaptureSink(CaptureStore(settings.capture.max_envelopes, settings.capture.max_bytes))
