"""The built-in rules (scrubbing.md 4)."""

from __future__ import annotations

import pytest

from scrubjay.core.scrub.builtin_rules import BUILTIN_RULES


def test_every_member_exists_but_the_one_that_never_did() -> None:
    missing = {member for rule in BUILTIN_RULES.values() for member in rule.members if member not in BUILTIN_RULES}
    assert missing == {"@userpath:filter"}


@pytest.mark.parametrize(
    ("rule", "method", "text"),
    [
        ("@ip:replace", "replace", "[ip]"),
        ("@imei:mask", "hash", "[Filtered]"),
        ("@bearer:replace", "replace", "Bearer [token]"),
        ("@usssn:filter", "replace", "[Filtered]"),
        ("@cookies:filter", "replace", "[Filtered]"),
    ],
)
def test_redactions(rule: str, method: str, text: str) -> None:
    assert BUILTIN_RULES[rule].redaction.method == method
    assert method != "replace" or BUILTIN_RULES[rule].redaction.text == text


def test_bare_families_stand_for_one_variant() -> None:
    assert BUILTIN_RULES["@mac"].members == ("@mac:mask",)
    assert BUILTIN_RULES["@mac"].hide_inner
    assert "@ip:filter" not in BUILTIN_RULES
    assert "@cookies" not in BUILTIN_RULES
