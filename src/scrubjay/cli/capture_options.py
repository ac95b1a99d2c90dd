"""What the verbs that ask a sink have in common: where it is, which records are meant, how long to wait, and how its errors end.

Owns options and their reading. The language of filters is the server's (`capture.md` 9.2, 10.6): texts are passed on, and what it refuses is
an error of usage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import click

from scrubjay.capture_client import DEFAULT_URL, SPOTLIGHT_PORT, ApiError, CaptureClient, NoAnswer
from scrubjay.cli.terminal import safe
from scrubjay.errors import ScrubjayError

Command = TypeVar("Command", bound=Callable[..., Any])

TOKEN_VARIABLE: Final = "SCRUBJAY__CAPTURE__TOKEN"  # noqa: S105  the name of one
EXIT_FAILED: Final = 5
EXIT_TIME_OVER: Final = 6

_NAMED: Final = {
    "type": "error, transaction, span, log, feedback, check_in, …",
    "project": "number of the project",
    "key": "public key",
    "level": "fatal, error, warning, info, debug; '>=warning' too",
    "outcome": "accepted, filtered, sampled, rate_limited, …",
    "environment": "",
    "release": "",
    "platform": "",
    "sdk": "name of the SDK",
    "transaction": "",
    "logger": "",
    "event_id": "",
    "trace_id": "",
    "exception": "type of an exception",
    "message": "a part of the text",
    "file": "end of a frame's file name",
    "via": "dsn, spotlight, tunnel, otlp, cron, recording",
    "has": "attachment, stacktrace, changes, suspects",
    "rule": "scrub rule that fired",
}
_ADDRESS: Final = (
    click.option("--url", metavar="URL", help=f"Address of the sink.  [default: {DEFAULT_URL}]"),
    click.option("--port", type=click.IntRange(1, 65535), metavar="PORT", help="Its port on this machine."),
    click.option("--token", metavar="TOKEN", envvar=TOKEN_VARIABLE, help=f"To read with; or {TOKEN_VARIABLE}."),
)


def duration(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Callback of options: seconds, or a number with a unit, as 250ms, 5s, 2m."""
    from scrubjay.settings.scalars import parse_duration
    from scrubjay.settings.texts import Unusable

    if value is None:
        return None
    try:
        return parse_duration(value, "s")
    except Unusable as error:
        raise click.BadParameter(f"{value!r} is {error}: {error.accepted}", ctx, param) from None


def address_options(command: Command) -> Command:
    """Where the sink is."""
    for option in reversed(_ADDRESS):
        command = option(command)
    return command


def filter_options(command: Command) -> Command:
    """Which records are meant; several values of one option are alternatives, several options all have to hold."""
    command = click.option("--until", metavar="WHEN", help="Only what came before: a mark, a time, 90s.")(command)
    command = click.option("--since", metavar="WHEN", help="Only what came after: a mark, a time, 90s.")(command)
    command = click.option("--filter", "q", metavar="TEXT", help="Search text, as in the page.")(command)
    command = click.option(
        "--where", multiple=True, metavar="NAME=VALUE", help="Any other: user.id=7, path:/contexts/order/id=42."
    )(command)
    command = click.option("--tag", multiple=True, metavar="NAME=VALUE", help="A tag.")(command)
    for name, says in reversed(_NAMED.items()):
        option = click.option(f"--{name.replace('_', '-')}", name, multiple=True, metavar="VALUE", help=says or None)
        command = option(command)
    return command


def client_of(given: Mapping[str, Any]) -> CaptureClient:
    """Raises `click.UsageError`."""
    if given["url"] and given["port"]:
        raise click.UsageError("--url and --port exclude each other")
    url = given["url"] or f"http://127.0.0.1:{given['port'] or SPOTLIGHT_PORT}"
    try:
        return CaptureClient(url, token=given["token"])
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from None


def filters_of(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Parameters of the API. Raises `click.UsageError`."""
    found = [(name, value) for name in _NAMED for value in given[name]]
    found += [(f"tag.{name}", value) for name, value in map(_pair, given["tag"])]
    found += map(_pair, given["where"])
    return found + [(name, given[name]) for name in ("q", "since", "until") if given[name]]


def _pair(text: str) -> tuple[str, str]:
    """A JSON Pointer has no `=` before its value's, and everything else no `=` in its name."""
    name, found, value = text.partition("=")
    if not (name and found):
        raise click.UsageError(f"{text!r} is not NAME=VALUE")
    return name, value


@contextmanager
def asking() -> Iterator[None]:
    """What a server says goes to the terminal as safe text; a request that it cannot read is an error of usage."""
    try:
        yield
    except ApiError as error:
        if error.status == 400:
            raise click.UsageError(safe(str(error))) from None
        hint = f"; set --token or {TOKEN_VARIABLE}" if error.status == 401 else ""
        raise ScrubjayError(f"the sink answers {error.status}: {safe(str(error))}{hint}") from None
    except NoAnswer as error:
        raise ScrubjayError(f"{safe(str(error))}; start one with `scrubjay capture`") from None
