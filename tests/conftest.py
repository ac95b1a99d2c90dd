"""How the tests are shared out where several processes run them (`-n 3`): file by file, long ones first.

The end-to-end tests are one share: they have servers in common, take ports, and measure time; those of the capture page, which mostly
wait for a browser, are another, those of image, chart and metrics a third, those of mode `managed` a fourth. Files come as they are collected, `e2e` before
`fuzz`, `integration` and `oracle`, and the short ones of `unit` fill up the end, if the order is left alone (`--no-loadscope-reorder`).
"""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

E2E = ("tests/e2e/capture/", "tests/e2e/managed/", "tests/e2e/operate/", "tests/e2e/")
"""The first that fits."""


settings.register_profile("busy", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("busy")
"""How long it takes to draw an example, or to try it, says more of the machine's other work than of the test."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Called in the process that shares out, and only where tests are."""
    from xdist.scheduler import LoadScopeScheduling

    class Shares(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return next((share for share in E2E if file.startswith(share)), file)

    return Shares(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """A worker that ran in this process has set the level of the log; the next test looks for what is told by default."""
    logging.getLogger().setLevel(logging.WARNING)
