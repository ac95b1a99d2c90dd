"""What `scrubjay doctor` finds by trying: whose a DSN is, what each stage decides about a probe, and what the server answers to it.

The probe goes to the server as the relay would send it (`runtime.upstream`), beside the relay: so nothing of the relay's own counts it.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from scrubjay.categories import DataCategory
from scrubjay.cli.destination import Target, leads_here, leads_upstream
from scrubjay.cli.doctor_way import Way
from scrubjay.cli.findings import Finding, failed, ok, skipped, warning
from scrubjay.cli.own_listener import listener_url
from scrubjay.cli.rehearsal import Plans, as_envelope, ask_relay, rehearsed
from scrubjay.cli.samples import Sample
from scrubjay.cli.witness import Witness
from scrubjay.core.dsn import Auth, Dsn
from scrubjay.core.ledger import Parcel
from scrubjay.core.ports import Ingress
from scrubjay.errors import ConfigError, Refused, Throttled, Transient, UpstreamError
from scrubjay.reasons import REASONS
from scrubjay.runtime.state import Merged
from scrubjay.settings.load import Loaded

_CLIENT: Final = "scrubjay.doctor/1"


def known(dsn: Dsn, loaded: Loaded) -> Finding:
    """What this configuration makes of its key and project."""
    where = (
        "this relay" if leads_here(dsn, loaded) else "the upstream" if leads_upstream(dsn, loaded) else "another server"
    )
    text = f"it leads to {where}"
    if where == "another server" and not loaded.settings.relay.upstreams:
        return ok("dsn", f"it leads to {dsn.host}, which is looked at in place of an upstream: none is configured")
    if where == "another server":
        return warning(
            "dsn",
            f"{dsn.host} is neither this relay ({listener_url(loaded.settings)}) nor its upstream",
            "applications that send there go past the relay: `scrubjay dsn rewrite` prints what leads here",
        )
    project = loaded.projects.by_key.get(dsn.key)
    if project is None:
        return _without_project(text, loaded)
    if project.project_id != dsn.project_id and not loaded.settings.relay.override_project_ids:
        return failed(
            "dsn",
            f"its key is that of project {project.project_id}, its path says {dsn.project_id}: it is refused (`project_id`)",
            f"write /{project.project_id} at the end of the DSN, or set `relay.override_project_ids`",
        )
    if any(key.public_key == dsn.key and not key.is_enabled for key in project.public_keys):
        return failed(
            "dsn",
            f"its key is switched off in project {project.project_id}",
            "set `isEnabled: true` at the key in the project file",
        )
    domains = project.config.allowed_domains
    pages = "" if "*" in domains else f"; pages may send from {', '.join(domains) or 'nowhere'}"
    return ok("dsn", f"{text}; project {project.project_id}{f' {project.slug}' if project.slug else ''}{pages}")


def _without_project(text: str, loaded: Loaded) -> Finding:
    if loaded.settings.relay.mode == "managed":
        return ok("dsn", f"{text}; the upstream configures its project")
    if loaded.projects.default is not None or loaded.settings.relay.mode == "capture":
        return ok("dsn", f"{text}; no project has its key, so the plan `default` decides")
    if loaded.settings.projects.unknown == "forward":
        return warning(
            "dsn",
            f"{text}; no project has its key: what it sends is forwarded unscrubbed",
            "add a project file with the key, or a plan `default`",
        )
    return failed(
        "dsn",
        f"{text}; no project has its key: what it sends is refused (`project_id`)",
        "add a project file with the key, or a plan `default`",
    )


def stages(target: Target, sample: Sample, loaded: Loaded, merged: Merged) -> Finding:
    """By the relay that runs, with its limits as they are; else by this configuration alone."""
    judge, told, why = "the relay that runs", None, "no relay runs that could say what it would do"
    if merged.alive:
        try:
            told = ask_relay(loaded.settings, sample.body, target.key, target.project_id)
        except ConfigError as error:
            why = f"the relay that runs cannot be asked: {error.problem}"
            judge = f"this configuration ({why})"
    else:
        judge = "this configuration"
    if told is None and loaded.settings.relay.mode == "managed" and target.key not in loaded.projects.by_key:
        return skipped("stages", f"the upstream configures the project, and {why}")
    if told is None:
        try:
            told = asyncio.run(_rehearse(target, sample, loaded))
        except ConfigError as error:
            return failed(
                "stages", f"no plan for the key: {error}", "correct the project file: see the findings of the projects"
            )
    return _verdict(told, judge)


async def _rehearse(target: Target, sample: Sample, loaded: Loaded) -> dict[str, Any]:
    ingress = Ingress(
        body=sample.body,
        read=as_envelope,
        auth=Auth(target.key, 7, _CLIENT, False, "header"),
        path_project=target.project_id,
        received_unix=time.time(),
        now_mono=time.monotonic(),
        client_ip="127.0.0.1",
    )
    return await rehearsed(ingress, loaded, Plans(loaded))


def _verdict(told: dict[str, Any], judge: str) -> Finding:
    answer, leaves = told["answer"], told["leaves"]
    ended = next((step for step in told["steps"] if step["outcome"]), None)
    if answer["reason"]:
        return failed(
            "stages",
            f"{judge} refuses the probe: {answer['status']} {answer['reason']}{_said(told)}",
            _advice(answer["reason"]),
            **told,
        )
    if not leaves["items"] and ended is not None:
        by = f" by {ended['origin']}" if ended["origin"] else ""
        text = f"{judge} drops the probe in `{ended['stage']}`: {ended['outcome']}/{ended['reason']}{by}"
        if ended["outcome"] in ("filtered", "sampled"):
            return warning(
                "stages",
                text,
                _advice(ended["reason"]) or "on purpose? else change the rule: see `scrubjay explain`",
                **told,
            )
        return failed(
            "stages", text, _advice(ended["reason"]) or "see `scrubjay quotas` and `scrubjay explain`", **told
        )
    plan = f"plan {told['revision']}" if told["revision"] else "no plan"
    return ok("stages", f"{judge} takes the probe: {plan}, {leaves['bytes']} bytes would leave", **told)


def _said(told: dict[str, Any]) -> str:
    texts = [step["text"] for step in told["steps"] if step["stage"] == "answer"]
    return f" ({texts[-1]})" if texts else ""


def _advice(code: str) -> str:
    """Of two rows with one code that which is of before the client has its answer."""
    rows = sorted((row for row in REASONS if row.code == code), key=lambda row: row.status is None)
    return rows[0].remedy if rows else ""


async def answer(way: Way, target: Target, sample: Sample, witness: Witness) -> Finding:
    """What the server says to the probe."""
    parcel = Parcel(
        id="doctor",
        key=target.key,
        project_id=target.project_id,
        body=sample.body,
        quantities=((DataCategory.ERROR, 1),),
        received_unix=time.time(),
        event_id=sample.event_id,
        item_types=("event",),
        client=_CLIENT,
    )
    witness.answers.clear()
    try:
        await way.upstream.send(parcel, 0.0)
    except UpstreamError as error:
        return _refusal(error, way, target, witness)
    encodings = [detail for result, _, detail in witness.answers if result == "encoding"]
    if encodings:
        return warning(
            "probe",
            f"{way.origin} took it, but not in the first encoding: {', '.join(encodings)}",
            "set `http.encoding: gzip`, which saves the attempt",
        )
    if witness.limits:
        limit = witness.limits[0]
        return warning(
            "probe",
            f"{way.origin} took it, and limits what follows ({limit.reason or 'no reason'})",
            "raise the project's quota at the server, or send less",
        )
    return ok("probe", f"{way.origin} took it: event {sample.event_id}", event_id=sample.event_id)


def _refusal(error: UpstreamError, way: Way, target: Target, witness: Witness) -> Finding:
    said = f"{way.origin} answers {error}"
    if isinstance(error, Throttled):
        until = max((limit.until_mono for limit in witness.limits), default=time.monotonic()) - time.monotonic()
        return failed(
            "probe",
            f"{way.origin} answers 429: it limits this project for {max(0, until):.0f} s ({error})",
            "raise the project's quota at the server, or send less; until then all of it is dropped here as `rate_limited`",
        )
    if isinstance(error, Refused):
        return failed("probe", said, refused_advice(error.status or 0, target))
    assert isinstance(error, Transient)
    if error.status is None:
        return failed(
            "probe",
            f"{way.origin} gives no answer to an envelope: {error}",
            "see its log; the relay keeps what it has and tries again",
        )
    return failed("probe", said, "the server is in trouble: see its log; the relay keeps what it has and tries again")


def refused_advice(status: int, target: Target) -> str:
    whose = f"key {target.key[:8]}… and project {target.project_id}"
    return {
        400: "something between changes the envelope, or the server takes no envelopes: see its log",
        401: f"the server does not know {whose}: compare with its Client Keys (DSN)",
        403: f"the server does not serve {whose} to us: compare with its Client Keys (DSN), and see whether the project is active",
        404: "no envelopes are taken there: see `relay.upstream` and `http.upstream_path_prefix`, and the project's id",
        413: "a proxy before the server refuses even a small body: raise its limit (nginx: client_max_body_size)",
    }.get(status, f"see the server's log for {whose}")


NO_TARGET: Final = skipped(
    "probe", "whose? give the DSN of an application with --dsn, or add a project file with its key"
)
