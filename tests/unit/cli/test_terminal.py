"""Nothing that strangers wrote moves a cursor, colours a line, or turns its direction."""

from __future__ import annotations

import io
import json
import unicodedata

import pytest

from scrubjay.cli.terminal import Screen, fold, safe, safe_json, safe_lines

JOINING = {
    0x600,
    0x601,
    0x602,
    0x603,
    0x604,
    0x605,
    0x6DD,
    0x70F,
    0x890,
    0x891,
    0x8E2,
    0x200C,
    0x200D,
    0x110BD,
    0x110CD,
}
EVERYTHING = "".join(map(chr, range(0x110000)))


def barred(text: str) -> set[str]:
    return {
        one for one in text if unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp", "Cs") and ord(one) not in JOINING
    }


def test_no_control_and_no_invisible_character_gets_through() -> None:
    assert not barred(safe(EVERYTHING, len(EVERYTHING)))
    assert not barred(safe_json(EVERYTHING))
    assert json.loads(safe_json(EVERYTHING[:0xD800])) == EVERYTHING[:0xD800]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\tb\nc", "a b\\nc"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("x" * 9, "xxxxx… (9 characters)"),
    ],
)
def test_what_may_not_be_written_is_shown(text: str, shown: str) -> None:
    assert safe(text, 5 if len(text) == 9 else 99) == shown


def test_lines_keep_their_ends_and_tabs() -> None:
    assert safe_lines("a\tb\x1b[2J\n\x9bc") == "a\tb\\x1b[2J\n\\x9bc"


def test_long_lines_are_folded_under_their_text() -> None:
    lines = fold([("12:00:00 ", ""), ("wide 日本語 " * 12, "bad"), ("y" * 100, "")], 40, 9)
    texts = ["".join(text for text, _ in line) for line in lines]
    assert all(sum(2 if unicodedata.east_asian_width(one) == "W" else 1 for one in text) <= 40 for text in texts)
    assert all(text.startswith(" " * 9) for text in texts[1:])
    assert "".join(texts).replace(" ", "").endswith("y" * 100)


def test_colours_only_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def shown(**environment: str) -> str:
        for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        out = Terminal()
        Screen(out).write([("a", "bad"), ("b", "bad")])
        return out.getvalue()

    assert shown(TERM="xterm") == "\x1b[1;31mab\x1b[0m\n"
    assert shown(TERM="xterm", NO_COLOR="1") == shown(TERM="dumb") == shown() == "ab\n"
    assert shown(TERM="dumb", FORCE_COLOR="1") == "\x1b[1;31mab\x1b[0m\n"
    assert shown(TERM="xterm", FORCE_COLOR="1", NO_COLOR="1") == "ab\n"
