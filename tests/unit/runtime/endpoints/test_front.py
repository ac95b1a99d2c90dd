"""The front door's own decisions; what it does on a wire is in the integration tests."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from scrubjay import reasons
from scrubjay.errors import BadRequest, Denied, TooLarge, Unavailable
from scrubjay.reasons import too_large
from scrubjay.runtime.endpoints.bodies import Bodies
from scrubjay.runtime.endpoints.common import Request
from scrubjay.runtime.endpoints.front import Front, Route, content_coding, target
from scrubjay.runtime.endpoints.replies import Reply


@dataclass
class Book:
    """What was counted."""

    requests: list[tuple[str, int]] = field(default_factory=list)
    rejections: list[tuple[str, str]] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    def request(self, route: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.requests.append((route, status))

    def rejected(self, reason: reasons.Reason, detail: str = "", **_: Any) -> None:
        self.rejections.append((reason.code, detail))

    def internal_error(self, place: str, error: BaseException) -> None:
        assert place == "http"
        self.errors.append(error)


class FakeRequest:
    """As much of a request as the front door looks at."""

    def __init__(self, method: str, raw_path: str, coding: str | None = None) -> None:
        self.method = method
        self.raw_path = raw_path
        self.headers = {} if coding is None else {"Content-Encoding": coding}
        self.match_info: dict[str, str] = {}
        self.query_text = self.encoding = ""
        self.cors = False


async def echo(request: Request) -> Reply:
    return Reply(200, repr((sorted(request.match_info.items()), request.query_text, request.encoding)).encode())


async def other(_: Request) -> Reply:
    return Reply(201)


def front(book: Book | None = None, handler: Any = echo) -> Front:
    routes = [
        Route("POST", "/api/{project}/envelope/", handler, "envelope", cors=True),
        Route("GET", "/api/{project}/store/", echo, "store", cors=True),
        Route("POST", "/api/{project}/store/", other, "store", cors=True),
        Route("GET", "/api/relay/store", other, "fixed"),
        Route("GET", "/files/{name}", echo, "files"),
        Route("GET", "/", other, "page"),
    ]
    return Front(routes, book or Book(), Bodies(1 << 20))


async def ask(door: Front, method: str, raw_path: str, coding: str | None = None) -> tuple[int, bytes, FakeRequest]:
    request = FakeRequest(method, raw_path, coding)
    reply = await door(request)  # type: ignore[arg-type]
    assert isinstance(reply, Reply)
    return reply.status, reply.payload, request


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("/", ("/", "")),
        ("/a?b=%2F//", ("/a", "b=%2F//")),
        ("//a///b//", ("/a/b/", "")),
        ("/a%20b/%2F/c", ("/a b/%2F/c", "")),
        ("http://h//a?b", ("/a", "b")),
        ("http://h", ("/", "")),
        ("*", ("/", "")),
    ],
)
def test_target(raw: str, expected: tuple[str, str]) -> None:
    assert target(raw) == expected


@pytest.mark.parametrize(
    ("value", "coding"),
    [
        (None, ""),
        ("", ""),
        ("identity", ""),
        ("UTF-8", ""),
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("br", "br"),
        ("zstd", "zstd"),
    ],
)
def test_coding(value: str | None, coding: str) -> None:
    assert content_coding(value) == coding


@pytest.mark.parametrize("value", ["GZIP", "Identity", "gzip, br", "x"])
def test_coding_that_is_none(value: str) -> None:
    with pytest.raises(BadRequest) as caught:
        content_coding(value)
    assert caught.value.reason is reasons.CONTENT_ENCODING


@pytest.mark.parametrize(
    ("method", "raw_path", "status", "body"),
    [
        ("POST", "/api/7/envelope/?a=b", 200, b"([('project', '7')], 'a=b', '')"),
        ("POST", "/api/a%20b/envelope", 200, b"([('project', 'a b')], '', '')"),
        ("GET", "/api/7/store", 200, b"([('project', '7')], '', '')"),
        ("HEAD", "/api/7/store", 200, b"([('project', '7')], '', '')"),
        ("POST", "/api/7/store/", 201, b""),
        ("GET", "/api/relay/store/", 201, b""),
        ("GET", "/files/a", 200, b"([('name', 'a')], '', '')"),
        ("GET", "/", 201, b""),
        ("GET", "/files", 404, b""),
        ("GET", "/api/7/store/x", 404, b""),
        ("GET", "/api//store/", 404, b""),
        ("PUT", "/api/7/store/", 405, b""),
        ("OPTIONS", "/files/a", 405, b""),
        ("OPTIONS", "/api/7/store/", 200, b""),
    ],
)
async def test_routes(method: str, raw_path: str, status: int, body: bytes) -> None:
    assert (await ask(front(), method, raw_path))[:2] == (status, body)


async def test_cors_belongs_to_the_route() -> None:
    assert (await ask(front(), "PUT", "/api/7/store/"))[2].cors
    assert not (await ask(front(), "OPTIONS", "/api/7/store/"))[2].cors
    assert not (await ask(front(), "GET", "/files/a"))[2].cors
    assert not (await ask(front(), "POST", "/api/7/store/", "x"))[2].cors


@pytest.mark.parametrize(
    ("error", "status", "counted"),
    [
        (BadRequest(reasons.INVALID_ENVELOPE, "a", "b", "c"), 400, [("invalid_envelope", "a; b; c")]),
        (Denied(reasons.AUTH_MISSING, "a"), 401, [("auth_missing", "a")]),
        (Denied(reasons.PROJECT_ID), 403, []),
        (TooLarge(too_large("event")), 413, []),
        (Unavailable(reasons.QUEUE_FAILED), 503, []),
    ],
)
async def test_refusals_become_answers(error: Exception, status: int, counted: list[tuple[str, str]]) -> None:
    """What the pipeline booked item by item is not counted as a request again."""

    async def refuse(_: Request) -> Reply:
        raise error

    book = Book()
    assert (await ask(front(book, refuse), "POST", "/api/7/envelope/"))[0] == status
    assert book.rejections == counted
    assert book.requests == [("envelope", status)]


async def test_bugs_become_answers() -> None:
    async def fail(_: Request) -> Reply:
        raise ZeroDivisionError

    book = Book()
    assert (await ask(front(book, fail), "POST", "/api/7/envelope/"))[0] == 500
    assert [type(error) for error in book.errors] == [ZeroDivisionError]


async def test_clients_that_went_are_counted() -> None:
    async def gone(_: Request) -> Reply:
        raise ConnectionResetError

    book = Book()
    with pytest.raises(ConnectionResetError):
        await ask(front(book, gone), "POST", "/api/7/envelope/")
    assert book.requests == [("envelope", 499)]


async def test_unknown_coding_comes_before_the_route() -> None:
    book = Book()
    assert (await ask(front(book), "GET", "/nowhere", "x"))[0] == 415
    assert book.requests == [("unknown", 415)]


def test_repr_says_how_many() -> None:
    assert repr(front()) == "<Front 5 paths>"


async def test_draining_makes_each_answer_the_last() -> None:
    door = front()
    await door.drain(60)
    reply = await door(FakeRequest("GET", "/nowhere"))  # type: ignore[arg-type]
    assert isinstance(reply, Reply)
    assert reply.closes


async def test_draining_waits_for_what_was_begun_or_until_the_time_is_over() -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_: object) -> Reply:
        begun.set()
        await may_end.wait()
        return Reply(200)

    door = Front([Route("GET", "/slow", slow, "slow")], Book(), Bodies(1 << 20))
    answer = asyncio.ensure_future(ask(door, "GET", "/slow"))  # noqa: TID251
    await begun.wait()
    await door.drain(0.001)
    draining = asyncio.ensure_future(door.drain(60))  # noqa: TID251
    await asyncio.sleep(0)
    assert not draining.done()
    may_end.set()
    await draining
    assert (await answer)[0] == 200


async def test_routes_can_be_replaced() -> None:
    door = front()
    door.route([Route("GET", "/new", other, "new")])
    assert (await ask(door, "GET", "/new"))[0] == 201
    assert (await ask(door, "GET", "/files/a"))[0] == 404
