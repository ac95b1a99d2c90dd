"""The two other processes of a measurement: `python peers.py sink PORT` and `python peers.py bare PORT`.

`sink` is the cheapest possible upstream: it answers every POST with 200 and counts; `GET /count` tells how many.
`bare` is the yardstick: an aiohttp handler on uvloop that reads the body, as it is, and answers.
"""

import asyncio
import sys
from typing import cast

import uvloop
from aiohttp import web

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"


class Sink(asyncio.Protocol):
    """One connection of the upstream."""

    count = 0

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end]).lower()
            length = 0
            if (at := head.find(b"content-length:")) >= 0:
                length = int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(self._buffer) < end + 4 + length:
                return
            del self._buffer[: end + 4 + length]
            if head.startswith(b"post"):
                Sink.count += 1
                self._transport.write(OK)
            else:
                body = str(Sink.count).encode()
                self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def sink(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    await server.serve_forever()


async def answer(request: web.Request) -> web.Response:
    """What any handler must do: take the body, say yes."""
    if request.method == "POST":
        await request.read()
    return web.json_response({"id": EVENT_ID})


def bare(port: int) -> None:
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", answer)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


if __name__ == "__main__":
    if sys.argv[1] == "sink":
        uvloop.run(sink(int(sys.argv[2])))
    else:
        bare(int(sys.argv[2]))
