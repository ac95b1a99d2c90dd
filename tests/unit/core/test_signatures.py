"""Signatures between relays: the specification's vectors, and everything that is not one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scrubjay.core.signatures import Signer, sign, verify
from scrubjay.errors import BadSignature
from scrubjay.settings.keys import decode, encode, read_public_key

SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
PUBLIC = read_public_key("A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg")
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
SIGNED_UNIX = MOMENT.timestamp()
QUERY = b'{"publicKeys":["a94ae32be2584e0bbd7a4cbb95971fee"]}'
PLAIN_HEADER = "eyJ0IjoiMjAyNi0wMS0wMlQwMzowNDowNS42Nzg5MDFaIn0"
S1 = "zE-jM9V88o7Lz78fZQhjmK4ydR0nzh7QzO_KKt_SLUeV8bdGY3tZugG8PudUsuU9W-uZFyxV_97-pjNVyjW-AQ." + PLAIN_HEADER
S2 = "L5UOrgn79CGSptNYxeZZxiXsYQ-sk1FqTRvz15musLSpJqGZ41cjOwmbE5Ffu2-pJNCmgRflhk3Va0HZV0xDCA." + PLAIN_HEADER
S3 = (
    "KK7kVoLRrC9hri_eD21F1e3qgZRKc77H22gA5RRXF68EpKT376Z_n-OJNves6slav-7sP-vGX_IC-XqdRkSoDw."
    "eyJ0IjoiMjAyNi0wMS0wMlQwMzowNDowNS42Nzg5MDFaIiwiYSI6InYwIn0"
)
S4 = (
    "lzqCmR3LSWNxD9us9Cs8Kcnsiv_NzbX_45N9mcDZ-RUFMjkF7Zatb20-dXt6zahAk4ISws3G9AlDIqi8dvZGDQ."
    "eyJ0IjoiMjAyNi0wMS0wMlQwMzowNDowNS42Nzg5MDFaIiwiYSI6InYxIn0"
)


def check(signature: str, data: bytes = b"", *, late_s: float = 0.0) -> None:
    verify(PUBLIC, signature, data, now_unix=SIGNED_UNIX + late_s, max_age_s=300)


def refusal(signature: str, data: bytes = b"", *, late_s: float = 0.0) -> str:
    with pytest.raises(BadSignature) as caught:
        check(signature, data, late_s=late_s)
    return str(caught.value)


def signed_header(header: bytes, data: bytes = b"") -> str:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    return f"{encode(key.sign(header + bytes(1) + data))}.{encode(header)}"


@pytest.mark.parametrize(
    ("signature", "data"), [(S1, b""), (S2, QUERY), (S3, b""), (S4, QUERY)], ids=["S1", "S2", "S3", "S4"]
)
def test_operations_33_the_vectors_verify(signature: str, data: bytes) -> None:
    check(signature, data)
    assert refusal(signature, data + b"x") == "unverifiable"


def test_operations_33_ours_are_the_vectors() -> None:
    assert sign(SECRET, b"", SIGNED_UNIX) == S1
    assert sign(SECRET, QUERY, SIGNED_UNIX) == S2


@pytest.mark.parametrize(
    ("signature", "problem"),
    [
        (S1 + "=", "invalid"),
        (S1.replace(".", "=.", 1), "invalid"),
        (S1 + ".extra", "invalid"),
        (S1.replace("_", "/"), "invalid"),
        (S1.partition(".")[0], "invalid"),
        ("", "invalid"),
        (".", "invalid"),
        (S1[:-1], "invalid"),
        ("AAAA." + PLAIN_HEADER, "invalid"),
        (S1.replace("zE", "zF", 1), "unverifiable"),
        ("A" * 86 + "." + PLAIN_HEADER, "unverifiable"),
        (S4.replace("lz", "lw", 1), "unverifiable"),
        (S1 + "A" * 5000, "invalid"),
        ("\udcff\udcff", "invalid"),
    ],
)
def test_operations_33_what_is_no_signature(signature: str, problem: str) -> None:
    assert refusal(signature, QUERY if signature.startswith("lw") else b"") == problem


def test_operations_33_another_s_key() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    for public_key in (other, b"short", bytes([255]) * 32):
        with pytest.raises(BadSignature, match="unverifiable"):
            verify(public_key, S1, b"", now_unix=SIGNED_UNIX, max_age_s=300)


@pytest.mark.parametrize(
    ("late_s", "problem"),
    [(-14, ""), (-15, ""), (-17, "too new"), (299, ""), (300, ""), (302, "too old")],
)
def test_operations_34_times(late_s: float, problem: str) -> None:
    if problem:
        assert refusal(S1, late_s=late_s) == problem
    else:
        check(S1, late_s=late_s)


def test_the_signature_is_checked_before_the_time() -> None:
    assert refusal(S1, b"x", late_s=1000) == "unverifiable"


@pytest.mark.parametrize(
    "header",
    [
        b'{"t":1767323045}',
        b"{}",
        b'{"t":null}',
        b'{"t":"2026-01-02T03:04:05Z","a":"v9"}',
        b'{"t":"2026-01-02T03:04:05Z","a":0}',
        b'{"t":"2026-01-02T03:04:05"}',
        b'{"t":"2026-13-02T03:04:05Z"}',
        b"[]",
        b"{",
        b"",
        b"[" * 2000,
    ],
)
def test_operations_35_headers_that_are_rejected(header: bytes) -> None:
    assert refusal(signed_header(header)) == "invalid"


@pytest.mark.parametrize(
    "header",
    [
        b'{"t":"2026-01-02T03:04:05Z","x":1}',
        b'{"t":"2026-01-02T03:04:05Z","a":null}',
        b'{"t":"2026-01-02 03:04:05Z"}',
        b'{"t":"2026-01-02T04:04:05+01:00"}',
        b'{"t":"2026-01-02T03:04:05.678901234Z"}',
        b'{ "a":"v0", "t":"2026-01-02T03:04:05Z" }',
    ],
)
def test_operations_35_headers_that_are_accepted(header: bytes) -> None:
    check(signed_header(header, QUERY), QUERY)


def test_times_of_any_year_can_be_signed() -> None:
    for moment in (datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 12, 31, tzinfo=UTC) + timedelta(seconds=0.5)):
        now_unix = moment.timestamp()
        verify(PUBLIC, sign(SECRET, b"x", now_unix), b"x", now_unix=now_unix, max_age_s=0)


def test_one_signature_serves_the_envelopes_of_a_second() -> None:
    signer = Signer("7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001", SECRET)
    lines = signer.envelope_lines(SIGNED_UNIX)
    assert lines == f"X-Sentry-Relay-Id: {signer.relay_id}\r\nX-Sentry-Relay-Signature: {S1}\r\n"
    assert signer.envelope_lines(SIGNED_UNIX + 0.9) == lines
    assert signer.envelope_lines(SIGNED_UNIX + 1.1) != lines
    assert signer.envelope_lines(SIGNED_UNIX - 5) != lines, "a clock that was set back"
    assert f": {S2}\r\n" in signer.lines(QUERY, SIGNED_UNIX)
    assert SECRET not in repr(signer)


def test_the_signature_alone_has_86_characters() -> None:
    assert len(decode(S1.partition(".")[0])) == 64


def test_a_signer_may_become_another() -> None:
    signer = Signer("first", SECRET)
    before = signer.envelope_lines(SIGNED_UNIX)
    signer.become("second", encode(bytes(32)))
    after = signer.envelope_lines(SIGNED_UNIX)
    assert after.startswith("X-Sentry-Relay-Id: second\r\n")
    assert before.splitlines()[1] != after.splitlines()[1]
