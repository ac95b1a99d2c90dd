"""A relay that sends batches, written by hand from the specification: bytes, checksums and signatures of its own.

Shares no code with the program, so that a mistake made on both sides of the wire shows.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import struct
import uuid
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from support.raw_http import Answer, exchange, request

KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
PATH = "/api/scrubjay/batch/v1/"
CAPABILITIES = "/api/scrubjay/capabilities/"
ENCODERS = {
    "zstd": lambda data: zstandard.ZstdCompressor(level=3, write_checksum=True).compress(data),
    "gzip": gzip.compress,
    "identity": lambda data: data,
}


@dataclass(frozen=True)
class Identity:
    """A relay with its key."""

    id: str
    key: Ed25519PrivateKey

    @property
    def public_key(self) -> str:
        return _text(self.key.public_key().public_bytes_raw())

    def headers(self, body: bytes, at: datetime | None = None) -> dict[str, str]:
        """Of a request whose decoded body is `body`."""
        moment = (at or datetime.now(UTC)).isoformat(timespec="microseconds").replace("+00:00", "Z")
        header = json.dumps({"t": moment}, separators=(",", ":")).encode()
        signed = self.key.sign(header + b"\0" + hashlib.sha512(body).digest())
        return {"X-Sentry-Relay-Id": self.id, "X-Sentry-Relay-Signature": f"{_text(signed)}.{_text(header)}"}


def identity(number: int = 1) -> Identity:
    return Identity(str(uuid.UUID(int=number, version=4)), Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def gateway_options(*relays: Identity, internal: bool = True, **gateway: Any) -> dict[str, Any]:
    """Settings of a gateway that knows these relays."""
    known = {relay.id: {"public_key": relay.public_key, "internal": internal} for relay in relays}
    return {"auth": {"static_relays": known}, "gateway": gateway}


def record(meta: bytes | Mapping[str, Any], body: bytes) -> bytes:
    data = meta if isinstance(meta, bytes) else json.dumps(meta, separators=(",", ":")).encode()
    inner = struct.pack("<H", len(data)) + data + body
    return struct.pack("<I", len(inner) + 4) + inner + struct.pack("<I", zlib.crc32(inner))


def batch(records: Sequence[bytes], batch_id: bytes | None = None, *, count: int | None = None) -> bytes:
    """The body before compression. `count`: another number of records than there are."""
    number = len(records) if count is None else count
    head = struct.pack("<4sBBH16sI", b"SJB1", 1, 1, 32, batch_id or uuid.uuid4().bytes, number)
    return head + struct.pack("<I", zlib.crc32(head)) + b"".join(records) + struct.pack("<4sI", b"SJBE", number)


def event(number: int, header: Mapping[str, Any] | None = None, payload: bytes | None = None) -> bytes:
    data = json.dumps({"message": f"m{number}"}).encode() if payload is None else payload
    members = {"event_id": f"{number:032x}", **(header or {})}
    return b"%b\n%b\n%b\n" % (
        json.dumps(members).encode(),
        json.dumps({"type": "event", "length": len(data)}).encode(),
        data,
    )


def meta(number: int, **members: Any) -> dict[str, Any]:
    """Facts of record `number`; a member that is None is left out."""
    facts = {
        "k": KEY,
        "p": "7",
        "r": int(datetime.now(UTC).timestamp() * 1000),
        "d": f"{number + 0xD0000:032x}",
        "e": f"{number:032x}",
        "c": {"error": 1},
        "i": ["event"],
        **members,
    }
    return {name: value for name, value in facts.items() if value is not None}


def events(*numbers: int, **members: Any) -> list[bytes]:
    return [record(meta(number, **members), event(number)) for number in numbers]


@dataclass
class BatchClient:
    """Sends to one gateway. `sender` None: says nothing of who it is."""

    port: int
    sender: Identity | None

    async def send(
        self,
        body: bytes,
        encoding: str = "zstd",
        *,
        wire: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return await exchange(self.port, self.request(body, encoding, wire=wire, headers=headers))

    def request(
        self,
        body: bytes,
        encoding: str = "zstd",
        *,
        wire: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        named = {"Content-Type": "application/x-scrubjay-batch"}
        if encoding != "identity":
            named["Content-Encoding"] = encoding
        if self.sender is not None:
            named |= self.sender.headers(body)
        return request("POST", PATH, ENCODERS[encoding](body) if wire is None else wire, {**named, **(headers or {})})


def bits(text: str) -> list[int]:
    """Which records a map names."""
    packed = base64.b64decode(text, validate=True)
    return [index for index in range(8 * len(packed)) if packed[index >> 3] >> (index & 7) & 1]


def acked(answer: Answer) -> list[int]:
    assert answer.status == 200, answer
    return bits(_document(answer)["ack"])


def dropped(answer: Answer) -> list[int]:
    assert answer.status == 200, answer
    return bits(_document(answer)["drop"])


def errors(answer: Answer) -> dict[int, tuple[int, str]]:
    return {entry["i"]: (entry["status"], entry["reason"]) for entry in _document(answer).get("errors", [])}


def _document(answer: Answer) -> dict[str, Any]:
    document = answer.json
    assert isinstance(document, dict)
    return document


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
