"""Where relays behind this one register (`upstream-and-operations.md` 4.5).

Owns who answers them: the upstream (`auth.registration: forward`), this relay for those of `auth.static_relays` (`local`), or nobody (`off`); and
the order of the checks of `local`. Nothing is remembered: what makes a relay known here is the operator's list, the token that travels in
between is `core.relays.registration`'s. Invariants: both bodies are signed by the key that stands in the list; the relay that answers is the
one that was asked, by its header, its body and its token.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from scrubjay import reasons
from scrubjay.core.envelope import decode_json, encode_json
from scrubjay.core.ports import Ports
from scrubjay.core.relays.registration import (
    CHALLENGE_PATH,
    RANDOM_BYTES,
    RESPONSE_PATH,
    TOKEN_AGE_S,
    Applicant,
    make_token,
    read_token,
)
from scrubjay.core.signatures import SIGNATURE_HEADER, verify
from scrubjay.errors import BadRequest, BadSignature, Denied, Rejected
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Handler, Route
from scrubjay.runtime.endpoints.questions import body_of
from scrubjay.runtime.endpoints.replies import JSON, Reply
from scrubjay.runtime.gateway.registration_secret import registration_secret
from scrubjay.runtime.gateway.senders import relay_named
from scrubjay.settings.gateway import StaticRelay, relays_of
from scrubjay.settings.keys import BadKey, encode, read_public_key, read_relay_id
from scrubjay.settings.schema import Settings

_LABEL: Final = "register"
_PROVEN_AT_ONCE: Final = 2
"""Some signatures take milliseconds to check."""


def routes(settings: Settings, ports: Ports, passage: Handler, folder: Path | None) -> list[Route]:
    """`folder`: that of the configuration, if there is one."""
    match settings.auth.registration:
        case "off":
            return []
        case "forward":
            return [Route("POST", path, passage, _LABEL) for path in (CHALLENGE_PATH, RESPONSE_PATH)]
        case "local":
            office = _Office(relays_of(settings.auth.static_relays), ports, registration_secret(settings.auth, folder))
            return [
                Route("POST", CHALLENGE_PATH, office.challenge, _LABEL),
                Route("POST", RESPONSE_PATH, office.response, _LABEL),
            ]


class _Office:
    def __init__(self, relays: Mapping[str, StaticRelay], ports: Ports, secret: bytes) -> None:
        self._relays = relays
        self._ports = ports
        self._secret = secret
        self._proving = asyncio.Semaphore(_PROVEN_AT_ONCE)

    async def challenge(self, request: Request) -> Reply:
        """The first step: who it is. The answer is a token."""
        body = await body_of(request, self._ports)
        relay, said = self._applicant(request, body, "public_key")
        try:
            key = read_public_key(said["public_key"])
        except BadKey:
            raise _refused("`public_key` is no key") from None
        if key != relay.public_key:
            raise _refused("the key is another one than is known here")
        now_unix = time.time()
        await self._check_signature(request, relay, body, now_unix)
        applicant = Applicant(relay.id, encode(relay.public_key))
        token = make_token(self._secret, applicant, secrets.token_bytes(RANDOM_BYTES), now_unix)
        return Reply(200, encode_json({"relay_id": relay.id, "token": token}), JSON)

    async def response(self, request: Request) -> Reply:
        """The second step: the token, signed. Neither step changes anything, so that a second one like it does no harm."""
        body = await body_of(request, self._ports)
        relay, said = self._applicant(request, body, "token")
        now_unix = time.time()
        try:
            applicant = read_token(self._secret, said["token"], now_unix)
        except BadSignature as error:
            raise _judged("the token", error) from None
        if applicant != Applicant(relay.id, encode(relay.public_key)):
            raise _refused("the token is another relay's")
        await self._check_signature(request, relay, body, now_unix)
        return Reply(200, encode_json({"relay_id": relay.id}), JSON)

    def _applicant(self, request: Request, body: bytes, member: str) -> tuple[StaticRelay, dict[str, str]]:
        """The relay that asks, not proven yet, and what it says; `member` is a text of it. Raises `Rejected`."""
        try:
            said = decode_json(body)
        except ValueError as error:
            raise _refused("the body is no JSON", str(error)) from None
        if not isinstance(said, dict):
            raise _refused("the body is no JSON object")
        for name in ("relay_id", member):
            if not isinstance(said.get(name), str):
                raise _refused(f"`{name}` is missing in the JSON of the body")
        try:
            named, relay_id = relay_named(request.headers), read_relay_id(said["relay_id"])
        except Denied as error:
            raise _refused(error.detail) from None
        except BadKey:
            raise _refused("`relay_id` is no id of a relay") from None
        if named != relay_id:
            raise _refused("the relay id of the body is another one than that of the header")
        relay = self._relays.get(relay_id)
        if relay is None:
            raise Denied(reasons.RELAY_NOT_LISTED)
        return relay, said

    async def _check_signature(self, request: Request, relay: StaticRelay, body: bytes, now_unix: float) -> None:
        signature = request.headers.get(SIGNATURE_HEADER)
        if signature is None:
            raise _refused("no signature in the headers")
        try:
            async with self._proving:
                await asyncio.to_thread(
                    verify, relay.public_key, signature, body, now_unix=now_unix, max_age_s=TOKEN_AGE_S
                )
        except BadSignature as error:
            raise _judged("the signature", error) from None


def _judged(what: str, error: BadSignature) -> Rejected:
    """What was good once is 401, what never was 400."""
    text = f"{what} is no good: {error}"
    return Denied(reasons.RELAY_AUTH, text) if str(error) in ("too old", "too new") else _refused(text)


def _refused(detail: str, *causes: str) -> BadRequest:
    return BadRequest(reasons.RELAY_QUERY, detail, *causes)
