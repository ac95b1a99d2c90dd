"""The quota ledger of the host, as the supervisor keeps it: where its socket is, and that it follows the settings.

Counting and talking are `quota_sharing`'s. Invariant: workers of one host never count each for themselves, since a limit would then hold once
for each of them; an instance that cannot have a ledger does not start. Instances that share a state folder, or follow each other in it, keep
their hands off each other's sockets.
"""

from __future__ import annotations

import itertools
import logging
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Final

from scrubjay.errors import ConfigError
from scrubjay.runtime.quota_sharing.authority import Authority
from scrubjay.runtime.quota_sharing.service import SOCKET_NAME, QuotaService, Sharing, open_authority

_LONGEST_PATH: Final = 97
"""The system's structure for names of sockets is short."""
_LOG: Final = logging.getLogger("scrubjay.supervisor")


class Ledger:
    """Open from `start` to `stop`."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir
        self._own_folder: Path | None = None
        if len(str(state_dir / SOCKET_NAME)) > _LONGEST_PATH:
            self._own_folder = self._folder = Path(tempfile.mkdtemp(prefix="scrubjay-"))
        self._path: Path | None = None
        self._sharing = Sharing()
        self._service: QuotaService | None = None

    @property
    def path(self) -> Path:
        """Of the socket; the same until the end."""
        if self._path is None:
            self._path = _free(self._folder.absolute())
        return self._path

    def start(self, sharing: Sharing) -> None:
        """Raises `ConfigError`."""
        self._open(authority_of(sharing), sharing)

    def _open(self, authority: Authority, sharing: Sharing) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            service = QuotaService(authority, self.path)
            service.start()
        except OSError as error:
            problem = f"no socket in {self._folder}: {error.strerror or error}"
            raise ConfigError(problem, path="relay.state_dir") from error
        self._service, self._sharing = service, sharing

    def obey(self, sharing: Sharing) -> None:
        """Other settings: the ledger begins anew with what the store says. Workers connect again by themselves. Never fails: without a socket
        each worker takes its part of the limits, and says so, until a later reload finds a place for one."""
        if sharing == self._sharing and self._service is not None:
            return
        try:
            authority = authority_of(sharing)
        except ConfigError as error:
            _LOG.error("the quota ledger goes on as before: %s", error)
            return
        self._end_service()
        try:
            self._open(authority, sharing)
        except ConfigError as error:
            _LOG.error("there is no quota ledger until the next reload: %s", error)

    def stop(self) -> None:
        self._end_service()
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)

    def _end_service(self) -> None:
        if self._service is not None:
            self._service.stop()
            self._service = None

    def __repr__(self) -> str:
        return f"<Ledger {self._service!r}>"


def authority_of(sharing: Sharing) -> Authority:
    """Raises `ConfigError`."""
    try:
        return open_authority(sharing)
    except ImportError as error:
        raise ConfigError("needs the package `redis`: pip install 'scrubjay[redis]'", path="quotas.redis") from error
    except ValueError as error:
        raise ConfigError(str(error), path="quotas.redis") from error


def _free(folder: Path) -> Path:
    """The first place where nobody answers; what was left behind by a process that was killed is one."""
    names = itertools.chain((SOCKET_NAME,), (f"quotas-{number}.sock" for number in itertools.count(1)))
    return next(folder / name for name in names if not _answers(folder / name))


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except BlockingIOError:  # somebody listens who is busy
            return True
        except OSError:
            return False
        return True
