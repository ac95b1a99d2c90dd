"""`scrubjay explain`: what the relay would do with an envelope, stage by stage, and which rule decides it.

The path itself is run (`core.explanation`), against this configuration and, where a relay of it runs or ran, against the limits and
counters of its state files. Nothing is counted, kept or sent, and no payload is shown.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import click

from scrubjay.cli.scrub_files import is_envelope, read_bytes
from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.core.compat import read_store
from scrubjay.core.dsn import Auth, auth_from_envelope
from scrubjay.core.envelope import Envelope, parse_envelope, read_header
from scrubjay.core.explanation import STAGES, Explanation, Step
from scrubjay.core.explanation import explain as rehearse
from scrubjay.core.limits import LimitTable
from scrubjay.core.plan import Programs, ProjectPlan, compile_plan, pass_plan
from scrubjay.core.ports import Ingress, Ports
from scrubjay.errors import ConfigError, Rejected
from scrubjay.runtime.quota_backends.memory import MemoryBackend
from scrubjay.settings.load import Loaded

if TYPE_CHECKING:
    from rich.text import Text

T = TypeVar("T")
_NOW_MONO = 1_000_000.0


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
    as_json: bool,
) -> None:
    """Show what each stage would decide about an envelope (or an event as JSON), and by which rule. `-` reads standard input."""
    loaded = invocation.load()
    body = read_bytes(file)
    read = _as_envelope if is_envelope(body) else _as_event
    key = key or _key_of(body, read)
    plans = Plans(loaded)
    ingress = Ingress(
        body=body,
        read=read,
        auth=Auth(key, 7, None, False, "header"),
        path_project=project if project is not None else plans.project_of(key) or 0,
        received_unix=time.time() if at is None else at.timestamp(),
        now_mono=_NOW_MONO,
        origin=origin,
        client_ip=client_ip,
        forwarded_for=client_ip,
        user_agent=user_agent,
    )
    told = asyncio.run(rehearse(ingress, ports_of(loaded, plans)))
    if as_json:
        click.echo(json.dumps(told.document(), indent=2))
    else:
        _print(told)


@dataclass(slots=True)
class Plans:
    """The plans of a configuration, compiled when asked for. Raises `ConfigError` for one that cannot be used."""

    loaded: Loaded
    _programs: Programs = field(default_factory=Programs)
    _known: dict[str, ProjectPlan | None] = field(default_factory=dict)

    def find(self, key: str) -> ProjectPlan | None:
        if key not in self._known:
            self._known[key] = self._compile(key)
        return self._known[key]

    def _compile(self, key: str) -> ProjectPlan | None:
        settings, projects = self.loaded.settings, self.loaded.projects
        project = projects.by_key.get(key, projects.default)
        if project is not None:
            return compile_plan(project, settings, self._programs, projects.shared.config)
        return pass_plan(settings) if settings.projects.unknown == "forward" else None

    def project_of(self, key: str) -> int | None:
        project = self.loaded.projects.by_key.get(key, self.loaded.projects.default)
        return None if project is None else project.project_id


def ports_of(loaded: Loaded, plans: Plans) -> Ports:
    """Ports whose state is fresh: `rehearse` puts its own in place of what keeps, sends and tells."""
    settings = loaded.settings
    listener = Explanation()
    return Ports(
        plans=plans,
        limits=LimitTable(),
        quotas=MemoryBackend(),
        ledger=listener.ledger(),
        outbox=listener,
        bounds=settings.limits,
        rng=lambda: 0.5,
        new_id=lambda: "0" * 32,
        in_thread=_at_once,
        has_memory=lambda: True,
        accepts_unknown=settings.routing.accept_unknown_items,
        trusts_facts=settings.privacy.trust_envelope_facts,
        overrides_project_ids=settings.relay.override_project_ids,
    )


async def _at_once(work: Callable[[], T]) -> T:
    return work()


def _as_envelope(body: bytes, auth: Auth | None) -> Envelope:
    return parse_envelope(body)


def _as_event(body: bytes, auth: Auth | None) -> Envelope:
    return read_store(body, None, len(body))


def _key_of(body: bytes, read: Callable[[bytes, Auth | None], Envelope]) -> str:
    """Raises `ConfigError` where the body names no key."""
    if read is _as_envelope:
        try:
            return auth_from_envelope(read_header(body)[0])[0].key
        except Rejected:
            pass
    raise ConfigError("the envelope names no DSN: say whose it is with --key")


def _print(told: Explanation) -> None:
    from scrubjay.cli.tables import console, table

    out = console()
    steps = sorted(told.steps, key=lambda step: STAGES.index(step.stage) if step.stage in STAGES else len(STAGES))
    columns = ("stage", "item", "decision", "rule", "amount", "")
    out.print(table(f"plan {told.revision or '(none)'}", columns, map(_row, steps)))
    answer = f"answer: {told.status}{f' {told.reason}' if told.reason else ''}"
    if told.retry_after_s is not None:
        answer += f", Retry-After: {told.retry_after_s}"
    if told.rate_limits:
        answer += f", X-Sentry-Rate-Limits: {told.rate_limits}"
    out.print(answer, markup=False, soft_wrap=True)
    leaves = ", ".join(f"{amount} {category.wire}" for category, amount in told.kept)
    items = ", ".join(told.kept_items)
    out.print(
        f"leaves: {items} ({leaves}), {told.leaves_bytes} bytes" if items else "leaves: nothing",
        markup=False,
        soft_wrap=True,
    )


def _row(step: Step) -> tuple[object, ...]:
    return (
        step.stage,
        step.item_type,
        _decision(step),
        step.origin,
        ", ".join(f"{amount} {category.wire}" for category, amount in step.quantities),
        step.text,
    )


def _decision(step: Step) -> Text:
    from rich.text import Text

    if not step.outcome:
        return Text("")
    return Text(f"{step.outcome}: {step.reason}" if step.reason else step.outcome, style="red")
