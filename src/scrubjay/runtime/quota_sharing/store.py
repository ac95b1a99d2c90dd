"""Redis or Valkey as the authority over quotas, for all replicas that share it (`decisions.md` 9.4).

Owns the connection, what this replica took itself (told in full with each call, see `script`), and what happens while the store is
away: `timeout_s` per call, one more try, then nothing is asked for 2 s and `outage` decides. It blocks, so it runs in a thread of
its own.

The bound. While the store answers, no limit is ever exceeded. From the moment it is away until the end of the slot, or until it is back,
R replicas that know of each other grant at most what was left plus R - 1, plus what others took after one of them last heard of it (its
part is of more than was left). When the store is back, each replica tells what it took itself in all slots that have not ended, and stays with
its part, telling each grant, until 4 s after the first of them, by when all have noticed; the same if the store lost its data, whether
anybody saw it go or not (in a cluster, if a call failed). Until a replica has spoken, what it took counts as far as others know of it;
what a replica that died had taken and nobody else knew of is missing. Fixed windows are brought back so; of a sliding window the previous slot, and the level of a bucket, start anew.
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
SHUT_S: Final = 2.0
"""How long a store that failed is left alone."""
_TRIES: Final = 2
_MOST: Final = 2**53
"""Above it the script's numbers are no longer whole."""
_WIDTH: Final = 7
_TOLD: Final = 500
"""Counters in one call."""
_NOTHING: Final = Ask((), (), ())
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
        self._outage: Outage | None = None
        self._is_settling = False
        """The store is back, and is told all that is granted, but others may not have told it yet."""
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
        """Never fails, and waits at most twice the timeout, and once for each 500 counters when the store is back."""
        answer = None
        if self._mono() >= self._shut_until_mono:
            answer = self._merged(ask, [self._try(part) for part, _ in self._parts(ask)])
        if answer is None:
            answer = self._without(ask)
        self._remember(ask, answer)
        if self._is_settling:
            self._tell(ask)
        return answer

    def beat(self) -> None:
        """Shows that this replica is there, and looks whether the store is. To be called every second or so."""
        now_mono = self._mono()
        if now_mono < self._shut_until_mono or now_mono - self._last_mono < BEAT_S:
            return
        self._try(_NOTHING)

    def close(self) -> None:
        self._client.close()

    # The store

    def _try(self, ask: Ask) -> Answer | None:
        """None if the store does not answer, or does not know enough to be believed; then it is left alone for a while."""
        is_back = self._outage is not None and not self._is_settling
        for attempt in range(_TRIES):
            try:
                if is_back:
                    self._settle()
                    return None
                answer, is_known, _ = self._call(ask, is_repeated=attempt > 0)
                if not is_known and not self._client.is_cluster and self._live():
                    self._settle()
                    return None
            except AWAY as error:
                problem = error
            else:
                if self._outage is not None:
                    self._outage = None
                    _LOG.info("the store of quotas is back")
                self._is_settling = False
                return answer
        self._is_settling = False
        self._leave_alone(SHUT_S, problem)
        return None

    def _settle(self) -> None:
        """Tells the store all that this replica took, and waits until all have."""
        self._leave_alone(SHUT_S, "it has lost what it knew")
        _, _, wait_s = self._call(_NOTHING, is_back=True)
        live = self._live()
        for at in range(0, len(live), _TOLD):
            chunk = [record.meter for record in live[at : at + _TOLD]]
            for part, _ in self._parts(Ask(chunk, (), [0] * len(chunk))):
                self._learn(part, self._call(part)[0])
        self._is_settling = True
        self._shut_until_mono = self._mono() + wait_s

    def _tell(self, ask: Ask) -> None:
        """What was just granted without it."""
        try:
            for part, _ in self._parts(Ask(ask.meters, (), [0] * len(ask.meters))):
                self._learn(part, self._call(part)[0])
        except AWAY as error:
            self._is_settling = False
            self._leave_alone(SHUT_S, error)

    def _leave_alone(self, seconds: float, why: object) -> None:
        self._shut_until_mono = self._mono() + seconds
        if self._outage is None:
            self._outage = Outage(self._policy, self._left)
            _LOG.warning("the store of quotas is away, `%s` decides: %s", self._policy, why)

    def _call(self, ask: Ask, *, is_repeated: bool = False, is_back: bool = False) -> tuple[Answer, bool, float]:
        """Its answer, whether it knew this replica, and how long all have to come back. Raises one of `AWAY`."""
        self._seq += 1
        self.calls += 1
        if ask.meters:
            self._tag = _tag(ask.meters[0])
        registry = f"sj:q:{self._tag if self._client.is_cluster else 'replicas'}"
        rows = [self._row(ask, index, is_repeated=is_repeated) for index in range(len(ask.meters))]
        claims = [{"after": claim.after, "parts": list(claim.parts)} for claim in ask.claims]
        sent_mono = self._last_mono = self._mono()
        message = json.dumps({"meters": rows, "claims": claims, "back": is_back})
        reply = self._client.lease(LEASE, registry, self._id, self._seq, message)
        now_unix = reply[0] + reply[1] / 1e6
        self._offset_s = now_unix - sent_mono
        # A store that was away has not seen all others yet.
        self._seen = reply[2] if reply[3] and self._outage is None else max(self._seen, reply[2])
        grants = [
            Grant(tokens, left, slot, ends, refused, retry_s, bool(is_shared))
            for tokens, left, slot, ends, refused, retry_s, is_shared in _rows(reply[5:])
        ]
        return Answer(now_unix, self.replicas, grants), bool(reply[3]), reply[4] / 1000

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

    def _learn(self, ask: Ask, answer: Answer) -> None:
        """What others have told the store already."""
        for meter, grant in zip(ask.meters, answer.grants, strict=True):
            record = self._records.get(meter.key)
            if record is None or record.slot != grant.slot or meter.algorithm != FIXED or grant.left == UNLIMITED:
                continue
            record.consumed = max(record.consumed, meter.limit - grant.left)
            if self._outage is not None:
                self._outage.cap(meter, grant.slot, grant.left, answer.now_unix)

    def _live(self) -> list[_Record]:
        """What this replica took in slots that have not ended."""
        now_unix = self._mono() + self._offset_s
        return [record for record in self._records.values() if record.own and record.ends_unix > now_unix]

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
