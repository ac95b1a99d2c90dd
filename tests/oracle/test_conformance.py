"""Every conformance case of scrubbing has a test that bears its number; `tests/README.md` says which."""

import json
import re
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent
ALL = set(range(1, 76))


def test_each_case_has_its_test() -> None:
    recorded = {json.loads(line)["n"] for line in (HERE / "conformance.jsonl").read_text("utf-8").splitlines()}
    assert recorded == set(range(1, 64))
    named = set()
    for path in TESTS.rglob("test_*.py"):
        named |= {
            int(number) for number in re.findall(r"scrubbing[_-](\d\d)\b", path.read_text("utf-8").replace("_", "-"))
        }
    assert recorded | named >= ALL, ALL - recorded - named
