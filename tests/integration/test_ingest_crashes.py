"""Crash reporters: section 9.9 of ingest.md as far as it is about them, against a real worker in mode `proxy`."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from support.raw_http import Answer
from support.relay import AUTH, E, K, Relay, relay

pytestmark = pytest.mark.asyncio(loop_scope="module")

DUMP = b"MDMP" + bytes(range(256)) + b"\r\n--not the end\r\n"
FORM = {"Content-Type": 'multipart/form-data; boundary="a b"'}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def passing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Relay]:
    async with relay(tmp_path_factory.mktemp("pass")) as found:
        yield found


def form(*parts: tuple[str, str | None, bytes]) -> bytes:
    """Name, file name, payload of each part."""
    body = b""
    for name, filename, payload in parts:
        file = "" if filename is None else f'; filename="{filename}"\r\nContent-Type: text/x-own'
        body += f'--a b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + payload + b"\r\n"
    return body + b"--a b--\r\n"


async def minidump(relay: Relay, body: bytes, headers: dict[str, str] = FORM) -> Answer:
    return await relay.send("POST", "/api/7/minidump/", body, {**AUTH, **headers})


async def test_a_dump_in_a_form(passing: Relay) -> None:
    """ingest-97"""
    answer = await minidump(passing, form(("upload_file_minidump", "a.dmp", DUMP), ("view-hierarchy.json", "v", b"{}")))
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    header, (dump, view) = (await passing.forwarded()).envelope()
    assert str(UUID(header["event_id"])) == answer.body.decode()
    assert (dump.headers["attachment_type"], dump.headers["content_type"]) == ("event.minidump", "application/x-dmp")
    assert dump.payload == DUMP
    assert view.headers["attachment_type"] == "event.view_hierarchy"


async def test_a_dump_alone(passing: Relay) -> None:
    """ingest-98"""
    assert (await minidump(passing, DUMP, {"Content-Type": "application/x-dmp"})).status == 200
    (item,) = (await passing.forwarded()).envelope()[1]
    assert (item.headers["filename"], item.payload) == ("Minidump", DUMP)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (DUMP, "application/x-dmp; a=b"),
        (DUMP, "multipart/form-data"),
        (b"no dump", "application/x-dmp"),
        (form(("upload_file_minidump", None, DUMP)), FORM["Content-Type"]),
        (form(("upload_file_minidump", "a.dmp", b"\x1f\x8bno gzip")), FORM["Content-Type"]),
        (b"no parts", FORM["Content-Type"]),
    ],
)
async def test_what_is_no_dump(passing: Relay, body: bytes, content_type: str) -> None:
    """ingest-99, ingest-101"""
    assert (await minidump(passing, body, {"Content-Type": content_type})).status == 400


async def test_a_packed_dump_is_unpacked(passing: Relay) -> None:
    """ingest-100"""
    body = form(("upload_file_minidump", "dump.dmp.gz", gzip.compress(DUMP)))
    assert (await minidump(passing, body)).status == 200
    (item,) = (await passing.forwarded()).envelope()[1]
    assert (item.headers["filename"], item.payload) == ("dump.dmp", DUMP)


async def test_a_field_names_the_event(passing: Relay) -> None:
    """ingest-102"""
    body = form(("sentry[event_id]", None, E.encode()), ("guid", None, b"a1"), ("upload_file_minidump", "d", DUMP))
    assert (await minidump(passing, body)).body.decode() == str(UUID(E))
    fields = (await passing.forwarded()).envelope()[1][1]
    assert fields.headers["type"] == "form_data"
    assert fields.payload.endswith(b"\x04\0\0\0guid\x02\0\0\0a1")


async def files(relay: Relay, body: bytes, event_id: str = E) -> Answer:
    return await relay.send("POST", f"/api/7/events/{event_id}/attachments/", body, {**AUTH, **FORM})


async def test_files_for_an_event(passing: Relay) -> None:
    """ingest-103"""
    answer = await files(passing, form(("a", "a.txt", b"one"), ("b", "b.txt", b"")), str(UUID(E)))
    assert (answer.status, answer.body) == (201, b"")
    header, items = (await passing.forwarded()).envelope()
    assert header["event_id"] == E
    assert [(item.headers["filename"], item.headers["content_type"], item.payload) for item in items] == [
        ("a.txt", "text/x-own", b"one"),
        ("b.txt", "text/x-own", b""),
    ]
    assert (await files(passing, form(), "nobody")).status == 400


async def test_no_files_are_no_envelope(passing: Relay) -> None:
    """ingest-104"""
    assert (await files(passing, form())).status == 201
    assert await passing.forwards_nothing()


@pytest.mark.parametrize(("bound", "status"), [("max_attachment_size", 400), ("max_attachments_size", 413)])
async def test_bounds_of_files(tmp_path: Path, bound: str, status: int) -> None:
    """ingest-105"""
    async with relay(tmp_path, options={"limits": {bound: 10, "max_attachments_size": 400} | {bound: 10}}) as bounded:
        assert (await files(bounded, form(("a", "a", b"123456789012")))).status == status


async def test_an_archive_of_unreal(passing: Relay) -> None:
    """ingest-106"""
    answer = await passing.send("POST", f"/api/7/unreal/{K}/?UserID=u1", b"x")
    header, (item,) = (await passing.forwarded()).envelope()
    assert (answer.status, answer.body.decode()) == (200, str(UUID(header["event_id"])))
    assert header["unreal_user_id"] == "u1"
    assert (item.headers["type"], item.payload) == ("unreal_report", b"x")
    assert (await passing.send("POST", f"/api/7/unreal/{K}/", b"")).status == 400
    assert (await passing.send("POST", f"/api/7/unreal/{K}/?sentry_x=1", b"x")).status == 401


async def test_a_crash_is_never_told_of_limits(tmp_path: Path) -> None:
    quota = {"id": "q", "scope": "key", "categories": ["error", "attachment"], "limit": 0, "reasonCode": "none"}
    async with relay(tmp_path, mode="static", projects={"default.yaml": {"config": {"quotas": [quota]}}}) as limited:
        assert (await minidump(limited, form(("upload_file_minidump", "a", DUMP)))).status == 200
        assert (await files(limited, form(("a", "a", b"one")))).status == 429
