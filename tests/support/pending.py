"""A room that keeps what it is given, and taking up again what was kept: the path's own side of waiting for a configuration."""

from __future__ import annotations

from dataclasses import dataclass, field

from scrubjay.core.ledger import Parcel
from scrubjay.core.pipeline import process
from scrubjay.core.plan import PENDING, ProjectPlan, compile_plan
from scrubjay.core.ports import Verdict
from scrubjay.core.reopened import Counted
from scrubjay.runtime.forwarding.shipment import Waiting
from scrubjay.runtime.gateway.held import ingress_of_held
from scrubjay.settings.project_parsing import parse_project
from scrubjay.settings.schema import Settings
from support.path import KEY, PROGRAMS, Path, Plans, run_now

_kept: list[ProjectPlan] = []


def plan_of(project: str = "config: {}", settings: Settings | None = None) -> ProjectPlan:
    plan = compile_plan(parse_project(project, "x.yaml"), settings or Settings(), PROGRAMS)
    _kept.append(plan)
    return plan


@dataclass
class Room:
    """`error` is what it refuses with."""

    held: list[Parcel] = field(default_factory=list)
    error: Exception | None = None

    async def hold(self, parcel: Parcel) -> None:
        if self.error is not None:
            raise self.error
        self.held.append(parcel)


class PendingPath(Path):
    """A managed relay that knows no configuration yet."""

    def __init__(self, **ports: object) -> None:
        self.room = Room()
        self.plans = Plans({KEY: PENDING})
        super().__init__(None, plans=self.plans, waiting=self.room, **ports)

    def learn(self, plan: ProjectPlan | None, key: str = KEY) -> None:
        self.plans.plans[key] = plan

    def take_up(self, *, waited_s: float = 0.0) -> Counted:
        """What was held first goes through the path; it leaves the room if it has ended."""
        parcel = self.room.held[0]
        assert parcel.received_mono is not None
        counted = Counted(parcel.quantities)
        waiting = Waiting(parcel, 0, parcel.received_mono)
        ingress = ingress_of_held(
            waiting,
            counted,
            now_unix=parcel.received_unix + waited_s,
            now_mono=parcel.received_mono + waited_s,
        )
        try:
            verdict = run_now(process(ingress, self.ports))
            assert isinstance(verdict, Verdict)
        finally:
            if counted.is_settled:
                self.room.held.remove(parcel)
        return counted

    def closes(self) -> bool:
        held = [parcel.quantities for parcel in (*self.shelf.parcels, *self.room.held)]
        return self.account.closes_with(*held)
