"""All addresses of one worker: the configured ones, and those at which developers' SDKs look for it (`capture.md` 2).

Owns which listeners there are, what each answers and speaks, and taking over new certificates (`upstream-and-operations.md` 2.3, 2.4). Accepting is
`port`'s, TLS `handshakes`', the routes `endpoints`'.

A capture on this machine is reached by the name `localhost`, which may mean 127.0.0.1 or ::1, and by the port that SDKs have built in
for Spotlight. Only the configured addresses have to be had: of the others, what cannot be is done without.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from scrubjay.errors import ConfigError
from scrubjay.runtime import handshakes, port
from scrubjay.runtime.bound_socket import bound_socket, bound_unix_socket, unix_socket_leaver
from scrubjay.runtime.certificates import Certificates, certificates_of
from scrubjay.runtime.endpoints.front import Front
from scrubjay.runtime.endpoints.fronts import Fronts
from scrubjay.runtime.handshakes import Handshakes
from scrubjay.runtime.port import Port, open_port
from scrubjay.settings.schema import Settings

_LOOPBACK: Final = {"127.0.0.1": "::1", "::1": "127.0.0.1"}
_LOG: Final = logging.getLogger("scrubjay.worker")


class Observer(port.Observer, handshakes.Observer, Protocol):
    """`runtime.telemetry` is the real one."""

    def certificate(self, listener: str, expires_unix: float) -> None: ...

    def certificates_renewed(self, problem: str = "", *, of: str = "upstream") -> None: ...


class Doors:
    """Open from `open_doors` until `close`. `spotlight` is the number of that port, if it could be had, `internal` that of the internal
    listener; `secured` says which listeners speak TLS.
    """

    def __init__(self, certificates: Certificates | None, secured: Sequence[str], observer: Observer) -> None:
        self.number = 0
        """The port that was configured, or taken for 0."""
        self.internal: int | None = None
        self.spotlight: int | None = None
        self._ports: list[Port] = []
        self._certificates = certificates
        self._secured = secured
        self._observer = observer
        self._leave: list[Callable[[], None]] = []

    @property
    def connections(self) -> int:
        """Those that are open, of all listeners."""
        return sum(each.connections for each in self._ports)

    def add(self, made: Port) -> None:
        self._ports.append(made)

    def at_end(self, work: Callable[[], None]) -> None:
        """Is called when all are closed."""
        self._leave.append(work)

    async def renew(self) -> None:
        """Takes over new certificates, if there are any, for connections from now on."""
        certificates = self._certificates
        if certificates is None or not certificates.has_changed():
            return
        try:
            await asyncio.to_thread(certificates.renew)
        except ConfigError as error:
            self._observer.certificates_renewed(str(error), of="listener")
            return
        self.tell()
        self._observer.certificates_renewed(of="listener")

    def tell(self) -> None:
        """How long what is shown is good."""
        if self._certificates is not None:
            for listener in self._secured:
                self._observer.certificate(listener, self._certificates.shown.until_unix)

    async def close(self, wait_s: float) -> None:
        """Takes nobody new, and answers what was begun, if it ends in time."""
        await asyncio.gather(*(each.close(wait_s) for each in self._ports))
        for work in self._leave:
            work()

    def __repr__(self) -> str:
        return f"<Doors {self._ports} {self._certificates!r}>"


async def open_doors(
    fronts: Fronts,
    settings: Settings,
    given: socket.socket | None,
    observer: Observer,
    beside: Mapping[str, socket.socket] = MappingProxyType({}),
) -> Doors:
    """Begins to accept. `given` and `beside` are sockets that somebody else holds: the main one, and by name `internal` and `unix`.

    Raises `ConfigError` if a configured address cannot be had or a certificate cannot be used, with nothing left open.
    """
    opening = _Opening(fronts, settings, observer)
    try:
        await opening.main(given)
        await opening.internal(beside.get("internal"))
        await opening.unix(beside.get("unix"))
        if settings.relay.mode == "capture" and settings.relay.host in _LOOPBACK:
            await opening.for_developers()
    except BaseException:
        await opening.doors.close(0)
        raise
    return opening.doors


class _Opening:
    """One address after the other. Each method raises `ConfigError` if its address cannot be had."""

    def __init__(self, fronts: Fronts, settings: Settings, observer: Observer) -> None:
        self._fronts = fronts
        self._settings = settings
        self._observer = observer
        self._public: Handshakes | None = None
        self._internal: Handshakes | None = None
        certificates = certificates_of(settings.tls)
        if certificates is not None:
            self._public = Handshakes(certificates, observer)
            if settings.tls.internal:
                self._internal = Handshakes(certificates, observer, internal=True)
            if certificates.is_expired:
                _LOG.warning(
                    "tls.cert: the certificate has expired, and no client will accept it: %s", certificates.shown
                )
        secured = ["public", *(["internal"] if self._internal else [])]
        self.doors = Doors(certificates, secured, observer)
        self.doors.tell()

    async def main(self, given: socket.socket | None) -> None:
        relay = self._settings.relay
        made = await self._open(self._fronts.public, given, secure=self._public)
        self.doors.number = made.number
        if given is None:
            how = ", with TLS" if self._public is not None else ""
            _LOG.info("listening on %s:%d in mode %s%s", relay.host, made.number, relay.mode, how)

    async def internal(self, given: socket.socket | None) -> None:
        front, relay = self._fronts.internal, self._settings.relay
        host, number = relay.internal_host, relay.internal_port
        if front is None or host is None or number is None:
            return
        bound = given or _bound(lambda: bound_socket(host, number), f"{host}:{number}", "relay.internal_port")
        made = await self._open(front, bound, secure=self._internal)
        self.doors.internal = made.number
        if given is None:
            _LOG.info("listening on %s:%d for health, metrics and administration", host, made.number)

    async def unix(self, given: socket.socket | None) -> None:
        path = self._settings.relay.unix_socket
        if path is None:
            return
        bound = given or _bound(lambda: bound_unix_socket(path), path, "relay.unix_socket")
        if given is None:
            self.doors.at_end(unix_socket_leaver(path))
            _LOG.info("listening on %s", path)
        await self._open(self._fronts.public, bound)

    async def for_developers(self) -> None:
        host, doors = self._settings.relay.host, self.doors
        await self._on_the_other_address(doors.number, self._public)
        wanted = self._settings.capture.spotlight_port
        if wanted is None or wanted == doors.number:
            return
        try:
            made = await self._open(self._fronts.public, None, at=(host, wanted))
        except ConfigError as error:
            _LOG.warning("%s; SDKs with the switch `spotlight` will not find this sink", error.problem)
            return
        doors.spotlight = made.number
        _LOG.info("listening on %s:%d for SDKs with the switch `spotlight`", host, made.number)
        await self._on_the_other_address(made.number, None)

    async def _on_the_other_address(self, number: int, secure: Handshakes | None) -> None:
        """The same port on the other loopback address, where there is one."""
        try:
            at = (_LOOPBACK[self._settings.relay.host], number)
            await self._open(self._fronts.public, None, at=at, secure=secure)
        except ConfigError as error:
            _LOG.debug("%s", error.problem)

    async def _open(
        self,
        front: Front,
        bound: socket.socket | None,
        *,
        at: tuple[str, int] | None = None,
        secure: Handshakes | None = None,
    ) -> Port:
        made = await open_port(front, self._settings, bound, self._observer, at=at, handshakes=secure)
        self.doors.add(made)
        return made


def _bound(bind: Callable[[], socket.socket], shown: str, key: str) -> socket.socket:
    try:
        return bind()
    except OSError as error:
        raise ConfigError(f"cannot listen on {shown}: {error.strerror or error}", path=key) from error
