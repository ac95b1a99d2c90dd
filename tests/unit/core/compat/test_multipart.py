"""Form data in parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core.compat.multipart import MAX_PARTS, Part, boundary_of, read_parts
from scrubjay.errors import BadRequest


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data; charset=utf-8; boundary="a b;c"', b"a b;c"),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
        (f"multipart/form-data; boundary={'x' * 71}", None),
        ("multipart/mixed; boundary=abc", None),
        ("text/plain\r\nX: y", None),
        ("", None),
        (None, None),
    ],
)
def test_boundaries(content_type: str | None, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary


def test_parts_have_names_files_types_and_their_very_bytes() -> None:
    body = (
        b'preamble\r\n--x  \r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n--y\r\n\r\n--x\r\n'
        b"Content-Disposition: form-data; name*=utf-8''%C3%BC; filename=\"f\"\r\nContent-Type: text/plain\r\n\r\n\r\n--x\r\n"
        b"\r\nbare\r\n--x--ignored"
    )
    assert read_parts(body, b"x") == [
        Part("a", None, None, b"\r\n--y\r\n"),
        Part("ü", "f", "text/plain", b""),
        Part(None, None, None, b"bare"),
    ]
    assert read_parts(b"--x--", b"x") == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no delimiter",
        b"--x",
        b"--x\r\nno end of headers",
        b"--x\r\n" + b"A: " + b"b" * 20_000 + b"\r\n\r\n\r\n--x--",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nno end',
        b"--x" + b"\r\n\r\n\r\n--x" * (MAX_PARTS + 1) + b"--",
    ],
)
def test_bodies_that_are_no_form(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read_parts(body, b"x")


@given(st.binary(max_size=200))
def test_any_bytes_are_parts_or_refused(data: bytes) -> None:
    for body in (data, b"--x\r\n" + data, b"--x\r\n\r\n\r\n" + data + b"\r\n--x--"):
        try:
            parts = read_parts(body, b"x")
        except BadRequest:
            continue
        assert sum(len(part.payload) for part in parts) <= len(body)


@given(st.binary(max_size=200).filter(lambda data: b"--x" not in data))
def test_a_payload_comes_back_as_it_was(data: bytes) -> None:
    (part,) = read_parts(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + data + b"\r\n--x--", b"x")
    assert part.payload == data
