"""Background tasks do not fail in silence."""

import asyncio

from scrubjay.runtime.tasks import Tasks
from support.forwarding import until


async def test_a_failure_is_heard_of():
    heard = []
    tasks = Tasks(lambda name, error: heard.append((name, str(error))))

    async def fail():
        raise RuntimeError("bug")

    tasks.start("the-task", fail())
    await until(lambda: heard)
    assert heard == [("the-task", "bug")]
    assert repr(tasks) == "<Tasks []>"


async def test_stop_waits_for_the_end():
    tasks = Tasks(lambda name, error: None)
    ended = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    tasks.start("the-task", work())
    await asyncio.sleep(0)
    assert repr(tasks) == "<Tasks ['the-task']>"
    await tasks.stop()
    assert ended == [True]


async def test_work_that_ends_by_itself_can_be_waited_for():
    tasks, ended = Tasks(lambda name, error: None), []

    async def work(wait_s):
        await asyncio.sleep(wait_s)
        ended.append(wait_s)

    await tasks.settle(1)
    tasks.start("short", work(0.01))
    await tasks.settle(5)
    assert ended == [0.01]
    tasks.start("long", work(60))
    await tasks.settle(0.01)
    await tasks.stop()
    assert ended == [0.01]
