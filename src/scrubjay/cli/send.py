"""`scrubjay send`: a sample of each kind, with harmless data in it that scrubbing takes, to see where it arrives and how.

To the relay of this configuration, or where a DSN leads: then by the proxies and certificates of this configuration. The samples are
`samples`'s, their way is `sample_delivery`'s, what is told of it `sample_report`'s; here stand the verbs, and whose a sample is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from scrubjay.cli.verb import Invocation, group, pass_invocation, verb
from scrubjay.errors import ConfigError

if TYPE_CHECKING:
    from scrubjay.cli.destination import Target
    from scrubjay.cli.samples import Sample
    from scrubjay.core.dsn import Dsn
    from scrubjay.settings.load import Loaded

Command = TypeVar("Command", bound=Callable[..., Any])

_SAMPLE_KEY: Final = "5c2ab1a75c2ab1a75c2ab1a75c2ab1a7"
"""Where any key will do."""


def _options(command: Command) -> Command:
    command = click.option("--json", "as_json", is_flag=True, help="For programs.")(command)
    return click.option("--dsn", metavar="DSN", help="Send there instead of to the relay of this configuration.")(
        command
    )


@group("send")
def send() -> None:
    """Send a sample: to the relay of this configuration, or where --dsn leads.

    In it stands data that looks personal and is nobody's: with scrubbing it does not arrive. Exit code 1 if it is refused.
    """


@verb("error")
@click.option("--message", metavar="TEXT", default="", help="Text of the exception.")
@_options
@pass_invocation
@click.pass_context
def error(ctx: click.Context, invocation: Invocation, /, message: str, dsn: str | None, as_json: bool) -> None:
    """An exception with a request, a user and breadcrumbs."""
    from scrubjay.cli import samples

    _send(ctx, invocation, (samples.error(message),), dsn, as_json=as_json)


@verb("transaction")
@_options
@pass_invocation
@click.pass_context
def transaction(ctx: click.Context, invocation: Invocation, /, dsn: str | None, as_json: bool) -> None:
    """A request with a database query and a call of another service."""
    from scrubjay.cli import samples

    _send(ctx, invocation, (samples.transaction(),), dsn, as_json=as_json)


@verb("log")
@_options
@pass_invocation
@click.pass_context
def log(ctx: click.Context, invocation: Invocation, /, dsn: str | None, as_json: bool) -> None:
    """Three lines of a log."""
    from scrubjay.cli import samples

    _send(ctx, invocation, (samples.log(),), dsn, as_json=as_json)


@verb("check-in")
@click.option("--monitor", metavar="SLUG", default="scrubjay-sample", show_default=True, help="Which one checks in.")
@click.option("--status", type=click.Choice(["ok", "error"]), default="ok", show_default=True, help="How the job ends.")
@_options
@pass_invocation
@click.pass_context
def check_in(
    ctx: click.Context, invocation: Invocation, /, monitor: str, status: str, dsn: str | None, as_json: bool
) -> None:
    """A job that begins and ends. The monitor is made at the server if it does not exist."""
    from scrubjay.cli import samples

    _send(ctx, invocation, samples.check_ins(monitor, status), dsn, as_json=as_json)


def _send(
    ctx: click.Context, invocation: Invocation, sent: Sequence[Sample], text: str | None, *, as_json: bool
) -> None:
    from scrubjay.cli import sample_delivery, sample_report
    from scrubjay.cli.destination import leads_here, read_dsn

    loaded = invocation.load()
    dsn = None if text is None else read_dsn(text)
    target = _target(dsn, loaded)
    is_local = dsn is None or leads_here(dsn, loaded)
    if dsn is None or is_local:
        place, answers = sample_delivery.near(loaded.settings, target, sent)
    else:
        place, answers = sample_delivery.far(loaded.settings, dsn, target, sent)
    look = sample_report.where_to_look(loaded.settings, place, target, sent[0], is_local=is_local)
    if as_json:
        told = {
            "to": place,
            "project_id": target.project_id,
            "key": target.key,
            "sent": [sample_report.document(*each) for each in zip(sent, answers, strict=True)],
            "look": look,
        }
        click.echo(json.dumps(told, indent=2))
    else:
        sample_report.show(place, target, sent, answers, look, is_local=is_local)
    ctx.exit(0 if all(answer.is_taken for answer in answers) else 1)


def _target(dsn: Dsn | None, loaded: Loaded) -> Target:
    """Raises `ConfigError` if nobody is known whose the sample could be."""
    from scrubjay.cli.destination import Target, chosen

    target = chosen(dsn, loaded)
    if target is not None:
        return target
    settings, projects = loaded.settings, loaded.projects
    if settings.relay.mode == "managed":
        raise ConfigError(
            "the upstream configures the projects, so no key is known here",
            accepted="the DSN of an application with --dsn",
        )
    if settings.relay.mode == "capture" or projects.default is not None or settings.projects.unknown == "forward":
        return Target(_SAMPLE_KEY, 1)
    raise ConfigError(
        "no project is configured, so the relay would refuse it", accepted="the DSN of an application with --dsn"
    )


for _command in (error, transaction, log, check_in):
    send.add_command(_command)
