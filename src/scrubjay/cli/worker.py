"""`scrubjay worker`: one of several workers, on a slot that a supervisor holds; or, with `--orders`, what a supervisor has to know now.

Started by supervisors, not by people, so it is not in the list of verbs. It takes the flags of `run`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from scrubjay.cli.flags import identity_of, running_options, settings_of
from scrubjay.cli.verb import Invocation, pass_invocation, verb


@verb("worker")
@running_options
@click.option("--slot", type=click.IntRange(0, 99), default=0, help="Which of the workers this is.")
@click.option("--socket", type=int, help="Descriptor of the slot's listening socket.")
@click.option("--internal-socket", type=int, help="The same of its internal listener.")
@click.option("--unix-socket", type=int, help="The same of the Unix socket.")
@click.option("--channel", type=int, help="Descriptor of the channel to the supervisor.")
@click.option("--ledger", default="", help="Path of the quota ledger's socket.")
@click.option("--again", is_flag=True, help="The slot's last worker died.")
@click.option("--orders", is_flag=True, help="Print what a supervisor needs of the configuration, and end.")
@pass_invocation
@click.pass_context
def worker(
    ctx: click.Context,
    invocation: Invocation,
    /,
    slot: int,
    socket: int | None,
    internal_socket: int | None,
    unix_socket: int | None,
    channel: int | None,
    ledger: str,
    again: bool,
    orders: bool,
    **given: Any,
) -> None:
    """Serve on a socket that was inherited."""
    loaded = invocation.load(settings_of(given), identity_of(given))
    if orders:
        from scrubjay.cli.orders import orders_of

        click.echo(orders_of(loaded, judged=True).dump())
        return
    if socket is None or channel is None:
        raise click.UsageError("a worker is started by its supervisor: use `scrubjay run --workers N`")

    from scrubjay.runtime.seat import Seat
    from scrubjay.runtime.worker import run as serve

    workers = loaded.settings.relay.workers
    assert isinstance(workers, int), "resolve() has counted them"
    beside = {"internal": internal_socket, "unix": unix_socket}
    seat = Seat.take(slot, workers, socket, channel, ledger=ledger, follows_a_death=again, beside=beside)
    ctx.exit(serve(replace(loaded, settings=seat.held_to(loaded.settings)), seat))
