"""Rule families beyond the reference, and the bundles of them (scrubbing.md 15.4).

Follows from the registry of detectors: a family is a rule type, and `@family` with its variants are rules. Profile `parity` knows
none of them, as the reference does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from scrubjay.core.scrub.detector import Detector
from scrubjay.core.scrub.detectors import DETECTORS, entropy, network


def _families() -> dict[str, tuple[Detector, ...]]:
    out: dict[str, tuple[Detector, ...]] = {}
    for detector in DETECTORS.values():
        if detector.family:
            out[detector.family] = (*out.get(detector.family, ()), detector)
        if detector.country:
            out[detector.name] = (detector,)
    return out


FAMILIES: Final[Mapping[str, tuple[Detector, ...]]] = _families()
"""Detectors by rule type, each a step; a detector for one country is a family of its own, too."""

SWITCHES: Final[Mapping[str, tuple[str, ...]]] = {
    "ip_strict": ("keepPrivate", "keepLoopback", "truncate"),
    "secret_entropy": ("hashes",),
}
"""Switches of rule types, off unless a rule sets them."""
_WITH_SWITCHES: Final[Mapping[str, Callable[[AbstractSet[str]], Detector]]] = {
    "ip_strict": network.with_switches,
    "secret_entropy": entropy.with_switches,
}


def with_switches(kind: str, switches: AbstractSet[str]) -> Detector:
    """The one detector of a rule type that has switches, with some of them on."""
    return _WITH_SWITCHES[kind](switches)


BUNDLES: Final[Mapping[str, tuple[str, ...]]] = {
    "@secrets": (
        "@jwt", "@aws_key", "@google_key", "@azure_key", "@github_token", "@gitlab_token", "@slack_token", "@stripe_key", "@npm_token",
        "@pypi_token", "@sendgrid_key", "@openai_key", "@sentry_token", "@private_key", "@connection_string", "@basic_auth",
        "@secret_entropy", "@wallet_seed",
    ),
    "@pci": ("@card",),
    "@gdpr": ("@email", "@ip_strict", "@phone", "@iban_strict", "@national_id", "@passport", "@userpath"),
    "@hipaa": ("@gdpr", "@licence"),
}  # fmt: skip
"""Rules that stand for others, which leave their own names in remarks."""
