"""Bodies and facts of a request (ingest.md 4, 7.3); what happens on a wire is in the integration tests."""

import asyncio
import gzip
from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp import web
from multidict import CIMultiDict

from scrubjay import reasons
from scrubjay.errors import BadRequest, TooLarge
from scrubjay.runtime.endpoints.bodies import Bodies, Share
from scrubjay.runtime.endpoints.common import chain_reader, client_hints, receive, visible


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        (" a/1 ", "a/1"),
        ("a\tb\x7f", "ab"),
        ("ü".encode().decode("utf-8", "surrogateescape"), "ü"),
        (b"\xff!".decode("utf-8", "surrogateescape"), "\ufffd!"),
    ],
)
def test_visible(value: str | None, expected: str | None) -> None:
    assert visible(value) == expected


def test_client_hints() -> None:
    assert client_hints({}) == {}
    headers = CIMultiDict({"sec-ch-ua": '"A";v="1"', "sec-ch-ua-model": "", "sec-ch-ua-platform-version": "6"})
    assert client_hints(headers) == {"sec_ch_ua": '"A";v="1"', "sec_ch_ua_platform_version": "6"}


CHAIN = {
    "none": ({}, "127.0.0.1", "127.0.0.1"),
    "first that is not empty": (
        {"CF-Connecting-IP": "", "X-Vercel-Forwarded-For": "1.1.1.1", "X-Forwarded-For": "2.2.2.2"},
        "9.9.9.9",
        "1.1.1.1, 9.9.9.9",
    ),
    "order": ({"X-Forwarded-For": "2.2.2.2", "X-Sentry-Forwarded-For": "3.3.3.3"}, "9.9.9.9", "3.3.3.3, 9.9.9.9"),
    "text as it is": ({"X-Forwarded-For": "unknown, 2.2.2.2"}, "9.9.9.9", "unknown, 2.2.2.2, 9.9.9.9"),
    "no peer": ({"X-Forwarded-For": "2.2.2.2"}, None, "2.2.2.2"),
    "nothing": ({}, None, None),
}


@pytest.mark.parametrize(("headers", "peer", "expected"), CHAIN.values(), ids=CHAIN.keys())
def test_chain(headers: dict[str, str], peer: str | None, expected: str | None) -> None:
    """ingest-117"""
    assert chain_reader(None)(CIMultiDict(headers), peer) == expected


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("10.1.2.3", True),
        ("192.0.2.7", True),
        ("11.0.0.1", False),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::1", False),
        ("odd", False),
    ],
)
def test_chain_of_trusted_peers_only(peer: str, trusted: bool) -> None:
    chain = chain_reader(["10.0.0.0/8", "192.0.2.7"])({"X-Forwarded-For": "1.1.1.1"}, peer)
    assert chain == (f"1.1.1.1, {peer}" if trusted else peer)


class FakeContent:
    """A body that comes in pieces; an exception among them is raised when its turn comes, `None` never comes."""

    def __init__(self, first: bytes, rest: Sequence[bytes | Exception | None]) -> None:
        self.first = first
        self.rest = list(rest)

    def read_nowait(self) -> bytes:
        return self.first

    def at_eof(self) -> bool:
        return not self.rest

    async def readany(self) -> bytes:
        piece = self.rest.pop(0)
        if piece is None:
            await asyncio.Event().wait()
        if isinstance(piece, Exception):
            raise piece
        assert piece is not None
        return piece


class FakeRequest:
    def __init__(self, first: bytes, *rest: bytes | Exception | None, encoding: str = "") -> None:
        self.content = FakeContent(first, rest)
        self.content_length: int | None = None
        self.share = Share(Bodies(1 << 30))
        self.encoding = encoding
        self.headers: dict[str, str] = {"Expect": "100-Continue"}
        self.transport: Any = None


async def read(request: FakeRequest, limit: int = 10, idle_s: float = 5.0) -> bytes:
    return await receive(request, limit, idle_s)  # type: ignore[arg-type]


async def test_body_at_once_and_in_pieces() -> None:
    assert await read(FakeRequest(b"abc")) == b"abc"
    assert await read(FakeRequest(b"", b"ab", b"", b"c")) == b"abc"
    assert await read(FakeRequest(b"")) == b""
    assert await read(FakeRequest(b"x" * 9, b"x")) == b"x" * 10


@pytest.mark.parametrize("request_", [FakeRequest(b"x" * 11), FakeRequest(b"x" * 10, b"x", b"never asked for")])
async def test_body_over_its_limit(request_: FakeRequest) -> None:
    """M12"""
    with pytest.raises(TooLarge):
        await read(request_)


async def test_compressed_body() -> None:
    large = bytes(300_000)
    for data in (b"x" * 10, large):
        wire = gzip.compress(data)
        assert await read(FakeRequest(wire, encoding="gzip"), len(data)) == data
        with pytest.raises(TooLarge):
            await read(FakeRequest(wire, encoding="gzip"), len(data) - 1)


async def test_compressed_body_of_many_bytes_is_inflated_elsewhere() -> None:
    data = gzip.compress(b"", 0) * 14_000
    with pytest.raises(BadRequest):
        await read(FakeRequest(data, encoding="gzip"), 10_000_000)


@pytest.mark.parametrize(
    ("piece", "error", "reason"),
    [
        (None, BadRequest, reasons.BODY_TIMEOUT),
        (web.RequestPayloadError("broken"), BadRequest, reasons.INVALID_BODY),
    ],
)
async def test_body_that_ends_badly(piece: Exception | None, error: type[BadRequest], reason: reasons.Reason) -> None:
    """M70"""
    with pytest.raises(error) as caught:
        await read(FakeRequest(b"x", piece), idle_s=0.01)
    assert caught.value.reason is reason
    assert caught.value.causes


@pytest.mark.parametrize("piece", [RuntimeError("Connection closed."), ConnectionResetError()])
async def test_body_whose_sender_went(piece: Exception) -> None:
    with pytest.raises(ConnectionResetError):
        await read(FakeRequest(b"x", piece))
