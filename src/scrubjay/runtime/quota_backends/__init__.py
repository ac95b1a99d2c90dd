"""Where quotas are counted, by who shares them: nobody, the workers of this host, or many hosts (`decisions.md` 9.4)."""

from __future__ import annotations

from pathlib import Path

from scrubjay.core.quotas import QuotaBackend
from scrubjay.errors import ConfigError
from scrubjay.runtime.health import Health
from scrubjay.runtime.quota_backends.host import HostLine
from scrubjay.runtime.quota_backends.leases import LeasingBackend
from scrubjay.runtime.quota_backends.memory import MemoryBackend
from scrubjay.runtime.quota_backends.redis import StoreLine
from scrubjay.runtime.quota_sharing.service import Sharing, open_store, sharing_of
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.settings.decisions import Quotas


def open_backend(settings: Quotas, ledger: str, health: Health, telemetry: Telemetry) -> QuotaBackend:
    """`ledger`: the socket of the host's service, for one of several workers. In a running loop.

    Raises: ConfigError, for a store that cannot be used.
    """
    sharing = sharing_of(settings)
    if not ledger and not sharing.redis:
        return MemoryBackend()
    line = HostLine(Path(ledger), policy=sharing.policy) if ledger else _store_line(sharing)
    backend = LeasingBackend(line, ahead=sharing.ahead, observe=telemetry.lease_call)
    # Never unready for it: what is let through or held back meanwhile is bounded, and nobody else would do better.
    health.watch("quotas", lambda: (True, backend.problem))
    return backend


def _store_line(sharing: Sharing) -> StoreLine:
    try:
        store = open_store(sharing)
    except ImportError as error:
        raise ConfigError("needs the package `redis`: pip install 'scrubjay[redis]'", path="quotas.redis") from error
    except ValueError as error:
        raise ConfigError(str(error), path="quotas.redis") from error
    line = StoreLine(store)
    line.start()
    return line
