"""Tokens that were granted in advance, and how they are spent (`decisions.md` 9.3, 9.4).

Owns what one holder (a worker, or the host's service for its workers) has of each counter, what to ask the authority for, and which
refusals need no asking. Who the authority is and how it is reached is the caller's: `shortfall` says what to ask, `credit` takes the
answer, `settle` decides. Standard library only, as the supervisor runs it too. `now_unix` is the authority's clock throughout.

Invariants: nothing is spent that was not granted in the same slot; a claim is spent whole or not at all; claims are settled in the order
in which they came.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from scrubjay.runtime.quota_sharing.ledger import BUCKET, FIXED, GRACE_S, UNLIMITED, Answer, Ask, Claim, Grant, Meter

IDLE_S: Final = 5.0
"""Tokens unused for so long go back."""
_MEMORY_S: Final = 5.0
"""How far back recent use reaches, as a moving average."""
_AHEAD_S: Final = 2.0
"""For how long a block should last. At least 1 s is the promise to the store, and use is never even."""
_RECHECK_S: Final = 10.0
"""How long a refusal is believed while others may give back what they do not use. Nothing is asked meanwhile."""
_YOUNG_S: Final = 0.1
"""Use is not extrapolated from less."""
_RETURNED: Final = 500
"""Counters in one call that gives back: there may be a hundred thousand, and whoever counts serves others too."""

Need = tuple[Sequence[tuple[Meter, int]], int]
"""Meters with amounts, and the position of the need that it depends on, or -1."""
Refusals = list[tuple[int, int]]
"""Positions of the meters that refuse, and the seconds until they may be asked again."""


class Pot:
    """What is held of one counter, and what is known of it."""

    __slots__ = (
        "denied_from",
        "denied_until_unix",
        "ends_unix",
        "is_overflow",
        "left",
        "meter",
        "recent_s",
        "recent_used",
        "seen_unix",
        "slot",
        "spent",
        "tokens",
        "used_unix",
    )

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.tokens = 0
        self.slot = -1
        self.ends_unix = 0.0
        self.left = UNLIMITED
        """Room at the authority when it last answered."""
        self.denied_from = 0
        """Needs of this size and above are refused without asking, until `denied_until_unix`."""
        self.denied_until_unix = 0.0
        self.is_overflow = False
        self.used_unix = 0.0
        self.seen_unix = -1.0
        self.spent = 0
        self.recent_used = 0.0
        self.recent_s = 0.0

    def denies(self, amount: int, now_unix: float) -> bool:
        return 0 < self.denied_from <= max(amount, 1) - self.tokens and now_unix < self.denied_until_unix

    def retry_s(self, now_unix: float) -> int:
        if self.meter.algorithm == FIXED:
            return max(1, int(self.ends_unix) - int(now_unix))
        return max(1, math.ceil(self.denied_until_unix - now_unix))

    def missing(self, amount: int, reserved: int) -> int:
        """What must be asked for. What is larger than its bucket is granted by a full one alone, so that nothing helps it along."""
        free = max(0, self.tokens - reserved)
        if self.meter.algorithm == BUCKET and amount > max(self.meter.burst, free):
            return amount
        return max(0, amount - free)

    def wanted(self, now_unix: float) -> int:
        """What is used up in the time that a block should last, by recent use."""
        if self.seen_unix >= 0:
            passed_s = max(0.0, now_unix - self.seen_unix)
            kept = math.exp(-passed_s / _MEMORY_S)
            self.recent_used = self.recent_used * kept + self.spent
            self.recent_s = self.recent_s * kept + passed_s
        self.seen_unix, self.spent = now_unix, 0
        return math.ceil(_AHEAD_S * self.recent_used / max(self.recent_s, _YOUNG_S))

    def take_in(self, grant: Grant, sent_unix: float, *, is_alone: bool) -> None:
        """`is_alone`: nobody else holds tokens of the same authority."""
        same = grant.slot == self.slot and self.ends_unix > sent_unix
        self.tokens = grant.tokens + (self.tokens if same else 0)
        self.slot, self.ends_unix, self.left = grant.slot, grant.ends_unix, grant.left
        if self.meter.algorithm == FIXED and grant.left != UNLIMITED:
            # Consumption grows in a slot, so what is too much stays too much, unless another holder gives something back.
            self.denied_from = grant.left + 1
            self.denied_until_unix = grant.ends_unix if is_alone else min(grant.ends_unix, sent_unix + _RECHECK_S)
        elif grant.refused:
            self.denied_from, self.denied_until_unix = grant.refused, sent_unix + grant.retry_s
        else:
            self.denied_from = 0


def _terms(meter: Meter) -> tuple[object, ...]:
    """What tokens were granted under: they are worth nothing where a limit has another window, or is one only now."""
    return meter.window_s, meter.shift_s, meter.algorithm, meter.limit == UNLIMITED


class Pots:
    """All pots of one holder. `ahead` False: nothing is taken in advance, each use asks (`quotas.mode: sync`)."""

    def __init__(self, *, ahead: bool = True, max_pots: int = 100_000) -> None:
        self._pots: dict[str, Pot] = {}
        self._filled: dict[str, Pot] = {}
        """Those that hold tokens, and some that have used them up; so that nothing walks through all pots each second."""
        self._ahead = ahead
        self._max_pots = max_pots

    def pot(self, meter: Meter, now_unix: float) -> Pot:
        """That of `meter`, or the shared one where its group is one too many. Tokens of an ended slot are gone."""
        pot = self._pots.get(meter.key)
        if pot is None:
            if len(self._pots) >= self._max_pots:
                self._forget(now_unix)
            pot = self._pots[meter.key] = Pot(meter)
        elif pot.meter is not meter:
            if pot.meter != meter:
                pot.denied_from = 0
                if _terms(pot.meter) != _terms(meter):
                    pot.ends_unix = 0.0
            pot.meter = meter
        if pot.is_overflow and now_unix < pot.ends_unix:
            return self.pot(meter.shared(), now_unix)
        if pot.ends_unix <= now_unix:
            pot.tokens = pot.denied_from = 0
            pot.is_overflow = False
        return pot

    def shortfall(self, needs: Sequence[Need], now_unix: float, *, probes: bool = True) -> Ask | None:
        """What to ask the authority for so that `needs` can be settled; None if nothing.

        `probes` False: a need of 0 that was asked about and not refused has its answer.
        """
        reserved: dict[str, int] = {}
        positions: dict[str, int] = {}
        pots: list[Pot] = []
        claims: list[Claim] = []
        asked: dict[int, int] = {}
        failed: set[int] = set()
        for number, (parts, after) in enumerate(needs):
            if after in failed:
                failed.add(number)
                continue
            held = [(self.pot(meter, now_unix), amount) for meter, amount in parts]
            if any(pot.denies(amount + reserved.get(pot.meter.key, 0), now_unix) for pot, amount in held):
                failed.add(number)
                continue
            short: list[tuple[int, int]] = []
            for pot, amount in held:
                key = pot.meter.key
                missing = pot.missing(amount, reserved.get(key, 0))
                reserved[key] = reserved.get(key, 0) + amount - missing
                if missing or (probes and not amount and pot.tokens <= reserved[key]):
                    if key not in positions:
                        positions[key] = len(pots)
                        pots.append(pot)
                    short.append((positions[key], missing))
            if short:
                asked[number] = len(claims)
                claims.append(Claim(short, asked.get(after, -1)))
        if not claims:
            return None
        wants = [pot.wanted(now_unix) if self._ahead else 0 for pot in pots]
        return Ask([pot.meter for pot in pots], claims, wants)

    def credit(self, ask: Ask, answer: Answer, sent_unix: float) -> None:
        """Takes in what was granted. `sent_unix`: when it was asked for, which makes blocks end a little early rather than late."""
        is_alone = answer.holders <= 1
        for meter, grant in zip(ask.meters, answer.grants, strict=True):
            pot = self.pot(meter, sent_unix)
            if grant.is_shared:
                pot.is_overflow, pot.slot, pot.ends_unix = True, grant.slot, grant.ends_unix
                pot = self.pot(meter.shared(), sent_unix)
            pot.take_in(grant, sent_unix, is_alone=is_alone)
            if pot.tokens:
                self._filled[pot.meter.key] = pot

    def settle(self, needs: Sequence[Need], now_unix: float) -> list[Refusals]:
        """Spends what is held, refuses what is known to be too much. What is neither goes through: ask for the shortfall before."""
        failed: set[int] = set()
        results: list[Refusals] = []
        for number, (parts, after) in enumerate(needs):
            if after in failed:
                failed.add(number)
                results.append([])
                continue
            pots = [(self.pot(meter, now_unix), amount) for meter, amount in parts]
            refusals = [
                (position, pot.retry_s(now_unix))
                for position, (pot, amount) in enumerate(pots)
                if pot.tokens < max(amount, 1) and pot.denies(amount, now_unix)
            ]
            if refusals:
                failed.add(number)
            else:
                for pot, amount in pots:
                    if amount:
                        pot.tokens = max(0, pot.tokens - amount)
                        pot.spent += amount
                        pot.used_unix = now_unix
            results.append(refusals)
        return results

    def advance(self, meter: Meter, want: int, holders: int, now_unix: float) -> int:
        """Hands out up to `want` of what is held beyond what is needed, to one of `holders` below."""
        pot = self.pot(meter, now_unix)
        tokens = min(want, pot.tokens // max(1, holders))
        pot.tokens -= tokens
        pot.spent += tokens
        return tokens

    # Giving back

    def put_back(self, meter: Meter, slot: int, tokens: int, now_unix: float) -> None:
        """Takes what a holder below did not use, if its slot has not ended."""
        pot = self.pot(meter, now_unix)
        if pot.slot == slot and pot.ends_unix > now_unix:
            pot.tokens += tokens
            self._filled[pot.meter.key] = pot

    def unused(self, now_unix: float, *, idle_s: float = IDLE_S) -> Ask | None:
        """What goes back because nobody used it for so long, as much as goes in one call. It is no longer held."""
        pots: list[Pot] = []
        gone: list[str] = []
        for key, pot in self._filled.items():
            if not pot.tokens or pot.ends_unix <= now_unix:
                gone.append(key)
            elif pot.used_unix + idle_s <= now_unix:
                gone.append(key)
                pots.append(pot)
                if len(pots) == _RETURNED:
                    break
        for key in gone:
            del self._filled[key]
        if not pots:
            return None
        returns = [(pot.slot, pot.tokens) for pot in pots]
        for pot in pots:
            pot.tokens = pot.denied_from = 0
        return Ask([pot.meter for pot in pots], (), [0] * len(pots), returns)

    def holds(self) -> bool:
        return any(pot.tokens for pot in self._filled.values())

    def known(self, meter: Meter, now_unix: float) -> tuple[int, int, float] | None:
        """Room at the authority when it last answered in this slot (-1: no limit), what is held, the slot's end; None: not asked."""
        pot = self.pot(meter, now_unix)
        return (pot.left, pot.tokens, pot.ends_unix) if pot.ends_unix > now_unix else None

    def known_apart(self, key: str, now_unix: float) -> tuple[int, int, float] | None:
        """As `known`, by a meter's key, and None for a group that is one too many: of it alone nobody knows anything. Changes nothing."""
        pot = self._pots.get(key)
        if pot is None or pot.is_overflow or pot.ends_unix <= now_unix:
            return None
        return pot.left, pot.tokens, pot.ends_unix

    def _forget(self, now_unix: float) -> None:
        kept = {key: pot for key, pot in self._pots.items() if pot.ends_unix + GRACE_S > now_unix}
        if len(kept) >= self._max_pots:
            oldest = sorted(kept, key=lambda key: kept[key].used_unix)
            for key in oldest[: len(oldest) // 2]:
                del kept[key]
        self._pots = kept

    def __len__(self) -> int:
        return len(self._pots)
