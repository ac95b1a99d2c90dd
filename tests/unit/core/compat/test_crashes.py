"""Crash reports as envelopes. Whole requests: integration/test_ingest_crashes.py."""

import bz2
import gzip
import lzma

import msgspec
import pytest
import zstandard

from scrubjay.core.compat.crashes import (
    CrashBounds,
    attachments_envelope,
    minidump_envelope,
    raw_minidump_envelope,
    unreal_envelope,
)
from scrubjay.core.compat.multipart import Part
from scrubjay.errors import BadRequest, Rejected, TooLarge

BOUNDS = CrashBounds(attachment=1000, attachments=2000, fields=100)
NEW, E = "f" * 32, "5d2c7a5e1b8f4c0e9a3d6f7081920abc"
DUMP = b"MDMP" + b"x" * 100
FILE = Part("upload_file_minidump", "a.dmp", None, DUMP)


def dump_of(payload: bytes, filename: str = "a.dmp") -> tuple[object, bytes]:
    item = minidump_envelope([Part("upload_file_minidump", filename, None, payload)], BOUNDS, NEW).items[0]
    return item.headers["filename"], bytes(item.payload)


@pytest.mark.parametrize(
    ("pack", "ending"),
    [(gzip.compress, ".gz"), (lzma.compress, ".xz"), (bz2.compress, ".bz2"), (zstandard.compress, ".zst")],
)
def test_packed_dumps_are_unpacked_within_the_bound(pack, ending) -> None:
    assert dump_of(pack(DUMP), f"a.dmp{ending}") == ("a.dmp", DUMP)
    with pytest.raises(TooLarge):
        dump_of(pack(DUMP + bytes(2000)))
    with pytest.raises(BadRequest):
        dump_of(pack(DUMP)[:-12])
    with pytest.raises(BadRequest):
        dump_of(pack(DUMP)[:6] + b"\xff" * 40)


def test_a_form_within_the_form() -> None:
    inner = b'\r\n--in\r\nContent-Disposition: form-data; name="%b"\r\n\r\n' + DUMP + b"\r\n--in--"
    assert dump_of(inner % b"upload_file_minidump") == ("a.dmp", DUMP)
    with pytest.raises(BadRequest, match="no minidump"):
        dump_of(inner % b"other")


def test_every_file_has_its_kind() -> None:
    parts = [
        FILE,
        Part("any", "gpu.nv-gpudmp", None, b"1"),
        Part("any", "shader.nvdbg", None, b"2"),
        Part("__sentry-breadcrumb2", "crumbs", "application/x-own", b"3"),
        Part(None, "log.txt", None, b"4"),
        Part("too long", "b", None, bytes(1001)),
    ]
    items = minidump_envelope(parts, BOUNDS, NEW).items
    assert [item.headers["attachment_type"] for item in items] == [
        "event.minidump",
        "event.nv_gpudmp",
        "event.nv_shader_debug",
        "event.breadcrumbs",
        "event.attachment",
    ]
    assert items[3].headers["content_type"] == "application/x-own"
    assert "content_type" not in items[4].headers


def event(payload: bytes) -> Part:
    return Part("__sentry-event", "event", None, payload)


@pytest.mark.parametrize(
    ("parts", "event_id"),
    [
        ([], NEW),
        ([event(msgspec.msgpack.encode({"event_id": E.upper()}))], E),
        ([event(msgspec.msgpack.encode({"event_id": 1})), Part("sentry[event_id]", None, None, E.encode())], E),
        ([Part("sentry", None, None, b'{"event_id":"%b"}' % E.encode())], E),
        ([Part("sentry", None, None, b"no json")], NEW),
        ([Part("sentry", None, None, b"[]"), Part("sentry[event_id]", None, None, E.encode())], NEW),
        ([Part(None, None, None, b"nameless")], NEW),
    ],
)
def test_who_names_the_event(parts: list[Part], event_id: str) -> None:
    assert minidump_envelope([FILE, *parts], BOUNDS, NEW).headers["event_id"] == event_id


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [FILE, event(b"\xc1")],
        [FILE, event(msgspec.msgpack.encode([1]))],
        [Part("upload_file_minidump", "a", None, b"MDMP" + bytes(1000))],
    ],
)
def test_forms_that_are_refused(parts: list[Part]) -> None:
    with pytest.raises(BadRequest):
        minidump_envelope(parts, BOUNDS, NEW)


@pytest.mark.parametrize(
    "parts",
    [[Part("a", "a", None, bytes(900))] * 3, [FILE, Part("field", None, None, bytes(200))]],
    ids=["files", "fields"],
)
def test_too_much_of_everything(parts: list[Part]) -> None:
    for read in (minidump_envelope, attachments_envelope):
        with pytest.raises(TooLarge):
            read(parts, BOUNDS, NEW)


def test_files_for_an_event_stay_within_bounds_each() -> None:
    with pytest.raises(BadRequest):
        attachments_envelope([Part("a", "a", None, bytes(1001))], BOUNDS, E)


def test_a_dump_alone_stays_within_its_bound() -> None:
    assert raw_minidump_envelope(DUMP, BOUNDS, NEW).items[0].headers["filename"] == "Minidump"
    with pytest.raises(TooLarge):
        raw_minidump_envelope(b"MDMP" + bytes(1000), BOUNDS, NEW)


def test_an_archive_is_kept_closed() -> None:
    assert unreal_envelope(b"x", None, NEW).headers == {"event_id": NEW}
    assert unreal_envelope(b"x", "u", NEW).headers == {"event_id": NEW, "unreal_user_id": "u"}
    with pytest.raises(Rejected):
        unreal_envelope(b"", "u", NEW)
