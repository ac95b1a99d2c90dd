"""Redis or Valkey as the authority over quotas, for all replicas that share it (`decisions.md` 9.4).

Owns the connection, what this replica took itself (told in full with each call, see `script`), and what happens while the store is
away: `timeout_s` per call, one more try, then nothing is asked for 2 s and `outage` decides. It blocks, so it runs in a thread of
its own.

The bound. While the store answers, no limit is ever exceeded. From the moment it is away until the end of the slot, or until it is back,
R replicas that know of each other grant at most what was left plus R - 1, plus what other replicas took after one of them last heard
of it. What each granted itself is added to the count as soon as it speaks again; if the store lost its data, so is all that it ever took in
the slot, within `BEAT_S` of the store's return. Until all have spoken, the count is at least the highest that those who did know of.
Parts of replicas that died in the meantime are missing where nobody knew of them. Fixed windows are brought back so; of a sliding window
the previous slot, and the level of a bucket, start anew.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scrubjay.runtime.quota_sharing.client import AWAY, connect
from scrubjay.runtime.quota_sharing.ledger import BUCKET, FIXED, UNLIMITED, Answer, Ask, Claim, Grant, Meter
from scrubjay.runtime.quota_sharing.outage import Outage, Policy
from scrubjay.runtime.quota_sharing.script import LEASE

BEAT_S: Final = 2.0
"""How often a replica shows itself, asked for anything or not."""
_OPEN_S: Final = 2.0
_TRIES: Final = 2
_MOST: Final = 2**53
"""Above it the script's numbers are no longer whole."""
_WIDTH: Final = 7
_RESTORED: Final = 500
_MAX_RECORDS: Final = 100_000
_LOG: Final = logging.getLogger("scrubjay.quotas")


@dataclass(slots=True)
class _Record:
    """What this replica knows of one counter in its last slot. `own`: what it took; `consumed`: all of them, as last heard."""

    meter: Meter
    slot: int
    ends_unix: int
    own: int = 0
    consumed: int = 0


class RedisStore:
    """One replica's way to the store. `calls` counts them."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 0.05,
        policy: Policy = "local",
        replicas: int = 1,
        mono: Callable[[], float] = time.monotonic,
        now_unix: Callable[[], float] = time.time,
    ) -> None:
        self._client = connect(url, timeout_s)
        self._id = secrets.token_hex(8)
        self._seq = 0
        self._policy = policy
        self._least = replicas
        self._seen = 1
        self._mono = mono
        self._offset_s = now_unix() - mono()
        self._records: dict[str, _Record] = {}
        self._to_restore: list[_Record] = []
        self._outage: Outage | None = None
        self._shut_until_mono = 0.0
        self._last_mono = -BEAT_S
        self._tag = "{0}"
        self.calls = 0

    @property
    def problem(self) -> str:
        """For readiness: empty while the store answers."""
        return f"the store of quotas is away; `{self._policy}` decides" if self._outage else ""

    @property
    def replicas(self) -> int:
        """Those seen lately, or as many as are configured."""
        return max(self._seen, self._least)

    def lease(self, ask: Ask) -> Answer:
        """Never fails, and waits at most twice the timeout."""
        answer = None
        if self._mono() >= self._shut_until_mono:
            answer = self._merged(ask, [self._try(part) for part, _ in self._parts(ask)])
        if answer is None:
            answer = self._without(ask)
        self._remember(ask, answer)
        return answer

    def beat(self) -> None:
        """Shows that this replica is there, and looks whether the store is. To be called every second or so."""
        now_mono = self._mono()
        if now_mono < self._shut_until_mono or now_mono - self._last_mono < BEAT_S:
            return
        self._try(Ask((), (), ()))
        while self._to_restore and self._outage is None:
            chunk = self._to_restore[:_RESTORED]
            ask = Ask([record.meter for record in chunk], (), [0] * len(chunk))
            if not all(self._try(part) for part, _ in self._parts(ask)):
                break
            del self._to_restore[:_RESTORED]

    def close(self) -> None:
        self._client.close()

    # The store

    def _try(self, ask: Ask) -> Answer | None:
        """None, and the store is left alone for a while, if it does not answer."""
        for attempt in range(_TRIES):
            try:
                answer = self._call(ask, is_repeated=attempt > 0)
            except AWAY as error:
                problem: object = error
            else:
                self._back()
                return answer
        self._away(problem)
        return None

    def _call(self, ask: Ask, *, is_repeated: bool) -> Answer:
        self._seq += 1
        self.calls += 1
        if ask.meters:
            self._tag = _tag(ask.meters[0])
        registry = f"sj:q:{self._tag if self._client.is_cluster else 'replicas'}"
        rows = [self._row(ask, index, is_repeated=is_repeated) for index in range(len(ask.meters))]
        claims = [{"after": claim.after, "parts": list(claim.parts)} for claim in ask.claims]
        sent_mono = self._last_mono = self._mono()
        message = json.dumps({"meters": rows, "claims": claims})
        reply = self._client.lease(LEASE, registry, self._id, self._seq, message)
        now_unix = reply[0] + reply[1] / 1e6
        self._offset_s = now_unix - sent_mono
        self._seen = reply[2]
        if reply[3]:
            self._restore_all(now_unix)
        numbers = reply[4:]
        grants = [
            Grant(tokens, left, slot, ends, refused, retry_s, bool(is_shared))
            for tokens, left, slot, ends, refused, retry_s, is_shared in _rows(numbers)
        ]
        return Answer(now_unix, self.replicas, grants)

    def _row(self, ask: Ask, index: int, *, is_repeated: bool) -> dict[str, Any]:
        meter = ask.meters[index]
        record = self._records.get(meter.key)
        slot, unused = ask.returns[index] if ask.returns else (-1, 0)
        own = record.own if record else 0
        if meter.algorithm == BUCKET and meter.limit != UNLIMITED:
            own = 0 if is_repeated else unused
        elif record and record.slot == slot:
            own -= unused
        return {
            "name": meter.name,
            "group": meter.group,
            "limit": min(meter.limit, _MOST),
            "window": meter.window_s,
            "shift": meter.shift_s,
            "algorithm": meter.algorithm,
            "burst": min(meter.burst, _MOST),
            "max_groups": meter.max_groups,
            "shares": meter.shares_overflow,
            "want": min(ask.wants[index], _MOST),
            "own_slot": record.slot if record else -1,
            "own": max(0, own),
            "floor": record.consumed if record else 0,
        }

    def _back(self) -> None:
        if self._outage is not None:
            self._outage = None
            _LOG.info("the store of quotas is back")

    def _away(self, problem: object) -> None:
        self._shut_until_mono = self._mono() + _OPEN_S
        if self._outage is None:
            self._outage = Outage(self._policy, self._left)
            _LOG.warning("the store of quotas is away, `%s` decides: %s", self._policy, problem)

    def _without(self, ask: Ask) -> Answer:
        if self._outage is None:
            self._outage = Outage(self._policy, self._left)
        answer = self._outage.answer(ask, self.replicas, self._mono() + self._offset_s)
        return answer._replace(problem=self.problem)

    # What is known

    def _left(self, meter: Meter, slot: int) -> int | None:
        record = self._records.get(meter.key)
        if record is None or record.slot != slot:
            return None
        return max(0, meter.limit - record.consumed)

    def _remember(self, ask: Ask, answer: Answer) -> None:
        if len(self._records) >= _MAX_RECORDS:
            self._records = {key: one for key, one in self._records.items() if one.ends_unix > answer.now_unix}
        returns = ask.returns or ((-1, 0),) * len(ask.meters)
        for meter, grant, (slot, unused) in zip(ask.meters, answer.grants, returns, strict=True):
            if grant.is_shared:
                meter = meter.shared()
            if meter.algorithm == BUCKET:
                continue
            record = self._records.get(meter.key)
            if record is None or record.slot != grant.slot:
                record = self._records[meter.key] = _Record(meter, grant.slot, meter.window(int(answer.now_unix))[1])
            gained = grant.tokens - (unused if slot == grant.slot else 0)
            record.meter, record.own = meter, max(0, record.own + gained)
            if self._outage is not None or meter.algorithm != FIXED or meter.limit == UNLIMITED:
                record.consumed = max(0, record.consumed + gained)
            else:
                record.consumed = meter.limit - grant.left

    def _restore_all(self, now_unix: float) -> None:
        """The store does not know this replica: it is new, or the store lost what it knew."""
        self._to_restore = [one for one in self._records.values() if one.own and one.ends_unix > now_unix]

    # Several organisations

    def _parts(self, ask: Ask) -> list[tuple[Ask, list[int]]]:
        """One call, or in a cluster one for each organisation, whose keys stand together; with the positions of its meters."""
        tags = [_tag(meter) for meter in ask.meters]
        if not self._client.is_cluster or len(set(tags)) <= 1:
            return [(ask, list(range(len(tags))))]
        return [_part(ask, [at for at, tag in enumerate(tags) if tag == wanted]) for wanted in dict.fromkeys(tags)]

    def _merged(self, ask: Ask, answers: Sequence[Answer | None]) -> Answer | None:
        if len(answers) == 1 or any(answer is None for answer in answers):
            return answers[0] if len(answers) == 1 else None
        grants: dict[int, Grant] = {}
        known = [answer for answer in answers if answer is not None]
        for (_, positions), answer in zip(self._parts(ask), known, strict=True):
            grants.update(zip(positions, answer.grants, strict=True))
        return Answer(known[-1].now_unix, known[-1].holders, [grants[at] for at in range(len(ask.meters))])


def _rows(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[at : at + _WIDTH] for at in range(0, len(numbers), _WIDTH))


def _tag(meter: Meter) -> str:
    return meter.name[: meter.name.index("}") + 1]


def _part(ask: Ask, positions: list[int]) -> tuple[Ask, list[int]]:
    """What is asked of these meters. A claim's parts, and what it depends on, are of one organisation."""
    moved = {old: new for new, old in enumerate(positions)}
    numbers: dict[int, int] = {}
    claims: list[Claim] = []
    for number, claim in enumerate(ask.claims):
        if claim.parts[0][0] in moved:
            numbers[number] = len(claims)
            parts = [(moved[index], need) for index, need in claim.parts]
            claims.append(Claim(parts, numbers.get(claim.after, -1)))
    returns = [ask.returns[at] for at in positions] if ask.returns else ()
    return Ask([ask.meters[at] for at in positions], claims, [ask.wants[at] for at in positions], returns), positions
