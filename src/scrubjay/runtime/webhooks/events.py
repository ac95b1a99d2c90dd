"""What a webhook says, and the signature that proves who said it (`decisions.md` 9.5).

Invariants: no payload and no whole key is in a body; the same event has the same body at every try.
"""

from __future__ import annotations

import hmac
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from scrubjay.settings.decisions import WebhookEvent

SIGNATURE = "X-Scrubjay-Signature"


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Members that do not apply are None. `at` and `resets_at` are Unix seconds; several categories are joined by `;`.

    `owner`: whom it is about, where that is no single project; of a key only the beginning.
    """

    id: str = ""
    type: WebhookEvent
    at: int
    project: int | None = None
    category: str | None = None
    quota: str | None = None
    limit: int | None = None
    consumed: int | None = None
    resets_at: int | None = None
    dropped: int = 0
    owner: str | UnsetType = UNSET

    def body(self, number: str) -> bytes:
        """As it is sent; `number`: 32 hex digits that name this event."""
        return msgspec.json.encode(msgspec.structs.replace(self, id=str(UUID(hex=number))))


def signature(secret: str, body: bytes) -> str:
    """The value of the header. A secret from the environment may be any bytes."""
    return f"sha256={hmac.digest(secret.encode('utf-8', 'surrogateescape'), body, 'sha256').hex()}"


def project_of(owner: str) -> int | None:
    """The member `project` for an owner as `standing` names it: `project 42`, `key 0a1b2c3d`, `organization`."""
    scope, _, name = owner.partition(" ")
    return int(name) if scope == "project" and name.isdecimal() else None


def other_owner(owner: str) -> str | UnsetType:
    """The member `owner`."""
    return owner if project_of(owner) is None else UNSET


def names(categories: tuple[str, ...]) -> str | None:
    """The member `category`; None: all of them."""
    return ";".join(categories) or None
