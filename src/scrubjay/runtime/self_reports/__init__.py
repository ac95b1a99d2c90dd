"""Errors and warnings of the relay itself, told to a project of the operator's (`upstream-and-operations.md` 9.9).

Owns that reporting never feeds on itself. What counts is `listening`'s, how many are told `budget`'s, what it reads like `event`'s, how it gets there `post`'s.

Invariants: a DSN that leads back to this relay, and whatever is about the reports' own key, is counted and not told; at most ten reports a minute leave
the instance; a report is not kept: what cannot be sent now is counted and gone; with no DSN nothing of this runs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from scrubjay.runtime.forwarding.http_client import Origin
from scrubjay.runtime.forwarding.own_address import leads_here
from scrubjay.runtime.forwarding.resolving import Resolver
from scrubjay.runtime.log import LimitedLog
from scrubjay.runtime.names import new_id
from scrubjay.runtime.self_reports.budget import Budget
from scrubjay.runtime.self_reports.event import Identity, envelope_of
from scrubjay.runtime.self_reports.listening import TOPIC, Report, ReportingHandler
from scrubjay.runtime.self_reports.post import Address, Post
from scrubjay.settings.reporting import Sentry as Options
from scrubjay.settings.reporting import tags_of

_LAST_WORDS_S: Final = 2.0


class Observer(Protocol):
    """`runtime.telemetry` is the real one."""

    def self_report(self, result: str) -> None: ...


class SelfReports:
    """Listens from `open` on, in a running loop. `number`: of the worker, None if it is alone. `state_dir`: what all workers share."""

    def __init__(
        self,
        options: Options,
        observer: Observer,
        *,
        number: int | None = None,
        state_dir: str | None = None,
        ca_bundle: str | None = None,
        now_mono: Callable[[], float] = time.monotonic,
    ) -> None:
        assert options.dsn is not None
        self._address = Address.parse(options.dsn)
        self._post = Post(self._address, ca_bundle, now_mono=now_mono)
        name = options.server_name or os.environ.get("HOSTNAME") or socket.gethostname()
        tags = {tag.name: tag.value for tag in tags_of(options.default_tags)}
        self._identity = Identity(name, options.environment, tags, number)
        self._observer = observer
        self._budget = Budget(None if state_dir is None else Path(state_dir) / "self-reports", now_mono=now_mono)
        self._waiting: deque[Report] = deque()
        self._sending: asyncio.Task[None] | None = None
        self._is_open = False
        self._log = LimitedLog(TOPIC, now_mono)
        self._loop = asyncio.get_running_loop()
        self.handler = ReportingHandler(self._from_any_thread)

    @property
    def origin(self) -> Origin:
        return self._address.origin

    def open(self) -> None:
        """What is logged from now on is told."""
        logging.getLogger().addHandler(self.handler)

    async def begin(self, host: str, port: int) -> None:
        """Sends what has gathered, and all that comes, unless the DSN leads to `host` and `port`, where this relay listens."""
        if await leads_here(self._address.origin, host, port, Resolver()):
            logging.getLogger().removeHandler(self.handler)
            while self._waiting:
                self._waiting.popleft()
                self._observer.self_report("own")
            text = "sentry.dsn leads to this relay itself: its errors are not reported"
            self._log.line(logging.WARNING, "own", text)
            return
        self._is_open = True
        self._send_on()

    def _from_any_thread(self, report: Report) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._take, report)

    def _take(self, report: Report) -> None:
        if report.key and self._address.key.startswith(report.key):  # the log shows no more than the beginning of a key
            self._observer.self_report("own")
        elif not self._budget.admit():
            self._observer.self_report("limited")
        else:
            self._waiting.append(report)
            self._send_on()

    def _send_on(self) -> None:
        if self._is_open and self._waiting and (self._sending is None or self._sending.done()):
            self._sending = self._loop.create_task(self._send_all(), name="self-reports")

    async def _send_all(self) -> None:
        while self._waiting:
            problem = await self._send(self._waiting.popleft())
            self._observer.self_report("failed" if problem else "sent")
            if problem:
                self._log.line(logging.WARNING, "failed", "a self-report was not delivered", {"problem": problem})

    async def _send(self, report: Report) -> str:
        """Nothing, or why it was not sent."""
        try:
            envelope = await asyncio.to_thread(envelope_of, report, self._identity, new_id())
            return await self._post.send(envelope)
        except Exception as error:  # noqa: BLE001  told in a report of its own it would never end
            return type(error).__name__

    async def close(self) -> None:
        """Sends what waits, if that can be done soon."""
        logging.getLogger().removeHandler(self.handler)
        await asyncio.sleep(0)  # what other threads said last
        if self._sending is not None:
            await asyncio.wait((self._sending,), timeout=_LAST_WORDS_S)
            self._sending.cancel()
        self._post.close()

    def __repr__(self) -> str:
        return f"<SelfReports {self._post!r}, {len(self._waiting)} wait>"


def open_self_reports(
    options: Options, observer: Observer, *, number: int | None, state_dir: str | None, ca_bundle: str | None
) -> SelfReports | None:
    """None if nobody is to be told."""
    if not options.enabled or options.dsn is None:
        return None
    reports = SelfReports(options, observer, number=number, state_dir=state_dir, ca_bundle=ca_bundle)
    reports.open()
    return reports
