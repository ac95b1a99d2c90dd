"""Which partition of the spool a process takes, with which options, and what is told of what the disk does (`upstream-and-operations.md` 7).

Owns turning `spool.envelopes` into options of a partition. What a partition does is `spool`'s, what is sent from it `outbox`'s.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from scrubjay.errors import ConfigError, SpoolError, SpoolLocked, SpoolSealed
from scrubjay.runtime.spool.codec import Codec, read_key
from scrubjay.runtime.spool.partition import Partition
from scrubjay.runtime.spool.types import Committed, Faulted, Recovered, SpoolEvent, SpoolOptions, Synced
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.settings.schema import Settings
from scrubjay.settings.spool import Envelopes

_LOCKED_POLL_S: Final = 0.1
_ORPHANS_GRACE_S: Final = 5.0


async def open_own_spool(
    settings: Settings,
    on_event: Callable[[SpoolEvent], None],
    slot: int | None,
    workers: int,
    is_ending: Callable[[], bool],
) -> Partition | None:
    """A worker's: the partition of its slot; of a worker that is alone (`slot` None) the lowest that is free.

    Raises `ConfigError`, with the setting that is to blame.
    """
    options = settings.spool.envelopes
    try:
        if slot is None:
            return await open_spool(options, on_event)
        return await _await_spool(options, on_event, slot, workers, settings.limits.shutdown_timeout, is_ending)
    except SpoolError as error:
        key = "encryption_key" if isinstance(error, SpoolSealed) else "path"
        raise ConfigError(str(error), path=f"spool.envelopes.{key}") from error


async def _await_spool(
    options: Envelopes,
    on_event: Callable[[SpoolEvent], None],
    slot: int,
    workers: int,
    orphans_end_s: float,
    is_ending: Callable[[], bool],
) -> Partition | None:
    """Partition `slot`, for one of several workers. Who has it may be about to end, its supervisor having been killed, and is waited for.

    If it does not end within `orphans_end_s` and some grace, another instance works on the same folder, and there is room for both. Raises `SpoolError`.
    """
    give_up_mono = time.monotonic() + orphans_end_s + _ORPHANS_GRACE_S
    while not is_ending() and time.monotonic() < give_up_mono:
        with suppress(SpoolLocked):
            return await open_spool(options, on_event, slot)
        await asyncio.sleep(_LOCKED_POLL_S)
    return await open_spool(options, on_event, at_least=workers)


async def open_spool(
    options: Envelopes,
    on_event: Callable[[SpoolEvent], None],
    slot: int | None = None,
    *,
    at_least: int = 0,
    adopt: bool = False,
) -> Partition | None:
    """Partition `slot`, or the lowest free one from `at_least` on, recovered; None without a path. Raises `SpoolError`.

    `adopt`: it is only to be emptied.
    """
    if options.path is None:
        return None
    return await Partition.open(
        Path(options.path),
        slot,
        at_least=at_least,
        adopt=adopt,
        options=replace(spool_options(options), encryption_key=key_of(options)),
        on_event=on_event,
    )


def key_of(options: Envelopes) -> bytes | None:
    """Raises `ConfigError` for a key that is none."""
    return None if options.encryption_key is None else read_key(options.encryption_key.reveal())


def codec_of(options: Envelopes) -> Codec:
    """How what is on disk is read. Raises `ConfigError` for a key that is none."""
    return Codec(options.compression_level, key_of(options))


def spool_options(options: Envelopes) -> SpoolOptions:
    """All but the key, which does not change while it runs."""
    return SpoolOptions(
        fsync=options.fsync,
        fsync_interval_s=options.fsync_interval_ms / 1000,
        segment_bytes=options.segment_size,
        frame_bytes=options.batch_size_bytes,
        compression_level=options.compression_level,
        max_bytes=options.max_disk_size,
        when_full=options.when_full,
    )


def tell_spool_event(event: SpoolEvent, telemetry: Telemetry) -> None:
    """What the disk did, where no record is concerned."""
    if isinstance(event, Committed):
        telemetry.spool_append(event.records, event.duration_s)
    elif isinstance(event, Synced):
        telemetry.spool_synced(event.duration_s)
    elif isinstance(event, Faulted):
        telemetry.spool_fault(event.detail)
    elif isinstance(event, Recovered):
        telemetry.spool_recovered(event.records, event.torn_tails)
