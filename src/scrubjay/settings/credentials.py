"""The relay's identity: `credentials.json` and the three variables that override it (`upstream-and-operations.md` 2.5, 2.10).

What a key looks like is `keys`'s.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scrubjay.errors import ConfigError
from scrubjay.settings.document import read_text
from scrubjay.settings.keys import (
    SEED_BYTES,
    BadKey,
    encode,
    public_key_of,
    read_public_key,
    read_relay_id,
    read_secret_key,
)
from scrubjay.settings.scalars import Unusable, expand
from scrubjay.settings.setting import Secret

FILE_NAME: Final = "credentials.json"
_VARIABLES: Final = {"id": "RELAY_ID", "public_key": "RELAY_PUBLIC_KEY", "secret_key": "RELAY_SECRET_KEY"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """`id`: UUID, dashed. `public_key`: 43 characters. `secret_key`: the seed, 43 characters."""

    id: str
    public_key: str
    secret_key: Secret

    def dump(self) -> dict[str, str]:
        """The file's content, with the secret."""
        return {"secret_key": self.secret_key.reveal(), "public_key": self.public_key, "id": self.id}


def read_credentials(folder: Path | None, env: Mapping[str, str]) -> Credentials | None:
    """From the file, each field overridden by its variable; without a file from all three variables or none.

    Raises: ConfigError.
    """
    fields, where = _stored(folder, env)
    given = {name: env[variable] for name, variable in _VARIABLES.items() if variable in env}
    if not fields and not given:
        return None
    fields = {**fields, **given}
    missing = [name for name in _VARIABLES if name not in fields]
    if missing:
        names = ", ".join(_VARIABLES[name] if given else name for name in missing)
        raise ConfigError(
            f"the credentials are incomplete: {names} missing",
            where=where or "environment",
            accepted="all of " + ", ".join(_VARIABLES.values() if given else _VARIABLES),
        )
    return check(fields, where or "environment")


def _stored(folder: Path | None, env: Mapping[str, str]) -> tuple[dict[str, str], str]:
    if folder is None or not (folder / FILE_NAME).exists():
        return {}, ""
    path = folder / FILE_NAME
    try:
        stored = json.loads(read_text(path))
    except ValueError as error:
        raise ConfigError(f"malformed JSON: {error}", where=str(path)) from error
    if not isinstance(stored, dict) or not all(isinstance(stored.get(name, ""), str) for name in _VARIABLES):
        raise ConfigError("the credentials must be an object of texts", where=str(path))
    try:
        return {name: expand(stored[name], env, folder, partial=True) for name in _VARIABLES if name in stored}, str(
            path
        )
    except Unusable as error:
        raise ConfigError(str(error), where=str(path)) from error


def check(fields: Mapping[str, str], where: str) -> Credentials:
    """Raises: ConfigError, if an id or key cannot be read or the public key is not the secret key's."""
    name = "id"
    try:
        identity = read_relay_id(fields[name])
        name = "public_key"
        public = read_public_key(fields[name])
        name = "secret_key"
        seed = read_secret_key(fields[name])
    except BadKey as error:
        raise ConfigError(str(error), where=where, path=name, accepted=error.accepted) from error
    if public_key_of(seed) != public:
        raise ConfigError("bad key: the public key does not belong to the secret key", where=where, path="public_key")
    return Credentials(identity, encode(public), Secret(encode(seed)))


def generate() -> Credentials:
    """A new identity with a new pair of keys."""
    seed = os.urandom(SEED_BYTES)
    return Credentials(str(uuid.uuid4()), encode(public_key_of(seed)), Secret(encode(seed)))


def write_credentials(folder: Path, credentials: Credentials) -> Path:
    """Readable by its owner only from the first moment on. Raises: ConfigError."""
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(json.dumps(credentials.dump()) + "\n")
    except OSError as error:
        raise ConfigError(f"cannot write the file: {error.strerror or error}", where=str(path)) from error
    return path
