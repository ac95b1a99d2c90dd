"""Minidumps, built by hand (scrubbing.md 12.5)."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest

from scrubjay.core.scrub.minidump import scrub_minidump
from support import scrubbing
from support.minidumps import minidump

HOME = b"..../home/ines/x...."


def scrubbed(selector: str, dump: bytes, *rules: str) -> bytes:
    program = scrubbing.config_program({"applications": {selector: list(rules or ("@userpath:mask",))}})
    new = scrub_minidump(program, dump, "dump.dmp")
    assert new is None or len(new) == len(dump)
    return dump if new is None else new


def test_stacks_are_reached_by_name_only() -> None:
    """scrubbing-72"""
    dump = minidump(stack=HOME, heap=HOME)
    masked = b"..../home/****/x...."
    for selector in ("$binary", "$heap_memory", "heap_memory", "$attachments.**", "$minidump.*"):
        expected = minidump(stack=masked if selector == "$minidump.*" else HOME, heap=masked)
        assert scrubbed(selector, dump) == expected, selector
    for selector in ("$stack_memory", "$minidump.stack_memory", "stack_memory"):
        assert scrubbed(selector, dump) == minidump(stack=masked, heap=HOME), selector
    assert scrubbed("$string", dump) == dump


def test_memory_holds_wide_text_too() -> None:
    heap, masked = ("x ana@lab.example y".encode("utf-16-le"), "x *************** y".encode("utf-16-le"))
    assert scrubbed("$heap_memory", minidump(heap=heap), "@email:mask") == minidump(heap=masked)


def test_environment_and_command_line() -> None:
    dump = minidump(environment=b"USER=x\0MAIL=ana@lab.example\0", command=b"run\0--mail=ana@lab.example\0")
    got = scrubbed("$binary", dump, "@email:mask")
    assert got.count(b"ana@") == 0
    assert b"USER=x\0" + b"*" * 20 + b"\0" in got  # `=` may be part of a name


def test_a_dump_need_not_have_every_stream() -> None:
    got = scrubbed("$binary", minidump(heap=HOME, environment=None, command=None))
    assert got == minidump(heap=b"..../home/****/x....", environment=None, command=None)


def test_paths_of_modules_keep_their_names() -> None:
    dump = minidump(module="C:\\Users\\ines\\app.exe", debug=b"/home/ines/app.pdb")
    expected = minidump(module="C:\\Users\\****\\app.exe", debug=b"/home/****/app.pdb")
    assert scrubbed("$string", dump) == expected
    assert scrubbed("code_file || debug_file", dump) == expected
    assert scrubbed("$binary", dump) == dump
    assert scrubbed("debug_file", minidump(debug=b"/home/ines/a", old=True)) == minidump(
        debug=b"/home/****/a", old=True
    )
    assert scrubbed("$string", minidump(debug=b"/home/ines/a", signature=b"XXXX")) == minidump(
        debug=b"/home/ines/a", signature=b"XXXX"
    )


def test_the_rules_of_the_settings_never_apply_unless_asked_for() -> None:
    program = scrubbing.default_program("strict")
    dump = minidump(stack=b"ana@lab.example....", heap=b"ana@lab.example....", module="x ana@lab.example/a")
    assert scrub_minidump(program, dump, "") is None
    new = scrub_minidump(program, dump, "", by_text_rules=True)
    assert new is not None
    assert b"ana@" not in new
    assert "ana@".encode("utf-16-le") not in new


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"MDMP",
        b"PMDM" + minidump(heap=HOME)[4:],
        minidump(heap=HOME, memory64=True),
        minidump(heap=HOME)[:-30] + HOME,
        minidump(heap=HOME)[:8] + struct.pack("<I", 2**31) + minidump(heap=HOME)[12:],
    ],
)
def test_what_cannot_be_taken_apart_is_one_binary_file(broken: bytes) -> None:
    got = scrubbed("$binary", broken)
    assert b"ines" not in got
    assert scrubbed("$stack_memory", broken) == broken


def test_lists_with_a_gap_after_their_number() -> None:
    dump = minidump(stack=HOME, heap=HOME, gap=True)
    assert scrubbed("$stack_memory", dump) == minidump(stack=b"..../home/****/x....", heap=HOME, gap=True)


@pytest.mark.parametrize("seed", range(20))
def test_hostile_dumps_never_crash(seed: int) -> None:
    turn = random.Random(seed)
    dump: Any = bytearray(minidump(stack=HOME, heap=HOME, module="a/b", debug=b"c/d", environment=b"e=f"))
    for _ in range(turn.randrange(1, 6)):
        at = turn.randrange(4, len(dump) - 4)
        dump[at : at + 4] = turn.choice(
            (b"\xff\xff\xff\xff", turn.randbytes(4), struct.pack("<I", turn.randrange(400)))
        )
    got = scrubbed("$binary || $string || $stack_memory", bytes(dump))
    assert len(got) == len(dump)
