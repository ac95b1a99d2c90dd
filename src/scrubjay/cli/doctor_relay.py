"""What `scrubjay doctor` finds of the relay that runs, or should: its workers, its own word on itself, what it lost and why.

The state files tell what its workers know, the listener how it is.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from scrubjay.cli.doctor_listener import health
from scrubjay.cli.drops import remedy
from scrubjay.cli.findings import Finding, failed, ok, warning
from scrubjay.cli.own_listener import local_address
from scrubjay.cli.tables import ago
from scrubjay.cli.upstream_word import upstream_word
from scrubjay.reasons import REASONS
from scrubjay.runtime.metrics import HELD, SPOOL_OLDEST_AGE, UNACCOUNTED
from scrubjay.runtime.state import Drop, Merged, Snapshot
from scrubjay.settings.load import Loaded
from scrubjay.settings.schema import Settings

_RECENT_S: Final = 3_600.0
_MOST_REASONS: Final = 8
_MOST_CATEGORIES: Final = 5
_LONG_S: Final = 60.0
_NEARLY_FULL: Final = 0.8
_IN_BYTES: Final = frozenset({"attachment", "log_byte", "trace_metric_byte"})
_INTENDED: Final = frozenset(row.code for row in REASONS if row.intended)
_START: Final = "start it (`scrubjay run`), and look at the end of its log"


def running(loaded: Loaded, merged: Merged) -> Iterator[Finding]:
    """Its workers, its readiness, its upstream, its account."""
    if not merged.alive:
        yield from _absent(loaded, merged)
        return
    for worker in _dead(merged):
        yield _died(worker, merged.now_unix, "the supervisor should start it again: look at its log")
    oldest = min(worker.started_unix for worker in merged.alive)
    count = len(merged.alive)
    workers = f"{count} worker{'s' * (count > 1)}, version {merged.alive[0].version}"
    yield ok(
        "relay", f"runs since {ago(merged.now_unix - oldest)}: {workers}", pids=[each.pid for each in merged.alive]
    )
    yield from _readiness(loaded.settings)
    yield from _upstream(merged)
    yield from _managed(merged)
    yield from _account(merged)
    yield from _limits(merged)


def _absent(loaded: Loaded, merged: Merged) -> Iterator[Finding]:
    died = _dead(merged)
    for worker in died:
        yield _died(worker, merged.now_unix, _START)
    if not died:
        stopped = max((worker.heartbeat_unix for worker in merged.workers), default=None)
        when = "" if stopped is None else f", stopped {ago(merged.now_unix - stopped)} ago"
        yield warning(
            "relay",
            f"none runs with this configuration (state in {loaded.settings.relay.state_dir}){when}",
            "start it: `scrubjay run`",
        )


def _dead(merged: Merged) -> list[Snapshot]:
    return [
        worker
        for worker in merged.workers
        if not worker.stopped and not worker.is_adopted and not worker.alive(merged.now_unix)
    ]


def _died(worker: Snapshot, now_unix: float, remedy: str) -> Finding:
    """Killed, or there and silent: its process tells."""
    since = f"its last sign of life is {ago(now_unix - worker.heartbeat_unix)} old"
    fate = "is there and writes no state"
    try:
        os.kill(worker.pid, 0)
        remedy = "make `relay.state_dir` writable, with room on its disk; else it hangs: restart it and report the log"
    except ProcessLookupError:
        fate = "died without ending in order"
    except OSError:  # somebody else's process has the number
        fate = "is gone"
    return failed("relay", f"worker {worker.slot} (process {worker.pid}) {fate}; {since}", remedy)


def _readiness(settings: Settings) -> Iterator[Finding]:
    try:
        status, document = health(settings, "ready")
    except OSError as error:
        yield warning("readiness", f"cannot be asked: {error}", f"see whether {local_address(settings)} is its address")
        return
    wrong = {name: told for name, told in document.get("checks", {}).items() if not told["ok"]}
    for name, told in wrong.items():
        yield failed("readiness", f"unready: {name}: {told['detail'] or 'no'}", _UNREADY.get(name, "look at its log"))
    if not wrong:
        yield ok("readiness", "ready" if status == 200 else f"answers {status}")


_UNREADY: Final = {
    "memory": "give it more memory, fewer workers, or `relay.profile: sidecar`",
    "spool": "the spool is full or its disk fails: see the findings of the spool",
    "running": "it is starting, or ending",
    "authentication": "the server did not let this relay in, or was not reached: see what fails of it below (docs/managed.md)",
}


_STANDINGS: Final = {
    "registering": "the relay is not registered with its upstream yet, and tries",
    "denied": "its upstream has told the relay to stop",
}


def _upstream(merged: Merged) -> Iterator[Finding]:
    held: Counter[str] = Counter()
    for (category, _), amount in merged.values.series[HELD.name].items():
        held[category] += int(amount)
    ages = merged.values.series[SPOOL_OLDEST_AGE.name].values()
    waits = f"held {_amounts(held)}" + (f", the oldest for {ago(max(ages))}" if held.total() and any(ages) else "")
    if merged.upstream_up is False:
        advice = "see the findings of the server below; what is held is sent when it is back"
        yield failed("outage", f"the relay does not reach its upstream; {waits}", advice)
    elif merged.upstream_up:
        yield ok("outage", f"none; {waits}", held=dict(held))


def _managed(merged: Merged) -> Iterator[Finding]:
    """What the server gave it: a place among its relays, and configurations."""
    word = upstream_word(merged)
    if word is None:
        return
    waits = f"{word.waiting} envelopes wait for one"
    known = f"{word.configs['known']} known, {word.configs['disabled']} disabled, {word.configs['pending']} pending; {waits}"
    if not word.is_registered:
        yield failed(
            "relay's standing",
            f"{_STANDINGS.get(word.registration, word.registration)}: it takes what comes and sends nothing",
            "see what fails of the server below, where registering is tried once more, and the relay's log",
        )
    if word.waiting_bytes > _NEARLY_FULL * (word.waiting_capacity_bytes or math.inf):
        yield failed(
            "project configs",
            f"{known}, and the room for them is nearly full: what comes next is refused (503)",
            "see why configurations do not come; raise `spool.envelopes.pending_max_bytes`, or set `spool.envelopes.pending: disk`",
        )
    elif word.oldest_age_s > _LONG_S:
        yield warning(
            "project configs",
            f"{known}, the oldest for {ago(word.oldest_age_s)}",
            "see `project config` below (with --dsn), and the relay's log",
        )
    elif word.stale_s:
        text = f"{known}; the oldest is past its time since {ago(word.stale_s)}, and stays in use"
        yield warning("project configs", text, "the server does not answer: see the findings of the server below")
    else:
        yield ok("project configs", known)


def _account(merged: Merged) -> Iterator[Finding]:
    lost = int(sum(merged.values.series[UNACCOUNTED.name].values()))
    if lost:
        yield failed("account", f"{lost} left it without a reason", "that is a bug of scrubjay: report it with the log")
    account = merged.account.items()
    received = _amounts({name: balance.received for name, balance in account})
    delivered = _amounts({name: balance.forwarded + balance.captured for name, balance in account})
    dropped = _amounts({name: balance.dropped for name, balance in account})
    yield ok("account", f"received {received}; delivered {delivered}; dropped {dropped}")


def _amounts(amounts: Mapping[str, int]) -> str:
    """The largest few, without what is counted in bytes."""
    counts = Counter({name: amount for name, amount in amounts.items() if amount and name not in _IN_BYTES})
    return ", ".join(f"{amount} {name}" for name, amount in counts.most_common(_MOST_CATEGORIES)) or "nothing"


def _limits(merged: Merged) -> Iterator[Finding]:
    for limit in merged.limits[:_MOST_REASONS]:
        what = ", ".join(limit.categories) or "everything"
        yield warning(
            "limits",
            f"{what} of {limit.owner} refused for {ago(limit.until_unix - merged.now_unix)}, by {limit.origin} ({limit.reason})",
            "expected? else raise the quota: the server's where it is `upstream`, else the project file's; see `scrubjay quotas`",
        )


def drops(merged: Merged) -> Iterator[Finding]:
    """What was lost in the last hour, by reason, what is worst first."""
    recent = [drop for drop in merged.drops if merged.now_unix - drop.time_unix < _RECENT_S]
    bad = [drop for drop in recent if not _is_intended(drop)]
    counts = Counter((drop.reason, drop.origin, remedy(drop)) for drop in bad)
    for (reason, origin, advice), count in counts.most_common(_MOST_REASONS):
        last = next(drop for drop in bad if (drop.reason, drop.origin) == (reason, origin))
        by = f" by {origin}" if origin else ""
        yield warning(
            "drops",
            f"{count} × {reason}{by} in the last hour{_last(last, merged.now_unix)}",
            advice or "see docs/reasons.md",
            reason=reason,
            count=count,
        )
    if not bad:
        text = f"{len(recent)} in the last hour, all on purpose" if recent else "none in the last hour"
        yield ok("drops", text)


def _is_intended(drop: Drop) -> bool:
    return drop.outcome in ("filtered", "sampled") or drop.reason in _INTENDED


def _last(drop: Drop, now_unix: float) -> str:
    what = (
        ", ".join(f"{amount} {category}" for category, amount in drop.quantities.items())
        or drop.item_type
        or "a request"
    )
    project = "" if drop.project_id is None else f" of project {drop.project_id}"
    event = f", event {drop.event_id}" if drop.event_id else ""
    detail = f": {drop.detail}" if drop.detail else ""
    return f"; the last {ago(now_unix - drop.time_unix)} ago, {what}{project}{event}{detail}"
