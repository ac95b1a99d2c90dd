"""Bytes of files, overwritten in place (scrubbing.md 12.4)."""

from __future__ import annotations

import random
from typing import Any

import pytest

from scrubjay.core.scrub.binary import overwrite_path, scrub_binary
from scrubjay.core.scrub.bounds import Allowance, read_bounds
from scrubjay.core.scrub.program import compile_program
from scrubjay.core.scrub.record import Record
from scrubjay.errors import Unscrubbable
from scrubjay.settings.scrub import Scrub
from support import scrubbing

ALLOWANCE = Allowance(read_bounds(Scrub()))
LINE = "peer 10.20.30.40 down"


def config(rules: Any = None, **applications: list[str]) -> Any:
    return scrubbing.config_program({"rules": rules or {}, "applications": applications})


def file_rules(*ids: str, rules: Any = None) -> Any:
    return scrubbing.config_program({"rules": rules or {}, "applications": {"$attachments.'a.txt'": list(ids)}})


def scrubbed(program: Any, payload: bytes | str, *, gated: bool = True, name: str = "a.txt", **more: Any) -> bytes:
    data = payload.encode() if isinstance(payload, str) else payload
    new = scrub_binary(program, data, name, gated=gated, **more)
    assert new is None or len(new) == len(data)
    return data if new is None else new


def test_a_match_is_covered_and_no_byte_moves() -> None:
    """scrubbing-71"""
    assert scrubbed(file_rules("@ip"), LINE) == b"peer [ip]******* down"
    assert scrubbed(file_rules("@ip:hash"), LINE) == b"peer F9A8868D8D1 down"
    wide = LINE.encode("utf-16-le")
    assert scrubbed(file_rules("@ip:mask"), wide) == "peer *********** down".encode("utf-16-le")
    assert scrubbed(file_rules("@ip:hash"), wide) == "peer 7DC5C70705D down".encode("utf-16-le")
    assert scrubbed(file_rules("@ip"), wide) == "peer [ip]******* down".encode("utf-16-le")
    assert scrubbed(file_rules("@ip:remove"), LINE) == b"peer *********** down"


@pytest.mark.parametrize(
    ("selector", "gated", "ungated"),
    [
        ("$attachments.'a.txt'", True, True),
        ("$attachments.**", False, True),
        ("$attachments.*", False, True),
        ("$attachments", False, False),
        ("$binary", False, True),
        ("$string", False, False),
        ("$attachments.'a.txt' || $attachments.b", False, True),
        ("$attachments.'b.txt'", False, False),
        ("'a.txt'", False, True),
    ],
)
def test_only_a_plain_path_to_a_key_switches_attachments_on(selector: str, gated: bool, ungated: bool) -> None:
    program = scrubbing.config_program({"applications": {selector: ["@ip"]}})
    assert (scrubbed(program, LINE) != LINE.encode()) == gated
    assert (scrubbed(program, LINE, gated=False) != LINE.encode()) == ungated


def test_legacy_settings_never_apply() -> None:
    program = scrubbing.default_program("strict")
    assert scrub_binary(program, b"password ana@lab.example", "a.txt", gated=False) is None


def test_rules_for_texts_run_if_they_are_asked_for() -> None:
    program = scrubbing.default_program("strict")
    data = b"\x00\x01" + b"password of ana@lab.example at 10.20.30.40\x00"
    expected = b"\x00\x01" + b"password of [email]******** at [ip]*******\x00"
    assert scrubbed(program, data, by_text_rules=True) == expected


def test_words_take_the_file_in_bytes_and_themselves_in_wide_text() -> None:
    assert scrubbed(file_rules("@password:mask"), "my secret file") == b"*" * 14
    assert scrubbed(file_rules("@password:mask"), "a token here") == b"*" * 12
    assert scrubbed(file_rules("@password:mask"), "a secret here".encode("utf-16-le")) == "a ****** here".encode(
        "utf-16-le"
    )
    pair = {"pair": {"type": "redact_pair", "keyPattern": "magic", "redaction": {"method": "mask"}}}
    assert scrubbed(file_rules("pair", rules=pair), "some magic") == b"*" * 10
    assert scrubbed(file_rules("pair", rules=pair), "nothing") == b"nothing"
    assert scrubbed(file_rules("@anything:filter"), "all of it and more") == b"[Filtered]" + b"*" * 8
    assert scrubbed(file_rules("@anything:filter"), b"") == b""


def test_patterns_are_of_bytes() -> None:
    def rule(pattern: str, **more: Any) -> Any:
        return file_rules(
            "p", rules={"p": {"type": "pattern", "pattern": pattern, "redaction": {"method": "mask"}, **more}}
        )

    assert scrubbed(rule(r"a.b"), b"xa\nb a\xffb") == b"x*** ***"
    assert scrubbed(rule(r"\w+"), b"\xe9ab\xff") == b"\xe9**\xff"
    assert scrubbed(rule(r"\d\s[\S]"), b"1 \xff x") == b"*** x"
    assert scrubbed(rule("gr\u00fcn"), "gr\u00fcn".encode()) == b"*****"
    assert scrubbed(rule(r"k=(\w+);(\w+)?", replaceGroups=[1, 2]), b"k=ab;cd k=e;") == b"k=**;** k=*;"
    assert scrubbed(rule(r"x*"), b"axxb") == b"a**b"
    assert scrubbed(rule(r"(a(b))", replaceGroups=[1, 2]), b"zabz") == b"z**z"
    assert scrubbed(rule(r"((a)b)", replaceGroups=[1, 2, 9]), b"zabz") == b"z**z"
    assert scrubbed(rule(r"\x{263a}+"), "a\u263a".encode()) == b"a***"


def test_an_unknown_method_writes_nothing() -> None:
    rules = {"p": {"type": "pattern", "pattern": "ab", "redaction": {"method": "odd"}}}
    assert scrubbed(file_rules("p", rules=rules), "xaby") == b"xaby"


def test_rules_run_in_order_and_see_what_the_others_left() -> None:
    rules = {"z": {"type": "pattern", "pattern": r"\[ip\]", "redaction": {"method": "mask"}}}
    assert scrubbed(file_rules("@ip", "z", rules=rules), LINE) == b"peer *********** down"


def test_a_rule_that_is_only_tried_writes_nothing() -> None:
    rules = {"p": {"type": "pattern", "pattern": "ab", "dry_run": True}}
    program = scrubbing.config_program({"rules": rules, "applications": {"$attachments.'a.txt'": ["p"]}}, "strict")
    assert scrubbed(program, "xaby") == b"xaby"


def test_pseudonyms_are_cut_to_the_match() -> None:
    options = Scrub(profile="strict", pseudonym_key=scrubbing_key())
    rules = {"p": {"type": "email", "redaction": {"method": "pseudonym", "length": 12}}}
    config = {"rules": rules, "applications": {"$attachments.'a.txt'": ["p"]}}
    program = compile_program(pii_config=config, settings=None, options=options)
    narrow = scrubbed(program, "x ana@lab.example y")
    wide = scrubbed(program, "x ana@lab.example y".encode("utf-16-le"))
    assert narrow[2:14].isalnum()
    assert narrow[14:] == b"*** y"
    assert wide == narrow.decode().encode("utf-16-le")


def scrubbing_key() -> Any:
    from scrubjay.settings.setting import Secret

    return Secret("0123456789abcdef" * 4)


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes_keep_their_number_and_lose_what_is_planted(seed: int) -> None:
    turn = random.Random(seed)
    program = file_rules("@ip", "@email:mask", "@password:mask")
    data = turn.randbytes(3_000).replace(b"@", b"!")
    cut = turn.randrange(1_000) * 2
    planted = data[:cut] + b"\0\0" + "ana@lab.example".encode("utf-16-le") + b"\0\0 10.20.30.40 " + data[cut:]
    new = scrubbed(program, planted)
    assert "ana@lab.example".encode("utf-16-le") not in new
    assert b"10.20.30.40" not in new


def test_of_a_path_the_head_is_looked_at() -> None:
    (one,) = scrubbing.config_program({"applications": {"$binary": ["@userpath:mask"]}}).passes
    rules = one.matcher.step(one.matcher.root, one.matcher.types_match(("binary",))).rules[0]
    assert overwrite_path(b"/home/ines/home/ines", rules, ALLOWANCE, is_wide=False) == b"/home/****/home/ines"
    wide = "C:\\Users\\ines\\a.pdb"
    assert overwrite_path(wide.encode("utf-16-le"), rules, ALLOWANCE, is_wide=True) == "C:\\Users\\****\\a.pdb".encode(
        "utf-16-le"
    )
    assert overwrite_path(b"ines", rules, ALLOWANCE, is_wide=False) == b"ines"


def test_time_is_bounded() -> None:
    ticks = iter(range(0, 1_000, 4))
    config = {"applications": {"$attachments.'a.txt'": ["@ip", "@email"]}}
    program = compile_program(pii_config=config, settings=None, clock=lambda: float(next(ticks)))
    with pytest.raises(Unscrubbable, match="longer than"):
        scrub_binary(program, LINE.encode(), "a.txt", gated=True)


def test_many_matches_of_both_kinds_are_covered() -> None:
    narrow, wide = b" 10.20.30.40 \0", " 10.20.30.40 \0".encode("utf-16-le")
    got = scrubbed(file_rules("@ip:mask"), (narrow * 2 + wide) * 50)
    assert (
        got
        == (narrow * 2 + wide)
        .replace(b"10.20.30.40", b"*" * 11)
        .replace("10.20.30.40".encode("utf-16-le"), ("*" * 11).encode("utf-16-le"))
        * 50
    )


def test_what_was_covered_is_counted() -> None:
    record = Record()
    wide = " 10.20.30.40 ".encode("utf-16-le")
    assert (
        scrub_binary(file_rules("@ip"), b"\0\0" + wide + b"10.20.30.40", "a.txt", gated=True, record=record) is not None
    )
    assert (record.rules["@ip"].hits, record.rules["@ip"].bytes) == (2, 33)
