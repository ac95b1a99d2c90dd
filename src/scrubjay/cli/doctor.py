"""`scrubjay doctor`: everything between the configuration and the server's answer looked at, one line each, and what to do about it.

Owns the order, and what is printed; what is looked at is in `doctor_setup`, `doctor_spool`, `doctor_relay`, `doctor_server` and `doctor_probe`
(`upstream-and-operations.md` 3). Nothing of a relay that runs is changed; the only thing that is sent is a probe, marked as one.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import click

from scrubjay.cli import doctor_probe, doctor_relay, doctor_server, doctor_setup, doctor_spool
from scrubjay.cli.destination import Target, chosen, leads_here, leads_upstream, read_dsn, towards
from scrubjay.cli.findings import Finding, Verdict, failed, skipped, write, write_summary
from scrubjay.cli.samples import Sample, probe
from scrubjay.cli.terminal import Screen
from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.cli.witness import Witness
from scrubjay.core.dsn import Dsn
from scrubjay.core.signatures import Signer
from scrubjay.errors import ConfigError
from scrubjay.runtime.roads import Roads
from scrubjay.runtime.state import Merged, read_states
from scrubjay.settings.load import Loaded
from scrubjay.settings.schema import Settings


@verb("doctor")
@click.option("--dsn", "text", metavar="DSN", help="Of an application: one that leads to this relay, or to its server.")
@click.option("--no-probe", is_flag=True, help="Send nothing; the server is only asked whether it is there.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one object.")
@pass_invocation
@click.pass_context
def doctor(ctx: click.Context, invocation: Invocation, /, text: str | None, no_probe: bool, as_json: bool) -> None:
    """Look at everything from the configuration to the server's answer, and say what to do about what is wrong.

    Files, projects, spool, port, the relay that runs and what it lost, then the way to the server: name, proxy, connection, TLS, clock,
    answer. At the end an event that is marked as a probe is taken through every stage, and sent to the server. Exit code 1 if something
    failed; warnings do not count.
    """
    screen, found = Screen(), []
    for finding in examine(invocation, text, probes=not no_probe):
        found.append(finding)
        if not as_json:
            write(screen, finding)
    has_failed = any(finding.verdict is Verdict.FAILED for finding in found)
    if as_json:
        document = {"ok": not has_failed, "findings": [finding.document() for finding in found]}
        click.echo(json.dumps(document, indent=2))
    else:
        write_summary(screen, found)
    ctx.exit(1 if has_failed else 0)


def examine(invocation: Invocation, text: str | None, *, probes: bool) -> Iterator[Finding]:
    """All findings, each when it is known."""
    try:
        loaded = invocation.load()
    except ConfigError as error:
        yield failed(
            "configuration", str(error), "correct it: nothing starts with it; `scrubjay check` tells whether it is"
        )
        yield skipped("all else", "without a configuration nobody knows what it should be")
        return
    merged = read_states(Path(loaded.settings.relay.state_dir or ""))
    yield from doctor_setup.configuration(loaded)
    yield from doctor_setup.projects(loaded)
    yield from doctor_setup.credentials(loaded)
    yield from doctor_setup.certificate(loaded)
    yield from doctor_spool.spool(loaded, merged)
    yield from doctor_relay.listener(loaded, merged)
    yield from doctor_relay.running(loaded, merged)
    yield from doctor_relay.drops(merged)
    dsn = None
    if text is not None:
        try:
            dsn = read_dsn(text)
        except ConfigError as error:
            yield failed("dsn", f"it is none: {error.problem}", f"{error.accepted}, as the server shows it")
            return
        yield doctor_probe.known(dsn, loaded)
    yield from _server(loaded, merged, dsn, probes=probes)


def _server(loaded: Loaded, merged: Merged, dsn: Dsn | None, *, probes: bool) -> Iterator[Finding]:
    """The stages, and the way to each server."""
    target, sample = chosen(dsn, loaded), probe()
    if target is None:
        yield doctor_probe.NO_TARGET
    elif target.is_ours:
        yield doctor_probe.stages(target, sample, loaded, merged)
    settings = _towards(dsn, loaded)
    if not settings.relay.upstreams:
        yield skipped("server", "none: what arrives ends here, in the capture page")
        return
    with asyncio.Runner() as runner:
        findings = _reach(settings, loaded, target if probes else None, sample)
        while (finding := runner.run(_next(findings))) is not None:
            yield finding


def _towards(dsn: Dsn | None, loaded: Loaded) -> Settings:
    """A DSN of some other server: that one is meant."""
    is_ours = dsn is None or leads_here(dsn, loaded) or leads_upstream(dsn, loaded)
    return loaded.settings if is_ours or dsn is None else towards(dsn, loaded.settings)


async def _next(findings: AsyncIterator[Finding]) -> Finding | None:
    return await anext(findings, None)


async def _reach(settings: Settings, loaded: Loaded, target: Target | None, sample: Sample) -> AsyncIterator[Finding]:
    """By the relay's own roads, which are not started: nothing is sent on them but what is asked here."""
    witness, credentials = Witness(), loaded.credentials
    signer = None if credentials is None else Signer(credentials.id, credentials.secret_key.reveal())
    try:
        roads = Roads(settings, witness, on_limits=witness.limited, on_denied=witness.denied, signer=signer, env=os.environ)  # fmt: skip
        await roads.refuse_ourselves(settings.relay.host, settings.relay.port)
    except ConfigError as error:
        yield failed("upstream", str(error), "correct it: the relay does not start with it")
        return
    try:
        for way in doctor_server.ways_of(roads, settings):
            answered = True
            async for finding in doctor_server.look(way):
                yield finding
                answered = answered and (finding.verdict is not Verdict.FAILED or finding.check == "clock")
            if answered and target is not None:
                yield await doctor_probe.answer(way, target, sample, witness)
    finally:
        await roads.stop()
