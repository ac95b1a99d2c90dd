"""Projects that take only what a relay vouches for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from scrubjay.core.signatures import sign
from scrubjay.errors import Denied
from scrubjay.settings.gateway import Auth
from scrubjay.settings.keys import encode, public_key_of
from scrubjay.settings.schema import Settings
from support.path import Path, envelope

NOW = 1_767_607_200.0
SECRET, OTHER = encode(b"\x01" * 32), encode(b"\x02" * 32)
PUBLIC = encode(public_key_of(b"\x01" * 32))
ID = "7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001"
DEMANDS = "config: {trustedRelaySettings: {verifySignature: enabled}, trustedRelays: [%s]}"
BODY = envelope(("event", '{"message":"all is well"}'))


def refusal(path: Path, **facts: object) -> str:
    """The reason for which everything is refused, and booked."""
    with pytest.raises(Denied) as caught:
        path.send(BODY, **facts)
    assert caught.value.status == 403
    assert path.account.lost() == [("event", caught.value.reason.code, "")]
    assert path.closes()
    return caught.value.reason.code


def test_what_a_trusted_relay_signed_is_taken() -> None:
    path = Path(DEMANDS % PUBLIC)
    assert path.send(BODY, relay_id=ID, signature=sign(SECRET, b"", NOW)).status == 200
    assert path.closes()


def test_operations_43_no_signature() -> None:
    assert refusal(Path(DEMANDS % PUBLIC)) == "missing_signature"
    assert refusal(Path(DEMANDS % PUBLIC), relay_id=ID) == "missing_signature"


@pytest.mark.parametrize(
    "signature",
    [sign(SECRET, b"", NOW - 400), sign(OTHER, b"", NOW), sign(SECRET, BODY, NOW), "broken"],
    ids=["operations_43_stale", "of_another_key", "over_the_body", "broken"],
)
def test_signatures_that_do_not_count(signature: str) -> None:
    assert refusal(Path(DEMANDS % PUBLIC), signature=signature) == "invalid_signature"


def test_what_waited_is_judged_by_when_it_came() -> None:
    path = Path(DEMANDS % PUBLIC)
    assert path.send(BODY, signature=sign(SECRET, b"", NOW - 400), waited_s=390.0).status == 200
    assert refusal(Path(DEMANDS % PUBLIC), signature=sign(SECRET, b"", NOW), waited_s=390.0) == "invalid_signature"


def test_operations_44_the_name_of_an_internal_relay_is_no_signature() -> None:
    settings = replace(Settings(), auth=Auth(static_relays=(f"{ID}={PUBLIC} internal",)))
    path = Path(DEMANDS % "", settings=settings)
    path.ports.obey(settings)
    assert refusal(path, relay_id=ID) == "missing_signature"
    again = Path(DEMANDS % "", settings=settings)
    again.ports.obey(settings)
    assert again.send(BODY, relay_id=ID, signature=sign(SECRET, b"", NOW)).status == 200


def test_a_relay_that_has_proven_itself_needs_no_more() -> None:
    settings = replace(Settings(), auth=Auth(static_relays=(f"{ID}={PUBLIC}",)))
    path = Path(DEMANDS % PUBLIC, settings=settings)
    path.ports.obey(settings)
    assert path.send(BODY, relay_id=ID, is_proven=True).status == 200
