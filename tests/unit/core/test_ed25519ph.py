"""The signature scheme that the cryptography package leaves out."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scrubjay.core.ed25519ph import verify

# RFC 8032, 7.3
SEED = bytes.fromhex("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")
SIGNATURE = bytes.fromhex(
    "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
    "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
)
PUBLIC = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
ORDER = 2**252 + 27742317777372353535851937790883648493


def test_the_example_of_the_rfc() -> None:
    assert verify(PUBLIC, SIGNATURE, b"abc")
    assert not verify(PUBLIC, SIGNATURE, b"abd")


@pytest.mark.parametrize("position", [0, 31, 32, 60])
def test_a_bit_of_the_signature_counts(position: int) -> None:
    changed = bytearray(SIGNATURE)
    changed[position] ^= 1
    assert not verify(PUBLIC, bytes(changed), b"abc")


def test_the_same_signature_in_another_spelling() -> None:
    scalar = int.from_bytes(SIGNATURE[32:], "little") + ORDER
    assert not verify(PUBLIC, SIGNATURE[:32] + scalar.to_bytes(32, "little"), b"abc")


@pytest.mark.parametrize(
    "key",
    [
        (2**255 - 19).to_bytes(32, "little"),  # a coordinate beyond the field
        (2).to_bytes(32, "little"),  # no point has it
        (1 | 1 << 255).to_bytes(32, "little"),  # x = 0 with a sign
    ],
)
def test_bytes_that_are_no_point(key: bytes) -> None:
    assert not verify(key, SIGNATURE, b"abc")


def test_plain_signatures_are_others() -> None:
    assert not verify(PUBLIC, Ed25519PrivateKey.from_private_bytes(SEED).sign(b"abc"), b"abc")
