"""`scrubjay run`: load the configuration and become the relay.

With one worker this process serves (`runtime.worker`), with several it becomes their supervisor (`runtime.supervisor`) by exec: that process
must stay small, and has no use for what loading the configuration took.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from scrubjay.cli.flags import identity_of, running_options, settings_of, written
from scrubjay.cli.verb import Invocation, pass_invocation, verb

if TYPE_CHECKING:
    from scrubjay.runtime.supervision.orders import Orders


@verb("run")
@running_options
@pass_invocation
@click.pass_context
def run(ctx: click.Context, invocation: Invocation, /, **given: Any) -> None:
    """Start the relay and stay in the foreground.

    Without any configuration it captures on this machine: it prints a DSN to use and the page that shows what arrives.
    """
    identity = identity_of(given)
    loaded = invocation.load(settings_of(given), identity)
    if loaded.settings.relay.workers != 1:
        from scrubjay.cli.orders import orders_of
        from scrubjay.runtime.state import private_folder

        orders = orders_of(loaded)
        private_folder(Path(orders.state_dir))  # the supervisor would take it as it is
        become_supervisor(orders, written(invocation, given), identity)

    from scrubjay.runtime.worker import run as serve

    ctx.exit(serve(loaded))


def become_supervisor(orders: Orders, flags: list[str], identity: dict[str, str]) -> NoReturn:
    """This process goes on as another program, under the same number."""
    source, sink = os.pipe()
    os.write(sink, orders.dump().encode())
    os.close(sink)
    os.set_inheritable(source, True)
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, "-P", "-m", "scrubjay.runtime.supervisor", str(source), *flags]
    os.execve(sys.executable, command, {**os.environ, **identity})  # noqa: S606  no shell is wanted
