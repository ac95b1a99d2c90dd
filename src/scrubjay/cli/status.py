"""`scrubjay status`: how the relay is, from the state files of its workers. Works while it runs and after it died."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from scrubjay.cli.upstream_word import UpstreamWord, upstream_word
from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.errors import ConfigError
from scrubjay.runtime.state import Merged, read_states

if TYPE_CHECKING:
    from rich.text import Text

ACCOUNT = ("received", "forwarded", "captured", "dropped", "held", "open")


@verb("status")
@click.option("--state-dir", type=click.Path(path_type=Path), metavar="DIR", help="Where the state files are.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_invocation
@click.pass_context
def status(ctx: click.Context, invocation: Invocation, /, state_dir: Path | None, as_json: bool) -> None:
    """Show workers, upstream, the account and what is held; exit code 1 if no worker is alive."""
    folder = state_folder(invocation, state_dir)
    merged = read_states(folder)
    if as_json:
        click.echo(json.dumps(_document(merged), indent=2))
    elif not merged.workers:
        click.echo(f"no state files in {folder}; is the relay configured with another `relay.state_dir`?", err=True)
    else:
        _print(merged)
        word = upstream_word(merged)
        if not merged.alive or merged.upstream_up is False or (word is not None and not word.is_registered):
            click.echo("`scrubjay doctor` says why, and what to do", err=True)
    ctx.exit(0 if merged.alive else 1)


def state_folder(invocation: Invocation, given: Path | None) -> Path:
    """The folder named by flag, else by the configuration."""
    if given is not None:
        return given
    try:
        configured = invocation.load().settings.relay.state_dir
    except ConfigError:
        text = "a relay that runs goes on with what it had: `--state-dir DIR` (`run` in its spool) shows it without a configuration"
        click.echo(text, err=True)
        raise
    assert configured is not None, "resolve() fills it in"
    return Path(configured)


def _document(merged: Merged) -> dict[str, Any]:
    word = upstream_word(merged)
    return {
        "upstream_up": merged.upstream_up,
        "managed": None if word is None else asdict(word),
        "workers": [
            {
                "slot": worker.slot,
                "pid": worker.pid,
                "version": worker.version,
                "alive": worker.alive(merged.now_unix),
                "stopped": worker.stopped,
                "adopted": worker.is_adopted,
                "started_unix": worker.started_unix,
                "heartbeat_unix": worker.heartbeat_unix,
                "generation": worker.generation,
                "held": worker.held,
            }
            for worker in merged.workers
        ],
        "account": {
            category: {**msgspec.to_builtins(balance), "open": balance.open}
            for category, balance in sorted(merged.account.items())
        },
    }


def _print(merged: Merged) -> None:
    from scrubjay.cli.tables import ago, console, table

    out = console()
    workers = (
        (
            worker.slot,
            worker.pid,
            _health(merged, index),
            ago(merged.now_unix - worker.started_unix),
            ago(merged.now_unix - worker.heartbeat_unix),
            worker.generation,
            worker.version,
        )
        for index, worker in enumerate(merged.workers)
    )
    columns = ("slot", "pid", "state", "started", "heartbeat", "generation", "version")
    out.print(table("Workers", columns, workers))
    out.print(f"upstream: {_upstream(merged)}")
    for line in _managed(upstream_word(merged)):
        out.print(line)
    out.print()
    rows = (
        (category, *(getattr(balance, name) for name in ACCOUNT))
        for category, balance in sorted(merged.account.items())
    )
    out.print(table("Account, per category", ("category", *ACCOUNT), rows, right=ACCOUNT))
    held: Counter[tuple[str, str]] = Counter()
    for worker in merged.workers:
        for where, amounts in worker.held.items():
            held.update({(where, category): amount for category, amount in amounts.items() if amount})
    if held:
        rows = ((where, category, amount) for (where, category), amount in sorted(held.items()))
        out.print(table("Held", ("where", "category", "amount"), rows, right=("amount",)))
    else:
        out.print("held: nothing")


def _health(merged: Merged, index: int) -> Text:
    from rich.text import Text

    worker = merged.workers[index]
    if worker.alive(merged.now_unix):
        return Text("alive", style="green")
    if worker.is_adopted and merged.alive:
        return Text("adopted", style="green")
    return Text("stopped", style="yellow") if worker.stopped else Text("dead", style="red")


def _upstream(merged: Merged) -> str:
    if not merged.alive:
        return "unknown, no worker is alive"
    return {True: "up", False: "down", None: "none, or nothing sent to it yet"}[merged.upstream_up]


def _managed(word: UpstreamWord | None) -> Iterator[str]:
    """What a relay in mode `managed` got from its upstream, and what waits for more."""
    from scrubjay.cli.tables import ago

    if word is None:
        return
    why = "" if word.is_registered else " (`scrubjay doctor` says why)"
    yield f"registration: {word.registration}{why}"
    stale = f"; the oldest is past its time since {ago(word.stale_s)}" if word.stale_s else ""
    yield f"project configs: {', '.join(f'{count} {state}' for state, count in word.configs.items())}{stale}"
    room = f", {word.waiting_bytes:,} of {word.waiting_capacity_bytes:,} bytes" if word.waiting_capacity_bytes else ""
    oldest = f", the oldest for {ago(word.oldest_age_s)}" if word.waiting else ""
    yield f"waiting for a project config: {word.waiting}{oldest}{room}"
