"""The flags that make a running relay what it is, for every verb that starts one or a part of one.

Owns the options, what they set, and writing them down again for another process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click

from scrubjay.cli.verb import Invocation
from scrubjay.errors import ConfigError

Command = TypeVar("Command", bound=Callable[..., Any])

SETTINGS: Final = {
    "mode": "relay.mode",
    "upstream": "relay.upstream",
    "host": "relay.host",
    "port": "relay.port",
    "workers": "relay.workers",
    "shutdown_timeout": "limits.shutdown_timeout",
    "instance": "relay.instance",
    "redis_url": "quotas.redis",
    "source_id": "outcomes.source",
    "server_name": "sentry.server_name",
    "kafka_broker_url": "processing.kafka_config",
}
"""Flag → key. Of the reference's, `instance`, `source_id` and `kafka_broker_url` are known and without effect."""

IDENTITY: Final = {"id": "RELAY_ID", "public_key": "RELAY_PUBLIC_KEY", "secret_key": "RELAY_SECRET_KEY"}

_OPTIONS: Final = (
    click.option("--mode", type=click.Choice(["managed", "proxy", "static", "capture"]), help="How items are treated."),
    click.option("-u", "--upstream", metavar="URL", help="Server to forward to."),
    click.option("--upstream-dsn", metavar="DSN", help="The same, from a DSN of that server."),
    click.option("-H", "--host", metavar="IP", help="Address to listen on."),
    click.option("-P", "--port", metavar="PORT", help="Port to listen on."),
    click.option("-i", "--id", metavar="UUID", help="Id of this relay."),
    click.option("-p", "--public-key", metavar="KEY", help="Its public key."),
    click.option("-s", "--secret-key", metavar="KEY", help="Its secret key."),
    click.option("--instance", metavar="NAME", help="Accepted, without effect."),
    click.option("--workers", metavar="N", help="Worker processes that share the port; `auto`: one per processor."),
    click.option("--shutdown-timeout", metavar="SECONDS", help="Time to finish after SIGTERM."),
    click.option("--processing", is_flag=True, help="Not available here."),
    click.option("--no-processing", is_flag=True, help="Accepted, without effect."),
    click.option("--kafka-broker-url", metavar="URL", help="Accepted, without effect."),
    click.option("--redis-url", metavar="URL", help="Redis or Valkey to count quotas in."),
    click.option("--source-id", metavar="ID", help="Accepted, without effect."),
    click.option("--server-name", metavar="NAME", help="Name of this relay in its reports of its own errors."),
)


def running_options(command: Command) -> Command:
    """Gives a verb all of them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def settings_of(given: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Dotted key → (text, flag). Raises: UsageError (exit code 2), or ConfigError for what cannot be had."""
    _refuse_conflicts(given)
    flags = {
        key: (given[name], f"--{name.replace('_', '-')}") for name, key in SETTINGS.items() if given[name] is not None
    }
    if given["upstream_dsn"] is not None:
        flags["relay.upstream"] = _upstream(given["upstream_dsn"]), "--upstream-dsn"
    return flags


def identity_of(given: Mapping[str, Any]) -> dict[str, str]:
    """Variables of the environment that say the same: a secret does not stand on a command line for longer than it must."""
    return {variable: given[name] for name, variable in IDENTITY.items() if given[name] is not None}


def written(invocation: Invocation, given: Mapping[str, Any]) -> list[str]:
    """The global flags and those of the verb for the command line of another process; the identity is not among them."""
    arguments = ["--strict-config"] if invocation.strict_config else []
    for flag, value in (
        ("--config", invocation.config),
        ("--log-level", invocation.log_level),
        ("--log-format", invocation.log_format),
        *((f"--{name.replace('_', '-')}", given[name]) for name in (*SETTINGS, "upstream_dsn")),
    ):
        if value is not None:
            arguments.append(f"{flag}={value}")
    return arguments


def _refuse_conflicts(given: Mapping[str, Any]) -> None:
    if given["upstream"] is not None and given["upstream_dsn"] is not None:
        raise click.UsageError("--upstream and --upstream-dsn exclude each other")
    if (given["public_key"] is None) != (given["secret_key"] is None):
        raise click.UsageError("--public-key and --secret-key need each other")
    if given["processing"] and given["no_processing"]:
        raise click.UsageError("--processing and --no-processing exclude each other")
    if given["processing"]:
        raise ConfigError("there is no processing here", where="flag --processing")


def _upstream(dsn: str) -> str:
    from scrubjay.settings.texts import Unusable, upstream_of_dsn

    try:
        return upstream_of_dsn(dsn)
    except Unusable as error:
        raise ConfigError(
            str(error), where="flag --upstream-dsn", path="relay.upstream", accepted=error.accepted
        ) from error
