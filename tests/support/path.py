"""Driving the path without an event loop: real rules, real ledger, made-up ends."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.dsn import Auth
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.ledger import Booking, Ledger, Parcel, total
from scrubjay.core.limits import LimitTable
from scrubjay.core.pipeline import process
from scrubjay.core.plan import Programs, ProjectPlan, compile_plan
from scrubjay.core.ports import Ingress, Ports, Verdict
from scrubjay.runtime.quota_backends.memory import MemoryBackend
from scrubjay.settings.limits import Limits
from scrubjay.settings.project import ProjectConfig
from scrubjay.settings.project_parsing import parse_project
from scrubjay.settings.schema import Settings

KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
EVENT_ID = "5d2c7a5e1b8f4c0e9a3d6f7081920abc"
EVENT = '{"message":"card 4242424242424242 of ana@lab.example"}'
T = TypeVar("T")
PROGRAMS = Programs()
"""Shared, since compiling one takes longer than most tests."""
_kept: list[ProjectPlan] = []


def run_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never suspends; fails if it does."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise AssertionError("the path suspended")


@dataclass
class Accounts:
    """A book that remembers, and can be asked whether it closes."""

    came: list[Quantities] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    accepts: list[list[str]] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    kept_by: dict[str, int] = field(default_factory=dict)
    excess: list[tuple[str, str, int, int]] = field(default_factory=list)

    def received(self, item_type: str, quantities: Quantities) -> None:
        self.came.append(quantities)

    def ended(self, booking: Booking) -> None:
        self.bookings.append(booking)

    def accepted(self, item_types: Iterable[str]) -> None:
        self.accepts.append(list(item_types))

    def unscrubbed(self, item_type: str) -> None:
        self.passed.append(item_type)

    def sampled(self, rule: str, kept: int) -> None:
        self.kept_by[rule] = self.kept_by.get(rule, 0) + kept

    def exceeded(self, quota: str, category: DataCategory, amount: int, kept: int) -> None:
        self.excess.append((quota, category.wire, amount, kept))

    def lost(self) -> list[tuple[str, str, str]]:
        """(item type, reason, origin) in order."""
        return [(booking.item_type, booking.reason.code, booking.origin) for booking in self.bookings]

    def closes_with(self, *held: Quantities) -> bool:
        ended = [booking.quantities for booking in self.bookings]
        return total(self.came) == total([*ended, *held])


@dataclass
class Shelf:
    """An outbox that keeps."""

    parcels: list[Parcel] = field(default_factory=list)
    room: bool = True
    error: Exception | None = None

    def has_capacity(self) -> bool:
        return self.room

    async def put(self, parcel: Parcel) -> None:
        if self.error is not None:
            raise self.error
        self.parcels.append(parcel)


@dataclass
class Plans:
    plans: dict[str, ProjectPlan | None]
    projects: dict[str, int] = field(default_factory=dict)
    denied: set[tuple[str, int | None]] = field(default_factory=set)

    def find(self, key: str) -> ProjectPlan | None:
        return self.plans.get(key, self.plans.get("*"))

    def is_denied(self, key: str, project_id: int | None) -> bool:
        return (key, project_id) in self.denied

    def project_of(self, key: str) -> int | None:
        return self.projects.get(key)


async def at_once(work: Callable[[], T]) -> T:
    return work()


class Path:
    """A relay without its edges. `project` is a project's configuration in YAML; None: nothing serves the key."""

    def __init__(self, project: str | None = "config: {}", settings: Settings | None = None, **ports: Any) -> None:
        self.settings = settings or Settings()
        plan = None
        if project is not None:
            config = parse_project(project, "x.yaml") if project else ProjectConfig()
            plan = compile_plan(config, self.settings, PROGRAMS)
            _kept.append(plan)
        self.account = Accounts()
        self.shelf = Shelf()
        numbers = itertools.count(1)
        fields: dict[str, Any] = {
            "plans": Plans({"*": plan}),
            "limits": LimitTable(),
            "quotas": MemoryBackend(),
            "ledger": Ledger(self.account, strict=True),
            "outbox": self.shelf,
            "bounds": Limits(),
            "rng": lambda: 0.5,
            "new_id": lambda: f"{next(numbers):032x}",
            "in_thread": at_once,
            "has_memory": lambda: True,
        }
        self.ports = Ports(**fields | ports)

    def send(self, body: bytes, *, project: int | None = 7, auth: bool = True, **facts: Any) -> Verdict:
        fields: dict[str, Any] = {
            "body": body,
            "read": lambda body, auth: parse_envelope(body),
            "auth": Auth(KEY, 7, "demo/1.0", False, "header") if auth else None,
            "path_project": project,
            "received_unix": 1_767_607_200.0,
            "now_mono": 1000.0,
        }
        return run_now(process(Ingress(**fields | facts), self.ports))

    @property
    def forwarded(self) -> bytes:
        """The one parcel's body."""
        (parcel,) = self.shelf.parcels
        return parcel.body

    def closes(self) -> bool:
        return self.account.closes_with(*[parcel.quantities for parcel in self.shelf.parcels])


def envelope(*items: tuple[str, bytes | str], header: str = f'{{"event_id":"{EVENT_ID}"}}', **more: object) -> bytes:
    """Items as (type or header members, payload)."""
    lines = [header.encode()]
    for name, payload in items:
        data = payload.encode() if isinstance(payload, str) else payload
        members = name if name.startswith('"') else f'"type":"{name}"'
        lines += [b'{%s,"length":%d}' % (members.encode(), len(data)), data]
    return b"\n".join(lines) + b"\n"


def payloads(body: bytes) -> list[bytes]:
    return [bytes(item.payload) for item in parse_envelope(body).items]
