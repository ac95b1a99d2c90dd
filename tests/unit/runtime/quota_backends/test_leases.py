"""Leases: many holders of one limit (`decisions.md` 9.3, 9.4)."""

import asyncio
from collections import Counter as Tally

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrubjay.core.quotas import Charge
from scrubjay.runtime.quota_backends.leases import LeasingBackend
from scrubjay.runtime.quota_sharing.ledger import Answer, Ask, QuotaLedger
from support.counting import Clock, LedgerLine, T, charge, grouped, quota

START = T - T % 60
"""A window of a minute begins."""


class Alone:
    """Workers of one ledger."""

    def __init__(self, workers: int = 1, *, ahead: bool = True, offset_s: float = 0.0) -> None:
        self.clock = Clock(START)
        self.ledger = QuotaLedger()
        self.heard: list[str] = []
        self.lines = [LedgerLine(self._lease) for _ in range(workers)]
        self.workers = [
            LeasingBackend(
                line, ahead=ahead, mono=lambda: self.clock() + offset_s, now_unix=self.clock, observe=self.heard.append
            )
            for line in self.lines
        ]

    def _lease(self, ask: Ask) -> Answer:
        return self.ledger.lease(ask, self.clock(), len(self.lines))

    def used(self, name: str = "q") -> int:
        return sum(cell.used for (key, _), cell in self.ledger._cells.items() if f":{name}:" in key)

    async def close(self) -> None:
        for worker in self.workers:
            await worker.close()


async def warm(alone: Alone, single: Charge, *, worker: int = 0) -> None:
    """A second of ten uses, after which the worker holds a block."""
    for tenth in range(10):
        alone.clock.set(START + tenth / 10)
        assert await alone.workers[worker].consume([single], T) == [()]


async def test_what_waits_in_one_tick_goes_in_one_round_trip() -> None:
    alone = Alone()
    [worker] = alone.workers
    many = [worker.consume([charge(quota(40)), charge(quota(100, "other"))], T) for _ in range(50)]
    answers = await asyncio.gather(*many)
    assert len(alone.lines[0].asked) == 1
    assert sum(not first for first, _ in answers) == 40
    assert all(not second for _, second in answers)
    await alone.close()


async def test_who_came_first_is_served_first() -> None:
    alone = Alone()
    [worker] = alone.workers
    loop = asyncio.get_running_loop()
    waiting = [loop.create_task(worker.consume([charge(quota(3), amount=2)], T))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert alone.lines[0].asked
    waiting.append(loop.create_task(worker.consume([charge(quota(3), amount=1)], T)))
    waiting.append(loop.create_task(worker.consume([charge(quota(3), amount=1)], T)))
    assert [await task == [()] for task in waiting] == [True, True, False]
    await alone.close()


async def test_tokens_that_are_held_are_spent_without_waiting() -> None:
    alone = Alone()
    await warm(alone, charge(quota(1000)))
    spending = alone.workers[0].consume([charge(quota(1000))], T)
    with pytest.raises(StopIteration):
        spending.send(None)
    await alone.close()


async def test_nothing_is_held_where_each_charge_is_to_ask() -> None:
    alone = Alone(ahead=False)
    await warm(alone, charge(quota(1000)))
    assert len(alone.lines[0].asked) == 10
    assert alone.used() == 10
    await alone.close()


async def test_a_refusal_is_remembered_to_the_end_of_the_slot() -> None:
    alone = Alone()
    [worker] = alone.workers
    five = quota(5)
    assert await worker.consume([charge(five, amount=4)], T) == [()]
    [refused] = await worker.consume([charge(five, amount=2)], T)
    assert refused[0].left_s == 60
    asked = len(alone.lines[0].asked)
    alone.clock.set(START + 59)
    [refused] = await worker.consume([charge(five, amount=2)], T)
    assert refused[0].left_s == 1
    assert len(alone.lines[0].asked) == asked
    assert await worker.consume([charge(five)], T) == [()], "one still fits, and is asked for"
    alone.clock.set(START + 60)
    assert await worker.consume([charge(five, amount=2)], T) == [()]
    await alone.close()


async def test_tokens_of_a_slot_end_with_it() -> None:
    alone = Alone(2)
    single = charge(quota(1000))
    await warm(alone, single)
    asked = len(alone.lines[0].asked)
    alone.clock.set(START + 60)
    assert await alone.workers[0].consume([single], T) == [()]
    assert len(alone.lines[0].asked) == asked + 1
    assert sum(usage.consumed or 0 for usage in alone.workers[0].usage()) <= 1 + 2 * 20
    await alone.close()


async def test_idle_tokens_go_back_and_are_anothers() -> None:
    alone = Alone(2)
    twenty = quota(100)
    await warm(alone, charge(twenty))
    assert alone.used() > 10
    alone.clock.set(START + 0.9 + 4.9)
    alone.workers[0]._tend()
    assert alone.workers[0]._asking is None, "not idle for long enough"
    alone.clock.set(START + 0.9 + 5)
    alone.workers[0]._tend()
    assert alone.workers[0]._asking is not None
    await alone.workers[0]._asking
    assert alone.used() == 10
    assert "returned" in alone.heard
    assert await alone.workers[1].consume([charge(twenty, amount=90)], T) == [()]
    await alone.close()


async def test_tokens_go_back_at_the_end_decisions_120() -> None:
    alone = Alone(2)
    await warm(alone, charge(quota(100)))
    await alone.workers[0].close()
    assert alone.used() == 10
    await alone.workers[1].close()


async def test_tokens_of_a_worker_that_died_are_lost_decisions_120() -> None:
    """Less than the limit then, never more."""
    alone = Alone(2)
    hundred = quota(100)
    await warm(alone, charge(hundred))
    held = alone.used() - 10
    assert held > 0
    alone.clock.set(START + 2)
    granted = sum([await alone.workers[1].consume([charge(hundred)], T) == [()] for _ in range(200)])
    assert granted == 90 - held
    await alone.close()


async def test_a_refusal_is_doubted_after_a_while_where_others_may_give_back() -> None:
    alone = Alone(2)
    hundred = quota(100)
    await warm(alone, charge(hundred))
    other = alone.workers[1]
    alone.clock.set(START + 2)
    while await other.consume([charge(hundred)], T) == [()]:
        pass
    alone.clock.set(START + 8)
    await alone.workers[0].close()
    assert await other.consume([charge(hundred)], T) != [()]
    alone.clock.set(START + 12)
    assert await other.consume([charge(hundred)], T) == [()]
    await other.close()


async def test_the_slot_is_the_authoritys_whatever_the_own_clock_says() -> None:
    alone = Alone(offset_s=-3600)
    [worker] = alone.workers
    one = charge(quota(1))
    alone.clock.set(START + 58)
    assert await worker.consume([one], T - 3600) == [()]
    [refused] = await worker.consume([one], T - 3600)
    assert refused[0].left_s == 2
    alone.clock.set(START + 60)
    assert await worker.consume([one], T - 3600) == [()]
    await worker.close()


async def test_an_authority_that_fails_lets_through_and_is_heard_of() -> None:
    heard: list[str] = []
    clock = Clock(START)

    def fail(ask: Ask) -> Answer:
        raise OSError("gone")

    worker = LeasingBackend(LedgerLine(fail), mono=clock, now_unix=clock, observe=heard.append)
    assert await worker.consume([charge(quota(1), amount=5)], T) == [()]
    assert heard == ["away"]
    assert worker.problem == "the quota authority cannot be asked: gone"
    await worker.close()


async def test_whether_it_is_well_again_is_asked_without_traffic() -> None:
    ledger, clock = QuotaLedger(), Clock(START)
    problems = ["away", ""]
    line = LedgerLine(lambda ask: ledger.lease(ask, clock())._replace(problem=problems.pop(0)))
    worker = LeasingBackend(line, mono=clock, now_unix=clock)
    assert await worker.consume([charge(quota(5))], T) == [()]
    assert worker.problem == "away"
    worker._tend()
    assert worker._asking is not None
    await worker._asking
    assert worker.problem == ""
    await worker.close()


async def test_who_gave_up_waiting_holds_up_nobody() -> None:
    alone = Alone()
    [worker] = alone.workers
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(worker.consume([charge(quota(5))], T)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    assert [await tasks[0], await tasks[2]] == [[()], [()]]
    await alone.close()


async def test_a_slot_that_ends_on_the_way_is_asked_about_again() -> None:
    """The first answer's tokens are of the slot before, and worth nothing."""
    alone = Alone()
    [worker] = alone.workers
    lease = alone._lease

    def slow(ask: Ask) -> Answer:
        answer = lease(ask)
        alone.clock.set(START + 60)
        return answer

    alone.lines[0]._lease = slow
    alone.clock.set(START + 59.9)
    assert await worker.consume([charge(quota(1))], T) == [()]
    assert len(alone.lines[0].asked) == 2
    assert await worker.consume([charge(quota(1))], T) != [()]
    await alone.close()


async def test_who_comes_while_something_is_given_back_is_served_after_it() -> None:
    alone = Alone()
    single = charge(quota(1000))
    await warm(alone, single)
    alone.clock.set(START + 10)
    [worker] = alone.workers
    worker._tend()
    assert worker._asking is not None
    assert await worker.consume([single], T) == [()]
    assert [bool(ask.returns) for ask in alone.lines[0].asked[-2:]] == [True, False]
    await alone.close()


async def test_what_is_under_way_at_the_end_is_answered() -> None:
    alone = Alone()
    [worker] = alone.workers
    task = asyncio.get_running_loop().create_task(worker.consume([charge(quota(5))], T))
    await asyncio.sleep(0)
    await worker.close()
    assert await task == [()]
    assert alone.used() == 1


async def test_nobody_waits_for_ever_for_a_task_that_was_ended() -> None:
    alone = Alone()
    [worker] = alone.workers
    tasks = [asyncio.get_running_loop().create_task(worker.consume([charge(quota(5))], T)) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert worker._asking is not None
    worker._asking.cancel()
    for task in tasks:
        with pytest.raises(RuntimeError, match="no longer counted"):
            await task
    assert repr(worker) == "<LeasingBackend 1 counters, 0 waiting>"


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.01, 0.3, 1.0, 5.5, 30.0]),
        st.integers(0, 2),
        st.sampled_from([0, 1, 1, 1, 2, 7, 30]),
        st.sampled_from(["use", "use", "use", "use", "use", "tend", "die"]),
    ),
    max_size=60,
)


@given(STEPS, st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_never_more_than_the_limit(steps: list[tuple[float, int, int, str]], first: int, second: int) -> None:
    """Two quotas together, three workers that use, idle and die: per slot no more is granted than either allows."""

    async def run() -> None:
        alone = Alone(3)
        both = quota(first, "a", 10), quota(second, "b", 10)
        granted: Tally[int] = Tally()
        for wait_s, number, amount, what in steps:
            alone.clock.set(alone.clock() + wait_s)
            worker = alone.workers[number]
            if what == "use":
                if await worker.consume([charge(*both, amount=amount)], T) == [()]:
                    granted[int(alone.clock()) // 10] += amount
            elif what == "tend":
                worker._tend()
                if worker._asking is not None:
                    await worker._asking
            else:
                worker._pots._pots.clear()
            assert all(cell.used >= 0 for cell in alone.ledger._cells.values())
        assert all(amount <= min(first, second) for amount in granted.values())
        await alone.close()

    asyncio.run(run())


async def test_a_flood_of_groups_goes_back_in_pieces_and_is_shown_once() -> None:
    alone = Alone()
    [worker] = alone.workers
    single = grouped(100, 600, shares=True)
    for tenth in range(3):
        alone.clock.set(START + tenth / 10)
        await asyncio.gather(*(worker.consume([charge(single, group=f"v{n}")], T) for n in range(700)))
    assert len(worker.usage()) == 600, "what is beyond the cardinality has no count of its own"
    alone.lines[0].asked.clear()
    await worker.close()
    returned = [ask for ask in alone.lines[0].asked if ask.returns]
    assert [len(ask.meters) for ask in returned] == [500, 100]
    assert alone.used() == 3 * 600 + 100, "the other hundred shared one limit"
