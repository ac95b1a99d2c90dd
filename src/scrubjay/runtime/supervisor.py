"""The process that must not die: it holds the sockets, starts workers, and starts them again (`upstream-and-operations.md` 7.8, 9.6, 10.1).

It does nothing for a request, imports the standard library alone, and never reads a setting itself: its orders are written by others
(`supervision.orders`). Owns signals, the order of starting, replacing and stopping, and the quota ledger; a worker's life is
`supervision.slot`'s, its command line `supervision.child`'s.

Why it is built so. *A connection is never refused while a worker is replaced or dies:* the slot's socket lives here, and the kernel holds what
arrives for the successor. *At most one process writes a partition:* a slot's next worker starts when the last one has ended, so replacing is
first draining, then starting, one slot after the other. *Workers do not outlive it:* the channel ends with this process, however it ends,
and a worker that sees that ends in order. *A bad configuration reaches nobody:* at SIGHUP it is read by a child first; only one that is
usable is told to the workers, and one that needs new workers must let every project compile. *Whoever cannot start does not take the
others along:* a worker that refuses its configuration while others serve is tried again, ever less often.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from scrubjay.errors import ConfigError
from scrubjay.runtime import log
from scrubjay.runtime.quota_sharing.service import Sharing
from scrubjay.runtime.supervision.child import Check, Workers
from scrubjay.runtime.supervision.ledger import Ledger
from scrubjay.runtime.supervision.orders import PINNED, Orders
from scrubjay.runtime.supervision.slot import EXIT_REFUSED, REFUSED, RETIRE, Launch, Slot
from scrubjay.runtime.supervision.sockets import bind, bind_beside, claim, leaving, port_of, shown

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_LOST: Final = 3
_STOPS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_SIGNALS: Final = (*_STOPS, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD)
_TICK_S: Final = 1.0
_GRACE_S: Final = 2.0
"""How much longer than it should a worker may take to end."""
_AT_ONCE_S: Final = 1.0
_LOG: Final = logging.getLogger("scrubjay.supervisor")


class Supervisor:
    """All slots of one address. `launch` starts workers, `check` begins to read the configuration again, `obey_sharing` hands on what the quota
    ledger has to know, `beside` are each slot's further listeners. `on_ready` hears that a worker listens."""

    def __init__(
        self,
        orders: Orders,
        listeners: Sequence[socket.socket],
        launch: Launch,
        check: Callable[[], Check],
        obey_sharing: Callable[[Sharing], None],
        mono: Callable[[], float] = time.monotonic,
        beside: Sequence[Mapping[str, socket.socket]] = (),
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        others = beside or [{}] * len(listeners)
        self.slots = [Slot(number, *held) for number, held in enumerate(zip(listeners, others, strict=True))]
        self._orders = orders
        self._launch = launch
        self._begin_check = check
        self._obey_sharing = obey_sharing
        self._on_ready = on_ready
        self._mono = mono
        self._selector = selectors.DefaultSelector()
        self._check: Check | None = None
        self._check_again = False
        self._is_paused = False
        self._to_replace: deque[Slot] = deque()
        self._replaced: Slot | None = None
        self._kill_at_mono: float | None = None
        """When the worker that is replaced, or, at the end, whoever is left, has had its time."""
        self._status: int | None = None
        """Set once it stops: the exit status so far."""

    # Life

    def run(self) -> int:
        """Until a signal, or a worker that cannot live, ends it; returns the exit status."""
        woken, waker = socket.socketpair()
        with woken, waker:
            for end in (woken, waker):
                end.setblocking(False)
            self._selector.register(woken, selectors.EVENT_READ, lambda: self._on_signals(woken.recv(4096)))
            signal.set_wakeup_fd(waker.fileno())
            for number in _SIGNALS:
                signal.signal(number, lambda *_: None)
            while self._status is None or any(slot.process for slot in self.slots):
                self.step()
                for key, _ in self._selector.select(self._wait_s()):
                    key.data()
            signal.set_wakeup_fd(-1)
        return self._status

    def step(self) -> None:
        """Everything that is due now."""
        now_mono = self._mono()
        for slot in self.slots:
            status = slot.ended()
            if status is not None:
                self._on_end(slot, status, now_mono)
        for slot in self.slots:
            if slot.start_at_mono is not None and slot.start_at_mono <= now_mono and self._status is None:
                self._start(slot, now_mono)
            if slot.is_silent(now_mono):
                _LOG.error("the worker of slot %d has not been heard of for long and is killed", slot.number)
                slot.signal(signal.SIGKILL)
                slot.is_stopping = True
        self._take_checked()
        self._go_on_replacing(now_mono)
        self._kill_late(now_mono)

    def _wait_s(self) -> float:
        now_mono = self._mono()
        due = [slot.start_at_mono for slot in self.slots if slot.start_at_mono is not None]
        if self._kill_at_mono is not None:
            due.append(self._kill_at_mono)
        return max(0.0, min([_TICK_S, *(each - now_mono for each in due)]))

    def _start(self, slot: Slot, now_mono: float) -> None:
        try:
            slot.start(self._launch, now_mono)
        except OSError as error:
            _LOG.error("no process for slot %d: %s", slot.number, error.strerror or error)
            return
        assert slot.channel is not None
        self._selector.register(slot.channel, selectors.EVENT_READ, lambda: self._on_word(slot))

    def _on_word(self, slot: Slot) -> None:
        channel = slot.channel
        became_ready = slot.hear(self._mono())
        if channel is not None and slot.channel is None:
            self._forget_closed()
        if not became_ready:
            return
        _LOG.info("worker of slot %d is ready", slot.number, extra={"fields": {"pid": slot.pid}})
        self._on_ready()
        if self._is_paused:
            slot.signal(signal.SIGUSR1)
        if slot.must_reload:
            slot.signal(signal.SIGHUP)
        if slot is self._replaced:
            self._replaced = None

    def _forget_closed(self) -> None:
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket) and key.fileobj.fileno() < 0:
                self._selector.unregister(key.fileobj)

    # Deaths

    def _on_end(self, slot: Slot, status: int, now_mono: float) -> None:
        self._forget_closed()
        if self._status is not None:
            self._note_last(slot, status)
        elif slot is self._replaced and slot.is_stopping:
            slot.vacate(now_mono)
        else:
            self._on_death(slot, status, now_mono)

    def _on_death(self, slot: Slot, status: int, now_mono: float) -> None:
        refused = status == EXIT_REFUSED and not slot.is_ready
        if refused and not any(each.was_ready for each in self.slots):
            self.stop(EXIT_FAILED)  # it has said why
            return
        pause_s = slot.died(now_mono)
        fields = {"status": _shown(status), "next_in_s": round(pause_s, 2)}
        _LOG.warning("the worker of slot %d ended", slot.number, extra={"fields": fields})
        if slot is self._replaced:
            _LOG.error("the other workers are not replaced: the first with the new configuration did not start")
            self._replaced = None
            self._to_replace.clear()
        if slot.dies_too_often(now_mono) and not (refused and any(each.is_ready for each in self.slots)):
            _LOG.error("the workers of slot %d die one after the other", slot.number)
            self.stop(EXIT_FAILED)

    def _note_last(self, slot: Slot, status: int) -> None:
        """How a worker ended that was told to. One that was not ready had accepted nothing, whatever its status is."""
        slot.start_at_mono = None
        if status == EXIT_LOST or self._status == EXIT_LOST:
            self._status = EXIT_LOST
        elif status != EXIT_OK and slot.is_ready:
            _LOG.error("the worker of slot %d did not end in order: %s", slot.number, _shown(status))
            self._status = EXIT_FAILED

    # Signals

    def _on_signals(self, numbers: bytes) -> None:
        for number in numbers:
            if number in _STOPS:
                self._on_stop(number)
            elif number == signal.SIGHUP:
                self._begin_to_reload()
            elif number == signal.SIGUSR1:
                self._is_paused = not self._is_paused
                self._signal_ready(number)
            elif number == signal.SIGUSR2:
                _LOG.info("%r", self)
                self._signal_ready(number)

    def _on_stop(self, number: int) -> None:
        if self._status is None and number != signal.SIGQUIT:
            self.stop(EXIT_OK)
            return
        # The second one, or SIGQUIT, waits for nothing: what was accepted is on disk already.
        for slot in self.slots:
            slot.signal(signal.SIGQUIT)
        give_up_mono = self._mono() + _AT_ONCE_S
        while any(slot.process for slot in self.slots) and self._mono() < give_up_mono:
            time.sleep(0.01)
            for slot in self.slots:
                slot.ended()
        for slot in self.slots:
            slot.signal(signal.SIGKILL)
        os._exit(128 + number)

    def _signal_ready(self, number: int) -> None:
        for slot in self.slots:
            if slot.is_ready:
                slot.signal(number)

    def stop(self, status: int) -> None:
        """Lets all workers end in order. From here on what arrives is refused as soon as they take nobody new."""
        _LOG.info("stopping")
        self._status = status
        self._to_replace.clear()
        self._replaced = None
        if self._check is not None:
            self._check.end()
            self._check = None
        for slot in self.slots:
            slot.start_at_mono = None
            slot.is_stopping = True
            slot.signal(signal.SIGTERM)
            for listener in (slot.listener, *slot.beside.values()):
                listener.close()
        orders = self._orders
        self._kill_at_mono = self._mono() + orders.shutdown_delay_s + orders.shutdown_timeout_s + _GRACE_S

    def _kill_late(self, now_mono: float) -> None:
        if self._kill_at_mono is None or now_mono < self._kill_at_mono:
            return
        self._kill_at_mono = None
        late = self.slots if self._status is not None else [self._replaced] if self._replaced else []
        for slot in late:
            if slot.process is not None and slot.is_stopping:
                _LOG.error("the worker of slot %d did not end in time and is killed", slot.number)
                slot.signal(signal.SIGKILL)

    # Reload

    def _begin_to_reload(self) -> None:
        if self._check is not None:
            self._check_again = True
        elif self._status is None:
            self._check = self._begin_check()

    def _take_checked(self) -> None:
        result = self._check.result() if self._check is not None else None
        if result is None:
            return
        self._check = None
        if self._check_again:
            self._check_again = False
            self._begin_to_reload()
        elif isinstance(result, str):
            self._refuse(result)
        else:
            self._obey(result)

    def _refuse(self, problem: str) -> None:
        _LOG.error("configuration not used", extra={"fields": {"problem": problem}})
        for slot in self.slots:
            slot.tell(REFUSED)

    def _obey(self, newer: Orders) -> None:
        changes = self._orders.changes(newer)
        if changes.mode:
            self._refuse("relay.mode: the mode changes with a restart only")
            return
        if changes.replacing and newer.problems:
            self._refuse("; ".join(newer.problems))
            return
        if changes.pinned:
            _LOG.warning("changed, and in force only after a restart of the whole: %s", ", ".join(changes.pinned))
        old = self._orders
        pinned = {name.removeprefix("relay."): getattr(old, name.removeprefix("relay.")) for name in PINNED}
        self._orders = replace(newer, **pinned)
        log.configure(newer.log_level, newer.log_format)
        self._obey_sharing(newer.sharing)
        self._signal_ready(signal.SIGHUP)
        for slot in self.slots:
            slot.must_reload = slot.process is not None and not slot.is_ready
        if changes.replacing:
            _LOG.info("workers are replaced one by one, for: %s", ", ".join(changes.replacing))
            self._to_replace = deque(self.slots)

    def _go_on_replacing(self, now_mono: float) -> None:
        if self._replaced is not None or not self._to_replace:
            return
        slot = self._to_replace[0]
        if slot.process is None:  # the next one reads the new configuration anyway
            self._to_replace.popleft()
        elif slot.is_ready and not slot.is_stopping:
            self._replaced = self._to_replace.popleft()
            slot.is_stopping = True
            slot.tell(RETIRE)
            self._kill_at_mono = now_mono + self._orders.shutdown_timeout_s + _GRACE_S

    def __repr__(self) -> str:
        return f"<Supervisor {self._orders.mode} {self.slots!r}>"


def _shown(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def main(arguments: Sequence[str]) -> int:
    """`arguments`: the descriptor that the orders are read from, then the flags of all workers."""
    with os.fdopen(int(arguments[0]), "rb") as source:
        orders = Orders.load(source.read())
    flags = arguments[1:]
    log.configure(orders.log_level, orders.log_format)
    ledger = Ledger(Path(orders.state_dir))
    try:
        claims = claim(orders)
        listeners = bind(orders.host, orders.port, orders.workers)
        beside = bind_beside(orders)
        ledger.start(orders.sharing)
    except ConfigError as error:
        sys.stderr.write(f"config: {error}\n")
        return EXIT_FAILED
    port = port_of(listeners[0])
    _LOG.info("listening on %s:%d in mode %s with %d workers", orders.host, port, orders.mode, orders.workers)
    for held in beside[0].values():
        _LOG.info("listening on %s too", shown(held))
    leave = leaving(orders)
    try:
        launch = Workers(flags, orders, port, ledger.path)
        check = partial(Check, flags)
        return Supervisor(orders, listeners, launch, check, ledger.obey, beside=beside, on_ready=claims.close).run()
    finally:
        leave()
        ledger.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
