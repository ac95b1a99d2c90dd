"""Who may do what with a capture, row by row (`capture.md` 6), and which files it reads: attacks, by a real worker."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from scrubjay.core.envelope import encode_json
from scrubjay.errors import ConfigError
from scrubjay.runtime.capturing.sink import CaptureSink
from scrubjay.runtime.endpoints.capture.files import MAX_FILE_BYTES
from support.raw_http import Answer
from support.relay import AUTH, ENVELOPE, E, Relay, relay

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENT = b'{"event_id":"%b"}\n{"type":"event"}\n{"message":"x"}\n' % E.encode()
HERE = {"Host": "localhost"}
LOCAL, GUEST, FOREIGN = "http://localhost:3000", "https://shop.test:8443", "https://evil.example"
GUARDED = (
    ("GET", "/"),
    ("GET", "/stream"),
    ("GET", "/envelope/x"),
    ("DELETE", "/clear"),
    ("PUT", "/contextlines"),
    ("POST", "/open"),
    ("GET", "/assets/main.js"),
    ("GET", "/telemetry/errors/x"),
    ("GET", "/api/capture/events"),
    ("DELETE", "/api/capture/events"),
    ("GET", "/api/capture/stream"),
    ("GET", "/api/capture/status"),
    ("POST", "/api/capture/marks"),
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`root` may be read; what lies beside it may not, whichever way it is named."""
    folder = tmp_path_factory.mktemp("source")
    root = folder / "root"
    (root / "sub").mkdir(parents=True)
    (root / "app.js").write_text("one\ntwo\nthree\n")
    (root / "sub" / "deep.js").write_text("deep\n")
    (folder / "secret.txt").write_text("secret\n")
    (folder / "root-beside").mkdir()
    (folder / "root-beside" / "secret.txt").write_text("secret\n")
    (root / "link.js").symlink_to(root / "app.js")
    (root / "leak.js").symlink_to(folder / "secret.txt")
    (root / "leak").symlink_to(folder)
    (root / "loop.js").symlink_to(root / "loop.js")
    (root / "large.js").write_bytes(b"x\n" * (MAX_FILE_BYTES // 2 + 1))
    (root / "binary.js").write_bytes(b"\x7fELF\x00\n" * 9)
    (root / "latin.js").write_bytes("größe\n".encode("latin-1"))
    os.mkfifo(root / "pipe.js")
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sidecar(tmp_path_factory: pytest.TempPathFactory, source: Path) -> AsyncIterator[Relay]:
    folder = tmp_path_factory.mktemp("security")
    capture = {
        "spotlight_port": None,
        "allowed_hosts": ["dev.box, other.box"],
        "allowed_origins": [f"{GUEST.upper()}/", "friend.test,[2001:db8::7]"],
        "context_roots": [str(source / "root")],
        "open_in_editor": f"touch '{folder}/opened {{line}}:{{column}}' {{file}}",
    }
    async with relay(folder, mode="capture", options={"capture": capture}) as one:
        yield one


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def one_event_is_kept(sidecar: Relay) -> None:
    sink(sidecar).clear()
    assert (await sidecar.env(EVENT)).status == 200


def sink(one: Relay) -> CaptureSink:
    found = one.worker.ports.capture
    assert isinstance(found, CaptureSink)
    return found


async def ask(one: Relay, method: str, target: str, **headers: str) -> Answer:
    """Streams are asked for without their endless bodies."""
    method = "HEAD" if target.endswith("/stream") and method == "GET" else method
    body = b"" if method in ("PUT", "POST") else None
    return await one.send(method, target, body, HERE | {name.replace("_", "-"): text for name, text in headers.items()})


# Origins


@pytest.mark.parametrize(("method", "target"), GUARDED)
async def test_capture_9_what_reads_or_changes_is_refused_to_foreign_pages_before_any_work(
    sidecar: Relay, method: str, target: str
) -> None:
    refused = await ask(sidecar, method, target, Origin=FOREIGN)
    assert refused.status == 403
    assert "access-control-allow-origin" not in refused.headers
    assert len(sink(sidecar).store) == 1
    for origin in (LOCAL, GUEST):
        allowed = await ask(sidecar, method, target, Origin=origin)
        assert allowed.status != 403
        assert allowed.headers["access-control-allow-origin"] == origin
        assert allowed.headers["vary"] == "Origin"
    missing = await ask(sidecar, method, target)
    assert missing.status != 403
    assert "access-control-allow-origin" not in missing.headers


async def test_capture_9_posting_to_the_stream(sidecar: Relay) -> None:
    for origin, status in ((FOREIGN, 403), ("null", 403), (LOCAL, 200), (GUEST, 200), (None, 200)):
        sink(sidecar).clear()
        headers = {"Host": "anything.example"} | ({} if origin is None else {"Origin": origin})
        answer = await sidecar.send("POST", "/stream", EVENT, headers)
        assert answer.status == status
        assert answer.headers.get("access-control-allow-origin") == (origin if status == 200 else None)
        assert len(sink(sidecar).store) == (status == 200)


async def test_capture_9_ingest_is_open_to_every_page(sidecar: Relay) -> None:
    for origin in (FOREIGN, LOCAL, "null", None):
        headers = {"Host": "anything.example"} | ({} if origin is None else {"Origin": origin})
        answer = await sidecar.env(EVENT, headers)
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (GUEST, True),
        ("https://shop.test", False),
        ("http://shop.test:8443", False),
        ("https://shop.test:8443.evil.example", False),
        ("http://friend.test:1", True),
        ("https://friend.test", True),
        ("https://sub.friend.test", False),
        ("http://[2001:db8::7]:80", True),
        ("http://dev.box", False),
        ("http://localhost", True),
        ("http://LOCALHOST:3000", True),
        ("http://a.localhost", True),
        ("http://[::1]:3000", True),
        ("capacitor://localhost", True),
        ("null", False),
        ("", False),
        ("file://", False),
        ("//localhost", False),
        ("http:localhost", False),
        ("http://evil@localhost", False),
        ("http://evil\\@localhost", False),
        ("http://evil/@localhost", False),
        ("http://localhost/", False),
        ("http://localhost.evil.example", False),
        ("http://localhost.", False),
        ("http://127.0.0.1.nip.io", False),
        ("http://0.0.0.0", False),
        ("http://[::]", False),
        ("http://2130706433", False),
        ("http://localhost, http://evil.example", False),
    ],
)
async def test_capture_9_origins_that_the_operator_names(sidecar: Relay, origin: str, allowed: bool) -> None:
    assert ((await ask(sidecar, "GET", "/api/capture/events", Origin=origin)).status == 200) == allowed


async def test_our_own_page_may_ask_under_a_name_that_we_were_given(sidecar: Relay) -> None:
    for host, origin, status in (
        ("dev.box:8969", "http://dev.box:8969", 200),
        ("dev.box:8969", "http://dev.box:3000", 403),
        ("localhost:8969", "http://dev.box:8969", 403),
        ("evil.example", "http://evil.example", 403),
    ):
        assert (await ask(sidecar, "GET", "/api/capture/events", Host=host, Origin=origin)).status == status


async def test_a_refused_origin_is_logged_once_with_what_would_allow_it(
    sidecar: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("WARNING", "scrubjay.guard"):
        for _ in range(3):
            await ask(sidecar, "GET", "/stream", Origin="https://once.example:99")
            await ask(sidecar, "GET", "/stream", Origin="file://")
    told = [record.message for record in caplog.records]
    assert len(told) == 2
    assert "--allowed-origin https://once.example:99 " in told[0]
    assert "--allowed-origin" not in told[1]


@pytest.mark.parametrize(("target", "method"), [("/stream", "POST"), ("/clear", "DELETE"), ("/contextlines", "PUT")])
async def test_capture_9_preflights(sidecar: Relay, target: str, method: str) -> None:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "content-type"}
    private = {"Access-Control-Request-Private-Network": "true"}
    answer = await sidecar.send("OPTIONS", target, headers=HERE | asked | private | {"Origin": LOCAL})
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == LOCAL
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, PUT, POST, DELETE, PATCH"
    assert answer.headers["access-control-allow-headers"] == "content-type"
    assert answer.headers["access-control-max-age"] == "600"
    assert answer.headers["access-control-allow-private-network"] == "true"
    assert (await sidecar.send("OPTIONS", target, headers=HERE | asked | {"Origin": FOREIGN})).status == 403


async def test_pages_of_this_machine_may_show_ours_in_a_frame(sidecar: Relay) -> None:
    policy = (await ask(sidecar, "GET", "/")).headers["content-security-policy"]
    frames = policy.partition("frame-ancestors ")[2].split()
    assert {"'self'", "http://localhost:*", "http://127.0.0.1:*", GUEST} <= set(frames)
    assert "*" not in frames
    assert "friend.test" not in policy


async def test_styles_of_the_page_may_be_used_by_a_page_that_shows_it(sidecar: Relay) -> None:
    """Django's page at 127.0.0.1 shows ours of localhost: to a browser these are two sites."""
    embedded = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}
    assert (await ask(sidecar, "GET", "/static/style.css", **embedded)).status == 200
    assert (await ask(sidecar, "GET", "/api/capture/events", **embedded)).status == 403


# Names of this machine


@pytest.mark.parametrize(("method", "target"), GUARDED)
async def test_capture_9_a_foreign_name_is_refused_whatever_is_asked(sidecar: Relay, method: str, target: str) -> None:
    """What a page gets that has its name point to this machine: its requests have no foreign origin."""
    for host in (
        "rebound.example",
        "rebound.example:8969",
        "localhost.rebound.example",
        "127.0.0.1.rebound.example",
        "127.0.0.1.nip.io",
        "rebound.example@localhost",
        "rebound.example\\@localhost",
        "localhost/rebound.example",
        "localhost#rebound.example",
        "localhost:80:rebound.example",
        "localhost.",
        "0.0.0.0",
        "2130706433",
        "[::ffff:127.0.0.1]",
        "[::1%25lo]",
        "",
    ):
        assert (await ask(sidecar, method, target, Host=host)).status == 403
    assert len(sink(sidecar).store) == 1
    for host in (
        "localhost:8969",
        "LOCALHOST",
        "app.localhost",
        "127.0.0.1:1",
        "[::1]:8969",
        "dev.box",
        "OTHER.box:80",
    ):
        assert (await ask(sidecar, method, target, Host=host)).status != 403


async def test_capture_9_what_takes_events_in_does_not_look_at_the_name(sidecar: Relay) -> None:
    for host in ("host.docker.internal:8969", "10.0.2.2:8969"):
        assert (await sidecar.send("GET", "/health", headers={"Host": host})).status == 200
        assert (await sidecar.send("POST", "/stream", EVENT, {"Host": host})).status == 200
        assert (await sidecar.send("POST", ENVELOPE, EVENT, AUTH | {"Host": host})).status == 200
        asked = {"Host": host, "Origin": LOCAL, "Access-Control-Request-Method": "POST"}
        assert (await sidecar.send("OPTIONS", "/stream", headers=asked)).status == 204
        asked["Access-Control-Request-Method"] = "GET"
        assert (await sidecar.send("OPTIONS", "/stream", headers=asked)).status == 403


# Files


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("app.js", "two"),
        ("sub/../app.js", "two"),
        ("link.js", "two"),
        ("{root}/app.js", "two"),
        ("file://{root}/app.js", "two"),
        ("file://localhost{root}/app%2Ejs", "two"),
        ("latin.js", None),
        ("../secret.txt", None),
        ("sub/../../secret.txt", None),
        ("../root-beside/secret.txt", None),
        ("{root}/../secret.txt", None),
        ("{root}-beside/secret.txt", None),
        ("/etc/passwd", None),
        ("file:///etc/passwd", None),
        ("file://{root}/%2e%2e/secret.txt", None),
        ("file://evil.example{root}/app.js", None),
        ("http://localhost:3000/app.js", None),
        ("http://[::1", None),
        ("webpack:///./app.js", None),
        ("leak.js", None),
        ("leak/secret.txt", None),
        ("loop.js", None),
        ("pipe.js", None),
        ("sub", None),
        ("/dev/zero", None),
        ("/proc/self/environ", None),
        ("large.js", None),
        ("binary.js", None),
        ("app.js\x00.png", None),
        ("a" * 5000, None),
        ("not there.js", None),
    ],
)
async def test_capture_9_lines_are_read_below_the_folders_and_nowhere_else(
    sidecar: Relay, source: Path, name: str, line: str | None
) -> None:
    frame = {"filename": name.replace("{root}", str(source / "root")), "lineno": 2, "colno": 1}
    answer = await put(sidecar, {"frames": [frame]})
    (filled,) = answer["frames"]
    assert filled.get("context_line") == line
    assert b"secret" not in repr(filled.get("pre_context")).encode()
    if line is None:
        assert filled == frame


async def put(one: Relay, trace: object) -> Any:
    answer = await one.send("PUT", "/contextlines", encode_json(trace), HERE)
    assert answer.status == 200
    return answer.json


async def test_the_absolute_path_of_a_frame_goes_first(sidecar: Relay, source: Path) -> None:
    deep = {"filename": "app.js", "abs_path": str(source / "root" / "sub" / "deep.js"), "lineno": 1, "colno": 1}
    outside = deep | {"abs_path": str(source / "secret.txt")}
    odd = deep | {"abs_path": ["x"]}
    frames = (await put(sidecar, {"frames": [deep, outside, odd]}))["frames"]
    assert [frame["context_line"] for frame in frames] == ["deep", "one", "one"]


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'"frames"', b'{"frames":'])
async def test_capture_6_what_is_no_stack_trace_is_refused(sidecar: Relay, body: bytes) -> None:
    assert (await sidecar.send("PUT", "/contextlines", body, HERE)).status == 400


async def test_a_file_is_opened_in_the_editor_that_was_named(sidecar: Relay, source: Path) -> None:
    folder = source / "root"
    for place, status in (
        ("app.js:3:9", 204),
        (f"{folder}/app.js:7", 204),
        ("app.js", 204),
        ("../secret.txt:1:1", 404),
        ("leak.js:1:1", 404),
        ("/etc/passwd:1:1", 404),
        ("$(touch /tmp/x):1:1", 404),
        ("", 404),
        (":1:1", 404),
    ):
        assert (await sidecar.send("POST", "/open", place.encode(), HERE)).status == status
    opened = Path(sidecar.worker._loaded.settings.relay.state_dir or "").parent
    async with asyncio.timeout(60):
        while len(names := {path.name for path in opened.glob("opened *")}) < 3:  # noqa: ASYNC110  a program of its own
            await asyncio.sleep(0.01)
    assert names == {"opened 3:9", "opened 7:1", "opened 1:1"}


async def test_an_editor_that_is_not_there_is_an_error_and_none_is_not_found(tmp_path: Path, source: Path) -> None:
    for command, status in (("/not/there {file}", 500), (None, 404)):
        capture = {"spotlight_port": None, "context_roots": [str(source / "root")], "open_in_editor": command}
        async with relay(tmp_path / str(status), mode="capture", options={"capture": capture}) as one:
            assert (await one.send("POST", "/open", b"app.js:1:1", HERE)).status == status


@pytest.mark.parametrize("command", ["code '{file}", "''", "  "])
async def test_a_command_that_is_none_is_an_error_at_the_start(tmp_path: Path, command: str) -> None:
    options = {"capture": {"spotlight_port": None, "open_in_editor": command}}
    with pytest.raises(ConfigError, match=r"command|empty"):
        async with relay(tmp_path / "r", mode="capture", options=options):
            pass
