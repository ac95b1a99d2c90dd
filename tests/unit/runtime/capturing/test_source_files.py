"""What is fetched for stack traces: from whom, how much, how long, and from nobody else."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from scrubjay.core.capture.source_maps import Original, Place
from scrubjay.runtime.capturing import source_files
from scrubjay.runtime.capturing.source_files import MAX_FILE_BYTES, MAX_FILES, SourceFiles, Sources
from scrubjay.runtime.endpoints.capture.files import _Reach
from scrubjay.settings.capture import Capture
from support.bundle import CART, MAIN, MAP, SCRIPT, map_bytes
from support.certificates import make_authority, server_context
from support.dev_server import DevServer, dev_server, shop

pytestmark = pytest.mark.asyncio
THROWN = Place(1, 69)
ORIGINAL = Original("../src/cart.ts", Place(11, 13), None, CART)
BARE = SCRIPT.partition("\n")[0].encode()


async def sources(*urls: str, allowed: tuple[str, ...] = (), has_memory: bool = True) -> Sources:
    frames = [{"filename": url, "lineno": 1, "colno": 69} for url in reversed(urls)]
    reach = _Reach(Capture(allowed_origins=allowed))
    return await SourceFiles(reach, lambda: has_memory).of({"frames": frames})


async def original(server: DevServer, path: str = "/dist/app.js") -> Original | None:
    url = server.url(path)
    return (await sources(url)).originals.get((url, THROWN))


async def test_a_script_and_its_map() -> None:
    async with dev_server() as server:
        for host in ("127.0.0.1", "localhost", "shop.localhost"):
            url = server.url("/dist/app.js", host)
            found = await sources(url)
            assert found.originals == {(url, THROWN): ORIGINAL}
            assert found.scripts == {url: SCRIPT.split("\n")}
        assert server.asked == ["/dist/app.js", "/dist/app.js.map"] * 3
        for headers in server.headers:
            assert not {"cookie", "authorization", "referer"} & set(headers)
            assert headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "script",
    [
        BARE + b"\n//# sourceMappingURL=data:application/json;base64," + base64.b64encode(map_bytes()),
        (BARE, {"SourceMap": "app.js.map"}, 200),
        (BARE, {"X-SourceMap": "/dist/app.js.map"}, 200),
        BARE + b"\n//# sourceMappingURL=moved.map",
    ],
    ids=["inline", "header", "old header", "redirect"],
)
async def test_where_a_map_may_be(script: Any) -> None:
    moved = (b"", {"Location": "app.js.map"}, 302)
    async with dev_server(shop() | {"/dist/app.js": script, "/dist/moved.map": moved}) as server:
        assert await original(server) == ORIGINAL


async def test_a_map_in_sections() -> None:
    sections = json.dumps({"version": 3, "sections": [{"offset": {"line": 0, "column": 0}, "map": MAP}]}).encode()
    async with dev_server(shop() | {"/dist/app.js.map": sections}) as server:
        assert await original(server) == ORIGINAL


async def test_files_that_a_map_names_and_does_not_hold() -> None:
    files = shop() | {"/dist/app.js.map": map_bytes(sourcesContent=[None, MAIN]), "/src/cart.ts": CART.encode()}
    async with dev_server(files) as server:
        assert await original(server) == ORIGINAL
        server.files["/src/cart.ts"] = b"\0"
        assert await original(server) == Original("../src/cart.ts", Place(11, 13))


@pytest.mark.parametrize(
    "broken",
    [
        {"/dist/app.js.map": b"<!doctype html>"},
        {"/dist/app.js.map": (b"gone", {}, 404)},
        {"/dist/app.js.map": (map_bytes(), {"Content-Encoding": "x-rare"}, 200)},
        {"/dist/app.js.map": (b"", {"Location": "app.js.map"}, 307)},
        {"/dist/app.js.map": (b"", {"Location": "//["}, 307)},
        {"/dist/app.js.map": (b"", {}, 302)},
        {"/dist/app.js.map": b" " * (MAX_FILE_BYTES + 1)},
        {"/dist/app.js.map": None},
        {"/dist/app.js": BARE},
        {"/dist/app.js": SCRIPT.replace("app.js.map", "data:,{").encode()},
        {"/dist/app.js": SCRIPT.replace("app.js.map", "webpack://x/app.js.map").encode()},
        {"/dist/app.js": SCRIPT.replace("app.js.map", "file:///etc/passwd").encode()},
    ],
    ids=range(12),
)
async def test_without_a_map_there_are_the_lines_of_the_script(broken: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_files, "_FILE_S", 0.3)
    async with dev_server(shop() | broken) as server:
        url = server.url("/dist/app.js")
        found = await sources(url)
        assert found.originals == {}
        assert found.scripts[url][0] == BARE.decode()
        assert len(server.asked) < 6


@pytest.mark.parametrize(
    "script", [(b"gone", {}, 404), b"\0asm", None, (b"", {"Location": "/dist/"}, 302)], ids=range(4)
)
async def test_without_a_script_there_is_nothing(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_files, "_FILE_S", 0.3)
    async with dev_server(shop() | {"/dist/app.js": script}) as server:
        assert await sources(server.url("/dist/app.js")) == Sources()


async def test_a_body_that_does_not_say_how_long_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_files, "MAX_FILE_BYTES", 1000)
    monkeypatch.setattr("aiohttp.ClientResponse.content_length", None)
    async with dev_server({"/dist/app.js": b"x" * 1001, "/dist/short.js": b"x" * 1000}) as server:
        assert await sources(server.url("/dist/app.js")) == Sources()
        assert (await sources(server.url("/dist/short.js"))).scripts


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.2:{port}/dist/app.js",
        "http://127.1:{port}/dist/app.js",
        "http://2130706433:{port}/dist/app.js",
        "http://0x7f.1:{port}/dist/app.js",
        "http://0.0.0.0:{port}/dist/app.js",
        "http://[::ffff:127.0.0.1]:{port}/dist/app.js",
        "http://localhost.:{port}/dist/app.js",
        "http://localhost.evil.test:{port}/dist/app.js",
        "http://user@localhost:{port}/dist/app.js",
        "http://:secret@localhost:{port}/dist/app.js",
        "http://localhost:99999/dist/app.js",
        "http://localhost:port/dist/app.js",
        "http://[::1/dist/app.js",
        "http:///dist/app.js",
        "https://localhost:{port}/dist/app.js",
        "HTTP://evil.test\\@localhost:{port}/dist/app.js",
        "http://169.254.169.254/latest/meta-data",
    ],
)
async def test_capture_9_nobody_else_is_asked(address: str) -> None:
    async with dev_server() as server, dev_server(host="127.0.0.2") as other:
        assert await sources(address.format(port=other.port if "127.0.0.2" in address else server.port)) == Sources()
        assert (server.asked, other.asked) == ([], [])


async def test_capture_9_neither_a_map_nor_a_redirect_leads_elsewhere() -> None:
    async with dev_server(host="127.0.0.2") as far, dev_server() as near:
        for target, script in (
            (far, SCRIPT.replace("app.js.map", far.url("/dist/app.js.map")).encode()),
            (far, (b"", {"Location": far.url("/dist/app.js")}, 302)),
            (near, (b"", {"Location": near.url("/dist/app.js")}, 302)),  # of this machine, but another origin
        ):
            async with dev_server(shop() | {"/dist/app.js": script}) as server:
                assert await original(server) is None
                assert server.asked == ["/dist/app.js"]
                assert target.asked == []


@pytest.mark.parametrize(
    "allowed", ["http://127.0.0.2:{port}", "HTTP://127.0.0.2:{port}/", "127.0.0.2", "other.test, 127.0.0.2"]
)
async def test_origins_that_are_allowed(allowed: str) -> None:
    async with dev_server(host="127.0.0.2") as server:
        url = server.url("/dist/app.js")
        assert (await sources(url, allowed=(allowed.format(port=server.port),))).originals
        assert not (await sources(url, allowed=("http://127.0.0.2:1",))).originals


async def test_names_of_loopback_are_never_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def elsewhere(*_: object) -> list[Any]:
        raise OSError("looked up")

    monkeypatch.setattr("aiohttp.ThreadedResolver.resolve", elsewhere)
    async with dev_server() as server:
        assert (await sources(server.url("/dist/app.js", "shop.localhost"))).originals
        assert await sources(server.url("/dist/app.js", "shop.test"), allowed=("shop.test",)) == Sources()


async def test_certificates_of_development_are_taken_on_loopback_alone(tmp_path: Path) -> None:
    _, certificate = make_authority(tmp_path, "shop.internal")
    async with dev_server(ssl_context=server_context(certificate)) as server:
        assert await original(server) == ORIGINAL
    async with dev_server(host="127.0.0.2", ssl_context=server_context(certificate)) as server:
        assert await sources(server.url("/dist/app.js"), allowed=("127.0.0.2",)) == Sources()


async def test_how_much_is_asked_for_one_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    async with dev_server({}) as server:
        urls = [server.url(f"/{number}.js") for number in range(MAX_FILES + 9)]
        assert await sources(*urls) == Sources()
        assert server.asked == [URL(url).path for url in urls[:MAX_FILES]]
        server.asked.clear()
        assert await sources(*urls, has_memory=False) == Sources()
        assert await sources() == Sources()
        assert server.asked == []
    async with dev_server(shop() | {"/slow.js": None}) as server:
        monkeypatch.setattr(source_files, "_TRACE_S", 0.3)
        found = await sources(server.url("/dist/app.js"), server.url("/slow.js"))
        assert len(found.originals) == 1, "what was found in time is there"
