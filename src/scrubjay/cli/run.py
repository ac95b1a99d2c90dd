"""`scrubjay run`: load the configuration and become the relay. Serving is `runtime.worker`'s."""

from __future__ import annotations

from typing import Final

import click

from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.errors import ConfigError

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
"""Flag → key. The last five are the reference's, known and without effect."""

IDENTITY: Final = {"id": "RELAY_ID", "public_key": "RELAY_PUBLIC_KEY", "secret_key": "RELAY_SECRET_KEY"}


@verb("run")
@click.option("--mode", type=click.Choice(["managed", "proxy", "static", "capture"]), help="How items are treated.")
@click.option("-u", "--upstream", metavar="URL", help="Server to forward to.")
@click.option("--upstream-dsn", metavar="DSN", help="The same, from a DSN of that server.")
@click.option("-H", "--host", metavar="IP", help="Address to listen on.")
@click.option("-P", "--port", metavar="PORT", help="Port to listen on.")
@click.option("-i", "--id", metavar="UUID", help="Id of this relay.")
@click.option("-p", "--public-key", metavar="KEY", help="Its public key.")
@click.option("-s", "--secret-key", metavar="KEY", help="Its secret key.")
@click.option("--instance", metavar="NAME", help="Accepted, without effect.")
@click.option("--workers", metavar="N", help="Worker processes.")
@click.option("--shutdown-timeout", metavar="SECONDS", help="Time to finish after SIGTERM.")
@click.option("--processing", is_flag=True, help="Not available here.")
@click.option("--no-processing", is_flag=True, help="Accepted, without effect.")
@click.option("--kafka-broker-url", metavar="URL", help="Accepted, without effect.")
@click.option("--redis-url", metavar="URL", help="Accepted, not honoured yet.")
@click.option("--source-id", metavar="ID", help="Accepted, without effect.")
@click.option("--server-name", metavar="NAME", help="Accepted, not honoured yet.")
@pass_invocation
@click.pass_context
def run(
    ctx: click.Context,
    invocation: Invocation,
    /,
    processing: bool,
    no_processing: bool,
    upstream_dsn: str | None,
    **given: str | None,
) -> None:
    """Start the relay and stay in the foreground.

    Without any configuration it captures on this machine: it prints a DSN to use and the page that shows what arrives.
    """
    _refuse_conflicts(given, upstream_dsn, processing=processing, no_processing=no_processing)
    flags = {
        SETTINGS[name]: (text, f"--{name.replace('_', '-')}")
        for name, text in given.items()
        if name in SETTINGS and text is not None
    }
    if upstream_dsn is not None:
        flags["relay.upstream"] = _upstream(upstream_dsn), "--upstream-dsn"
    identity = {variable: text for name, variable in IDENTITY.items() if (text := given[name]) is not None}
    loaded = invocation.load(flags, identity)

    from scrubjay.runtime.worker import run as serve

    ctx.exit(serve(loaded))


def _refuse_conflicts(
    given: dict[str, str | None], upstream_dsn: str | None, *, processing: bool, no_processing: bool
) -> None:
    """Raises: UsageError (exit code 2), or ConfigError for what cannot be had."""
    if given["upstream"] is not None and upstream_dsn is not None:
        raise click.UsageError("--upstream and --upstream-dsn exclude each other")
    if (given["public_key"] is None) != (given["secret_key"] is None):
        raise click.UsageError("--public-key and --secret-key need each other")
    if processing and no_processing:
        raise click.UsageError("--processing and --no-processing exclude each other")
    if processing:
        raise ConfigError("there is no processing here", where="flag --processing")


def _upstream(dsn: str) -> str:
    from scrubjay.settings.scalars import Unusable, upstream_of_dsn

    try:
        return upstream_of_dsn(dsn)
    except Unusable as error:
        raise ConfigError(
            str(error), where="flag --upstream-dsn", path="relay.upstream", accepted=error.accepted
        ) from error
