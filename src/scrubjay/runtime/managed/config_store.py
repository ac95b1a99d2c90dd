"""What the upstream configured, on disk: a start while it is away neither blocks nor unscrubs (`cache.persist`, `upstream-and-operations.md` 5.4).

Owns the folder `projectconfigs` of the spool: one file for each key, and one for what goes for all projects. What a document means is
`settings.fetched`'s, how long one is good `fetched`'s. Several workers share the folder, and the last who writes is right: what they write is
the upstream's word.

Invariants: `keep` and `forget` neither wait nor raise; a reader sees a file as it was or as it is, also after a power cut; a damaged file, or one
that is not ours, costs itself alone; no key, whatever stands in it, names a file outside the folder.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import get_ident
from typing import Any, Final
from urllib.parse import quote

import msgspec

from scrubjay.errors import ConfigError
from scrubjay.runtime.state import private_folder
from scrubjay.settings.whole_files import read_whole

FOLDER: Final = "projectconfigs"
"""Below the spool."""
GLOBAL: Final = "global"
"""In place of a key: what goes for all projects. No key is that short."""
_SUFFIX: Final = ".json"
_MAX_FILE_BYTES: Final = 64 * 1024 * 1024
_MAX_FILES: Final = 10_000
"""More are not read at a start; the newest are."""
_UNUSED_S: Final = 30 * 86_400.0
"""What was not confirmed for so long is removed."""
_CONFIRMED_S: Final = 86_400.0
"""Time between two notes on disk that a document is still in use."""

_LAST_S: Final = 2.0

_LOG: Final = logging.getLogger("scrubjay.worker")

Document = Mapping[str, Any]


class Kept(msgspec.Struct, frozen=True):
    """A file: the document of a key as it came, and when it was fetched."""

    key: str
    fetched_unix: float
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Written:
    content: bytes
    at_unix: float


class ConfigStore:
    """Makes the folder. `on_error` hears of a disk that refuses, once until it takes again.

    It may be called in any thread. Raises `ConfigError` if the folder cannot be ours.
    """

    def __init__(
        self, folder: Path, on_error: Callable[[str, OSError], None], *, now_unix: Callable[[], float] = time.time
    ) -> None:
        self._folder = private_folder(folder)
        self._on_error = on_error
        self._now_unix = now_unix
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="project-configs")
        self._wanted: dict[str, Document | None] = {}
        self._written: dict[str, _Written] = {}
        self._fails = False

    def load(self) -> dict[str, Kept]:
        """What is kept, by key, and removes what nobody used for long. Blocks; never raises."""
        found: dict[str, Kept] = {}
        bad: list[tuple[Path, Exception]] = []
        for path in self._paths():
            try:
                kept = _read(path)
            except FileNotFoundError:  # another worker has removed it
                continue
            except (OSError, ValueError, RecursionError) as error:
                bad.append((path, error))
            else:
                found[kept.key] = kept
                self._written[kept.key] = _Written(_digest(kept.document), kept.fetched_unix)
        if bad:
            first, problem = bad[0]
            more = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
            _LOG.warning("kept configurations that are damaged are ignored: %s%s: %s", first, more, problem)
        return found

    def keep(self, key: str, document: Document) -> None:
        """The upstream said just now that this is the document of `key`, or of `GLOBAL`."""
        self._want(key, document)

    def forget(self, key: str) -> None:
        """The upstream serves nothing for `key`."""
        self._want(key, None)

    def close(self) -> None:
        """Waits a moment for what was asked for. Blocks; what is left the next process gets from the upstream."""
        with suppress(RuntimeError, TimeoutError):
            self._thread.submit(str).result(_LAST_S)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _want(self, key: str, document: Document | None) -> None:
        self._wanted[key] = document
        with suppress(RuntimeError):  # closed
            self._thread.submit(self._settle, key)

    # In the thread

    def _settle(self, key: str) -> None:
        if key not in self._wanted:  # done with what was asked before
            return
        document = self._wanted.pop(key)
        try:
            if document is None:
                self._written.pop(key, None)
                self._path(key).unlink(missing_ok=True)
            else:
                self._write(key, document)
        except OSError as error:
            if not self._fails:
                self._on_error("configurations cannot be kept for the next start", error)
            self._fails = True
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            _LOG.warning("a configuration is no JSON, and not kept for the next start: %s", error)
        else:
            self._fails = False

    def _write(self, key: str, document: Document) -> None:
        now_unix = self._now_unix()
        content = _digest(document)
        before = self._written.get(key)
        if before is not None and before.content == content and now_unix - before.at_unix < _CONFIRMED_S:
            return
        _replace(self._path(key), msgspec.json.encode(Kept(key, now_unix, dict(document))))
        self._written[key] = _Written(content, now_unix)

    # Files

    def _path(self, key: str) -> Path:
        return self._folder / _file_name(key)

    def _paths(self) -> Iterator[Path]:
        """The newest first. What is too old, and drafts of processes that died, are removed."""
        stamped = []
        now_unix = self._now_unix()
        with suppress(OSError):
            for path in self._folder.iterdir():
                with suppress(OSError):
                    age_s = now_unix - path.lstat().st_mtime
                    if age_s > _UNUSED_S or (path.name.startswith(".") and age_s > _CONFIRMED_S):
                        path.unlink()
                    elif path.suffix == _SUFFIX:
                        stamped.append((age_s, path))
        return (path for _, path in sorted(stamped)[:_MAX_FILES])

    def __repr__(self) -> str:
        return f"<ConfigStore {self._folder}{', failing' if self._fails else ''}>"


def open_store(spool: Path | None, on_error: Callable[[str, OSError], None], *, persist: bool) -> ConfigStore | None:
    """None where nothing is to be kept, or the folder cannot be ours, which is said."""
    if spool is None or not persist:
        return None
    try:
        return ConfigStore(spool / FOLDER, on_error)
    except ConfigError as error:
        _LOG.warning("configurations cannot be kept for the next start: %s", error.problem)
        return None


def _file_name(key: str) -> str:
    """One name for each key, which names nothing but a file of this folder: all but letters, digits, `-`, `_` and `~` is escaped."""
    return quote(key, safe="").replace(".", "%2E") + _SUFFIX


def _digest(document: Document) -> bytes:
    return sha256(msgspec.json.encode(document)).digest()


def _read(path: Path) -> Kept:
    """Raises `OSError`, `ValueError`, or `RecursionError`."""
    kept = msgspec.json.decode(read_whole(path, _MAX_FILE_BYTES), type=Kept)
    if _file_name(kept.key) != path.name:
        raise ValueError("the file of another key")
    return kept


def _replace(path: Path, content: bytes) -> None:
    """Puts a file in place of the old one, so that one of them is there even after a power cut. Raises `OSError`, which leaves the old one."""
    if len(content) > _MAX_FILE_BYTES:
        raise OSError(errno.EFBIG, f"more than {_MAX_FILE_BYTES} bytes")
    draft = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}")
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
