"""What would become of an envelope: the path itself, run by this configuration with counters that begin anew, or by the relay that runs.

Owns compiling plans when they are asked for, the ports of a rehearsal, and asking the relay (`core.explanation` is the rehearsal itself). Nothing
is counted, kept or sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import quote

from scrubjay.cli.own_listener import ask, local_address
from scrubjay.core.compat.store import read_store
from scrubjay.core.dsn import Auth, auth_from_envelope
from scrubjay.core.envelope import Envelope, parse_envelope, read_header
from scrubjay.core.explanation import Explanation
from scrubjay.core.explanation import explain as rehearse
from scrubjay.core.limits import LimitTable
from scrubjay.core.plan import PENDING, Programs, ProjectPlan, compile_plan, pass_plan
from scrubjay.core.ports import Ingress, Ports
from scrubjay.errors import ConfigError, Rejected
from scrubjay.runtime.quota_backends.memory import MemoryBackend
from scrubjay.settings.load import Loaded
from scrubjay.settings.schema import Settings

T = TypeVar("T")
_TIMEOUT_S: Final = 30.0


@dataclass(slots=True)
class Plans:
    """The plans of a configuration, compiled when asked for. Raises `ConfigError` for one that cannot be used."""

    loaded: Loaded
    _programs: Programs = field(default_factory=Programs)
    _known: dict[str, ProjectPlan | None] = field(default_factory=dict)

    def find(self, key: str) -> ProjectPlan | None:
        if key not in self._known:
            self._known[key] = self._compile(key)
        return self._known[key]

    def _compile(self, key: str) -> ProjectPlan | None:
        settings, projects = self.loaded.settings, self.loaded.projects
        if settings.relay.mode == "managed" and key not in projects.by_key:
            return PENDING
        project = projects.by_key.get(key, projects.default)
        if project is not None:
            return compile_plan(project, settings, self._programs, projects.shared.config)
        return pass_plan(settings) if settings.projects.unknown == "forward" else None

    def is_denied(self, key: str, project_id: int | None) -> bool:
        """No server was asked."""
        return False

    def project_of(self, key: str) -> int | None:
        project = self.loaded.projects.by_key.get(key, self.loaded.projects.default)
        return None if project is None else project.project_id


def ports_of(loaded: Loaded, plans: Plans) -> Ports:
    """Ports whose state is fresh: `rehearse` puts its own in place of what keeps, sends and tells."""
    settings = loaded.settings
    listener = Explanation()
    ports = Ports(
        plans=plans,
        limits=LimitTable(),
        quotas=MemoryBackend(),
        ledger=listener.ledger(),
        outbox=listener,
        waiting=listener,
        bounds=settings.limits,
        rng=lambda: 0.5,
        new_id=lambda: "0" * 32,
        in_thread=_at_once,
        has_memory=lambda: True,
    )
    ports.obey(settings)
    return ports


async def _at_once(work: Callable[[], T]) -> T:
    return work()


async def rehearsed(ingress: Ingress, loaded: Loaded, plans: Plans) -> dict[str, Any]:
    """By this configuration. Raises `ConfigError` for a plan that cannot be used."""
    return (await rehearse(ingress, ports_of(loaded, plans))).document()


def as_envelope(body: bytes, auth: Auth | None) -> Envelope:
    return parse_envelope(body)


def as_event(body: bytes, auth: Auth | None) -> Envelope:
    return read_store(body, None, len(body))


def key_of(envelope: bytes) -> str | None:
    """That of the DSN in its header."""
    try:
        return auth_from_envelope(read_header(envelope)[0])[0].key
    except Rejected:
        return None


def ask_relay(
    settings: Settings, envelope: bytes, key: str, project_id: int, facts: dict[str, str] | None = None
) -> dict[str, Any]:
    """What the relay that runs says. `facts`: headers of who sent it. Raises `ConfigError` if there is none, or it will not."""
    address = local_address(settings)
    path = f"/api/scrubjay/explain?key={quote(key)}&project={project_id}"
    try:
        status, body = ask(settings, "POST", path, timeout_s=_TIMEOUT_S, body=envelope, headers=facts or {})
    except OSError as error:
        raise ConfigError(f"no relay answers at {address}: {error}", where="flag --live") from None
    if status == HTTPStatus.UNAUTHORIZED:
        told = "another `admin.token`" if settings.admin.token else "`admin.token`, which its configuration has to name"
        raise ConfigError(f"the relay at {address} wants {told}: it answers 401", where="flag --live")
    if status != HTTPStatus.OK:
        raise ConfigError(f"the relay at {address} answers {status}: {body[:200].decode(errors='replace')}")
    document: dict[str, Any] = json.loads(body)
    return document
