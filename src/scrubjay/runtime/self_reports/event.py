"""A report of the relay as an event of a project: its members, and scrubbing it.

Everything goes through the scrubbing that events of clients go through, by the default rules and the bundles for people, secrets and cards, whatever the
projects have: reports travel to whoever looks after the relay, and what its log says may quote a server or a file. What cannot be scrubbed is not sent.
"""

from __future__ import annotations

import hashlib
import logging
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from scrubjay import __version__
from scrubjay.core.envelope import encode_json
from scrubjay.core.plan import compile_plan
from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.runtime.self_reports.listening import Breadcrumb, Report
from scrubjay.settings.project import ProjectConfig, ProjectOptions, ScrubjayOptions
from scrubjay.settings.schema import Settings

_BUNDLES: Final = ("@gdpr", "@secrets", "@pci")
_LEVELS: Final = ((logging.ERROR, "error"), (logging.WARNING, "warning"), (logging.INFO, "info"))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who reports. `worker`: None, if it is alone."""

    server_name: str
    environment: str | None
    tags: Mapping[str, str]
    worker: int | None


def envelope_of(report: Report, identity: Identity, event_id: str) -> bytes:
    """As it is sent. Raises `Unscrubbable`."""
    event = encode_json(_event(report, identity, event_id))
    event = scrub_document(_rules(), event, "event", None) or event
    header = encode_json({"event_id": event_id})
    return b'%b\n{"type":"event","length":%d}\n%b\n' % (header, len(event), event)


@cache
def _rules() -> ScrubProgram:
    options = ProjectOptions(scrubjay=ScrubjayOptions(scrub={"bundles": list(_BUNDLES)}))
    program = compile_plan(ProjectConfig(config=options), Settings()).scrub
    assert program is not None
    return program


def _event(report: Report, identity: Identity, event_id: str) -> dict[str, object]:
    line = report.line
    event: dict[str, object] = {
        "event_id": event_id,
        "timestamp": line.time_unix,
        "level": _level(line.level),
        "logger": line.topic,
        "platform": "python",
        "logentry": {"formatted": line.text},
        "fingerprint": [line.topic, _digest(line.text, report.error)],
        "release": f"scrubjay@{__version__}",
        "server_name": identity.server_name,
        "tags": _tags(identity),
        "extra": {name: _plain(value) for name, value in line.fields.items()},
        "breadcrumbs": {"values": [_breadcrumb(breadcrumb) for breadcrumb in report.breadcrumbs]},
        "contexts": {
            "runtime": {"name": platform.python_implementation(), "version": platform.python_version()},
            "os": {"name": platform.system(), "kernel_version": platform.release()},
        },
        "sdk": {"name": "scrubjay", "version": __version__},
    }
    if identity.environment is not None:
        event["environment"] = identity.environment
    if report.error:
        event["exception"] = {"values": [_exception(report)]}
    return event


def _digest(*texts: str) -> str:
    """By what events are one issue; servers keep it as it is, and so do rules."""
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()


def _tags(identity: Identity) -> dict[str, str]:
    tags = dict(identity.tags)
    if identity.worker is not None:
        tags["worker"] = str(identity.worker)
    return tags


def _breadcrumb(breadcrumb: Breadcrumb) -> dict[str, object]:
    return {
        "timestamp": breadcrumb.time_unix,
        "type": "default",
        "category": breadcrumb.topic,
        "level": _level(breadcrumb.level),
        "message": breadcrumb.text,
        "data": {name: _plain(value) for name, value in breadcrumb.fields.items()},
    }


def _exception(report: Report) -> dict[str, object]:
    frames = [
        {"filename": frame.file, "lineno": frame.line, "function": frame.function, "in_app": "/" in frame.file}
        for frame in report.frames
    ]
    return {"type": report.error, "value": report.problem, "stacktrace": {"frames": frames}}


def _level(level: int) -> str:
    return next((name for least, name in _LEVELS if level >= least), "info")


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool) else str(value)
