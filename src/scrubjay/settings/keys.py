"""Ed25519 keys and relay ids as text: what is accepted, and the one form that is written (`upstream-and-operations.md` 4.1).

Text is URL-safe base64 without padding, or PEM. What the keys are good for is `core.signatures`'s. The cryptography package is imported
only where a key is derived or PEM is read, which no start of a relay without credentials does.
"""

from __future__ import annotations

import base64
import re
import uuid
from typing import Final

SEED_BYTES: Final = 32
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_PEM: Final = "-----BEGIN"


class BadKey(ValueError):
    """A text that is no key. The message never holds the text; `accepted` says what would do."""

    def __init__(self, problem: str, accepted: str = "") -> None:
        super().__init__(problem)
        self.accepted = accepted


def encode(data: bytes) -> str:
    """URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes that `encode` writes so, and no other spelling of them. Raises `BadKey`."""
    if _BASE64URL.fullmatch(text) is None or len(text) % 4 == 1:
        raise BadKey("bad encoding", "URL-safe base64 without padding")
    decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(decoded) != text:
        raise BadKey("bad encoding", "URL-safe base64 without padding, its last bits 0")
    return decoded


def read_public_key(text: str) -> bytes:
    """32 bytes. Raises `BadKey`."""
    if text.lstrip().startswith(_PEM):
        return _public_key_of_pem(text)
    return _of_length(decode(text), SEED_BYTES)


def read_secret_key(text: str) -> bytes:
    """The seed, 32 bytes, whether or not its public half follows it. Raises `BadKey`."""
    if text.lstrip().startswith(_PEM):
        return _seed_of_pem(text)
    decoded = _of_length(decode(text), SEED_BYTES, 2 * SEED_BYTES)
    seed, appended = decoded[:SEED_BYTES], decoded[SEED_BYTES:]
    if appended and appended != public_key_of(seed):
        raise BadKey("bad key: its public half does not belong to it")
    return seed


def public_key_of(seed: bytes) -> bytes:
    """32 bytes for 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - slow to import

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def read_relay_id(text: str) -> str:
    """A UUID, dashed, in lower case. Raises `BadKey`."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise BadKey("no UUID") from None


def _public_key_of_pem(text: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        key = load_pem_public_key(text.strip().encode())
    except Exception:  # noqa: BLE001  each kind of damage has its own exception there
        raise BadKey("bad encoding", "PEM of an Ed25519 public key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadKey("bad key", "an Ed25519 public key")
    return key.public_bytes_raw()


def _seed_of_pem(text: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(text.strip().encode(), password=None)
    except Exception:  # noqa: BLE001
        raise BadKey("bad encoding", "PEM of an Ed25519 private key, not encrypted") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey("bad key", "an Ed25519 private key")
    return key.private_bytes_raw()


def _of_length(decoded: bytes, *lengths: int) -> bytes:
    if len(decoded) not in lengths:
        raise BadKey("bad key", " or ".join(f"{length} bytes" for length in lengths))
    return decoded
