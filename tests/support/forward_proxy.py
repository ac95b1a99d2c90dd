"""A forward proxy that opens tunnels for CONNECT, and nothing else.

Names that it does not know it connects to this host. Use as an asynchronous context manager; `secure` makes it speak TLS itself.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Self

from support.forwarding import until


class ForwardProxy:
    """`heads` are the requests for tunnels, `refuses` answers them 403."""

    def __init__(self, secure: ssl.SSLContext | None = None) -> None:
        self.heads: list[bytes] = []
        self.refuses = False
        self._tunnels = 0
        self._secure = secure

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._secure)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._secure else 'http'}://jo:pw@127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._server.close()
        await until(lambda: not self._tunnels)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tunnels += 1
        try:
            await self._tunnel(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self._tunnels -= 1

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if self.refuses:
            writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            await writer.drain()
            return
        port = int(head.split()[1].rpartition(b":")[2])
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(65_536):
                    sink.write(data)
            finally:  # who was cut off has ended too
                sink.close()

        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer), return_exceptions=True)
