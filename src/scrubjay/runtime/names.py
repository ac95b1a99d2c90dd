"""Names for parcels, and for ourselves."""

from __future__ import annotations

import random
import secrets
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

_INSTANCE_FILE: Final = "instance"
_INSTANCE_BYTES: Final = 6
_MOST_NAME: Final = 64


def new_id() -> str:
    """A random UUID of version 4, as 32 hex digits. Names need to differ, not to be secret, so no system call is paid for them."""
    bits = random.getrandbits(128)
    return f"{bits & ~(0xF << 76) & ~(3 << 62) | 4 << 76 | 2 << 62:032x}"


@lru_cache
def instance_name(state_dir: str | None) -> str:
    """What this instance, all its workers together, is called among relays: made once, and kept in its state folder.

    Where that cannot be written each process has a name of its own; without a folder there is none.
    """
    if state_dir is None:
        return ""
    if kept := kept_instance_name(state_dir):
        return kept
    folder, name = Path(state_dir), secrets.token_hex(_INSTANCE_BYTES)
    path, draft = folder / _INSTANCE_FILE, folder / f"{_INSTANCE_FILE}.{name}"
    with suppress(OSError, ValueError):
        folder.mkdir(parents=True, exist_ok=True)
        draft.write_text(name, encoding="ascii")
        with suppress(FileExistsError):
            path.hardlink_to(draft)  # whole or not at all, and never a second time
        draft.unlink()
        name = path.read_text(encoding="ascii").strip()[:_MOST_NAME] or name
    return name


def kept_instance_name(state_dir: str) -> str:
    """The same for who only looks: empty where none has been made."""
    with suppress(OSError, ValueError):
        return (Path(state_dir) / _INSTANCE_FILE).read_text(encoding="ascii").strip()[:_MOST_NAME]
    return ""
