"""Properties and times are not what lines are covered by: the unit tests alone have to, and measuring them takes three times as long.

The mark `no_cover` is not enough: where several processes share the tests, it ends one of two measurements.
"""

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

FUZZ = Path(__file__).parent


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    if not item.path.is_relative_to(FUZZ):
        return (yield)
    measuring = sys.gettrace()
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(measuring)
