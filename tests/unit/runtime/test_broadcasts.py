"""Both begin and end with the worker, and neither is there unasked."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from typing import Any

from scrubjay.runtime.broadcasts import Broadcasts
from scrubjay.runtime.pulse import Pulse
from scrubjay.runtime.state import Merged
from scrubjay.settings.load import load
from scrubjay.settings.schema import Settings
from support.mini_upstream import mini_upstream


class Observer:
    def __init__(self) -> None:
        self.results: list[str] = []

    def self_report(self, result: str) -> None:
        self.results.append(result)

    def loop_lag(self, seconds: float) -> None: ...

    def internal_error(self, place: str, error: BaseException) -> None:
        raise error


def settings(**texts: Any) -> Settings:
    return load(flags={name.replace("__", "."): (str(text), "--test") for name, text in texts.items()}).settings


async def test_numbers_and_errors_are_told_until_the_end() -> None:
    observer = Observer()
    pulse = Pulse(observer)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        async with mini_upstream() as upstream:
            options = settings(
                metrics__statsd=f"127.0.0.1:{server.getsockname()[1]}",
                sentry__enabled="true",
                sentry__dsn=f"http://key@127.0.0.1:{upstream.port}/7",
            )
            broadcasts = Broadcasts(options, observer, None)
            logging.getLogger("scrubjay.broadcasts-test").error("early")
            broadcasts.begin(lambda: Merged([], 0.0), 1, pulse)
            await upstream.until(lambda: upstream.arrivals)
            first = await asyncio.to_thread(server.recv, 1_000)
            assert first == b"sentry.relay.server.starting:1|c"
            assert "Statsd" in repr(broadcasts)
            logging.getLogger("scrubjay.broadcasts-test").error("late")
            await broadcasts.close()
            await pulse.stop()
            assert observer.results == ["sent", "sent"]
            assert len(upstream.arrivals) == 2
    assert "statsd" not in [thread.name for thread in threading.enumerate()]


async def test_a_worker_that_did_not_get_to_begin_ends_too() -> None:
    broadcasts = Broadcasts(settings(sentry__enabled="true", sentry__dsn="http://key@127.0.0.1:1/7"), Observer(), 1)
    handlers = len(logging.getLogger().handlers)
    await broadcasts.close()
    assert len(logging.getLogger().handlers) == handlers - 1


async def test_unasked_nothing_runs() -> None:
    handlers, threads = list(logging.getLogger().handlers), threading.active_count()
    observer = Observer()
    broadcasts = Broadcasts(Settings(), observer, None)
    broadcasts.begin(lambda: Merged([], 0.0), 1, Pulse(observer))
    assert logging.getLogger().handlers == handlers
    assert threading.active_count() == threads
    await broadcasts.close()
