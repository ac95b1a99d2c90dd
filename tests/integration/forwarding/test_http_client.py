"""The pool, TLS and proxies over real sockets (upstream-and-operations 6.2, 6.4, 6.9)."""

import asyncio
import ssl

import pytest

from scrubjay.runtime.forwarding.http_client import HttpClient, NoReply, Origin, Proxy
from support.certificates import make_authority, server_context
from support.forward_proxy import ForwardProxy
from support.mini_upstream import Answer, MiniUpstream

HEAD = b"POST /api/42/envelope/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"


@pytest.fixture
async def server():
    async with MiniUpstream() as upstream:
        yield upstream


@pytest.fixture
async def client(server):
    subject = HttpClient(Origin.parse(server.url), connect_timeout_s=2.0)
    yield subject
    subject.close()


async def post(client, timeout_s=5.0):
    return await client.request(HEAD, b"{}", timeout_s)


class TestPool:
    async def test_a_connection_is_used_again(self, server, client):
        for _ in range(5):
            assert (await post(client)).status == 200
        assert server.connections == 1
        assert repr(client).endswith("busy=0 idle=1>")

    async def test_several_at_once_have_one_each(self, server, client):
        server.default = Answer(delay_s=0.02)
        await asyncio.gather(*(post(client) for _ in range(4)))
        assert server.connections == 4
        await asyncio.gather(*(post(client) for _ in range(4)))
        assert server.connections == 4

    async def test_an_idle_connection_is_closed(self, server):
        client = HttpClient(Origin.parse(server.url), idle_s=0.02)
        await post(client)
        async with asyncio.timeout(30):
            while client._idle:  # noqa: ASYNC110 (the sweeper is the client's own business)
                await asyncio.sleep(0.005)
        await post(client)
        assert server.connections == 2
        client.close()

    async def test_a_connection_that_idled_too_long_is_not_used(self, server):
        client = HttpClient(Origin.parse(server.url), idle_s=60.0)
        await post(client)
        client._idle[0].idle_since_mono -= 61.0
        await post(client)
        assert server.connections == 2
        client.close()

    async def test_an_old_connection_is_recycled(self, server):
        client = HttpClient(Origin.parse(server.url), recycle_s=0.0)
        await post(client)
        await post(client)
        assert server.connections == 2
        client.close()

    async def test_a_server_that_closed_meanwhile_is_asked_again_at_once(self, server, client):
        await post(client)
        await server.stop()
        await server.start()
        assert (await post(client)).status == 200

    async def test_a_request_lost_on_a_kept_connection_is_sent_once_more(self, server, client):
        await post(client)
        server.tell(Answer(reset="before"))
        assert (await post(client)).status == 200

    async def test_a_request_lost_on_a_new_connection_is_not(self, server, client):
        server.default = Answer(reset="after")
        with pytest.raises(NoReply) as caught:
            await post(client)
        assert caught.value.failure == "reset"
        assert caught.value.ambiguous
        assert len(server.arrivals) == 1

    async def test_what_must_not_arrive_twice_is_not_sent_again(self, server, client):
        await post(client)
        server.tell(Answer(reset="after"))
        with pytest.raises(NoReply) as caught:
            await client.request(HEAD, b"{}", 5.0, once=True)
        assert caught.value.ambiguous
        assert len(server.arrivals) == 2

    async def test_on_a_connection_that_was_closed_before_it_is(self, server, client):
        await post(client)
        await server.stop()
        await server.start()
        assert (await client.request(HEAD, b"{}", 5.0, once=True)).status == 200

    async def test_after_close_nothing_is_sent_again(self, server, client):
        await post(client)
        server.tell(Answer(hangs=True))
        request = asyncio.ensure_future(post(client))  # noqa: TID251
        await server.until(lambda: len(server.arrivals) == 2)
        client.close()
        with pytest.raises(NoReply, match="reset"):
            await request

    async def test_what_ends_after_close_does_not_return_to_the_pool(self, server, client):
        server.tell(Answer(delay_s=0.05))
        request = asyncio.ensure_future(post(client))  # noqa: TID251
        await server.until(lambda: server.in_flight)
        client._closed = True
        (connection,) = client._busy
        await request
        assert client._idle == []
        assert not connection.is_open

    async def test_a_cancelled_request_closes_its_connection(self, server, client):
        server.tell(Answer(hangs=True))
        request = asyncio.ensure_future(post(client))  # noqa: TID251
        await server.until(lambda: server.in_flight)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert (client._busy, client._idle) == (set(), [])

    async def test_a_closing_server_is_obeyed(self, server, client):
        server.default = Answer(headers={"Connection": "close"})
        for _ in range(2):
            assert (await post(client)).status == 200
        assert server.connections == 2
        assert client._idle == []


class TestFailures:
    async def test_nobody_listens(self, server, client):
        await server.stop()
        with pytest.raises(NoReply, match="connect") as caught:
            await post(client)
        assert (caught.value.failure, caught.value.ambiguous) == ("connect", False)

    async def test_an_unknown_name(self):
        with pytest.raises(NoReply, match="connect"):
            await post(HttpClient(Origin.parse("http://does-not-exist.invalid")))

    async def test_a_server_that_does_not_finish_connecting(self):
        gone = asyncio.Event()

        async def silent(reader, writer):
            await reader.read()
            writer.close()
            gone.set()

        listener = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        client = HttpClient(
            Origin("https", "127.0.0.1", port), tls=ssl.create_default_context(), connect_timeout_s=0.05
        )
        with pytest.raises(NoReply, match=r"no connection within 0\.05 s"):
            await post(client)
        await gone.wait()
        listener.close()

    async def test_a_server_that_hangs(self, server, client):
        server.default = Answer(hangs=True)
        with pytest.raises(NoReply) as caught:
            await post(client, timeout_s=0.05)
        assert caught.value.failure == "timeout"

    async def test_garbage(self, server, client):
        server.default = Answer(raw=b"\x00\x01garbage\r\n\r\n")
        with pytest.raises(NoReply) as caught:
            await post(client)
        assert caught.value.failure == "broken"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def secure(authority):
    async with MiniUpstream(ssl_context=server_context(authority[1])) as upstream:
        yield upstream


class TestTls:
    async def test_upstream_72_a_private_authority_is_not_trusted_and_says_so(self, secure):
        client = HttpClient(Origin.parse(secure.url), tls=ssl.create_default_context())
        with pytest.raises(NoReply, match=r"tls: 127\.0\.0\.1: unable to get local issuer certificate") as caught:
            await post(client)
        assert caught.value.failure == "tls"

    async def test_upstream_72_with_its_bundle_it_is(self, secure, authority):
        client = HttpClient(Origin.parse(secure.url), tls=ssl.create_default_context(cafile=authority[0]))
        for _ in range(2):
            assert (await post(client)).status == 200
        assert secure.connections == 1
        client.close()

    async def test_upstream_72_another_bundle_counts_without_a_restart(self, secure, authority):
        client = HttpClient(Origin.parse(secure.url), tls=ssl.create_default_context())
        with pytest.raises(NoReply, match="tls"):
            await post(client)
        client.trust(ssl.create_default_context(cafile=authority[0]))
        assert (await post(client)).status == 200
        secure.tell(Answer(delay_s=0.05))
        under_way = asyncio.ensure_future(post(client))  # noqa: TID251
        await secure.until(lambda: secure.in_flight)
        client.trust(ssl.create_default_context())
        assert (await under_way).status == 200
        with pytest.raises(NoReply, match="tls"):
            await post(client)

    async def test_in_the_clear_nobody_is_trusted(self, server, client):
        client.trust(ssl.create_default_context())
        assert (await post(client)).status == 200

    async def test_the_name_in_the_certificate_can_be_given(self, secure, authority):
        tls = ssl.create_default_context(cafile=authority[0])
        client = HttpClient(Origin.parse(secure.url), tls=tls, server_name="sentry.internal")
        assert (await post(client)).status == 200
        client.close()
        with pytest.raises(NoReply, match="tls: other"):
            await post(HttpClient(Origin.parse(secure.url), tls=tls, server_name="other"))

    async def test_a_server_that_speaks_no_tls(self, server):
        client = HttpClient(Origin("https", "127.0.0.1", server.port), tls=ssl.create_default_context())
        with pytest.raises(NoReply) as caught:
            await post(client)
        assert caught.value.failure in ("tls", "connect")


class TestProxy:
    async def test_upstream_73_https_goes_through_a_tunnel(self, secure, authority):
        async with ForwardProxy() as proxy:
            client = HttpClient(
                Origin.parse(secure.url),
                tls=ssl.create_default_context(cafile=authority[0]),
                proxy=Proxy.parse(proxy.url),
            )
            for _ in range(3):
                assert (await post(client)).status == 200
            assert len(proxy.heads) == 1
            assert proxy.heads[0].startswith(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n" % secure.port)
            assert b"Proxy-Authorization: Basic am86cHc=\r\n" in proxy.heads[0]
            client.close()

    async def test_a_proxy_that_refuses(self, secure, authority):
        async with ForwardProxy() as proxy:
            proxy.refuses = True
            client = HttpClient(
                Origin.parse(secure.url),
                tls=ssl.create_default_context(cafile=authority[0]),
                proxy=Proxy.parse(proxy.url),
            )
            with pytest.raises(NoReply, match="connect: the proxy answered 403"):
                await post(client)

    async def test_http_is_asked_of_the_proxy_itself(self, server):
        """The mini upstream plays the proxy: it is sent the whole address."""
        client = HttpClient(Origin.parse("http://sentry.example"), proxy=Proxy.parse(server.url))
        head = f"POST {client.target('/api/42/envelope/')} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
        assert (await client.request(head.encode(), b"{}", 5.0)).status == 200
        assert server.arrivals[0].path == "/api/42/envelope/"
        client.close()
