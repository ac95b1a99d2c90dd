"""`scrubjay dsn rewrite`: what to configure in the application."""

from __future__ import annotations

import click

from scrubjay.cli.own_listener import listener_url
from scrubjay.cli.verb import Invocation, group, pass_invocation, verb
from scrubjay.errors import ConfigError


@group("dsn")
def dsn() -> None:
    """Work with DSNs."""


@verb("rewrite")
@click.argument("original", metavar="DSN")
@pass_invocation
def rewrite(invocation: Invocation, /, original: str) -> None:
    """Print the DSN, pointed at the local listener."""
    from scrubjay.core.dsn import parse_dsn

    try:
        parsed = parse_dsn(original)
    except ValueError as error:
        raise ConfigError(f"no DSN: {error}", accepted="scheme://key@host[:port]/project") from error
    scheme, _, place = listener_url(invocation.load().settings).partition("://")
    click.echo(f"{scheme}://{parsed.key}@{place}/{parsed.project_id}")


dsn.add_command(rewrite)
