"""What a worker tells others of itself beside its log and `/metrics`: numbers to statsd, its own errors to a project.

Owns when both begin and end; each is its own room's. With neither configured there is nothing here that runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from scrubjay.runtime.pulse import Pulse
from scrubjay.runtime.self_reports import Observer, open_self_reports
from scrubjay.runtime.state import Merged
from scrubjay.runtime.statsd import Statsd, start_statsd
from scrubjay.settings.schema import Settings


class Broadcasts:
    """Hears the log from the start, in a running loop. `number`: of the worker, None if it is alone."""

    def __init__(self, settings: Settings, observer: Observer, number: int | None) -> None:
        self._settings = settings
        self._number = number
        self._statsd: Statsd | None = None
        self._reports = open_self_reports(
            settings.sentry,
            observer,
            number=number,
            state_dir=settings.relay.state_dir,
            ca_bundle=settings.http.ca_bundle,
        )

    def begin(self, read: Callable[[], Merged], port: int, pulse: Pulse) -> None:
        """From now on others are told. `read`: all workers, as their files say; `port`: where it listens."""
        self._statsd = start_statsd(self._number, self._settings.metrics, read)
        if (reports := self._reports) is not None:
            pulse.once(lambda: reports.begin(self._settings.relay.host, port), "self-reports")

    async def close(self) -> None:
        """Tells what is left, if that can be done soon."""
        if self._statsd is not None:
            await asyncio.to_thread(self._statsd.stop)
        if self._reports is not None:
            await self._reports.close()

    def __repr__(self) -> str:
        return f"<Broadcasts {self._statsd!r} {self._reports!r}>"
