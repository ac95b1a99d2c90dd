"""What other tests had computed is forgotten, so that each line of the core is reached from here, whatever ran before."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(scope="session", autouse=True)
def _forgotten() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("scrubjay.core."):
            for value in list(vars(module).values()):
                if callable(clear := getattr(value, "cache_clear", None)):
                    clear()
