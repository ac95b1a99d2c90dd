"""Text-like attachments."""

from __future__ import annotations

import codecs
from dataclasses import replace

import pytest

from scrubjay.core.scrub.bounds import read_bounds
from scrubjay.core.scrub.program import compile_program
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.text import scrub_text
from scrubjay.errors import Unscrubbable
from scrubjay.settings.scrub import Scrub
from support import scrubbing

STRICT = scrubbing.default_program("strict")


def test_log_files_lose_values_and_keep_words() -> None:
    log = b"password rejected for ana@lab.example from 192.0.2.1\ncard 4242424242424242 \xc3\xa9\n"
    assert scrub_text(STRICT, log) == b"password rejected for [email] from [ip]\ncard [creditcard] \xc3\xa9\n"


def test_json_is_a_document() -> None:
    assert scrub_text(STRICT, memoryview(b'{"password": "x"}')) == b'{"password":"[Filtered]"}'
    assert scrub_text(STRICT, b"[broken ana@lab.example") == b"[broken [email]"


@pytest.mark.parametrize("payload", [b"", b"plain text", b"\x00\x01\x02ana@lab.example", b"[1, 2]"])
def test_left_as_it_is(payload: bytes) -> None:
    assert scrub_text(STRICT, payload) is None


def test_a_config_of_its_own_has_no_rules_for_texts() -> None:
    config = {"applications": {"$string": ["@mac"]}}
    program = compile_program(pii_config=config, settings=scrubbing.SETTINGS)
    assert scrub_text(program, b"00:1b:44:11:3a:b7 of ana@lab.example") == b"00:1b:44:11:3a:b7 of [email]"


def test_parity_has_no_text_rules() -> None:
    assert scrub_text(scrubbing.default_program("parity"), b"ana@lab.example") is None


def test_long_texts_are_split_at_line_breaks() -> None:
    log = b"x ana@lab.example\n" * 100
    program = replace(STRICT, bounds=read_bounds(Scrub(max_text_bytes=1024)))
    assert scrub_text(program, log) == b"x [email]\n" * 100
    with pytest.raises(Unscrubbable):
        scrub_text(program, b"x" * 1025)


def test_any_encoding_leaves_as_it_came() -> None:
    text = "peer ana@lab.example gr\u00fc\u00dft\r\n"
    for codec, mark in (
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-16-le", b""),
        ("latin-1", b""),
    ):
        expected = mark + text.replace("ana@lab.example", "[email]").encode(codec)
        assert scrub_text(STRICT, mark + text.encode(codec)) == expected
    assert scrub_text(STRICT, codecs.BOM_UTF16_LE + '{"password":"x"}'.encode("utf-16-le")) == (
        codecs.BOM_UTF16_LE + '{"password":"[Filtered]"}'.encode("utf-16-le")
    )


def test_what_rules_did_is_counted() -> None:
    record = Record()
    scrub_text(STRICT, b"from ana@lab.example", record)
    assert [(origin, count.hits) for origin, count in record.rules.items()] == [("@email:replace", 1)]
