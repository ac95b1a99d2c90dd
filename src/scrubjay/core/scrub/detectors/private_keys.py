"""Private keys: PEM blocks, PGP blocks, PuTTY files, also with line breaks written as two letters (scrubbing.md 15.4)."""

from __future__ import annotations

import re
from typing import Final

from scrubjay.core.scrub.detector import Detector

# What a body has and what another rule wrote in its place has not.
_BASE64_RUN: Final = re.compile(rb"[0-9A-Za-z+/]{16}")
_LABEL: Final = r"[0-9A-Za-z _]{0,40}PRIVATE KEY(?: BLOCK)?-----"


def has_key(text: bytes) -> bool:
    return _BASE64_RUN.search(text) is not None


PRIVATE_KEY = Detector(
    name="private_key",
    family="private_key",
    replacement="[private-key]",
    takes=(
        "what stands in a PEM block with `PRIVATE KEY` in its label, in a PGP "
        "block, or in the private lines of a PuTTY file; cut-off ones to the end"
    ),
    verifies="holds base64",
    screen=(r"PRIVATE KEY", r"Private-Lines"),
    exact_case=True,
    pattern=(
        rf"(?s)-----BEGIN {_LABEL}([^\x00]+?)(?:-----END|\z)"
        r"|Private-Lines: ?[0-9]+([^\x00]+?)(?:Private-MAC|\z)"
    ),
    groups=(1, 2),
    check=has_key,
    examples=(
        "-----BEGIN RSA PRIVATE KEY-----\n" + "aB3x" * 8 + "\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN X25519 PRIVATE KEY-----\\n" + "aB3x" * 8 + "\\n-----END X25519 PRIVATE KEY-----\\n",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" + "aB3x" * 8 + "\n-----END PGP PRIVATE KEY BLOCK-----",
        "-----BEGIN PRIVATE KEY-----\n" + "aB3x" * 8,
        "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n" + "aB3x" * 8 + "\nPrivate-MAC: 0f",
    ),
    counterexamples=(
        "-----BEGIN CERTIFICATE-----\n" + "aB3x" * 8 + "\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\n" + "aB3x" * 8 + "\n-----END PUBLIC KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\n[pemkey]\n-----END RSA PRIVATE KEY-----",
        "no PRIVATE KEY here",
    ),
)
