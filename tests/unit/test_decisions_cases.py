"""Every conformance case of decisions that can be had has a test that bears its number; `tests/README.md` says which."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
ALL = set(range(1, 122))
WAITING = {45, 49, 50}
"""A relay that fetches its projects: mode `managed`, which is not there yet."""
_NAMED = re.compile(r"decisions[-_](\d{1,3})((?:_\d{1,3})*)(?![\d])")


def test_each_case_has_its_test() -> None:
    named: set[int] = set()
    for path in TESTS.rglob("test_*.py"):
        for first, more in _NAMED.findall(path.read_text("utf-8")):
            named |= {int(number) for number in (first, *more.split("_")) if number}
    assert named & ALL == ALL - WAITING


def test_those_that_are_missing_are_named() -> None:
    (line,) = re.findall(r"\(([\d, ]+)\) wait for that mode", (TESTS / "README.md").read_text("utf-8"))
    assert {int(number) for number in line.split(",")} == WAITING
