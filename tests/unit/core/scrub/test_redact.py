"""Redacting one text: chunks, U+0000, what is written, remarks (scrubbing.md 8)."""

from __future__ import annotations

import re

import pytest

from scrubjay.core.scrub.redact import Redaction, Remark, Text, characters, lines, redact, redact_whole, spans_in
from scrubjay.errors import Unscrubbable


def find(pattern: bytes):
    return lambda text: [[match.span()] for match in re.finditer(pattern, text)]


def run(text: Text, pattern: bytes, method: str = "mask", written: str = "#") -> Text:
    redact(text, find(pattern), "r", Redaction(method, written), skip_overlaps=False)
    return text


@pytest.mark.parametrize(
    ("method", "left", "remark"),
    [
        ("mask", "a ** b", ("r", "m", (2, 4))),
        ("remove", "a  b", ("r", "x", (2, 2))),
        ("default", "a  b", ("r", "x", (2, 2))),
        ("replace", "a # b", ("r", "s", (2, 3))),
    ],
)
def test_methods(method: str, left: str, remark: tuple[object, ...]) -> None:
    text = run(Text(b"a 12 b"), rb"\d+", method)
    assert (text.value.decode(), text.remarks, text.length, text.changed) == (left, [Remark(*remark)], 6, True)


def test_hash_is_the_known_one() -> None:
    text = run(Text(b"192.0.2.44"), rb".+", "hash")
    assert text.value == b"E329D79F28F1FC22AD01224F373D0BA4617005E8"


def test_unknown_method_leaves_no_remark() -> None:
    text = run(Text(b"12"), b"1", "scramble")
    assert (text.value, text.remarks, text.length) == (b"2", [], 2)


def test_mask_counts_characters() -> None:
    assert run(Text("é日x".encode()), b"[^x]+").value == b"**x"
    assert characters("é日x".encode()) == 3


def test_redacted_chunks_are_one_nul() -> None:
    text = Text(b"a [ip] b", [Remark("@ip", "s", (2, 6))], 13)
    run(text, rb"\d+")
    assert text.value == b"a [ip] b"
    run(text, rb".+")
    assert (text.value, text.length) == (b"*****", 13)


def test_old_chunks_survive_around_matches() -> None:
    text = run(Text(b"1 [ip] 2", [Remark("@ip", "s", (2, 6))]), rb"[12]", "replace", "##")
    assert text.value == b"## [ip] ##"
    assert text.remarks == [Remark("r", "s", (0, 2)), Remark("@ip", "s", (3, 7)), Remark("r", "s", (8, 10))]


def test_wholly_redacted_text_is_left_alone() -> None:
    remarks = [Remark("q", "s", (0, 2))]
    assert not run(Text(b"12", remarks), rb"\d").changed
    whole = Text(b"12", remarks)
    redact_whole(whole, lambda _text: True, "r", Redaction("mask"))
    assert not whole.changed


def test_nul_is_dropped_where_something_is_found() -> None:
    assert run(Text(b"1\x002 a"), b"12").value == b"** a"
    assert run(Text(b"1\x002 a"), b"9").value == b"1\x002 a"


@pytest.mark.parametrize("span", [(3, 1), (0, 99), (1, 2), (0, 1)])
def test_ranges_that_do_not_fit_end_the_splitting(span: tuple[int, int]) -> None:
    """They lie outside, run backwards or cut a character: the rest is one plain chunk."""
    text = Text("é1".encode(), [Remark("q", "s", span)])
    assert run(text, b"1").value == "é*".encode()


def test_overlapping_ranges() -> None:
    text = Text(b"abcd1", [Remark("q", "s", (0, 2)), Remark("q", "s", (1, 3)), Remark("note", "a")])
    assert run(text, b"c").value == b"ab*d1"


def test_unchanged_text_keeps_its_remarks() -> None:
    text = Text(b"*x", [Remark("note", "a")])
    run(text, rb"\*")
    assert (text.remarks, text.changed) == ([Remark("note", "a")], False)


def test_overlaps() -> None:
    def nested(_text: bytes):
        return [[(0, 2), (1, 2)]]

    with pytest.raises(Unscrubbable):
        redact(Text(b"ab"), nested, "r", Redaction("mask"), skip_overlaps=False)
    text = Text(b"ab")
    redact(text, nested, "r", Redaction("replace", "x"), skip_overlaps=True)
    assert text.value == b"x"


def test_match_without_the_group_to_replace_changes_nothing() -> None:
    """Scrubbing.md 8.3, 4: only groups that took part are redacted; U+0000 is back where none did."""
    text = Text(b"b\0b", [Remark("note", "a")])
    redact(text, lambda _text: [[], []], "r", Redaction("mask"), skip_overlaps=False)
    assert (text.value, text.remarks, text.changed) == (b"b\0b", [Remark("note", "a")], False)


def test_lines() -> None:
    assert list(lines(b"a\n\nb\n")) == [[(0, 1)], [(2, 2)], [(3, 4)], [(5, 5)]]


def test_all_plain_text_may_be_gone() -> None:
    """More places than pieces: the rest of the U+0000 stand for nothing."""
    text = Text(b"a[x]b[y]c", [Remark("q", "s", (1, 4)), Remark("q", "s", (5, 8))])
    run(text, rb"a\0", "mask")
    assert text.value == b"**b[x]c"


def test_spans_are_places_in_the_text_as_it_stands() -> None:
    assert spans_in(Text(b"a 12 b 3"), find(rb"\d+")) == [(2, 4), (7, 8)]
    # The search text is `<NUL> 12`: the redacted chunk is one character there, and the U+0000 of the sender none.
    assert spans_in(Text(b"[x] \x0012", [Remark("r", "s", (0, 3))]), find(rb"\d+")) == [(5, 7)]
    assert spans_in(Text(b"[1]", [Remark("r", "s", (0, 3))]), find(rb"\d+")) == []


def test_spans_leave_overlaps_out_as_redacting_does() -> None:
    assert spans_in(Text(b"abcdef"), lambda _: [[(0, 3), (2, 4)], [(4, 5)]]) == [(0, 3), (4, 5)]
