"""What goes into the path, what comes out, and everything that the path may touch.

The types of `pipeline`'s seam: endpoints build an `Ingress` and get a `Verdict`, the worker fills the `Ports`. Nothing is decided
here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

from scrubjay.core.client_reports import ClientReports
from scrubjay.core.dsn import Auth
from scrubjay.core.envelope import Envelope, Item
from scrubjay.core.ledger import Account, Ledger, Onlooker, Parcel, Tally
from scrubjay.core.limits import ActiveLimit, LimitTable
from scrubjay.core.plan import ProjectPlan
from scrubjay.core.quotas import QuotaBackend
from scrubjay.core.relays.vouching import Vouchers
from scrubjay.core.reopened import Counted
from scrubjay.core.sampling.first_n import Occasions
from scrubjay.core.scrub.record import Record
from scrubjay.core.spikes import SpikeGuard
from scrubjay.errors import Rejected
from scrubjay.settings.gateway import relays_of
from scrubjay.settings.limits import Limits
from scrubjay.settings.schema import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entrance:
    """How a request came, as whoever looks on may show it. `via`: dsn, spotlight, tunnel; `encoding` empty for none.

    `headers` are those that may be shown, a key in place of whatever authorises.
    """

    method: str
    path: str
    via: str
    encoding: str = ""
    wire_bytes: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Ingress:
    """A request, read and inflated. `read` turns its body into an envelope; `path_project` None: the route has none."""

    body: bytes
    read: Callable[[bytes, Auth | None], Envelope]
    auth: Auth | None
    path_project: int | None
    received_unix: float
    now_mono: float
    origin: str | None = None
    client_ip: str | None = None
    forwarded_for: str | None = None
    via: str | None = None
    """The relays before us (`hops`)."""
    user_agent: str | None = None
    client_hints: dict[str, str] = field(default_factory=dict)
    hides_limits: bool = False
    waited_s: float = 0.0
    """How long a relay that we trust had it before us. Decisions are made as of now, the age of a parcel counts from the beginning."""
    relay_id: str | None = None
    """The relay that sent it, by its own word."""
    signature: str | None = None
    """By which that relay vouches for it."""
    is_proven: bool = False
    """That relay has shown already that it is the one, for the batch that this came in."""
    delivery_id: str | None = None
    """The name that a relay before us gave the parcel; it keeps it, so that a second delivery is known as one."""
    counted: Counted | None = None
    """Of what waited here for its project's configuration: what it came to. Nobody waits for its verdict."""
    entrance: Entrance | None = None
    """None where nobody looks on."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the client is told. `rate_limits` is the text of `X-Sentry-Rate-Limits`."""

    status: int = 200
    event_id: str | None = None
    retry_after_s: int | None = None
    rate_limits: str | None = None


class Plans(Protocol):
    """Where plans come from; `runtime.projects` is the real one."""

    def find(self, key: str) -> ProjectPlan | None: ...

    def project_of(self, key: str) -> int | None: ...

    def is_denied(self, key: str, project_id: int | None) -> bool: ...


class Outbox(Protocol):
    """Where parcels wait; `put` returns when the parcel is held as durably as configured, else raises `Unavailable`."""

    def has_capacity(self) -> bool: ...

    async def put(self, parcel: Parcel) -> None: ...


class WaitingRoom(Protocol):
    """Where envelopes wait whose project's configuration is not known; `runtime.waiting_room` is the real one."""

    async def hold(self, parcel: Parcel) -> None:
        """Returns when the parcel, which is raw, is held as durably as configured; else raises `Unavailable`."""


class Pressure(Protocol):
    """What is refused because room runs out; `runtime.pressure` is the real one. Mostly nothing."""

    def limits(self, key: str, now_mono: float) -> tuple[ActiveLimit, ...]: ...


class Sighting(Onlooker, Protocol):
    """What somebody who looks on sees of one request, on its whole way."""

    def opened(self, tally: Tally) -> None:
        """The envelope is read, and nothing is done to it yet."""

    def refused(self, error: Rejected) -> None:
        """The request ended with an error; before `opened` nothing is known of it but its body."""


class Capture(Protocol):
    """Who looks on; `runtime.sink` is the real one."""

    def watch(self, ingress: Ingress) -> Sighting: ...

    async def keep(self, sighting: Sighting) -> None:
        """The way is over. Where items end here, what was captured is there when this returns; else it returns at once."""


Outcome = Literal["clean", "scrubbed", "unscrubbed", "dropped"]
"""How the scrubbing of an item ended."""


class Watch(Protocol):
    """Who watches the scrubbing of one envelope. `blind`: nothing can be kept, and the plan forbids to go on without."""

    @property
    def blind(self) -> bool: ...

    def record(self) -> Record: ...

    def noted(self, item: Item, record: Record, outcome: Outcome, output: bytes | None) -> None: ...

    def noted_headers(self, record: Record) -> None: ...


class Audit(Protocol):
    """Who keeps what scrubbing did; `runtime.audit` is the real one. Nobody watches for projects that want none."""

    def watch(self, plan: ProjectPlan, account: Account) -> Watch | None: ...


class Witness(Protocol):
    """Who is told what each stage looked at, in words (`explanation`). Nobody, where nothing is to be explained."""

    def saw(self, stage: str, text: str, item_type: str = "") -> None: ...


class InThread(Protocol):
    """Runs pure work where it holds up nobody else; `asyncio.to_thread` is the real one."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


@dataclass(slots=True)
class Ports:
    """Everything that the pipeline may touch. Without an `outbox` items end as captured, without `reports` those of clients travel on."""

    plans: Plans
    limits: LimitTable
    quotas: QuotaBackend
    ledger: Ledger
    outbox: Outbox | None
    bounds: Limits
    rng: Callable[[], float]
    new_id: Callable[[], str]
    in_thread: InThread
    has_memory: Callable[[], bool]
    occasions: Occasions = field(default_factory=Occasions)
    spikes: SpikeGuard = field(default_factory=SpikeGuard)
    waiting: WaitingRoom | None = None
    """None where every configuration is known."""
    pressure: Pressure | None = None
    capture: Capture | None = None
    audit: Audit | None = None
    witness: Witness | None = None
    reports: ClientReports | None = None
    reports_of_relays: ClientReports | None = None
    """Where outcomes of other relays go; None: the server is told nothing."""
    accepts_unknown: bool = True
    trusts_facts: bool = True
    overrides_project_ids: bool = False
    samples_traces: bool = True
    vouchers: Vouchers = field(default_factory=Vouchers)
    """Whose signatures count, where a project demands one."""
    instance: str = ""
    """Our name among relays."""

    def obey(self, settings: Settings) -> None:
        """Puts in force what settings say of the path itself."""
        self.bounds = settings.limits
        self.accepts_unknown = settings.routing.accept_unknown_items
        self.trusts_facts = settings.privacy.trust_envelope_facts
        self.overrides_project_ids = settings.relay.override_project_ids
        self.samples_traces = settings.sampling.dynamic
        self.vouchers = Vouchers(relays_of(settings.auth.static_relays), settings.auth.signature_max_age)
