"""Where other relays send batches, and where they learn that they may (`upstream-and-operations.md` 8.3).

Owns the way from bytes on the wire to a proven batch, and the words of refusals. What becomes of its records is `gateway.receiver`'s.
Invariants: nothing of a batch is kept decoded before its sender is proven and there is room for it; no more of a bomb is decoded than
the bound allows; decoding, hashing and checking run in a thread.
"""

from __future__ import annotations

import asyncio
import logging
import time
from hashlib import sha512
from typing import Final, NamedTuple

from zstandard import ZstdCompressionDict

from scrubjay import __version__, reasons
from scrubjay.core.batch_format import (
    BATCH_PATH,
    CAPABILITIES_PATH,
    CONTENT_TYPE,
    DICTIONARY_PATH,
    Batch,
    BatchBounds,
    Capabilities,
    decode_batch,
)
from scrubjay.core.envelope import encode_json
from scrubjay.core.inflate import inflate, measure
from scrubjay.core.ports import Ports
from scrubjay.errors import BadRequest, BatchError, BatchTooLarge, TooLarge
from scrubjay.runtime.endpoints.common import Request, chain_reader, read_wire
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.replies import JSON, Reply
from scrubjay.runtime.gateway.arrivals import Surroundings
from scrubjay.runtime.gateway.dictionaries import Dictionary, read_dictionaries
from scrubjay.runtime.gateway.receiver import Receiver, fingerprint
from scrubjay.runtime.gateway.senders import Claim, Sender, Senders, takes_batches
from scrubjay.runtime.log import LimitedLog
from scrubjay.settings.schema import Settings

HINT: Final = "X-Scrubjay-Batch: 1\r\n"
"""In answers to envelopes: whoever sends many of them may ask what else is taken."""

_CAPABILITIES_HEADER: Final = "X-Scrubjay: 1\r\n"
_DICTIONARY_HEADER: Final = "X-Scrubjay-Dict"
_ENCODINGS: Final = ("zstd", "gzip", "identity")
_DECODED_RATIO: Final = 4
_PROVEN_AT_ONCE: Final = 2
"""Who has proven nothing yet may not take all threads for what has to be decoded to find out."""
_COPIES: Final = 2
"""A batch is in memory as one text and as records."""


def routes(settings: Settings, ports: Ports, receiver: Receiver) -> list[Route]:
    """None where no batch would be taken: whoever asks is told that there is nothing here."""
    if not takes_batches(settings):
        return []
    gateway = _Gateway(settings, ports, receiver)
    return [
        Route("GET", CAPABILITIES_PATH, gateway.capabilities, "capabilities"),
        Route("POST", BATCH_PATH, gateway.batch, "batch"),
        Route("GET", DICTIONARY_PATH + "{name}", gateway.dictionary, "dictionary"),
    ]


class _Opened(NamedTuple):
    """A batch whose sender is proven. `contents`: its `fingerprint`."""

    batch: Batch
    contents: bytes


class _Coding(NamedTuple):
    """How a batch was compressed; no name: not at all."""

    name: str
    dictionary: ZstdCompressionDict | None = None


class _Gateway:
    def __init__(self, settings: Settings, ports: Ports, receiver: Receiver) -> None:
        self._ports = ports
        self._receiver = receiver
        self._senders = Senders(settings)
        self._max_wire_bytes = settings.gateway.max_batch_bytes
        self._bounds = BatchBounds(settings.gateway.max_batch_envelopes, _DECODED_RATIO * self._max_wire_bytes)
        self._max_wait_s = settings.spool.envelopes.max_envelope_delay_secs
        self._chain = chain_reader(settings.relay.trusted_proxies)
        self._dictionaries = read_dictionaries(settings.spool.envelopes.path)
        self._proving = asyncio.Semaphore(_PROVEN_AT_ONCE)
        self._log = LimitedLog("gateway")
        self._told = Capabilities(
            __version__,
            encodings=_ENCODINGS,
            max_batch_bytes=self._max_wire_bytes,
            max_batch_envelopes=self._bounds.records,
            max_decompressed_bytes=self._bounds.decoded_bytes,
            dictionaries=tuple(self._dictionaries),
            requires_auth=self._senders.need_proof,
        ).encode()

    async def capabilities(self, _: Request) -> Reply:
        return Reply(200, self._told, JSON, _CAPABILITIES_HEADER)

    async def batch(self, request: Request) -> Reply:
        """In the order of what it costs: headers, room, body, proof, contents."""
        headers, ports = request.headers, self._ports
        if headers.get("Content-Type", "").partition(";")[0].strip().lower() != CONTENT_TYPE:
            raise BadRequest(reasons.CONTENT_TYPE, "not a batch")
        if (request.encoding or "identity") not in _ENCODINGS:
            raise BadRequest(reasons.CONTENT_ENCODING)
        dictionary = self._dictionary(request)
        claim = self._senders.claim(headers)
        self._receiver.check_room(ports)
        wire = await read_wire(request, self._max_wire_bytes, ports.bounds.body_idle_timeout)
        if dictionary is not None and not dictionary.is_named_by(wire):
            raise BadRequest(reasons.CONTENT_ENCODING)
        coding = _Coding(request.encoding, None if dictionary is None else dictionary.zstd)
        try:
            async with self._proving:
                sender, size_bytes = await asyncio.to_thread(self._prove, claim, coding, wire)
            await request.share.grow(len(wire) + _COPIES * size_bytes, ports.bounds.body_idle_timeout)
            opened = await asyncio.to_thread(self._open, coding, wire, size_bytes)
        except (BatchError, TooLarge) as error:
            return self._refused(request, error)
        except BadRequest as error:
            if error.reason is not reasons.INVALID_BODY:
                raise
            return self._refused(request, BatchError("; ".join((error.detail, *error.causes)), offset=0, record=0))
        del wire
        around = Surroundings(sender, request.remote, self._chain, ports.bounds.max_envelope_size, self._max_wait_s)
        reply = await self._receiver.take(opened.batch, opened.contents, around, ports)
        return Reply(200, reply.encode(), JSON)

    def _dictionary(self, request: Request) -> Dictionary | None:
        """The one that the request names. Raises `BadRequest` for one that is not here."""
        name = request.headers.get(_DICTIONARY_HEADER)
        if name is None:
            return None
        found = self._dictionaries.get(name)
        if found is None or request.encoding != "zstd":
            raise BadRequest(reasons.CONTENT_ENCODING)
        return found

    async def dictionary(self, request: Request) -> Reply:
        found = self._dictionaries.get(request.match_info["name"])
        return Reply(404) if found is None else Reply(200, found.data, "application/octet-stream")

    def _prove(self, claim: Claim, coding: _Coding, wire: bytes) -> tuple[Sender, int]:
        """Who sent it, and how long it is when decoded; nothing of it is kept."""
        digest = sha512()
        if coding.name:
            size_bytes = measure(coding.name, wire, self._bounds.decoded_bytes, digest.update, coding.dictionary)
        else:
            size_bytes = len(wire)
            digest.update(wire)
        return self._senders.prove(claim, digest.digest(), time.time()), size_bytes

    def _open(self, coding: _Coding, wire: bytes, size_bytes: int) -> _Opened:
        data = inflate(coding.name, wire, size_bytes, coding.dictionary) if coding.name else wire
        batch = decode_batch(data, self._bounds)
        return _Opened(batch, fingerprint(batch.records))

    def _refused(self, request: Request, error: BatchError | TooLarge) -> Reply:
        """400, or 413 for what is over a bound, with the place where reading ended."""
        is_large = isinstance(error, BatchTooLarge | TooLarge)
        detail, offset, record = str(error), 0, 0
        if isinstance(error, BatchError):
            offset, record = error.offset, error.record
        facts = {"peer": request.remote, "offset": offset, "record": record}
        self._log.line(logging.WARNING, f"refused/{request.remote}", f"a batch was refused: {detail}", facts)
        document = {"detail": detail, "offset": offset, "record": record}
        return Reply(413 if is_large else 400, encode_json(document), JSON)
