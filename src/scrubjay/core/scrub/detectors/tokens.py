"""Tokens that their issuers marked with a prefix: code hosts, package registries, services (scrubbing.md 15.4).

Examples are put together from pieces, so that nobody who searches sources for leaked tokens stops at them.
"""

from __future__ import annotations

import zlib
from typing import Final

from scrubjay.core.scrub.detector import RAW_SLASH, Detector

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK_LENGTH: Final = 6
_WITH_CHECK: Final = 36
_ANY30: Final = "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"


def is_github_token(text: bytes) -> bool:
    """The short forms end in the CRC-32 of their random part, in base 62."""
    random = text.partition(b"_")[2]
    if text.startswith(b"github") or len(random) != _WITH_CHECK:
        return True
    checksum = zlib.crc32(random[:-_CHECK_LENGTH])
    digits = ""
    for _ in range(_CHECK_LENGTH):
        checksum, digit = divmod(checksum, len(_BASE62))
        digits = _BASE62[digit] + digits
    return random[-_CHECK_LENGTH:].decode() == digits


GITHUB_TOKEN = Detector(
    name="github_token",
    family="github_token",
    replacement="[github-token]",
    takes="`ghp_`, `gho_`, `ghu_`, `ghs_`, `ghr_` and 36 characters, `github_pat_` and 82",
    verifies="CRC-32 of the forms with 36 characters",
    screen=(r"gh[oprsu]_[0-9A-Za-z]{36}", r"github_pat_[0-9A-Za-z_]{22}"),
    exact_case=True,
    pattern=r"\b(?:gh[oprsu]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59})\b",
    check=is_github_token,
    examples=(
        "ghp" + f"_{_ANY30}0mLq17",
        "x-access-token:ghp" + f"_{_ANY30}0mLq17@host",
        "github" + "_pat_" + "A1" * 11 + "_" + "b2C" * 19 + "dE",
    ),
    counterexamples=("ghp" + f"_{_ANY30}0mLq18", "ghp_short", "ghx" + f"_{_ANY30}0mLq17", "github_pat_" + "A1" * 11),
)

GITLAB_TOKEN = Detector(
    name="gitlab_token",
    family="gitlab_token",
    replacement="[token]",
    takes="`glpat-` and its sisters for deployments, runners, triggers, jobs, feeds, agents and mail",
    screen=(r"gl(?:pat|dt|rt|rtr|ptt|cbt|ft|soat|agent|imt|oas|ffct)-[0-9A-Za-z_.-]{20}", "GR1348941[0-9A-Za-z_-]{20}"),
    exact_case=True,
    pattern=(
        r"\b(?:gl(?:pat|dt|rt|rtr|ptt|cbt|ft|soat|agent|imt|oas|ffct)-[0-9A-Za-z_-]{20,}(?:\.[0-9A-Za-z_-]+)*|GR1348941[0-9A-Za-z_-]{20})"
    ),
    examples=("glpat-" + "aB3_" * 5, "gldt-" + "aB3-" * 5, "glcbt-64_" + "aB3x" * 5, "GR1348941" + "aB3_" * 5),
    counterexamples=("glpat-short", "xglpat-" + "aB3_" * 5, "GLPAT-" + "aB3_" * 5),
)

SLACK_TOKEN = Detector(
    name="slack_token",
    family="slack_token",
    replacement="[token]",
    takes="`xoxb-`, `xoxp-`, `xoxa-`, `xoxr-`, `xoxs-`, `xoxe.`, `xapp-` tokens, and the path of an incoming hook",
    screen=(
        r"xox[abeoprs][-.][0-9A-Za-z-]{10}",
        r"xapp-[0-9]-[0-9A-Z]",
        rf"hooks\.slack\.com{RAW_SLASH}(?:services|workflows|triggers){RAW_SLASH}[0-9A-Z]",
    ),
    exact_case=True,
    pattern=(
        r"\b(xox[abeoprs](?:\.xox[bp])?-[0-9A-Za-z-]{10,}|xapp-[0-9]-[0-9A-Z]+-[0-9]+-[0-9a-zA-Z]+)"
        r"|hooks\.slack\.com/(?:services|workflows|triggers)/([0-9A-Z][0-9A-Za-z]+(?:/[0-9A-Za-z]+){1,3})"
    ),
    groups=(1, 2),
    examples=(
        "xox" + "b-123456789012-1234567890123-" + "aB3x" * 6,
        "xox" + "e.xoxp-1-" + "aB3x" * 6,
        "xapp" + "-1-A1B2C3-1234567890-" + "0f" * 16,
        "https://hooks.slack" + ".com/services/T0001AAAA/B0002BBBB/" + "aB3x" * 6,
    ),
    counterexamples=("xoxb-", "xoxq-123456789012", "https://hooks.slack.com/services", "foxb-123456789012-x"),
)

STRIPE_KEY = Detector(
    name="stripe_key",
    family="stripe_key",
    replacement="[token]",
    takes="secret and restricted keys, live and test (`sk_live_`, `rk_live_`, …), and hook secrets (`whsec_`)",
    screen=(r"[rs]k_(?:live|test|prod)_[0-9A-Za-z]{10}", r"whsec_[0-9A-Za-z+/\\=]{16}"),
    exact_case=True,
    pattern=r"\b(?:[rs]k_(?:live|test|prod)_[0-9A-Za-z]{10,}|whsec_[0-9A-Za-z+/]{16,}={0,2})",
    examples=("sk_live_" + "aB3x" * 6, "rk_live_" + "aB3x" * 6, "key=sk_test_" + "aB3x" * 6, "whsec_" + "aB3x" * 8),
    counterexamples=("pk_live_" + "aB3x" * 6, "sk_live_", "risk_live_x", "task_live_" + "aB3x" * 6),
)

NPM_TOKEN = Detector(
    name="npm_token",
    family="npm_token",
    replacement="[token]",
    takes="`npm_` and 36 characters",
    screen=(r"npm_[0-9A-Za-z]{36}",),
    exact_case=True,
    pattern=r"\bnpm_[0-9A-Za-z]{36}\b",
    examples=("npm_" + "aB3x" * 9, "//registry/:_authToken=npm_" + "aB3x" * 9),
    counterexamples=("npm_config_registry", "npm_" + "aB3x" * 8, "npm_" + "aB3x" * 10),
)

PYPI_TOKEN = Detector(
    name="pypi_token",
    family="pypi_token",
    replacement="[token]",
    takes="`pypi-` and a macaroon for the index or its test instance",
    screen=(r"pypi-Ag[0-9A-Za-z_-]{12}",),
    exact_case=True,
    pattern=r"\bpypi-Ag(?:EIcHlwaS5vcmc|ENdGVzdC5weXBpLm9yZw)[0-9A-Za-z_-]{50,}",
    examples=("pypi-AgEIcHlwaS5vcmc" + "aB3x_" * 12, "pypi-AgENdGVzdC5weXBpLm9yZw" + "aB3-" * 16),
    counterexamples=("pypi-", "pypi-AgEIcHlwaS5vcmc", "pypi-" + "aB3x_" * 15),
)

SENDGRID_KEY = Detector(
    name="sendgrid_key",
    family="sendgrid_key",
    replacement="[token]",
    takes="`SG.`, 22 characters, a dot, 43 characters",
    screen=(r"SG\.[0-9A-Za-z_-]{16}",),
    exact_case=True,
    pattern=r"\bSG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}",
    examples=("SG." + "aB3x_z" * 3 + "aB3x." + "aB3x-z" * 7 + "q",),
    counterexamples=("SG.short.key", "MSG." + "aB3x_z" * 3 + "aB3x." + "aB3x-z" * 7 + "q"),
)

OPENAI_KEY = Detector(
    name="openai_key",
    family="openai_key",
    replacement="[token]",
    takes="`sk-`, `sk-proj-`, `sk-svcacct-`, `sk-admin-` keys with the issuer's mark inside, and the older form of 48 characters",
    screen=(r"sk-[0-9A-Za-z_-]{20}",),
    exact_case=True,
    pattern=(
        r"\bsk-(?:(?:proj|svcacct|admin|None)-)?(?:[0-9A-Za-z_-]{20,}T3BlbkFJ[0-9A-Za-z_-]{20,}|[0-9A-Za-z]{48}\b)"
    ),
    examples=(
        "sk" + "-" + "aB3x" * 5 + "T3Blbk" + "FJ" + "aB3x" * 5,
        "sk" + "-proj-" + "aB3_" * 18 + "aT3Blbk" + "FJ" + "aB3-" * 18,
        "sk" + "-" + "aB3x" * 12,
    ),
    counterexamples=("sk-learn", "task-" + "aB3x" * 12, "sk-" + "a-b-" * 6),
)

SENTRY_TOKEN = Detector(
    name="sentry_token",
    family="sentry_token",
    replacement="[token]",
    takes="`sntrys_` (organisation), and `sntryu_`, `sntrya_`, `sntryi_` with 64 hex digits",
    screen=(r"sntry(?:s_e[wy]|[aiu]_[0-9a-f]{64})",),
    exact_case=True,
    pattern=r"\bsntry(?:s_e[wy][0-9A-Za-z+/=]{20,}(?:_[0-9A-Za-z+/]{20,}={0,2})?|[aiu]_[0-9a-f]{64}\b)",
    examples=("sntrys_eyJpYXQiOjE3MDAwMDAwMDAuMH0" + "aB3x" * 5 + "_" + "aB3/" * 11, "sntryu_" + "0f" * 32),
    counterexamples=("sntrys_", "sntryu_" + "0f" * 31, "sentry_key"),
)
