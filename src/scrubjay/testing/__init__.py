"""Tests against what an application sends to its error tracker: a capture sink in your test process, and questions to it.

`CaptureSink` is a sink that lives as long as a `with` block, for unittest and scripts; the pytest plugin (`plugin`) hands one out as
`sentry_sink`, and to each test a `Capture` of its own as `sentry_capture`. No SDK is imported, and nothing of the relay either until a sink starts:
this package is loaded in every pytest run of an environment in which scrubjay is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrubjay.testing.capture import Capture
    from scrubjay.testing.event import Change, Event, Report, Suspect
    from scrubjay.testing.housing import SinkFailed
    from scrubjay.testing.sink import CaptureSink
    from scrubjay.testing.trace import Span, Trace

__all__ = ["Capture", "CaptureSink", "Change", "Event", "Report", "SinkFailed", "Span", "Suspect", "Trace"]

_HOMES = {
    "Capture": "capture",
    "CaptureSink": "sink",
    "Change": "event",
    "Event": "event",
    "Report": "event",
    "SinkFailed": "housing",
    "Span": "trace",
    "Suspect": "event",
    "Trace": "trace",
}


def __getattr__(name: str) -> object:
    """Loads what is asked for, when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - as all else here

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
