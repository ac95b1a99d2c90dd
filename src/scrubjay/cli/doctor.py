"""`scrubjay doctor`: everything between the configuration and the server's answer, one line each, and what to do about it
(`upstream-and-operations.md` 3). What is looked at, and in which order, is `diagnosis`'s.
"""

from __future__ import annotations

import json

import click

from scrubjay.cli.findings import Verdict, write, write_summary
from scrubjay.cli.terminal import Screen
from scrubjay.cli.verb import Invocation, pass_invocation, verb


@verb("doctor")
@click.option("--dsn", "text", metavar="DSN", help="Of an application: one that leads to this relay, or to its server.")
@click.option("--no-probe", is_flag=True, help="Send nothing; the server is only asked whether it is there.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one object.")
@pass_invocation
@click.pass_context
def doctor(ctx: click.Context, invocation: Invocation, /, text: str | None, no_probe: bool, as_json: bool) -> None:
    """Look at everything from the configuration to the server's answer, and say what to do about what is wrong.

    Files, projects, spool, port, the relay that runs and what it lost, then the way to the server: name, proxy, connection, TLS, clock,
    answer; in mode `managed` whether it lets this relay in, and gives it configurations. At the end an event that is marked as a probe is
    taken through every stage, and sent to the server. Exit code 1 if something failed; warnings do not count.
    """
    from scrubjay.cli.diagnosis import examine

    screen, found = Screen(), []
    for finding in examine(invocation, text, probes=not no_probe):
        found.append(finding)
        if not as_json:
            write(screen, finding)
    has_failed = any(finding.verdict is Verdict.FAILED for finding in found)
    if as_json:
        document = {"ok": not has_failed, "findings": [finding.document() for finding in found]}
        click.echo(json.dumps(document, indent=2))
    else:
        write_summary(screen, found)
    ctx.exit(1 if has_failed else 0)
