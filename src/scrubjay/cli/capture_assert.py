"""`scrubjay capture assert`: expectations of what was captured, for CI (`capture.md` 9.4, 11.2).

Owns the shell form of an assertion. Judging is the server's, and so are the words of the report.
"""

from __future__ import annotations

import json
import re
from typing import IO, Any, Final

import click

from scrubjay.capture_client import CaptureClient, Json
from scrubjay.cli.capture_options import (
    EXIT_FAILED,
    address_options,
    asking,
    client_of,
    duration,
    filter_options,
    filters_of,
)
from scrubjay.cli.terminal import Screen, safe_json, safe_lines
from scrubjay.cli.verb import verb

_COUNT: Final = re.compile(r"(\d{1,9})?(\.\.)?(\d{1,9})?", re.ASCII)


def _count(ctx: click.Context, param: click.Parameter, value: str | None) -> int | dict[str, int] | None:
    """`3`, or `1..5`, or open at one end: `2..`."""
    if value is None:
        return None
    found = _COUNT.fullmatch(value)
    if found is None or not (found[1] or found[3]) or not (found[2] or found[1] == value):
        raise click.BadParameter(f"{value!r} is neither a number nor a range such as 1..5, 2.., ..3", ctx, param)
    if not found[2]:
        return int(value)
    return {name: int(text) for name, text in (("min", found[1]), ("max", found[3])) if text}


@verb("assert")
@address_options
@filter_options
@click.option(
    "--count", callback=_count, metavar="N", help="How many have to match, or 1..5, 2.., ..3.  [default: 1..]"
)
@click.option("--each", multiple=True, metavar="NAME=VALUE", help="Has to hold for all that match.")
@click.option("--any", "any_", multiple=True, metavar="NAME=VALUE", help="Has to hold for one of them.")
@click.option("--absent", metavar="REGEX", help="May not be anywhere in what matches.")
@click.option("--no-suspects", is_flag=True, help="Nothing that matches may still look like personal data.")
@click.option("--expect", type=click.File("rb"), metavar="FILE", help="Expectations in JSON, as the API takes them.")
@click.option("--within", callback=duration, default="0", metavar="TIME", help="Wait for it, at most so long.")
@click.option("--settle", callback=duration, default="0", metavar="TIME", help="Then so long without anything new.")
@click.option("--json", "as_json", is_flag=True, help="For programs: the whole report.")
@click.pass_context
def assert_(ctx: click.Context, /, as_json: bool, **given: Any) -> None:
    """Check what was captured; print the report; exit code 5 where it is not as expected."""
    client = client_of(given)
    document = _document(given)
    with asking():
        report = client.expect(document)
    if as_json:
        screen = Screen()
        screen.text(safe_json(report, ascii_only=screen.is_ascii))
    else:
        tell(report)
    ctx.exit(0 if report["passed"] else EXIT_FAILED)


def tell(report: Json, *, err: bool = False) -> None:
    """The report in words."""
    click.echo(safe_lines(str(report.get("text", ""))).rstrip("\n"), err=err)


def check(client: CaptureClient, expectations: bytes, *, settle_ms: int) -> Json:
    """The report of a file, which may say itself how long to wait. Raises `click.UsageError` if it is none."""
    with asking():
        return client.expect({"settle_ms": settle_ms, **read_expectations(expectations)})


def read_expectations(data: bytes) -> dict[str, Any]:
    """The document of a file, or the list in it. Raises `click.UsageError`."""
    try:
        document = json.loads(data)
    except ValueError as error:
        raise click.UsageError(f"the expectations are no JSON: {error}") from None
    if isinstance(document, list):
        document = {"expect": document}
    if not isinstance(document, dict):
        raise click.UsageError("the expectations are neither an object nor a list")
    return document


def _document(given: dict[str, Any]) -> dict[str, Any]:
    filters = [(name, value) for name, value in filters_of(given) if name != "since"]
    own = filters or any(given[name] for name in ("each", "any_", "absent", "count", "no_suspects"))
    if given["expect"] is not None:
        if own:
            raise click.UsageError("--expect and expectations on the command line exclude each other")
        file: IO[bytes] = given["expect"]
        document = read_expectations(file.read())
    elif own:
        document = {"expect": _expectations(filters, given)}
    else:
        raise click.UsageError("nothing is expected: say what, such as --type error --count 1")
    if given["since"]:
        document["since"] = given["since"]
    for name, key in (("within", "within_ms"), ("settle", "settle_ms")):
        if given[name]:
            document[key] = round(given[name] * 1_000)
    return document


def _expectations(filters: list[tuple[str, str]], given: dict[str, Any]) -> list[dict[str, Any]]:
    match = _object(filters)
    expected: dict[str, Any] = {"match": match}
    if given["count"] is not None:
        expected["count"] = given["count"]
    if given["absent"] is not None:
        expected["absent"] = {"regex": given["absent"]}
    for name in ("each", "any_"):
        if given[name]:
            expected[name.rstrip("_")] = _object([_split(text) for text in given[name]])
    is_asked = bool(filters) or len(expected) > 1
    clean = {"name": "no suspects", "match": {**match, "has": "suspects"}, "count": 0}
    return [*([expected] if is_asked else []), *([clean] if given["no_suspects"] else [])]


def _split(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not (name and found):
        raise click.UsageError(f"{text!r} is not NAME=VALUE")
    return name, value


def _object(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """A name that comes more than once has a list."""
    made: dict[str, Any] = {}
    for name, value in pairs:
        made[name] = (
            value if name not in made else [*(made[name] if isinstance(made[name], list) else [made[name]]), value]
        )
    return made
