"""`scrubjay quotas`: windows, their use and leases, and every limit in force, from the state files of the workers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from scrubjay.cli.status import state_folder
from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.core.spikes import REASON as SPIKE
from scrubjay.runtime.standing import Standing, Window
from scrubjay.runtime.state import Merged, read_states

if TYPE_CHECKING:
    from rich.console import Group

_REFRESH_S = 1.0


@verb("quotas")
@click.option("--quota", metavar="ID", help="Only of this quota.")
@click.option("--owner", metavar="TEXT", help="Only of owners that begin so: `project 42`, `key 0a1b`, `organization`.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many of each.")
@click.option("-f", "--follow", is_flag=True, help="Stay, and show what changes, until interrupted.")
@click.option("--state-dir", type=click.Path(path_type=Path), metavar="DIR", help="Where the state files are.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_invocation
@click.pass_context
def quotas(
    ctx: click.Context,
    invocation: Invocation,
    /,
    quota: str | None,
    owner: str | None,
    limit: int,
    follow: bool,
    state_dir: Path | None,
    as_json: bool,
) -> None:
    """Show how far each quota's windows are, when they will be used up, and what is refused now.

    Exit code 1 if no worker is alive.
    """
    folder = state_folder(invocation, state_dir)

    def look() -> Merged:
        def is_wanted(rule: str, whose: str) -> bool:
            return quota in (None, rule) and (owner is None or whose.startswith(owner))

        merged = read_states(folder)
        merged.windows = [row for row in merged.windows if is_wanted(row.quota, row.owner)][:limit]
        merged.limits = [row for row in merged.limits if is_wanted(row.origin, row.owner)][:limit]
        merged.surges = [row for row in merged.surges if is_wanted(SPIKE, f"project {row.project_id}")][:limit]
        return merged

    if as_json:
        merged = look()
        shown = {"windows": merged.windows, "limits": merged.limits, "spikes": merged.surges}
        click.echo(json.dumps(msgspec.to_builtins(shown), indent=2))
        ctx.exit(0 if merged.alive else 1)
    from rich.live import Live

    from scrubjay.cli.tables import console

    out, merged = console(), look()
    if not follow:
        out.print(_page(merged))
        ctx.exit(0 if merged.alive else 1)
    with suppress(KeyboardInterrupt), Live(_page(merged), console=out, auto_refresh=False) as live:
        while True:
            time.sleep(_REFRESH_S)
            live.update(_page(look()), refresh=True)


def _page(merged: Merged) -> Group:
    from rich.console import Group

    from scrubjay.cli.tables import ago, table

    columns = (
        "quota",
        "owner",
        "group",
        "categories",
        "used",
        "limit",
        "free here",
        "window",
        "ends in",
        "used up in",
        "reason",
    )
    rows = (_window(row, merged.now_unix) for row in merged.windows)
    windows = table("Windows, nearest to their limit first", columns, rows, right=("used", "limit", "free here"))
    headings = ("owner", "categories", "ends in", "by", "reason")
    limits = table("Refused now", headings, (_limit(row, merged.now_unix) for row in merged.limits))
    headings = ("project", "category", "seen", "limit", "ends in")
    rows = (
        (row.project_id, row.category, row.seen, row.limit, ago(row.ends_unix - merged.now_unix))
        for row in merged.surges
    )
    spikes = table("Cut off as spikes", headings, rows, right=("seen", "limit"))
    return Group(windows, limits, spikes) if merged.surges else Group(windows, limits)


def _window(row: Window, now_unix: float) -> tuple[object, ...]:
    from scrubjay.cli.tables import ago

    return (
        row.quota,
        row.owner,
        row.group,
        _names(row.categories),
        "?" if row.consumed is None else row.consumed,
        "no limit" if row.limit is None else row.limit,
        row.held or "",
        f"{row.window_s} s" if row.algorithm == "fixed" else f"{row.window_s} s {row.algorithm}",
        ago(row.ends_unix - now_unix),
        "" if row.exhausted_unix is None else ago(row.exhausted_unix - now_unix),
        row.reason,
    )


def _limit(row: Standing, now_unix: float) -> tuple[object, ...]:
    from scrubjay.cli.tables import ago

    until = datetime.fromtimestamp(row.until_unix, UTC).strftime("%H:%M:%S")
    names = _names(row.categories) + (f" ({', '.join(row.namespaces)})" if row.namespaces else "")
    return row.owner, names, f"{ago(row.until_unix - now_unix)} ({until} UTC)", row.origin, row.reason


def _names(categories: Iterable[str]) -> str:
    return ", ".join(categories) or "all"
