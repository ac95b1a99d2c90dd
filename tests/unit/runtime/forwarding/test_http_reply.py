"""Replies as bytes (RFC 9112)."""

import gzip

import pytest

from scrubjay.runtime.forwarding.http_reply import MAX_BODY_BYTES, MAX_KEPT_BYTES, BrokenReply, Reply, ReplyReader

OK = b"HTTP/1.1 200 OK\r\n"
# name, bytes, status, body, reusable
WHOLE = [
    ("counted", OK + b"Content-Length: 2\r\n\r\n{}", 200, b"{}", True),
    ("empty", OK + b"Content-Length: 0\r\n\r\n", 200, b"", True),
    ("no content", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    ("not modified", b"HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", 304, b"", True),
    ("no reason", b"HTTP/1.1 429\r\nContent-Length: 1\r\n\r\nx", 429, b"x", True),
    ("chunked", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n", 200, b"ab0123456789", True),
    ("trailers", OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\nZ: w\r\n\r\n", 200, b"a", True),
    ("closing", OK + b"Connection: close\r\nContent-Length: 1\r\n\r\na", 200, b"a", False),
    ("old", b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", 200, b"a", False),
    ("old, kept", b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na", 200, b"a", True),
    ("interim", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\na", 200, b"a", True),
]  # fmt: skip


def read(data: bytes, step: int, *, bodiless: bool = False) -> Reply | None:
    reader = ReplyReader(bodiless=bodiless)
    for position in range(0, len(data), step):
        reply = reader.feed(data[position : position + step])
        if reply is not None:
            assert position + step >= len(data)
            return reply
    return None


@pytest.mark.parametrize("step", [1, 2, 7, 10_000])
@pytest.mark.parametrize(
    ("data", "status", "body", "reusable"), [case[1:] for case in WHOLE], ids=[c[0] for c in WHOLE]
)
def test_a_whole_reply_is_read_however_it_comes(data, status, body, reusable, step):
    reply = read(data, step)
    assert reply is not None
    assert (reply.status, reply.body, reply.reusable) == (status, body, reusable)


@pytest.mark.parametrize("data", [case[1] for case in WHOLE], ids=[case[0] for case in WHOLE])
def test_a_reply_that_is_one_byte_short_is_not_one(data):
    reader = ReplyReader()
    assert reader.feed(data[:-1]) is None
    assert reader.started
    assert reader.end() is None


@pytest.mark.parametrize("data", [case[1] for case in WHOLE], ids=[case[0] for case in WHOLE])
def test_a_tail_spoils_the_connection(data):
    reply = ReplyReader().feed(data + b"HTTP/1.1 200 OK\r\n\r\n")
    assert reply is not None
    assert not reply.reusable


@pytest.mark.parametrize("head", [b"", b"Transfer-Encoding: gzip\r\n"])
def test_without_a_length_the_body_ends_with_the_connection(head):
    reader = ReplyReader()
    assert reader.feed(OK + head + b"\r\nab") is None
    assert reader.feed(b"c") is None
    reply = reader.end()
    assert reply is not None
    assert (reply.body, reply.reusable) == (b"abc", False)


@pytest.mark.parametrize(
    "data",
    [
        b"<html>",
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1200\r\n\r\n",
        OK + b"no colon\r\n\r\n",
        OK + b"Content-Length: x\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nx\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 5000,
        OK + b"X: " + b"x" * 70_000,
        OK + b"X: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_reply_is_broken(data):
    with pytest.raises(BrokenReply):
        ReplyReader().feed(data)


def test_nothing_is_no_start():
    assert not ReplyReader().started


def test_names_are_lower_case_and_values_joined():
    reply = ReplyReader().feed(
        OK + b"X-Sentry-Rate-Limits: 60:error:key\r\nx-sentry-rate-limits:  1::key \r\nContent-Length: 0\r\n\r\n"
    )
    assert reply is not None
    assert reply.headers["x-sentry-rate-limits"] == "60:error:key, 1::key"


def test_a_long_body_is_read_and_mostly_forgotten():
    reader = ReplyReader()
    length = MAX_KEPT_BYTES + 5
    assert reader.feed(OK + b"Content-Length: %d\r\n\r\n" % length) is None
    reply = reader.feed(b"x" * length)
    assert reply is not None
    assert (len(reply.body), reply.reusable) == (MAX_KEPT_BYTES, True)


@pytest.mark.parametrize("keeps_bytes", [MAX_KEPT_BYTES + 3, MAX_BODY_BYTES + 3])
def test_who_asks_for_more_gets_it(keeps_bytes):
    reader = ReplyReader(keeps_bytes=keeps_bytes)
    assert reader.feed(OK + b"Content-Length: %d\r\n\r\n" % keeps_bytes) is None
    reply = reader.feed(b"x" * keeps_bytes)
    assert reply is not None
    assert (len(reply.body), reply.reusable) == (keeps_bytes, True)


@pytest.mark.parametrize("framing", [b"Content-Length: 99999999999", b"Transfer-Encoding: chunked", b"X: y"])
def test_a_body_without_end_is_given_up(framing):
    reader = ReplyReader()
    assert reader.feed(OK + framing + b"\r\n\r\n") is None
    piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n" if b"chunked" in framing else b"x" * 0x100000
    replies = [reader.feed(piece) for _ in range(MAX_BODY_BYTES // 0x100000 + 1)]
    assert replies[:-2] == [None] * (len(replies) - 2)
    assert replies[-1] is not None
    assert not replies[-1].reusable


def test_framing_without_end_is_given_up():
    reader = ReplyReader()
    assert reader.feed(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n") is None
    trailers = (b"X: " + b"x" * 4000 + b"\r\n") * 256
    replies = [reader.feed(trailers) for _ in range(MAX_BODY_BYTES // len(trailers) + 1)]
    assert replies[0] is None
    assert replies[-1] is not None
    assert not replies[-1].reusable


def test_the_answer_to_connect_has_no_body():
    reply = ReplyReader(bodiless=True).feed(b"HTTP/1.1 200 Connection established\r\n\r\n")
    assert reply is not None
    assert reply.reusable


@pytest.mark.parametrize(
    ("body", "encoding", "expected"),
    [
        (b"plain \xff", None, "plain \ufffd"),
        (gzip.compress(b"zipped", mtime=0), "gzip", "zipped"),
        (gzip.compress(b"zipped", mtime=0)[:-9], "gzip", "zipped"),
        (b"not zipped", "gzip", ""),
        (gzip.compress(b"0" * 10_000_000, mtime=0), "gzip", "0" * MAX_KEPT_BYTES),
    ],
)
def test_the_text_of_a_body_is_what_can_be_read_of_it(body, encoding, expected):
    headers = {} if encoding is None else {"content-encoding": encoding}
    assert Reply(400, headers, body, reusable=True).text() == expected


def test_a_body_is_unpacked_as_far_as_one_wants():
    reply = Reply(200, {"content-encoding": " GZIP"}, gzip.compress(b"0" * 1000, mtime=0), reusable=True)
    assert reply.unpacked(10) == b"0" * 10
    assert reply.unpacked(2000) == b"0" * 1000


@pytest.mark.parametrize(
    ("status", "body", "stops"),
    [
        (403, b'{"relay": "stop"}', True),
        (403, b'{"relay": "go"}', False),
        (403, b'["stop"]', False),
        (403, b"<html>", False),
        (401, b'{"relay": "stop"}', False),
    ],
)
def test_a_server_may_tell_a_relay_to_stop(status, body, stops):
    assert Reply(status, {}, body, reusable=True).says_stop is stops
