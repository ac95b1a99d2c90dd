"""Server-sent events of a real worker in mode `capture`: for Spotlight's readers and for the page (`capture.md` 5.3, 9.1)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from scrubjay.runtime.capturing.sink import CaptureSink
from scrubjay.runtime.capturing.subscriptions import Changed
from scrubjay.runtime.endpoints.capture import streams
from support.event_stream import event_stream
from support.raw_http import Connection, connect, request
from support.relay import E, Relay, relay

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE = {"Host": "localhost"}
SPOTLIGHT = "application/x-sentry-envelope"
MINE = "/api/capture/stream"
UNKNOWN = "01a205e0-0000-7000-8000-000000000000"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sidecar(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Relay]:
    options = {"capture": {"spotlight_port": None, "max_envelopes": 5}}
    async with relay(tmp_path_factory.mktemp("streams"), mode="capture", options=options) as one:
        yield one


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_kept(sidecar: Relay) -> None:
    sink(sidecar).clear()


def sink(one: Relay) -> CaptureSink:
    found = one.worker.ports.capture
    assert isinstance(found, CaptureSink)
    return found


async def send(one: Relay, message: str, *more: bytes, **payload: object) -> str:
    """Posts an event; its capture id."""
    document = json.dumps({"message": message} | payload).encode()
    body = b'{"event_id":"%b"}\n{"type":"event"}\n%b\n%b' % (E.encode(), document, b"".join(more))
    before = sink(one).store.newest_id
    async with sink(one).arrivals() as arrived:
        assert (await one.send("POST", "/stream", body)).status == 200
        while sink(one).store.newest_id == before:
            await arrived.wait()
            arrived.clear()
    return sink(one).store.newest_id


# Spotlight's


async def test_capture_5_the_buffer_is_replayed_and_what_comes_follows(sidecar: Relay) -> None:
    first = await send(sidecar, "one mail@example.com")
    async with event_stream(sidecar.port, "/stream") as stream:
        headers = stream.response.headers
        assert headers["Content-Type"] == "text/event-stream"
        assert headers["Cache-Control"] == "no-cache"
        assert headers["Transfer-Encoding"] == "chunked"
        assert await stream.response.content.readexactly(1) == b"\n"
        raw = await stream.raw()
        assert raw.startswith(b"event: application/x-sentry-envelope\ndata: [{")
        assert raw.endswith(b"]\nid: %b\n\n" % first.encode())
        assert b"mail@example.com" not in raw
        second = await send(sidecar, "two", b'{"type":"attachment","content_type":"text/plain"}\nhello\n')
        event = await stream.event()
        assert list(event.fields) == ["event", "data", "id"]
        assert event.id == second
        header, items = event.data
        assert header["__spotlight_envelope_id"] == second
        assert [(head["type"], payload.get("data")) for head, payload in items] == [
            ("event", None),
            ("attachment", "hello"),
        ]


async def test_capture_5_base64_only_changes_the_name(sidecar: Relay) -> None:
    await send(sidecar, "x")
    for target in ("/stream?base64=1", "/stream?base64", "/stream?client=tail%0d%0a%1b[31m&base64="):
        async with event_stream(sidecar.port, target) as stream:
            event = await stream.event()
            assert event.name == f"{SPOTLIGHT};base64"
            assert event.data[1][0][1]["message"] == "x"


async def test_capture_5_a_reader_goes_on_where_it_was(sidecar: Relay) -> None:
    ids = [await send(sidecar, f"event {number}") for number in range(4)]
    for given, expected in ((ids[1], ids[2:]), (ids[1].upper(), ids[2:]), (UNKNOWN, ids), ("nonsense", ids)):
        async with event_stream(sidecar.port, "/stream", {"Last-Event-ID": given}) as stream:
            assert [(await stream.event()).id for _ in expected] == expected
    async with event_stream(sidecar.port, "/stream", {"Last-Event-ID": ids[-1]}) as stream:
        newest = await send(sidecar, "newest")
        assert (await stream.event()).id == newest
    await send(sidecar, "evicts the first")
    async with event_stream(sidecar.port, "/stream", {"Last-Event-ID": ids[0]}) as stream:
        assert (await stream.event()).id == ids[1]


async def test_a_stream_stays_open_when_all_is_cleared(sidecar: Relay) -> None:
    await send(sidecar, "x")
    async with event_stream(sidecar.port, "/stream") as stream:
        await stream.event()
        assert (await sidecar.send("DELETE", "/clear", headers=HERE)).status == 200
        newest = await send(sidecar, "y")
        assert (await stream.event()).id == newest


async def test_head_has_no_stream(sidecar: Relay) -> None:
    for target in ("/stream", MINE):
        answer = await sidecar.send("HEAD", target, headers=HERE)
        assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")


async def test_a_silent_stream_says_now_and_then_that_it_lives(sidecar: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.02)
    for target in ("/stream", MINE):
        async with event_stream(sidecar.port, target) as stream:
            assert await stream.response.content.readexactly(1) == b"\n"
            assert [await stream.raw(), await stream.raw()] == [b":\n\n", b":\n\n"]


async def test_large_envelopes_are_put_into_words_elsewhere(sidecar: Relay) -> None:
    async with event_stream(sidecar.port, "/stream") as stream, event_stream(sidecar.port, MINE) as mine:
        text = "word by word " * 25_000
        await send(sidecar, "large", b'{"type":"attachment","content_type":"text/plain"}\n%b' % text.encode())
        assert (await stream.event()).data[1][1][1]["data"] == text
        assert (await mine.event("record")).data["title"] == "large"


# The page's


async def test_records_that_match_are_told_and_counts_with_them(sidecar: Relay) -> None:
    await send(sidecar, "before")
    async with event_stream(sidecar.port, f"{MINE}?level=warning&message=shop") as stream:
        await send(sidecar, "shop", level="info")
        capture_id = await send(sidecar, "shop of mail@example.com", level="warning")
        event = await stream.event("record")
        assert event.data["title"] == "shop of [email]"
        assert event.data["capture_id"] == event.id == capture_id
        assert "payload" not in event.data
        stats = await stream.event("stats")
        assert stats.id == ""
        assert stats.data["kept"]["envelopes"] == 3
        assert stats.data["totals"]["items"]["event"] >= 3


async def test_a_payload_is_told_to_who_asks_for_it(sidecar: Relay) -> None:
    await send(sidecar, "x mail@example.com", b'{"type":"attachment"}\n\x00\n')
    async with event_stream(sidecar.port, f"{MINE}?payload=1") as stream:
        event, attachment = await stream.event("record"), await stream.event("record")
    assert "x [email]" in str(event.data["payload"])
    assert "payload" not in attachment.data
    assert (event.id, attachment.id) == ("", event.data["capture_id"])


async def test_only_what_is_new(sidecar: Relay) -> None:
    old = await send(sidecar, "old")
    kept = await send(sidecar, "kept")
    async with event_stream(sidecar.port, f"{MINE}?backlog=0") as stream:
        new = await send(sidecar, "new")
        assert (await stream.event("record")).id == new
    async with event_stream(sidecar.port, f"{MINE}?after={old}&backlog=0") as stream:
        assert (await stream.event("record")).id == kept
    async with event_stream(sidecar.port, f"{MINE}?after={old}", {"Last-Event-ID": kept}) as stream:
        assert (await stream.event("record")).id == new


async def test_nothing_old_is_told_even_if_the_newest_was_removed(sidecar: Relay) -> None:
    await send(sidecar, "old")
    newest = await send(sidecar, "newest")
    found = sink(sidecar).store.find(newest)
    assert found is not None
    sink(sidecar).remove([found])
    async with event_stream(sidecar.port, f"{MINE}?backlog=0") as stream:
        new = await send(sidecar, "new")
        assert (await stream.event("record")).id == new


async def test_removals_and_evictions_are_told(sidecar: Relay) -> None:
    async with event_stream(sidecar.port, MINE) as stream:
        ids = [await send(sidecar, f"event {number}") for number in range(6)]
        assert (await stream.event("evicted")).data == {"count": 1}
        found = sink(sidecar).store.find(ids[2])
        assert found is not None
        sink(sidecar).remove([found])
        assert (await stream.event("cleared")).data == {"ids": [f"{ids[2]}-0"]}
        sink(sidecar).clear()
        assert (await stream.event("cleared")).data == {"ids": None}


async def test_what_changed_is_told_again_without_an_id(sidecar: Relay) -> None:
    capture_id = await send(sidecar, "x")
    async with event_stream(sidecar.port, MINE) as stream:
        assert (await stream.event("record")).id == capture_id
        captured = sink(sidecar).store.envelope(capture_id)
        assert captured is not None
        sink(sidecar)._audience.tell(Changed(captured))
        again = await stream.event("record")
        assert (again.data["capture_id"], again.id) == (capture_id, "")


async def test_an_unknown_parameter_is_an_error(sidecar: Relay) -> None:
    answer = await sidecar.send("GET", f"{MINE}?levle=error", headers=HERE)
    assert answer.status == 400
    assert b"'level'" in answer.body


# Ending


async def test_a_reader_that_goes_is_forgotten(sidecar: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.02)
    before = len(sink(sidecar)._audience)
    async with event_stream(sidecar.port, "/stream"), event_stream(sidecar.port, MINE):
        assert len(sink(sidecar)._audience) == before + 2
    async with asyncio.timeout(60):
        while len(sink(sidecar)._audience) > before:  # noqa: ASYNC110  nobody is told when a reader is found to be gone
            await asyncio.sleep(0.005)


async def test_a_reader_that_takes_nothing_is_cut_off_when_too_much_waits(sidecar: Relay) -> None:
    reader = await connect(sidecar.port)
    try:
        await reader.send(request("GET", "/stream", headers=HERE))
        await reader.reader.readuntil(b"\r\n\r\n")
        reader.writer.transport.pause_reading()  # type: ignore[attr-defined]
        large = b'{"type":"attachment"}\n' + bytes(1 << 20)
        capture_id = await send(sidecar, "large", large)
        captured = sink(sidecar).store.envelope(capture_id)
        assert captured is not None
        (subscription,) = sink(sidecar)._audience._subscriptions
        for _ in range(8):
            await send(sidecar, "more than fits between us", large)
        assert not subscription.overrun
        while not subscription.overrun:
            sink(sidecar)._audience.tell(Changed(captured))
        await asyncio.wait_for(_gone(sidecar), 60)
        reader.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert not (await _rest(reader)).endswith(b"0\r\n\r\n")
    finally:
        reader.writer.transport.abort()


async def test_a_reader_that_takes_nothing_for_long_is_cut_off(sidecar: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "STUCK_S", 0.05)
    reader = await connect(sidecar.port)
    try:
        await reader.send(request("GET", "/stream", headers=HERE))
        await reader.reader.readuntil(b"\r\n\r\n")
        reader.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(8):
            await send(sidecar, "more than fits between us", b'{"type":"attachment"}\n' + bytes(1 << 20))
        await asyncio.wait_for(_gone(sidecar), 60)
        assert len(sink(sidecar)._audience) == 0
    finally:
        reader.writer.transport.abort()


async def _rest(reader: Connection) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.reader.read(1 << 20):
            found = chunk
    return found


async def _gone(one: Relay) -> None:
    while one.worker._front.public._unanswered:  # noqa: ASYNC110  the front door tells nobody
        await asyncio.sleep(0.01)


async def test_all_streams_end_at_once_with_the_process(tmp_path_factory: pytest.TempPathFactory) -> None:
    options = {"capture": {"spotlight_port": None}}
    async with relay(tmp_path_factory.mktemp("end"), mode="capture", options=options) as one:
        stuck = await connect(one.port)
        await stuck.send(request("GET", "/stream", headers=HERE))
        await stuck.reader.readuntil(b"\r\n\r\n")
        stuck.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(8):
            await send(one, "x", b'{"type":"attachment"}\n' + bytes(1 << 20))
        async with event_stream(one.port, "/stream") as spotlights, event_stream(one.port, MINE) as mine:
            await mine.event("record")
            began = asyncio.get_running_loop().time()
            sink(one).close()
            assert await spotlights.ended()
            assert await mine.ended()
            await _gone(one)
            assert asyncio.get_running_loop().time() - began < 20
        late = await one.send("GET", "/stream", headers=HERE | {"Connection": "close"})
        assert late.status == 200
        stuck.writer.transport.abort()
