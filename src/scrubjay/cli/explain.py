"""`scrubjay explain`: what the relay would do with an envelope, stage by stage, and which rule decides it.

The path itself is run (`rehearsal`): here, under this configuration, or by the relay that runs (`--live`), with its limits and counters as they
are. No payload is shown.
"""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime
from typing import Any, Final

import click

from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.errors import ConfigError

_NOW_MONO: Final = 1_000_000.0


@verb("explain")
@click.argument("file", metavar="ENVELOPE")
@click.option("--key", metavar="KEY", help="Public key it came with; default: that of the DSN in its header.")
@click.option("--project", type=int, metavar="ID", help="Project in the path it came by; default: the key's own.")
@click.option("--origin", metavar="URL", help="Origin of the page that sent it.")
@click.option("--client-ip", metavar="IP", default="127.0.0.1", show_default=True, help="Address it came from.")
@click.option("--user-agent", metavar="TEXT", help="User agent of who sent it.")
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S"]),
    metavar="TIME",
    help="As if it were then.",
)
@click.option("--live", is_flag=True, help="Ask the relay that runs: its limits and counters decide as they are now.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_invocation
def explain(
    invocation: Invocation,
    /,
    file: str,
    key: str | None,
    project: int | None,
    origin: str | None,
    client_ip: str,
    user_agent: str | None,
    at: datetime | None,
    live: bool,
    as_json: bool,
) -> None:
    """Show what each stage would decide about an envelope (or an event as JSON), and by which rule. `-` reads standard input."""
    from scrubjay.cli.rehearsal import Plans, as_envelope, as_event, ask_relay, key_of, rehearsed
    from scrubjay.cli.scrub_files import is_envelope, read_bytes
    from scrubjay.core.dsn import Auth
    from scrubjay.core.ports import Ingress

    loaded = invocation.load()
    body = read_bytes(file)
    read = as_envelope if is_envelope(body) else as_event
    key = key or (key_of(body) if read is as_envelope else None)
    if key is None:
        raise ConfigError("the envelope names no DSN: say whose it is with --key")
    plans = Plans(loaded)
    project = project if project is not None else plans.project_of(key) or 0
    if live:
        facts = {"X-Forwarded-For": client_ip, **({"User-Agent": user_agent} if user_agent else {})}
        told = ask_relay(loaded.settings, read(body, None).serialize(), key, project, facts)
    else:
        ingress = Ingress(
            body=body,
            read=read,
            auth=Auth(key, 7, None, False, "header"),
            path_project=project,
            received_unix=time.time() if at is None else at.timestamp(),
            now_mono=_NOW_MONO,
            origin=origin,
            client_ip=client_ip,
            forwarded_for=client_ip,
            user_agent=user_agent,
        )
        told = asyncio.run(rehearsed(ingress, loaded, plans))
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        _print(told)


def _print(told: dict[str, Any]) -> None:
    from scrubjay.cli.tables import console, table
    from scrubjay.core.explanation import STAGES

    out = console()
    steps = sorted(
        told["steps"], key=lambda step: STAGES.index(step["stage"]) if step["stage"] in STAGES else len(STAGES)
    )
    columns = ("stage", "item", "decision", "rule", "amount", "")
    out.print(table(f"plan {told['revision'] or '(none)'}", columns, map(_row, steps)))
    answer = told["answer"]
    line = " ".join(filter(None, ("answer:", str(answer["status"]), answer["reason"])))
    if answer["retry_after"] is not None:
        line += f", Retry-After: {answer['retry_after']}"
    if answer["rate_limits"]:
        line += f", X-Sentry-Rate-Limits: {answer['rate_limits']}"
    out.print(line, markup=False, soft_wrap=True)
    leaves = told["leaves"]
    items = f"{', '.join(leaves['items'])} ({_amounts(leaves['quantities'])}), {leaves['bytes']} bytes"
    out.print(f"leaves: {items if leaves['items'] else 'nothing'}", markup=False, soft_wrap=True)


def _row(step: dict[str, Any]) -> tuple[object, ...]:
    from rich.text import Text

    decision = ": ".join(filter(None, (step["outcome"], step["reason"])))
    return (
        step["stage"],
        step["item_type"],
        Text(decision, style="red"),
        step["origin"],
        _amounts(step["quantities"]),
        step["text"],
    )


def _amounts(quantities: dict[str, int]) -> str:
    return ", ".join(f"{amount} {category}" for category, amount in quantities.items())
