"""How much is kept, and how much there was: what `/status` says and streams say again (`capture.md` 9.1)."""

from __future__ import annotations

from collections import Counter

from scrubjay.runtime.capturing.sink import CaptureSink


def counts(sink: CaptureSink) -> dict[str, object]:
    """`kept` is there now, from the envelope `oldest` on; `totals` are since the start; `faults` is how many are active."""
    store, totals = sink.store, sink.store.totals
    types: Counter[str] = Counter()
    oldest = ""
    for found in store.found():
        types[str(found.record.value("type"))] += 1
        oldest = found.captured.id
    return {
        "kept": {"envelopes": len(store), "bytes": store.size_bytes, "records": dict(types), "oldest": oldest},
        "totals": {
            "envelopes": totals.envelopes,
            "bytes": totals.bytes,
            "evicted": totals.evicted,
            "items": dict(totals.items),
        },
        "faults": len(sink.faults),
    }
