from __future__ import annotations

import io

import pytest

from scrubjay.cli import progress as module
from scrubjay.cli.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("unit", ["bytes", "records"])
def test_a_bar_on_a_terminal(monkeypatch, unit):
    screen = Terminal()
    monkeypatch.setattr(module.sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with progress("reading [x]", 2_048, unit) as advance:
        advance(1_024)
    assert "reading [x]" in screen.getvalue()


def test_nothing_elsewhere(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(module.sys, "stderr", screen)
    with progress("reading", None, "bytes") as advance:
        advance(5)
    assert screen.getvalue() == ""
