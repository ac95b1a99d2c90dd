"""Telling somebody outside what happens to limits, spikes and sampling (`decisions.md` 9.5).

Owns when is looked, by whom, and obeying changed settings. What has happened is `watch`'s, what it reads like `events`', how it gets
there `courier`'s. Of several workers the one in slot 0 looks, and tells for all.

Invariants: looking runs in a thread and reads files alone, so that ingestion never waits; nobody looks while no address is set; whatever
is under way when the relay stops is given up at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from scrubjay.runtime.pulse import Pulse
from scrubjay.runtime.state import Merged
from scrubjay.runtime.webhooks.courier import Courier, Observer, Receiver
from scrubjay.runtime.webhooks.watch import Watch
from scrubjay.settings.decisions import Webhooks as Options

EVERY_S: Final = 1.0


class Webhooks:
    """One instance's. `options` are asked at each look; `read`: all workers, as they are now or were a second ago."""

    def __init__(
        self, options: Callable[[], Options], read: Callable[[], Merged], pulse: Pulse, observer: Observer
    ) -> None:
        self._options = options
        self._read = read
        self._pulse = pulse
        self._observer = observer
        self._in_force: Options | None = None
        self._watch = Watch()
        self._courier: Courier | None = None

    async def begin(self) -> None:
        """Notes how things are, then looks until the pulse stops."""
        await self.look()
        self._pulse.every(EVERY_S, self.look, "webhooks")

    async def look(self) -> None:
        """Looks for what has happened, and sees to it that it is told."""
        webhooks = self._options()
        if webhooks != self._in_force:
            self._obey(webhooks)
        courier, watch = self._courier, self._watch
        if courier is None:
            return
        for event in await asyncio.to_thread(lambda: watch.look(self._read())):
            if event.type in webhooks.events:
                courier.put(event)
        if courier.is_due:
            self._pulse.once(courier.run, "webhook-courier")

    def _obey(self, webhooks: Options) -> None:
        """Whoever is told from now on learns what happens from now on; what waits for another one still goes there."""
        was_on, self._in_force = self._courier is not None, webhooks
        self._courier = None
        if webhooks.url is not None:
            self._courier = Courier(Receiver.parse(webhooks.url, webhooks.secret), self._observer)
        if not was_on:
            self._watch = Watch()

    def __repr__(self) -> str:
        return f"<Webhooks {self._courier!r}>"


def start_webhooks(
    number: int | None, options: Callable[[], Options], read: Callable[[], Merged], pulse: Pulse, observer: Observer
) -> None:
    """Looks from now on, until `pulse` stops. `number`: of the worker; None: it is alone."""
    if number in (None, 0):
        pulse.once(Webhooks(options, read, pulse, observer).begin, "webhooks-begin")
