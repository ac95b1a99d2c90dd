"""A relay that asks and registers, with the reference's own library for everything that is signed."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sentry_relay.auth import SecretKey, generate_key_pair, generate_relay_id

from scrubjay.core.signatures import sign
from support.raw_http import Answer

CHALLENGE: Final = "/api/0/relays/register/challenge/"
RESPONSE: Final = "/api/0/relays/register/response/"
CONFIGS: Final = "/api/0/relays/projectconfigs/"
KEYS: Final = "/api/0/relays/publickeys/"

Send = Callable[[str, bytes, Mapping[str, str]], Awaitable[Answer]]
"""(path, body, headers) → answer: one POST."""


@dataclass(frozen=True)
class RelayIdentity:
    id: str
    public_key: str
    secret_key: SecretKey

    def entry(self, *, internal: bool = False) -> dict[str, Any]:
        """As in `auth.static_relays`."""
        return {self.id: {"public_key": self.public_key, "internal": internal}}

    def text(self, *, internal: bool = False) -> str:
        """The same as the settings hold it."""
        return f"{self.id}={self.public_key}{' internal' if internal else ''}"

    def signed(self, body: bytes, late_s: float | None = None) -> dict[str, str]:
        """The two headers of a request whose body this is. `late_s`: signed so long ago, which the library cannot."""
        if late_s is None:
            signature = self.secret_key.sign(body)
        else:
            signature = sign(str(self.secret_key), body, time.time() - late_s)
        return {"X-Sentry-Relay-Id": self.id, "X-Sentry-Relay-Signature": signature}


def new_identity() -> RelayIdentity:
    secret_key, public_key = generate_key_pair()
    return RelayIdentity(str(generate_relay_id()), str(public_key), secret_key)


@dataclass(frozen=True)
class RelayClient:
    identity: RelayIdentity
    send: Send

    async def ask(self, path: str, question: object, headers: Mapping[str, str] | None = None) -> Answer:
        """Signed. `question`: JSON, or bytes as they are."""
        body = question if isinstance(question, bytes) else json.dumps(question).encode()
        return await self.send(path, body, {**self.identity.signed(body), **(headers or {})})

    async def configs(self, *keys: object, version: str = "?version=3", **members: object) -> Answer:
        return await self.ask(f"{CONFIGS}{version}", {"publicKeys": list(keys), **members})

    async def challenge(self, **members: object) -> Answer:
        """The first step of registering; `members` in place of the usual ones."""
        said = {"relay_id": self.identity.id, "public_key": self.identity.public_key, "version": "26.10.0", **members}
        return await self.ask(CHALLENGE, said)

    async def response(self, token: object, **members: object) -> Answer:
        """The second one."""
        return await self.ask(RESPONSE, {"relay_id": self.identity.id, "token": token, "version": "26.10.0", **members})
