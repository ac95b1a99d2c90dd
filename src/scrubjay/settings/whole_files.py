"""Reading a file that the operator named, as a whole and at once.

Owns what may be read: regular files of at most so many bytes. A pipe has no end until somebody writes to it, and a device none at all: waiting for
either would be a start that never comes, or a reload that never ends. What the content means is up to whoever reads it.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read_whole(path: Path, most_bytes: int) -> bytes:
    """Raises: OSError, for what is no regular file or larger as well."""
    with open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "no regular file")
        content: bytes | None = file.read(most_bytes + 1)
    if content is None:  # files of the kernel can be like pipes
        raise OSError(errno.EAGAIN, "no end")
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, f"too large, more than {most_bytes} bytes")
    return content


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
