"""Properties and times are not what lines are covered by: the unit tests alone have to, and measuring them takes three times as long."""

from pathlib import Path

import pytest

FUZZ = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(FUZZ):
            item.add_marker(pytest.mark.no_cover)
