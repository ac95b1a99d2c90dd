"""A partition in the hands of a verb: locked, recovered, its slot's books open. For verbs that put in or take out.

What a worker does at its start and its end is done here too, but for sending: the account of the slot is closed against what the partition
holds, and when the verb is done the state file says what came, what ended and what is left. So whoever takes the partition next, the slot's own
worker or one that adopts it, goes on with books that add up.

Invariants: nothing is touched without the partition's lock, which a relay that runs keeps to itself; each record that goes ends
in the books before it leaves the disk; files belong to the relay's user, or nothing is done.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from scrubjay import reasons
from scrubjay.categories import DataCategory, Quantities
from scrubjay.cli.spool_folder import SpoolFolder
from scrubjay.core.client_reports import ClientReports
from scrubjay.core.ledger import Booking, Ledger, Parcel
from scrubjay.core.reporting import pack_reports
from scrubjay.core.spool_format import Record
from scrubjay.errors import ConfigError, SpoolError, Unavailable
from scrubjay.outcomes import Reason
from scrubjay.runtime.forwarding.parcel_record import decode_facts, encode_record, owner_of
from scrubjay.runtime.names import new_id
from scrubjay.runtime.spool.partition import Partition
from scrubjay.runtime.spool.types import Damaged, SpoolEvent, StoredRecord
from scrubjay.runtime.spool_opening import open_spool
from scrubjay.runtime.state import StateFile
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.settings.schema import Settings
from scrubjay.settings.spool import Envelopes

STAGE: Final = "spool"
_WINDOW_BYTES: Final = 8 * 1024 * 1024


class Hands:
    """`heard` is what the partition tells of while it is held; `ledger` books what comes and goes."""

    def __init__(self, partition: Partition, settings: Settings, file: StateFile, heard: list[SpoolEvent]) -> None:
        self.partition = partition
        self.lost_records = 0
        self.put_records = 0
        self._heard = heard
        self._file = file
        self._telemetry = Telemetry(file.slot, previous=file.load())
        self._reports = ClientReports() if settings.outcomes.emit_outcomes else None
        self.ledger = Ledger(self._telemetry, self._reports)
        self._held: dict[DataCategory, int] = {}

    @property
    def name(self) -> str:
        return f"p{self.partition.slot:02d}"

    async def close_account(self, lost_records: int) -> None:
        """Counts what is there. What the books have beyond it went with records that were lost, before or just now, if there are such."""
        async for record in self.records():
            self._count(decode_facts(record.meta).quantities, 1)
        damaged = [event.records for event in self._heard if isinstance(event, Damaged)]
        self.lost_records = lost_records + sum(damaged)
        self._telemetry.close_account(self._holds()["spool"], self.lost_records)

    def _count(self, quantities: Quantities, sign: int) -> None:
        for category, amount in quantities:
            self._held[category] = self._held.get(category, 0) + sign * amount

    def _holds(self) -> dict[str, Quantities]:
        return {"spool": tuple((category, amount) for category, amount in self._held.items() if amount)}

    async def records(self) -> AsyncIterator[StoredRecord]:
        """What was there at first and waits, oldest first."""
        after = 0
        while part := await self.partition.read(after, _WINDOW_BYTES, self.partition.next_sequence_at_start, raw=None):
            for record in part:
                yield record
            after = part[-1].sequence

    def end(self, record: StoredRecord, reason: Reason) -> None:
        """Books the end of a record, and takes it out."""
        quantities = decode_facts(record.meta).quantities
        account = owner_of(record.meta, time.time())
        self.ledger.book(Booking(reason, quantities, account, stage=STAGE, size_bytes=len(record.body)))
        self._count(quantities, -1)
        self.partition.acknowledge(record.sequence)

    # As an outbox of the path

    def has_capacity(self) -> bool:
        return self.partition.has_capacity

    async def put(self, parcel: Parcel) -> None:
        """Keeps a parcel that the ledger knows already. Raises `Unavailable` if there is no room."""
        await self._append(parcel)

    async def hold(self, parcel: Parcel) -> None:
        """As `put`, for one that a relay has to process first, when it knows the configuration."""
        await self._append(parcel, raw=True)

    async def _append(self, parcel: Parcel, *, raw: bool = False) -> None:
        assert raw == (parcel.raw is not None)
        try:
            await self.partition.append((encode_record(parcel),), raw=raw)
        except SpoolError as error:
            raise Unavailable(reasons.QUEUE_FAILED, str(error)) from error
        self._count(parcel.quantities, 1)
        self.put_records += 1

    async def take_over(self, records: Sequence[Record]) -> None:
        """Keeps records as another relay's spool had them. Raises `SpoolError`."""
        await self.partition.append(records)
        for meta, _ in records:
            quantities = decode_facts(meta).quantities
            self.ledger.receive("", quantities)
            self._count(quantities, 1)
        self.put_records += len(records)

    async def close(self) -> None:
        """Reports of what was lost wait with the rest; then the books are closed, then the partition."""
        try:
            if self._reports is not None:
                dues = self._reports.take()
                for parcel in pack_reports(dues, self.ledger, now_unix=time.time(), new_id=new_id):
                    try:
                        await self.put(parcel)
                    except Unavailable as error:
                        self.ledger.end(parcel, error.reason, now_unix=time.time(), stage=STAGE, detail=str(error))
            snapshot = self._telemetry.snapshot(self._holds(), stopped=True)
            if snapshot.account:
                self._file.write(snapshot)
        except OSError as error:
            raise SpoolError(f"the state file cannot be written: {error.strerror}") from error
        finally:
            await self.partition.close()


@asynccontextmanager
async def hold(
    folder: SpoolFolder,
    slot: int | None = None,
    *,
    at_least: int = 0,
    max_bytes: int | None = None,
    lost_records: int = 0,
) -> AsyncIterator[Hands]:
    """Partition `slot`, or the lowest free one from `at_least` on. `max_bytes` is what it may grow to.

    Raises `SpoolLocked` if a process has it, `SpoolError` or `ConfigError` if it cannot be used.
    """
    logging.getLogger("scrubjay").addHandler(logging.NullHandler())  # what is lost is told in the verb's own words
    settings = folder.loaded.settings
    check_user(folder.root)
    heard: list[SpoolEvent] = []
    partition = await open_spool(_options(settings.spool.envelopes, max_bytes), heard.append, slot, at_least=at_least)
    assert partition is not None
    assert settings.relay.state_dir is not None, "resolve() fills it in"
    try:
        hands = Hands(partition, settings, StateFile(Path(settings.relay.state_dir), partition.slot), heard)
        await hands.close_account(lost_records)
    except BaseException:
        await partition.close()
        raise
    try:
        yield hands
    finally:
        await hands.close()


def _options(envelopes: Envelopes, max_bytes: int | None) -> Envelopes:
    """Nothing that waits is given up for what a verb puts in."""
    bound = envelopes.max_disk_size if max_bytes is None else max_bytes
    return replace(envelopes, when_full="reject", max_disk_size=bound)


def check_user(root: Path) -> None:
    """Files that root makes cannot be read by the relay's user. Raises `ConfigError`."""
    try:
        owner = root.stat().st_uid
    except FileNotFoundError:
        return
    if owner != os.geteuid():
        raise ConfigError(f"{root} belongs to user {owner}, and so must what is put there: run this as that user")
