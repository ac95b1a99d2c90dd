"""What the settings mean for a supervisor, which does not read them itself (`runtime.supervision.orders`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from scrubjay.runtime.quota_sharing.service import sharing_of
from scrubjay.runtime.supervision.orders import Orders
from scrubjay.settings.fields import FIELDS, value_of
from scrubjay.settings.load import Loaded
from scrubjay.settings.setting import Secret


def orders_of(loaded: Loaded, *, judged: bool = False) -> Orders:
    """`judged`: everything that a worker would stumble over at its start is looked at, which takes as long as such a start."""
    settings = loaded.settings
    relay = settings.relay
    assert isinstance(relay.workers, int), "resolve() has counted them"
    assert relay.state_dir is not None, "resolve() fills it in"
    return Orders(
        mode=relay.mode,
        host=relay.host,
        port=relay.port,
        workers=relay.workers,
        internal_host=relay.internal_host,
        internal_port=relay.internal_port,
        unix_socket=relay.unix_socket,
        state_dir=relay.state_dir,
        shutdown_delay_s=relay.shutdown_delay,
        shutdown_timeout_s=settings.limits.shutdown_timeout,
        log_level=settings.logging.level,
        log_format=settings.logging.format,
        sharing=sharing_of(settings.quotas),
        digests={
            **{key: _digest(value_of(settings, key)) for key, row in FIELDS.items() if not row.note.reload},
            "credentials": _digest(Secret(json.dumps(loaded.credentials.dump())) if loaded.credentials else None),
        },
        problems=tuple(_problems(loaded)) if judged else (),
    )


def _digest(value: Any) -> str:
    text = value.reveal() if isinstance(value, Secret) else repr(value)
    return hashlib.sha256(text.encode()).hexdigest()


def _problems(loaded: Loaded) -> Iterator[str]:
    from scrubjay.cli.check import check_projects, outside

    yield from loaded.projects.problems
    for project in check_projects(loaded):
        yield from project.problems
    yield from outside(loaded)
