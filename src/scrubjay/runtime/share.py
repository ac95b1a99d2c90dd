"""What one of several workers may use of what the instance may: settings that are bounds for the whole are divided.

Memory is not: the mark of `health` is for all processes together, whichever of them uses it (`memory`).
"""

from __future__ import annotations

from msgspec.structs import replace

from scrubjay.settings.schema import Settings
from scrubjay.settings.setting import KIB, MIB


def share_of(settings: Settings) -> Settings:
    """The settings of one worker."""
    workers = settings.relay.workers
    if workers in (1, "auto"):  # `auto` is a number once settings are resolved
        return settings
    assert isinstance(workers, int)
    envelopes, rate = settings.spool.envelopes, settings.spool.envelopes.max_unspool_envelopes_per_second
    envelopes = replace(
        envelopes,
        max_disk_size=max(MIB, envelopes.max_disk_size // workers),
        max_memory_size=max(64 * KIB, envelopes.max_memory_size // workers),
        pending_max_bytes=max(64 * KIB, envelopes.pending_max_bytes // workers),
        max_unspool_envelopes_per_second=None if rate is None else max(1, rate // workers),
    )
    limits = replace(
        settings.limits, max_concurrent_requests=max(1, settings.limits.max_concurrent_requests // workers)
    )
    return replace(settings, spool=replace(settings.spool, envelopes=envelopes), limits=limits)
