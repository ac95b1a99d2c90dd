"""`scrubjay pseudonym`: which name a value leaves under, for whoever must find or delete what is known of a person."""

from __future__ import annotations

import sys
import time

import click

from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.core.scrub.pseudonyms import (
    LENGTHS,
    SCOPES,
    Form,
    Key,
    Keyring,
    Scope,
    family_of,
    occasion,
    pseudonymiser,
    read_keys,
    utc_day,
)
from scrubjay.errors import ConfigError


@verb("pseudonym")
@click.option("--family", metavar="NAME", help="Built-in family, or id of a rule of your own; guessed from the value.")
@click.option("--scope", type=click.Choice(SCOPES), default="deployment", show_default=True, help="As in the rule.")
@click.option("--project", type=int, default=0, metavar="ID", help="For the scope `project`.")
@click.option("--day", metavar="DAY", help="For the scope `day`: in UTC, as 2026-11-22; today without it.")
@pass_invocation
def pseudonym(invocation: Invocation, /, family: str | None, scope: Scope, project: int, day: str | None) -> None:
    """Print the pseudonyms of a value under each key.

    The value is read from standard input, a line of it, so that it stands in no shell history and no list of processes. Names are
    printed whole; rules cut them to their `length` and put their `prefix` before them.
    """
    keys = read_keys(invocation.load().settings.scrub)
    if keys is None:
        raise ConfigError("there is no key", path="scrub.pseudonym_key")
    value = (
        click.prompt("Value", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    )
    form, chosen = Form(length=LENGTHS[-1], scope=scope), family or family_of(value)
    for key in _all(keys):
        with occasion(project, day or utc_day(time.time())):
            name = pseudonymiser(Keyring(key), form, chosen)(value.encode("utf-8", "surrogatepass")).decode()
        click.echo(f"{key.id}  {chosen}  {name}")


def _all(keys: Keyring) -> tuple[Key, ...]:
    return (keys.current,) if keys.following is None else (keys.current, keys.following)
