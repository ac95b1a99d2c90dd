"""Rule families beyond the reference, their bundles, and who knows them (scrubbing.md 15.4)."""

from __future__ import annotations

from typing import Any

import pytest

from scrubjay.core.scrub.builtin_rules import BUILTIN_RULES, FURTHER_RULES
from scrubjay.core.scrub.families import BUNDLES, FAMILIES
from scrubjay.core.scrub.program import compile_program
from scrubjay.errors import ConfigError
from scrubjay.settings.scrub import Scrub
from support import scrubbing

SPEC = (
    "card iban_strict phone national_id jwt aws_key github_token gitlab_token slack_token stripe_key google_key npm_token pypi_token "
    "sendgrid_key openai_key sentry_token private_key connection_string basic_auth ip_strict secret_entropy passport licence wallet_seed"
)
COUNTRIES = "us gb de fr es it nl pl br in be se fi ca"


def test_the_families_of_the_specification_exist() -> None:
    assert not set(SPEC.split()) - set(FAMILIES)
    assert not {f"national_id_{country}" for country in COUNTRIES.split()} - set(FAMILIES)


@pytest.mark.parametrize("kind", sorted(FAMILIES))
def test_each_family_has_all_variants(kind: str) -> None:
    for variant in ("", ":replace", ":mask", ":hash", ":pseudonym", ":remove", ":filter"):
        assert f"@{kind}{variant}" in FURTHER_RULES
    assert FURTHER_RULES[f"@{kind}"].members == (f"@{kind}:replace",)


def test_nothing_of_the_reference_is_replaced() -> None:
    assert not set(FURTHER_RULES) & set(BUILTIN_RULES)
    assert BUILTIN_RULES["@common"].members[:2] == ("@iban", "@ip")


def test_bundles_stand_for_rules_that_exist() -> None:
    assert set(BUNDLES) == {"@secrets", "@pci", "@gdpr", "@hipaa"}
    for members in BUNDLES.values():
        assert not set(members) - set(BUILTIN_RULES) - set(FURTHER_RULES)


def scrubbed(rules: list[str], text: str, profile: str = "strict", own: Any = None) -> str:
    program = scrubbing.config_program({"applications": {"$string": rules}, "rules": own or {}}, profile)
    return scrubbing.scrub(program, {"extra": {"x": text}})["extra"]["x"]


CARD = "4222222222222"  # too short for the reference
MIXED = f"card {CARD}, id 111222333, call +49 30 1234567"


def test_bundles_leave_the_names_of_their_families() -> None:
    program = scrubbing.config_program({"applications": {"$string": ["@hipaa"]}}, "strict")
    out = scrubbing.scrub(program, {"extra": {"x": "call +49 30 1234567 or a@b.example"}})
    assert out["extra"]["x"] == "call [phone] or [email]"
    assert [remark[0] for remark in out["_meta"]["extra"]["x"][""]["rem"]] == ["@phone", "@email"]


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        (["@pci"], "card [card], id 111222333, call +49 30 1234567"),
        (["@national_id"], f"card {CARD}, id [id], call +49 30 1234567"),
        (["@national_id_de"], MIXED),
        (["@national_id_nl:mask", "@card:filter"], "card [Filtered], id *********, call +49 30 1234567"),
        (["@phone:remove"], f"card {CARD}, id 111222333, call "),
        (["@phone:hash"], f"card {CARD}, id 111222333, call 7C3E5D7A"),
    ],
)
def test_families_and_variants(rules: list[str], left: str) -> None:
    got = scrubbed(rules, MIXED)
    assert (
        got == left
        if ":hash" not in rules[0]
        else got.startswith("card 4222222222222, id 111222333, call ") and len(got) == 79
    )


def test_types_of_families_in_rules_of_ones_own() -> None:
    rules = {"mine": {"type": "national_id_nl", "redaction": {"method": "replace", "text": "#"}}}
    assert scrubbed(["mine"], MIXED, own=rules) == f"card {CARD}, id #, call +49 30 1234567"


def test_parity_knows_none_of_them() -> None:
    """Unknown rules are skipped by the reference, unknown types refused (scrubbing-65)."""
    assert scrubbed(["@pci", "@phone", "@secrets"], MIXED, "parity") == MIXED
    with pytest.raises(ConfigError, match="unknown rule type 'phone'"):
        scrubbing.config_program({"rules": {"p": {"type": "phone"}}}, "parity")


DEFAULT = scrubbing.default_program("strict")


def test_default_rules_of_strict_have_bundles() -> None:
    out = scrubbing.scrub(DEFAULT, {"extra": {"x": MIXED}, "tags": {"c": CARD}})
    assert out["extra"]["x"] == "card [card], id 111222333, call [phone]"
    assert out["tags"] == [["c", "[card]"]]


def test_log_bodies_have_them() -> None:
    log = {"items": [{"body": f"paid with {CARD}", "attributes": {}}]}
    assert scrubbing.scrub(DEFAULT, log, "log_container")["items"][0]["body"] == "paid with [card]"


def test_bundles_are_a_setting() -> None:
    without = compile_program(pii_config=None, settings=scrubbing.SETTINGS, options=Scrub(bundles=()))
    assert scrubbing.scrub(without, {"extra": {"x": MIXED}})["extra"]["x"] == MIXED
    wider = compile_program(pii_config=None, settings=scrubbing.SETTINGS, options=Scrub(bundles=("@national_id_nl",)))
    assert "id [id]" in scrubbing.scrub(wider, {"extra": {"x": MIXED}})["extra"]["x"]
    parity = compile_program(
        pii_config=None, settings=scrubbing.SETTINGS, options=Scrub(profile="parity", bundles=("@card",))
    )
    assert scrubbing.scrub(parity, {"extra": {"x": MIXED}})["extra"]["x"] == MIXED
    with pytest.raises(ConfigError, match="@nobody"):
        compile_program(pii_config=None, settings=scrubbing.SETTINGS, options=Scrub(bundles=("@nobody",)))


def test_bundles_do_not_run_without_the_default_rules() -> None:
    settings = {**scrubbing.SETTINGS, "scrubDefaults": False}
    program = compile_program(pii_config=None, settings=settings, options=Scrub())
    assert scrubbing.scrub(program, {"extra": {"x": MIXED}})["extra"]["x"] == MIXED
