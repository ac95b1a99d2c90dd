"""Values in other spellings inside a text are found, and taken from the text as it stands (scrubbing.md 14, G17)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core.scrub.encoded import SIGN, decode, looking_through, occurring_through, views
from scrubjay.core.scrub.redact import Span
from support import detecting

EMAIL = re.compile(rb"[a-z.]+@[a-z]+\.[a-z]+|card")


def find(text: bytes) -> Sequence[list[Span]]:
    return [[match.span()] for match in EMAIL.finditer(text)]


def marked(text: str) -> str:
    data = text.encode()
    for [(start, end)] in reversed(looking_through(find)(data)):
        data = data[:start] + b"#" + data[end:]
    return data.decode()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ana@lab.example", "#"),
        ("to=ana%40lab.example&b", "to=#&b"),
        ("%61%6e%61%40lab.example", "#"),
        ("é=ana%40lab.example", "é=#"),
        ("ana%2540lab.example", "#"),
        ("ana%252540lab.example", "#"),
        ("ana%25252540lab.example", "ana%25252540lab.example"),
        ("ana&#64;lab.example", "#"),
        ("ana&#x40;lab.example, ana&#X40lab.example", "#, #"),
        (r"ana\u0040lab.example", "#"),
        (r"ana\x40lab&#46;example.", "#."),
        ("ana%26%2364;lab.example", "#"),
        ("&#97;na@lab.exampl&#101;", "#"),
        ("card ana%40lab.example card", "# # #"),
        ("%C3%A9ana%40lab.example", "%C3%A9#"),
        ("%FFana%40lab.example%FF", "%FF#%FF"),
        ("%C3ana%40lab%2Eexample", "%C3#"),
        ("ca%00rd 100% &#0; &#xD800; &#1114112; \\uD800 %", "ca%00rd 100% &#0; &#xD800; &#1114112; \\uD800 %"),
        ("a%20b", "a%20b"),
    ],
)
def test_what_is_found_decoded_is_taken_encoded(text: str, left: str) -> None:
    assert marked(text) == left


def test_overlapping_finds_are_one() -> None:
    """What is found in part in the text, and whole in the decoded one."""
    assert marked("mia.ana@lab.example%40x") == "#%40x"
    assert marked("mia%2Eana@lab.example") == "#"
    assert marked("mia@lab.example card%20") == "# #%20"


@pytest.mark.parametrize("text", SIGN.examples)
def test_the_sign_is_there(text: str) -> None:
    assert detecting.is_flagged(SIGN, text)
    assert views(text.encode())


@pytest.mark.parametrize("text", SIGN.counterexamples)
def test_the_sign_is_not_there(text: str) -> None:
    assert decode(text.encode()) is None


@given(
    st.lists(
        st.sampled_from(("a", "é", "😀", "%41", "%C3%A9", "&#233;", "\\u00e9", "%", "&#", "%FF", "\0", "%00", "\\x41"))
    )
)
def test_the_sign_is_there_whenever_something_is_decoded(parts: list[str]) -> None:
    text = "".join(parts)
    if decode(text.encode()) is not None:
        assert detecting.is_flagged(SIGN, text)


@given(st.text(), st.data())
def test_places_are_those_of_the_text(text: str, data: st.DataObject) -> None:
    raw = text.encode("utf-8", "replace")
    spelled = "".join(
        quote(character, safe="") if data.draw(st.booleans()) else character for character in raw.decode()
    )
    spelled = spelled.replace("%00", "\0")
    view = decode(spelled.encode())
    if view is None:
        return
    starts = [at for at in range(len(view.text) + 1) if at == len(view.text) or view.text[at] & 0xC0 != 0x80]
    start, end = sorted((data.draw(st.sampled_from(starts)), data.draw(st.sampled_from(starts))))
    if start < end:
        begin, finish = view.source((start, end))
        inner = spelled.encode()[begin:finish]
        decoded = decode(inner)
        assert (inner if decoded is None else decoded.text) == view.text[start:end]


def test_words_occur_decoded() -> None:
    occurs = occurring_through(lambda text: b"token=" in text)
    assert occurs(b"token=1")
    assert occurs(b"next=%3Ftoken%3D1")
    assert not occurs(b"next=%3Ftaken%3D1")
    assert not occurs(b"next")


def test_views_are_kept_for_the_next_rule() -> None:
    assert views(b"%41") is views(b"%41")


def test_a_plus_in_a_parameter_is_a_space() -> None:
    spaced = re.compile(rb"4242 4242")
    search = looking_through(lambda text: [[match.span()] for match in spaced.finditer(text)])
    assert search(b"/?a=1&card=4242+4242&b") == [[(11, 20)]]
    assert search(b"/?a=1&card=4242%2B4242&b") == []
    assert search(b"/?card=4242+4242%204242") == [[(7, 16)]]
    assert search(b"4242+4242") == []
    assert occurring_through(lambda text: b"4242 4242" in text)(b"q=4242+4242")
    assert views(b"a+b") == ()
