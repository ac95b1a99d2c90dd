"""`scrubjay credentials`: the relay's own keys. The secret is printed by `generate --stdout` alone."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import click

from scrubjay.cli.verb import Invocation, group, pass_invocation, verb
from scrubjay.errors import ConfigError
from scrubjay.settings import credentials as store
from scrubjay.settings.folders import FOLDERS, usual_folder


@group("credentials")
def credentials() -> None:
    """The relay's own keys."""


@verb("generate")
@click.option("--overwrite", is_flag=True, help="Replace stored credentials.")
@click.option("--stdout", is_flag=True, help="Print them, with the secret, and write nothing.")
@pass_invocation
def generate(invocation: Invocation, /, overwrite: bool, stdout: bool) -> None:
    """Make a new identity."""
    made = store.generate()
    if stdout:
        click.echo(json.dumps(made.dump()))
        return
    folder = _folder(invocation)
    if (folder / store.FILE_NAME).exists() and not overwrite:
        raise ConfigError("credentials exist already", where=str(folder / store.FILE_NAME), accepted="--overwrite")
    store.write_credentials(folder, made)
    summarize(made)


@verb("show")
@click.option("--json", "as_json", is_flag=True, help="For programs: `id` and `public_key`.")
@pass_invocation
def show(invocation: Invocation, /, as_json: bool) -> None:
    """Print id and public key."""
    stored = store.read_credentials(_folder(invocation), os.environ)
    if stored is None:
        raise ConfigError("no credentials are stored", where=str(_folder(invocation)))
    if as_json:
        click.echo(json.dumps({"id": stored.id, "public_key": stored.public_key}))
        return
    summarize(stored)


@verb("set")
@click.option("-i", "--id", "identity", metavar="UUID", help="`random` makes one.")
@click.option("-p", "--public-key", metavar="KEY")
@click.option("-s", "--secret-key", metavar="KEY")
@click.option("--mode", hidden=True)
@pass_invocation
def set_(
    invocation: Invocation, /, identity: str | None, public_key: str | None, secret_key: str | None, mode: str | None
) -> None:
    """Store given values over stored ones; what is missing is asked for."""
    folder = _folder(invocation)
    stored = store.read_credentials(folder, {})
    fields = stored.dump() if stored else {}
    identity = str(uuid.uuid4()) if identity == "random" else identity
    given = {"id": identity, "public_key": public_key, "secret_key": secret_key}
    fields |= {name: text for name, text in given.items() if text is not None}
    for name in given:
        if name not in fields:
            fields[name] = click.prompt(name.replace("_", " "), hide_input=name == "secret_key")
    made = store.check(fields, "credentials")
    if made == stored:
        click.echo("nothing changed")
        return
    store.write_credentials(folder, made)
    summarize(made)


@verb("remove")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_invocation
def remove(invocation: Invocation, /, yes: bool) -> None:
    """Delete the stored credentials."""
    path = _folder(invocation) / store.FILE_NAME
    if not path.exists():
        click.echo("none stored")
    elif yes or click.confirm(f"delete {path}?"):
        path.unlink()
        click.echo("removed")


def _folder(invocation: Invocation) -> Path:
    """Where `run` finds them, too; where there is nothing yet, below the working directory."""
    named = os.environ.get("SCRUBJAY_CONFIG_DIR")
    config = invocation.config or (Path(named) if named else None)
    if config is not None:
        return config.parent if config.is_file() else config
    return usual_folder(os.environ) or Path(FOLDERS[0])


def summarize(shown: store.Credentials) -> None:
    """Without the secret."""
    click.echo(f"credentials:\n  relay id: {shown.id}\n  public key: {shown.public_key}")


for _command in (generate, show, set_, remove):
    credentials.add_command(_command)
