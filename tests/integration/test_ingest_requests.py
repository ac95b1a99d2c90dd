"""Routes, CORS, keys, codings, facts: sections 9.1 to 9.4 and 9.10 of ingest.md, against a real worker in mode `proxy`."""

import base64
import gzip
import zlib
from collections.abc import AsyncIterator

import brotli
import pytest
import pytest_asyncio
import zstandard

from support.raw_http import chunked, request
from support.relay import AUTH, ENVELOPE, K2, STORE, E, K, Relay, relay

pytestmark = pytest.mark.asyncio(loop_scope="module")

ITEM = b'{"type":"session"}\n{"sid":"1"}'
BODY = b'{"event_id":"%b"}\n%b' % (E.encode(), ITEM)
LIST_A = (
    "x-sentry-auth, x-requested-with, x-forwarded-for, origin, referer, accept, content-type, authentication, "
    "authorization, content-encoding, transfer-encoding"
)
LIST_X = ["x-sentry-error", "x-sentry-rate-limits", "retry-after"]
LIST_V = ["origin", "access-control-request-method", "access-control-request-headers"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def passing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Relay]:
    async with relay(tmp_path_factory.mktemp("pass")) as found:
        yield found


def names(text: str) -> set[str]:
    return {name.strip().lower() for name in text.split(",")}


def auth_header(fields: str) -> dict[str, str]:
    return {"X-Sentry-Auth": f"Sentry {fields}"}


@pytest.mark.parametrize("target", ["/", "/foo", "/api", "/api/", "/api/relay/nope"])
async def test_no_route(passing: Relay, target: str) -> None:
    """ingest-1, ingest-2, M67. The rest of the web API is the server's: see `test_forward`"""
    for method in ("GET", "POST", "OPTIONS"):
        answer = await passing.send(method, target, b"x")
        assert (answer.status, answer.body) == (404, b"")
        assert answer.headers["content-length"] == "0"


@pytest.mark.parametrize(
    "target", ["/api/relay/healthcheck/live/", "/api/0/relays/live/", "/healthz", "/livez", "/startupz"]
)
async def test_live(passing: Relay, target: str) -> None:
    """ingest-3"""
    answer = await passing.send("GET", target)
    assert (answer.status, answer.json) == (200, {"is_healthy": True})
    assert (await passing.send("HEAD", target)).status == 200


async def test_ready_and_metrics(passing: Relay) -> None:
    ready = await passing.send("GET", "/api/relay/healthcheck/ready/")
    assert ready.status == 200
    assert isinstance(ready.json, dict)
    assert ready.json["is_healthy"] is True
    assert (await passing.send("GET", "/readyz")).json == ready.json
    assert (await passing.send("GET", "/api/relay/healthcheck/other/")).status == 400
    await passing.env(b"{}")
    metrics = await passing.send("GET", "/metrics")
    assert b'scrubjay_requests_total{route="envelope",status="200"}' in metrics.body
    assert metrics.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "GET", "TRACE"])
async def test_other_methods(passing: Relay, method: str) -> None:
    """ingest-5, M45"""
    answer = await passing.send(method, ENVELOPE, b"")
    assert (answer.status, answer.body) == (405, b"")
    assert names(answer.headers["allow"]) == {"post"}
    assert answer.headers["access-control-allow-origin"] == "*"
    answer = await passing.send("PUT", STORE, b"")
    assert names(answer.headers["allow"]) == {"get", "head", "post"}


@pytest.mark.parametrize(
    "target", ["//api//7//envelope//", "/api/7/envelope", "/api/%37/envelope/", "/api/7/env%65lope/?x=//"]
)
async def test_spellings_of_a_path(passing: Relay, target: str) -> None:
    """ingest-6, ingest-7"""
    assert (await passing.send("POST", target, BODY, AUTH)).status == 200
    assert (await passing.forwarded()).path == ENVELOPE


async def test_absolute_target(passing: Relay) -> None:
    assert (await passing.send("POST", f"http://relay.local{ENVELOPE}", b"{}", AUTH)).status == 200


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/", None),
        ("GET", "/healthz", None),
        ("POST", ENVELOPE, b"{}"),
        ("POST", STORE, b""),
        ("OPTIONS", ENVELOPE, None),
        ("PUT", ENVELOPE, None),
    ],
)
async def test_headers_of_every_answer(passing: Relay, method: str, target: str, body: bytes | None) -> None:
    """ingest-8"""
    answer = await passing.send(method, target, body, AUTH)
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["server"].startswith("scrubjay/")
    assert "content-encoding" not in answer.headers


async def test_what_is_no_http(passing: Relay) -> None:
    answer = await passing.raw(b"hello\r\n\r\n")
    assert answer.status == 400
    assert answer.headers["server"].startswith("scrubjay/")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize("target", [ENVELOPE, STORE, "/api/store/", "/tunnel"])
async def test_preflight(passing: Relay, target: str) -> None:
    """ingest-13, ingest-14"""
    answer = await passing.send("OPTIONS", target, headers={"Access-Control-Request-Method": "GET"})
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-max-age"] == "3600"
    assert names(answer.headers["access-control-allow-headers"]) == names(LIST_A)
    assert names(answer.headers["vary"]) == set(LIST_V)
    assert "access-control-expose-headers" not in answer.headers


async def test_pages_may_read_answers(passing: Relay) -> None:
    """ingest-15, ingest-16"""
    for answer in (await passing.env(b"{}"), await passing.send("POST", STORE, b"{}")):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert names(answer.headers["access-control-expose-headers"]) == set(LIST_X)
        assert names(answer.headers["vary"]) == set(LIST_V)
        assert "access-control-allow-credentials" not in answer.headers
    assert answer.status == 401


BASIC = base64.b64encode(f"{K}:".encode()).decode()
KEYS: dict[str, tuple[str, str, dict[str, str], int]] = {
    "ingest-16 M2 none": (STORE, "", {}, 401),
    "ingest-17": (STORE, "", {"X-Sentry-Auth": f"sentry SENTRY_KEY={K}"}, 401),
    "ingest-18": (STORE, "", {"X-Sentry-Auth": f"sEnTrY sentry_key={K}"}, 200),
    "ingest-19": (STORE, "", {"Authorization": f"Sentry sentry_key={K}, sentry_version=7"}, 200),
    "ingest-20": (STORE, "", {"Authorization": f"Basic {BASIC}"}, 200),
    "ingest-20 no colon": (STORE, "", {"Authorization": f"Basic {base64.b64encode(K.encode()).decode()}"}, 401),
    "ingest-21": (STORE, "", {"Authorization": "Bearer x", **AUTH}, 200),
    "ingest-22 M3": (STORE, f"?sentry_key={K}", AUTH, 401),
    "ingest-22 release": (STORE, "?sentry_release=1", AUTH, 401),
    "ingest-22 other": (STORE, "?x=1", AUTH, 200),
    "ingest-24": (STORE, "", auth_header(f"sentry_key={K},sentry_version=7.1"), 200),
    "ingest-24 M6": (STORE, "", auth_header(f"sentry_key={K},sentry_version=8"), 400),
    "ingest-24 M5": (STORE, "", auth_header(f"sentry_key={K},sentry_version=x"), 401),
    "ingest-24 missing": (STORE, "", auth_header(f"sentry_key={K}"), 200),
    "ingest-25 M7": (STORE, "", auth_header("sentry_key=short"), 400),
    "ingest-25 no hex": (STORE, "", auth_header(f"sentry_key={'z' * 32}"), 200),
    "M4": (STORE, "", auth_header("sentry_version=7"), 401),
    "M8": (STORE, "", {"X-Sentry-Auth": f"sentry_key={K}"}, 401),
    "ingest-32 M9": ("/api/abc/envelope/", "", {}, 400),
    "M9 store": ("/api/-1/store/", "", AUTH, 400),
    "M9 over u64": ("/api/18446744073709551616/envelope/", "", AUTH, 400),
}
WITH_CAUSE = {"ingest-17", "ingest-24 M5", "ingest-25 M7", "M4", "ingest-32 M9", "M9 store", "M9 over u64"}


@pytest.mark.parametrize("name", KEYS)
async def test_key(passing: Relay, name: str) -> None:
    target, query, headers, status = KEYS[name]
    answer = await passing.send("POST", target + query, b"{}", headers)
    assert answer.status == status
    if status == 200:
        await passing.forwarded()
        return
    assert answer.headers["content-type"] == "application/json"
    assert isinstance(answer.json, dict)
    assert answer.json["detail"]
    assert bool(answer.json.get("causes")) is (name in WITH_CAUSE)


async def test_key_in_the_query(passing: Relay) -> None:
    """ingest-23"""
    query = f"?sentry_key={K}&sentry_version=7&sentry_client=sentry.javascript.browser%2F9.1.0"
    assert (await passing.send("POST", ENVELOPE + query, BODY, {"Content-Type": "text/plain"})).status == 200
    sent = await passing.forwarded()
    assert sent.headers["x-sentry-auth"].endswith("sentry_client=sentry.javascript.browser/9.1.0")


async def test_no_cache_travels(passing: Relay) -> None:
    """ingest-25"""
    await passing.send("POST", ENVELOPE, BODY, auth_header(f"sentry_key={K}.no-cache"))
    assert (await passing.forwarded()).envelope()[0]["no_cache"] is True


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        (ENVELOPE, {"X-Sentry-Auth": ""}),
        (ENVELOPE, {}),
        ("/api/99/envelope/", {}),
        ("/tunnel", {}),
        ("/tunnel/?a=b", {}),
        ("/tunnel", {"Authorization": f"Basic {BASIC}"}),
    ],
)
async def test_key_in_the_envelope(passing: Relay, target: str, headers: dict[str, str]) -> None:
    """ingest-26, ingest-27, ingest-28"""
    body = b'{"dsn":"http://%b@relay.local/7"}\n%b' % (K.encode(), ITEM)
    assert (await passing.send("POST", target, body, headers)).status == 200
    assert (await passing.forwarded()).path == ENVELOPE


@pytest.mark.parametrize("target", [ENVELOPE, "/tunnel"])
@pytest.mark.parametrize("body", [b'{"dsn":"nonsense"}\n', b"{}", b"", b"nope", b"\n"])
async def test_no_key_in_the_envelope(passing: Relay, body: bytes, target: str) -> None:
    """ingest-29, M1"""
    answer = await passing.send("POST", target, body)
    assert answer.status == 401
    assert isinstance(answer.json, dict)
    assert answer.json["causes"]


@pytest.mark.parametrize(
    ("dsn", "status"),
    [(f"http://{K}@h/8", 400), (f"http://{K2}@h/7", 400), ("nonsense", 400), (f"http://{K}@other/7", 200)],
)
async def test_dsn_beside_a_key(passing: Relay, dsn: str, status: int) -> None:
    """ingest-30, M21, M22"""
    assert (await passing.env(b'{"dsn":"%b"}\n' % dsn.encode())).status == status


async def test_secret_stays(passing: Relay) -> None:
    """ingest-31, ingest-120"""
    headers = auth_header(f"sentry_key={K}, sentry_secret=hunter22") | {"Cookie": "a=hunter22", "baggage": "hunter22"}
    await passing.send("POST", ENVELOPE, BODY, headers)
    sent = await passing.forwarded()
    assert b"hunter22" not in sent.body
    assert "hunter22" not in str(sent.headers)


def raw_deflate(data: bytes) -> bytes:
    encoder = zlib.compressobj(wbits=-15)
    return encoder.compress(data) + encoder.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("gzip", gzip.compress(BODY[:20], mtime=0) + gzip.compress(BODY[20:], mtime=0)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", raw_deflate(BODY)),
        ("br", brotli.compress(BODY)),
        ("zstd", zstandard.ZstdCompressor().compress(BODY)),
        ("identity", BODY),
        ("", BODY),
        ("UTF-8", BODY),
    ],
)
async def test_codings(passing: Relay, encoding: str, body: bytes) -> None:
    """ingest-33, ingest-34"""
    assert (await passing.env(body, {"Content-Encoding": encoding})).status == 200
    (item,) = (await passing.forwarded()).envelope()[1]
    assert item.payload == b'{"sid":"1"}'


@pytest.mark.parametrize("target", [ENVELOPE, "/nowhere"])
@pytest.mark.parametrize("encoding", ["GZIP", "gzip, br", "x-gzip", "compress"])
async def test_unknown_coding(passing: Relay, target: str, encoding: str) -> None:
    """ingest-35, ingest-36, M10"""
    answer = await passing.send("POST", target, b"x", {"Content-Encoding": encoding})
    assert (answer.status, answer.body) == (415, b"")
    assert names(answer.headers["accept-encoding"]) == {"zstd", "gzip", "deflate", "br"}
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("body", [b"", b"\x1f\x8b\x08 garbage", gzip.compress(BODY, mtime=0)[:-1]])
async def test_broken_coding(passing: Relay, encoding: str, body: bytes) -> None:
    """ingest-37, ingest-38, M11"""
    answer = await passing.env(body, {"Content-Encoding": encoding})
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/json"


async def test_chunked_without_length(passing: Relay) -> None:
    """ingest-41"""
    assert (await passing.raw(chunked("POST", ENVELOPE, [BODY[:5], BODY[5:]], AUTH))).status == 200
    await passing.forwarded()


@pytest.mark.parametrize("times", [1, 20])
async def test_client_leaves_after_its_request(passing: Relay, times: int) -> None:
    """ingest-42"""
    for _ in range(times):
        connection = await passing.connect()
        connection.writer.write(request("POST", ENVELOPE, BODY, AUTH))
        connection.writer.close()
        assert (await passing.forwarded()).envelope()[0]["event_id"] == E
        await connection.close()


async def test_several_requests_on_a_connection(passing: Relay) -> None:
    connection = await passing.connect()
    await connection.send(request("POST", ENVELOPE, b"{}", AUTH) * 3)
    assert [(await connection.answer()).status for _ in range(3)] == [200, 200, 200]
    await connection.send(request("GET", "/healthz", headers={"Connection": "close"}))
    assert (await connection.answer()).headers["connection"] == "close"
    assert await connection.closed()
    await connection.close()


async def test_http_1_0(passing: Relay) -> None:
    connection = await passing.connect()
    await connection.send(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert (await connection.answer()).headers["connection"] == "keep-alive"
    await connection.send(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert (await connection.answer()).status == 200
    assert await connection.closed()
    await connection.close()


async def test_expect_continue(passing: Relay) -> None:
    connection = await passing.connect()
    await connection.send(request("POST", ENVELOPE, BODY, {**AUTH, "Expect": "100-continue"})[: -len(BODY)])
    assert (await connection.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
    await connection.send(BODY)
    assert (await connection.answer()).status == 200
    await connection.close()
    await passing.forwarded()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Forwarded-For": "198.51.100.4", "CF-Connecting-IP": "203.0.113.9"}, "203.0.113.9, 127.0.0.1"),
        ({"X-Forwarded-For": "198.51.100.4, 10.0.0.1"}, "198.51.100.4, 10.0.0.1, 127.0.0.1"),
        ({}, "127.0.0.1"),
    ],
)
async def test_chain_of_addresses(passing: Relay, headers: dict[str, str], expected: str) -> None:
    """ingest-117"""
    await passing.env(BODY, headers)
    sent = await passing.forwarded()
    assert sent.headers["x-forwarded-for"] == expected
    assert sent.envelope()[0]["forwarded_for"] == expected
    assert sent.envelope()[0]["remote_addr"] == "127.0.0.1"


async def test_facts_in_the_envelope_win(passing: Relay) -> None:
    """ingest-118"""
    await passing.env(b'{"forwarded_for":"192.0.2.1","user_agent":"first"}\n' + ITEM, {"User-Agent": "second"})
    sent = await passing.forwarded()
    assert sent.envelope()[0]["forwarded_for"] == sent.headers["x-forwarded-for"] == "192.0.2.1"
    assert sent.envelope()[0]["user_agent"] == sent.headers["user-agent"] == "first"


async def test_origin_and_hints(passing: Relay) -> None:
    """ingest-119"""
    await passing.env(BODY, {"Referer": "https://shop.example/cart", "Sec-CH-UA-Platform": '"Linux"'})
    sent = await passing.forwarded()
    assert sent.headers["origin"] == sent.envelope()[0]["origin"] == "https://shop.example/cart"
    assert sent.envelope()[0]["client_hints"] == {"sec_ch_ua_platform": '"Linux"'}


async def test_nobody_invents_sent_at(passing: Relay) -> None:
    """ingest-122"""
    await passing.env(BODY)
    assert "sent_at" not in (await passing.forwarded()).envelope()[0]


async def test_header_as_long_as_an_event(passing: Relay) -> None:
    data = "%7B%22message%22%3A%22" + "m" * 60_000 + "%22%7D"
    answer = await passing.send("GET", f"{STORE}?sentry_key={K}&sentry_data={data}")
    assert answer.status == 200
    await passing.forwarded()
