"""One worker: builds everything, runs it, drains it.

Owns the order of starting and stopping and what signals do (`upstream-and-operations.md` 9.6), and reloading (2.7). What the parts do is
theirs. Invariants: the port opens only when the spool is recovered and every plan compiled; a configuration that cannot be used never
replaces one that runs; after the port is closed nothing is accepted, and what was accepted is sent, on disk, or counted as lost.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from socket import socket
from typing import Final

from scrubjay.categories import Quantities
from scrubjay.core.client_reports import ClientReports
from scrubjay.core.limits import LimitTable
from scrubjay.core.pipeline import process
from scrubjay.core.ports import Ports
from scrubjay.core.sampling.first_n import Occasions
from scrubjay.runtime import log
from scrubjay.runtime.books import Books
from scrubjay.runtime.broadcasts import Broadcasts
from scrubjay.runtime.capturing.opening import open_sink
from scrubjay.runtime.capturing.sink import CaptureSink
from scrubjay.runtime.configuration import Configuration
from scrubjay.runtime.delivery import Delivery, open_delivery
from scrubjay.runtime.doors import Doors, open_doors
from scrubjay.runtime.ending import Ending
from scrubjay.runtime.endpoints import front_door, routes
from scrubjay.runtime.frugality import open_loop, settle
from scrubjay.runtime.greeting import Greeting, greet
from scrubjay.runtime.health import Health
from scrubjay.runtime.managed.opening import Managed
from scrubjay.runtime.memory import MemoryGauge
from scrubjay.runtime.names import instance_name, new_id
from scrubjay.runtime.pressure import Pressure
from scrubjay.runtime.projects import Projects
from scrubjay.runtime.pulse import Pulse
from scrubjay.runtime.quota_backends import open_backend
from scrubjay.runtime.reporter import Reporter
from scrubjay.runtime.seat import Seat
from scrubjay.runtime.share import share_of
from scrubjay.runtime.spool.partition import Partition
from scrubjay.runtime.spool.types import SpoolEvent
from scrubjay.runtime.spool_opening import open_own_spool, tell_spool_event
from scrubjay.runtime.standing import Standings
from scrubjay.runtime.webhooks import start_webhooks
from scrubjay.settings.load import Loaded
from scrubjay.settings.schema import Settings

EXIT_OK: Final = 0
EXIT_LOST: Final = 3
_CERTIFICATES_S: Final = 2.0
_LOG: Final = logging.getLogger("scrubjay.worker")


def run(loaded: Loaded, seat: Seat | None = None, greeting: Greeting = greet) -> int:
    """Serves until a signal ends it; returns the exit status. Raises `ConfigError` if it cannot start."""
    logging = loaded.settings.logging
    log.configure(
        logging.level, logging.format, worker=seat.slot if seat else None, backtraces=logging.enable_backtraces
    )
    with asyncio.Runner(loop_factory=lambda: open_loop(loaded.settings)) as runner:
        return runner.run(Worker(loaded, seat).serve(greeting))


class Worker:
    """All parts of one process, in the order in which they are built."""

    def __init__(self, loaded: Loaded, seat: Seat | None = None) -> None:
        self._loaded = loaded
        self._seat = seat
        self._number = None if seat is None else seat.slot
        self._workers = 1 if seat is None else seat.workers
        self._reports = ClientReports(interval_s=loaded.settings.outcomes.aggregator.bucket_interval)
        self._limits = LimitTable()
        self._memory = MemoryGauge(family=seat is not None)
        self._pressure = Pressure(loaded.settings, self._memory)
        self._spool: Partition | None = None
        self._delivery: Delivery | None = None
        self._sink: CaptureSink | None = None
        self._doors: Doors | None = None
        self._broadcasts: Broadcasts | None = None
        self._ending = Ending(seat)
        self._changing = asyncio.Lock()
        """Held by whoever builds or exchanges parts."""

    # Life

    async def serve(self, greeting: Greeting = greet) -> int:
        """Starts, waits for a signal, stops; returns the exit status. A signal during the start is obeyed after it."""
        self._listen_to_signals()
        greeting(self._loaded.settings, await self.start())
        settle()
        await self._ending.begun.wait()
        return await self.stop()

    async def start(self, given: socket | None = None) -> Doors:
        """Opens, and leaves the process as it is. `given`: a socket to serve on. Raises `ConfigError`, with nothing left open."""
        async with self._changing:
            try:
                return await self._build(given)
            except BaseException:
                await self._abandon()
                raise

    async def _build(self, given: socket | None) -> Doors:
        settings = share_of(self._loaded.settings)
        if self._seat is None or self._seat.slot == 0:
            for text in self._loaded.warnings:
                _LOG.warning(text)
            for text in self._loaded.notices:
                _LOG.info(text)
        if settings.relay.mode != "capture":
            is_ending = self._ending.begun.is_set
            self._spool = await open_own_spool(settings, self._on_spool_event, self._number, self._workers, is_ending)
        self.books = self._open_books(settings)
        self._broadcasts = Broadcasts(settings, self.telemetry, self._number)
        if self._seat is not None and self._seat.follows_a_death:
            self.telemetry.worker_restarted()
        self._projects = Projects(settings, self._loaded.projects, self.telemetry, time.monotonic)
        self._sink = open_sink(settings, self._projects.find)
        if settings.relay.mode != "capture":
            self._delivery = await open_delivery(
                settings,
                self._spool,
                self._ledger,
                self.telemetry,
                self._limits,
                self._projects,
                self.books.chronicle.inherit,
                self._pressure.may_read,
                self._loaded.credentials,
            )
            self._delivery.config_dir = self._loaded.config_dir
            if settings.relay.mode == "managed":
                managed = self._delivery.managed = Managed(self._loaded, settings, self._delivery, self.telemetry)
                self._projects.fetched = managed.fetched
                await managed.start()
            self._pressure.room = self._delivery.outbox
            self.books.chronicle.adopted = self._delivery.adopted
            if self._spool is not None:  # what was found is on its way already, and its books are not kept yet
                self._spool.before_acks = self.books.chronicle.write
        self._reporter = self._build_reporter()
        if self._delivery is None:
            self.telemetry.close_account(())
        self._configuration = Configuration(self._loaded, self.telemetry, is_replaced=self._seat is not None)
        self.ports = ports = self._build_ports()
        self.ports.obey(settings)
        if self._delivery is not None:
            self._delivery.waiting.process = lambda ingress: process(ingress, ports)
        self.books.chronicle.standings = Standings(self.ports.quotas, self._limits, self.books.spikes)
        self._obey_report_settings()
        self._watch()
        bodies = self._pressure.bodies(settings.limits)
        self._front = front_door(settings, self.ports, self._health, self.telemetry, bodies, self._delivery)
        listener, beside = (self._seat.listener, self._seat.beside) if self._seat else (given, {})
        self._doors = doors = await open_doors(self._front, settings, listener, self.telemetry, beside)
        self.books.keep(self._pulse)
        self._health.has_started = True
        self._begin_pulse()
        return doors

    async def _abandon(self) -> None:
        """Closes what a start that failed had opened."""
        if self._delivery is not None:
            await self._delivery.close(time.monotonic())
        elif self._spool is not None:
            await self._spool.close()
        if self._broadcasts is not None:
            await self._broadcasts.close()

    async def stop(self) -> int:
        """Steps 1 to 8 of `upstream-and-operations.md` 9.6. Returns the exit status."""
        settings = self._loaded.settings
        self._health.is_stopping = True
        if self._seat is not None:
            self._seat.say_stopping()
        _LOG.info("stopping")
        if settings.relay.shutdown_delay and not self._ending.is_awaited:
            await asyncio.sleep(settings.relay.shutdown_delay)
        timeout_s = settings.limits.shutdown_timeout
        deadline_mono = time.monotonic() + timeout_s
        await self._close_port(timeout_s / 2)
        await asyncio.gather(self._pulse.stop(), self.ports.quotas.close())
        await self._reporter.send()
        lost = await self._delivery.drain(deadline_mono) if self._delivery else 0
        await self._reporter.close()
        if self._delivery is not None:
            await self._delivery.close(deadline_mono)
        await self.books.close()
        if lost:
            _LOG.error("stopped; %d envelopes were in memory alone and are lost", lost)
        elif settings.spool.envelopes.ephemeral and self._spool is not None and (left := self._spool.usage.records):
            _LOG.warning(
                "stopped; %d envelopes are left in the spool, and lost if its folder goes with the relay", left
            )
        else:
            _LOG.info("stopped")
        if self._broadcasts is not None:
            await self._broadcasts.close()
        return EXIT_LOST if lost else EXIT_OK

    def _open_books(self, settings: Settings) -> Books:
        slot = self._spool.slot if self._spool else self._seat.slot if self._seat else 0
        books = Books(settings, slot, self._workers, self._reports, self._limits, self._held, self._partitions)
        self.telemetry, self._ledger = books.telemetry, books.ledger
        self._health = Health(books.chronicle.metrics, books.chronicle.merged)
        self._pulse = Pulse(self.telemetry)
        return books

    def _build_ports(self) -> Ports:
        settings = self._loaded.settings
        return Ports(
            plans=self._projects,
            limits=self._limits,
            quotas=open_backend(settings.quotas, self._seat.ledger if self._seat else "", self._health, self.telemetry),
            ledger=self._ledger,
            outbox=self._delivery.outbox if self._delivery else None,
            bounds=settings.limits,
            rng=random.random,
            new_id=new_id,
            in_thread=asyncio.to_thread,
            has_memory=self._memory.has_room,
            occasions=Occasions(self._workers),
            spikes=self.books.spikes,
            waiting=self._delivery.waiting if self._delivery and settings.relay.mode == "managed" else None,
            pressure=self._pressure,
            capture=self._sink,
            audit=self.books.audit,
            instance=instance_name(settings.relay.state_dir),
        )

    def _build_reporter(self) -> Reporter:
        return Reporter(
            self._reports,
            self._ledger,
            self._delivery.outbox if self._delivery else None,
            self._limits,
            delay_s=self._loaded.settings.outcomes.aggregator.initial_delay,
            on_error=self.telemetry.internal_error,
            scoping_of=self._projects.scoping,
        )

    def _obey_report_settings(self) -> None:
        """Reports of clients are taken over only where ours are sent."""
        settings = self._loaded.settings
        self._reporter.is_on = bool(settings.outcomes.emit_outcomes)
        told = self._reports if self._reporter.is_on and self._delivery is not None else None
        self.ports.reports = told if settings.client_reports.mode == "merge" else None
        self.ports.reports_of_relays = told

    # The port

    @property
    def port(self) -> int:
        assert self._doors is not None
        return self._doors.number

    async def _close_port(self, wait_s: float) -> None:
        """Takes nobody new, and answers what was begun, if it ends in time."""
        assert self._doors is not None
        if self._sink is not None:
            self._sink.close()
        await self._doors.close(wait_s)

    # Signals

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        self._ending.listen(self._note_refusal)
        loop.add_signal_handler(signal.SIGHUP, self._on_signal, self.reload, "reload")
        loop.add_signal_handler(signal.SIGUSR1, self._on_signal, self._toggle_sending, "toggle-sending")
        loop.add_signal_handler(signal.SIGUSR2, self._on_signal, self._tell_all, "tell-all")

    def _note_refusal(self) -> None:
        if self._doors is not None:
            self._configuration.refused()

    def _on_signal(self, work: Callable[[], Awaitable[None] | None], name: str) -> None:
        if self._doors is not None:  # what is starting has read everything a moment ago
            self._pulse.once(work, name)

    def _toggle_sending(self) -> None:
        if self._delivery is not None:
            _LOG.warning("sending goes on" if self._delivery.toggle() else "sending is paused; what comes is held")

    def _tell_all(self) -> None:
        for task in asyncio.all_tasks():
            _LOG.info("task %s", task.get_name())
        for name, balance in self.books.chronicle.merged().account.items():
            _LOG.info("account of %s: %s", name, balance)
        _LOG.info("%r", self)

    # Pulse

    def _begin_pulse(self) -> None:
        settings, every = self._loaded.settings, self._pulse.every
        if (seat := self._seat) is not None:
            seat.say(self.books.slot)
            every(1.0, lambda: seat.say(self.books.slot), "sign-of-life")
        every(lambda: self._loaded.settings.health.memory_stat_refresh_frequency_ms / 1000, self._measure, "measure")
        if self._delivery is not None:
            every(1.0, self._delivery.adopt, "adoption")
            every(1.0, self._delivery.waiting.look, "waiting-room")
        options, read = lambda: self._loaded.settings.webhooks, self.books.chronicle.as_written
        start_webhooks(self._number, options, read, self._pulse, self.telemetry)
        if self._broadcasts is not None:
            self._broadcasts.begin(read, self.port, self._pulse)
        every(lambda: self._loaded.settings.cache.file_interval, self._look_at_projects, "projects")
        every(self._configuration.poll_s, self._look_at_configuration, "configuration")
        if self._doors is not None and settings.tls.cert is not None:
            every(_CERTIFICATES_S, self._doors.renew, "certificates")

    def _measure(self) -> None:
        self._pressure.measure()
        self.telemetry.memory_ratio(self._memory.ratio)
        self.telemetry.shed(self._pressure.kinds_refused)
        if self._doors is not None:
            self.telemetry.connections(self._doors.connections)

    # Reload

    async def reload(self) -> None:
        """Reads all sources again and puts them in force. What cannot be used changes nothing."""
        async with self._changing:
            loaded = await self._configuration.read_again()
            if loaded is not None:
                await self._put_in_force(loaded)
        if self._doors is not None:
            await self._doors.renew()

    async def _look_at_configuration(self) -> None:
        """As `reload`, if there is anything new and somebody wants it looked for."""
        if not self._configuration.is_polled:
            return
        async with self._changing:
            loaded = await self._configuration.read_again()
            if loaded is not None and self._configuration.differs(loaded):
                await self._put_in_force(loaded)

    async def _look_at_projects(self) -> None:
        """Picks up changed project files without being told, as a mounted ConfigMap changes them."""
        async with self._changing:
            loaded = await self._configuration.changed_projects()
            if loaded is not None:
                await self._put_in_force(loaded)

    async def _put_in_force(self, loaded: Loaded) -> None:
        self._configuration.put_in_force(loaded)
        self._loaded, settings = loaded, share_of(loaded.settings)
        await self._projects.reload(settings, loaded.projects)
        self._limits.forget_own()
        self._pressure.reconfigure(settings)
        self.telemetry.count_projects_apart(apart=settings.metrics.per_project)
        logging = settings.logging
        log.configure(logging.level, logging.format, worker=self._number, backtraces=logging.enable_backtraces)
        self.ports.obey(settings)
        self._obey_report_settings()
        self._front.route(routes(settings, self.ports, self._health, self._delivery))
        if self._delivery is not None:
            await self._delivery.reload(settings, loaded)
        self._configuration.next_generation()

    # State

    def _watch(self) -> None:
        """In few words, and nothing that is not for everybody: who has no listener of its own for probes answers them to whoever asks."""
        watch, outbox = self._health.watch, self._delivery.outbox if self._delivery else None
        watch("memory", lambda: (self._memory.has_room(), f"{self._memory.ratio:.0%} used"))
        remark = self._configuration.remark
        watch("configuration", lambda: (True, remark() + ("" if self._projects.ok else ", a file cannot be used")))
        watch("audit", lambda: (True, self.books.audit.problem))
        if outbox is not None:
            watch("spool", lambda: (outbox.has_capacity(), (self._spool or outbox).condition))
        if self._delivery is not None and self._delivery.managed is not None:
            watch("authentication", self._delivery.managed.check)

    def _held(self) -> Mapping[str, Quantities]:
        return self._delivery.held() if self._delivery else {}

    def _partitions(self) -> Sequence[Partition]:
        return self._delivery.partitions if self._delivery else ()

    def _on_spool_event(self, event: SpoolEvent) -> None:
        tell_spool_event(event, self.telemetry)
        if self._delivery is not None:
            self._delivery.outbox.on_spool_event(event)

    def __repr__(self) -> str:
        return f"<Worker {self._configuration!r} {self._delivery!r}>"
