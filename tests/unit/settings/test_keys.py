"""Keys and ids as text."""

from __future__ import annotations

import pytest

from scrubjay.settings.keys import BadKey, decode, encode, read_public_key, read_relay_id, read_secret_key

SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
LONG_SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe_884Qvh1w3RjnS8CZZ-TWMJulDV8d3IZkElUxuA"
PUBLIC = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
SECRET_PEM = """\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----
"""
PUBLIC_PEM = """\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=
-----END PUBLIC KEY-----
"""
RSA_PEM = """\
-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL8sJFdr5nmBS8hzMUiaQvSQ8JTzkIgY
0iGzJfT0CDzzvcsyXaz9LHCcrcPeJOIIKNFhhZMJYr1EMmMLdfRJNKMCAwEAAQ==
-----END PUBLIC KEY-----
"""


@pytest.mark.parametrize("text", [SECRET, LONG_SECRET, SECRET_PEM, f"\n{SECRET_PEM}"])
def test_operations_36_each_form_of_a_secret_is_the_seed(text: str) -> None:
    assert encode(read_secret_key(text)) == SECRET


@pytest.mark.parametrize("text", [PUBLIC, PUBLIC_PEM])
def test_operations_36_each_form_of_a_public_key(text: str) -> None:
    assert encode(read_public_key(text)) == PUBLIC


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (SECRET + "=", "bad encoding"),
        (SECRET.replace("A", "+", 1), "bad encoding"),
        (SECRET[:-1] + "9", "bad encoding"),  # bits behind the last byte
        (SECRET[:-2], "bad encoding"),
        (SECRET[:-3], "bad key"),
        ("", "bad key"),
        (SECRET + SECRET, "bad encoding"),
        (LONG_SECRET.replace("ElUxuA", "ElUxug"), "bad key"),
        (SECRET_PEM.replace("MC4C", "MC5C"), "bad encoding"),
        (PUBLIC_PEM, "bad encoding"),
    ],
)
def test_operations_36_what_is_no_secret(text: str, problem: str) -> None:
    with pytest.raises(BadKey, match=problem) as caught:
        read_secret_key(text)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [(LONG_SECRET, "bad key"), (SECRET_PEM, "bad encoding"), (RSA_PEM, "bad"), ("-----BEGIN", "bad encoding")],
)
def test_operations_36_what_is_no_public_key(text: str, problem: str) -> None:
    with pytest.raises(BadKey, match=problem):
        read_public_key(text)


def test_an_rsa_key_is_no_secret_of_ours() -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public_pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(BadKey, match="bad key"):
        read_secret_key(pem.decode())
    with pytest.raises(BadKey, match="bad key"):
        read_public_key(public_pem.decode())


def test_texts_and_bytes() -> None:
    for length in range(8):
        assert decode(encode(bytes(range(length)))) == bytes(range(length))


def test_ids() -> None:
    dashed = "7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001"
    assert read_relay_id(dashed) == read_relay_id(dashed.replace("-", "").upper()) == dashed
    with pytest.raises(BadKey, match="no UUID"):
        read_relay_id("x")
