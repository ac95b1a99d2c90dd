"""Limits of bodies and rates, roles and options: what in ingest.md's section 9 needs a relay of its own settings."""

import asyncio
import gzip
import zlib
from pathlib import Path

import brotli
import pytest
import zstandard

from support.raw_http import chunked, request
from support.relay import AUTH, ENVELOPE, K2, STORE, E, K, relay

KIB = 1024
EVENT = b'{"event_id":"%b"}\n{"type":"event"}\n{"message":"a"}' % E.encode()


async def test_limit_of_a_body(tmp_path: Path) -> None:
    """ingest-39, M12"""
    encoders = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": brotli.compress,
        "zstd": zstandard.ZstdCompressor().compress,
    }
    async with relay(tmp_path, options={"limits": {"max_envelope_size": "1KiB"}}) as small:
        exact = b'{}\n{"type":"x"}\n'.ljust(KIB, b"x")
        assert (await small.env(exact)).status == 200
        assert (await small.env(exact + b"x")).status == 413
        for encoding, encode in encoders.items():
            assert (await small.env(encode(exact), {"Content-Encoding": encoding})).status == 200
            answer = await small.env(encode(exact + b"x"), {"Content-Encoding": encoding})
            assert answer.status == 413
            assert isinstance(answer.json, dict)
            assert answer.json["detail"]
        assert (await small.raw(chunked("POST", ENVELOPE, [exact, b"x"], AUTH))).status == 413
        assert (await small.raw(chunked("POST", ENVELOPE, [exact[:9], exact[9:]], AUTH))).status == 200
        assert (await small.send("POST", ENVELOPE, exact + b"x")).status == 413  # before 401 can be decided


async def test_endless_body(tmp_path: Path) -> None:
    async with relay(tmp_path, options={"limits": {"max_envelope_size": "64KiB"}}) as small:
        connection = await small.connect()
        await connection.send(chunked("POST", ENVELOPE, [b"x" * KIB] * 100, AUTH)[:-5])
        answer = await connection.answer()
        assert answer.status == 413
        await connection.close()
        assert (await small.env(b"{}")).status == 200


async def test_stalling_body(tmp_path: Path) -> None:
    """M70"""
    async with relay(tmp_path, options={"limits": {"body_idle_timeout": 0.2}}) as hasty:
        connection = await hasty.connect()
        await connection.send(request("POST", ENVELOPE, b"{}", AUTH)[:-1])
        answer = await connection.answer()
        assert answer.status == 408
        assert answer.headers["connection"] == "close"
        assert isinstance(answer.json, dict)
        assert await connection.closed()
        await connection.close()


async def test_slow_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who keep silent between requests may, for as long as is configured; those who do not finish one may not."""
    monkeypatch.setattr("scrubjay.runtime.endpoints.front.HEADER_TIMEOUT_S", 0.2)
    async with relay(tmp_path, options={"limits": {"keepalive_timeout": 60}}) as patient:
        silent, slow = await patient.connect(), await patient.connect()
        for connection in (silent, slow):
            await connection.send(request("POST", ENVELOPE, b"{}", AUTH))
            assert (await connection.answer()).status == 200
        await slow.send(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        assert await slow.closed()
        wire = request("GET", "/healthz")
        await silent.send(wire[:10])
        await silent.send(wire[10:])
        assert (await silent.answer()).status == 200
        await silent.close()
        await slow.close()


async def test_silence_ends_a_connection(tmp_path: Path) -> None:
    async with relay(tmp_path, options={"limits": {"keepalive_timeout": 0.2}}) as hasty:
        connection = await hasty.connect()
        assert await connection.closed()
        await connection.close()


async def test_body_that_breaks_off(tmp_path: Path) -> None:
    async with relay(tmp_path) as passing:
        connection = await passing.connect()
        await connection.send(request("POST", ENVELOPE, EVENT, AUTH)[:-1])
        await connection.close()
        for rest in (b"nonsense\r\n", b"-1\r\n", b"5\r\ntoo long\r\n"):
            connection = await passing.connect()
            await connection.send(chunked("POST", ENVELOPE, [EVENT], AUTH)[:-5])
            await asyncio.sleep(0.02)
            await connection.send(rest)
            assert (await connection.answer()).status == 400
            await connection.close()
        assert await passing.forwards_nothing()


async def test_large_bodies_are_read_whole(tmp_path: Path) -> None:
    """Longer than is inflated in one go, plain and compressed, slowly."""
    payload = bytes(range(256)) * 8 * KIB
    body = b'{}\n{"type":"attachment","length":%d}\n%b' % (len(payload), payload)
    async with relay(tmp_path) as passing:
        for headers, data in ({}, body), ({"Content-Encoding": "gzip"}, gzip.compress(body)):
            connection = await passing.connect()
            wire = request("POST", ENVELOPE, data, {**AUTH, **headers})
            for start in range(0, len(wire), 200_000):
                await connection.send(wire[start : start + 200_000])
                await asyncio.sleep(0)
            assert (await connection.answer()).status == 200
            await connection.close()
            assert (await passing.forwarded()).envelope()[1][0].payload == payload


async def test_unknown_items_may_be_refused(tmp_path: Path) -> None:
    """ingest-75"""
    async with relay(tmp_path, options={"routing": {"accept_unknown_items": False}}) as strict:
        body = (
            b'{}\n{"type":"weird"}\na\n{"type":"attachment"}\nb\n{"type":"attachment","attachment_type":"weird"}\nc\n'
            b'{"type":"attachment","attachment_type":null}\nd'
        )
        assert (await strict.env(body)).status == 200
        assert [item.payload for item in (await strict.forwarded()).envelope()[1]] == [b"b"]
        assert (await strict.env(b'{}\n{"type":"weird"}\na')).status == 200


async def test_tunnel_paths_are_chosen(tmp_path: Path) -> None:
    body = b'{"dsn":"http://%b@relay.local/7"}\n{"type":"session"}\n{}' % K.encode()
    async with relay(tmp_path, options={"routing": {"tunnel_paths": ["/a/b", "/c/"]}}) as own:
        for target, status in (("/a/b", 200), ("/a/b/", 200), ("/c", 200), ("/tunnel", 404)):
            assert (await own.send("POST", target, body)).status == status


async def test_facts_may_be_distrusted(tmp_path: Path) -> None:
    """ingest-118"""
    async with relay(tmp_path, options={"privacy": {"trust_envelope_facts": False}}) as wary:
        await wary.env(b'{"forwarded_for":"192.0.2.1"}\n{"type":"session"}\n{}')
        assert (await wary.forwarded()).envelope()[0]["forwarded_for"] == "127.0.0.1"


async def test_only_trusted_proxies_speak_for_others(tmp_path: Path) -> None:
    async with relay(tmp_path, options={"relay": {"trusted_proxies": ["10.0.0.0/8"]}}) as wary:
        await wary.env(EVENT, {"X-Forwarded-For": "198.51.100.4"})
        assert (await wary.forwarded()).headers["x-forwarded-for"] == "127.0.0.1"


async def test_limit_of_the_server_reaches_the_client(tmp_path: Path) -> None:
    """ingest-78, ingest-79, ingest-83"""
    async with relay(tmp_path) as passing:
        passing.upstream.answers.append((429, {"Retry-After": "5"}))
        assert (await passing.env(EVENT)).status == 200
        await passing.forwarded()
        while (answer := await passing.env(EVENT)).status == 200:
            await passing.forwarded()
        assert answer.status == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 5
        assert answer.headers["x-sentry-rate-limits"].endswith("::key:generic")
        assert isinstance(answer.json, dict)
        assert answer.json["detail"]
        passing.upstream.deliveries.clear()
        for free in (b'{}\n{"type":"client_report"}\n{"discarded_events":[]}', b'{}\n{"type":"weird"}\nx'):
            assert (await passing.env(free)).status == 200
            await passing.forwarded()
        big = b'{}\n{"type":"event"}\n' + b"x" * 2 * KIB * KIB
        assert (await passing.env(big)).status == 429
        image = await passing.send("GET", f"{STORE}?sentry_key={K}&sentry_data=%7B%7D")
        assert image.status == 429
        assert (await passing.send("GET", "/api/relay/healthcheck/live/")).status == 200


@pytest.mark.parametrize(
    ("category", "items", "kept"),
    [
        ("session", ["event", "session"], ["event"]),
        ("error", ["event", "attachment", "session"], ["session"]),
        ("profile_chunk_ui", ["profile_chunk_ui", "session"], ["session"]),
    ],
    ids=["ingest-80", "ingest-81", "ingest-77"],
)
async def test_limit_of_a_category(tmp_path: Path, category: str, items: list[str], kept: list[str]) -> None:
    async with relay(tmp_path) as passing:
        limits = f"60:{category}:key"
        passing.upstream.answers.append((200, {"X-Sentry-Rate-Limits": limits}))
        await passing.env(b'{}\n{"type":"first"}\nx')
        await passing.forwarded()
        body = b"{}" + b"".join(b'\n{"type":"%b","platform":"android"}\n{}' % item.encode() for item in items)
        while (answer := await passing.env(body)).status == 200:
            await passing.forwarded()
        assert answer.status == 429
        assert answer.headers["x-sentry-rate-limits"].split(":")[1] == category
        assert [item.headers["type"] for item in (await passing.forwarded()).envelope()[1]] == kept
        told = await passing.env(b'{}\n{"type":"weird"}\nx')
        assert told.status == 200
        assert told.headers["x-sentry-rate-limits"].split(":")[1] == category


PLAN = {"publicKeys": [{"publicKey": K}], "projectId": 7, "config": {"allowedDomains": ["shop.example"]}}


async def test_plans_decide_who_may(tmp_path: Path) -> None:
    """M69, ingest-91, ingest-11"""
    async with relay(tmp_path, mode="static", projects={"7.yaml": PLAN}) as scrubbing:
        assert (await scrubbing.env(EVENT)).status == 200
        assert (await scrubbing.forwarded()).path == ENVELOPE
        assert (await scrubbing.send("POST", "/api/store/", b"{}", AUTH)).status == 200
        assert (await scrubbing.forwarded()).path == ENVELOPE
        refused = [
            await scrubbing.send("POST", "/api/8/envelope/", EVENT, AUTH),
            await scrubbing.send("POST", ENVELOPE, EVENT, {"X-Sentry-Auth": f"Sentry sentry_key={K2}"}),
            await scrubbing.env(EVENT, {"Origin": "https://evil.example"}),
        ]
        assert [answer.status for answer in refused] == [403, 403, 403]
        assert all(isinstance(answer.json, dict) and answer.json["detail"] for answer in refused)
        assert (await scrubbing.send("GET", "/api/0/projects/")).status == 404


async def test_addresses_stay(tmp_path: Path) -> None:
    """ingest-123"""
    options = {"privacy": {"send_client_ip": "none"}}
    async with relay(tmp_path, mode="static", options=options, projects={"default.yaml": {"config": {}}}) as scrubbing:
        await scrubbing.env(EVENT, {"X-Forwarded-For": "198.51.100.4"})
        sent = await scrubbing.forwarded()
        assert "x-forwarded-for" not in sent.headers
        assert not {"forwarded_for", "remote_addr"} & sent.envelope()[0].keys()


async def test_capture_answers_like_the_others(tmp_path: Path) -> None:
    async with relay(tmp_path, mode="capture", options={"capture": {"spotlight_port": None}}) as capture:
        assert (await capture.env(EVENT)).json == {"id": E}
        assert (await capture.env(b"nope")).status == 400
        assert (await capture.send("OPTIONS", ENVELOPE)).status == 200
        page = await capture.send("GET", "/", headers={"Host": "localhost"})
        assert page.headers["cross-origin-resource-policy"] == "cross-origin"
