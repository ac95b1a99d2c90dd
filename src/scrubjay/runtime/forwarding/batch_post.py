"""Parcels to another scrubjay, many in one request, and what its answer means for each (`upstream-and-operations.md` 8.3).

Owns how a batch is written, compressed and signed, the table of answers, and how much travels together. What the server is able to do
is `discovery`'s, its bytes `core.batch_format`'s; waiting, repeating and booking are the dispatcher's.

Invariants: as long as nobody knows whether a batch arrived, it is sent again under the same id with the same records; any other
batch has an id of its own. Whoever does not take batches gets plain envelopes, unless `http.batch` forbids it: then all waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha512
from http import HTTPStatus
from typing import Final, Literal, Protocol
from uuid import uuid4
from weakref import WeakSet

from zstandard import ZstdCompressor

from scrubjay.core.batch_format import BATCH_ID_BYTES, BATCH_PATH, CONTENT_TYPE, BatchReply, RecordError, encode_batch
from scrubjay.core.envelope import decode_json
from scrubjay.core.header_rules import parse_time
from scrubjay.core.ledger import Parcel
from scrubjay.core.limits import wire_reason
from scrubjay.core.signatures import Signer
from scrubjay.core.spool_format import Record
from scrubjay.errors import Divide, Refused, Throttled, Transient, UpstreamError
from scrubjay.reasons import UPSTREAM_REJECTED, UPSTREAM_TOO_LARGE
from scrubjay.runtime.forwarding import discovery
from scrubjay.runtime.forwarding.compression import COMPRESSORS
from scrubjay.runtime.forwarding.discovery import Dictionary, Discovery, Offer
from scrubjay.runtime.forwarding.http_reply import Reply
from scrubjay.runtime.forwarding.parcel_record import encode_meta
from scrubjay.runtime.forwarding.shipment import Grouping, Shipment, Waiting

Mode = Literal["auto", "off", "require"]

LIVE_RECORDS: Final = 256
BACKLOG_RECORDS: Final = 1000
LINGER_S: Final = 0.05
LONGEST_LINGER_S: Final = 0.25
"""Where the server takes longer than `LINGER_S` for a batch, the next waits for company as long: fewer and larger ones are less work."""
TARGET_WIRE_BYTES: Final = 1024 * 1024
MOST_RAW_BYTES: Final = 4 * 1024 * 1024
"""Of bodies, before compression."""
FRUGAL_RAW_BYTES: Final = 1024 * 1024
_AT_ONCE: Final = 4
_FIRST_RATIO: Final = 3.0
_MEMORY: Final = 0.8
"""Of what was, beside what is, in the running means."""

_WORK_S: Final = 0.01
"""What a busy gateway may take for a record, beyond what it has for a request."""

_ROUTE: Final = "batch"
_LEVEL: Final = 3
_DICTIONARY_BELOW: Final = 8
"""Records; what is in a larger batch is dictionary enough."""
_IN_THREAD_FROM_BYTES: Final = 64 * 1024
_RECORDS_IN_ROW: Final = 64
"""So many are written before others have a turn."""
_TRIES_AS_ONE: Final = 2
"""Answers 500 and the like, until the record that brings them on is searched for."""
_THROTTLED_S: Final = 60.0

_UNTOLD: Final = RecordError(0, 0, "")
_PASSING: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
_LOST: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
_NOT_FROM_US: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class Line(discovery.Line, Protocol):
    """The way to the server; `runtime.upstream` is the real one."""

    on_batch_offer: Callable[[], None]

    def rewritten(self, parcel: Parcel, waited_s: float) -> bytes: ...

    def transient(self, reply: Reply) -> Transient | None: ...

    def retry_after_s(self, reply: Reply) -> float | None: ...

    def learn(self, parcel: Parcel, rate_limits: str) -> None: ...

    def deny(self, parcel: Parcel, status: int) -> None: ...


class Listener(Protocol):
    on_change: Callable[[], None]


class Observer(discovery.Observer, Protocol):
    def batch(self, envelopes: int, size_bytes: int) -> None: ...


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """The settings that matter here. `scrubs`: all that leaves has been through our scrubbing. `frugal`: memory is scarce."""

    mode: Mode = "auto"
    encoding: str = "zstd"
    uses_dictionary: bool = False
    scrubs: bool = True
    frugal: bool = False


class BatchPost:
    """Batches to one upstream.

    `grouping` says how parcels are to be put together; None: one by one, as if there were no batches.
    """

    def __init__(
        self,
        line: Line,
        observer: Observer,
        options: BatchOptions = BatchOptions(),
        *,
        signer: Signer | None = None,
        now_unix: Callable[[], float] = time.time,
        now_mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line = line
        self._observer = observer
        self._options = options
        self._signer = signer
        self._now_unix = now_unix
        self._is_started = False
        self._ratio = _FIRST_RATIO
        self._took_s = 0.0
        self._discovery = Discovery(
            line,
            observer,
            can_sign=signer is not None,
            on_change=self._tell,
            wants_dictionary=options.uses_dictionary,
            now_mono=now_mono,
        )
        self.grouping: Grouping | None = None
        self._listeners: WeakSet[Listener] = WeakSet()
        self._group()
        line.on_batch_offer = self._discovery.heard

    def listen(self, listener: Listener) -> None:
        """Who hears, for as long as somebody else keeps it, that batches have become possible or are no longer."""
        self._listeners.add(listener)

    def start(self) -> None:
        """Asks whether there may be batches, until `close`."""
        self._is_started = True
        if self._options.mode != "off":
            self._discovery.start()

    def reconfigure(self, options: BatchOptions) -> None:
        before, self._options = self._options, options
        self._discovery.wants_dictionary = options.uses_dictionary
        if before == options:
            return
        self._discovery.stop()
        if self._is_started:
            self.start()
        self._tell()

    def came_back(self) -> None:
        """After an outage it may be another server."""
        self._discovery.doubt()

    def close(self) -> None:
        """Asks no more, and knows of no batches; it may be started again."""
        self._is_started = False
        self._discovery.stop()

    def _tell(self) -> None:
        self._group()
        for listener in tuple(self._listeners):
            listener.on_change()

    def _group(self) -> None:
        offer = self._discovery.offer
        if offer is None:
            self.grouping = Grouping(requests=0) if self._options.mode == "require" else None
            return
        self.grouping = Grouping(
            kind="batch",
            live_records=min(LIVE_RECORDS, offer.records),
            backlog_records=min(BACKLOG_RECORDS, offer.records),
            most_bytes=int(self._most_bytes(offer)),
            linger_s=max(LINGER_S, self._took_s),
            requests=_AT_ONCE // 2 if self._options.frugal else _AT_ONCE,
        )

    def _most_bytes(self, offer: Offer) -> float:
        """Bodies that compress to about a mebibyte, if they are like those before."""
        wire_bytes = min(TARGET_WIRE_BYTES, offer.wire_bytes)
        most_bytes = FRUGAL_RAW_BYTES if self._options.frugal else MOST_RAW_BYTES
        return min(wire_bytes * self._ratio, most_bytes, offer.decoded_bytes / 2)

    # Sending

    async def send(self, shipment: Shipment, now_mono: float) -> Sequence[UpstreamError | None]:
        """The fate of each member. Raises `Transient` or `Divide`."""
        batch_id, count = _id_of(shipment), len(shipment.members)
        while (offer := self._discovery.offer) is not None:
            encoding, dictionary = self._coding(offer, count)
            data = encode_batch(
                batch_id, await self._records(shipment.members, now_mono), scrubbed=self._options.scrubs
            )
            raw_bytes = len(data)
            wire, digest = await _pack(data, encoding, dictionary)
            del data  # while the server works, this much less is in memory
            if len(wire) > offer.wire_bytes or raw_bytes > offer.decoded_bytes:
                raise Divide("larger than the upstream takes")
            headers = self._headers(encoding, dictionary, len(wire), digest)
            work_s = count * _WORK_S
            reply, took_s = await self._line.call(_ROUTE, "POST", BATCH_PATH, headers, wire, work_s=work_s)
            if reply.status != HTTPStatus.UNSUPPORTED_MEDIA_TYPE or not self._discovery.step_down():
                break
            self._observer.upstream_request(
                "encoding", reply.status, took_s, route=_ROUTE, detail=f"{encoding} refused"
            )
        else:
            raise self._apart("the upstream takes no batches")
        try:
            fates = self._read(reply, batch_id, shipment.members)
        except UpstreamError as error:
            result = "unavailable" if isinstance(error, Transient) and error.network else "refused"
            self._observer.upstream_request(result, reply.status, took_s, route=_ROUTE, detail=str(error))
            raise
        self._ratio += (1 - _MEMORY) * (raw_bytes / len(wire) - self._ratio)
        self._took_s += (1 - _MEMORY) * (min(took_s, LONGEST_LINGER_S) - self._took_s)
        self._group()
        self._observer.upstream_request("ok", reply.status, took_s, route=_ROUTE)
        self._observer.batch(count, len(wire))
        return fates

    async def _records(self, members: Sequence[Waiting], now_mono: float) -> list[Record]:
        records: list[Record] = []
        for waiting in members:
            parcel = waiting.parcel
            body = self._line.rewritten(parcel, now_mono - waiting.since_mono)
            records.append(Record(encode_meta(parcel, _drift_ms(parcel)), body))
            if not len(records) % _RECORDS_IN_ROW:
                await asyncio.sleep(0)
        return records

    def _coding(self, offer: Offer, records: int) -> tuple[str, Dictionary | None]:
        """What the operator wants, if the server knows it; else the best of what it knows."""
        wish = self._options.encoding
        encoding = wish if wish in offer.encodings else offer.encodings[0]
        return encoding, offer.dictionary if encoding == "zstd" and records < _DICTIONARY_BELOW else None

    def _headers(self, encoding: str, dictionary: Dictionary | None, length: int, digest: bytes) -> str:
        lines = f"Content-Type: {CONTENT_TYPE}\r\nContent-Length: {length}\r\n"
        if encoding != "identity":
            lines += f"Content-Encoding: {encoding}\r\n"
        if dictionary is not None:
            lines += f"X-Scrubjay-Dict: {dictionary.name}\r\n"
        return lines if self._signer is None else lines + self._signer.lines(digest, self._now_unix())

    # The answer

    def _read(self, reply: Reply, batch_id: bytes, members: Sequence[Waiting]) -> list[UpstreamError | None]:
        """The fate of each member. Raises what the answer means for all of them."""
        if not 200 <= reply.status < 300:
            raise self._judge(reply, members)
        try:
            said = BatchReply.decode(reply.body, batch_id, len(members))
        except ValueError as error:
            self._discovery.doubt()
            detail = f"{reply.status} and no reply to the batch: {error}"
            raise Transient(detail, status=reply.status, network=False, ambiguous=True) from error
        parcels = {waiting.parcel.key: waiting.parcel for waiting in members}
        for key, value in said.rate_limits:
            if key in parcels:
                self._line.learn(parcels[key], value)
        errors = {error.index: error for error in said.errors}
        return [
            None if acked else self._fate(waiting.parcel, errors.get(index, _UNTOLD), for_good=dropped)
            for index, (waiting, acked, dropped) in enumerate(zip(members, said.acked, said.dropped, strict=True))
        ]

    def _fate(self, parcel: Parcel, error: RecordError, *, for_good: bool) -> UpstreamError:
        detail = f"{error.status} {error.reason}".strip()
        if not for_good:
            is_fault = error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and error.status not in _PASSING
            return Transient(
                detail, status=error.status, retry_after_s=error.retry_after_s, network=False, capped=is_fault
            )
        if error.status == HTTPStatus.TOO_MANY_REQUESTS:
            return Throttled(wire_reason(error.reason) or "generic", status=error.status)
        if error.status in _NOT_FROM_US:
            self._line.deny(parcel, error.status)
        reason = UPSTREAM_TOO_LARGE if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else UPSTREAM_REJECTED
        return Refused(detail, reason, status=error.status)

    def _judge(self, reply: Reply, members: Sequence[Waiting]) -> UpstreamError:
        """What an answer other than 2xx means for the batch."""
        status = reply.status
        if status == HTTPStatus.BAD_REQUEST:
            return Divide(reply.detail(), status=status)
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            self._discovery.halve()
            self._group()
            return Divide(reply.detail(), status=status)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            wait_s = self._line.retry_after_s(reply)
            wait_s = _THROTTLED_S if wait_s is None else wait_s
            return Transient(reply.detail(), status=status, retry_after_s=wait_s, network=False)
        if status in _NOT_FROM_US:
            self._discovery.refused()
            return self._apart(reply.detail(), status)
        passing = None if status in _LOST else self._line.transient(reply)
        if passing is None:
            self._discovery.lost()
            return self._apart(reply.detail(), status)
        if passing.capped and len(members) > 1 and max(waiting.faults for waiting in members) >= _TRIES_AS_ONE:
            return Divide(reply.detail(), status=status)
        return passing

    def _apart(self, detail: str, status: int | None = None) -> UpstreamError:
        """Without batches: as plain envelopes, or, where that is not wanted, later."""
        if self._options.mode == "require":
            return Transient(detail, status=status, network=False)
        return Divide(detail, status=status, apart=True)

    def __repr__(self) -> str:
        return f"<BatchPost {self._options.mode} {self._discovery!r}>"


def _id_of(shipment: Shipment) -> bytes:
    """16 bytes, the same for as long as the shipment and its members are. Members can end while a batch waits to be sent again."""
    if not shipment.batch_id:
        shipment.batch_id = uuid4().bytes
    digest = blake2b(shipment.batch_id, digest_size=BATCH_ID_BYTES)
    for waiting in shipment.members:
        digest.update(waiting.parcel.id.encode())
    return digest.digest()


def _drift_ms(parcel: Parcel) -> int | None:
    """How much later than its `sent_at` the parcel was received; None without one."""
    end = parcel.body.find(b"\n")
    line = parcel.body if end < 0 else parcel.body[:end]
    if b"sent_at" not in line:
        return None
    try:
        headers = decode_json(line)
        sent = parse_time(headers.get("sent_at")) if isinstance(headers, dict) else None
    except ValueError:
        return None
    return None if sent is None else int(parcel.received_unix * 1000) - round(sent.timestamp() * 1000)


async def _pack(data: bytes, encoding: str, dictionary: Dictionary | None) -> tuple[bytes, bytes]:
    """The body as it is sent, and the digest that is signed."""
    if len(data) < _IN_THREAD_FROM_BYTES:
        return _compressed(data, encoding, dictionary), sha512(data).digest()
    run = asyncio.get_running_loop().run_in_executor
    return await run(None, lambda: (_compressed(data, encoding, dictionary), sha512(data).digest()))


def _compressed(data: bytes, encoding: str, dictionary: Dictionary | None) -> bytes:
    if encoding != "zstd":
        return COMPRESSORS[encoding](data)
    known = None if dictionary is None else dictionary.zstd
    return ZstdCompressor(level=_LEVEL, write_checksum=True, dict_data=known).compress(data)
