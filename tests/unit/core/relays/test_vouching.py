"""Whose signature counts for an envelope."""

from __future__ import annotations

import pytest

from scrubjay.core.relays.vouching import MAX_SIGNERS, Voucher, Vouchers, signers_of
from scrubjay.core.signatures import Signature, sign
from scrubjay.settings.gateway import StaticRelay
from scrubjay.settings.keys import encode, public_key_of
from scrubjay.settings.project import ProjectOptions, TrustedRelaySettings

NOW = 1_767_323_045.0
SEEDS = [bytes([number]) * 32 for number in range(1, 9)]
KEYS = [public_key_of(seed) for seed in SEEDS]
ID = "7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001"
S4 = (
    "lzqCmR3LSWNxD9us9Cs8Kcnsiv_NzbX_45N9mcDZ-RUFMjkF7Zatb20-dXt6zahAk4ISws3G9AlDIqi8dvZGDQ."
    "eyJ0IjoiMjAyNi0wMS0wMlQwMzowNDowNS42Nzg5MDFaIiwiYSI6InYxIn0"
)


def options(*keys: str, demands: bool = True) -> ProjectOptions:
    settings = TrustedRelaySettings(verify_signature="enabled" if demands else "disabled")
    return ProjectOptions(trusted_relays=keys, trusted_relay_settings=settings)


def vouchers(*, internal: bool) -> Vouchers:
    return Vouchers({ID: StaticRelay(ID, KEYS[0], internal)})


def signed(number: int, at_unix: float = NOW, data: bytes = b"") -> str:
    return sign(encode(SEEDS[number]), data, at_unix)


def test_who_may_sign_for_a_project() -> None:
    assert signers_of(options(encode(KEYS[0]), demands=False)) is None
    assert signers_of(options()) == ()
    assert signers_of(options(encode(KEYS[0]), "no key", encode(KEYS[1]))) == (KEYS[0], KEYS[1])
    assert len(signers_of(options(*[encode(KEYS[0])] * 1000)) or ()) == MAX_SIGNERS


def test_a_key_that_the_project_trusts_whatever_the_relay_is_called() -> None:
    for name in (None, "nobody", ID):
        assert Vouchers().accepts(Voucher(name, signed(1)), (KEYS[0], KEYS[1]), NOW)
        assert not Vouchers().accepts(Voucher(name, signed(2)), (KEYS[0], KEYS[1]), NOW)
        assert not Vouchers().accepts(Voucher(name, signed(1)), (), NOW)


def test_a_signature_over_something_else_or_of_another_time() -> None:
    trusted = (KEYS[0],)
    assert not Vouchers().accepts(Voucher(None, signed(0, data=b"x")), trusted, NOW)
    for late_s, good in ((-17, False), (-14, True), (299, True), (302, False)):
        assert Vouchers(max_age_s=300).accepts(Voucher(None, signed(0)), trusted, NOW + late_s) is good
    for text in ("", ".", "broken", "x" * 10_000, signed(0)[:-1]):
        assert not Vouchers().accepts(Voucher(None, text), trusted, NOW)


def test_operations_44_an_internal_relay_needs_a_signature_of_its_own_key() -> None:
    assert Voucher(ID, None).is_missing
    assert vouchers(internal=True).accepts(Voucher(ID.upper().replace("-", ""), signed(0)), (), NOW)
    assert not vouchers(internal=True).accepts(Voucher(ID, signed(1)), (), NOW)
    assert not vouchers(internal=False).accepts(Voucher(ID, signed(0)), (), NOW)
    assert not vouchers(internal=True).accepts(Voucher("no id", signed(0)), (), NOW)


@pytest.mark.parametrize(
    ("name", "internal", "trusted", "good"),
    [(ID, True, (), True), (ID, False, (), False), (ID, False, (KEYS[0],), True), (None, True, (KEYS[0],), False)],
)
def test_who_has_proven_itself_already(
    name: str | None, internal: bool, trusted: tuple[bytes, ...], good: bool
) -> None:
    """As the batch has it that this came in."""
    voucher = Voucher(name, None, is_proven=True)
    assert not voucher.is_missing
    assert vouchers(internal=internal).accepts(voucher, trusted, NOW) is good


def test_slow_checks_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def is_of(self: Signature, public_key: bytes, data: bytes) -> bool:
        tried.append(public_key)
        return False

    monkeypatch.setattr(Signature, "is_of", is_of)
    assert not Vouchers(max_age_s=1e9).accepts(Voucher(None, S4), tuple(KEYS), NOW)
    assert tried == KEYS[:4]
    assert not Vouchers(max_age_s=1e9).accepts(Voucher(None, signed(0, NOW + 1)), tuple(KEYS), NOW)
    assert tried == [*KEYS[:4], *KEYS]
