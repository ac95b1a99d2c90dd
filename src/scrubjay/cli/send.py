"""`scrubjay send`: a sample of each kind, with harmless data in it that scrubbing takes, to see where it arrives and how.

To the relay of this configuration, or where a DSN leads: then by the proxies and certificates of this configuration. The samples are
`samples`'s.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from scrubjay import __version__
from scrubjay.capture_client import NoAnswer
from scrubjay.cli.verb import Invocation, group, pass_invocation, verb
from scrubjay.errors import ConfigError

if TYPE_CHECKING:
    from scrubjay.cli.destination import Target
    from scrubjay.cli.samples import Sample
    from scrubjay.core.dsn import Dsn
    from scrubjay.settings.load import Loaded
    from scrubjay.settings.schema import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

_PATIENCE_S: Final = 10.0
_SAMPLE_KEY: Final = "5c2ab1a75c2ab1a75c2ab1a75c2ab1a7"
"""Where any key will do."""
_MOST_TEXT: Final = 300


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


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said to an envelope. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def detail(self) -> str:
        """The server's own words."""
        try:
            document = json.loads(self.text)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict) and "detail" in document:
            causes = document.get("causes")
            return "; ".join(map(str, (document["detail"], *(causes if isinstance(causes, list) else ()))))
        return " ".join(self.text.split())[:_MOST_TEXT]

    def document(self, sample: Sample) -> dict[str, object]:
        return {
            "kind": sample.kind,
            "id": sample.event_id,
            "status": self.status,
            "reason": "" if self.is_taken else self.detail,
            "rate_limits": self.headers.get("x-sentry-rate-limits"),
            "retry_after": self.headers.get("retry-after"),
        }


def _send(
    ctx: click.Context, invocation: Invocation, sent: Sequence[Sample], text: str | None, *, as_json: bool
) -> None:
    from scrubjay.cli.destination import leads_here, read_dsn

    loaded = invocation.load()
    dsn = None if text is None else read_dsn(text)
    target = _target(dsn, loaded)
    is_local = dsn is None or leads_here(dsn, loaded)
    place, answers = (_near if is_local else _far)(loaded.settings, dsn, target, sent)
    look = _where_to_look(loaded.settings, place, target, sent[0], is_local=is_local)
    if as_json:
        told = {
            "to": place,
            "project_id": target.project_id,
            "key": target.key,
            "sent": [answer.document(sample) for sample, answer in zip(sent, answers, strict=True)],
            "look": look,
        }
        click.echo(json.dumps(told, indent=2))
    else:
        _print(place, target, sent, answers, look, is_local=is_local)
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


Sent = tuple[str, list[Answer]]
"""Where to, and what was said to each."""


def _head(target: Target) -> dict[str, str]:
    client = f"scrubjay.cli/{__version__}"
    return {
        "Content-Type": "application/x-sentry-envelope",
        "User-Agent": client,
        "X-Sentry-Auth": f"Sentry sentry_key={target.key}, sentry_version=7, sentry_client={client}",
    }


def _near(settings: Settings, _: Dsn | None, target: Target, sent: Sequence[Sample]) -> Sent:
    """To the relay of this machine. Raises `NoAnswer`."""
    import http.client
    from contextlib import closing

    from scrubjay.cli.own_listener import local_address, local_connection

    address, answers = local_address(settings, public=True), []
    with closing(local_connection(settings, _PATIENCE_S, public=True)) as connection:
        for sample in sent:
            try:
                connection.request("POST", f"/api/{target.project_id}/envelope/", sample.body, _head(target))
                reply = connection.getresponse()
                text = reply.read().decode(errors="replace")
            except (OSError, http.client.HTTPException) as error:
                start = "start one (`scrubjay run`), or say with --dsn where to"
                raise NoAnswer(f"no relay answers at {address}: {error}; {start}") from None
            answers.append(Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, text))
    return address, answers


def _far(settings: Settings, dsn: Dsn | None, target: Target, sent: Sequence[Sample]) -> Sent:
    """To another server, as the relay would get there. Raises `NoAnswer`."""
    import asyncio

    from scrubjay.cli.destination import as_onlooker, towards

    assert dsn is not None
    return asyncio.run(_by_road(as_onlooker(towards(dsn, settings)), target, sent))


async def _by_road(settings: Settings, target: Target, sent: Sequence[Sample]) -> Sent:
    from scrubjay.cli.witness import Witness
    from scrubjay.errors import Transient
    from scrubjay.runtime.roads import Roads

    witness = Witness()
    roads = Roads(settings, witness, on_limits=witness.limited, on_denied=witness.denied)
    upstream, place, answers = roads.upstreams[0], str(roads.origins[0]), []
    try:
        for sample in sent:
            fields = {**_head(target), "Content-Length": str(len(sample.body))}
            del fields["User-Agent"]  # the road has its own
            lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            path = f"/api/{target.project_id}/envelope/"
            reply, _ = await upstream.call("sample", "POST", path, lines, sample.body)
            answers.append(Answer(reply.status, reply.headers, reply.text()))
    except Transient as error:
        raise NoAnswer(f"{place} gives no answer: {error}; see `scrubjay doctor --dsn`") from None
    finally:
        await roads.stop()
    return place, answers


def _where_to_look(settings: Settings, place: str, target: Target, sample: Sample, *, is_local: bool) -> str:
    what = f"`{sample.event_id}`" if sample.event_id else "the environment `sample`"
    if not is_local:
        return f"at {place}, project {target.project_id}: search for {what}"
    if settings.relay.mode == "capture":
        from scrubjay.cli.own_listener import listener_url

        return f"at {listener_url(settings)} in the browser, or `scrubjay tail --port {settings.relay.port}`"
    server = settings.relay.upstreams[0] if settings.relay.upstreams else "the server"
    return f"at {server}, project {target.project_id}: search for {what}; if it does not arrive: `scrubjay drops`"


def _print(
    place: str, target: Target, sent: Sequence[Sample], answers: Sequence[Answer], look: str, *, is_local: bool
) -> None:
    from scrubjay.cli.terminal import Screen, safe

    screen = Screen()

    def line(label: str, text: str, style: str = "") -> None:
        screen.write([(f"{label:<10}", ""), (safe(text), style)], hang=10)

    line("to", f"{place}, project {target.project_id}, key {target.key[:8]}…")
    for sample, answer in zip(sent, answers, strict=True):
        what = " ".join(filter(None, (sample.kind, sample.event_id)))
        if answer.is_taken:
            line("sent", f"{what}: {answer.status}", "good")
        else:
            line("refused", f"{what}: {answer.status} {answer.detail}", "bad")
            line("do", "see `scrubjay drops`" if is_local else _advice(answer.status, target))
        limits, retry_after = answer.headers.get("x-sentry-rate-limits"), answer.headers.get("retry-after")
        if limits or retry_after:
            line("limits", f"{limits or 'all'}{f', again in {retry_after} s' if retry_after else ''}", "warn")
    if any(answer.is_taken for answer in answers):
        line("look", look)


def _advice(status: int, target: Target) -> str:
    from scrubjay.cli.doctor_probe import refused_advice

    return refused_advice(status, target)


for _command in (error, transaction, log, check_in):
    send.add_command(_command)
