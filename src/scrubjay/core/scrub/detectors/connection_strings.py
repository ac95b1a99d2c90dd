"""Passwords in connection strings and URLs, whatever characters they have (scrubbing.md 15.4, gap G6)."""

from __future__ import annotations

from typing import Final

from scrubjay.core.scrub.detector import SPACE, Detector

_NAMES: Final = "password|passwd|pwd|accountkey|sharedaccesskey|sharedsecret"
_QUOTES: Final = r"\"'<>"


def is_no_placeholder(text: bytes) -> bool:
    """What other rules wrote, and what a template has in place of the value, is no secret; nor is the variable for a folder."""
    if text.startswith(b"/"):
        return text.endswith(b"=")  # a key in base64
    return not (text.startswith((b"[", b"{", b"$", b"%", b"<")) or text.strip(b"*") == b"")


CONNECTION_STRING = Detector(
    name="connection_string",
    family="connection_string",
    replacement="[secret]",
    takes="the password of `scheme://user:password@`, and of `Password=`, `Pwd=`, `AccountKey=`, `SharedAccessKey=` up to `;`",
    verifies="not a placeholder",
    screen=(r":\\*/\\*/[^/?#\s\"]*:[^/?#\s\"]*@", *_NAMES.split("|")),
    pattern=(
        rf"(?i)[a-z][a-z0-9+.-]*://[^:@/?#{_QUOTES}{SPACE}\x00]*:([^/?#{_QUOTES}{SPACE}\x00]+)@"
        rf"|\b(?:{_NAMES})[ ]?=[ ]?(?:([^;&{_QUOTES}{SPACE}\x00]+)|[\"']([^\"'\x00]+)[\"'])"
    ),
    groups=(1, 2, 3),
    check=is_no_placeholder,
    examples=(
        "postgres://svc:p!w_1@pg:5432/x",
        "HTTPS://u:p@h",
        "redis://:s3cret@cache:6379/0",
        "mongodb+srv://a:b@c@h1,h2/db",
        "Server=db;User Id=sa;Password=p@ss w0rd;Encrypt=true",
        "AccountName=x;AccountKey=" + "aB3x" * 8 + "==;EndpointSuffix=y",
        "AccountKey=//" + "aB3x" * 8 + "==;EndpointSuffix=y",
        "pwd = 'a;b'",
    ),
    counterexamples=(
        "https://host:8080/path@v2",
        "https://user@host/",
        "postgres://svc:[Filtered]@pg",
        "password=;x",
        "PWD=/usr/src/app",
        "mailto:a@b.example",
        "Password=${DB_PASSWORD};",
        "https://u:********@h",
        "spwd=x",
    ),
)
