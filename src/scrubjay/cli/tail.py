"""`scrubjay tail`: what is captured, line by line, as it comes (`capture.md` 11.1).

Owns when to begin, when to end and with which exit code. How a record looks is `tail_lines`', where they come from `tail_source`'s.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import click

from scrubjay.capture_client import ApiError, CaptureClient
from scrubjay.cli import tail_lines as lines
from scrubjay.cli.capture_options import (
    EXIT_FAILED,
    EXIT_TIME_OVER,
    address_options,
    asking,
    client_of,
    duration,
)
from scrubjay.cli.tail_lines import Record
from scrubjay.cli.tail_source import Source, sink_to_follow
from scrubjay.cli.terminal import Screen, safe_lines
from scrubjay.cli.verb import verb

TYPES: Final = {
    "errors": ("error", "unparsable"),
    "logs": ("log",),
    "traces": ("transaction", "span"),
    "feedback": ("feedback",),
    "attachments": ("attachment",),
    "check-ins": ("check_in",),
    "other": ("release_health", "replay", "profile", "metric", "client_report", "security", "other"),
}
EVERYTHING: Final = ("all", "everything", "*")
_SEVERITY: Final = ("debug", "info", "warning", "error", "fatal")
_FAIL_ON: Final = ("fatal", "error", "warning")


@verb("tail")
@click.argument("types", nargs=-1, type=click.Choice([*TYPES, *EVERYTHING]), metavar="[TYPES…]")
@address_options
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["human", "json", "logfmt", "md"]),
    help="Default: human; json in a pipe.",
)
@click.option("--filter", "q", metavar="TEXT", help="Search text, as in the page.")
@click.option("--since", metavar="WHEN", help="From then on: a mark, a time, 90s; `now`. Default: all that is kept.")
@click.option("--diff", is_flag=True, help="After each record, what scrubbing changed.")
@click.option("--stack", is_flag=True, help="After each record, its stack trace.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after so many.")
@click.option(
    "--timeout", callback=duration, metavar="TIME", help="End after so long; exit code 6 if --count is not reached."
)
@click.option("--fail-on", type=click.Choice(_FAIL_ON), help="End with exit code 5 at an error of this level or above.")
@click.option("--no-color", is_flag=True, help="As NO_COLOR.")
@click.option("--no-start", is_flag=True, help="Start no sink where none runs.")
@click.pass_context
def tail(ctx: click.Context, /, types: tuple[str, ...], **given: Any) -> None:
    """Print what is captured as it comes: errors, logs, traces, feedback, attachments, check-ins, other, or all.

    Where no sink runs it starts one, which ends with it. Beside Spotlight's sidecar it prints what that one gets.
    """
    client = client_of(given)
    wanted = [kind for name in types for kind in TYPES.get(name, ())] if not set(types) & set(EVERYTHING) else []
    filters = [("type", kind) for kind in wanted] + ([("q", given["q"])] if given["q"] else [])
    screen = Screen(colours=False if given["no_color"] else None)
    form = given["form"] or ("human" if screen.is_terminal else "json")
    until_mono = None if given["timeout"] is None else time.monotonic() + given["timeout"]
    starts = not (given["no_start"] or given["url"])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a sink that was started here is put away in both cases
    try:
        with asking(), sink_to_follow(client, starts=starts) as sink:
            source = Source(sink, filters, given["since"] or "", until_mono)
            _end_with_reader(source.stop)
            ctx.exit(_print(source, _Printer(screen, form, sink, diff=given["diff"], stack=given["stack"]), given))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still in its buffer
    except KeyboardInterrupt:
        pass
    ctx.exit(0)


def _print(source: Source, printer: _Printer, given: dict[str, Any]) -> int:
    """Until there is nothing more to be done; the exit code."""
    for shown, record in enumerate(source.records(), start=1):
        printer.show(record)
        if given["fail_on"] and _is_severe(record, given["fail_on"]):
            return EXIT_FAILED
        if shown == given["count"]:
            return 0
    return EXIT_TIME_OVER if given["count"] and not source.is_stopped else 0


def _is_severe(record: Record, least: str) -> bool:
    """What has no level is an error."""
    level = record.get("level") or "error"
    return record.get("type") == "error" and level in _SEVERITY[_SEVERITY.index(least) :]


class _Printer:
    """One form of records. What it has to ask for, it asks of the sink."""

    def __init__(self, screen: Screen, form: str, client: CaptureClient, *, diff: bool, stack: bool) -> None:
        self._screen = screen
        self._client = client
        self._diff = diff
        self._stack = stack
        self._show: Callable[[Record], None] = getattr(self, f"_{form}")

    def show(self, record: Record) -> None:
        self._show(record)

    def _human(self, record: Record) -> None:
        self._screen.write(lines.human(record), hang=lines.HANG)
        self._details(record)

    def _logfmt(self, record: Record) -> None:
        self._screen.text(lines.logfmt(record))
        self._details(record)

    def _json(self, record: Record) -> None:
        told = dict(record)
        if self._stack:
            told["stack"] = lines.stack_lines(record)
        if self._diff:
            told |= {name: value for name, value in self._report(record).items() if name in ("changes", "suspects")}
        self._screen.text(lines.as_json(told, ascii_only=self._screen.is_ascii))

    def _md(self, record: Record) -> None:
        with suppress(ApiError):  # evicted meanwhile
            text = self._client.exported(str(record["id"]), "markdown").decode("utf-8", "replace")
            self._screen.text(f"{safe_lines(text).rstrip()}\n")
        self._details(record)

    def _details(self, record: Record) -> None:
        if self._stack:
            for line in lines.stack(record):
                self._screen.write(line, hang=10)
        if self._diff:
            for line in lines.diff(self._report(record)):
                self._screen.write(line, hang=8)

    def _report(self, record: Record) -> Record:
        try:
            return self._client.report(str(record["id"]))
        except ApiError:  # evicted meanwhile
            return {}


def _end_with_reader(stop: Callable[[], None]) -> None:
    """Whoever reads our output may go while nothing comes: no write would tell."""

    def watch() -> None:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)  # errors are told in any case
        poll.poll()
        stop()

    if not sys.stdout.isatty():
        with suppress(OSError, ValueError):  # no descriptor
            sys.stdout.fileno()
            threading.Thread(target=watch, name="reader", daemon=True).start()
