"""Names for parcels."""

from __future__ import annotations

import random


def new_id() -> str:
    """A random UUID of version 4, as 32 hex digits. Names need to differ, not to be secret, so no system call is paid for them."""
    bits = random.getrandbits(128)
    return f"{bits & ~(0xF << 76) & ~(3 << 62) | 4 << 76 | 2 << 62:032x}"
