"""`scrubjay capture run -- COMMAND`: a sink of its own for one command, and what was expected of it (`capture.md` 11.3).

Owns the command's environment, signals and exit code. Standard input and output are the command's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import click

from scrubjay.capture_client import CaptureClient
from scrubjay.cli.capture_assert import check, read_expectations, tell
from scrubjay.cli.capture_options import EXIT_FAILED
from scrubjay.cli.terminal import safe
from scrubjay.cli.verb import Invocation, pass_invocation, verb

SAMPLE_KEY: Final = "decafbaddecafbaddecafbaddecafbad"
_PASSED_ON: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_NOT_FOUND: Final = 127
_NOT_RUNNABLE: Final = 126
_SETTLE_MS: Final = 200
"""What a command sends as it ends may still be on its way through the sink."""


@verb("run")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND…")
@click.option(
    "--rules", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE", help="Scrub by these."
)
@click.option("--dsn", is_flag=True, help="Set SENTRY_DSN too, if it is not set.")
@click.option("--assert", "expectations", type=click.File("rb"), metavar="FILE", help="Check these at the end.")
@pass_invocation
@click.pass_context
def run(
    ctx: click.Context,
    invocation: Invocation,
    /,
    command: tuple[str, ...],
    rules: Path | None,
    dsn: bool,
    expectations: IO[bytes] | None,
) -> None:
    """Run a command whose SDK sends to a sink on a free port, and end with its exit code.

    SENTRY_SPOTLIGHT and NEXT_PUBLIC_SENTRY_SPOTLIGHT lead there. With --assert, exit code 5 if the command succeeded but something that was
    expected did not come.
    """
    from scrubjay.testing.housing import InThread, Lodging

    wanted = None if expectations is None else expectations.read()
    if wanted is not None:
        read_expectations(wanted)
    home = InThread(Lodging(rules=rules, config=invocation.config))
    try:
        status = _run(command, environment(home.url, home.port, with_dsn=dsn))
        home.check()
        if wanted is not None:
            report = check(CaptureClient(home.url, timeout_s=60), wanted, settle_ms=_SETTLE_MS)
            tell(report, err=True)
            if not report["passed"]:
                status = status or EXIT_FAILED
    finally:
        home.close()
    ctx.exit(status)


def environment(url: str, port: int, *, with_dsn: bool) -> dict[str, str]:
    """That of the command."""
    found = {**os.environ, "SENTRY_SPOTLIGHT": f"{url}/stream", "NEXT_PUBLIC_SENTRY_SPOTLIGHT": f"{url}/stream"}
    found["SENTRY_TRACES_SAMPLE_RATE"] = "1"
    if with_dsn and not found.get("SENTRY_DSN"):
        found["SENTRY_DSN"] = f"http://{SAMPLE_KEY}@127.0.0.1:{port}/1"
    return found


def _run(command: tuple[str, ...], env: dict[str, str]) -> int:
    """As a shell would count: 127 for what is not there, 128 and the signal for what one ended."""
    try:
        child = subprocess.Popen(command, env=env)  # noqa: S603  what the user asks for
    except FileNotFoundError:
        click.echo(f"{safe(command[0])}: not found", err=True)
        return _NOT_FOUND
    except OSError as error:
        click.echo(f"{safe(command[0])}: {error.strerror}", err=True)
        return _NOT_RUNNABLE
    sys.stdout.flush()
    with _passing_on(child):
        status = child.wait()
    return status if status >= 0 else 128 - status


@contextmanager
def _passing_on(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Signals are the command's. What the keyboard sends, the terminal gives to both."""
    before = {number: signal.signal(number, lambda number, _: child.send_signal(number)) for number in _PASSED_ON}
    before |= {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
