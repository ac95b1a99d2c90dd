"""Pseudonyms: their exact form, equality, keys and their rotation (scrubbing.md 15.3)."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from hashlib import sha256
from typing import Any

import pytest

from scrubjay.core.scrub.builtin_rules import BUILTIN_RULES
from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.core.scrub.pseudonyms import (
    USUAL_FORM,
    Form,
    Keyring,
    identify,
    occasion,
    pseudonymiser,
    read_keys,
    utc_day,
)
from scrubjay.errors import ConfigError, Unscrubbable
from scrubjay.settings.scrub import Scrub
from scrubjay.settings.setting import Secret

RAW = bytes(range(100, 132))
OTHER_RAW = bytes(range(200, 232))
KEYED = Scrub(pseudonym_key=Secret(f"k1:{RAW.hex()}"))
PEOPLE = {
    "$user.id": ["@anything:pseudonym"],
    "$user.email": ["@email:pseudonym"],
    "$user.ip_address": ["@ip:pseudonym"],
}


def expected(family: bytes, value: bytes, *, scope: bytes = b"", key: bytes = RAW, length: int = 16) -> str:
    """The specification's formula, written down once more."""
    digest = hmac.new(key, family + b"\0" + scope + b"\0" + value, sha256).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()[:length]


def program(config: dict[str, Any], options: Scrub = KEYED) -> ScrubProgram:
    return compile_program(pii_config=config, settings=None, options=options)


def scrub(one: ScrubProgram, document: object) -> Any:
    return json.loads(scrub_document(one, json.dumps(document).encode(), "event") or json.dumps(document))


def keyring(options: Scrub = KEYED) -> Keyring:
    keys = read_keys(options)
    assert keys is not None
    return keys


def rotating(since: str = "2026-12-01") -> Scrub:
    return Scrub(
        pseudonym_key=Secret(f"old:{RAW.hex()}"),
        pseudonym_key_next=Secret(f"new:{OTHER_RAW.hex()}"),
        pseudonym_key_since=since,
    )


# Names


def test_people_can_still_be_told_apart() -> None:
    """Two events of one user give one user, whatever the spelling of the address, and another user is another."""
    one = program({"applications": PEOPLE})
    first = scrub(one, {"user": {"id": "4711", "email": "Ana@Lab.example", "ip_address": "2001:db8::1"}})["user"]
    again = scrub(one, {"user": {"id": 4711, "email": "ana@lab.example", "ip_address": "2001:DB8::1"}})["user"]
    other = scrub(one, {"user": {"id": "4712", "email": "bob@lab.example", "ip_address": "2001:db8::2"}})["user"]
    assert (first["id"], first["email"]) == (again["id"], again["email"])
    assert not {*first.values()} & {*other.values()}
    assert first["id"] == expected(b"anything", b"4711")
    assert first["email"] == expected(b"email", b"ana@lab.example")


def test_a_remark_says_so() -> None:
    got = scrub(program({"applications": PEOPLE}), {"user": {"id": "4711"}})
    assert got["_meta"] == {"user": {"id": {"": {"rem": [["@anything:pseudonym", "p", 0, 16]], "len": 4}}}}


@pytest.mark.parametrize(
    ("family", "match", "normal"),
    [
        ("email", "Ana@LAB.example", "ana@lab.example"),
        ("ip", "2001:0DB8:0::1", "2001:db8::1"),
        ("ip", "::ffff:192.0.2.1", "192.0.2.1"),
        ("ip", "192.0.2.999", "192.0.2.999"),
        ("ip_strict", "FE80::1%eth0", "fe80::1%eth0"),
        ("creditcard", "4242 4242-4242 4242", "4242424242424242"),
        ("card", "4242-4242", "42424242"),
        ("iban", "de89 3704 0044", "DE8937040044"),
        ("phone", "+49 (30) 1234-5", "4930" + "12345"),
        ("uuid", "ABC-def", "ABC-def"),
        ("anything", "Ana ", "Ana "),
    ],
)
def test_what_is_the_same_value(family: str, match: str, normal: str) -> None:
    name = pseudonymiser(keyring(), USUAL_FORM, family)
    assert name(match.encode()).decode() == expected(family.encode(), normal.encode())


def test_a_rule_says_how_they_look() -> None:
    form = {"method": "pseudonym", "prefix": "u_{key}_", "length": 52}
    rules = {"staff": {"type": "pattern", "pattern": "S-[0-9]+", "redaction": form}}
    got = scrub(program({"rules": rules, "applications": {"$string": ["staff"]}}), {"extra": {"a": "by S-77"}})
    assert got["extra"]["a"] == "by u_k1_" + expected(b"staff", b"S-77", length=52)


def test_each_family_has_them() -> None:
    families = {rule_id for rule_id, rule in BUILTIN_RULES.items() if ":" not in rule_id and rule.hide_inner}
    assert "@email" in families
    for family in families:
        assert BUILTIN_RULES[f"{family}:pseudonym"].redaction.method == "pseudonym"


def test_equal_values_of_different_families_are_not_linked() -> None:
    keys = keyring()
    assert pseudonymiser(keys, USUAL_FORM, "email")(b"x") != pseudonymiser(keys, USUAL_FORM, "anything")(b"x")


@pytest.mark.parametrize(
    ("value", "family", "normal"),
    [
        ("Ana@lab.example", "email", "ana@lab.example"),
        ("2001:DB8::1", "ip", "2001:db8::1"),
        ("4711", "anything", "4711"),
    ],
)
def test_ids_of_unknown_kind_get_the_name_that_rules_would_give(value: str, family: str, normal: str) -> None:
    assert identify(keyring(), value) == expected(family.encode(), normal.encode())


def test_they_are_no_longer_than_asked() -> None:
    assert len(pseudonymiser(keyring(), Form(length=10), "uuid")(b"x")) == 10


def test_hashes_can_be_keyed() -> None:
    """scrubbing-73: gap G16"""
    config = {"applications": {"$user.id": ["@anything:hash"]}}
    open_gap = scrub(program(config), {"user": {"id": "4711"}})["user"]["id"]
    closed = scrub(
        program(config, Scrub(pseudonym_key=KEYED.pseudonym_key, hash_is_keyed=True)), {"user": {"id": "4711"}}
    )
    assert open_gap == hmac.digest(b"", b"4711", "sha1").hex().upper()
    assert closed["user"]["id"] == expected(b"anything", b"4711", length=40)


# Scopes


def test_projects_are_not_linked_in_their_scope() -> None:
    name = pseudonymiser(keyring(), Form(scope="project"), "email")
    with occasion(7, "2026-11-22"):
        seven = name(b"a@b.co")
    with occasion(8, "2026-11-22"):
        eight = name(b"a@b.co")
    assert seven.decode() == expected(b"email", b"a@b.co", scope=b"7")
    assert eight.decode() == expected(b"email", b"a@b.co", scope=b"8")


def test_days_are_not_linked_in_theirs() -> None:
    name = pseudonymiser(keyring(), Form(scope="day"), "email")
    with occasion(7, utc_day(1_795_305_599.9)):
        assert name(b"a@b.co").decode() == expected(b"email", b"a@b.co", scope=b"2026-11-21")
    with occasion(8, utc_day(1_795_305_600.0)):
        assert name(b"a@b.co").decode() == expected(b"email", b"a@b.co", scope=b"2026-11-22")


def test_what_is_scrubbed_in_a_thread_is_of_the_same_project() -> None:
    name = pseudonymiser(keyring(), Form(scope="project"), "email")

    async def in_thread() -> bytes:
        with occasion(7, "2026-11-22"):
            return await asyncio.to_thread(name, b"a@b.co")

    assert asyncio.run(in_thread()).decode() == expected(b"email", b"a@b.co", scope=b"7")


@pytest.mark.parametrize("form", [Form(scope="project"), Form(scope="day")])
def test_without_a_project_there_is_no_name_rather_than_a_wrong_one(form: Form) -> None:
    with occasion(1, "2026-11-22"):
        pass
    with pytest.raises(Unscrubbable):
        pseudonymiser(keyring(), form, "email")(b"a@b.co")


# Keys


@pytest.mark.parametrize(
    "text",
    [
        RAW.hex(),
        RAW.hex().upper(),
        base64.b64encode(RAW).decode(),
        base64.b64encode(RAW).decode().rstrip("="),
        base64.urlsafe_b64encode(RAW).decode(),
        f" {RAW.hex()}\n",
        f"2026-a:{RAW.hex()}",
    ],
)
def test_spellings_of_a_key(text: str) -> None:
    key = keyring(Scrub(pseudonym_key=Secret(text))).current
    assert key.secret == RAW
    assert key.id == ("2026-a" if ":" in text else keyring(Scrub(pseudonym_key=Secret(RAW.hex()))).current.id)


def test_the_key_is_not_shown() -> None:
    keys = keyring()
    assert RAW.hex() not in repr(keys)
    assert repr(RAW)[2:-1] not in repr(keys)
    assert "k1" in repr(keys)


@pytest.mark.parametrize(
    ("options", "path"),
    [
        (Scrub(pseudonym_key=Secret("")), "scrub.pseudonym_key"),
        (Scrub(pseudonym_key=Secret("ab" * 31)), "scrub.pseudonym_key"),
        (Scrub(pseudonym_key=Secret("!" * 43)), "scrub.pseudonym_key"),
        (Scrub(pseudonym_key=Secret("ä" * 32)), "scrub.pseudonym_key"),
        (Scrub(pseudonym_key=Secret("00" * 32)), "scrub.pseudonym_key"),
        (Scrub(pseudonym_key=Secret(f"a b:{RAW.hex()}")), "scrub.pseudonym_key"),
        (Scrub(pseudonym_key=Secret(f":{RAW.hex()}")), "scrub.pseudonym_key"),
        (Scrub(pseudonym_key_next=Secret(RAW.hex()), pseudonym_key_since="2026-12-01"), "scrub.pseudonym_key_next"),
        (Scrub(pseudonym_key=KEYED.pseudonym_key, pseudonym_key_next=Secret(RAW.hex())), "scrub.pseudonym_key_next"),
        (Scrub(pseudonym_key=KEYED.pseudonym_key, pseudonym_key_since="2026-12-01"), "scrub.pseudonym_key_next"),
        (
            Scrub(
                pseudonym_key=KEYED.pseudonym_key,
                pseudonym_key_next=Secret(f"k1:{OTHER_RAW.hex()}"),
                pseudonym_key_since="2026-12-01",
            ),
            "scrub.pseudonym_key_next",
        ),
        (rotating("1.12.2026"), "scrub.pseudonym_key_since"),
    ],
)
def test_what_is_no_key_is_refused_and_not_repeated(options: Scrub, path: str) -> None:
    with pytest.raises(ConfigError) as refused:
        compile_program(pii_config=None, settings=None, options=options)
    assert refused.value.path == path
    for secret in (options.pseudonym_key, options.pseudonym_key_next):
        assert secret is None or not secret.reveal() or secret.reveal() not in str(refused.value)


@pytest.mark.parametrize("profile", ["strict", "parity"])
@pytest.mark.parametrize(
    ("config", "keyed"),
    [
        ({"applications": {"$user.id": ["@anything:pseudonym"]}}, False),
        ({"applications": {"$user.id": ["@anything:hash"]}}, True),
        (
            {
                "rules": {"a": {"type": "email", "redaction": {"method": "pseudonym"}}},
                "applications": {"$string": ["a"]},
            },
            False,
        ),
    ],
)
def test_without_a_key_there_is_no_plan(profile: Any, config: dict[str, Any], keyed: bool) -> None:
    with pytest.raises(ConfigError, match="need a key"):
        program(config, Scrub(profile=profile, hash_is_keyed=keyed))


def test_a_rule_that_nothing_uses_is_refused_in_strict_too() -> None:
    with pytest.raises(ConfigError, match="need a key"):
        program({"rules": {"a": {"type": "email", "redaction": {"method": "pseudonym"}}}}, Scrub())


def test_the_next_key_takes_over_on_its_day() -> None:
    keys = keyring(rotating())
    name = pseudonymiser(keys, Form(prefix="{key}."), "email")
    with occasion(1, "2026-11-30"):
        assert name(b"a@b.co").decode() == "old." + expected(b"email", b"a@b.co")
    with occasion(1, "2026-12-01"):
        assert name(b"a@b.co").decode() == "new." + expected(b"email", b"a@b.co", key=OTHER_RAW)
    assert (keys.on("2026-11-30").id, keys.on("2027-01-01").id) == ("old", "new")
    with pytest.raises(Unscrubbable):
        name(b"a@b.co")
