"""Files by what they are (scrubbing.md 12.4 to 12.6, 15.6)."""

from __future__ import annotations

import codecs
import gzip
from typing import Any

import msgspec
import pytest

from scrubjay.core.scrub.attachments import DROPPED, scrub_file
from scrubjay.core.scrub.policies import read_policies
from scrubjay.errors import Unreadable, Unscrubbable
from scrubjay.settings.scrub import Scrub
from support import scrubbing
from support.minidumps import minidump

MAIL = "from ana@lab.example"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64)) + b"\0ana@lab.example\0"


def treated(payload: bytes, profile: str = "strict", *, program: Any = None, **options: Any) -> Any:
    given = {name: options.pop(name) for name in ("filename", "kind", "gated") if name in options}
    policies = read_policies(Scrub(profile=profile, **options))  # type: ignore[arg-type]
    return scrub_file(program or scrubbing.default_program(profile), policies, payload, **given)


@pytest.mark.parametrize(
    "codec", [("utf-8", b""), ("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-le", b""), ("utf-16-be", b"")]
)
def test_text_is_text_in_any_encoding(codec: tuple[str, bytes]) -> None:
    name, mark = codec
    assert treated(mark + MAIL.encode(name)) == mark + "from [email]".encode(name)
    assert treated(mark + MAIL.encode(name), "parity") is None
    assert treated(mark + MAIL.encode(name), attachments="keep") is None
    assert treated(mark + MAIL.encode(name), attachments="drop") == DROPPED


def test_names_and_media_types_are_not_believed() -> None:
    assert treated(MAIL.encode(), filename="photo.png") == b"from [email]"
    assert treated(MAIL.encode(), kind="event.applecrashreport") == b"from [email]"
    assert treated(MAIL.encode(), kind="unreal.logs") == b"from [email]"


def test_binary_files_have_a_policy() -> None:
    assert treated(PNG) is None
    assert treated(PNG, binary_attachments="drop") == DROPPED
    assert treated(PNG, binary_attachments="scrub_bytes") == PNG.replace(b"ana@lab.example", b"[email]********")
    assert treated(MAIL.encode(), binary_attachments="drop") == b"from [email]"
    assert treated(MAIL.encode(), attachments="keep", binary_attachments="scrub_bytes") is None


def test_compressed_files_are_dropped_unless_listed() -> None:
    packed = gzip.compress(MAIL.encode())
    assert treated(packed) == DROPPED
    assert treated(packed, compressed_attachments=("zip",)) == DROPPED
    assert treated(packed, compressed_attachments=("gzip",)) is None
    assert treated(packed, attachments="keep") is None
    assert treated(packed, "parity") is None


def test_rules_bound_to_attachments_run_in_any_case() -> None:
    """scrubbing-71"""
    config = {"applications": {"$attachments.'a.txt'": ["@ip"]}}
    line = b"peer 10.20.30.40 down"
    for profile in ("strict", "parity"):
        program = scrubbing.config_program(config, profile)
        for attachments in ("text", "keep"):
            got = treated(line, profile, program=program, attachments=attachments, filename="a.txt")
            assert got == b"peer [ip]******* down"
        assert treated(line, profile, program=program, filename="b.txt") is None
        assert treated(PNG + line, profile, program=program, filename="a.txt") == PNG + b"peer [ip]******* down"


def test_dumps_are_scrubbed_part_by_part() -> None:
    config = {"applications": {"$stack_memory": ["@email:mask"]}}
    for profile in ("strict", "parity"):
        program = scrubbing.config_program(config, profile)
        dump = minidump(stack=b"ana@lab.example....", heap=b"ana@lab.example....")
        expected = minidump(stack=b"*" * 15 + b"....", heap=b"ana@lab.example....")
        assert treated(dump, profile, program=program, kind="event.minidump") == expected
    assert treated(dump, kind="event.minidump") is None
    assert treated(dump, kind="event.minidump", binary_attachments="drop") == DROPPED
    got = treated(dump, kind="event.minidump", binary_attachments="scrub_bytes")
    assert got == minidump(stack=b"[email]********....", heap=b"[email]********....")
    assert treated(MAIL.encode(), kind="event.minidump", binary_attachments="drop") == DROPPED


def test_view_hierarchies_are_json_or_nothing() -> None:
    tree = b'{"label":"ana@lab.example"}'
    assert treated(tree, kind="event.view_hierarchy") == b'{"label":"[email]"}'
    with pytest.raises(Unreadable):
        treated(b"{broken", kind="event.view_hierarchy")
    with pytest.raises(Unscrubbable):
        treated(b"[" * 200 + b"]" * 200, kind="event.view_hierarchy")
    assert treated(b"{broken", "parity", kind="event.view_hierarchy") is None
    assert treated(tree, attachments="keep", kind="event.view_hierarchy") is None


def test_what_the_server_merges_into_the_event_is_scrubbed_as_one() -> None:
    event = msgspec.msgpack.encode({"extra": {"password": "x"}})
    new = treated(event, kind="event.payload")
    assert msgspec.msgpack.decode(new)["extra"] == {"password": "[Filtered]"}
    crumbs = msgspec.msgpack.encode({"message": "ana@lab.example"})
    assert b"ana@" not in treated(crumbs, kind="event.breadcrumbs")
    assert treated(event, attachments="keep", kind="event.payload") is None
