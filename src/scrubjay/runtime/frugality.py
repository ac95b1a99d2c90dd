"""What a process does to stay small: its allocator, its threads, its garbage (`relay.profile: sidecar`).

Measured under full load with events of a megabyte: freed blocks stay in the heap of the allocator, which grows with each thread, to twice what is in
use at any time. Blocks that are mapped by themselves go back at once; a single arena has nothing to keep apart; and of work that takes many times
its item's size, as scrubbing does, a single thread has one item in hand. Other profiles are left as they are: mapping costs time.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import uvloop

from scrubjay.settings.schema import Settings

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
"""Of `mallopt`; setting a threshold also ends its growing."""
_MAPPED_BYTES: Final = 64 * 1024
_KEPT_BYTES: Final = 128 * 1024

_libc: Final = ctypes.CDLL(None)


def open_loop(settings: Settings) -> asyncio.AbstractEventLoop:
    """The loop of a worker; in profile `sidecar` with a single thread beside it, and an allocator that keeps little."""
    loop = uvloop.new_event_loop()
    if settings.relay.profile == "sidecar":
        for option, value in ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _MAPPED_BYTES), (_TRIM_THRESHOLD, _KEPT_BYTES)):
            if hasattr(_libc, "mallopt"):
                _libc.mallopt(option, value)
        loop.set_default_executor(ThreadPoolExecutor(1, thread_name_prefix="heavy"))
    return loop


def settle() -> None:
    """What was built so far lives as long as the process: the collector need not look at it again, and what building took goes back."""
    give_back()
    gc.freeze()


def give_back() -> None:
    """Collects garbage and hands free pages to the system, which the allocator would keep for itself."""
    gc.collect()
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)
