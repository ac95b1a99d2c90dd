"""Telling the server what was dropped here: sums of losses as envelopes of client reports (`decisions.md` 8.3, 8.5).

`client_reports` sums, this packs: one envelope per key and project, each item small enough for every server. When that happens is the
worker's business. A report is received and held like any envelope, so that the account knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from scrubjay import __version__
from scrubjay.core.client_reports import Due
from scrubjay.core.envelope import encode_json
from scrubjay.core.ledger import UNCOUNTED, Ledger, Parcel
from scrubjay.outcomes import Section

MAX_ITEM_BYTES: Final = 4096
MAX_ITEMS: Final = 100
MAX_ENVELOPE_BYTES: Final = 100 * 1024
"""What SDKs' servers (the first) and the reference's intake (the others) take of client reports."""
TYPE: Final = "client_report"


def pack_reports(dues: Iterable[Due], ledger: Ledger, *, now_unix: float, new_id: Callable[[], str]) -> list[Parcel]:
    """The parcels are not subject to any limit of ours."""
    parcels = []
    for due in dues:
        items = [item for payload in due.payloads for item in _items(payload)]
        for group in _groups(items):
            ledger.receive(TYPE, UNCOUNTED)
            parcels.append(
                Parcel(
                    id=new_id(),
                    key=due.key,
                    project_id=due.project_id,
                    body=b"{}\n" + b"".join(group),
                    quantities=UNCOUNTED,
                    received_unix=now_unix,
                    item_types=(TYPE,),
                    client=f"scrubjay/{__version__}",
                )
            )
    return parcels


def _items(payload: dict[str, object]) -> Iterator[bytes]:
    """One report as one item, or as several of the same time where it is too long for one: a line alone never is."""
    data = encode_json(payload)
    if len(data) <= MAX_ITEM_BYTES:
        yield encode_json({"type": TYPE, "length": len(data)}) + b"\n" + data + b"\n"
        return
    lines = [(name, line) for name, found in payload.items() if isinstance(found, list) for line in found]
    middle = len(lines) // 2
    for half in (lines[:middle], lines[middle:]):
        part: dict[str, object] = {"timestamp": payload["timestamp"], Section.DISCARDED.value: []}
        for name, line in half:
            found = part.setdefault(name, [])
            assert isinstance(found, list)
            found.append(line)
        yield from _items(part)


def _groups(items: list[bytes]) -> Iterator[list[bytes]]:
    """Items by envelope. There is at least one: who lost nothing has no reports."""
    group: list[bytes] = []
    size = 0
    for item in items:
        if group and (len(group) == MAX_ITEMS or size + len(item) > MAX_ENVELOPE_BYTES):
            yield group
            group, size = [], 0
        group.append(item)
        size += len(item)
    yield group
