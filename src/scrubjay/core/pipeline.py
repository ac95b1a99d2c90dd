"""The path: an `Ingress` goes in, a `Verdict` comes out, and what is left of the envelope is in the outbox.

Read `_process` from top to bottom; every stage is a function below it, in the same order, that asks a rule module and drops or
touches items through the tally. Nothing here waits but two objects that were handed in (the quota backend and the outbox) and
the thread for large bodies; with the in-process backend, room in memory and less than a thousand counters to look at it never
suspends. In the thread rules only answer: the tally is touched here alone. Order of evaluation: `ingest.md` 1.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TypeVar

from scrubjay import reasons
from scrubjay.core import dsn
from scrubjay.core.checks import touched
from scrubjay.core.dsn import Auth
from scrubjay.core.effects import enforce, settle, take, thin_traces
from scrubjay.core.enforcement import draw_up, judge
from scrubjay.core.envelope import Envelope, Item, read_header
from scrubjay.core.hops import comes_round
from scrubjay.core.items import check_sizes, classify
from scrubjay.core.items.blobs import REPLAYS
from scrubjay.core.items.kind import item_count
from scrubjay.core.ledger import Account, Tally
from scrubjay.core.limits import ActiveLimit, Scoping
from scrubjay.core.networks import first_address
from scrubjay.core.outgoing import pack, pack_raw
from scrubjay.core.plan import PENDING, ProjectPlan
from scrubjay.core.ports import Ingress, Outcome, Ports, Sighting, Verdict, WaitingRoom
from scrubjay.core.received_reports import merge_reports
from scrubjay.core.relays.vouching import Voucher
from scrubjay.core.reopened import reopen
from scrubjay.core.roots import awaited, rules_of_root
from scrubjay.core.sampling.context import trace_key
from scrubjay.core.sampling.dynamic import UNCHANGED, sample_traces
from scrubjay.core.scrub.encoded import views
from scrubjay.core.scrub.headers import scrub_headers
from scrubjay.core.scrub.payloads import Scrubbed, Unscrubbed, payload_of, scrub_item
from scrubjay.core.scrub.pseudonyms import occasion, utc_day
from scrubjay.core.spikes import kind_of
from scrubjay.core.verdict import verdict
from scrubjay.errors import BadRequest, Denied, Rejected, StillPending, Unavailable

Answer = TypeVar("Answer")

HEAVY_BYTES = 64 * 1024
"""Items that come to more are filtered, sampled and scrubbed in a thread, so that nobody else waits for them (architecture 11).

Texts made for it take 3 ms to scrub per KiB: what runs in the loop must be small enough that even those hold up others for 0.2 s."""

_USUAL_RATIO = 16
"""Of a replay recording's size to that of its zlib."""
_RECORD_BYTES = 256
"""What a record of a container weighs at least: rules take time for each, however short it is."""


async def process(ingress: Ingress, ports: Ports) -> Verdict:
    """Takes one request all the way. Raises `Rejected`; whatever else it raises is a bug."""
    if ports.capture is None:
        return await _process(ingress, ports, None)
    sighting = ports.capture.watch(ingress)
    try:
        return await _process(ingress, ports, sighting)
    except Rejected as error:
        sighting.refused(error)
        raise
    finally:
        await ports.capture.keep(sighting)


async def _process(ingress: Ingress, ports: Ports, sighting: Sighting | None) -> Verdict:
    if ingress.via is not None and comes_round(ingress.via, ports.instance):
        raise Rejected(reasons.LOOP)
    auth, project_id = authenticate(ingress, ports)
    envelope = parse(ingress, auth, project_id, ports)
    if not envelope.items:
        return Verdict(event_id=envelope.event_id)
    plan = ports.plans.find(auth.key)
    if ports.waiting is not None and (key := awaited(envelope, auth.key, plan, ports)) is not None:
        if ingress.counted is not None:
            raise StillPending(key)
        return await hold(envelope, key, plan or PENDING, auth, project_id, ingress, ports, ports.waiting)
    if plan is not None and plan.project_id is not None and ports.overrides_project_ids:
        project_id = plan.project_id
    revision = "" if plan is None else plan.revision
    account = Account(auth.key, project_id, revision, envelope.event_id, ingress.received_unix)
    came = [item.kind.type for item in envelope.items]
    counted, ledger = ingress.counted, ports.ledger
    with ledger.open(envelope, account) if counted is None else reopen(ledger, envelope, account, counted) as tally:
        if sighting is not None:
            tally.onlooker = sighting
            sighting.opened(tally)
        make_room(tally, ports)
        plan = admit(tally, plan, ingress, ports)
        if plan.signers is not None:
            await demand_signature(plan.signers, ingress, ports)
        scoping = Scoping(auth.key, project_id, plan.organization_id, plan.key_id(auth.key))
        limits = gate(tally, plan, scoping, ingress, ports)
        check_sizes(tally.items, ports.bounds)
        await filter_(tally, plan, ingress, ports)
        await sample(tally, plan, ingress, ports)
        limits += await cut_spikes(tally, plan, ingress, ports)
        limits += await limit(tally, plan, scoping, ingress, ports)
        await scrub(tally, plan, ports)
        if ports.reports is not None:
            merge_reports(tally, ports.reports)
        await hand_over(tally, plan, auth, ingress, ports)
    told = verdict(envelope, limits, plan, scoping, ingress, ports)
    if told.status == 200 and counted is None:
        ports.ledger.accept(came)
    return told


def authenticate(ingress: Ingress, ports: Ports) -> tuple[Auth, int]:
    """Key and project: the request's own, else those of the DSN in the envelope header, which then wins."""
    if ingress.auth is None:
        try:
            header, _ = read_header(ingress.body)
        except BadRequest as error:
            raise Denied(reasons.AUTH_ENVELOPE, "no key", *(error.causes or (error.detail,))) from error
        return dsn.auth_from_envelope(header)
    if ingress.path_project is not None:
        return ingress.auth, ingress.path_project
    project_id = ports.plans.project_of(ingress.auth.key)
    if project_id is None:
        raise BadRequest(reasons.BAD_PROJECT, "the path names no project", "no project is configured for this key")
    return ingress.auth, project_id


def parse(ingress: Ingress, auth: Auth, project_id: int, ports: Ports) -> Envelope:
    """Headers and lengths only; payloads stay views on the body."""
    envelope = ingress.read(ingress.body, auth)
    dsn.check_envelope(auth, project_id, envelope.headers, ingress.origin)
    creates_event = False
    for item in envelope.items:
        classify(item)
        creates_event = creates_event or item.creates_event
    if creates_event and envelope.event_id is None:
        envelope.headers["event_id"] = ports.new_id()
        envelope.dirty = True
    return envelope


async def hold(
    envelope: Envelope,
    awaited: str,
    plan: ProjectPlan,
    auth: Auth,
    project_id: int,
    ingress: Ingress,
    ports: Ports,
    waiting: WaitingRoom,
) -> Verdict:
    """Puts aside what cannot be decided yet, as it came. Only limits that are known already refuse (D-049)."""
    account = Account(auth.key, project_id, plan.revision, envelope.event_id, ingress.received_unix)
    came = [item.kind.type for item in envelope.items]
    with ports.ledger.open(envelope, account) as tally:
        make_room(tally, ports)
        scoping = Scoping(auth.key, project_id, plan.organization_id, plan.key_id(auth.key))
        limits = gate(tally, plan, scoping, ingress, ports)
        tally.stage = "hold"
        if tally.items:
            await waiting.hold(pack_raw(tally, awaited, auth, ingress, ports))
    told = verdict(envelope, limits, plan, scoping, ingress, ports)
    if told.status == 200:
        ports.ledger.accept(came)
    return told


def make_room(tally: Tally, ports: Ports) -> None:
    """Refuses what nobody could hold; a 503 mostly means a lost event, so this is the last resort."""
    tally.stage = "receive"
    if not ports.has_memory():
        raise Unavailable(reasons.OUT_OF_MEMORY, retry_after_s=_pause(ports))
    if ports.outbox is not None and not ports.outbox.has_capacity():
        raise Unavailable(reasons.QUEUE_FAILED, retry_after_s=_pause(ports))


def admit(tally: Tally, plan: ProjectPlan | None, ingress: Ingress, ports: Ports) -> ProjectPlan:
    """The operator's and the project's word: these types, this key, this id, this origin? (`decisions.md` 4)"""
    tally.stage = "authenticate"
    if not ports.accepts_unknown:
        for item in [item for item in tally.items if not item.is_known]:
            tally.drop(item, reasons.UNKNOWN_ITEM)
    account = tally.account
    if plan is None:
        raise Denied(reasons.PROJECT_ID, "No plan for this key.")
    if plan.disabled or account.key in plan.disabled_keys:
        raise Denied(
            reasons.PROJECT_ID,
            "The project is switched off, its file cannot be used, or the server gives none for this key."
            if plan.disabled
            else "The key is switched off.",
        )
    if plan.scrub is None and ingress.counted is not None:
        raise Denied(reasons.PROJECT_ID, "It waited for the rules of mode `managed`, and now nothing would scrub it.")
    if ports.plans.is_denied(account.key, account.project_id):
        raise Denied(reasons.UPSTREAM_DENIED)
    if plan.project_id not in (None, account.project_id):
        raise Denied(reasons.PROJECT_ID, "The key is another project's.")
    if plan.allows_origin is not None and ingress.origin is not None and not plan.allows_origin(ingress.origin):
        raise Denied(reasons.CORS)
    return plan


async def demand_signature(signers: tuple[bytes, ...], ingress: Ingress, ports: Ports) -> None:
    """The project takes nothing but what a relay vouches for (`verifySignature`). In a thread: some checks take milliseconds."""
    voucher = Voucher(ingress.relay_id, ingress.signature, is_proven=ingress.is_proven)
    if voucher.is_missing:
        raise Denied(reasons.MISSING_SIGNATURE)
    vouchers, at_unix = ports.vouchers, ingress.received_unix - ingress.waited_s
    if not await ports.in_thread(lambda: vouchers.accepts(voucher, signers, at_unix)):
        raise Denied(reasons.INVALID_SIGNATURE)


def gate(tally: Tally, plan: ProjectPlan, scoping: Scoping, ingress: Ingress, ports: Ports) -> tuple[ActiveLimit, ...]:
    """Limits that are known already: learnt from the server, remembered from ours, zero quotas, and what room runs out for."""
    tally.stage = "gate"
    known = ports.limits.active(scoping, ingress.now_mono)
    known += plan.quotas.zero_limits(scoping, ingress.now_mono, touched(tally.items))
    if ports.pressure is not None:
        known += ports.pressure.limits(scoping.key, ingress.now_mono)
    if ports.witness is not None:
        for one in known:
            ports.witness.saw("gate", f"in force: {one.described(ingress.now_mono)}")
    return enforce(tally, judge(tally.items, known, quirks=plan.quotas.quirks))


async def filter_(tally: Tally, plan: ProjectPlan, ingress: Ingress, ports: Ports) -> None:
    """Inbound filters: what the project never wants to see."""
    tally.stage = "filter"
    filters = plan.filters
    if filters is not None:
        client_ip = first_address(ingress.forwarded_for)
        if ports.witness is not None:
            ports.witness.saw("filter", f"asked: {filters!r}")
        for item, rulings in await _ask(lambda item: filters.match(item, client_ip), tally.items, ports):
            for ruling in rulings:
                take(tally, item, ruling)


async def sample(tally: Tally, plan: ProjectPlan, ingress: Ingress, ports: Ports) -> None:
    """By traces first, so that every relay and every service keeps the same ones; then by the rules of our own."""
    tally.stage = "sample"
    is_folded = await _sample_traces(tally, plan, ingress, ports)
    plain, envelope, account = plan.plain, tally.envelope, tally.account
    if plain is None:
        return
    # Rates fold into that of the trace once at most, and only where it began (`decisions.md` 5.8).
    folds = plan.folds_rates and not is_folded and trace_key(envelope.headers) in (None, account.key)
    for item, examined in await _ask(lambda item: plain.examine(item, envelope, folds=folds), tally.items, ports):
        if examined is None or not tally.holds(item):
            continue
        if ports.witness is not None:
            ports.witness.saw("sample", examined.explained(), item.shown_type)
        settled = plain.settle(examined, ports.occasions, account.project_id or 0, ingress.received_unix)
        for ruling in await _run(partial(plain.rule, item, examined, settled), [item], ports):
            take(tally, item, ruling)


async def _sample_traces(tally: Tally, plan: ProjectPlan, ingress: Ingress, ports: Ports) -> bool:
    """Whether the trace's context is another now."""
    envelope, own_key = tally.envelope, tally.account.key
    root = rules_of_root(envelope, own_key, plan, ports)
    if not plan.dynamic and not root:
        return False
    ruling = await _run(
        lambda: sample_traces(
            envelope, plan.dynamic, root, own_key=own_key, now_unix=ingress.received_unix, fold_rates=plan.folds_rates
        ),
        tally.items,
        ports,
    )
    if ruling is None:
        return False
    if ports.witness is not None:
        ports.witness.saw("sample", ruling.explained())
    thin_traces(tally, ruling)
    return ruling.context is not UNCHANGED


async def cut_spikes(tally: Tally, plan: ProjectPlan, ingress: Ingress, ports: Ports) -> tuple[ActiveLimit, ...]:
    """What is far above the usual of the hour. Nobody remembers these limits: what is urgent still passes."""
    project_id, guard = tally.account.project_id, ports.spikes
    if plan.spikes is None or project_id is None:
        return ()
    tally.stage = "spikes"
    kinds = [kind for _, kind in await _ask(kind_of, tally.items, ports)]
    limits = guard.refuse(
        project_id,
        plan.spikes,
        tally.kept(),
        now_unix=ingress.received_unix,
        now_mono=ingress.now_mono,
        is_urgent=guard.is_urgent(project_id, kinds),
    )
    return enforce(tally, judge(tally.items, limits)) if limits else ()


async def limit(
    tally: Tally, plan: ProjectPlan, scoping: Scoping, ingress: Ingress, ports: Ports
) -> tuple[ActiveLimit, ...]:
    """Counted quotas: one call for the whole envelope, after sampling, since a quota promises what leaves."""
    tally.stage = "limit"
    quotas, items, event_id = plan.quotas, tally.items, tally.envelope.event_id
    if not quotas:
        return ()
    reads = quotas.looks_into & touched(items)
    client_ip = first_address(ingress.forwarded_for) if reads else None
    asked = tuple(items) if reads else ()
    bill = await _run(lambda: draw_up(items, quotas, scoping, event_id=event_id, client_ip=client_ip), asked, ports)
    if bill is None:
        return ()
    refusals = await ports.quotas.consume(bill.charges, ingress.received_unix)
    cap_s = ports.bounds.max_retry_after
    ruling = await _run(lambda: bill.settle(refusals, ingress.now_mono, cap_s=cap_s), asked, ports)
    ports.limits.learn(scoping, ruling.limits, ingress.now_mono)
    return enforce(tally, ruling)


async def scrub(tally: Tally, plan: ProjectPlan, ports: Ports) -> None:
    """Personal data goes; what cannot be scrubbed goes whole. Nothing passes this line unscrubbed."""
    tally.stage = "scrub"
    program = plan.scrub
    if program is None:
        return
    if tally.envelope.event_id is None:
        for item in [item for item in tally.items if item.rides_on_event]:
            tally.drop(item, reasons.INVALID_EVENT_ID)
    account, policies = tally.account, plan.policies
    watch = None if ports.audit is None else ports.audit.watch(plan, account)
    if watch is not None and watch.blind:
        raise Unavailable(reasons.UNAUDITED, retry_after_s=_pause(ports))

    records = {} if watch is None else {id(item): watch.record() for item in tally.items}
    around = None if watch is None else watch.record()
    with nullcontext() if program.keys is None else occasion(account.project_id or 0, utc_day(account.now_unix)):
        answers = await _ask(
            lambda item: scrub_item(program, policies, item, records.get(id(item))), tally.items, ports
        )
        for item, result in answers:
            settle(tally, item, result)
        scrub_headers(program, tally.envelope, around)
    views.cache_clear()  # no text stays in memory longer than its envelope
    if watch is not None and around is not None:
        watch.noted_headers(around)
        left = {id(item) for item in tally.items}
        for item, result in answers:  # some fell with the event that they belong to
            output = payload_of(result) if id(item) in left else None
            outcome = _outcome(result, output) if id(item) in left else "dropped"
            watch.noted(item, records[id(item)], outcome, output)


def _outcome(result: Scrubbed, output: bytes | None) -> Outcome:
    if isinstance(result, Unscrubbed):
        return "unscrubbed"
    return "clean" if output is None else "scrubbed"


async def hand_over(tally: Tally, plan: ProjectPlan, auth: Auth, ingress: Ingress, ports: Ports) -> None:
    """Serialises once; returns when the parcel is held."""
    tally.stage = "hand_over"
    if not tally.items:
        return
    if ports.outbox is None:
        tally.drop_all(reasons.CAPTURED)
        return
    await ports.outbox.put(pack(tally, plan, auth, ingress, ports))


async def _ask(rule: Callable[[Item], Answer], items: Sequence[Item], ports: Ports) -> list[tuple[Item, Answer]]:
    """What a rule says of each item, before anything is done about it."""
    asked = tuple(items)
    return await _run(lambda: [(item, rule(item)) for item in asked], asked, ports)


async def _run(work: Callable[[], Answer], items: Sequence[Item], ports: Ports) -> Answer:
    """Work that looks at `items`: in a thread if they are heavy."""
    return await ports.in_thread(work) if sum(map(_weight, items)) > HEAVY_BYTES else work()


def _weight(item: Item) -> int:
    """Bytes to look at; of what is compressed or holds many records, a guess."""
    size = len(item.payload)
    if item.kind.type in REPLAYS:
        return size * _USUAL_RATIO
    return max(size, item_count(item) * _RECORD_BYTES) if "item_count" in item.headers else size


def _pause(ports: Ports) -> int:
    """Seconds for `Retry-After`, spread so that clients do not come back together (`upstream-and-operations.md` 9.4)."""
    return 5 + int(ports.rng() * 55)
