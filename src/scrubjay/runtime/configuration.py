"""Reading the configuration again while the worker runs (`upstream-and-operations.md` 2.7).

Owns what is in force, which generation it is, and what is to be said of the last attempt. Putting a new one in force is the worker's business,
since it holds the parts. Invariant: what cannot be used changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Final

from scrubjay.errors import ConfigError
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.settings.load import Loaded, changed, in_force

_LEAST_POLL_S: Final = 0.05
_LOG: Final = logging.getLogger("scrubjay.worker")


class Configuration:
    """`is_replaced`: somebody starts another worker where a setting needs it."""

    def __init__(self, loaded: Loaded, telemetry: Telemetry, *, is_replaced: bool) -> None:
        self.loaded = loaded
        self.generation = 1
        self._telemetry = telemetry
        self._needs = "another worker, which SIGHUP brings" if is_replaced else "a restart"
        self._was_refused = False
        self._later: tuple[str, ...] = ()
        telemetry.config_generation(self.generation)

    @property
    def is_polled(self) -> bool:
        """Whether changes are looked for without a signal."""
        return self.loaded.settings.relay.config_reload_interval is not None

    def poll_s(self) -> float:
        """Time until the next look; a reload may have changed it, or have switched looking on."""
        interval_s = self.loaded.settings.relay.config_reload_interval
        return self.loaded.settings.cache.file_interval if interval_s is None else max(_LEAST_POLL_S, interval_s)

    async def read_again(self) -> Loaded | None:
        """All sources as they are now, but for what needs a restart; None if they cannot be used."""
        old = self.loaded.settings
        try:
            loaded = await asyncio.to_thread(self.loaded.again)
            if loaded.settings.relay.mode != old.relay.mode:
                # Much follows from it; what a half-changed mode would let through is nobody's wish.
                raise ConfigError("the mode changes with a restart only", path="relay.mode")
        except ConfigError as error:
            self._was_refused = True
            self._telemetry.config_refused(str(error))
            return None
        self._was_refused = False
        self._telemetry.config_usable()
        _, later = changed(old, loaded.settings)
        credentials = loaded.credentials
        if (credentials is None) != (self.loaded.credentials is None):
            credentials, later = self.loaded.credentials, (*later, "credentials")
        if later and later != self._later:
            _LOG.warning("changed, and in force only after %s: %s", self._needs, ", ".join(later))
        self._later = later
        return replace(loaded, settings=in_force(old, loaded.settings), credentials=credentials)

    async def changed_projects(self) -> Loaded | None:
        """What is in force with the project files as they are now; None if none of them changed."""
        return await asyncio.to_thread(self.loaded.with_changed_projects)

    def differs(self, loaded: Loaded) -> bool:
        mine = self.loaded
        return (loaded.settings, loaded.projects, loaded.credentials) != (
            mine.settings,
            mine.projects,
            mine.credentials,
        )

    def put_in_force(self, loaded: Loaded) -> None:
        """Says what changed; whoever calls it makes it so."""
        before, self.loaded = self.loaded, loaded
        for text in loaded.warnings:
            if text not in before.warnings:
                _LOG.warning(text)
        now, _ = changed(before.settings, loaded.settings)
        if loaded.credentials != before.credentials:
            now = (*now, "credentials")
        if now:
            _LOG.info("changed: %s", ", ".join(now))

    def next_generation(self) -> None:
        """What was put in force is at work."""
        self.generation += 1
        self._telemetry.config_generation(self.generation)

    def refused(self) -> None:
        """Somebody else read the sources, found that they cannot be used, and has said so."""
        self._was_refused = True
        self._telemetry.config_usable(usable=False)

    def remark(self) -> str:
        """Nobody becomes unready for it: what ran before runs on, and a slip of the pen must not take every instance out of service."""
        return f"{'the last change was refused; ' if self._was_refused else ''}generation {self.generation}"

    def __repr__(self) -> str:
        return f"<Configuration {self.remark()}>"
