"""Other API calls on their way through the relay (upstream-and-operations 6.8)."""

from __future__ import annotations

import asyncio
import gzip
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.certificates import make_authority, server_context
from support.forwarding import until
from support.mini_upstream import Answer, MiniUpstream
from support.raw_http import request
from support.relay import AUTH, K, Relay, relay

CHUNKS = "/api/0/organizations/o/chunk-upload/"
FILES = "/api/0/projects/o/p/files/dsyms/"


def came(one: Relay) -> list[tuple[str, str]]:
    return [(arrival.method, arrival.path) for arrival in one.upstream.arrivals if "scrubjay" not in arrival.path]


def last(one: Relay) -> Any:
    return one.upstream.arrivals[-1]


async def test_operations_70_what_is_passed_on_and_what_is_not(tmp_path: Path) -> None:
    async with relay(tmp_path / "r") as one:
        for path in (
            "/", "/foo", "/api/", "/api", "//api//", "/API/foo", "/api/scrubjay/x", "/api/relay/x/", "/api/%72elay/x/",
            "/api/capture/x", "/api/../foo", "/api/x/%2e%2e/y", "/api/x/./y",
            "/api/0/..%2f7/minidump/", "/api/0/..%5c7/", "/api/relay%2Fx", "/api/scrubjay\\x",
        ):  # fmt: skip
            assert (await one.send("GET", path)).status == 404, path
        assert (await one.send("GET", "/api/7/envelope/")).status == 405
        assert came(one) == []
        for method, path in (
            ("GET", "/api/foo"),
            ("DELETE", "/api/0/x/%2Fy/?q=a%20b&c"),
            ("OPTIONS", "/api/0/"),
            ("PUT", "//api///z"),
        ):
            assert (await one.send(method, path)).status == 200
        assert came(one) == [
            ("GET", "/api/foo"),
            ("DELETE", "/api/0/x//y/"),
            ("OPTIONS", "/api/0/"),
            ("PUT", "/api/z"),
        ]


async def test_operations_70_it_can_be_switched_off_and_on(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", options={"http": {"forward": False}}) as one:
        assert (await one.send("GET", "/api/foo")).status == 404
    async with relay(tmp_path / "s", mode="static", projects={"default.yaml": {"config": {}}}) as one:
        assert (await one.send("GET", "/api/foo")).status == 404
    paths = {"http": {"forward": True, "forward_paths": ["/api/0/organizations", "/api/7/"]}}
    async with relay(tmp_path / "t", mode="static", options=paths, projects={"default.yaml": {"config": {}}}) as one:
        for path in ("/api/foo", "/api/0/organizationsx", "/api/7/playstation/", "/api/7"):
            assert (await one.send("POST", path, b"x")).status == 404, path
        assert (await one.send("GET", "/api/0/organizations/o/")).status == 200
        assert came(one) == [("GET", "/api/0/organizations/o/")]


async def test_what_a_plan_would_scrub_is_not_passed_on_as_it_is(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", projects={"default.yaml": {"config": {}}}) as one:
        assert (await one.send("POST", "/api/7/playstation/", b"secret", AUTH)).status == 404
        for path in (f"/api/7/upload/{K}/", f"/api/7/playstation/?sentry%5Fkey={K}", "/api/7/playstation/"):
            assert (await one.send("POST", path, b"secret")).status == 404, "the server may see a key where we do not"
        for path in ("/api/007/playstation/", "/api/%37/playstation/"):
            assert (await one.send("POST", path, b"secret", AUTH)).status == 404, path
        one.worker._projects.deny(K, 7)
        assert (await one.send("POST", "/api/7/playstation/", b"secret", AUTH)).status == 404, "denied for a while"
        assert came(one) == []
        assert (await one.send("GET", "/api/0/projects/", None, AUTH)).status == 200
    async with relay(tmp_path / "s") as one:
        assert (await one.send("POST", f"/api/7/upload/{K}/", b"x")).status == 200
        assert (await one.send("POST", "/api/7/playstation/", b"x", AUTH)).status == 200
        assert last(one).body == b"x"


async def test_operations_71_headers_of_the_connection_stay_behind(tmp_path: Path) -> None:
    async with relay(tmp_path / "r") as one:
        one.upstream.default = Answer(
            201, [("X-Answer", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Trailer", "x")], b"made"
        )
        given = {
            "Authorization": "Bearer t", "X-Forwarded-For": "203.0.113.9", "X-Drop": "1", "Connection": "keep-alive, x-drop",
            "TE": "trailers", "Proxy-Authorization": "Basic x", "Upgrade": "h2c", "Accept-Encoding": "br", "User-Agent": "cli/1",
        }  # fmt: skip
        answer = await one.send("POST", "/api/0/x/", b"{}", given)
        assert (answer.status, answer.body) == (201, b"made")
        assert answer.headers["x-answer"] == "1"
        assert "trailer" not in answer.headers
        headers = last(one).headers
        assert headers.getall("X-Forwarded-For") == ["203.0.113.9, 127.0.0.1"]
        assert headers["X-Scrubjay-Via"] == one.worker.ports.instance
        assert headers["Host"] == f"127.0.0.1:{one.upstream.port}"
        assert (headers["Authorization"], headers["Accept-Encoding"], headers["User-Agent"]) == (
            "Bearer t",
            "br",
            "cli/1",
        )
        assert headers["Content-Length"] == "2"
        assert not {"x-drop", "te", "proxy-authorization", "upgrade", "x-sentry-relay-id", "accept", "content-type"} & {
            name.lower() for name in headers
        }


@pytest.mark.parametrize("status", [204, 302, 400, 401, 404, 429, 500, 503])
async def test_operations_71_every_status_is_the_upstreams(tmp_path: Path, status: int) -> None:
    async with relay(tmp_path / "r") as one:
        one.upstream.default = Answer(
            status, {"Location": "/elsewhere", "Retry-After": "7"}, b"" if status == 204 else b"why"
        )
        answer = await one.send("GET", "/api/0/x/")
        assert (answer.status, answer.headers["retry-after"], answer.headers["location"]) == (status, "7", "/elsewhere")
        assert answer.body == (b"" if status == 204 else b"why")
        head = await one.send("HEAD", "/api/0/x/")
        assert (head.status, head.body) == (status, b"")
        assert len(came(one)) == 2


async def test_operations_71_a_body_arrives_decoded(tmp_path: Path) -> None:
    async with relay(tmp_path / "r") as one:
        assert (await one.send("POST", "/api/0/x/", gzip.compress(b"text"), {"Content-Encoding": "gzip"})).status == 200
        assert (last(one).wire, last(one).encoding) == (b"text", "identity")
        assert (await one.send("POST", "/api/0/x/", b"text", {"Content-Encoding": "rot13"})).status == 415


async def test_operations_71_bodies_have_bounds(tmp_path: Path) -> None:
    limits = {"max_api_payload_size": 10, "max_api_file_upload_size": 20, "max_api_chunk_upload_size": 30}
    async with relay(tmp_path / "r", options={"limits": limits}) as one:
        for path, most in (("/api/0/x/", 10), (FILES, 20), (CHUNKS, 30), ("/api/0/projects/o/p/releases/v/files/", 20)):
            assert (await one.send("POST", path, b"x" * most)).status == 200
            assert last(one).body == b"x" * most
            assert (await one.send("POST", path, b"x" * (most + 1))).status == 413
            assert (
                await one.send("POST", path, gzip.compress(b"x" * (most + 1)), {"Content-Encoding": "gzip"})
            ).status == 413
            chunked = b"POST %b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" % path.encode()
            assert (await one.raw(chunked + b"%x\r\n%b\r\n0\r\n\r\n" % (most, b"x" * most))).status == 200
            assert last(one).body == b"x" * most
            assert (await one.raw(chunked + b"%x\r\n%b\r\n0\r\n\r\n" % (most + 1, b"x" * (most + 1)))).status == 413


async def test_a_large_body_and_a_large_answer_are_streamed(tmp_path: Path) -> None:
    data = random.Random(1).randbytes(12 * 1024 * 1024)
    async with relay(tmp_path / "r") as one:
        one.upstream.default = Answer(200, body=data[::-1])
        answer = await one.send("POST", CHUNKS, data)
        assert last(one).body == data
        assert answer.body == data[::-1]


async def test_operations_71_who_does_not_answer(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", options={"http": {"timeout": 0.5}}) as one:
        one.upstream.default = Answer(hangs=True)
        started = asyncio.get_running_loop().time()
        assert (await one.send("POST", "/api/0/x/", b"{}")).status == 504
        assert 0.5 <= asyncio.get_running_loop().time() - started < 30
        one.upstream.default = Answer(reset="after")
        assert (await one.send("GET", "/api/0/x/")).status == 502
        one.upstream.default = Answer(raw=b"nonsense\r\n\r\n")
        assert (await one.send("GET", "/api/0/x/")).status == 502
        await one.upstream.stop()
        assert (await one.send("POST", "/api/0/x/", b"x" * 100_000)).status == 502


async def test_a_slow_line_has_time_in_proportion(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", options={"http": {"timeout": 0.1, "min_upload_rate": 100}}) as one:
        connection = await one.connect()
        whole = request("POST", "/api/0/x/", b"x" * 1000)
        await connection.send(whole[:-50])
        await asyncio.sleep(0.2)
        await connection.send(whole[-50:])
        assert (await connection.answer()).status == 200
        await connection.close()


async def test_who_waits_for_a_word_before_the_body_gets_it(tmp_path: Path) -> None:
    async with relay(tmp_path / "r") as one:
        connection = await one.connect()
        whole = request("POST", "/api/0/x/", b"body", {"Expect": "100-continue"})
        await connection.send(whole[:-4])
        assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await connection.send(whole[-4:])
        assert (await connection.answer()).status == 200
        assert last(one).body == b"body"
        await connection.close()


async def test_a_client_that_goes_away_leaves_nothing_behind(tmp_path: Path) -> None:
    async with relay(tmp_path / "r") as one:
        requests = one.worker.telemetry.values.series["scrubjay_requests_total"]
        connection = await one.connect()
        await connection.send(request("POST", "/api/0/x/", b"x" * 100)[:-50])
        await connection.close()
        await until(lambda: ("forward", "499") in requests)
        assert (await one.send("GET", "/api/0/x/")).status == 200


async def test_a_client_that_does_not_read_on_is_let_go(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", options={"limits": {"body_idle_timeout": 0.2}}) as one:
        one.upstream.default = Answer(200, body=bytes(32 * 1024 * 1024))
        requests = one.worker.telemetry.values.series["scrubjay_requests_total"]
        connection = await one.connect()
        await connection.send(request("GET", "/api/0/x/"))
        await until(lambda: ("forward", "499") in requests)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await connection.answer()
        await connection.close()


async def test_it_is_switched_while_it_runs(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", mode="static") as one:
        assert (await one.send("GET", "/api/0/x/")).status == 404
        config = yaml.safe_load((tmp_path / "r" / "scrubjay.yaml").read_text())
        config["http"] |= {"forward": True, "forward_paths": ["/api/0"]}
        (tmp_path / "r" / "scrubjay.yaml").write_text(yaml.safe_dump(config))
        await one.worker.reload()
        assert (await one.send("GET", "/api/0/x/")).status == 200


async def test_a_ring_is_noticed_here_too(tmp_path: Path) -> None:
    async with relay(tmp_path / "r") as one:
        answer = await one.send("GET", "/api/0/x/", None, {"X-Scrubjay-Via": f"a, {one.worker.ports.instance}"})
        assert answer.status == 508
        assert came(one) == []


async def test_an_answer_that_breaks_off_is_not_made_whole(tmp_path: Path) -> None:
    async with relay(tmp_path / "r") as one:
        one.upstream.default = Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await one.send("GET", "/api/0/x/")
        one.upstream.default = Answer()
        assert (await one.send("GET", "/api/0/x/")).status == 200


async def test_certificates_and_names_are_those_of_the_envelopes(tmp_path: Path) -> None:
    bundle, certificate = make_authority(tmp_path)
    async with MiniUpstream(ssl_context=server_context(certificate)) as secure:
        http = {"ca_bundle": str(bundle), "tls_server_name": "sentry.internal", "upstream_path_prefix": "/sub"}
        sections = {"relay": {"upstream": secure.url}, "http": {**http, "host_header": "sentry.internal"}}
        async with relay(tmp_path / "r", options=sections) as one:
            assert (await one.send("GET", "/api/0/x/?a=1")).status == 200
            assert secure.arrivals[-1].path == "/sub/api/0/x/"
            assert secure.arrivals[-1].headers["Host"] == "sentry.internal"
        sections["http"] = {"tls_server_name": "other", "ca_bundle": str(bundle)}
        async with relay(tmp_path / "s", options=sections) as one:
            assert (await one.send("GET", "/api/0/x/")).status == 502
