"""A socket that has an address. One on a port does not listen yet; a Unix one does, since its file is anybody's on which nobody listens: whoever
connects waits until somebody accepts. Standard library only, for the supervisor's sake.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

_NOT_FOR_OTHERS: Final = 0o117
"""Leaves a socket readable and writable for its user and group."""


def bound_socket(host: str, port: int, *, share: bool = False) -> socket.socket:
    """`share`: other sockets may have the same port (SO_REUSEPORT). Raises `OSError`, with nothing left open."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if made.family == socket.AF_INET6:
            with suppress(OSError):
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


def bound_unix_socket(path: str) -> socket.socket:
    """What a relay that was killed left there is taken away. Raises `OSError`, with nothing left open: what is in use, or not ours, stays.

    It listens, though nobody accepts yet: a second relay must not find a file that looks left behind.
    """
    _clear(path)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(_NOT_FOR_OTHERS)
    try:
        made.bind(path)
        made.listen()
    except OSError:
        made.close()
        raise
    finally:
        os.umask(before)
    return made


def unix_socket_leaver(path: str) -> Callable[[], None]:
    """What is to be done at the end with the file of a socket that was bound just now: it goes, unless it is another by then."""
    inode = Path(path).lstat().st_ino

    def leave() -> None:
        with suppress(OSError):
            if Path(path).lstat().st_ino == inode:
                Path(path).unlink()

    return leave


def _clear(path: str) -> None:
    try:
        found = Path(path).lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise OSError(errno.EEXIST, "there is something that is no socket")
    if found.st_uid != os.geteuid():
        raise OSError(errno.EACCES, "there is a socket of another user")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:  # nobody listens
            Path(path).unlink()
            return
        except BlockingIOError:  # somebody does, with all hands full
            pass
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
