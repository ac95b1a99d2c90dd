"""Credentials that tell what they are once decoded: JSON web tokens, and the pairs of basic authentication (scrubbing.md 15.4)."""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from scrubjay.core.scrub.detector import SPACE, Detector
from scrubjay.core.scrub.json_text import decode_any

_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


def _decode(text: bytes) -> bytes:
    """Base64 of either alphabet, padded or not; empty if it is none."""
    padded = text.translate(_URL_SAFE).rstrip(b"=")
    try:
        return base64.b64decode(padded + b"=" * (-len(padded) % 4), validate=True)
    except binascii.Error:
        return b""


def is_jwt(text: bytes) -> bool:
    try:
        header = decode_any(_decode(text.partition(b".")[0]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header


# `{` and what may follow it, a quotation mark or white space, begin so in base64.
_HEADER: Final = "e[wy][0-9A-Za-z_-]{10,}"

JWT = Detector(
    name="jwt",
    family="jwt",
    replacement="[jwt]",
    takes="three base64url parts, five of an encrypted token",
    verifies="the first is a JSON object with `alg`",
    screen=(r"e[wy][0-9A-Za-z_-]{10}",),
    exact_case=True,
    pattern=rf"\b{_HEADER}\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]*(?:\.[0-9A-Za-z_-]+){{0,2}}",
    check=is_jwt,
    examples=(
        "ey" + "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP",
        "token=ey" + "JhbGciOiJub25lIn0.e30.;",
        "ew" + "ogICJhbGciOiAibm9uZSIKfQ.e30.x",
        "ey" + "JhbGciOiJSU0EtT0FFUCJ9.AAAA.BBBB.CCCC.DDDD",
    ),
    counterexamples=(
        "eyJhbGciOiJIUzI1NiJ9",
        "ey" + "JhbCI6IkhTMjU2In0x.e30.x",
        "eyes.of.tigers",
        "xey" + "JhbGciOiJIUzI1NiJ9.e30.x",
        "eyAAAAAAAAAAAA.b.c",
    ),
)


def is_user_and_password(text: bytes) -> bool:
    user, colon, _ = _decode(text).partition(b":")
    return colon != b"" and (not user or (user.isascii() and user.decode().isprintable()))


BASIC_AUTH = Detector(
    name="basic_auth",
    family="basic_auth",
    replacement="Basic [auth]",
    takes="`Basic` and base64, in headers and elsewhere",
    verifies="decodes to a user, a colon and a password",
    screen=(r"basic",),
    pattern=rf"(?i)\bbasic[{SPACE}]+[a-z0-9+/_-]{{4,}}={{0,2}}",
    check=lambda text: is_user_and_password(text.split()[-1]),
    examples=("Basic YW5hOnMzY3JldA==", "authorization: basic dTpw", "Basic OnB3"),
    counterexamples=(
        "Basic information",
        "Basic YW5h",
        "Basic",
        "visualbasic YW5hOnMzY3JldA==",
        "BasicYW5hOnMzY3JldA==",
    ),
)
