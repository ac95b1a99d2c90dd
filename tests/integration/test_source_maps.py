"""Stack traces of scripts, as they were written: a real worker asks a developer's server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scrubjay.core.envelope import encode_json
from support.bundle import THROWN
from support.dev_server import dev_server
from support.relay import Relay, relay

pytestmark = pytest.mark.asyncio
OPTIONS = {"capture": {"spotlight_port": None, "fetch_sourcemaps": True, "context_roots": []}}


async def put(one: Relay, *frames: object) -> list[Any]:
    answer = await one.send("PUT", "/contextlines", encode_json({"frames": frames}), {"Host": "localhost"})
    assert answer.status == 200
    document: Any = answer.json
    filled: list[Any] = document["frames"]
    return filled


def frames_of(url: str) -> list[dict[str, Any]]:
    return [
        {"filename": url, "abs_path": url, "lineno": 1, "colno": column, "function": name} for name, column in THROWN
    ]


async def test_capture_6_lines_as_they_were_written_beside_those_that_ran(tmp_path: Path) -> None:
    async with dev_server() as server, relay(tmp_path, mode="capture", options=OPTIONS) as one:
        frames = frames_of(server.url("/dist/app.js", "localhost"))
        filled = await put(one, *frames, {"function": "native"}, {"filename": "gone.js", "lineno": 1, "colno": 1})
        originals = [frame["original"] for frame in filled[:3]]
        assert [(each["filename"], each["lineno"], each["colno"], each.get("function")) for each in originals] == [
            ("../src/main.ts", 12, 1, None),
            ("../src/main.ts", 9, 15, "checkOut"),
            ("../src/cart.ts", 11, 13, "sumOfCart"),
        ]
        assert originals[2]["context_line"] == "      throw new TypeError(`no price of ${line.name}`);"
        assert "if(e.price===null)throw new TypeError" in filled[2]["context_line"]
        assert filled[3:] == [{"function": "native"}, {"filename": "gone.js", "lineno": 1, "colno": 1}]
        assert server.asked == ["/dist/app.js", "/dist/app.js.map"]


@pytest.mark.parametrize("on_loopback", [True, False])
async def test_capture_6_by_default_and_off_loopback_nothing_is_fetched(tmp_path: Path, on_loopback: bool) -> None:
    options = {"capture": {**OPTIONS["capture"], "fetch_sourcemaps": not on_loopback, "token": "t"}}
    if not on_loopback:
        options["relay"] = {"host": "0.0.0.0"}
    async with dev_server() as server, relay(tmp_path, mode="capture", options=options) as one:
        frames = frames_of(server.url("/dist/app.js"))
        headers = {"Host": "localhost", "Authorization": "Bearer t"}
        answer = await one.send("PUT", "/contextlines", encode_json({"frames": frames}), headers)
        assert answer.status == (200 if on_loopback else 404)
        if on_loopback:
            assert answer.json == {"frames": frames}
        assert server.asked == []
