"""Where quotas are counted: one backend per URL scheme of `quotas.redis`; without a URL, in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from scrubjay.core.quotas import QuotaBackend
from scrubjay.runtime.quota_backends.memory import MemoryBackend

BACKENDS: Final[dict[str, Callable[[], QuotaBackend]]] = {
    "memory": MemoryBackend,
}
