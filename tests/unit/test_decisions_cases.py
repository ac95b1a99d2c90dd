"""Every conformance case of decisions has a test that bears its number; `tests/README.md` says which."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
ALL = set(range(1, 122))
_NAMED = re.compile(r"decisions[-_](\d{1,3})((?:_\d{1,3})*)(?![\d])")


def test_each_case_has_its_test() -> None:
    named: set[int] = set()
    for path in TESTS.rglob("test_*.py"):
        for first, more in _NAMED.findall(path.read_text("utf-8")):
            named |= {int(number) for number in (first, *more.split("_")) if number}
    assert named & ALL == ALL
