"""What a worker was given by its supervisor: a slot, a socket that others hold too, and the channel that tells either of the other's end.

The worker's side of `supervision.slot`, which says what the words mean. A worker that runs alone has no seat.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType

from msgspec.structs import replace

from scrubjay.runtime.supervision.slot import REFUSED, STOPPING
from scrubjay.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Seat:
    """`slot` is the one to take, if it is free, of `workers`. `ledger`: path of the quota ledger's socket, if there is one. `follows_a_death`: the slot's last
    worker was not meant to end. `beside`: sockets of further listeners, by name: `internal`, `unix`."""

    slot: int
    workers: int
    listener: socket.socket
    channel: socket.socket
    ledger: str = ""
    follows_a_death: bool = False
    beside: Mapping[str, socket.socket] = field(default_factory=dict)

    @classmethod
    def take(
        cls,
        slot: int,
        workers: int,
        listener: int,
        channel: int,
        *,
        ledger: str = "",
        follows_a_death: bool = False,
        beside: Mapping[str, int | None] = MappingProxyType({}),
    ) -> Seat:
        """From inherited descriptors, which go no further: what a worker starts must not keep them alive."""
        held = {name: descriptor for name, descriptor in beside.items() if descriptor is not None}
        for descriptor in (listener, channel, *held.values()):
            os.set_inheritable(descriptor, False)
        line = socket.socket(fileno=channel)
        line.setblocking(False)
        others = {name: socket.socket(fileno=descriptor) for name, descriptor in held.items()}
        return cls(slot, workers, socket.socket(fileno=listener), line, ledger, follows_a_death, others)

    def held_to(self, settings: Settings) -> Settings:
        """The settings with those listeners beside the main one that the supervisor holds, whatever the sources say by now."""
        internal, unix = self.beside.get("internal"), self.beside.get("unix")
        host, port = internal.getsockname()[:2] if internal is not None else (None, None)
        path = unix.getsockname() if unix is not None else None
        relay = replace(settings.relay, internal_host=host, internal_port=port, unix_socket=path)
        return replace(settings, relay=relay)

    def say(self, word: int) -> None:
        """One byte to the supervisor: the slot that is owned, as a sign of life, or `STOPPING`."""
        with suppress(OSError):  # full, if it has not been reading for hours, or gone, which `listen` hears
            self.channel.send(bytes((word,)))

    def say_stopping(self) -> None:
        self.say(STOPPING)

    def listen(self, on_end: Callable[[], None], on_refused: Callable[[], None]) -> None:
        """Calls back on the running loop. `on_end`: a successor waits for the socket, or the supervisor is gone."""
        loop = asyncio.get_running_loop()

        def hear() -> None:
            try:
                heard = self.channel.recv(4096)
            except BlockingIOError:
                return
            except OSError:
                heard = b""
            if REFUSED in heard:
                on_refused()
            if not heard:
                loop.remove_reader(self.channel)
            if heard.strip(REFUSED) or not heard:
                on_end()

        loop.add_reader(self.channel, hear)
