"""The relay's identity: `credentials.json` and the three variables that override it (`upstream-and-operations.md` 2.5, 2.10).

What a key looks like is `keys`'s. Replicas that share a pair of keys need an id each: `RELAY_ID=<uuid>+pod` makes one of the pod's name
(10.2).
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scrubjay.errors import ConfigError
from scrubjay.settings.document import compose, decode_json, locate, read_text
from scrubjay.settings.keys import (
    SEED_BYTES,
    BadKey,
    encode,
    public_key_of,
    read_public_key,
    read_relay_id,
    read_secret_key,
)
from scrubjay.settings.scalars import expand
from scrubjay.settings.setting import Secret
from scrubjay.settings.suggestions import nearest_word, shown
from scrubjay.settings.texts import Unusable

FILE_NAME: Final = "credentials.json"
_SECRET: Final = "secret_key"  # noqa: S105  its name
_VARIABLES: Final = {"id": "RELAY_ID", "public_key": "RELAY_PUBLIC_KEY", _SECRET: "RELAY_SECRET_KEY"}
_POD: Final = "+pod"
_ACCEPTED: Final = {
    "id": "a UUID",
    "public_key": "32 bytes in URL-safe base64 without padding",
    _SECRET: "the secret key that belongs to the public key",
}
_OBJECT: Final = '{"id": …, "public_key": …, "secret_key": …}, as `scrubjay credentials generate` writes it'


@dataclass(frozen=True, slots=True)
class Credentials:
    """`id`: UUID, dashed. `public_key`: 43 characters. `secret_key`: the seed, 43 characters."""

    id: str
    public_key: str
    secret_key: Secret

    def dump(self) -> dict[str, str]:
        """The file's content, with the secret."""
        return {"secret_key": self.secret_key.reveal(), "public_key": self.public_key, "id": self.id}

    def variables(self) -> dict[str, str]:
        """The same as the environment says it."""
        return {_VARIABLES[name]: text for name, text in self.dump().items()}


def read_credentials(folder: Path | None, env: Mapping[str, str]) -> Credentials | None:
    """From the file, each field overridden by its variable; without a file from all three variables or none.

    Raises: ConfigError.
    """
    stored = _stored(folder, env)
    given = {name: env[variable] for name, variable in _VARIABLES.items() if variable in env}
    if stored is None and not given:
        return None
    stored = stored or _Stored("environment", {})
    fields = {**stored.fields, **given}
    missing = [name for name in _VARIABLES if name not in fields]
    if missing:
        names = ", ".join(_VARIABLES[name] if given else name for name in missing)
        near = next((near for name in stored.unknown if (near := nearest_word(name, missing))), "")
        raise ConfigError(
            f"the credentials are incomplete: {names} missing",
            where=stored.where,
            path=next(iter(stored.unknown), ""),
            line=next(iter(stored.unknown.values()), None),
            accepted="all of " + ", ".join(_VARIABLES.values() if given else _VARIABLES),
            near=near,
        )
    if fields["id"].endswith(_POD):
        fields["id"] = _of_pod(fields["id"].removesuffix(_POD), env)
    lines = {name: line for name, line in stored.lines.items() if name not in given}
    return check(fields, stored.where, lines, {name: _VARIABLES[name] for name in given})


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a file holds, with the lines of its members, and of those that mean nothing."""

    where: str
    fields: dict[str, str]
    lines: dict[str, int | None] = field(default_factory=dict)
    unknown: dict[str, int | None] = field(default_factory=dict)


def _stored(folder: Path | None, env: Mapping[str, str]) -> _Stored | None:
    if folder is None or not (folder / FILE_NAME).exists():
        return None
    where = str(folder / FILE_NAME)
    text = read_text(folder / FILE_NAME)
    document = decode_json(text, where)
    if not isinstance(document, dict):
        raise ConfigError("not an object", where=where, line=1, accepted=_OBJECT)
    lines = {name: _line(text, where, name) for name in document}
    stored = _Stored(where, {}, lines, {name: line for name, line in lines.items() if name not in _VARIABLES})
    for name in _VARIABLES.keys() & document.keys():
        value = document[name]
        try:
            if not isinstance(value, str):
                raise Unusable(f"{'`***`' if name == _SECRET else shown(str(value))}: not a text", "a text in quotes")
            stored.fields[name] = expand(value, env, folder, partial=True)
        except Unusable as error:
            raise ConfigError(
                str(error), where=where, path=name, line=lines[name], accepted=error.accepted, near=error.near
            ) from error
    return stored


def _line(text: str, where: str, name: str) -> int | None:
    """Best effort: what JSON writes otherwise than YAML has no line."""
    with suppress(ConfigError):
        return locate(compose(text, where), [name])
    return None


def _of_pod(base: str, env: Mapping[str, str]) -> str:
    """The id of one of many replicas: of the one they share, and the name of the pod."""
    pod = env.get("POD_NAME") or env.get("HOSTNAME")
    if not pod:
        raise ConfigError("no name of a pod", path="id", accepted="the variable POD_NAME or HOSTNAME beside `+pod`")
    try:
        return str(uuid.uuid5(uuid.UUID(base), pod))
    except ValueError:
        raise ConfigError(f"{shown(base)}: no UUID", path="id", accepted="a UUID before `+pod`") from None


def check(
    fields: Mapping[str, str],
    where: str,
    lines: Mapping[str, int | None] | None = None,
    variables: Mapping[str, str] | None = None,
) -> Credentials:
    """`lines` and `variables`: where each came from, as far as it is known.

    Raises: ConfigError, if an id or key cannot be read or the public key is not the secret key's.
    """

    def refusal(name: str, problem: str, accepted: str) -> ConfigError:
        variable = (variables or {}).get(name)
        place = f"environment variable {variable}" if variable else where
        return ConfigError(problem, where=place, path=name, line=(lines or {}).get(name), accepted=accepted)

    read: dict[str, Callable[[str], Any]] = {
        "id": read_relay_id,
        "public_key": read_public_key,
        _SECRET: read_secret_key,
    }
    values = {}
    for name, reader in read.items():
        try:
            values[name] = reader(fields[name])
        except BadKey as error:
            value = shown(fields[name]) if name == "id" else "`***`"  # who mixes keys up put the secret one there
            raise refusal(name, f"{value}: {error}", error.accepted or _ACCEPTED[name]) from error
    public, seed = values["public_key"], values[_SECRET]
    if public_key_of(seed) != public:
        problem = "bad key: the public key does not belong to the secret key"
        raise refusal("public_key", problem, encode(public_key_of(seed)))
    return Credentials(values["id"], encode(public), Secret(encode(seed)))


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
