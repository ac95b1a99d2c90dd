"""At how many addresses a capture answers."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientConnectorError, ClientSession, web

from scrubjay.errors import ConfigError
from scrubjay.runtime.bound_socket import bound_socket, bound_unix_socket
from scrubjay.runtime.doors import Doors, open_doors
from scrubjay.runtime.endpoints.bodies import Bodies
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.fronts import Fronts
from scrubjay.settings.load import build
from support.openssl import Chain
from support.tls_load import trusting


class Book:
    def __init__(self) -> None:
        self.told: list[tuple[str, float | str]] = []

    def request(self, route: str, status: int, seconds: float) -> None: ...

    def rejected(self, reason: object, detail: str = "", **more: object) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None:
        raise AssertionError(place) from error

    def handshake_failed(self, reason: str, detail: str) -> None: ...

    def certificate(self, listener: str, expires_unix: float) -> None:
        self.told.append((listener, expires_unix))

    def certificates_renewed(self, problem: str = "", *, of: str = "upstream") -> None:
        self.told.append((of, problem))


@asynccontextmanager
async def opened(
    book: Book | None = None, beside: Mapping[str, socket.socket] | None = None, **options: object
) -> AsyncIterator[Doors]:
    async def answer(_: object) -> web.StreamResponse:
        return web.Response(text="x")

    settings = build({"relay.port": 0, **{key.replace("__", "."): value for key, value in options.items()}})
    routes = [Route("GET", "/", answer, "page"), Route("GET", "/healthz", answer, "health", internal=True)]
    is_split = settings.relay.internal_host is not None
    fronts = Fronts(routes, Book(), Bodies(1 << 20), is_split=is_split)
    doors = await open_doors(fronts, settings, None, book or Book(), beside or {})
    try:
        yield doors
    finally:
        await doors.close(0)


async def reaches(host: str, port: int | None) -> bool:
    async with ClientSession() as session:
        try:
            async with session.get(f"http://{host}:{port}/") as response:
                return response.status == 200
        except ClientConnectorError:
            return False


def has_ipv6() -> bool:
    try:
        bound_socket("::1", 0).close()
    except OSError:
        return False
    return True


async def test_a_capture_answers_on_both_loopback_addresses_and_where_sdks_look_for_spotlight() -> None:
    async with opened(relay__mode="capture", capture__spotlight_port=0) as doors:
        assert doors.spotlight not in (None, doors.number)
        for port in (doors.number, doors.spotlight):
            assert await reaches("127.0.0.1", port)
            assert await reaches("[::1]", port) == has_ipv6()
    assert not await reaches("127.0.0.1", doors.spotlight)


async def test_a_spotlight_port_that_is_taken_is_done_without(caplog: pytest.LogCaptureFixture) -> None:
    with bound_socket("127.0.0.1", 0) as other:
        other.listen()
        with caplog.at_level(logging.WARNING):
            async with opened(relay__mode="capture", capture__spotlight_port=other.getsockname()[1]) as doors:
                assert doors.spotlight is None
                assert await reaches("127.0.0.1", doors.number)
    assert "SDKs with the switch `spotlight` will not find this sink" in caplog.text


@pytest.mark.parametrize(
    "options",
    [
        {"relay__mode": "capture", "capture__spotlight_port": None},
        {"relay__mode": "proxy", "relay__upstream": "http://127.0.0.1:1"},
        {"relay__mode": "capture", "relay__host": "0.0.0.0", "capture__spotlight_port": 0},
    ],
    ids=["unwanted", "forwarding", "not on loopback"],
)
async def test_there_is_one_port_where_no_other_is_meant(options: dict[str, object]) -> None:
    async with opened(**options) as doors:
        assert doors.spotlight is None
        assert await reaches("127.0.0.1", doors.number)


async def test_the_configured_address_has_to_be_had() -> None:
    with bound_socket("127.0.0.1", 0) as other:
        other.listen()
        with pytest.raises(ConfigError, match=r"cannot listen on 127\.0\.0\.1"):
            async with opened(relay__mode="capture", relay__port=other.getsockname()[1]):
                pass


# An internal listener, a Unix socket, TLS


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("chain"))


async def status(port: int | None, path: str, tls: ssl.SSLContext | None = None) -> int:
    scheme = "http" if tls is None else "https"
    async with (
        ClientSession() as session,
        session.get(f"{scheme}://127.0.0.1:{port}{path}", ssl=tls or True) as response,
    ):
        return response.status


async def test_what_is_for_operators_answers_on_the_internal_listener_alone() -> None:
    proxy = {"relay__mode": "proxy", "relay__upstream": "http://127.0.0.1:1"}
    async with opened(**proxy) as doors:
        assert doors.internal is None
        assert [await status(doors.number, path) for path in ("/", "/healthz")] == [200, 200]
    async with opened(**proxy, relay__internal_host="127.0.0.1", relay__internal_port=0) as doors:
        assert [await status(doors.number, path) for path in ("/", "/healthz")] == [200, 404]
        assert [await status(doors.internal, path) for path in ("/", "/healthz")] == [404, 200]
    assert not await reaches("127.0.0.1", doors.internal)


async def test_an_internal_address_has_to_be_had_and_nothing_stays_open_without() -> None:
    with bound_socket("127.0.0.1", 0) as other, bound_socket("127.0.0.1", 0) as free:
        other.listen()
        number = free.getsockname()[1]
        free.close()
        with pytest.raises(
            ConfigError, match=r"^relay\.internal_port: cannot listen on 127\.0\.0\.1:\d+: Address already"
        ):
            async with opened(
                relay__mode="capture",
                relay__port=number,
                relay__internal_host="127.0.0.1",
                relay__internal_port=other.getsockname()[1],
            ):
                pass
    assert not await reaches("127.0.0.1", number)


async def over_unix(path: Path) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    line = await reader.readline()
    writer.close()
    return line


async def test_a_unix_socket_answers_and_goes_with_the_doors(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with opened(relay__mode="capture", relay__unix_socket=str(path)):
        assert (await over_unix(path)).split()[1] == b"200"
    assert not path.exists()
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"relay\.unix_socket: cannot listen on .*no socket"):
        async with opened(relay__mode="capture", relay__unix_socket=str(tmp_path / "file")):
            pass


async def test_sockets_that_somebody_holds_stay_theirs(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bound_socket("127.0.0.1", 0) as internal, bound_unix_socket(str(path)) as unix:
        number = internal.getsockname()[1]
        beside = {"internal": internal.dup(), "unix": unix.dup()}
        async with opened(
            beside=beside,
            relay__mode="capture",
            relay__unix_socket=str(path),
            relay__internal_host="127.0.0.1",
            relay__internal_port=9,
        ) as doors:
            assert doors.internal == number
            assert await status(number, "/healthz") == 200
            assert (await over_unix(path)).split()[1] == b"200"
        assert path.is_socket()


async def test_tls_is_spoken_where_it_is_meant_and_new_certificates_are_taken_over(
    chain: Chain, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pair, other, over = chain.leaf("one"), chain.leaf("two", days=5), chain.leaf("over", days=-1)
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"

    def put(cert_from: Path, key_from: Path) -> None:
        for source, target in ((cert_from, cert), (key_from, key)):
            shutil.copy(source, f"{target}.next")
            os.replace(f"{target}.next", target)  # noqa: PTH105

    put(over.cert, over.key)
    book, context = Book(), trusting(chain.root)
    options = {"tls__cert": str(cert), "tls__key": str(key), "relay__mode": "capture", "capture__spotlight_port": 0}
    internal = {"relay__internal_host": "127.0.0.1", "relay__internal_port": 0}
    async with opened(book, **options, **internal, tls__internal=True) as doors:
        assert "tls.cert: the certificate has expired, and no client will accept it: CN=relay.internal" in caplog.text
        assert [listener for listener, _ in book.told] == ["public", "internal"]
        put(pair.cert, pair.key)
        await doors.renew()
        assert await status(doors.number, "/", context) == 200
        assert await status(doors.internal, "/healthz", context) == 200
        assert await status(doors.spotlight, "/") == 200, "SDKs look there in the clear"
        book.told.clear()
        await doors.renew()
        assert book.told == [], "nothing is new"
        put(other.cert, pair.key)
        await doors.renew()
        ((of, problem),) = book.told
        assert of == "listener"
        assert "is not that of the certificate" in str(problem)
        put(other.cert, other.key)
        book.told.clear()
        await doors.renew()
        assert [name for name, _ in book.told] == ["public", "internal", "listener"]
    async with opened(book, **options, **internal) as doors:
        assert await status(doors.internal, "/healthz") == 200


async def test_a_certificate_that_cannot_be_used_lets_nothing_open(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tls\.cert: cannot read"):
        async with opened(relay__mode="capture", tls__cert=str(tmp_path / "none"), tls__key=str(tmp_path / "none")):
            pass
    async with opened(relay__mode="capture") as doors:
        await doors.renew()
