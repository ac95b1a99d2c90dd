"""Whether a file is still the one that was read: by inode, time of change and size, so that a swapped link (Kubernetes) counts."""

from __future__ import annotations

from pathlib import Path

Stamp = tuple[int, int, int]
"""Inode, time of change in ns, size."""


def stamp_of(path: Path) -> Stamp | None:
    """None for what is no regular file, or is gone. Never raises."""
    try:
        status = path.stat()
        regular = path.is_file()
    except OSError:
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size) if regular else None
