"""Hostile bytes against a running relay: it refuses them, its memory stays flat, the next good request is answered at once."""

import gzip
import json
import select
import socket
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path

import brotli
import pytest
import zstandard

from support.daemon import KEY, Daemon
from support.http_client import auth, post
from support.processes import wait_for
from support.recorder import Recorder, recording

MIB = 1 << 20
TARGET = "/api/1/envelope/"
AT_ONCE_S = 5.0
"""On a machine that has much else to do; who waits for what is hostile waits for longer."""
BOMB_MIB = 600
"""Well over the limit of 200 MiB for a decoded envelope."""
MEMORY_ROOM_BYTES = 96 * MIB
"""What three bombs at once may cost: their windows and pieces, far under the 600 MiB that they would be at the limit."""
DEPTH = 100_000
IDLE_CONNECTIONS = 1_000
HANG_UP_S = 60.0


@pytest.fixture(scope="module")
def upstream() -> Iterator[Recorder]:
    with recording() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def relay(upstream: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    options = {"limits": {"body_idle_timeout": 1}}
    daemon = Daemon(tmp_path_factory.mktemp("hostile") / "relay", upstream=upstream.url, options=options)
    daemon.start()
    try:
        assert_next_is_good(daemon, upstream)
        yield daemon
        account = daemon.wait_until_empty()
        assert account.closed, account
        assert daemon.stop() == 0
    finally:
        daemon.close()


def good_envelope() -> tuple[str, bytes]:
    event_id = uuid.uuid4().hex
    payload = json.dumps({"event_id": event_id, "message": "all is well", "level": "info"}).encode()
    header = json.dumps({"event_id": event_id}).encode()
    return event_id, b"\n".join([header, b'{"type":"event","length":%d}' % len(payload), payload, b""])


def assert_next_is_good(relay: Daemon, upstream: Recorder) -> None:
    """A good request gets its 200 at once, and what it carried is forwarded."""
    event_id, body = good_envelope()
    answer = post(relay.port, TARGET, body)
    assert answer.status == 200
    assert answer.seconds < AT_ONCE_S
    wait_for(
        lambda: any(event_id.encode() in delivery.body for delivery in reversed(upstream.deliveries)),
        "the good envelope is forwarded",
    )


def forget_peak(relay: Daemon) -> int:
    """Start measuring the peak of the resident size anew; the size now, in bytes."""
    Path(f"/proc/{relay.pid}/clear_refs").write_text("5")
    return relay.resident_bytes()


def peak_bytes(relay: Daemon) -> int:
    status = Path(f"/proc/{relay.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def zeros() -> Iterator[bytes]:
    """`BOMB_MIB` of nothing, a piece at a time."""
    piece = bytes(MIB)
    for _ in range(BOMB_MIB):
        yield piece


def gzip_bomb() -> bytes:
    return _zlib_bomb(31)


def deflate_bomb() -> bytes:
    return _zlib_bomb(15)


def _zlib_bomb(wbits: int) -> bytes:
    encoder = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return b"".join([*(encoder.compress(piece) for piece in zeros()), encoder.flush()])


def brotli_bomb() -> bytes:
    encoder = brotli.Compressor(quality=3)
    return b"".join([*(encoder.process(piece) for piece in zeros()), encoder.finish()])


def zstd_bomb() -> bytes:
    encoder = zstandard.ZstdCompressor(level=3).compressobj()
    return b"".join([*(encoder.compress(piece) for piece in zeros()), encoder.flush()])


BOMBS = {"gzip": cache(gzip_bomb), "deflate": cache(deflate_bomb), "br": cache(brotli_bomb), "zstd": cache(zstd_bomb)}


@pytest.mark.parametrize("encoding", BOMBS)
@pytest.mark.parametrize("target", [TARGET, "/api/1/store/"], ids=["envelope", "store"])
def test_zip_bomb(encoding: str, target: str, relay: Daemon, upstream: Recorder) -> None:
    bomb = BOMBS[encoding]()
    assert len(bomb) < MIB
    before = forget_peak(relay)
    with ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(post, relay.port, target, bomb, {"Content-Encoding": encoding}) for _ in range(3)]
        assert_next_is_good(relay, upstream)
        assert [each.result().status for each in sent] == [413, 413, 413]
    assert peak_bytes(relay) - before < MEMORY_ROOM_BYTES
    assert_next_is_good(relay, upstream)


def test_bomb_inside_a_legacy_body(relay: Daemon, upstream: Recorder) -> None:
    """A store body may itself be deflated data, without any `Content-Encoding`."""
    before = forget_peak(relay)
    answer = post(relay.port, "/api/1/store/", BOMBS["deflate"](), {"Content-Type": "application/octet-stream"})
    assert answer.status == 400
    assert peak_bytes(relay) - before < MEMORY_ROOM_BYTES
    assert_next_is_good(relay, upstream)


def nested(opening: str, closing: str, core: str = "1") -> bytes:
    return (opening * DEPTH + core + closing * DEPTH).encode()


NESTED = {"arrays": nested("[", "]"), "objects": nested('{"a":', "}"), "never closed": b"[" * DEPTH}


@pytest.mark.parametrize("shape", NESTED)
def test_nesting_in_an_envelope_header(shape: str, relay: Daemon, upstream: Recorder) -> None:
    body = b'{"x":' + NESTED[shape] + b'}\n{"type":"event"}\n{}\n'
    assert post(relay.port, TARGET, body).status == 400
    assert_next_is_good(relay, upstream)


@pytest.mark.parametrize("shape", NESTED)
@pytest.mark.parametrize("item_type", ["event", "transaction", "log", "span", "session", "check_in", "future_type"])
def test_nesting_in_a_payload(shape: str, item_type: str, relay: Daemon, upstream: Recorder) -> None:
    """The item cannot be scrubbed, so it is dropped and counted; the answer stays 200, but for its size."""
    payload = b'{"extra":{"deep":' + NESTED[shape] + b'},"message":"deep-nest"}'
    headers = json.dumps({"type": item_type, "length": len(payload), "item_count": 1}).encode()
    event_id = uuid.uuid4().hex.encode()
    body = b'{"event_id":"' + event_id + b'"}\n' + headers + b"\n" + payload + b"\n"
    too_large = item_type == "check_in" and len(payload) > 100 * 1024
    assert post(relay.port, TARGET, body).status == (413 if too_large else 200)
    assert_next_is_good(relay, upstream)
    assert not any(b"deep-nest" in delivery.body for delivery in upstream.deliveries)


@pytest.mark.parametrize("shape", NESTED)
def test_nesting_in_a_store_body(shape: str, relay: Daemon, upstream: Recorder) -> None:
    answer = post(relay.port, "/api/1/store/", b'{"message":"deep-nest","extra":' + NESTED[shape] + b"}")
    assert answer.status in {200, 400}
    assert_next_is_good(relay, upstream)
    assert not any(b"deep-nest" in delivery.body for delivery in upstream.deliveries)


BAD_TEXT = b"\xff\xfe\xc3("
INVALID_UTF8 = {
    "envelope header": (b'{"x":"' + BAD_TEXT + b'"}\n{"type":"event"}\n{}\n', 400),
    "item header": (b'{}\n{"type":"event","x":"' + BAD_TEXT + b'"}\n{}\n', 400),
    "payload": (b'{}\n{"type":"event"}\n{"message":"' + BAD_TEXT + b'"}\n', 200),
    "everything": (BAD_TEXT * 1000, 400),
}


@pytest.mark.parametrize("place", INVALID_UTF8)
def test_invalid_utf8(place: str, relay: Daemon, upstream: Recorder) -> None:
    body, status = INVALID_UTF8[place]
    assert post(relay.port, TARGET, body).status == status
    assert_next_is_good(relay, upstream)
    assert not any(BAD_TEXT in delivery.body for delivery in upstream.deliveries)


@pytest.mark.parametrize("encoding", BOMBS)
def test_cut_and_corrupt_encodings(encoding: str, relay: Daemon, upstream: Recorder) -> None:
    _, body = good_envelope()
    encode = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}
    whole = encode.get(encoding, zstandard.ZstdCompressor().compress)(body)
    for broken in (whole[:-5], whole[: len(whole) // 2], b"\x00" + whole, b"", b"x"):
        assert post(relay.port, TARGET, broken, {"Content-Encoding": encoding}).status == 400
    assert_next_is_good(relay, upstream)


def begin(relay: Daemon, *lines: str) -> socket.socket:
    """A connection on which a request's head was sent and nothing else."""
    connection = socket.create_connection(("127.0.0.1", relay.port), timeout=20)
    head = [f"POST {TARGET} HTTP/1.1", "Host: relay", *(f"{name}: {value}" for name, value in auth().items()), *lines]
    connection.sendall("\r\n".join([*head, "", ""]).encode())
    return connection


def test_body_that_stops_coming(relay: Daemon, upstream: Recorder) -> None:
    """`limits.body_idle_timeout` ends it (ingest M70); the answer says so and the connection is closed."""
    with begin(relay, "Content-Length: 1000") as connection:
        connection.sendall(b"{}\n")
        assert_next_is_good(relay, upstream)
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert_next_is_good(relay, upstream)


@pytest.mark.parametrize("encoding", [None, "gzip"], ids=["plain", "gzip"])
def test_body_that_never_ends(encoding: str | None, upstream: Recorder, daemons: Callable[..., Daemon]) -> None:
    """The relay keeps no more than an envelope may have, answers 413, and soon hangs up on whoever goes on sending."""
    limit = 8 * MIB
    relay = daemons(upstream=upstream.url, options={"limits": {"max_envelope_size": limit}})
    relay.start()
    assert_next_is_good(relay, upstream)
    before = forget_peak(relay)
    encoder = zlib.compressobj(0, zlib.DEFLATED, 31)
    piece = bytes(64 * 1024)
    lines = ["Transfer-Encoding: chunked", *([f"Content-Encoding: {encoding}"] if encoding else [])]
    answer = b""
    hung_up = False
    with begin(relay, *lines) as connection:
        give_up = time.monotonic() + HANG_UP_S
        try:
            while time.monotonic() < give_up:
                data = encoder.compress(piece) + encoder.flush(zlib.Z_SYNC_FLUSH) if encoding else piece
                connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))
                if select.select([connection], [], [], 0)[0]:
                    answer = answer or connection.recv(4096)
        except OSError:
            hung_up = True
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert hung_up, "the relay read on and on"
    assert peak_bytes(relay) - before < MEMORY_ROOM_BYTES
    assert_next_is_good(relay, upstream)
    assert relay.stop() == 0


def test_a_trickle_does_not_hold_up_others(relay: Daemon, upstream: Recorder) -> None:
    """Twenty bodies of which a byte comes now and then."""
    with ExitStack() as connections:
        slow = [connections.enter_context(begin(relay, "Content-Length: 100000")) for _ in range(20)]
        for _ in range(5):
            for connection in slow:
                with suppress(ConnectionError):  # it may be tired of waiting by now
                    connection.sendall(b"{")
            assert_next_is_good(relay, upstream)


def test_a_thousand_idle_connections(relay: Daemon, upstream: Recorder) -> None:
    """Half of them say nothing, half begin a request and stop in the middle of a header."""
    before = forget_peak(relay)
    with ExitStack() as connections:
        for number in range(IDLE_CONNECTIONS):
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", relay.port), timeout=20))
            if number % 2:
                connection.sendall(f"POST {TARGET}?sentry_key={KEY} HTTP/1.1\r\nHost: rel".encode())
        for _ in range(5):
            assert_next_is_good(relay, upstream)
        assert peak_bytes(relay) - before < MEMORY_ROOM_BYTES
    assert_next_is_good(relay, upstream)


HEADS = {
    "header of 1 MiB": b"POST %b HTTP/1.1\r\nHost: relay\r\nX: %b\r\n\r\n" % (TARGET.encode(), b"x" * MIB),
    "100,000 headers": b"POST %b HTTP/1.1\r\nHost: relay\r\n%b\r\n" % (TARGET.encode(), b"X: y\r\n" * 100_000),
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 20,
    "two lengths": b"POST %b HTTP/1.1\r\nHost: relay\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n{}\n{}\n"
    % TARGET.encode(),
}


@pytest.mark.parametrize("head", HEADS)
def test_hostile_heads(head: str, relay: Daemon, upstream: Recorder) -> None:
    with socket.create_connection(("127.0.0.1", relay.port), timeout=20) as connection:
        answer = b""
        try:
            connection.sendall(HEADS[head])
            answer = connection.recv(4096)
        except OSError:
            pass  # refused in the middle of it
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert_next_is_good(relay, upstream)
