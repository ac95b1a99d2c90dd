"""`scrubjay explain`: what the relay would do with an envelope, stage by stage, and which rule decides it.

The path itself is run (`core.explanation`): here, under this configuration and with counters that begin anew, or by the relay that runs
(`--live`), with its limits and counters as they are. Nothing is counted, kept or sent, and no payload is shown.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import click

from scrubjay.cli.own_listener import local_address, local_connection
from scrubjay.cli.scrub_files import is_envelope, read_bytes
from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.core.compat.store import read_store
from scrubjay.core.dsn import Auth, auth_from_envelope
from scrubjay.core.envelope import Envelope, parse_envelope, read_header
from scrubjay.core.explanation import STAGES, Explanation
from scrubjay.core.explanation import explain as rehearse
from scrubjay.core.limits import LimitTable
from scrubjay.core.plan import Programs, ProjectPlan, compile_plan, pass_plan
from scrubjay.core.ports import Ingress, Ports
from scrubjay.errors import ConfigError, Rejected
from scrubjay.runtime.quota_backends.memory import MemoryBackend
from scrubjay.settings.load import Loaded
from scrubjay.settings.schema import Settings

T = TypeVar("T")
_NOW_MONO: Final = 1_000_000.0
_TIMEOUT_S: Final = 30.0


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
@click.option("--live", is_flag=True, help="Ask the relay that runs: its limits and counters decide as they are now.")
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
    live: bool,
    as_json: bool,
) -> None:
    """Show what each stage would decide about an envelope (or an event as JSON), and by which rule. `-` reads standard input."""
    loaded = invocation.load()
    body = read_bytes(file)
    read = _as_envelope if is_envelope(body) else _as_event
    key = key or _key_of(body, read)
    plans = Plans(loaded)
    project = project if project is not None else plans.project_of(key) or 0
    if live:
        facts = {"X-Forwarded-For": client_ip, **({"User-Agent": user_agent} if user_agent else {})}
        told = _ask(loaded.settings, read(body, None).serialize(), f"key={quote(key)}&project={project}", facts)
    else:
        ingress = Ingress(
            body=body,
            read=read,
            auth=Auth(key, 7, None, False, "header"),
            path_project=project,
            received_unix=time.time() if at is None else at.timestamp(),
            now_mono=_NOW_MONO,
            origin=origin,
            client_ip=client_ip,
            forwarded_for=client_ip,
            user_agent=user_agent,
        )
        told = asyncio.run(rehearse(ingress, ports_of(loaded, plans))).document()
    if as_json:
        click.echo(json.dumps(told, indent=2))
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

    def is_denied(self, key: str, project_id: int | None) -> bool:
        """No server was asked."""
        return False

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


def _ask(settings: Settings, envelope: bytes, query: str, facts: dict[str, str]) -> dict[str, Any]:
    """What the relay that runs says. Raises `ConfigError` if there is none, or it will not."""
    address, token = local_address(settings), settings.admin.token
    headers = {**facts, **({"Authorization": f"Bearer {token.reveal()}"} if token else {})}
    connection = local_connection(settings, _TIMEOUT_S)
    try:
        connection.request("POST", f"/api/scrubjay/explain?{query}", envelope, headers)
        reply = connection.getresponse()
        text = reply.read()
    except (OSError, http.client.HTTPException) as error:
        raise ConfigError(f"no relay answers at {address}: {error}", where="flag --live") from None
    finally:
        connection.close()
    if reply.status != 200:
        raise ConfigError(f"the relay at {address} answers {reply.status}: {text[:200].decode(errors='replace')}")
    document: dict[str, Any] = json.loads(text)
    return document


def _print(told: dict[str, Any]) -> None:
    from scrubjay.cli.tables import console, table

    out = console()
    steps = sorted(
        told["steps"], key=lambda step: STAGES.index(step["stage"]) if step["stage"] in STAGES else len(STAGES)
    )
    columns = ("stage", "item", "decision", "rule", "amount", "")
    out.print(table(f"plan {told['revision'] or '(none)'}", columns, map(_row, steps)))
    answer = told["answer"]
    line = " ".join(filter(None, ("answer:", str(answer["status"]), answer["reason"])))
    if answer["retry_after"] is not None:
        line += f", Retry-After: {answer['retry_after']}"
    if answer["rate_limits"]:
        line += f", X-Sentry-Rate-Limits: {answer['rate_limits']}"
    out.print(line, markup=False, soft_wrap=True)
    leaves = told["leaves"]
    items = f"{', '.join(leaves['items'])} ({_amounts(leaves['quantities'])}), {leaves['bytes']} bytes"
    out.print(f"leaves: {items if leaves['items'] else 'nothing'}", markup=False, soft_wrap=True)


def _row(step: dict[str, Any]) -> tuple[object, ...]:
    from rich.text import Text

    decision = ": ".join(filter(None, (step["outcome"], step["reason"])))
    return (
        step["stage"],
        step["item_type"],
        Text(decision, style="red"),
        step["origin"],
        _amounts(step["quantities"]),
        step["text"],
    )


def _amounts(quantities: dict[str, int]) -> str:
    return ", ".join(f"{amount} {category}" for category, amount in quantities.items())
