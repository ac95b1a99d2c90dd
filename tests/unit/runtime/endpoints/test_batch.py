"""From bytes to a proven batch: what it may cost before anybody is proven."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest
import zstandard
from msgspec.structs import replace

from scrubjay.errors import BatchError, BatchTooLarge, Denied, TooLarge
from scrubjay.runtime.endpoints.batch import _Coding, _Gateway, routes
from scrubjay.runtime.gateway.receiver import Receiver
from scrubjay.runtime.gateway.senders import Claim
from scrubjay.settings.gateway import Auth, Gateway, relays_of
from scrubjay.settings.schema import Settings
from support.batch_client import batch, events, identity, meta, record
from support.path import Path
from unit.runtime.gateway.test_passage import Told

MIB = 1024 * 1024
RELAY = identity()
SETTINGS = replace(Settings(), auth=Auth(static_relays=(f"{RELAY.id}={RELAY.public_key}",)))


def gateway(settings: Settings = SETTINGS) -> _Gateway:
    return _Gateway(settings, Path().ports, Receiver(Told()))


def claim(body: bytes) -> Claim:
    signature = RELAY.headers(body)["X-Sentry-Relay-Signature"]
    return Claim(relays_of(SETTINGS.auth.static_relays)[RELAY.id], signature)


def peak_of(work: object) -> int:
    assert callable(work)
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
def test_a_bomb_costs_no_memory_before_its_sender_is_proven(encoding: str) -> None:
    bomb = bytes(30 * MIB)
    wire = zstandard.ZstdCompressor().compress(bomb) if encoding == "zstd" else gzip.compress(bomb, 1)
    forged = claim(b"something else")
    del bomb

    def work() -> None:
        with pytest.raises(Denied):
            gateway()._prove(forged, _Coding(encoding), wire)

    assert peak_of(work) < 20 * MIB


def test_a_bomb_over_the_bound_ends_at_the_bound() -> None:
    wire = zstandard.ZstdCompressor().compress(bytes(100 * MIB))

    def work() -> None:
        with pytest.raises(TooLarge):
            gateway()._prove(claim(b""), _Coding("zstd"), wire)

    assert peak_of(work) < 20 * MIB


def test_a_batch_is_in_memory_as_often_as_is_counted() -> None:
    body = batch([record(meta(number), bytes([number]) * 500_000) for number in range(20)])
    settings = replace(SETTINGS, gateway=Gateway(max_batch_envelopes=20))
    wire = zstandard.ZstdCompressor().compress(body)
    one = gateway(settings)
    _, size_bytes = one._prove(claim(body), _Coding("zstd"), wire)
    assert size_bytes == len(body)
    assert peak_of(lambda: one._open(_Coding("zstd"), wire, size_bytes)) < 2 * len(body) + MIB


def test_numbers_of_records_that_are_lies() -> None:
    body = batch(events(1), count=2**32 - 1)
    with pytest.raises(BatchTooLarge):
        gateway()._open(_Coding(""), body, len(body))
    body = batch(events(1), count=999)
    with pytest.raises(BatchError):
        gateway()._open(_Coding(""), body, len(body))


def test_where_no_batch_could_be_taken_there_is_nothing() -> None:
    assert routes(Settings(), Path().ports, Receiver(Told())) == []
    assert [route.label for route in routes(SETTINGS, Path().ports, Receiver(Told()))] == [
        *("capabilities", "batch", "dictionary")
    ]
