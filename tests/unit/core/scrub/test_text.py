"""Text-like attachments."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub import text
from scrubjay.core.scrub.text import scrub_text
from scrubjay.errors import Unscrubbable
from support import scrubbing

STRICT = scrubbing.default_program("strict")


def test_log_files_lose_values_and_keep_words() -> None:
    log = b"password rejected for ana@lab.example from 192.0.2.1\ncard 4242424242424242 \xc3\xa9\n"
    assert scrub_text(STRICT, log) == b"password rejected for [email] from [ip]\ncard [creditcard] \xc3\xa9\n"


def test_json_is_a_document() -> None:
    assert scrub_text(STRICT, memoryview(b'{"password": "x"}')) == b'{"password":"[Filtered]"}'
    assert scrub_text(STRICT, b"[broken ana@lab.example") == b"[broken [email]"


@pytest.mark.parametrize("payload", [b"", b"plain text", b"\x00ana@lab.example", b"\xff\xfeana@lab.example", b"[1, 2]"])
def test_left_as_it_is(payload: bytes) -> None:
    assert scrub_text(STRICT, payload) is None


def test_parity_has_no_text_rules() -> None:
    assert scrub_text(scrubbing.default_program("parity"), b"ana@lab.example") is None


def test_long_texts_are_split_at_line_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_MAX_PIECE_BYTES", 30)
    log = b"x ana@lab.example\n" * 10
    assert scrub_text(STRICT, log) == b"x [email]\n" * 10
    with pytest.raises(Unscrubbable):
        scrub_text(STRICT, b"x" * 31)
