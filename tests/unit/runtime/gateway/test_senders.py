"""Who may send batches."""

from __future__ import annotations

import time
from typing import Any

import pytest
from msgspec.structs import replace
from multidict import CIMultiDict

from scrubjay.errors import Denied
from scrubjay.runtime.gateway.senders import ANYBODY, Sender, Senders, takes_batches
from scrubjay.settings.gateway import Auth, Gateway
from scrubjay.settings.schema import Settings
from support.batch_client import Identity, identity

KNOWN, OTHER = identity(1), identity(2)
DIGEST = b"data"


def settings(*relays: Identity, internal: bool = False, **gateway: Any) -> Settings:
    texts = tuple(f"{each.id}={each.public_key}{' internal' if internal else ''}" for each in relays)
    return replace(Settings(), auth=Auth(static_relays=texts), gateway=Gateway(**gateway))


def signed(relay: Identity) -> CIMultiDict[str]:
    from scrubjay.core.signatures import sign
    from scrubjay.settings.keys import encode

    text = sign(encode(relay.key.private_bytes_raw()), DIGEST, time.time())
    return CIMultiDict({"x-sentry-relay-id": relay.id, "x-sentry-relay-signature": text})


@pytest.mark.parametrize("internal", [True, False])
def test_a_relay_that_is_known_and_proves_it(internal: bool) -> None:
    senders = Senders(settings(KNOWN, internal=internal))
    claim = senders.claim(signed(KNOWN))
    assert senders.prove(claim, DIGEST, time.time()) == Sender(KNOWN.id, internal)
    with pytest.raises(Denied, match="signature: unverifiable"):
        senders.prove(claim, b"other", time.time())
    with pytest.raises(Denied, match="signature: too old"):
        senders.prove(claim, DIGEST, time.time() + 400)


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "no relay id in the headers"),
        ({"X-Sentry-Relay-Id": "me"}, "the relay id is malformed"),
        ({"X-Sentry-Relay-Id": OTHER.id}, "the relay id is not known"),
    ],
)
def test_who_is_not_known(headers: dict[str, str], detail: str) -> None:
    with pytest.raises(Denied, match=detail) as caught:
        Senders(settings(KNOWN)).claim(headers)
    assert caught.value.status == 401
    open_to_all = Senders(settings(KNOWN, internal=True, batch_require_auth=False))
    assert open_to_all.prove(open_to_all.claim(headers), DIGEST, 0) == ANYBODY


def test_a_name_without_proof_counts_for_nothing() -> None:
    for required in (True, False):
        with pytest.raises(Denied, match="no signature"):
            Senders(settings(KNOWN, batch_require_auth=required)).claim({"X-Sentry-Relay-Id": KNOWN.id})


def test_where_nobody_could_be_let_in_nothing_is_offered() -> None:
    assert not takes_batches(settings())
    assert not takes_batches(settings(KNOWN, batch_enabled=False))
    assert takes_batches(settings(KNOWN))
    assert takes_batches(settings(batch_require_auth=False))
    assert Senders(settings(KNOWN)).need_proof
    assert repr(Senders(settings(KNOWN, OTHER))) == "<Senders 2 known>"


def test_a_route_may_demand_proof_whatever_holds_for_batches() -> None:
    senders = Senders(settings(KNOWN, batch_require_auth=False), requires_auth=True)
    with pytest.raises(Denied, match="no relay id"):
        senders.claim(CIMultiDict())
    assert Senders(settings(KNOWN, batch_require_auth=False)).claim(CIMultiDict()).relay is None
