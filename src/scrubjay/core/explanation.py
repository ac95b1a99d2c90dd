"""What the path would do to an envelope, stage by stage, without doing it: nothing is counted, sent or kept (`decisions.md` 9.5).

Owns the rehearsal: the path itself (`pipeline.process`), run with ports that only listen. So what is explained is what happens; only
the state that counts is set beforehand by the caller (limits in force, counters). What is told are rules and amounts, never payload.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.client_reports import ClientReports
from scrubjay.core.envelope import Item
from scrubjay.core.ledger import Account, Booking, Ledger, Parcel
from scrubjay.core.pipeline import process
from scrubjay.core.plan import ProjectPlan
from scrubjay.core.ports import Ingress, Outcome, Ports
from scrubjay.core.quotas import Charge, Counter, QuotaBackend, Refusal, Usage
from scrubjay.core.sampling.first_n import Occasions
from scrubjay.core.scrub.record import Record
from scrubjay.core.spikes import SpikeGuard
from scrubjay.errors import Rejected

STAGES = ("receive", "authenticate", "gate", "hold", "filter", "sample", "spikes", "limit", "scrub", "hand_over")
"""In the order of the path."""
_ALL = 2**31


@dataclass(frozen=True, slots=True)
class Step:
    """One decision, or one thing that was looked at. `outcome` is empty for the latter: nothing ended."""

    stage: str
    item_type: str = ""
    outcome: str = ""
    reason: str = ""
    origin: str = ""
    quantities: Quantities = ()
    text: str = ""


@dataclass(slots=True)
class Explanation:
    """The whole way of one envelope. `status` is what its client would be told; `kept` what would leave."""

    steps: list[Step] = field(default_factory=list)
    status: int = 0
    reason: str = ""
    retry_after_s: int | None = None
    rate_limits: str | None = None
    revision: str = ""
    kept: Quantities = ()
    kept_items: tuple[str, ...] = ()
    leaves_bytes: int = 0

    def ledger(self) -> Ledger:
        return Ledger(self)

    def document(self) -> dict[str, object]:
        """For programs: the steps in order, the answer, and what would leave."""
        return {
            "revision": self.revision,
            "steps": [
                {
                    "stage": step.stage,
                    "item_type": step.item_type,
                    "outcome": step.outcome,
                    "reason": step.reason,
                    "origin": step.origin,
                    "quantities": {category.wire: amount for category, amount in step.quantities},
                    "text": step.text,
                }
                for step in self.steps
            ],
            "answer": {
                "status": self.status,
                "reason": self.reason,
                "retry_after": self.retry_after_s,
                "rate_limits": self.rate_limits,
            },
            "leaves": {
                "items": list(self.kept_items),
                "quantities": {category.wire: amount for category, amount in self.kept},
                "bytes": self.leaves_bytes,
            },
        }

    # ---- as the book of a ledger

    def received(self, item_type: str, quantities: Quantities) -> None:
        """What came is seen in what becomes of it."""

    def accepted(self, item_types: Iterable[str]) -> None:
        """As above."""

    def unscrubbed(self, item_type: str) -> None:
        self.saw("scrub", "could not be scrubbed and leaves as it is, by the project's policy", item_type)

    def exceeded(self, quota: str, category: DataCategory, amount: int, kept: int) -> None:
        self.saw("limit", f"{amount} of {category.wire} beyond quota {quota}, of which {kept} kept")

    def sampled(self, rule: str, kept: int) -> None:
        """Which rule decided is told before."""

    def ended(self, booking: Booking) -> None:
        reason = booking.reason
        self.steps.append(
            Step(
                booking.stage,
                booking.item_type,
                reason.outcome.value,
                reason.code,
                booking.origin,
                booking.quantities,
                booking.detail,
            )
        )

    # ---- as the witness of the path

    def saw(self, stage: str, text: str, item_type: str = "") -> None:
        self.steps.append(Step(stage, item_type, text=text))

    # ---- as the outbox

    def has_capacity(self) -> bool:
        return True

    async def put(self, parcel: Parcel) -> None:
        self.kept = parcel.quantities
        self.kept_items = parcel.item_types
        self.leaves_bytes = len(parcel.body)

    # ---- as the room where what cannot be decided yet waits

    async def hold(self, parcel: Parcel) -> None:
        assert parcel.raw is not None
        self.saw(
            "hold", f"the configuration of key {parcel.raw.awaits} is not known yet: it would wait for it, unscrubbed"
        )

    # ---- as the audit

    def watch(self, plan: ProjectPlan, account: Account) -> _Watch:
        return _Watch(self)


class _Watch:
    """Tells which rules of scrubbing took something."""

    blind = False

    def __init__(self, explanation: Explanation) -> None:
        self._explanation = explanation

    def record(self) -> Record:
        return Record()

    def noted(self, item: Item, record: Record, outcome: Outcome, output: bytes | None) -> None:
        self._tell(record, item.shown_type, outcome)

    def noted_headers(self, record: Record) -> None:
        if record.rules:
            self._tell(record, "headers", "scrubbed")

    def _tell(self, record: Record, what: str, outcome: Outcome) -> None:
        rules = ", ".join(f"{rule} ({count.hits})" for rule, count in record.rules.items())
        self._explanation.saw("scrub", f"{outcome}: {rules}" if rules else outcome, what)


class _Counting:
    """Quotas counted in a rehearsal, and told how far each is."""

    def __init__(self, backend: QuotaBackend, explanation: Explanation) -> None:
        self._backend = backend.rehearsal()
        self._explanation = explanation

    async def consume(self, charges: Sequence[Charge], now_unix: float) -> Sequence[tuple[Refusal, ...]]:
        known = {usage.counter: usage for usage in self.usage(_ALL)}
        for charge in charges:
            for counter in charge.counters:
                self._tell(charge.amount, counter, known.get(counter), now_unix)
        return await self._backend.consume(charges, now_unix)

    def _tell(self, amount: int, counter: Counter, usage: Usage | None, now_unix: float) -> None:
        quota = counter.quota
        limit = "no limit" if quota.limit is None else f"{quota.limit} in {quota.window_s} s"
        used = 0 if usage is None else usage.consumed
        left = "" if usage is None else f", window ends in {usage.ends_unix - now_unix:.0f} s"
        used_text = "use unknown" if used is None else f"{used} used"
        self._explanation.saw(
            "limit", f"{amount} against quota {quota.id} of {counter.owner}: {limit}, {used_text}{left}"
        )

    def usage(self, most: int = 1000) -> Sequence[Usage]:
        return self._backend.usage(most)

    def rehearsal(self) -> QuotaBackend:
        return self._backend.rehearsal()

    async def close(self) -> None:
        await self._backend.close()


async def explain(ingress: Ingress, ports: Ports) -> Explanation:
    """Runs `ingress` through the path of `ports`, with copies of all that counts. First-N counters and spikes begin anew."""
    told = Explanation()
    rehearsal = replace(
        ports,
        limits=ports.limits.copy(),
        quotas=_Counting(ports.quotas, told),
        occasions=Occasions(),
        spikes=SpikeGuard(),
        ledger=told.ledger(),
        outbox=told,
        waiting=None if ports.waiting is None else told,
        capture=None,
        reports=None if ports.reports is None else ClientReports(),
        audit=told,
        witness=told,
    )
    plan = None if ingress.auth is None else ports.plans.find(ingress.auth.key)
    told.revision = "" if plan is None else plan.revision
    try:
        verdict = await process(ingress, rehearsal)
    except Rejected as error:
        told.status, told.reason = error.status, error.reason.code
        told.saw("answer", str(error))
        return told
    told.status = verdict.status
    told.retry_after_s, told.rate_limits = verdict.retry_after_s, verdict.rate_limits
    return told
