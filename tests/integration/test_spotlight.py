"""What Spotlight's sidecar takes in and answers, by a real worker in mode `capture` (`capture.md` 5.2, 5.4)."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import brotli
import pytest
import pytest_asyncio
import zstandard

from scrubjay import __version__
from scrubjay.core.capture.local import LOCAL_KEY
from scrubjay.core.ports import Ingress, Ports, Verdict
from scrubjay.runtime.capturing.sink import CaptureSink
from scrubjay.runtime.endpoints.capture import spotlight
from scrubjay.runtime.endpoints.capture.site import Site
from scrubjay.runtime.endpoints.guard import Guard
from support.raw_http import Answer, chunked, request
from support.relay import K2, E, K, Relay, relay

pytestmark = pytest.mark.asyncio(loop_scope="module")

TYPE = {"Content-Type": "application/x-sentry-envelope"}
HERE = {"Host": "localhost:8969"}
EVENT = b'{"event_id":"%b"}\n{"type":"event"}\n{"message":"card 4111 1111 1111 1111"}\n' % E.encode()
RAW = zlib.compressobj(wbits=-15)
CODINGS = {
    "identity": EVENT,
    "gzip": gzip.compress(EVENT),
    "deflate": zlib.compress(EVENT),
    "raw deflate": RAW.compress(EVENT) + RAW.flush(),
    "br": brotli.compress(EVENT),
    "zstd": zstandard.compress(EVENT),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sidecar(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Relay]:
    project = {"publicKeys": [{"publicKey": K2}], "projectId": 42, "config": {}}
    options = {"capture": {"spotlight_port": None}, "limits": {"max_envelope_size": "1MiB"}}
    projects = {"shop.yaml": project, "default.yaml": {"config": {}}}
    async with relay(tmp_path_factory.mktemp("spot"), mode="capture", options=options, projects=projects) as one:
        yield one


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_kept(sidecar: Relay) -> None:
    sink(sidecar).clear()


def sink(one: Relay) -> CaptureSink:
    found = one.worker.ports.capture
    assert isinstance(found, CaptureSink)
    return found


async def post(one: Relay, body: bytes, headers: dict[str, str] | None = None, target: str = "/stream") -> Answer:
    return await one.send("POST", target, body, TYPE if headers is None else headers)


async def records(one: Relay) -> list[dict[str, Any]]:
    answer = await one.send("GET", "/api/capture/events", headers=HERE)
    return answer.json["events"]  # type: ignore[index, no-any-return]


# Taking in


@pytest.mark.parametrize("coding", CODINGS)
async def test_capture_3_every_coding_gives_the_same_record(sidecar: Relay, coding: str) -> None:
    named = coding.rsplit(maxsplit=1)[-1]
    answer = await post(sidecar, CODINGS[coding], TYPE | {"Content-Encoding": named})
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["cache-control"] == "no-cache"
    assert "connection" not in answer.headers
    (record,) = await records(sidecar)
    assert (record["event_id"], record["title"], record["via"]) == (E, "card [creditcard]", "spotlight")
    assert record["project"] == "local"
    detail = (await sidecar.send("GET", f"/api/capture/events/{E}", headers=HERE)).json
    assert detail["request"]["path"] == "/stream"  # type: ignore[index, call-overload]
    assert detail["request"]["wire_bytes"] == len(CODINGS[coding])  # type: ignore[index, call-overload]


@pytest.mark.parametrize("coding", ["lzma", "GZIP", "gzip, br"])
async def test_capture_3_an_unknown_coding_is_refused(sidecar: Relay, coding: str) -> None:
    assert (await post(sidecar, EVENT, TYPE | {"Content-Encoding": coding})).status == 415
    assert await records(sidecar) == []


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
async def test_capture_3_what_decodes_to_too_much_is_refused(sidecar: Relay, coding: str) -> None:
    compress = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress, "deflate": zlib.compress}
    bomb = compress[coding](bytes(40 << 20))
    assert (await post(sidecar, bomb, TYPE | {"Content-Encoding": coding})).status == 413
    assert await records(sidecar) == []


@pytest.mark.parametrize(
    ("headers", "target"),
    [
        (
            {"Content-Type": "text/plain;charset=UTF-8", "Origin": "http://localhost:3000"},
            "/stream?sentry_version=7&sentry_client=sentry.javascript.browser%2F10.1.0",
        ),
        ({"Content-Type": "APPLICATION/X-Sentry-Envelope; charset=utf-8"}, "/stream/"),
        ({"Content-Type": "application/octet-stream"}, "/stream"),
        ({}, "/stream"),
    ],
    ids=["capture-4", "letter case", "another type", "node sends none"],
)
async def test_capture_4_it_is_an_envelope_whatever_the_type_says(
    sidecar: Relay, headers: dict[str, str], target: str
) -> None:
    answer = await post(sidecar, EVENT, headers, target)
    assert answer.status == 200
    assert answer.headers.get("access-control-allow-origin") == headers.get("Origin")
    assert [record["type"] for record in await records(sidecar)] == ["error"]


async def test_capture_2_shapes_of_node_ruby_and_php(sidecar: Relay) -> None:
    node = chunked("POST", "/stream", [EVENT[:20], EVENT[20:]], TYPE)
    ruby = request(
        "POST",
        "/stream",
        gzip.compress(EVENT),
        TYPE
        | {
            "Content-Encoding": "gzip",
            "User-Agent": "sentry-ruby/6.2.0",
            "Accept-Encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
            "Accept": "*/*",
            "Host": "localhost:8969",
            "Connection": "close",
        },
    )
    php = request("POST", "/stream", EVENT, {"Host": "localhost:8969", "Accept": "*/*"} | TYPE)
    for shape in (node, ruby, php):
        assert (await sidecar.raw(shape)).status == 200
    found = await records(sidecar)
    assert [record["title"] for record in found] == ["card [creditcard]"] * 3


@pytest.mark.parametrize(
    ("body", "coding", "told"),
    [
        (b"not an envelope", "", "no JSON object"),
        (b"", "", "empty"),
        (b"xx", "gzip", "cannot be decoded"),
        (b'{"event_id":"x"}\n{"type":"event"}\n{}\n', "", "event_id"),
    ],
)
async def test_what_is_no_envelope_is_taken_and_shown_as_a_problem(
    sidecar: Relay, body: bytes, coding: str, told: str
) -> None:
    answer = await post(sidecar, body, TYPE | ({"Content-Encoding": coding} if coding else {}))
    assert (answer.status, answer.body) == (200, b"")
    (record,) = await records(sidecar)
    assert (record["type"], record["outcome"], record["project"]) == ("unparsable", "invalid", "local")
    assert told in record["outcome_detail"]


@pytest.mark.parametrize(
    ("header", "project"),
    [
        ({"dsn": f"http://{K}@localhost:8969/1"}, "1"),
        ({"trace": {"public_key": K2, "trace_id": E}}, "42"),
        ({"trace": {"public_key": K, "trace_id": E}}, "local"),
        ({"dsn": "http://public@localhost/1"}, "local"),
        ({}, "local"),
    ],
)
async def test_the_project_is_the_dsns_else_the_traces_else_local(
    sidecar: Relay, header: dict[str, object], project: str
) -> None:
    envelope = json.dumps({"event_id": E} | header).encode() + b'\n{"type":"event"}\n{"message":"x"}\n'
    assert (await post(sidecar, envelope)).status == 200
    (record,) = await records(sidecar)
    assert (record["project"], record["outcome"]) == (project, "accepted")
    assert LOCAL_KEY not in json.dumps(record)


async def test_an_answer_does_not_wait_for_the_path_and_is_given_back_when_much_waits(tmp_path: Path) -> None:
    """Queue first, parse later; but no more than so much."""
    async with relay(tmp_path / "r", mode="capture", options={"capture": {"spotlight_port": None}}) as one:
        release, has_large, ended = asyncio.Event(), asyncio.Event(), 0

        async def stuck(ingress: Ingress, ports: Ports) -> Verdict:
            nonlocal ended
            if len(ingress.body) > len(EVENT):
                has_large.set()
            await release.wait()
            ended += 1
            return Verdict()

        settings = one.worker._loaded.settings
        site = Site(settings, one.worker.ports, sink(one), Guard("127.0.0.1", None))
        one.worker._front.route(spotlight.routes(site, stuck))
        assert (await post(one, EVENT)).status == 200
        assert ended == 0
        async with asyncio.TaskGroup() as tasks:
            large = tasks.create_task(post(one, EVENT + bytes(17 << 20)), name="large")
            await has_large.wait()
            done, _ = await asyncio.wait({large}, timeout=0.1)
            assert not done
            release.set()
        assert large.result().status == 200
        assert ended == 2


async def test_an_error_of_ours_is_logged_and_the_sender_not_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(ingress: Ingress, ports: Ports) -> Verdict:
        raise RuntimeError

    async with relay(tmp_path / "r", mode="capture", options={"capture": {"spotlight_port": None}}) as one:
        site = Site(one.worker._loaded.settings, one.worker.ports, sink(one), Guard("127.0.0.1", None))
        one.worker._front.route(spotlight.routes(site, broken))
        with caplog.at_level("ERROR", "scrubjay.capture"):
            assert (await post(one, EVENT)).status == 200
    assert "could not be taken in" in caplog.text


async def test_a_body_that_stops_coming_ends_as_everywhere(tmp_path: Path) -> None:
    options = {"capture": {"spotlight_port": None}, "limits": {"body_idle_timeout": 0.1}}
    async with relay(tmp_path / "r", mode="capture", options=options) as one:
        head = request("POST", "/stream", None, TYPE | {"Content-Length": "10"})
        assert (await one.raw(head + b"{")).status == 408
        assert await records(one) == []


async def test_beside_forwarding_nothing_is_taken_in_here(tmp_path: Path) -> None:
    projects = {"default.yaml": {"config": {}}}
    options = {"capture": {"enabled": True}}
    async with relay(tmp_path / "r", mode="static", options=options, projects=projects) as one:
        assert (await post(one, EVENT, TYPE | HERE)).status == 405
        assert (await one.send("GET", "/health", headers=HERE)).status == 200
        assert (await one.send("HEAD", "/stream", headers=HERE)).status == 200


# The small routes


async def test_capture_6_health_says_that_a_sidecar_runs(sidecar: Relay) -> None:
    answer = await sidecar.send("GET", "/health", headers={"Host": "host.docker.internal:8969"})
    assert (answer.status, answer.body) == (200, b"OK")
    assert answer.headers["x-powered-by"] == "spotlight-by-sentry"
    assert answer.headers["x-scrubjay-version"] == __version__
    other = await sidecar.send("GET", "/api/capture/status", headers=HERE)
    assert "x-powered-by" not in other.headers


async def test_capture_6_clear(sidecar: Relay) -> None:
    await post(sidecar, EVENT)
    for method in ("GET", "HEAD", "POST", "PUT"):
        assert (await sidecar.send(method, "/clear", headers=HERE)).status == 404
    assert len(await records(sidecar)) == 1
    answer = await sidecar.send("DELETE", "/clear", headers=HERE)
    assert (answer.status, answer.body) == (200, b"Cleared")
    assert await records(sidecar) == []


async def test_capture_6_an_envelope_to_save(sidecar: Relay) -> None:
    await post(sidecar, gzip.compress(EVENT), TYPE | {"Content-Encoding": "gzip"})
    capture_id = (await records(sidecar))[0]["capture_id"]
    answer = await sidecar.send("GET", f"/envelope/{capture_id}", headers=HERE)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/x-sentry-envelope"
    assert answer.headers["content-disposition"] == f'attachment; filename="{capture_id}.bin"'
    header, item, payload = answer.body.splitlines()
    assert json.loads(header) == {"event_id": E}
    assert json.loads(item) == {"type": "event", "length": len(payload)}
    assert b'"card [creditcard]"' in payload
    for unknown in ("nothing", f"{capture_id}x", "%2e%2e%2fetc%2fpasswd"):
        assert (await sidecar.send("GET", f"/envelope/{unknown}", headers=HERE)).status == 404


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/telemetry", "/#/"),
        ("/telemetry/", "/#/"),
        ("/telemetry/errors/5d2c7a5e", "/#/errors/5d2c7a5e"),
        ("/telemetry/traces/a/spans/b", "/#/traces/a/spans/b"),
        ("/telemetry/%0d%0aX-A:b", "/#/%0D%0AX-A%3Ab"),
    ],
)
async def test_deep_links_of_spotlights_page_lead_to_ours(sidecar: Relay, path: str, place: str) -> None:
    answer = await sidecar.send("GET", path, headers=HERE)
    assert (answer.status, answer.headers["location"]) == (302, place)


@pytest.mark.parametrize("path", ["/mcp", "/anything", "/assets", "/assets/main.css", "/telemetry/a/b/c/d/e"])
async def test_all_else_is_not_there(sidecar: Relay, path: str) -> None:
    assert (await sidecar.send("GET", path, headers=HERE)).status == 404


async def test_capture_6_the_script_for_pages(sidecar: Relay, tmp_path: Path) -> None:
    head = await sidecar.send("HEAD", "/assets/main.js", headers=HERE)
    assert (head.status, head.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    script = await sidecar.send("GET", "/assets/main.js", headers=HERE | {"Origin": "http://127.0.0.1:8000"})
    assert script.headers["access-control-allow-origin"] == "http://127.0.0.1:8000"
    assert len(script.body) < 5 * 1024
    options = {"capture": {"spotlight_port": None, "page_badge": False}}
    async with relay(tmp_path / "r", mode="capture", options=options) as one:
        for method in ("HEAD", "GET"):
            assert (await one.send(method, "/assets/main.js", headers=HERE)).status == 404
