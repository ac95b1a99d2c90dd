"""How a relay becomes known to its upstream, as bytes: what either side says, and the token between the two steps (4.4, 4.5).

`upstream-and-operations.md`. Plain JSON values in and out. The relay's own side: what it sends, and what answers are good for. The side of
who is registered with: the token, which says who asked and when, so that nothing has to be remembered until the second step. When to ask is
`runtime.managed.registration`'s; who may register, and that both bodies are signed, is judged where they arrive. Invariant: a token that was
not made with the same secret, or long ago, vouches for nobody.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Final

from scrubjay.core.envelope import decode_json, encode_json
from scrubjay.errors import BadSignature, UpstreamError
from scrubjay.settings.keys import BadKey, decode, encode

ROUTE: Final = "register"
CHALLENGE_PATH: Final = "/api/0/relays/register/challenge/"
RESPONSE_PATH: Final = "/api/0/relays/register/response/"

RANDOM_BYTES: Final = 64
TOKEN_AGE_S: Final = 60.0
_MAX_TOKEN: Final = 4096

# The relay's own side


def challenge(relay_id: str, public_key: str, version: str) -> dict[str, str]:
    """The first body: who we are. `version`: of the reference, whose protocol is spoken."""
    return {"relay_id": relay_id, "public_key": public_key, "version": version}


def token_of(reply: object, relay_id: str) -> str:
    """What the answer to `challenge` hands us. Raises `UpstreamError` for what is no such answer, or somebody else's."""
    token = _own(reply, relay_id).get("token")
    if not isinstance(token, str) or not token:
        raise UpstreamError("the answer to the registration has no token")
    return token


def response(relay_id: str, token: str, version: str) -> dict[str, str]:
    """The second body: the token, to the letter, under our signature."""
    return {"relay_id": relay_id, "token": token, "version": version}


def check_registered(reply: object, relay_id: str) -> None:
    """Raises `UpstreamError` if the answer to `response` does not say that we are registered."""
    _own(reply, relay_id)


def _own(reply: object, relay_id: str) -> dict[str, Any]:
    if not isinstance(reply, dict):
        raise UpstreamError("the answer to the registration is no object")
    named = reply.get("relay_id")
    if not isinstance(named, str) or named.replace("-", "").lower() != relay_id.replace("-", ""):
        raise UpstreamError("the answer to the registration is for another relay")
    return reply


# The upstream's side


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who asked to be registered, as its token says."""

    relay_id: str
    public_key: str


def make_token(secret: bytes, applicant: Applicant, random: bytes, now_unix: float) -> str:
    """`random`: `RANDOM_BYTES` that nobody can guess."""
    state = {
        "timestamp": int(now_unix),
        "relay_id": applicant.relay_id,
        "public_key": applicant.public_key,
        "rand": encode(random),
    }
    text = encode(encode_json(state))
    return f"{text}:{encode(_mac(secret, text))}"


def read_token(secret: bytes, token: str, now_unix: float, *, max_age_s: float = TOKEN_AGE_S) -> Applicant:
    """Raises `BadSignature`: `invalid`, `unverifiable`, or `too old` for one that was good once."""
    text, colon, mac = token.partition(":")
    if not colon or len(token) > _MAX_TOKEN or not token.isascii():
        raise BadSignature("invalid")
    if not hmac.compare_digest(encode(_mac(secret, text)), mac):
        raise BadSignature("unverifiable")
    try:
        state: Any = decode_json(decode(text))
        applicant, made_unix = Applicant(state["relay_id"], state["public_key"]), float(state["timestamp"])
    except (BadKey, ValueError, TypeError, KeyError):  # whoever knows the secret wrote something else with it
        raise BadSignature("invalid") from None
    if abs(now_unix - made_unix) > max_age_s:
        raise BadSignature("too old")
    return applicant


def _mac(secret: bytes, text: str) -> bytes:
    return hmac.new(secret, text.encode(), hashlib.sha512).digest()
