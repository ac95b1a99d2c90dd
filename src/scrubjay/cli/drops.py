"""`scrubjay drops`: what was lost last, why, and what to do about it. Payloads are never part of a drop record."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from scrubjay.cli.status import state_folder
from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.reasons import REASONS, Outcome, filtered, rate_limited, sampled, too_large
from scrubjay.runtime.state import Drop, read_states

_ANSWERED: Final = frozenset(("forward", "report", "restart"))
"""Stages in which the client has its answer."""


@verb("drops")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many to show.")
@click.option("--reason", metavar="CODE", help="Only of this reason.")
@click.option("--outcome", type=click.Choice([str(outcome) for outcome in Outcome]), help="Only of this outcome.")
@click.option("--project", type=int, metavar="ID", help="Only of this project.")
@click.option("--state-dir", type=click.Path(path_type=Path), metavar="DIR", help="Where the state files are.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one object per line, newest first.")
@pass_invocation
def drops(
    invocation: Invocation,
    /,
    limit: int,
    reason: str | None,
    outcome: str | None,
    project: int | None,
    state_dir: Path | None,
    as_json: bool,
) -> None:
    """Show the last drops of all workers, newest first, and a count by reason with its remedy."""
    found = [
        drop
        for drop in read_states(state_folder(invocation, state_dir)).drops
        if reason in (None, drop.reason) and outcome in (None, drop.outcome) and project in (None, drop.project_id)
    ]
    if as_json:
        for drop in found[:limit]:
            click.echo(json.dumps({**msgspec.to_builtins(drop), "remedy": remedy(drop)}))
    elif found:
        _print(found, limit)
    else:
        click.echo("nothing was dropped")


def remedy(drop: Drop) -> str:
    """The remedy of the reason's row; codes with a variable part are found by their outcome."""
    rows = [row for row in REASONS if row.code == drop.reason and str(row.outcome) == drop.outcome]
    if rows:  # one of before the client had its answer, or one of after
        return min(rows, key=lambda row: (row.status is None) != (drop.stage in _ANSWERED)).remedy
    if drop.outcome == Outcome.RATE_LIMITED:
        return rate_limited(drop.reason).remedy
    if drop.outcome == Outcome.SAMPLED:
        return sampled("").remedy
    if drop.outcome == Outcome.FILTERED:
        return filtered("").remedy
    return too_large("").remedy if drop.reason.startswith("too_large:") else ""


def _print(found: Sequence[Drop], limit: int) -> None:
    from scrubjay.cli.tables import console, table

    out = console()
    counts = Counter((drop.outcome, drop.reason, drop.origin, remedy(drop)) for drop in found)
    summary = (
        (amount, outcome, reason, origin, text) for (outcome, reason, origin, text), amount in counts.most_common()
    )
    out.print(
        table(
            f"By reason, the last {len(found)}",
            ("drops", "outcome", "reason", "origin", "remedy"),
            summary,
            right=("drops",),
        )
    )
    columns = ("time", "project", "what", "reason", "origin", "stage", "event", "bytes", "plan", "detail")
    out.print(table(f"The last {min(limit, len(found))}", columns, map(_row, found[:limit]), right=("bytes",)))


def _row(drop: Drop) -> tuple[object, ...]:
    return (
        datetime.fromtimestamp(drop.time_unix, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "" if drop.project_id is None else drop.project_id,
        ", ".join(f"{amount} {category}" for category, amount in drop.quantities.items())
        or drop.item_type
        or "request",
        drop.reason,
        drop.origin,
        drop.stage,
        drop.event_id or "",
        drop.size_bytes or "",
        drop.revision,
        drop.detail,
    )
