"""How much is kept, and how much there was: what `/status` says and streams say again (`capture.md` 9.1)."""

from __future__ import annotations

from collections import Counter

from scrubjay.core.capture.store import CaptureStore


def counts(store: CaptureStore) -> dict[str, object]:
    """`kept` is there now, `totals` are since the start."""
    types = Counter(str(found.record.value("type")) for found in store.found())
    totals = store.totals
    return {
        "kept": {"envelopes": len(store), "bytes": store.size_bytes, "records": dict(types)},
        "totals": {
            "envelopes": totals.envelopes,
            "bytes": totals.bytes,
            "evicted": totals.evicted,
            "items": dict(totals.items),
        },
    }
