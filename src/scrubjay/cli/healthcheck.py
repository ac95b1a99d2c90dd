"""`scrubjay healthcheck`: one request, for container probes."""

from __future__ import annotations

import http.client
from ipaddress import ip_address
from typing import TYPE_CHECKING

import click

from scrubjay.cli.verb import Invocation, pass_invocation, verb

if TYPE_CHECKING:
    from scrubjay.settings.schema import Relay


@verb("healthcheck")
@click.option("--mode", type=click.Choice(["live", "ready"]), default="live", show_default=True, help="What to ask.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=30, show_default=True, metavar="SECS")
@click.option("--addr", metavar="IP:PORT", help="Where to ask; default: where this configuration listens.")
@pass_invocation
@click.pass_context
def healthcheck(ctx: click.Context, invocation: Invocation, /, mode: str, timeout: float, addr: str | None) -> None:
    """Ask a running relay; exit code 0 for yes, 1 for no or no answer."""
    address = addr or listen_address(invocation.load().settings.relay)
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.request("GET", f"/api/relay/healthcheck/{mode}/")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        click.echo(f"no answer from {address}: {error}", err=True)
        ctx.exit(1)
    finally:
        connection.close()
    if not 200 <= status < 300:
        click.echo(f"{address} is not {mode}: status {status}", err=True)
        ctx.exit(1)


def listen_address(relay: Relay) -> str:
    """`host:port` under which this machine reaches the listener; a wildcard is loopback."""
    host = ip_address(relay.host)
    if host.is_unspecified:
        host = ip_address("127.0.0.1" if host.version == 4 else "::1")
    return f"[{host}]:{relay.port}" if host.version == 6 else f"{host}:{relay.port}"
