"""Spools on a real disk, filled as a relay fills them, for the verbs that look into them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from scrubjay.categories import DataCategory
from scrubjay.core.ledger import Parcel
from scrubjay.core.spool_format import Record
from scrubjay.runtime.forwarding.parcel_record import encode_record
from scrubjay.runtime.spool.partition import Partition
from scrubjay.runtime.spool.types import SpoolOptions

KEY = "a94ae32be2584e0bbd7a4cbb95971fee"
OTHER_KEY = "b" * 32


def envelope(number: int, *, message: str = "hi", **header: object) -> bytes:
    """One event; `number` is in its id."""
    event = json.dumps({"event_id": f"{number:032x}", "message": message}).encode()
    head = json.dumps({"event_id": f"{number:032x}", **header}).encode()
    return head + b'\n{"type":"event","length":%d}\n%b\n' % (len(event), event)


def parcel(number: int, *, key: str = KEY, project_id: int = 42, received_unix: float | None = None) -> Parcel:
    return Parcel(
        id=f"{number:032x}",
        key=key,
        project_id=project_id,
        body=envelope(number),
        quantities=((DataCategory.ERROR, 1),),
        received_unix=time.time() if received_unix is None else received_unix,
        event_id=f"{number:032x}",
        item_types=("event",),
        revision="r1",
        client="test/1",
    )


def records(numbers: Iterable[int], *, key: str = KEY, project_id: int = 42) -> list[Record]:
    return [encode_record(parcel(number, key=key, project_id=project_id)) for number in numbers]


def fill(
    root: Path,
    appends: Sequence[Sequence[Record]],
    *,
    slot: int = 0,
    consumed: Iterable[int] = (),
    segment_bytes: int = 16 * 1024 * 1024,
) -> None:
    """One frame for each of `appends`; then `consumed` are acknowledged."""

    async def work() -> None:
        options = SpoolOptions(fsync="never", segment_bytes=segment_bytes)
        partition = await Partition.open(root, slot, options=options)
        for each in appends:
            await partition.append(each)
        for sequence in consumed:
            partition.acknowledge(sequence)
        await partition.close()

    asyncio.run(work())


def segment_files(root: Path, slot: int = 0) -> list[Path]:
    return sorted((root / f"p{slot:02d}").glob("*.seg"))
