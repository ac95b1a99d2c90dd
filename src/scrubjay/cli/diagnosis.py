"""What `scrubjay doctor` looks at, in order: files, spool, port, the relay that runs, what it lost, then the way to the server.

What is looked at is in the modules `doctor_*`. Nothing of a relay that runs is
changed; the only thing that is sent is a probe, marked as one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from scrubjay.cli import (
    doctor_listener,
    doctor_probe,
    doctor_registration,
    doctor_relay,
    doctor_server,
    doctor_setup,
    doctor_spool,
)
from scrubjay.cli.destination import Target, as_onlooker, chosen, leads_here, leads_upstream, read_dsn, towards
from scrubjay.cli.doctor_way import ends_way, ways_of
from scrubjay.cli.findings import Finding, failed, skipped
from scrubjay.cli.samples import Sample, probe
from scrubjay.cli.verb import Invocation
from scrubjay.cli.witness import Witness
from scrubjay.core.dsn import Dsn
from scrubjay.core.signatures import Signer
from scrubjay.errors import ConfigError
from scrubjay.runtime.managed.compiling import Sources
from scrubjay.runtime.roads import Roads
from scrubjay.runtime.state import Merged, read_states
from scrubjay.settings.load import Loaded
from scrubjay.settings.schema import Settings


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
    state_dir = Path(loaded.settings.relay.state_dir or "")
    yield from doctor_setup.configuration(loaded)
    yield from doctor_setup.projects(loaded)
    yield from doctor_setup.credentials(loaded)
    yield from doctor_setup.certificate(loaded)
    yield from doctor_spool.spool(loaded, read_states(state_dir))
    merged = read_states(state_dir)  # anew: the port is asked now, and a relay may just have started
    yield from doctor_listener.listener(loaded, merged)
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
        findings = _reach(settings, loaded, target, sample, probes=probes)
        while (finding := runner.run(_next(findings))) is not None:
            yield finding


def _towards(dsn: Dsn | None, loaded: Loaded) -> Settings:
    """A DSN of some other server: that one is meant."""
    is_ours = dsn is None or leads_here(dsn, loaded) or leads_upstream(dsn, loaded)
    return loaded.settings if is_ours or dsn is None else towards(dsn, loaded.settings)


async def _next(findings: AsyncIterator[Finding]) -> Finding | None:
    return await anext(findings, None)


async def _reach(
    settings: Settings, loaded: Loaded, target: Target | None, sample: Sample, *, probes: bool
) -> AsyncIterator[Finding]:
    """By the relay's own roads, which are not started: nothing is sent on them but what is asked here."""
    witness, credentials = Witness(), loaded.credentials
    signer = None if credentials is None else Signer(credentials.id, credentials.secret_key.reveal())
    try:
        roads = Roads(
            as_onlooker(settings),
            witness,
            on_limits=witness.limited,
            on_denied=witness.denied,
            signer=signer,
            env=os.environ,
        )
        await roads.refuse_ourselves(settings.relay.host, settings.relay.port)
    except ConfigError as error:
        yield failed("upstream", str(error), "correct it: the relay does not start with it")
        return
    is_managed = settings.relay.mode == "managed" and settings.relay.upstreams == loaded.settings.relay.upstreams
    version = settings.relay.advertised_version
    applicant = None
    if is_managed and credentials is not None:
        sources = Sources(settings, loaded.projects.overlays)
        applicant = doctor_registration.Applicant(credentials, version, sources)
    try:
        for way in ways_of(roads, settings):
            answered = True
            async for finding in doctor_server.look(way):
                yield finding
                answered = answered and not ends_way(finding)
            if answered and probes and applicant is not None:
                async for finding in doctor_registration.register(
                    way, applicant, None if target is None else target.key
                ):
                    yield finding
                    answered = answered and not ends_way(finding)
            if answered and probes and target is not None:
                yield await doctor_probe.answer(way, target, sample, witness)
    finally:
        await roads.stop()
