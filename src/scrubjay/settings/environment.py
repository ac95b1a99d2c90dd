"""Which settings the environment gives: the reference's `RELAY_*` variables, then our own (`upstream-and-operations.md` 2.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from scrubjay.errors import ConfigError
from scrubjay.settings.scalars import parse_duration
from scrubjay.settings.texts import Unusable, upstream_of_dsn

PREFIX: Final = "SCRUBJAY__"

_NAMES: Final = {
    "RELAY_MODE": "relay.mode",
    "RELAY_INSTANCE": "relay.instance",
    "RELAY_UPSTREAM_URL": "relay.upstream",
    "RELAY_HOST": "relay.host",
    "RELAY_PORT": "relay.port",
    "RELAY_LOG_LEVEL": "logging.level",
    "RELAY_LOG_FORMAT": "logging.format",
    "RELAY_SOURCE_ID": "outcomes.source",
    "RELAY_REDIS_URL": "quotas.redis",
    "RELAY_SERVER_NAME": "sentry.server_name",
}


def overrides(env: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """(dotted key, text, variable), in the order in which they apply. Raises: ConfigError."""
    if "RELAY_UPSTREAM_DSN" in env and "RELAY_UPSTREAM_URL" not in env:
        yield "relay.upstream", _upstream(env["RELAY_UPSTREAM_DSN"]), "RELAY_UPSTREAM_DSN"
    for variable, key in _NAMES.items():
        if variable in env:
            yield key, env[variable], variable
    if _is_duration(env.get("SHUTDOWN_TIMEOUT", "")):
        yield "limits.shutdown_timeout", env["SHUTDOWN_TIMEOUT"], "SHUTDOWN_TIMEOUT"
    if env.get("RELAY_PROCESSING_ENABLED", "").lower() in ("true", "1"):
        raise ConfigError("there is no processing here", where="environment variable RELAY_PROCESSING_ENABLED")
    for variable in sorted(env):
        if variable.startswith(PREFIX):
            yield variable.removeprefix(PREFIX).lower().replace("__", "."), env[variable], variable


def _upstream(dsn: str) -> str:
    try:
        return upstream_of_dsn(dsn)
    except (Unusable, ValueError) as error:
        accepted = getattr(error, "accepted", "")
        where = "environment variable RELAY_UPSTREAM_DSN"
        raise ConfigError(str(error), where=where, path="relay.upstream", accepted=accepted) from error


def _is_duration(text: str) -> bool:
    try:
        parse_duration(text, "s")
    except Unusable:
        return False
    return True
