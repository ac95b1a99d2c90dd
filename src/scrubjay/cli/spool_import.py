"""`scrubjay spool import`: what another relay, or a program, kept on a disk gets into the spool and so to the server.

Records of a scrubjay's export have been through the path and are kept as they are. Everything else, envelopes in files and the buffer of
Sentry Relay, which holds what clients sent, takes the whole path here first: filters, sampling and scrubbing of this configuration
(`core.pipeline`). Only what judges by the moment does not apply: quotas and spikes count what comes in a minute, not what is carried in.

All of it goes into a partition of its own, so that a relay may run meanwhile: it adopts the partition within seconds, with its books; one
that is stopped does so when it starts.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import click

from scrubjay import reasons
from scrubjay.cli.progress import progress
from scrubjay.cli.rehearsal import Plans, ports_of
from scrubjay.cli.spool_folder import (
    SpoolFolder,
    disk_bytes,
    facts_of,
    json_option,
    open_folder,
    path_option,
    state_option,
)
from scrubjay.cli.spool_hands import Hands, hold
from scrubjay.cli.spool_sources import STDIN, Found, Fresh, Kept, Sources, envelope_files
from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.core.dsn import Auth, Dsn, auth_from_envelope, parse_dsn
from scrubjay.core.envelope import parse_envelope, read_header, rewrite_header
from scrubjay.core.pipeline import process
from scrubjay.core.plan import PENDING, ProjectPlan
from scrubjay.core.ports import Ingress, Ports
from scrubjay.core.quota_set import NO_QUOTAS
from scrubjay.errors import ConfigError, Denied, Rejected, SpoolError, Unavailable
from scrubjay.runtime.names import new_id
from scrubjay.runtime.spool.inspection import inspect

FIRST_SLOT: Final = 90
"""Partitions from here on are for imports: no relay has so many workers."""
_AT_ONCE: Final = 64
_LEAST_BYTES: Final = 1024 * 1024
_SHOWN_PROBLEMS: Final = 20


@dataclass(slots=True)
class Counts:
    """What became of what was found. `refused`: by reason."""

    found: int = 0
    imported: int = 0
    old: int = 0
    """Received longer ago than records may wait."""
    refused: Counter[str] = field(default_factory=Counter)
    is_full: bool = False

    @property
    def left_out(self) -> int:
        """Nothing of them was left after filters, sampling and scrubbing."""
        return self.found - self.imported - sum(self.refused.values())


@verb("import")
@click.argument(
    "sources",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, allow_dash=True),
    metavar="FILE|DIR|-...",
)
@path_option
@state_option
@click.option("--dsn", "dsn_text", metavar="DSN", help="Whose envelopes are that do not say so themselves.")
@click.option("--scrub", "scrubs_all", is_flag=True, help="Records of an export take the whole path too.")
@json_option
@pass_invocation
@click.pass_context
def import_(
    ctx: click.Context,
    invocation: Invocation,
    /,
    sources: tuple[Path, ...],
    path: Path | None,
    state_dir: Path | None,
    dsn_text: str | None,
    scrubs_all: bool,
    as_json: bool,
) -> None:
    """Put into the spool what an export, a folder of `.envelope` files or the buffer of Sentry Relay (`relay.db`) holds.

    The relay may run meanwhile. The sources stay as they are. Exit code 1 if something could not be read or not be taken.
    """
    folder = open_folder(invocation, path, state_dir)
    fallback = None if dsn_text is None else _dsn(dsn_text)
    total = None if STDIN in sources else sum(map(_size_bytes, sources))
    with progress("importing", total, "bytes") as advance:
        reader = Sources(folder.loaded.settings.limits.max_envelope_size, not scrubs_all, advance)
        counts, name = asyncio.run(_import(folder, _found(reader, sources), fallback))
    if as_json:
        click.echo(json.dumps(_document(counts, reader, name), indent=2))
    else:
        _print(counts, name)
    for problem in reader.problems[:_SHOWN_PROBLEMS]:
        click.echo(f"error: {problem}", err=True)
    if len(reader.problems) > _SHOWN_PROBLEMS:
        click.echo(f"error: and {len(reader.problems) - _SHOWN_PROBLEMS:,} more like these", err=True)
    if counts.is_full:
        click.echo("error: the spool is full; the rest was not imported", err=True)
    ctx.exit(1 if reader.problems or counts.refused or counts.is_full else 0)


def _dsn(text: str) -> Dsn:
    try:
        return parse_dsn(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--dsn") from None


def _size_bytes(path: Path) -> int:
    files = envelope_files(path) if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def _found(reader: Sources, sources: Iterable[Path]) -> Iterator[Found]:
    for source in sources:
        yield from reader.read(source)


async def _import(folder: SpoolFolder, found: Iterable[Found], fallback: Dsn | None) -> tuple[Counts, str]:
    """What became of it, and the partition that it is in."""
    counts = Counts()
    least_unix = time.time() - folder.loaded.settings.spool.envelopes.max_envelope_delay_secs
    room = folder.loaded.settings.spool.envelopes.max_disk_size
    if (folder.root / "FORMAT").exists():
        room -= disk_bytes(inspect(folder.root))
    if room < _LEAST_BYTES:
        raise ConfigError("the spool is full", path="spool.envelopes.max_disk_size")
    async with hold(folder, at_least=FIRST_SLOT, max_bytes=room) as hands:
        ports = _ports(folder, hands)
        for group in _groups(found):
            counts.found += len(group)
            counts.old += sum(_received_unix(each) < least_unix for each in group)
            try:
                await hands.take_over([each.record for each in group if isinstance(each, Kept)])
                fresh = [_take(each, fallback, ports, counts) for each in group if isinstance(each, Fresh)]
                await asyncio.gather(*fresh)
            except (SpoolError, Unavailable):
                counts.is_full = True
                break
        counts.imported = hands.put_records
    return counts, hands.name


def _groups(found: Iterable[Found]) -> Iterator[list[Found]]:
    group: list[Found] = []
    for each in found:
        group.append(each)
        if len(group) == _AT_ONCE:
            yield group
            group = []
    if group:
        yield group


def _received_unix(found: Found) -> float:
    if isinstance(found, Fresh):
        return found.received_unix
    received_ms = facts_of(found.record.meta)["r"]  # it is there, and a number: `Sources` has looked
    assert isinstance(received_ms, int | float)
    return received_ms / 1000


async def _take(fresh: Fresh, fallback: Dsn | None, ports: Ports, counts: Counts) -> None:
    """One envelope through the path. Raises `Unavailable` if the spool is full."""
    try:
        await process(_ingress(fresh, fallback), ports)
    except Unavailable:
        raise
    except Rejected as error:
        counts.refused[error.reason.code] += 1


def _ingress(fresh: Fresh, fallback: Dsn | None) -> Ingress:
    """As if a client had sent it when it was received. Raises `Rejected` if nothing says whose it is."""
    body, auth, project = fresh.body, None, None
    headers, _ = read_header(body)
    try:
        auth_from_envelope(headers)
    except Rejected:
        if fresh.key is None and fallback is None:
            raise
        if "dsn" in headers:
            body = rewrite_header(body, {"dsn": None})
        auth, project = _owner(fresh, fallback)
    return Ingress(
        body=body,
        read=lambda body, auth: parse_envelope(body),
        auth=auth,
        path_project=project,
        received_unix=fresh.received_unix,
        now_mono=time.monotonic(),
    )


def _owner(fresh: Fresh, fallback: Dsn | None) -> tuple[Auth, int | None]:
    """Raises `Rejected` for what is no key."""
    if fresh.key is None:
        assert fallback is not None
        return Auth(fallback.key), fallback.project_id
    try:
        return Auth(parse_dsn(f"https://{fresh.key}@host/{fresh.project or 0}").key), fresh.project
    except ValueError as error:
        raise Denied(reasons.AUTH_KEY, str(error)) from None


class _Unhurried:
    """Plans without what counts per time."""

    def __init__(self, plans: Plans) -> None:
        self._plans = plans
        self._known: dict[str, ProjectPlan | None] = {}

    def find(self, key: str) -> ProjectPlan | None:
        if key not in self._known:
            plan = self._plans.find(key)
            is_known = plan is not None and plan is not PENDING
            self._known[key] = replace(plan, quotas=NO_QUOTAS, spikes=None) if is_known and plan else plan
        return self._known[key]

    def is_denied(self, key: str, project_id: int | None) -> bool:
        return self._plans.is_denied(key, project_id)

    def project_of(self, key: str) -> int | None:
        return self._plans.project_of(key)


def _ports(folder: SpoolFolder, hands: Hands) -> Ports:
    plans = Plans(folder.loaded)
    return replace(
        ports_of(folder.loaded, plans),
        plans=_Unhurried(plans),
        ledger=hands.ledger,
        outbox=hands,
        waiting=hands,
        rng=random.random,
        new_id=new_id,
        in_thread=asyncio.to_thread,
    )


def _document(counts: Counts, reader: Sources, name: str) -> dict[str, Any]:
    return {
        "found": counts.found,
        "imported": counts.imported,
        "left_out": counts.left_out,
        "old": counts.old,
        "refused": dict(counts.refused),
        "full": counts.is_full,
        "partition": name,
        "problems": reader.problems,
    }


def _print(counts: Counts, name: str) -> None:
    click.echo(f"{counts.found:,} envelopes found, {counts.imported:,} imported")
    if counts.left_out:
        click.echo(f"{counts.left_out:,} left out by filters, sampling or rules; `scrubjay drops` says by which")
    for reason, amount in counts.refused.most_common():
        click.echo(f"{amount:,} refused: {reason}")
    if counts.old:
        bound = "spool.envelopes.max_envelope_delay_secs"
        click.echo(f"{counts.old:,} are older than `{bound}` and may expire before they are sent")
    if counts.imported:
        click.echo(
            f"They wait in {name}; a relay that runs sends them within seconds, one that is stopped when it starts."
        )
