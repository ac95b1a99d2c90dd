"""The worker's state file: how one process tells the others how it is.

Each second a worker replaces `worker-N.json` in `relay.state_dir`: heartbeat, counters, the account, what is held. Its last drops
stand in `worker-N.drops.json`, which is replaced only when there is a new one, so that an idle relay does not wear out a disk. Whoever
is asked (`/metrics`, `status`, `drops`) reads all files and merges them. What the numbers mean is `telemetry`'s and `metrics`'s
business, their text for Prometheus `exposition`'s.

Invariants: a reader sees a whole file or none (rename; on a full disk one write over the old one); files are readable by their owner alone; no payload is ever in them. The files
are not synchronised to disk: after a power cut the account is closed against what the spool holds.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from scrubjay.core.limits import UPSTREAM
from scrubjay.errors import ConfigError
from scrubjay.outcomes import Outcome
from scrubjay.runtime.busiest import shown
from scrubjay.runtime.metrics import (
    CLOCK,
    HELD,
    LIMITS_ACTIVE,
    OUTCOMES,
    PROJECT_OUTCOMES,
    QUOTA_CONSUMED,
    QUOTA_LIMIT,
    QUOTA_USED_RATIO,
    RECEIVED,
    WORKERS,
)
from scrubjay.runtime.process import is_gone, process_space
from scrubjay.runtime.series import BucketRows, Rows, Series
from scrubjay.runtime.standing import (
    Standing,
    Surge,
    Window,
    merged_limits,
    merged_surges,
    merged_windows,
    used_ratio,
)
from scrubjay.runtime.values import Values

_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_BLOCK_BYTES: Final = 512
_PAGE_BYTES: Final = 4096
_SLACK_BYTES: Final = 2048
STALE_S: Final = 5.0
"""A worker whose heartbeat is older is taken for dead, as one is whose process is gone: its counters still count, its gauges do not."""

MAX_DROPS: Final = 1_000


class Drop(msgspec.Struct, frozen=True, omit_defaults=True):
    """One loss, without payload. `key` is cut to eight characters; a request that was refused unread has no quantities."""

    time_unix: float
    slot: int
    reason: str
    outcome: str
    quantities: dict[str, int] = {}
    project_id: int | None = None
    key: str = ""
    origin: str = ""
    stage: str = ""
    item_type: str = ""
    event_id: str | None = None
    size_bytes: int = 0
    revision: str = ""
    detail: str = ""


class Balance(msgspec.Struct):
    """One category's account. `open` is what is neither ended nor held: requests being answered right now, else a bug."""

    received: int = 0
    forwarded: int = 0
    captured: int = 0
    dropped: int = 0
    held: int = 0

    @property
    def ended(self) -> int:
        return self.forwarded + self.captured + self.dropped

    @property
    def open(self) -> int:
        return self.received - self.ended - self.held

    def __iadd__(self, other: Balance) -> Balance:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


class Snapshot(msgspec.Struct):
    """What one worker writes. `account` and `held` follow from the numbers and are there for other readers.

    `stopped`: the worker ended in order. `is_adopted`: no worker, but a partition that the worker of this pid empties. `heartbeat_mono` is
    comparable between processes of one boot. `audit_line`, `audit_hash`: number and hash of the last line of the audit log. `process_space`: where
    `pid` is known; whoever looks from elsewhere, as from another container, has the heartbeat alone.
    """

    slot: int
    pid: int
    version: str
    started_unix: float
    heartbeat_unix: float
    heartbeat_mono: float
    generation: int = 0
    stopped: bool = False
    is_adopted: bool = False
    upstream_up: bool | None = None
    account: dict[str, Balance] = {}
    held: dict[str, dict[str, int]] = {}
    series: dict[str, Rows] = {}
    histograms: dict[str, BucketRows] = {}
    drops: list[Drop] = []
    audit_line: int = 0
    audit_hash: str = ""
    windows: list[Window] = []
    limits: list[Standing] = []
    surges: list[Surge] = []
    process_space: str = ""

    def alive(self, now_unix: float) -> bool:
        if self.stopped or self.is_adopted or abs(now_unix - self.heartbeat_unix) > STALE_S:
            return False
        return not self.process_space or self.process_space != process_space() or not is_gone(self.pid)


def adopted_snapshot(adopter: Snapshot, slot: int, held: dict[str, int], *, stopped: bool) -> Snapshot:
    """What is written of an adopted partition that holds so much: nothing of it has ended but in the adopter's books."""
    return Snapshot(
        slot=slot,
        pid=adopter.pid,
        version=adopter.version,
        started_unix=adopter.started_unix,
        heartbeat_unix=adopter.heartbeat_unix,
        heartbeat_mono=adopter.heartbeat_mono,
        stopped=stopped,
        is_adopted=not stopped,
        account={name: Balance(received=amount, held=amount) for name, amount in held.items()},
        held={"spool": held},
        series={RECEIVED.name: [((name,), amount) for name, amount in held.items()]},
    )


class StateFile:
    """One slot's files in the folder of all."""

    def __init__(self, folder: Path, slot: int) -> None:
        self.folder = private_folder(folder)
        self.slot = slot
        self._path = self.folder / f"worker-{slot}.json"
        self._drops_path = self.folder / f"worker-{slot}.drops.json"
        self._newest: Drop | None = None

    def load(self) -> Snapshot | None:
        """What the slot's last process left; `None` at the first start, or if it cannot be read."""
        return _read(self._path)

    def write(self, snapshot: Snapshot) -> None:
        """Replaces the files. Raises `OSError` when the disk refuses, which leaves the old ones whole."""
        _keep(self._path, msgspec.json.encode(msgspec.structs.replace(snapshot, drops=[])))
        if snapshot.drops and snapshot.drops[-1] is not self._newest:
            _keep(self._drops_path, msgspec.json.encode(snapshot.drops))
            self._newest = snapshot.drops[-1]

    def remove(self) -> None:
        """The slot is no more, and its books are somebody else's. Raises `OSError`."""
        self._path.unlink(missing_ok=True)
        self._drops_path.unlink(missing_ok=True)

    def __repr__(self) -> str:
        return f"<StateFile {self._path}>"


def private_folder(folder: Path) -> Path:
    """Makes `folder` if needed, for its owner alone. Raises `ConfigError` if it is somebody else's, or cannot be made."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise ConfigError(f"{folder} is no folder of ours", path="relay.state_dir")
        if stat.S_IMODE(found.st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise ConfigError(
            f"cannot use the folder {folder}: {error.strerror or error}", path="relay.state_dir"
        ) from error
    return folder


def replace_file(path: Path, content: bytes) -> None:
    """A reader sees the file as it was or as it is. Raises `OSError`, which leaves it as it was."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(
            descriptor, "wb"
        ) as file:  # buffered: a disk that is filling up may take a part, and says so with the rest
            file.write(content)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _keep(path: Path, content: bytes) -> None:
    """Replaces the file. On a full disk, where there is no room for a second one, it is written over, if what it has is enough: what is lost
    just then must not be lost from the books too. So it always has some room to grow into. Raises `OSError`, which leaves the file as it was.
    """
    pages = -(-(len(content) + _SLACK_BYTES) // _PAGE_BYTES)
    try:
        replace_file(path, content.ljust(pages * _PAGE_BYTES))
        return
    except OSError as error:
        if error.errno not in _NO_SPACE or not path.exists():
            raise
        found = path.stat()
        if len(content) > found.st_blocks * _BLOCK_BYTES:
            raise
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.pwrite(
            descriptor, content.ljust(found.st_size), 0
        )  # blanks behind it: no moment in which the end is that of the old one
    finally:
        os.close(descriptor)


def _read(path: Path) -> Snapshot | None:
    try:
        snapshot = msgspec.json.decode(path.read_bytes(), type=Snapshot)
    except (OSError, msgspec.DecodeError):
        return None
    try:
        drops = path.with_name(f"{path.stem}.drops.json").read_bytes()
        snapshot.drops = msgspec.json.decode(drops, type=list[Drop])
    except (OSError, msgspec.DecodeError):
        snapshot.drops = []
    return snapshot


@dataclass(slots=True)
class Merged:
    """All workers as one. Counters of dead slots still count; gauges are of the living."""

    workers: list[Snapshot]
    now_unix: float
    values: Values = field(default_factory=Values)
    account: dict[str, Balance] = field(default_factory=dict)
    drops: list[Drop] = field(default_factory=list)
    """Newest first."""
    windows: list[Window] = field(default_factory=list)
    """Of the living, one row per counter: workers share them."""
    limits: list[Standing] = field(default_factory=list)
    surges: list[Surge] = field(default_factory=list)

    @property
    def alive(self) -> list[Snapshot]:
        return [worker for worker in self.workers if worker.alive(self.now_unix)]

    @property
    def upstream_up(self) -> bool | None:
        """`None`: no worker has talked to it yet, or there is none."""
        known = [worker.upstream_up for worker in self.alive if worker.upstream_up is not None]
        return all(known) if known else None


def read_states(folder: Path, now_unix: float | None = None) -> Merged:
    """Merges the files of all slots. Files that cannot be read are left out; no folder, no workers."""
    snapshots = (_read(path) for path in sorted(folder.glob("worker-*.json")) if not path.stem.endswith(".drops"))
    return merge((snapshot for snapshot in snapshots if snapshot is not None), now_unix)


def merge(snapshots: Iterable[Snapshot], now_unix: float | None = None) -> Merged:
    now_unix = time.time() if now_unix is None else now_unix
    merged = Merged(sorted(snapshots, key=lambda snapshot: snapshot.slot), now_unix)
    for snapshot in merged.workers:
        merged.values.take_over(snapshot.series, snapshot.histograms, gauges=snapshot.alive(now_unix))
        _hold(merged.values.series[HELD.name], snapshot.held)
        merged.drops += snapshot.drops
        for category, balance in snapshot.account.items():
            total = merged.account.setdefault(category, Balance())
            total += balance
    merged.windows = merged_windows(worker.windows for worker in merged.alive)
    merged.limits = merged_limits(worker.limits for worker in merged.alive)
    merged.surges = merged_surges(worker.surges for worker in merged.alive)
    _limit(merged)
    merged.values.series[WORKERS.name].add((), len(merged.alive))
    merged.values.series[CLOCK.name].add((), now_unix)
    merged.values.series[PROJECT_OUTCOMES.name] = shown(merged.values.series[PROJECT_OUTCOMES.name])
    merged.drops.sort(key=lambda drop: drop.time_unix, reverse=True)
    return merged


def _limit(merged: Merged) -> None:
    """What is known of quotas and limits as numbers. Of quotas of many owners only sums and the fullest: owners are no labels."""
    series = merged.values.series
    fullest: dict[str, float] = {}
    for window in merged.windows:
        name = (window.quota,)
        series[QUOTA_CONSUMED.name].add(name, window.consumed or 0)
        if window.limit is not None:
            series[QUOTA_LIMIT.name].setdefault(name, window.limit)
            fullest[window.quota] = max(fullest.get(window.quota, 0.0), used_ratio(window))
    for quota, ratio in fullest.items():
        series[QUOTA_USED_RATIO.name].add((quota,), ratio)
    for limit in merged.limits:
        series[LIMITS_ACTIVE.name].add(("upstream" if limit.origin == UPSTREAM else "local",), 1)


def _hold(series: Series, held: dict[str, dict[str, int]]) -> None:
    for where, amounts in held.items():
        for category, amount in amounts.items():
            series.add((category, where), amount)


def balances(values: Values, held: dict[str, dict[str, int]]) -> dict[str, Balance]:
    """The account per category, read off the counters that are shown anyway."""
    account: dict[str, Balance] = {}
    for (category,), amount in values.series[RECEIVED.name].items():
        account.setdefault(category, Balance()).received += int(amount)
    for (outcome, _, category), amount in values.series[OUTCOMES.name].items():
        balance = account.setdefault(category, Balance())
        ending = outcome if outcome in (Outcome.FORWARDED, Outcome.CAPTURED) else "dropped"
        setattr(balance, ending, getattr(balance, ending) + int(amount))
    for amounts in held.values():
        for category, amount in amounts.items():
            account.setdefault(category, Balance()).held += amount
    return account
