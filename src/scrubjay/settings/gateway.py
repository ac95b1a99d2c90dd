"""The settings of a relay that other relays send to: who they are, and what they may send in one request.

Names of the first section are the reference's (`upstream-and-operations.md` 2.3), the second is ours (2.4). A relay can be written as
the reference does, as a mapping from its id, or as one text; the value is the text, in one form.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from yaml.nodes import Node, ScalarNode

from scrubjay.settings.keys import BadKey, encode, read_public_key, read_relay_id
from scrubjay.settings.setting import KIB, MIB, Secret, Section, setting

INTERNAL: Final = " internal"
MEMBERS: Final = ("public_key", "internal")
_TRUE: Final = frozenset({"true", "on"})


class Auth(Section, frozen=True):
    """The relays that may send to this one, and how they prove who they are."""

    ready: Literal["authenticated", "always"] = setting(
        "authenticated",
        "In mode `managed`: be ready only while the upstream accepts this relay, or in any case.",
        reload=True,
    )
    registration: Literal["forward", "local", "off"] = setting(
        "forward",
        "Who answers relays that register here: the upstream, this relay for those under `static_relays`, or nobody.",
        reload=True,
    )
    static_relays: tuple[str, ...] = setting(
        (),
        "Relays that are known, by id: `public_key`, and `internal: true` for those whose word on times, addresses and clients is "
        "taken. As texts: `ID=KEY` or `ID=KEY internal`.",
        unit="relay",
        example="{7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001: {public_key: A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg, internal: true}}",
        reload=True,
    )
    registration_secret: Secret | None = setting(
        None,
        "Key of the tokens that relays get which register here (`registration: local`); replicas have to share it.",
        example="${REGISTRATION_SECRET}",
        shown="one of its own, in `registration.secret` of the config folder",
    )
    signature_max_age: float = setting(
        300, "Age up to which a signature of another relay counts.", unit="s", minimum=1, reload=True
    )


class Gateway(Section, frozen=True):
    """Batches: many envelopes of one scrubjay in one request to another."""

    batch_enabled: bool = setting(True, "Take batches.", reload=True)
    batch_require_auth: bool = setting(
        True,
        "Take them from the relays under `auth.static_relays` alone; where none is named, none are taken.",
        reload=True,
    )
    max_batch_bytes: int = setting(
        16 * MIB,
        "Size of a batch as it is sent, compressed; unpacked it may have four times as much.",
        unit="bytes",
        minimum=64 * KIB,
        maximum=64 * MIB,
        reload=True,
    )
    max_batch_envelopes: int = setting(1000, "Envelopes in a batch.", minimum=1, maximum=100_000, reload=True)


@dataclass(frozen=True, slots=True)
class StaticRelay:
    """A relay that the operator named. `is_internal`: what it says of the requests that it took is believed."""

    id: str
    public_key: bytes
    is_internal: bool


def relays_of(texts: Iterable[str]) -> dict[str, StaticRelay]:
    """Those of `auth.static_relays`, by id."""
    return {relay.id: relay for relay in map(_read, texts)}


def normal_relay(text: str) -> str:
    """A relay in the form in which settings hold it. Raises `BadKey`."""
    relay = _read(text)
    return f"{relay.id}={encode(relay.public_key)}{INTERNAL if relay.is_internal else ''}"


def _read(text: str) -> StaticRelay:
    identity, equals, key = text.partition("=")
    if not equals:
        raise BadKey("no relay", "ID=KEY or ID=KEY internal")
    is_internal = key.endswith(INTERNAL)
    return StaticRelay(
        read_relay_id(identity.strip()), read_public_key(key.removesuffix(INTERNAL).strip()), is_internal
    )


def fold_relays(entries: Iterable[tuple[str, Node]], key: str) -> tuple[list[tuple[str, Node]], dict[str, Node]]:
    """Leaves of a document without those that make up the relays below `key`; and those relays, each as text, with its place.

    What is no member of a relay is left, for those who judge unknown keys.
    """
    rest: list[tuple[str, Node]] = []
    places: dict[str, Node] = {}
    found: dict[str, dict[str, str]] = {}
    for name, node in entries:
        identity, _, member = name.removeprefix(f"{key}.").rpartition(".")
        if name.startswith(f"{key}.") and identity and member in MEMBERS and isinstance(node, ScalarNode):
            found.setdefault(identity, {})[member] = node.value
            places.setdefault(identity, node)
        else:
            rest.append((name, node))
    return rest, {_as_text(identity, members): places[identity] for identity, members in found.items()}


def _as_text(identity: str, members: dict[str, str]) -> str:
    is_internal = members.get("internal", "").lower() in _TRUE
    return f"{identity}={members.get('public_key', '')}{INTERNAL if is_internal else ''}"
