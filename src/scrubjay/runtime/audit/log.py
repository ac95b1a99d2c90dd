"""What scrubbing did, told to the audit log and the metrics: figures per project, rule and day, and items one by one (scrubbing.md 15.8).

The `Audit` of `core.ports`. Owns what is summed between two flushes and what becomes of it when the disk refuses; the files are
`chain.py`'s. Each flush writes what was added since the last, so that the figures of a day are the sum of its lines over any number of
processes, and a kill loses one interval at most. Lines about items wait no longer than a second.

Invariants: nothing here stops or slows the relay, whatever the disk does; what is given up is counted and said in the log itself; sums and
waiting lines are bounded.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from scrubjay.core.envelope import Item
from scrubjay.core.ledger import Account
from scrubjay.core.plan import ProjectPlan
from scrubjay.core.ports import Outcome
from scrubjay.core.scrub.places import Places
from scrubjay.core.scrub.pseudonyms import utc_day
from scrubjay.core.scrub.record import Record
from scrubjay.runtime.audit.chain import Chain
from scrubjay.runtime.audit.lines import Figures, ItemLine, Items, Line, Lost
from scrubjay.settings.schema import Settings

MAX_SUMS: Final = 20_000
"""Sums that may grow between two flushes; project ids can come from clients. What is beyond counts for no project."""

MAX_WAITING: Final = 20_000
"""Lines that wait for a disk that refuses; what is beyond is given up, and said so."""

_OTHER_RULE: Final = "other"


class Observer(Protocol):
    """`runtime.telemetry` is the real one."""

    def scrubbed(self, item_type: str, outcome: Outcome, record: Record) -> None: ...

    def redacted(self, record: Record) -> None: ...

    def audit_wrote(self, line: int, line_hash: str) -> None: ...

    def audit_failed(self, error: OSError, *, again: bool) -> None: ...

    def audit_recovered(self) -> None: ...

    def audit_lost(self, lines: int) -> None: ...


def audit_of(settings: Settings, slot: int, observer: Observer) -> AuditLog:
    """The audit log of a worker, not opened yet."""
    return AuditLog(Chain(audit_folder(settings), slot, settings.scrub.audit_max_file_size, time.time), observer)


def audit_folder(settings: Settings) -> Path:
    """Where the files are."""
    state_dir = settings.relay.state_dir
    assert state_dir is not None, "resolve() fills it in"
    return Path(settings.scrub.audit_dir or Path(state_dir) / "audit")


class AuditLog:
    """One worker's. `flush` once in a while, `flush_items` often, `close` at the end."""

    def __init__(self, chain: Chain, observer: Observer) -> None:
        self.problem = ""
        self._chain = chain
        self.observer = observer
        self._rules: dict[tuple[str, int | None, str, bool], Figures] = {}
        self._items: dict[tuple[str, int | None], Items] = {}
        self._fresh: list[Line] = []
        self._lost = 0
        self._waiting: list[Line] = []
        """What is to be written next; of the thread that holds the lock. One that was given up may still be at it."""
        self._writing = threading.Lock()

    def start(self) -> None:
        """Makes the file, so that what is wrong with its place is known before anything has to be written."""
        try:
            self._chain.open()
        except OSError as error:
            self._failed(error)
        else:
            self.observer.audit_wrote(self._chain.head.n, self._chain.head.hash)

    def watch(self, plan: ProjectPlan, account: Account) -> Watch | None:
        """Who watches the scrubbing of an envelope; None: the project wants no audit."""
        if plan.scrub is None or plan.scrub.options.audit == "off":
            return None
        return Watch(self, plan, account)

    def add(self, day: str, project: int | None, record: Record, outcome: Outcome | None) -> None:
        """Adds to the figures of a day. `outcome` None: what was scrubbed is no item."""
        if outcome is not None:
            items = self._items.get((day, project))
            if items is None:
                if len(self._items) >= MAX_SUMS:
                    project = None
                items = self._items.setdefault((day, project), Items(day=day, project=project))
            setattr(items, outcome, getattr(items, outcome) + 1)
        for counts, tried in ((record.rules, False), (record.tried, True)):
            for rule, count in counts.items():
                figures = self._figures(day, project, rule, tried)
                figures.hits += count.hits
                figures.bytes += count.bytes
                figures.nodes += count.nodes
                figures.whole += count.whole
                figures.items += 1

    def _figures(self, day: str, project: int | None, rule: str, tried: bool) -> Figures:
        figures = self._rules.get((day, project, rule, tried))
        if figures is None:
            if len(self._rules) >= MAX_SUMS:
                project, rule = None, _OTHER_RULE
            new = Figures(day=day, project=project, rule=rule, tried=tried)
            figures = self._rules.setdefault((day, project, rule, tried), new)
        return figures

    def tell(self, line: ItemLine) -> None:
        """Takes a line about one item."""
        if len(self._fresh) + len(self._waiting) < MAX_WAITING:
            self._fresh.append(line)
        else:
            self._lost += 1

    async def flush(self) -> None:
        """Writes what is new. What the disk refuses waits for the next time."""
        await self._flush([*self._items.values(), *self._rules.values()])

    async def flush_items(self) -> None:
        """Writes the lines about items, and leaves the sums to grow."""
        if self._fresh:
            await self._flush()

    async def _flush(self, sums: Sequence[Line] = ()) -> None:
        """`sums`: all that there are, if they are to be written."""
        if sums:
            self._items, self._rules = {}, {}
        fresh = self._take(sums)
        if not fresh and not self._waiting:
            return
        error = await asyncio.to_thread(self._write, fresh)
        self.observer.audit_wrote(self._chain.head.n, self._chain.head.hash)
        if error is not None:
            self._failed(error)
        elif self.problem:
            self.problem = ""
            self.observer.audit_recovered()

    async def close(self) -> None:
        await self.flush()
        self._chain.close()

    def _take(self, sums: Sequence[Line]) -> list[Line]:
        room = max(0, MAX_WAITING + MAX_SUMS - len(self._waiting))
        self._lost += len(sums[room:])
        lines = [*self._fresh, *sums[:room]]
        self._fresh = []
        if self._lost:
            lines.append(Lost(lines=self._lost))
            self.observer.audit_lost(self._lost)
            self._lost = 0
        return lines

    def _write(self, fresh: list[Line]) -> OSError | None:
        """In a thread. What is not written waits on."""
        with self._writing:
            self._waiting += fresh
            try:
                self._chain.append(self._waiting)
            except OSError as error:
                return error
        return None

    def _failed(self, error: OSError) -> None:
        self.observer.audit_failed(error, again=bool(self.problem))
        self.problem = f"the audit log cannot be written: {error.strerror or error}"

    def __repr__(self) -> str:
        return f"<AuditLog {self._chain!r}, {len(self._waiting)} lines wait>"


class Watch:
    """Watches the scrubbing of one envelope."""

    __slots__ = ("_account", "_day", "_log", "_observer", "_plan")

    def __init__(self, log: AuditLog, plan: ProjectPlan, account: Account) -> None:
        self._log = log
        self._observer = log.observer
        self._plan = plan
        self._account = account
        self._day = utc_day(account.now_unix)

    @property
    def _tells_items(self) -> bool:
        return self._plan.scrub is not None and self._plan.scrub.options.audit == "items"

    @property
    def blind(self) -> bool:
        program = self._plan.scrub
        return bool(self._log.problem) and program is not None and program.options.compliance

    def record(self) -> Record:
        """What counts the scrubbing of one item."""
        return Places() if self._tells_items else Record()

    def noted(self, item: Item, record: Record, outcome: Outcome, output: bytes | None) -> None:
        """An item was scrubbed. `output`: what leaves of it, if it was changed."""
        if outcome == "dropped":  # what was redacted in it before leaves as little as the rest
            record = self.record()
        self._log.add(self._day, self._account.project_id, record, outcome)
        self._observer.scrubbed(item.shown_type, outcome, record)
        if isinstance(record, Places):
            self._log.tell(self._line(item.shown_type, item.kind.scope, record, outcome, output))

    def noted_headers(self, record: Record) -> None:
        """The envelope's headers were scrubbed; they are no item."""
        if record.rules or record.tried:
            self._log.add(self._day, self._account.project_id, record, None)
            self._observer.redacted(record)
            if isinstance(record, Places):
                self._log.tell(self._line("headers", None, record, "scrubbed", None))

    def _line(
        self, item_type: str, scope: str | None, record: Places, outcome: Outcome, output: bytes | None
    ) -> ItemLine:
        program, account = self._plan.scrub, self._account
        assert program is not None, "nobody watches where nothing is scrubbed"
        return ItemLine(
            time=datetime.fromtimestamp(account.now_unix, UTC).isoformat(timespec="milliseconds"),
            project=account.project_id,
            type=item_type,
            id=account.event_id,
            revision=account.revision,
            key=None if program.keys is None else program.keys.on(self._day).id,
            outcome=outcome,
            rules={rule: (count.hits, count.bytes) for rule, count in record.rules.items()},
            places=[(*place,) for place in record.told(scope, program.options.audit_paths, output)],
        )
