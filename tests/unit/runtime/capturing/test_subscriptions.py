"""Who is told what: in order, bounded, and safe to leave at any moment."""

import asyncio

import pytest

from scrubjay.core.capture.store import CaptureStore
from scrubjay.core.envelope import Envelope, Item
from scrubjay.core.ledger import Account
from scrubjay.runtime.capturing.subscriptions import (
    MAX_WAITING,
    MAX_WAITING_BYTES,
    Arrived,
    Audience,
    Changed,
    Cleared,
    Evicted,
)


async def _next(subscription):
    return await anext(subscription)


async def test_the_backlog_comes_first():
    audience = Audience()
    subscription = audience.subscribe(["one", "two"])
    audience.tell(Cleared(None))
    told = [await anext(subscription) for _ in range(3)]
    assert told == [Arrived("one"), Arrived("two"), Cleared(None)]
    assert repr(subscription) == "<Subscription 0 + 0 waiting>"


async def test_waiting_can_be_given_up_without_losing_anything():
    audience = Audience()
    subscription = audience.subscribe([])
    waiting = asyncio.get_running_loop().create_task(_next(subscription), name="test")
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    audience.tell(Evicted(1))
    assert await anext(subscription) == Evicted(1)


async def test_whoever_reads_too_slowly_loses_the_subscription():
    audience = Audience()
    subscription = audience.subscribe([])
    for _ in range(MAX_WAITING):
        audience.tell(Evicted(1))
    assert not subscription.ended.is_set()
    audience.tell(Evicted(1))
    subscription.tell(Evicted(1))
    assert (subscription.overrun, subscription.ended.is_set(), len(audience)) == (True, True, 0)
    with pytest.raises(StopAsyncIteration):
        await anext(subscription)
    assert repr(subscription) == "<Subscription 0 + 0 waiting, ended>"


async def test_an_end_wakes_whoever_waits():
    audience = Audience()
    subscription, event = audience.subscribe([]), audience.join()
    waiting = asyncio.get_running_loop().create_task(_next(subscription), name="test")
    await asyncio.sleep(0)
    assert repr(audience) == "<Audience 1 subscriptions, 1 waiting>"
    audience.close()
    with pytest.raises(StopAsyncIteration):
        await waiting
    assert event.is_set()
    audience.leave(event)
    assert len(audience) == 0
    assert audience.subscribe(["x"]).ended.is_set()
    assert audience.join().is_set()


async def test_events_are_set_by_whatever_happens():
    audience = Audience()
    event = audience.join()
    audience.tell(Cleared(None))
    assert event.is_set()


async def test_what_waits_for_a_slow_reader_is_bounded_in_bytes():
    """It stays in memory when the store has long let go of it."""
    audience = Audience()
    subscription = audience.subscribe([])
    captured = CaptureStore().offer(
        Envelope({}, [Item({"type": "attachment"}, bytes(MAX_WAITING_BYTES // 4))]),
        Account("k", 1, "r", None, 1.0),
        now_unix=1.0,
    )
    for _ in range(3):
        audience.tell(Arrived(captured))
    assert await anext(subscription) == Arrived(captured)
    audience.tell(Arrived(captured))
    assert not subscription.ended.is_set()
    audience.tell(Changed(captured))
    assert subscription.overrun
    alone = audience.subscribe([])
    captured.size_bytes = MAX_WAITING_BYTES * 2
    audience.tell(Arrived(captured))
    assert await anext(alone) == Arrived(captured)
