"""Forms in which a text may hide."""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core.scrub.spellings import haystack, spellings

TEXT = 'Rosa "K" <rosa+k@lab.example>/ü?'


def forms(haystack_: bytes, text: str = TEXT) -> set[str]:
    return {name for form, name in spellings(text).items() if form in haystack_}


@pytest.mark.parametrize(
    ("written", "form"),
    [
        (TEXT.encode(), "as it is"),
        (json.dumps(TEXT).encode(), "with escapes"),
        (json.dumps(TEXT, ensure_ascii=False).encode(), "with escapes"),
        (json.dumps(TEXT).replace("/", "\\/").encode(), "with escapes"),
        (quote(TEXT, safe="").encode(), "percent-encoded"),
        (quote(TEXT, safe="").replace("%3C", "%3c").replace("%3E", "%3e").replace("%2B", "%2b").replace("%2F", "%2f")
         .replace("%3F", "%3f").replace("%C3%BC", "%c3%bc").encode(), "percent-encoded"),
        (quote(TEXT).encode(), "percent-encoded"),
        (quote_plus(TEXT).encode(), "percent-encoded"),
        (b64encode(TEXT.encode()), "in base64"),
        (TEXT.encode().hex().encode(), "in hex"),
        (TEXT.encode().hex().upper().encode(), "in hex"),
    ],
)  # fmt: skip
def test_each_form_is_known(written: bytes, form: str) -> None:
    assert form in forms(b"... " + written + b" ...")


@given(st.text(st.characters(codec="utf-8"), min_size=6, max_size=30), st.binary(max_size=20), st.binary(max_size=20))
def test_base64_of_a_longer_text_shows_the_text(text: str, before: bytes, after: bytes) -> None:
    longer = before + text.encode() + after
    assert "in base64" in {*forms(b64encode(longer), text), *(["in base64"] if len(text.encode()) < 6 else [])}
    assert "in base64" in forms(urlsafe_b64encode(longer), text)


def test_short_texts_are_looked_for_in_few_forms() -> None:
    """A few letters of base64 or hex turn up anywhere."""
    assert set(spellings("ab").values()) == {"as it is"}
    assert set(spellings("abcd").values()) == {"as it is", "in hex"}


def test_the_first_form_is_the_plain_one() -> None:
    assert next(iter(spellings("a b").items())) == (b"a b", "as it is")


def test_the_haystack_holds_texts_keys_and_numbers_of_json() -> None:
    searched = haystack([b'{"r\\u00f6sa":["kl\\u00e9in",4242,true,null]}'])
    assert all(text.encode() in searched for text in ("rösa", "kléin", "4242", "True"))


@pytest.mark.parametrize("compress", [zlib.compress, gzip.compress])
def test_what_is_compressed_is_opened(compress: object) -> None:
    assert callable(compress)
    recording = b'{"segment_id":0}\n' + compress(b'[{"a":"r\\u006fsa"}]')
    assert b"rosa" in haystack([recording])
    assert b"rosa" in haystack([compress(b"a rosa")])


def test_bytes_are_searched_as_they_are() -> None:
    assert b"\xffrosa" in haystack([b"\x00\xffrosa"])
