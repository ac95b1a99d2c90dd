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
from scrubjay.outcomes import Outcome
from scrubjay.reasons import REASONS, filtered, rate_limited, sampled, too_large
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
        return _whose_limit(drop.origin) or rate_limited(drop.reason).remedy
    if drop.outcome == Outcome.SAMPLED:
        return sampled("").remedy
    if drop.outcome == Outcome.FILTERED:
        return filtered("").remedy
    return too_large("").remedy if drop.reason.startswith("too_large:") else ""


def _whose_limit(origin: str) -> str:
    """Of the row's remedies the one that is meant; empty where the origin is not known."""
    return {
        "": "",
        "upstream": "the server refuses: look at its quota; or let less through, by sampling, filters or a quota here",
        "pressure": "give the spool more room (of one project: `spool.envelopes.max_project_share`), or the relay more memory",
    }.get(origin, f"`{origin}` refuses it: raise that quota, or sample more; `scrubjay quotas` shows its use")


def _print(found: Sequence[Drop], limit: int) -> None:
    from scrubjay.cli.tables import console, fits, table

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
    title, columns = f"The last {min(limit, len(found))}", ("time", "project", "key", "what", "reason", "origin", "stage", "event", "bytes", "plan", "detail")  # fmt: skip
    last = table(title, columns, map(_row, found[:limit]), right=("bytes",))
    if fits(last, out):
        out.print(last)
    else:
        _write_lines(title, found[:limit])


def _write_lines(title: str, found: Sequence[Drop]) -> None:
    """For a window that the table is too wide for: two lines a drop, and one for its detail."""
    from scrubjay.cli.terminal import Screen, safe

    screen = Screen()
    screen.write([(title, "bold")])
    for drop in found:
        time_text, project, key, what, reason, origin, stage, event, size, plan, detail = map(str, _row(drop))
        by = f" by {safe(origin)}" if origin else ""
        screen.write([(f"\n{time_text}  ", "faint"), (safe(reason), "bold"), (f"{by}: {what}", "")], hang=4)
        named = {"project": project, "key": key, "event": event, "bytes": size, "plan": plan, "stage": stage}
        screen.write([("    " + ", ".join(f"{name} {safe(text)}" for name, text in named.items() if text), "")], hang=4)
        if detail:
            screen.write([(f"    {safe(detail)}", "")], hang=4)


def _row(drop: Drop) -> tuple[object, ...]:
    return (
        datetime.fromtimestamp(drop.time_unix, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "" if drop.project_id is None else drop.project_id,
        drop.key,
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
