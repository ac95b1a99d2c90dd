"""`scrubjay capture wait`, `mark`, `clear` and `export`: one question each to a sink that runs (`capture.md` 11.2)."""

from __future__ import annotations

import sys
import time
from typing import IO, Any, Final, cast, get_args

import click

from scrubjay.capture_client import MAX_WAIT_S, CaptureClient, Export, Json
from scrubjay.cli.capture_options import (
    EXIT_FAILED,
    EXIT_TIME_OVER,
    address_options,
    asking,
    client_of,
    duration,
    filter_options,
    filters_of,
)
from scrubjay.cli.terminal import Screen, safe, safe_json, safe_lines
from scrubjay.cli.verb import verb

_FORMS: Final = get_args(Export)


@verb("wait")
@address_options
@filter_options
@click.option("--count", type=click.IntRange(0), default=1, show_default=True, metavar="N", help="How many records.")
@click.option("--timeout", callback=duration, default="5s", show_default=True, metavar="TIME", help="For how long.")
@click.option("--settle", callback=duration, default="0", metavar="TIME", help="Then this long without a further one.")
@click.option("--exactly", is_flag=True, help="More than --count is a failure: exit code 5.")
@click.option("--json", "as_json", is_flag=True, help="For programs: the whole answer.")
@click.pass_context
def wait(
    ctx: click.Context, /, count: int, timeout: float, settle: float, exactly: bool, as_json: bool, **given: Any
) -> None:
    """Wait until so many records match; those that are there count, if --since does not exclude them.

    Exit code 6 if they do not come in time: what came nearest is printed then.
    """
    client, filters = client_of(given), filters_of(given)
    with asking():
        answer = _wait(client, filters, count=count, timeout_s=timeout, settle_ms=settle * 1_000, exactly=exactly)
    screen = Screen()
    if as_json:
        screen.text(safe_json(answer, ascii_only=screen.is_ascii))
    else:
        for summary in answer.get("events", []):
            screen.text(safe_json(summary, ascii_only=screen.is_ascii))
        _tell_misses(answer)
    if not answer["satisfied"]:
        ctx.exit(EXIT_FAILED if len(answer.get("events", [])) > count else EXIT_TIME_OVER)


def _wait(
    client: CaptureClient,
    filters: list[tuple[str, str]],
    *,
    count: int,
    timeout_s: float,
    settle_ms: float,
    exactly: bool,
) -> Json:
    """As long as is wanted, in requests as long as the server allows."""
    end_mono = time.monotonic() + timeout_s
    while True:
        left_s = max(0.0, end_mono - time.monotonic())
        answer = client.wait(
            filters, count=count, timeout_s=min(left_s, MAX_WAIT_S), settle_ms=settle_ms, exactly=exactly
        )
        if answer["satisfied"] or left_s <= MAX_WAIT_S or len(answer.get("events", [])) > count:
            return answer


def _tell_misses(answer: Json) -> None:
    for miss in answer.get("near_misses", []):
        event = miss["event"]
        click.echo(f"near miss: {safe(str(event.get('type')))} {safe(str(event.get('title')), 200)}", err=True)
        for failed in miss["failed"]:
            actual = ", ".join(map(str, failed["actual"])) or "nothing"
            click.echo(safe(f"    wanted {failed['condition']}, got {actual}", 400), err=True)


@verb("mark")
@address_options
def mark(**given: Any) -> None:
    """Print a point in time between what has come and what will, for --since."""
    with asking():
        click.echo(safe(client_of(given).mark()))


@verb("clear")
@address_options
@filter_options
def clear(**given: Any) -> None:
    """Forget what matches; without any option, everything."""
    with asking():
        removed = client_of(given).remove(filters_of(given))
    click.echo(f"removed {removed}")


@verb("export")
@click.argument("record_id", metavar="[ID]", required=False)
@address_options
@filter_options
@click.option("--as", "form", type=click.Choice(_FORMS), help="Form of the one record that ID names.")
@click.option("-o", "--output", type=click.File("wb", lazy=False), metavar="FILE", help="Instead of standard output.")
def export(record_id: str | None, form: str | None, output: IO[bytes] | None, **given: Any) -> None:
    """Print what matches as JSON, one object per line; or the record, capture or event ID in a form to paste."""
    client, filters = client_of(given), filters_of(given)
    if form and not record_id:
        raise click.UsageError("--as needs the ID of a record")
    if record_id and filters:
        raise click.UsageError("an ID and filters exclude each other")
    with asking():
        if record_id:
            pieces = iter([client.exported(record_id, cast("Export", form or "json"))])
        else:
            pieces = client.export(filters)
        if output is None and sys.stdout.isatty():
            Screen().text(safe_lines(b"".join(pieces).decode("utf-8", "replace")).rstrip("\n"))
            return
        target = output or sys.stdout.buffer
        for piece in pieces:
            target.write(piece)
