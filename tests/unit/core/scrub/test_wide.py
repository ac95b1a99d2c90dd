"""Text in UTF-16 inside bytes (scrubbing.md 12.4)."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub import wide
from scrubjay.core.scrub.wide import wide_runs, wide_spans


def runs(data: bytes, start: int = 0, end: int | None = None) -> list[tuple[int, str]]:
    return list(wide_runs(data, start, len(data) if end is None else end))


LONE = b"\x00\xd8"


def test_runs_are_valid_and_of_five_characters_at_least() -> None:
    five = "abcde".encode("utf-16-le")
    assert runs(five) == [(0, "abcde")]
    assert runs(five[:8]) == []
    assert runs(LONE + five + LONE + five[:8]) == [(2, "abcde")]
    emoji = "\U0001f600bcde".encode("utf-16-le")
    assert runs(LONE + emoji) == [(2, "\U0001f600bcde")]


def test_runs_begin_at_even_places() -> None:
    five = "abcde".encode("utf-16-le")
    assert runs(b"x" + five + b"yz", 1) == [(2, b"\0b\0c\0d\0e\0y".decode("utf-16-le"))]
    assert runs(b"xy" + five + b"z", 1) == [(2, "abcde")]


def test_windows_end_where_text_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wide, "_WINDOW_BYTES", 32)
    text = "first words\0second words\nthird words!"
    found = runs(text.encode("utf-16-le"))
    assert [run for _, run in found] == ["first words\0", "second words\n", "third words!"]
    assert [place for place, _ in found] == [0, 24, 50]
    assert "".join(run for _, run in runs(("x" * 96).encode("utf-16-le"))) == "x" * 96


def test_places_are_those_of_the_bytes() -> None:
    def finder(text: bytes) -> list[list[tuple[int, int]]]:
        at = text.find(b"key")
        return [] if at < 0 else [[(at, at + 3), (at + 1, at + 2), (at + 3, at + 3)]]

    data = LONE + "\u00fc\U0001f600 key.".encode("utf-16-le")
    (span,) = wide_spans(data, 0, len(data), finder)
    assert data[slice(*span)].decode("utf-16-le") == "key"
