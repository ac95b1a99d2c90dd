"""The quota ledger of the host, as the supervisor keeps it: where its socket is, and that it follows the settings.

Counting and talking are `quota_sharing`'s. Invariant: workers of one host never count each for themselves, since a limit would then hold once
for each of them; an instance that cannot have a ledger does not start.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path
from typing import Final

from scrubjay.errors import ConfigError
from scrubjay.runtime.quota_sharing.authority import Authority
from scrubjay.runtime.quota_sharing.service import SOCKET_NAME, QuotaService, Sharing, open_authority

_LONGEST_PATH: Final = 100
"""The system's structure for names of sockets is short."""
_LOG: Final = logging.getLogger("scrubjay.supervisor")


class Ledger:
    """Open from `start` to `stop`."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir
        self._own_folder: Path | None = None
        if len(str(state_dir / SOCKET_NAME)) > _LONGEST_PATH:
            self._own_folder = self._folder = Path(tempfile.mkdtemp(prefix="scrubjay-"))
        self._sharing = Sharing()
        self._service: QuotaService | None = None

    @property
    def path(self) -> Path:
        """Of the socket."""
        return (self._folder / SOCKET_NAME).absolute()

    def start(self, sharing: Sharing) -> None:
        """Raises `ConfigError`."""
        authority = authority_of(sharing)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            service = QuotaService(authority, self.path)
            service.start()
        except OSError as error:
            problem = f"no socket in {self._folder}: {error.strerror or error}"
            raise ConfigError(problem, path="relay.state_dir") from error
        self._service, self._sharing = service, sharing

    def obey(self, sharing: Sharing) -> None:
        """Other settings: the ledger begins anew with what the store says. Workers connect again by themselves."""
        if sharing == self._sharing:
            return
        self._end_service()
        try:
            self.start(sharing)
        except ConfigError as error:
            _LOG.error("the quota ledger goes on as before: %s", error)
            self.start(self._sharing)

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
