"""Keys of cloud providers: Amazon, Google, Microsoft (scrubbing.md 15.4).

Half of a key pair has no prefix: it counts beside a word that tells. Examples are put together from pieces, as in `tokens.py`.
"""

from __future__ import annotations

from typing import Final

from scrubjay.core.scrub.detector import SPACE, Beside, Detector
from scrubjay.core.scrub.detectors.randomness import looks_random

_SECRET_LENGTH: Final = 40
_BASE64_40: Final = r"[0-9A-Za-z+/]{40}"
_EXAMPLE: Final = "wJalrXUtnFEMI/K7MDENG/bPx" + "RfiCYEXAMPLEKEY"


def is_aws_key(text: bytes) -> bool:
    """Ids tell by their prefix; a secret has to look random."""
    return len(text) != _SECRET_LENGTH or looks_random(text)


AWS_KEY = Detector(
    name="aws_key",
    family="aws_key",
    replacement="[aws-key]",
    takes="access key ids (`AKIA`, `ASIA`, … and 16 characters), and 40 base64 characters beside a word such as `aws_secret_access_key`",
    verifies="prefix; entropy of the secret",
    screen=(r"A(?:KIA|SIA|BIA|CCA|ROA|IDA|GPA|IPA|NPA|NVA|PKA|SCA|3T[0-9A-Z])[0-9A-Z]{16}", r"(?i)aws|(?i)secret"),
    exact_case=True,
    pattern=(
        r"\b(A(?:KIA|SIA|BIA|CCA|ROA|IDA|GPA|IPA|NPA|NVA|PKA|SCA|3T[0-9A-Z])[0-9A-Z]{16})\b"
        rf"|(?i:aws|secret)[0-9A-Za-z_ .-]{{0,40}}[\"'\\]{{0,3}}[{SPACE}]{{0,3}}(?:[:=]|=>|,)[{SPACE}]{{0,3}}[\"'\\]{{0,3}}({_BASE64_40})\b"
    ),
    groups=(1, 2),
    check=is_aws_key,
    beside=Beside(
        key=r"(?i)aws.*(?:secret|key)|secret[ _-]?(?:access[ _-]?)?key",
        pattern=rf"^[{SPACE}]*({_BASE64_40})[{SPACE}]*$",
        examples=(("aws_secret_access_key", _EXAMPLE), ("SecretAccessKey", _EXAMPLE)),
        counterexamples=(("commit", "0f" * 20), ("aws_secret_key", "a" * 40), ("aws_key_name", "production")),
    ),
    examples=(
        "AKI" + "AIOSFODNN7EXAMPLE",
        "id=ASI" + "AIOSFODNN7EXAMPLE;",
        f"aws_secret_access_key = {_EXAMPLE}",
        f'"SecretKey": "{_EXAMPLE}"',
    ),
    counterexamples=("AKIAIOSFODNN7EXAMPL", "xAKI" + "AIOSFODNN7EXAMPLE", _EXAMPLE, "sha1 " + "0f" * 20),
)

GOOGLE_KEY = Detector(
    name="google_key",
    family="google_key",
    replacement="[token]",
    takes=(
        "API keys (`AIza` and 35 characters), client secrets (`GOCSPX-`), access and refresh tokens (`ya29.`, `1//0`), "
        "ids of service account keys"
    ),
    screen=(
        r"AIza[0-9A-Za-z_-]{35}",
        r"GOCSPX-[0-9A-Za-z_-]{28}",
        r"ya29\.[0-9A-Za-z_-]{20}",
        r"1\\*/\\*/0[0-9A-Za-z_-]{20}",
        "private_key_id",
    ),
    exact_case=True,
    pattern=(
        r"\b(AIza[0-9A-Za-z_-]{35}|GOCSPX-[0-9A-Za-z_-]{28}|ya29\.[0-9A-Za-z_.-]{20,}|1//0[0-9A-Za-z_-]{20,})"
        r"|private_key_id[\"'\\]{0,3} ?: ?[\"'\\]{0,3}([0-9a-f]{40})\b"
    ),
    groups=(1, 2),
    beside=Beside(
        key=r"^private_key_id$",
        pattern=r"^([0-9a-f]{40})$",
        examples=(("private_key_id", "0f" * 20),),
        counterexamples=(("key_id", "0f" * 20), ("private_key_id", "none")),
    ),
    examples=(
        "AIz" + "aSy" + "aB3x_" * 6 + "aB3",
        "GOCS" + "PX-" + "aB3x" * 7,
        "ya2" + "9.a0" + "aB3x" * 9,
        "1/" + "/0g" + "aB3x" * 9,
        '"private_key_id": "' + "0f" * 20 + '"',
    ),
    counterexamples=("AIza", "ya29", "1//0", "https://h:1//0", "private_key_id"),
)

AZURE_KEY = Detector(
    name="azure_key",
    family="azure_key",
    replacement="[token]",
    takes="storage keys of 88 base64 characters, client secrets with `Q~` inside, signatures of shared access (`sig=`)",
    screen=(r"[0-9A-Za-z]Q~[0-9A-Za-z_~.-]{31}", r"\+AS[a-zA-Z]|AzF[uU]|ACDb", r"sig=[0-9A-Za-z%+/\\_-]{40}"),
    exact_case=True,
    pattern=(
        r"\b([0-9A-Za-z_~.-]{3}[0-9]Q~[0-9A-Za-z_~.-]{31,34})"
        r"|\b([0-9A-Za-z+/]{76}\+ASt[0-9A-Za-z+/]{6}==|[0-9A-Za-z+/]{33}(?:AzFu|ACDb)[0-9A-Za-z+/]{5,6}=)"
        r"|[?&]sig=([0-9A-Za-z%+/_-]{40,}(?:={0,2}))"
    ),
    groups=(1, 2, 3),
    examples=(
        "abc8" + "Q~" + "aB3x" * 8,
        "aB3x" * 19 + "+AS" + "t" + "aB3xyz==",
        "https://h/c?sv=2024-05-04&sig=" + "aB3x" * 10 + "%3D",
    ),
    counterexamples=("Q~short", "aB3x" * 22, "?sig=short", "?sign=" + "aB3x" * 10),
)
