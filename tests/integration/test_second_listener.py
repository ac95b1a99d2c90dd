"""A worker with an internal listener and a Unix socket, in this process: who is answered what on which."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from support.raw_http import Connection, exchange, request
from support.relay import AUTH, ENVELOPE, Relay, relay

EVENT = b'{}\n{"type":"event"}\n{"message":"x"}\n'


def inner(one: Relay) -> int:
    assert one.worker._doors is not None
    assert one.worker._doors.internal is not None
    return one.worker._doors.internal


async def over_unix(path: Path, data: bytes) -> tuple[int, bytes]:
    connection = Connection(*await asyncio.open_unix_connection(str(path)))
    try:
        await connection.send(data)
        answer = await connection.answer()
    finally:
        await connection.close()
    return answer.status, answer.body


async def test_a_capture_shows_itself_on_the_internal_listener_and_takes_on_the_main_one(tmp_path: Path) -> None:
    options = {"relay": {"internal_port": 0}, "capture": {"spotlight_port": None}}
    async with relay(tmp_path / "r", mode="capture", options=options) as one:
        port, here = inner(one), {"Host": "localhost"}
        for method, target, body in (
            ("GET", "/", None),
            ("GET", "/api/capture/status", None),
            ("GET", "/stream?last=1&close=1", None),
            ("DELETE", "/clear", b""),
            ("GET", "/metrics", None),
        ):
            assert (await one.send(method, target, body, here)).status in (404, 405), target
        assert (await one.send("POST", "/stream", EVENT, here)).status == 200
        assert (await one.send("GET", "/health", headers=here)).status == 200
        assert (await one.env(EVENT)).status == 200
        assert (await exchange(port, request("POST", ENVELOPE, EVENT, AUTH))).status == 404
        assert (await exchange(port, request("POST", "/stream", EVENT, here))).status == 405
        assert (await exchange(port, request("GET", "/", None, here))).status == 200
        told = json.loads((await exchange(port, request("GET", "/api/capture/status", None, here))).body)
        assert told["dsn"].endswith("@127.0.0.1:0/1"), "as the main listener was configured"


async def test_routes_stay_where_they_are_after_a_reload(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", options={"relay": {"internal_port": 0}}) as one:
        await one.worker.reload()
        assert (await one.send("GET", "/healthz")).status == 404
        assert (await exchange(inner(one), request("GET", "/healthz"))).status == 200
        assert (await one.env(EVENT)).status == 200


async def test_who_comes_through_a_unix_socket_is_nobody_from_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "s"
    options = {
        "relay": {"host": "0.0.0.0", "unix_socket": str(path), "trusted_proxies": ["10.0.0.0/8"]},
        "admin": {"token": "sesame"},
    }
    async with relay(tmp_path / "r", options=options) as one:
        limits = "/api/scrubjay/limits"
        assert (await one.send("GET", limits)).status == 401
        foreign = {"Host": "evil.example", "Origin": "https://evil.example"}
        assert (await over_unix(path, request("GET", limits, None, foreign)))[0] == 200
        chain = {**AUTH, "X-Forwarded-For": "203.0.113.7"}
        assert (await over_unix(path, request("POST", ENVELOPE, EVENT, chain)))[0] == 200
        assert (await one.forwarded()).headers["x-forwarded-for"] == "203.0.113.7"
        assert (await over_unix(path, request("POST", ENVELOPE, EVENT, AUTH)))[0] == 200
        assert "x-forwarded-for" not in (await one.forwarded()).headers
        assert (await one.env(EVENT, {"X-Forwarded-For": "203.0.113.7"})).status == 200
        assert (await one.forwarded()).headers["x-forwarded-for"] == "127.0.0.1", "no proxy of ours"
    assert not path.exists()
