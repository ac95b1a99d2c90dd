"""Large bodies wait for each other; small ones cost nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import pytest

from scrubjay import reasons
from scrubjay.errors import Unavailable
from scrubjay.runtime.endpoints.bodies import FREE_BYTES, Bodies, Share

UNIT = FREE_BYTES + 1


def begin(work: Coroutine[None, None, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(work, name="waits")


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_small_bodies_are_not_counted() -> None:
    bodies = Bodies(0, lambda size_bytes: False)
    share = Share(bodies)
    await share.grow(FREE_BYTES, 0)
    share.give_back()
    assert bodies.in_flight_bytes == 0


async def test_what_does_not_fit_waits_in_order() -> None:
    bodies, order = Bodies(3 * UNIT), list[int]()
    shares = [Share(bodies) for _ in range(5)]

    async def come(number: int, units: int) -> None:
        await shares[number].grow(units * UNIT, 5)
        order.append(number)

    async with asyncio.TaskGroup() as group:
        for number, units in enumerate([2, 1, 2, 1, 1]):
            group.create_task(come(number, units))
        await turn()
        assert order == [0, 1]
        assert repr(bodies) == f"<Bodies {3 * UNIT} of {3 * UNIT} bytes, 3 wait>"
        shares[1].give_back()
        await turn()
        assert order == [0, 1], "the small ones behind do not overtake"
        shares[0].give_back()
        await turn()
        assert order == [0, 1, 2, 3]
        shares[3].give_back()
    assert bodies.in_flight_bytes == 3 * UNIT


async def test_one_is_let_in_however_large() -> None:
    bodies = Bodies(UNIT)
    share, next_one = Share(bodies), Share(bodies)
    await share.grow(100 * UNIT, 5)
    await share.grow(200 * UNIT, 5)
    await share.grow(150 * UNIT, 5)
    assert share.size_bytes == bodies.in_flight_bytes == 200 * UNIT
    waiting = begin(next_one.grow(UNIT, 5))
    await turn()
    assert not waiting.done()
    share.give_back()
    await waiting


async def test_who_has_a_part_goes_first() -> None:
    bodies = Bodies(4 * UNIT)
    holder, other, last = (Share(bodies) for _ in range(3))
    await holder.grow(UNIT, 5)
    await other.grow(2 * UNIT, 5)
    waits = [begin(last.grow(4 * UNIT, 5))]
    await turn()
    await holder.grow(2 * UNIT, 5)
    waits.append(begin(holder.grow(3 * UNIT, 5)))
    await turn()
    assert not waits[1].done()
    other.give_back()
    await waits[1]
    assert not waits[0].done()
    holder.give_back()
    await waits[0]


async def test_who_waited_too_long_gives_back_and_lets_others_in() -> None:
    bodies = Bodies(3 * UNIT)
    first, second, small = (Share(bodies) for _ in range(3))
    await first.grow(2 * UNIT, 5)
    too_long = begin(second.grow(2 * UNIT, 0.01))
    await turn()
    behind = begin(small.grow(UNIT, 5))
    with pytest.raises(Unavailable) as caught:
        await too_long
    assert (caught.value.reason, caught.value.status) == (reasons.BODIES_FULL, 503)
    assert caught.value.retry_after_s
    await behind
    second.give_back()
    assert bodies.in_flight_bytes == 3 * UNIT


async def test_two_that_wait_for_each_other_do_not_wait_for_ever() -> None:
    bodies = Bodies(2 * UNIT)
    shares = [Share(bodies), Share(bodies)]
    for share in shares:
        await share.grow(UNIT, 5)

    async def more(share: Share) -> None:
        try:
            await share.grow(2 * UNIT, 0.01)
        finally:
            share.give_back()

    done = await asyncio.gather(*map(more, shares), return_exceptions=True)
    assert any(isinstance(each, Unavailable) for each in done)
    assert bodies.in_flight_bytes == 0


async def test_what_memory_cannot_hold_is_not_begun() -> None:
    left_bytes = 13 * UNIT
    bodies = Bodies(100 * UNIT, lambda size_bytes: size_bytes <= left_bytes)
    first, second = Share(bodies), Share(bodies)
    await first.grow(2 * UNIT, 5)
    with pytest.raises(Unavailable, match="no room"):
        await second.grow(UNIT, 0)
    waiting = begin(second.grow(UNIT, 5))
    await turn()
    assert not waiting.done()
    left_bytes = 18 * UNIT
    bodies.let_in()
    await waiting


async def test_who_was_cancelled_leaves_the_queue() -> None:
    bodies = Bodies(UNIT)
    first, gone, next_one = (Share(bodies) for _ in range(3))
    await first.grow(UNIT, 5)
    waits = [begin(gone.grow(UNIT, 5)), begin(next_one.grow(UNIT, 5))]
    await turn()
    waits[0].cancel()
    first.give_back()
    await waits[1]
    assert (gone.size_bytes, next_one.size_bytes) == (0, UNIT)
