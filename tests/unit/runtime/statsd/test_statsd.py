"""Who looks, how often, and what is told last."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from scrubjay.runtime import metrics
from scrubjay.runtime import statsd as module
from scrubjay.runtime.state import Merged
from scrubjay.runtime.statsd import Statsd, start_statsd
from scrubjay.settings.reporting import Metrics as Options


class Server:
    """Everything that came, line by line."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.05)
        self.lines: list[str] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.socket.getsockname()[1]}"

    def until(self, text: str, deadline_s: float = 30.0) -> str:
        """The first line that begins so."""
        until_mono = time.monotonic() + deadline_s
        while time.monotonic() < until_mono:
            for line in self.lines:
                if line.startswith(text):
                    return line
            with suppress(TimeoutError):
                self.lines += self.socket.recv(65_536).decode().split("\n")
        raise AssertionError(f"{text} did not come: {self.lines}")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.socket.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.01)


def options(server: Server, **changes: object) -> Options:
    return Options(**{"statsd": server.address, "prefix": "p", **changes})


def test_counts_at_once_states_now_and_then_and_the_rest_at_the_end(server: Server) -> None:
    merged = Merged([], 0.0)
    merged.values.series[metrics.ENVELOPES.name].add((), 5)
    merged.values.series[metrics.SPOOL_BYTES.name][("p00",)] = 1
    statsd = start_statsd(
        None, options(server, default_tags=("zone=a",), hostname_tag="host", periodic_secs=3600), lambda: merged
    )
    assert statsd is not None
    host = socket.gethostname()
    assert server.until("p.server.starting") == f"p.server.starting:1|c|#zone:a,host:{host}"
    assert server.until("p.buffer.disk_used:1|g")
    merged.values.series[metrics.ENVELOPES.name].add((), 2)
    assert server.until("p.event.accepted").startswith("p.event.accepted:2|c|")
    merged.values.series[metrics.SPOOL_BYTES.name][("p00",)] = 2
    statsd.stop()
    assert sum(line.startswith("p.buffer.disk_used") for line in server.lines) == 1
    assert "statsd" in repr(statsd).lower()


def test_what_was_written_last_is_told_last(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_S", 3600.0)
    merged = Merged([], 0.0)
    statsd = Statsd(options(server), lambda: merged)
    statsd.start()
    server.until("p.server.starting")
    merged.values.series[metrics.ENVELOPES.name].add((), 1)
    statsd.stop()
    assert server.until("p.event.accepted") == "p.event.accepted:1|c"


def test_states_can_be_switched_off(server: Server) -> None:
    merged = Merged([], 0.0)
    merged.values.series[metrics.SPOOL_BYTES.name][("p00",)] = 1
    statsd = Statsd(options(server, periodic_secs=0), lambda: merged)
    statsd.start()
    server.until("p.server.starting")
    merged.values.series[metrics.ENVELOPES.name].add((), 1)
    server.until("p.event.accepted")
    statsd.stop()
    assert not [line for line in server.lines if "|g" in line]


@pytest.mark.parametrize(("number", "address"), [(1, "127.0.0.1:8125"), (None, None), (0, None)])
def test_one_worker_tells_for_all_and_without_a_server_none(number: int | None, address: str | None) -> None:
    assert start_statsd(number, Options(statsd=address), lambda: Merged([], 0.0)) is None


def test_a_server_that_is_away_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    merged = Merged([], 0.0)
    with caplog.at_level(logging.INFO):
        statsd = Statsd(Options(statsd="statsd.invalid:8125", periodic_secs=0.01), lambda: merged)
        merged.values.series[metrics.SPOOL_BYTES.name][("p00",)] = 1
        statsd.start()
        until_mono = time.monotonic() + 30
        while statsd.wire.failed < 3 and time.monotonic() < until_mono:
            time.sleep(0.01)
        statsd.stop()
    assert statsd.wire.failed >= 3
    assert [record.getMessage() for record in caplog.records] == ["metrics do not reach the statsd server"]
