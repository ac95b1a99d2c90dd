"""Verdicts and refusals as bytes (ingest.md 1.2 to 1.4)."""

import gzip
from typing import Any

import msgspec
import pytest
from aiohttp.http import HttpVersion10, HttpVersion11

from scrubjay import reasons
from scrubjay.core.ports import Verdict
from scrubjay.errors import BadRequest, Rejected, Unavailable
from scrubjay.runtime.endpoints import replies
from scrubjay.runtime.endpoints.replies import Reply

E = "5d2c7a5e1b8f4c0e9a3d6f7081920abc"


class FakeTransport:
    def __init__(self, unsent: int) -> None:
        self.written = b""
        self.unsent = unsent

    def write(self, data: bytes) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unsent


class FakeRequest:
    """As much of a request as an answer needs."""

    def __init__(
        self,
        *,
        method: str = "POST",
        keep_alive: bool = True,
        version: Any = HttpVersion11,
        unsent: int = 0,
        accepts: str = "",
    ) -> None:
        self.headers = {"Accept-Encoding": accepts}
        self.method = method
        self.keep_alive = keep_alive
        self.version = version
        self.transport: FakeTransport | None = FakeTransport(unsent)
        self.drained = 0
        self.writer = self

    async def drain(self) -> None:
        self.drained += 1


async def written(reply: Reply, request: FakeRequest | None = None) -> tuple[str, dict[str, str], bytes]:
    request = request or FakeRequest()
    await reply.prepare(request)  # type: ignore[arg-type]
    await reply.write_eof()
    assert request.transport is not None
    head, _, body = request.transport.written.partition(b"\r\n\r\n")
    start, *lines = head.decode().split("\r\n")
    return start, dict(line.lower().split(": ", 1) for line in lines), body


async def test_accepted() -> None:
    start, headers, body = await written(replies.verdict_reply(Verdict(200, E)))
    assert start == "HTTP/1.1 200 OK"
    assert body == b'{"id":"%b"}' % E.encode()
    assert headers["content-length"] == str(len(body))
    assert headers["content-type"] == "application/json"
    assert headers["date"].endswith("gmt")
    assert "x-sentry-rate-limits" not in headers
    assert (await written(replies.verdict_reply(Verdict())))[2] == b"{}"


async def test_limits_travel_with_200_and_429() -> None:
    _, headers, _ = await written(replies.verdict_reply(Verdict(200, E, None, "60::key")))
    assert headers["x-sentry-rate-limits"] == "60::key"
    assert "retry-after" not in headers
    for make in (replies.verdict_reply, replies.gif_reply):
        start, headers, body = await written(make(Verdict(429, E, 37, "37:error:key")))
        assert start.startswith("HTTP/1.1 429")
        assert headers["retry-after"] == "37"
        assert headers["x-sentry-rate-limits"] == "37:error:key"
        assert msgspec.json.decode(body)["detail"]


async def test_gif() -> None:
    _, headers, body = await written(replies.gif_reply(Verdict(200, E, None, "60::key")))
    assert headers["content-type"] == "image/gif"
    assert headers["x-sentry-rate-limits"] == "60::key"
    assert len(body) == 26


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (BadRequest(reasons.INVALID_BODY, "a", "b"), {"detail": "a", "causes": ["b"]}),
        (BadRequest(reasons.INVALID_BODY, "a"), {"detail": "a"}),
        (Unavailable(reasons.QUEUE_FAILED), {"detail": reasons.QUEUE_FAILED.doc, "causes": [reasons.QUEUE_FAILED.doc]}),
    ],
)
async def test_refusal(error: Rejected, expected: dict[str, object]) -> None:
    """M66: a 503 has a cause"""
    start, headers, body = await written(replies.error_reply(error))
    assert start.startswith(f"HTTP/1.1 {error.status} ")
    assert headers["content-type"] == "application/json"
    assert msgspec.json.decode(body) == expected


async def test_refusal_says_when_to_come_back() -> None:
    _, headers, _ = await written(replies.error_reply(Unavailable(reasons.OUT_OF_MEMORY, retry_after_s=30)))
    assert headers["retry-after"] == "30"


async def test_refused_coding_has_no_body() -> None:
    _, headers, body = await written(replies.error_reply(BadRequest(reasons.CONTENT_ENCODING)))
    assert body == b""
    assert "content-type" not in headers
    assert headers["accept-encoding"] == "zstd,gzip,deflate,br"


async def test_stalled_body_ends_the_connection() -> None:
    reply = replies.error_reply(BadRequest(reasons.BODY_TIMEOUT))
    assert (await written(reply))[1]["connection"] == "close"
    assert not reply.keep_alive


async def test_connection_is_kept_or_not() -> None:
    reply = Reply(200)
    assert "connection" not in (await written(reply))[1]
    assert reply.keep_alive
    assert (await written(Reply(200), FakeRequest(keep_alive=False)))[1]["connection"] == "close"
    assert (await written(Reply(200), FakeRequest(version=HttpVersion10)))[1]["connection"] == "keep-alive"


async def test_head_has_the_length_alone() -> None:
    _, headers, body = await written(Reply(200, b"abc"), FakeRequest(method="HEAD"))
    assert (headers["content-length"], body) == ("3", b"")


async def test_slow_reader_is_waited_for() -> None:
    request = FakeRequest(unsent=100_000)
    await written(Reply(200), request)
    assert request.drained == 1


async def test_nobody_is_there() -> None:
    request = FakeRequest()
    request.transport = None
    await Reply(200).prepare(request)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("accepts", "packed"),
    [
        ("", False),
        ("br", False),
        ("gzip", True),
        ("br;q=1.0, GZIP ; q=0.5", True),
        ("gzip;q=1.0", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("identity, gzip;q=0.01", True),
    ],
)
async def test_long_answers_are_compressed_for_those_who_ask(accepts: str, packed: bool) -> None:
    """ingest.md 1.4: over 128 bytes; an event id never"""
    long, short = b"x" * 129, b"x" * 128
    _, headers, body = await written(Reply(200, long), FakeRequest(accepts=accepts))
    assert headers.get("content-encoding") == ("gzip" if packed else None)
    assert (gzip.decompress(body) if packed else body) == long
    assert headers["content-length"] == str(len(body))
    assert (await written(Reply(200, short), FakeRequest(accepts=accepts)))[2] == short


def test_repr() -> None:
    assert repr(Reply(200, b"abc")) == "<Reply 200 of 3 bytes>"
