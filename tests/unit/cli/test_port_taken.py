"""A capture whose port is taken says by whom."""

from __future__ import annotations

import socket

import pytest

from scrubjay.capture_client import CaptureClient, Health
from scrubjay.cli import port_taken


@pytest.mark.parametrize(
    ("health", "status", "said"),
    [
        (Health("spotlight-by-sentry", "0.1.0"), 7, "scrubjay 0.1.0 is running"),
        (Health("spotlight-by-sentry", ""), 7, "spotlight-by-sentry is running"),
        (Health("Express", ""), 1, "a server of another kind"),
    ],
)
def test_who_answers(monkeypatch: pytest.MonkeyPatch, health: Health, status: int, said: str) -> None:
    monkeypatch.setattr(CaptureClient, "health", lambda self: health)
    message, code = port_taken.neighbour("127.0.0.1", 8969)
    assert (code, said in message) == (status, True)


def test_the_holder_of_a_port_that_speaks_no_http_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        message, code = port_taken.neighbour("127.0.0.1", server.getsockname()[1])
    assert code == 1
    assert "(process " in message
