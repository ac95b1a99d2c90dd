"""The authority over quotas for the workers of a host: a thread of the supervisor behind a Unix socket (`decisions.md` 9.4).

Owns the socket and the wire: a message is its length in four bytes and JSON, one answer to each ask, in order. What is counted is the
`Authority`'s. Standard library only. Who can open the socket is trusted, so that it belongs to the user alone.

A worker that goes away takes what it held with it: these tokens are lost for the slot, and no limit is exceeded. So are those of an answer
that did not reach its worker.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from scrubjay.runtime.quota_sharing.authority import Authority, OwnAuthority, SharedAuthority, Store
from scrubjay.runtime.quota_sharing.ledger import Answer, Ask, Claim, Grant, Meter
from scrubjay.runtime.quota_sharing.outage import Policy

if TYPE_CHECKING:
    from scrubjay.settings.decisions import Quotas

SOCKET_NAME: Final = "quotas.sock"
_STORE: Final = "scrubjay.runtime.quota_sharing.store"
"""Imported by name, and only where there is a store: its client brings much that a supervisor has no use for."""
MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
LENGTH: Final = struct.Struct(">I")
_BEAT_S: Final = 1.0
_SEND_S: Final = 1.0
_RECENT_S: Final = 10.0
"""A worker that asked so lately holds tokens, probably."""
_LOG: Final = logging.getLogger("scrubjay.quotas")


@dataclass(frozen=True, slots=True)
class Sharing:
    """The settings `quotas.*`, in plain data. `redis`: a URL, empty for a host that shares with nobody."""

    redis: str = field(default="", repr=False)
    timeout_s: float = 0.05
    policy: Policy = "local"
    replicas: int = 1
    mode: Literal["lease", "sync"] = "lease"

    @property
    def ahead(self) -> bool:
        """Whether tokens are taken in advance."""
        return self.mode == "lease"


def sharing_of(settings: Quotas) -> Sharing:
    """The settings as those read them that must not know settings."""
    return Sharing(
        redis=settings.redis.reveal() if settings.redis else "",
        timeout_s=settings.redis_timeout_ms / 1000,
        policy=settings.on_redis_error,
        replicas=settings.replicas,
        mode=settings.mode,
    )


def open_store(sharing: Sharing) -> Store:
    """Raises ValueError for a URL that cannot be used, ImportError without the package `redis`. Does not connect yet."""
    store: Store = import_module(_STORE).RedisStore(
        sharing.redis,
        timeout_s=sharing.timeout_s,
        policy=sharing.policy,
        replicas=sharing.replicas,
    )
    return store


def open_authority(sharing: Sharing) -> Authority:
    """That of a host with several workers. Raises as `open_store`."""
    return SharedAuthority(open_store(sharing), ahead=sharing.ahead) if sharing.redis else OwnAuthority()


def pack(message: Ask | Answer) -> bytes:
    body = json.dumps(message, separators=(",", ":")).encode()
    return LENGTH.pack(len(body)) + body


def ask_of(body: bytes) -> Ask:
    """Raises ValueError or TypeError for what is none."""
    meters, claims, wants, returns = json.loads(body)
    asked = [Claim([(index, need) for index, need in parts], after) for parts, after in claims]
    return Ask([Meter(*row) for row in meters], asked, wants, [(slot, unused) for slot, unused in returns])


def answer_of(body: bytes) -> Answer:
    """Raises ValueError or TypeError for what is none."""
    now_unix, holders, grants, problem = json.loads(body)
    return Answer(now_unix, holders, [Grant(*row) for row in grants], problem)


class _Peer:
    """One worker's connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.received = bytearray()
        self.asked_mono = time.monotonic()

    def messages(self) -> list[bytes]:
        """The complete ones. Raises ValueError for one that is too long."""
        found: list[bytes] = []
        while len(self.received) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self.received)
            if length > MAX_MESSAGE_BYTES:
                raise ValueError(f"a message of {length} bytes")
            end = LENGTH.size + length
            if len(self.received) < end:
                break
            found.append(bytes(self.received[LENGTH.size : end]))
            del self.received[:end]
        return found


class QuotaService:
    """`start` and `stop` are the supervisor's; everything else happens in the thread."""

    def __init__(self, authority: Authority, path: Path) -> None:
        self._authority = authority
        self._path = path
        self._selector = selectors.DefaultSelector()
        self._peers: set[_Peer] = set()
        self._thread = threading.Thread(target=self._run, name="quotas", daemon=True)
        self._listener: socket.socket | None = None
        self._wake, self._woken = socket.socketpair()
        self._file = 0
        """Number of the socket's file: another instance may put its own in the place."""

    def start(self) -> None:
        """Raises OSError if the socket cannot be had."""
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(self._path))
            self._path.chmod(0o600)
            self._file = self._path.stat().st_ino
            listener.listen()
        except OSError:
            listener.close()
            raise
        listener.setblocking(False)
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread.start()

    def stop(self) -> None:
        """Answers what has come, gives back what is held, and closes."""
        if self._thread.is_alive():
            self._wake.send(b".")
            self._thread.join()
        self._wake.close()
        self._woken.close()

    def _run(self) -> None:
        beat_mono = time.monotonic()
        while self._serve():
            if time.monotonic() >= beat_mono:
                self._guard(self._authority.beat)
                beat_mono = time.monotonic() + _BEAT_S
        self._close()

    def _serve(self) -> bool:
        """Waits for something to do, and does it; False when it is to stop."""
        goes_on = True
        for key, _ in self._selector.select(_BEAT_S):
            if key.fileobj is self._woken:
                goes_on = False
            elif isinstance(key.data, _Peer):
                self._read(key.data)
            else:
                self._accept()
        return goes_on

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it went away before we came to it
            return
        connection.settimeout(_SEND_S)
        peer = _Peer(connection)
        self._peers.add(peer)
        self._selector.register(connection, selectors.EVENT_READ, peer)

    def _read(self, peer: _Peer) -> None:
        try:
            received = peer.connection.recv(1 << 16)
            peer.received += received
            for body in peer.messages():
                peer.asked_mono = time.monotonic()
                peer.connection.sendall(pack(self._authority.lease(ask_of(body), self._holders())))
        except Exception as error:  # noqa: BLE001  nonsense fails in many ways, and must not end the thread that all workers ask
            _LOG.warning("a worker's connection for quotas is closed: %s: %s", type(error).__name__, error)
            received = b""
        if not received:
            self._selector.unregister(peer.connection)
            peer.connection.close()
            self._peers.discard(peer)

    def _holders(self) -> int:
        recent_mono = time.monotonic() - _RECENT_S
        return sum(peer.asked_mono >= recent_mono for peer in self._peers)

    def _close(self) -> None:
        assert self._listener is not None
        for peer in self._peers:
            peer.connection.close()
        self._listener.close()
        self._selector.close()
        self._guard(self._authority.close)
        self._guard(self._remove)

    def _remove(self) -> None:
        if self._path.exists() and self._path.stat().st_ino == self._file:
            self._path.unlink()

    @staticmethod
    def _guard(work: Callable[[], None]) -> None:
        """Nothing that the authority does beside answering may end the thread."""
        try:
            work()
        except Exception:  # noqa: BLE001  counting must not end because one beat failed
            _LOG.exception("quotas")

    def __repr__(self) -> str:
        return f"<QuotaService {len(self._peers)} workers at {os.fspath(self._path)}>"
