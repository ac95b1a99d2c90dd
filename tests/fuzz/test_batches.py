"""Whatever a record of a batch says, it ends in an answer: as a request, or refused."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scrubjay.core.pipeline import process
from scrubjay.core.spool_format import Record
from scrubjay.errors import Rejected
from scrubjay.runtime.endpoints.common import chain_reader
from scrubjay.runtime.gateway.arrivals import Surroundings, facts_of, ingress_of
from scrubjay.runtime.gateway.receiver import fingerprint
from scrubjay.runtime.gateway.senders import ANYBODY, Sender
from support.path import EVENT_ID, KEY, Path, envelope, run_now

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
plausible: dict[str, Any] = {
    "r": st.integers(0, 2**45) | values,
    "d": st.uuids().map(str) | values,
    "t": st.integers(-(10**17), 10**17) | values,
    "h": st.dictionaries(st.sampled_from(["client", "v", "origin", "ua", "xff", "via"]), values) | values,
}
usual = {"k": st.sampled_from([KEY] * 7 + ["", None, 7]), "p": st.sampled_from(["7"] * 7 + ["", None, "x"])}
facts = st.fixed_dictionaries(usual, optional=plausible)
metas = facts.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40)
headers = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("sent_at", "origin", "forwarded_for", "dsn", "client", "version"), values)
)
senders = st.sampled_from([ANYBODY, Sender("x", is_internal=True)])
_NOW_UNIX = 1_767_607_200.0


@settings(deadline=None)  # the first one compiles the rules
@given(metas, headers, senders)
def test_any_record_ends_in_an_answer(meta: bytes, header: dict[str, Any], sender: Sender) -> None:
    body = envelope(("event", "{}"), header=json.dumps({"event_id": EVENT_ID, **header}))
    around = Surroundings(sender, "192.0.2.1", chain_reader(None), 10_000, 86_400)
    record = Record(meta, body)
    assert len(fingerprint([record])) == 32
    path = Path()
    with suppress(Rejected):
        ingress = ingress_of(facts_of(record), body, around, now_unix=_NOW_UNIX, now_mono=1000.0)
        run_now(process(ingress, path.ports))
    assert path.closes()
    for parcel in path.shelf.parcels:
        assert 0 <= _NOW_UNIX - parcel.received_unix <= 86_400
        assert sender.is_internal or parcel.received_unix == _NOW_UNIX
        assert sender.is_internal or parcel.forwarded_for is None or parcel.forwarded_for.endswith("192.0.2.1")
