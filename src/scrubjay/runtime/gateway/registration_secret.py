"""By which this relay knows the tokens again that it gave to relays that register here (`upstream-and-operations.md` 4.5).

The secret of the settings, which replicas share; else that of a file in the config folder, which all workers of this instance share and the
first one makes, readable by nobody else. Where no file can be kept each process has one of its own, and says so: it knows the tokens that it
gave itself. What tokens are is `core.relays.registration`'s.
"""

from __future__ import annotations

import logging
import os
import secrets
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

from scrubjay.settings.gateway import Auth
from scrubjay.settings.keys import BadKey, decode, encode

FILE_NAME: Final = "registration.secret"
_BYTES: Final = 32
_LOG: Final = logging.getLogger("scrubjay.gateway")


def registration_secret(auth: Auth, folder: Path | None) -> bytes:
    """`folder`: that of the configuration, if there is one."""
    if auth.registration_secret is not None:
        return auth.registration_secret.reveal().encode()
    return kept_secret(folder)


@lru_cache
def kept_secret(folder: Path | None) -> bytes:
    """The same as long as the process lives."""
    path = None if folder is None else folder / FILE_NAME
    try:
        if path is not None:
            return _read(path) or _make(path)
        problem = "there is no config folder"
    except (OSError, BadKey) as error:
        problem = f"{path}: {error}"
    _LOG.warning(
        "no secret for registrations can be kept, so that each worker knows its own tokens alone: set `auth.registration_secret` (%s)",
        problem,
    )
    return secrets.token_bytes(_BYTES)


def _make(path: Path) -> bytes:
    """Whole or not at all, and never a second time: of several workers one makes it, and all have the same."""
    draft = path.with_name(f"{FILE_NAME}.{secrets.token_hex(6)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(f"{encode(secrets.token_bytes(_BYTES))}\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
    made = _read(path)
    if made is None:
        raise FileNotFoundError(f"{path.name} was taken away")
    return made


def _read(path: Path) -> bytes | None:
    """None where there is none yet. Raises `OSError`, `BadKey`."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise BadKey("bad encoding") from None
    secret = decode(text)
    if len(secret) < _BYTES:
        raise BadKey(f"shorter than {_BYTES} bytes")
    return secret
