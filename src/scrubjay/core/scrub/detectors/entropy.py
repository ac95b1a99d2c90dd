"""Secrets without a form of their own: what looks random beside a telling key (scrubbing.md 15.4)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from typing import Final

from scrubjay.core.scrub.detector import SPACE, Beside, Detector
from scrubjay.core.scrub.detectors.randomness import looks_random

_WORDS: Final = (
    r"secret|token|passw(?:or)?d|passphrase|pwd|credential|signature|bearer"
    r"|(?:api|access|account|auth|private|signing|encryption|master|license|service|"
    r"shared|session|storage|webhook)[ _-]?key"
)
_QUOTES: Final = r"[\"'\\]{0,3}"
_VALUE: Final = r"[0-9A-Za-z+/_.~!@#$%^*-]{20,200}={0,2}"

_MOST_SLASHES: Final = 3
_MOST_DOTS: Final = 2


def is_secret(text: bytes, *, hashes: bool = False) -> bool:
    """Addresses, paths and dotted names are random enough, too, but none is a secret."""
    is_name = b"://" in text or text.count(b"/") > _MOST_SLASHES or text.count(b".") > _MOST_DOTS
    return not is_name and looks_random(text, hashes=hashes)


SECRET_ENTROPY = Detector(
    name="secret_entropy",
    family="secret_entropy",
    replacement="[secret]",
    takes="20 to 200 characters without white space below a key such as `api_key`, or after the `=` or `:` of one",
    verifies=(
        "letters and digits, entropy of 3.5 bit and more; not a UUID, not hex of 32, "
        "40 or 64 digits (unless `hashes`), not an address, a path or a dotted name"
    ),
    screen=(
        "secret",
        "token",
        "passw",
        "passphrase",
        "pwd",
        "credential",
        "signature",
        "bearer",
        r"(?:api|access|account|auth|private|signing|encryption|master|license|service|shared|session|storage|webhook)[ +_-]?key",
    ),
    pattern=(
        rf"(?i)(?:{_WORDS})[a-z0-9_-]{{0,24}}{_QUOTES}[{SPACE}]{{0,2}}[:=][{SPACE}]{{0,2}}{_QUOTES}"
        rf"({_VALUE})(?:[^0-9A-Za-z+/_.~!@#$%^*=-]|$)"
    ),
    groups=(1,),
    check=is_secret,
    beside=Beside(
        key=rf"(?i){_WORDS}",
        pattern=rf"^[{SPACE}]*({_VALUE})[{SPACE}]*$",
        examples=(
            ("clientSecret", "aB3xK9mQ2wZ7pL5vT1nR"),
            ("x-api-key", "q8Zk-2mVx7Lw_K2sRb8NcY4d"),
            ("access_key", "7fK2mQ9xW4vB8nL3pT6r"),
        ),
        counterexamples=(
            ("clientSecret", "changeme"),
            ("token_url", "https://login.example.com/oauth2/v1/token"),
            ("secret_id", "6f1d2c3b-4a59-4e6f-8c7d-0123456789ab"),
            ("signature", "0f1e2d3c" * 5),
            ("name", "aB3xK9mQ2wZ7pL5vT1nR"),
            ("tokenizer", "django.contrib.auth.backends.ModelBackend2"),
        ),
    ),
    examples=(
        "api_key=aB3xK9mQ2wZ7pL5vT1nR",
        '{"clientSecret": "aB3xK9mQ2wZ7pL5vT1nR"}',
        "SIGNING_KEY: 'q8Zk2mVx7LwK2sRb8NcY4d=='",
        "x?token=aB3xK9mQ2wZ7pL5vT1nR&y=1",
    ),
    counterexamples=(
        "api_key=short",
        "build aB3xK9mQ2wZ7pL5vT1nR",
        "token: " + "0f1e2d3c" * 5,
        "password=aaaaaaaaaaaaaaaaaaaaaaa1",
        "monkey=aB3xK9mQ2wZ7pL5vT1nR",
        "token_url=https://login.example.com/oauth2/v1/token",
    ),
)


def with_switches(switches: AbstractSet[str]) -> Detector:
    """The detector that takes hex of 32, 40 and 64 digits, too, where `hashes` is on."""
    return replace(SECRET_ENTROPY, check=partial(is_secret, hashes="hashes" in switches))
