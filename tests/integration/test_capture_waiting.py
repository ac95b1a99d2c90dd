"""Tests that wait for what was captured, through a real worker (`capture.md` 9.3, 9.4)."""

import asyncio
import time

import pytest
import pytest_asyncio

from scrubjay.core.capture.query import parse_query
from scrubjay.runtime.capturing.waiting import wait
from support.capturing import capturing

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def capture(tmp_path_factory):
    async with capturing(tmp_path_factory.mktemp("capture"), max_envelopes=20) as one:
        yield one


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_kept(capture):
    capture.sink.clear()


async def some_wait(sink, number=1):
    """Returns when so many look and have nothing more to do."""
    while len(sink._audience) < number:  # noqa: ASYNC110
        await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)


async def waiting(capture, then, **params):
    """The answer to `/wait`, when `then` happens meanwhile."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(capture.got("/wait", **params), name="waiting")
        await some_wait(capture.sink)
        await then()
    return task.result()


async def test_waiting_ends_when_enough_has_arrived(capture):
    await capture.event(message="mail 1")

    async def then():
        await capture.event(message="other")
        await capture.event(message="mail 2")
        await capture.event(message="mail 3")

    answer = await waiting(capture, then, count=3, timeout=30, message="mail", fields="title")
    assert answer["satisfied"] is True
    assert [one["title"] for one in answer["events"]] == ["mail 3", "mail 2", "mail 1"]
    assert (answer["matched"], answer["total"], answer["more"]) == (3, 4, False)
    assert "near_misses" not in answer


async def test_what_was_there_counts_unless_a_mark_excludes_it(capture):
    await capture.event(message="before")
    assert (await capture.got("/wait", timeout=0))["satisfied"] is True
    mark = (await capture.got("/marks", "POST"))["mark"]
    assert (await capture.got("/wait", timeout=0, since=mark))["satisfied"] is False


async def test_the_oldest_first_and_only_so_many(capture):
    for number in range(5):
        await capture.event(message=str(number))
    newest = await capture.got("/wait", count=5, limit=2, fields="title")
    oldest = await capture.got("/wait", count=5, limit=2, fields="title", order="asc")
    assert [one["title"] for one in newest["events"]] == ["4", "3"]
    assert [one["title"] for one in oldest["events"]] == ["0", "1"]
    assert newest["more"] is oldest["more"] is True


async def test_capture_10_when_the_time_is_over_the_answer_lists_near_misses(capture):
    await capture.event(message="charged", level="info")
    answer = await capture.got("/wait", timeout=0.02, level="fatal", message="charge")
    assert answer["satisfied"] is False
    assert answer["waited_ms"] >= 20
    (miss,) = answer["near_misses"]
    assert miss["event"]["title"] == "charged"
    assert miss["failed"] == [{"condition": "level=fatal", "actual": ["info"]}]


async def test_capture_10_settling_catches_what_comes_after(capture):
    async def then():
        await capture.event(message="one")
        await capture.event(message="two")

    answer = await waiting(capture, then, count=1, settle=500, timeout=30)
    assert answer["matched"] == 2
    assert answer["satisfied"] is True
    assert answer["waited_ms"] >= 500


async def test_capture_10_exactly_turns_an_excess_into_a_failure(capture):
    async def then():
        await capture.event(message="one")
        await capture.event(message="two")

    answer = await waiting(capture, then, count=1, exactly=1, settle=10_000, timeout=30)
    assert (answer["satisfied"], answer["matched"], answer["near_misses"]) == (False, 2, [])
    assert (await capture.got("/wait", count=2, exactly=1, settle=1))["satisfied"] is True
    assert (await capture.got("/wait", count=0, exactly=1, settle=1, message="none"))["satisfied"] is True


async def test_what_is_cleared_does_not_count_any_more(capture):
    await capture.event(message="one")

    async def then():
        await capture.ask("/events", "DELETE")
        await some_wait(capture.sink)
        await capture.event(message="two")
        await capture.event(message="three")

    answer = await waiting(capture, then, count=2, timeout=30, fields="title")
    assert [one["title"] for one in answer["events"]] == ["three", "two"]


async def test_what_is_evicted_meanwhile_was_there(capture):
    async def then():
        for number in range(30):
            await capture.event(message=str(number))

    answer = await waiting(capture, then, count=30, timeout=30)
    assert answer["satisfied"] is True


async def test_suspects_are_known_before_anybody_says_there_are_none(capture):
    await capture.event(message="see", extra={"note": "password is hunter2hunter2"})
    known = await capture.got("/wait", timeout=0, has="!suspects")
    assert known["matched"] == sum(not one.record.suspects for one in capture.sink.store.found())


async def test_capture_10_waiting_wakes_within_five_milliseconds_of_arrival(capture):
    taken_ms = []
    for number in range(30):
        query = parse_query([("message", f"number {number}")], now_unix=time.time())
        task = asyncio.get_running_loop().create_task(wait(capture.sink, query), name="waiting")
        await some_wait(capture.sink)
        async with capture.sink.arrivals() as arrived:
            await capture.event(message=f"number {number}")
            assert arrived.is_set()
        began = time.perf_counter()
        assert (await task)["satisfied"] is True
        taken_ms.append((time.perf_counter() - began) * 1000)
    assert sorted(taken_ms)[len(taken_ms) // 4] < 5, "the others are the machine's"


async def test_capture_10_two_hundred_wait_at_once(capture):
    async with asyncio.TaskGroup() as tasks:
        made = [
            tasks.create_task(capture.got("/wait", message=f"for {number} ", timeout=30), name="waiting")
            for number in range(200)
        ]
        await some_wait(capture.sink, 200)
        for number in range(0, 200, 10):
            await capture.event(message="".join(f"for {number + one} " for one in range(10)) + ".")
    assert all(task.result()["matched"] == 1 for task in made)


async def test_all_are_let_go_at_the_end(tmp_path):
    async with asyncio.TaskGroup() as tasks, capturing(tmp_path) as one:
        task = tasks.create_task(one.got("/wait", timeout=60), name="waiting")
        await some_wait(one.sink)
    assert task.result()["satisfied"] is False


# Expectations


async def test_capture_10_an_assertion_that_holds(capture):
    async def then():
        await capture.event(message="charged", user={"id": "7"})

    document = {
        "within_ms": 30_000,
        "expect": [
            {"name": "charged", "match": {"message": "charged"}, "count": 1, "each": {"path:/user/id": "7"}},
            {"name": "no mail", "match": {"type": "*"}, "absent": {"regex": r"[\w.]+@[\w.]+"}},
            {"name": "no suspects", "match": {"has": "suspects"}, "count": 0},
        ],
    }
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(capture.ask("/assert", "POST", document), name="asserting")
        await some_wait(capture.sink)
        await then()
    answer = task.result()
    assert answer.status == 200, answer.json["text"]
    assert answer.json["passed"] is True
    assert [one["matched"] for one in answer.json["expectations"]] == [1, 1, 0]


async def test_capture_10_an_assertion_that_fails_is_417_and_lists_near_misses(capture):
    await capture.event(message="charged", level="info")
    document = {"within_ms": 20, "expect": [{"match": {"level": "fatal"}}, {"match": {"level": "info"}}]}
    answer = await capture.ask("/assert", "POST", document)
    assert answer.status == 417
    first, second = answer.json["expectations"]
    assert first["near_misses"][0]["failed"] == [{"condition": "level=fatal", "actual": ["info"]}]
    assert second["passed"] is True
    assert "FAIL expectation 1" in answer.json["text"]
    assert answer.json["waited_ms"] >= 20


async def test_what_can_hold_no_more_is_said_at_once(capture):
    await capture.event(message="one")
    began = time.monotonic()
    answer = await capture.ask("/assert", "POST", {"within_ms": 60_000, "expect": [{"count": 0}]})
    assert answer.status == 417
    assert time.monotonic() - began < 10


async def test_after_a_clear_expectations_begin_anew(capture):
    await capture.event(message="bad", level="info")

    async def then():
        await capture.ask("/events", "DELETE")
        await some_wait(capture.sink)
        await capture.event(message="good")

    document = {"within_ms": 30_000, "expect": [{"match": {"message": "good"}, "count": 1}]}
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(capture.ask("/assert", "POST", document), name="asserting")
        await some_wait(capture.sink)
        await then()
    assert task.result().status == 200


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"nonsense", "the body is no JSON"),
        ({"expect": [{"mach": {}}]}, "did you mean 'match'"),
        ({"expect": []}, "expect: "),
    ],
)
async def test_an_assertion_that_nobody_can_mean_is_400(capture, body, problem):
    answer = await capture.ask("/assert", "POST", body)
    assert answer.status == 400
    assert problem in answer.json["error"]["message"]
