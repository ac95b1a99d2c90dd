"""`scrubjay healthcheck`: one request, for container probes."""

from __future__ import annotations

import http.client
from contextlib import closing

import click

from scrubjay.cli.own_listener import connection_to, local_address, local_connection
from scrubjay.cli.verb import Invocation, pass_invocation, verb


@verb("healthcheck")
@click.option("--mode", type=click.Choice(["live", "ready"]), default="live", show_default=True, help="What to ask.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=30, show_default=True, metavar="SECS")
@click.option(
    "--addr",
    metavar="IP:PORT",
    help="Where to ask; `https://IP:PORT` and `unix:PATH` will do too. Default: where this configuration answers.",
)
@pass_invocation
@click.pass_context
def healthcheck(ctx: click.Context, invocation: Invocation, /, mode: str, timeout: float, addr: str | None) -> None:
    """Ask a running relay; exit code 0 for yes, 1 for no or no answer."""
    if addr is None:
        settings = invocation.load().settings
        address, connection = local_address(settings), local_connection(settings, timeout)
    else:
        address, connection = addr, connection_to(addr, timeout)
    with closing(connection):
        try:
            connection.request("GET", f"/api/relay/healthcheck/{mode}/")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            click.echo(f"no answer from {address}: {error}", err=True)
            ctx.exit(1)
    if not 200 <= status < 300:
        click.echo(f"{address} is not {mode}: status {status}", err=True)
        ctx.exit(1)
