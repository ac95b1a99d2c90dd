"""Connections without sockets; those with sockets are in tests/integration/test_http_client.py."""

import asyncio
import ssl

import pytest

from scrubjay.runtime.forwarding.connection import Connection
from scrubjay.runtime.forwarding.http_client import HttpClient, NoReply, Origin, Proxy

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Wire:
    """The transport's side: what was written, and whether it was cut."""

    def __init__(self) -> None:
        self.written = b""
        self.cut = False
        self.unsent = 0

    def write(self, data):
        self.written += data

    def writelines(self, parts):
        self.written += b"".join(parts)

    def is_closing(self):
        return self.cut

    def abort(self):
        self.cut = True

    def get_write_buffer_size(self):
        return self.unsent

    def set_write_buffer_limits(self, high, low):
        self.limits = (high, low)


@pytest.fixture
async def link():
    connection, wire = Connection(asyncio.get_running_loop()), Wire()
    connection.connection_made(wire)
    return connection, wire


@pytest.mark.parametrize(
    ("url", "origin", "shown"),
    [
        ("http://h", Origin("http", "h", 80), "http://h"),
        ("https://h/", Origin("https", "h", 443), "https://h"),
        ("https://h:443", Origin("https", "h", 443), "https://h"),
        ("http://h:443", Origin("http", "h", 443), "http://h:443"),
        ("http://[::1]:9000", Origin("http", "::1", 9000), "http://[::1]:9000"),
    ],
)
def test_origins(url, origin, shown):
    assert Origin.parse(url) == origin
    assert str(origin) == shown


@pytest.mark.parametrize("url", ["ftp://h", "h:80", "http://", ""])
def test_what_is_no_address(url):
    with pytest.raises(ValueError, match="address"):
        Origin.parse(url)


def test_https_needs_tls():
    with pytest.raises(ValueError, match="TLS"):
        HttpClient(Origin.parse("https://h"))


def test_a_proxy_in_the_clear_is_asked_for_the_whole_address():
    plain, proxy = Origin.parse("http://h"), Proxy.parse("http://u:p@proxy:1")
    assert HttpClient(plain).target("/x") == "/x"
    assert HttpClient(plain, proxy=proxy).target("/x") == "http://h/x"
    assert HttpClient(plain, proxy=proxy).proxy_header() == "Proxy-Authorization: Basic dTpw\r\n"
    tunnelled = HttpClient(Origin.parse("https://h"), tls=ssl.create_default_context(), proxy=proxy)
    assert (tunnelled.target("/x"), tunnelled.proxy_header()) == ("/x", "")


async def test_a_request_and_its_reply(link):
    connection, wire = link
    waiter = connection.exchange(b"head ", b"body", 5.0)
    assert wire.written == b"head body"
    connection.data_received(OK)
    assert (await waiter).body == b"{}"
    assert connection.is_open


async def test_a_large_body_is_not_copied(link):
    connection, wire = link
    connection.exchange(b"head ", b"x" * 100_000, 5.0)
    assert len(wire.written) == 100_005


async def test_an_early_answer_closes_the_connection(link):
    """What is left of the request would be read as the next one."""
    connection, wire = link
    waiter = connection.exchange(b"head", b"", 5.0)
    wire.unsent = 10
    connection.data_received(b"HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n")
    assert (await waiter).status == 413
    assert not connection.is_open


@pytest.mark.parametrize(
    ("happen", "failure", "silent"),
    [
        (lambda connection: connection.connection_lost(ConnectionResetError("reset by peer")), "reset", True),
        (lambda connection: connection.eof_received(), "reset", True),
        (lambda connection: connection.data_received(b"SSH-2.0"), "broken", False),
        (lambda connection: (connection.data_received(OK[:-1]), connection.eof_received()), "reset", False),
        (lambda connection: (connection.data_received(OK[:5]), connection.connection_lost(None)), "reset", False),
    ],
)
async def test_no_reply(link, happen, failure, silent):
    connection, wire = link
    waiter = connection.exchange(b"head", b"", 5.0)
    happen(connection)
    with pytest.raises(NoReply) as caught:
        await waiter
    assert (caught.value.failure, caught.value.silent) == (failure, silent)
    assert wire.cut


async def test_what_was_written_whole_may_have_arrived(link):
    connection, wire = link
    assert wire.limits == (1, 0)
    waiter = connection.exchange(b"head", b"body", 5.0)
    connection.pause_writing()
    connection.resume_writing()
    connection.connection_lost(None)
    with pytest.raises(NoReply) as caught:
        await waiter
    assert caught.value.ambiguous


async def test_what_was_written_in_part_cannot_have_arrived(link):
    connection, _ = link
    waiter = connection.exchange(b"head", b"body", 5.0)
    connection.pause_writing()
    connection.connection_lost(ConnectionResetError())
    with pytest.raises(NoReply) as caught:
        await waiter
    assert not caught.value.ambiguous


async def test_what_the_kernel_refused_cannot_have_arrived(link):
    connection, wire = link
    wire.write = lambda data: wire.abort()
    waiter = connection.exchange(b"head", b"body", 5.0)
    connection.connection_lost(BrokenPipeError())
    with pytest.raises(NoReply) as caught:
        await waiter
    assert not caught.value.ambiguous


async def test_a_server_that_refuses_our_certificate_says_so_late_and_took_nothing(link):
    connection, _ = link
    waiter = connection.exchange(b"head", b"body", 5.0)
    connection.connection_lost(ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] alert"))
    with pytest.raises(NoReply, match="tls: ") as caught:
        await waiter
    assert not caught.value.ambiguous


async def test_a_hanging_server_times_out(link):
    connection, wire = link
    with pytest.raises(NoReply, match=r"timeout: no reply within 0\.01 s"):
        await connection.exchange(b"head", b"", 0.01)
    assert wire.cut


async def test_bytes_that_nobody_asked_for_close_the_connection(link):
    connection, wire = link
    connection.data_received(OK)
    assert wire.cut


async def test_a_closed_connection_says_so(link):
    connection, wire = link
    wire.cut = True
    with pytest.raises(NoReply, match="connection closed"):
        await connection.exchange(b"head", b"", 5.0)
    await asyncio.sleep(0)
    connection.connection_lost(None)  # the transport reports it later; nobody waits any more


async def test_an_answer_to_nobody_is_forgotten(link):
    connection, _ = link
    connection.exchange(b"head", b"", 5.0).cancel()
    connection.data_received(OK)
    connection.exchange(b"head", b"", 5.0).cancel()
    connection.connection_lost(None)


async def test_a_body_until_close(link):
    connection, _ = link
    waiter = connection.exchange(b"head", b"", 5.0)
    connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nall of it")
    connection.eof_received()
    assert (await waiter).body == b"all of it"
    assert not connection.is_open


def test_never_connected_is_not_open():
    loop = asyncio.new_event_loop()
    connection = Connection(loop)
    assert not connection.is_open
    connection.close()
    loop.close()
