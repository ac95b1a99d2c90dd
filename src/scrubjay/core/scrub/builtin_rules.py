"""The built-in rules, by id (scrubbing.md 4, 15.4)."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from scrubjay.core.scrub.families import BUNDLES, FAMILIES
from scrubjay.core.scrub.redact import Redaction
from scrubjay.core.scrub.rule_spec import RuleSpec
from scrubjay.settings.gaps import Gap

_VARIANTS = ("replace", "mask", "hash", "pseudonym", "remove", "filter")
# Family: rule type, variant that the bare id stands for, text of `:replace`, whether `:filter` exists.
_FAMILIES = {
    "anything": ("anything", "replace", "[Filtered]", True),
    "bearer": ("bearer", "replace", "Bearer [token]", True),
    "ip": ("ip", "replace", "[ip]", False),
    "imei": ("imei", "replace", "[imei]", False),
    "mac": ("mac", "mask", "[mac]", False),
    "uuid": ("uuid", "mask", "[uuid]", False),
    "email": ("email", "replace", "[email]", False),
    "iban": ("iban", "replace", "[iban]", True),
    "creditcard": ("creditcard", "replace", "[creditcard]", True),
    "pemkey": ("pemkey", "replace", "[pemkey]", True),
    "urlauth": ("url_auth", "replace", "[auth]", False),
    "usssn": ("us_ssn", "mask", "[us-ssn]", True),
    "userpath": ("userpath", "replace", "[user]", False),
    "password": ("password", "remove", "[password]", True),
}
_COMMON = ("iban", "ip", "email", "creditcard", "pemkey", "urlauth", "userpath", "bearer", "password", "usssn")
COMMON_FILTER = (
    "@creditcard:filter", "@iban:filter", "@pemkey:filter", "@urlauth:legacy", "@userpath:filter", "@bearer:filter",
    "@password:filter", "@usssn:filter",
)  # fmt: skip
FAMILIES_BY_TYPE: Final = {kind: family for family, (kind, *_) in _FAMILIES.items()} | {
    kind: detectors[0].family for kind, detectors in FAMILIES.items()
}
"""Name of the family that the rules of a type belong to, built in or not."""


def _family(family: str, kind: str, bare: str, text: str, *, has_filter: bool) -> dict[str, RuleSpec]:
    rules = {f"@{family}": RuleSpec("alias", members=(f"@{family}:{bare}",), hide_inner=True)}
    for variant in _VARIANTS:
        if variant != "filter" or has_filter:
            redaction = Redaction("replace") if variant == "filter" else Redaction(variant, text)
            rules[f"@{family}:{variant}"] = RuleSpec(kind, redaction)
    return rules


def _builtin_rules() -> dict[str, RuleSpec]:
    rules: dict[str, RuleSpec] = {}
    for family, (kind, bare, text, has_filter) in _FAMILIES.items():
        rules |= _family(family, kind, bare, text, has_filter=has_filter)
    # The reference's own slip, kept for parity (gap G13).
    rules["@imei:mask"] = RuleSpec("imei", Redaction("hash"))
    rules["@urlauth:legacy"] = RuleSpec("url_password", Redaction("replace"))
    rules["@cookies:filter"] = RuleSpec("cookies", Redaction("replace"))
    rules["@common"] = RuleSpec("multiple", members=tuple(f"@{family}" for family in _COMMON))
    # It names `@userpath:filter`, which does not exist (gap G3).
    rules["@common:filter"] = RuleSpec("multiple", members=COMMON_FILTER)
    return rules


BUILTIN_RULES = _builtin_rules()
"""Those of the reference."""


def _further_rules() -> dict[str, RuleSpec]:
    rules: dict[str, RuleSpec] = {}
    for kind, detectors in FAMILIES.items():
        rules |= _family(kind, kind, "replace", detectors[0].replacement, has_filter=True)
    return rules | {bundle: RuleSpec("multiple", members=members) for bundle, members in BUNDLES.items()}


FURTHER_RULES: Final[Mapping[str, RuleSpec]] = _further_rules()
"""Those beyond the reference, which profile `parity` does not know."""
_CLOSED: Final[Mapping[Gap, Mapping[str, RuleSpec]]] = {
    "userpath": {"@userpath:filter": RuleSpec("userpath", Redaction("replace"))},
    "imei": {"@imei:mask": RuleSpec("imei", Redaction("mask"))},
}


def builtin_rules(closed: AbstractSet[Gap], *, further: bool) -> Mapping[str, RuleSpec]:
    """The built-in rules where these gaps are closed. `further`: with those beyond the reference."""
    rules = {**BUILTIN_RULES, **FURTHER_RULES} if further else dict(BUILTIN_RULES)
    for gap, amended in _CLOSED.items():
        if gap in closed:
            rules.update(amended)
    return rules
