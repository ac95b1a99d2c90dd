"""The routes for relays behind us on a port, with projects and keys that a test makes up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from msgspec.structs import replace

from scrubjay.core.relays.config_reply import DISABLED, State
from scrubjay.core.relays.public_keys import KnownRelay
from scrubjay.runtime.delivery import Delivery
from scrubjay.runtime.endpoints.bodies import Bodies
from scrubjay.runtime.endpoints.front import Front
from scrubjay.runtime.endpoints.relays import routes
from scrubjay.settings.gateway import Auth
from scrubjay.settings.schema import Settings
from support.path import Path as Way
from support.raw_http import Answer, exchange, request
from support.relay_client import RelayClient, RelayIdentity


@dataclass
class Rejections:
    """What the front door counted."""

    reasons: list[str] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    def request(self, route: str, status: int, seconds: float) -> None: ...

    def rejected(self, reason: Any, detail: str = "", **_: Any) -> None:
        self.reasons.append(reason.code)

    def internal_error(self, place: str, error: BaseException) -> None:
        self.errors.append(error)


@dataclass
class Keys:
    """What the upstream would know."""

    known: dict[str, KnownRelay] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def find(self, relay_ids: Iterable[str]) -> dict[str, KnownRelay | None]:
        names = list(relay_ids)
        self.asked += names
        return {name: self.known.get(name) for name in names}


@dataclass
class Desk:
    port: int
    states: dict[str, State]
    keys: Keys
    told: Rejections
    ports: Any
    shared: Mapping[str, Any] | None = None

    async def send(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        answer = await exchange(self.port, request("POST", path, body, headers))
        assert self.told.errors == []
        return answer

    def client(self, identity: RelayIdentity) -> RelayClient:
        return RelayClient(identity, self.send)


@asynccontextmanager
async def desk(
    *relays: str, folder: Path | None = None, mode: str = "managed", upstream: str | None = None, **auth: Any
) -> AsyncIterator[Desk]:
    """`relays`: of `auth.static_relays`, as texts."""
    base = Settings()
    settings = replace(
        base,
        relay=replace(base.relay, mode=mode, advertised_upstream=upstream, upstream="http://127.0.0.1:1/"),
        auth=Auth(static_relays=relays, **auth),
    )
    ports, told = Way().ports, Rejections()
    made = Desk(0, {}, Keys(), told, ports)
    projects = SimpleNamespace(
        document_of=lambda key: made.states.get(key, DISABLED), global_document=lambda: made.shared, passes=None
    )
    delivery = SimpleNamespace(projects=projects, relay_keys=made.keys, config_dir=folder, roads=None)
    front = Front(routes(settings, ports, cast("Delivery", delivery)), told, Bodies(1 << 26))
    server = await asyncio.get_running_loop().create_server(front.server(keepalive_timeout_s=5), "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await front.drain(5)


def detail_of(answer: Answer) -> str:
    """The words of a refusal, those of its causes too."""
    said = json.loads(answer.body)
    return "; ".join([said["detail"], *said.get("causes", ())])
