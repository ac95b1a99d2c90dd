"""The stage `scrub` on payloads that are no events: what leaves in their place, what falls with them, and what is counted."""

import zlib
from typing import Any

import pytest

from scrubjay.categories import DataCategory
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.scrub.encoded import views
from scrubjay.errors import ConfigError
from support.path import Path, envelope


def payloads(body: bytes) -> list[bytes]:
    return [bytes(item.payload) for item in parse_envelope(body).items]


REPLAY = '{"type":"replay_event","replay_id":"x"}'
RECORDING = b'{"segment_id":0}\n' + zlib.compress(b'[{"type":3,"data":"ana@lab.example"}]')


def test_a_replay_leaves_whole_or_not_at_all() -> None:
    """scrubbing.md 12.3"""
    path = Path()
    path.send(envelope(("replay_event", REPLAY), ("replay_recording", RECORDING), ("mystery", "{}")))
    first, second, third = payloads(path.forwarded)
    assert (first, third) == (REPLAY.encode(), b"{}")
    assert b"ana@" not in zlib.decompress(second.partition(b"\n")[2])
    path = Path()
    path.send(envelope(("replay_event", REPLAY), ("replay_recording", RECORDING[:-5]), ("mystery", "{}")))
    assert payloads(path.forwarded) == [b"{}"]
    assert [reason for _, reason, _ in path.account.lost()] == ["invalid_replay_recording"] * 2
    assert path.closes()


def test_small_recordings_may_be_large_ones_in_zlib() -> None:
    """They are opened where nobody waits for them."""
    threads = []

    async def in_thread(work: Any) -> Any:
        threads.append(work)
        return work()

    bomb = b'{"segment_id":0}\n' + zlib.compress(b"[" + b'"all is well",' * 400_000 + b"0]", 9)
    assert len(bomb) < 40_000
    path = Path(in_thread=in_thread)
    path.send(envelope(("replay_event", REPLAY), ("replay_recording", bomb)))
    assert len(threads) == 1
    assert len(payloads(path.forwarded)) == 2


def test_records_that_cannot_be_scrubbed_are_lost_alone() -> None:
    """scrubbing.md 12.2"""
    path = Path()
    items = '{"items":[{"body":"a"},7,{"body":"b"}]}'
    path.send(envelope(('"type":"log","item_count":3', items)))
    (item,) = parse_envelope(path.forwarded).items
    assert (item.headers["item_count"], bytes(item.payload)) == (2, b'{"items":[{"body":"a"},{"body":"b"}]}')
    assert path.account.lost() == [("log", "unscrubbable", "")]
    assert path.account.bookings[0].quantities == ((DataCategory.LOG_ITEM, 1), (DataCategory.LOG_BYTE, 1))
    assert path.closes()


def test_headers_follow_the_payload() -> None:
    meta = '{"filename":"ana@lab.example"}'
    kind = f'"type":"attachment","content_type":"application/vnd.sentry.trace-attachment","meta_length":{len(meta)}'
    path = Path()
    path.send(envelope((kind, meta + "text")))
    (item,) = parse_envelope(path.forwarded).items
    assert bytes(item.payload[item.headers["meta_length"] :]) == b"text"
    assert b"ana@" not in bytes(item.payload)


def test_what_cannot_be_scrubbed_may_be_stripped_or_forwarded() -> None:
    deep = '{"level":"info","extra":' + "[" * 300 + "]" * 300 + "}"
    stripped = Path("config: {scrubjay: {scrub: {on_error: strip}}}")
    stripped.send(envelope(("event", deep)))
    assert payloads(stripped.forwarded) == [b'{"level":"info","_meta":{"":{"rem":[["@error","x"]]}}}']
    lenient = Path("config: {scrubjay: {scrub: {on_error: forward}}}")
    lenient.send(envelope(("event", deep)))
    assert payloads(lenient.forwarded) == [deep.encode()]
    assert (stripped.account.passed, lenient.account.passed) == ([], ["event"])
    with pytest.raises(ConfigError, match="contradict"):
        Path("config: {scrubjay: {scrub: {on_error: forward, compliance: true}}}")


def test_items_that_are_allowed_as_they_are_meet_the_rules_alone() -> None:
    """scrubbing.md 15.5"""
    path = Path("config: {scrubjay: {scrub: {mode: allow, allow_items: [attachment]}}}")
    path.send(envelope(("attachment", "mail of ana@lab.example")))
    assert payloads(path.forwarded) == [b"mail of [email]"]


def test_no_text_is_remembered() -> None:
    views(b"to=ana%40lab.example")
    assert views.cache_info().currsize > 0
    path = Path()
    path.send(envelope(("event", '{"extra":{"a":"to=ana%40lab.example"}}')))
    assert b"[email]" in path.forwarded
    assert views.cache_info().currsize == 0
