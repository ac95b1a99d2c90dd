"""Telling the server what was dropped here: sums of losses as envelopes of client reports (`decisions.md` 8.3, 8.5).

`ClientReports` sums, this packs: one envelope per key and project, each item small enough for every server. When that happens is the
worker's business. A report is received and held like any envelope, so that the account knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from scrubjay import __version__
from scrubjay.core.envelope import encode_json
from scrubjay.core.ledger import UNCOUNTED, ClientReports, Ledger, Parcel
from scrubjay.reasons import Section

MAX_ITEM_BYTES: Final = 4096
MAX_ITEMS: Final = 100
MAX_ENVELOPE_BYTES: Final = 100 * 1024
"""What SDKs' servers (the first) and the reference's intake (the others) take of client reports."""
_TYPE: Final = "client_report"


def pack_reports(reports: ClientReports, ledger: Ledger, *, now_unix: float, new_id: Callable[[], str]) -> list[Parcel]:
    """Empties `reports`. The parcels are not subject to any limit of ours."""
    parcels = []
    for key, project_id, payloads in reports.take():
        items = [item for payload in payloads for item in _items(payload)]
        for group in _groups(items):
            ledger.receive(_TYPE, UNCOUNTED)
            parcels.append(
                Parcel(
                    id=new_id(),
                    key=key,
                    project_id=project_id,
                    body=b"{}\n" + b"".join(group),
                    quantities=UNCOUNTED,
                    received_unix=now_unix,
                    item_types=(_TYPE,),
                    client=f"scrubjay/{__version__}",
                )
            )
    return parcels


def _items(payload: dict[str, object]) -> Iterator[bytes]:
    """One report as one item, or as several of the same time where it is too long for one."""
    data = encode_json(payload)
    if len(data) <= MAX_ITEM_BYTES:
        yield encode_json({"type": _TYPE, "length": len(data)}) + b"\n" + data + b"\n"
        return
    lines = [(name, line) for name, found in payload.items() if isinstance(found, list) for line in found]
    if len(lines) < 2:  # nothing to split at: a single line is as small as it gets
        yield encode_json({"type": _TYPE, "length": len(data)}) + b"\n" + data + b"\n"
        return
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
