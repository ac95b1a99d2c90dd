"""Large bodies on a line that is slow and works (upstream-and-operations 6.4)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.forwarding import until
from support.relay import Relay, relay

MIB = 1024 * 1024


@asynccontextmanager
async def slow_server(bytes_per_s: int) -> AsyncIterator[tuple[int, list[int]]]:
    """Reads so much in a second and no more, then answers 200: its port, and the lengths of the bodies it took."""
    taken: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").lower().split("\r\n")
                length = next((int(line[16:]) for line in lines if line.startswith("content-length: ")), 0)
                started, left = loop.time(), length
                while left:
                    left -= len(await reader.read(min(left, 16_384)))
                    await asyncio.sleep(max(0.0, started + (length - left) / bytes_per_s - loop.time()))
                if b"/envelope/" in head:
                    taken.append(length)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=16_384)
    try:
        yield server.sockets[0].getsockname()[1], taken
    finally:
        server.close()


async def put_attachment(one: Relay, size_bytes: int) -> None:
    payload = random.Random(1).randbytes(size_bytes)
    body = b'{}\n{"type":"attachment","length":%d,"filename":"x"}\n%b\n' % (len(payload), payload)
    assert (await one.env(body)).status == 200


async def test_operations_69_the_time_grows_with_the_body(tmp_path: Path) -> None:
    """30 MiB at 1 MiB/s with a timeout of 5 s, in a tenth of the size and of the time: 6 MiB at 6 MiB/s with 0.25 s."""
    async with slow_server(6 * MIB) as (port, taken):
        http = {"timeout": 0.25, "min_upload_rate": 2 * MIB, "encoding": "identity", "retry_delay": 60}
        async with relay(tmp_path, options={"relay": {"upstream": f"http://127.0.0.1:{port}"}, "http": http}) as one:
            await put_attachment(one, 6 * MIB)
            await until(lambda: taken)
            await until(lambda: not any(one.worker._held().values()))
            assert taken[0] > 6 * MIB


async def test_operations_69_a_line_that_is_slower_than_any_counts_as_hung(tmp_path: Path) -> None:
    async with slow_server(2 * MIB) as (port, taken):
        http = {"timeout": 0.1, "min_upload_rate": 1024 * MIB, "encoding": "identity", "retry_delay": 60}
        options = {"relay": {"upstream": f"http://127.0.0.1:{port}"}, "http": http, "limits": {"shutdown_timeout": 0}}
        async with relay(tmp_path, options=options) as one:
            await put_attachment(one, 12 * MIB)
            requests = one.worker.telemetry.values.series["scrubjay_upstream_requests_total"]
            await until(lambda: ("envelope", "timeout", "") in requests)
            assert taken == []
