"""A relay in mode `managed`, as its users run it, and what it is sent.

Owns its credentials, envelopes whose event carries a secret, and what of them is seen on the wire and on disk. The server is `authority`'s.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from scrubjay.cli.upstream_word import upstream_word
from scrubjay.runtime.state import read_states
from scrubjay.settings.credentials import Credentials, generate, write_credentials
from support.authority import Authority, document
from support.daemon import KEY, Daemon
from support.http_client import Answer, auth, post
from support.processes import wait_for
from support.recorder import Delivery

SECRET: Final = "canary-4711-secret-value"
"""Stands where default scrubbing takes it."""
ORDER: Final = "ORD-4711-7"
"""Taken by the rule of `scrubbing` alone."""
MARKED: Final = "[order]"

Make = Callable[..., Daemon]


def scrubbing(key: str = KEY, project_id: int = 1, **members: Any) -> dict[str, Any]:
    """A project's configuration with a rule of its own, beside the default ones."""
    pattern = {"type": "pattern", "pattern": r"ORD-\d+-\d", "redaction": {"method": "replace", "text": MARKED}}
    pii = {"rules": {"order": pattern}, "applications": {"$string": ["order"]}}
    return document(key, project_id, piiConfig=pii, **members)


def managed_relay(daemons: Make, sentry: Authority, keys: Credentials | None = None, **options: Any) -> Daemon:
    """One that is not started. `options`: sections of settings."""
    projects = options.pop("projects", None)
    cache = {"batch_interval": 10, **options.pop("cache", {})}
    daemon = daemons(mode="managed", upstream=sentry.url, options={**options, "cache": cache}, projects=projects)
    write_credentials(daemon.folder, keys or generate())
    return daemon


def event(message: str = f"paid {ORDER}", **members: Any) -> bytes:
    """An envelope with one event."""
    payload = {"event_id": uuid4().hex, "message": message, "extra": {"password": SECRET}, **members}
    head = {"event_id": payload["event_id"]}
    return b"\n".join(json.dumps(part).encode() for part in (head, {"type": "event"}, payload)) + b"\n"


def send(relay: Daemon, body: bytes | None = None, key: str = KEY, project_id: int = 1) -> Answer:
    return post(relay.port, f"/api/{project_id}/envelope/", event() if body is None else body, auth(key))


def state_of(relay: Daemon) -> dict[str, Any]:
    """What `scrubjay status` says of its upstream; {} until a worker has written it."""
    word = upstream_word(read_states(relay.folder / "run"))
    return {} if word is None else asdict(word)


def wait_for_state(relay: Daemon, **wanted: Any) -> dict[str, Any]:
    """The same, once these members are so."""

    def found() -> dict[str, Any]:
        state = state_of(relay)
        return state if all(state.get(name) == value for name, value in wanted.items()) else {}

    return wait_for(found, f"{wanted}")


def messages(deliveries: Iterable[Delivery]) -> list[str]:
    """Those of all events that arrived."""
    items = (item for each in deliveries for item in each.envelope()[1] if item.headers["type"] == "event")
    events = (json.loads(item.payload) for item in items)
    return [each["logentry"]["formatted"] if "logentry" in each else each["message"] for each in events]


def is_scrubbed(delivery: Delivery) -> bool:
    return SECRET.encode() not in delivery.body and ORDER.encode() not in delivery.body


def files(folder: Path) -> Iterator[Path]:
    """All below it, as long as they are there."""
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())
