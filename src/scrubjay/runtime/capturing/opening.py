"""The sink that the settings ask for, if they ask for one."""

from __future__ import annotations

import ipaddress
from functools import cache
from pathlib import Path

from scrubjay.core.capture.report import Mode
from scrubjay.core.capture.store import CaptureStore
from scrubjay.core.plan import ProjectPlan, compile_plan
from scrubjay.runtime.capturing.recording import Recording
from scrubjay.runtime.capturing.sink import CaptureSink, PlanOf
from scrubjay.settings.project import ProjectConfig
from scrubjay.settings.schema import Settings


def open_sink(settings: Settings, plan_of: PlanOf) -> CaptureSink | None:
    """In mode `capture`, and beside forwarding where `capture.enabled`. Raises `ConfigError` for a recording that cannot be used."""
    options, is_tee = settings.capture, settings.relay.mode != "capture"
    if is_tee and not options.enabled:
        return None

    @cache
    def fallback() -> ProjectPlan:
        return compile_plan(ProjectConfig(), settings)

    store = CaptureStore(options.max_envelopes, options.max_bytes)
    return CaptureSink(
        store,
        plan_of=plan_of,
        fallback=fallback,
        originals=originals_of(settings),
        is_tee=is_tee,
        recording=None if options.record is None else Recording(Path(options.record), store),
    )


def originals_of(settings: Settings) -> Mode:
    """What is kept of values that scrubbing took (`capture.md` 8.2)."""
    asked = settings.capture.originals
    if not _is_loopback(settings.relay.admin_host):
        return "none"
    if asked == "auto":
        return "full" if settings.relay.mode == "capture" else "shape"
    return asked


def _is_loopback(host: str) -> bool:
    """Of a name nobody knows where it leads, but of this one."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")
