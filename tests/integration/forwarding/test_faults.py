"""A server that refuses, hangs, cuts, answers nonsense or slowly: what becomes of each envelope (upstream-and-operations 6.6, 6.7).

Whatever the fault, the account closes, memory is bounded while it lasts, and what arrives afterwards is not behind what had to wait.
"""

import time
from collections import Counter
from email.utils import formatdate

import pytest

from scrubjay.core.limits import Scoping
from scrubjay.runtime.forwarding.dispatcher import DispatchOptions
from support.forwarding import KEY, until
from support.mini_upstream import Answer
from support.sending_half import SendingHalf, names, numbers

WINDOW_BYTES = 20_000
MEMORY_BYTES = 30_000
WAITING = 120
"""Parcels of about 1 KB: several times what memory may hold."""
PADDING = b'{"padding":"%s"}' % (b"x" * 1000)
OUT_SOON = DispatchOptions(retry_delay_s=0.01, outage_grace_s=0.03, max_retry_interval_s=0.05)

NO_ANSWERS = {
    "refuses": None,
    "hangs": Answer(hangs=True),
    "resets-before-the-body": Answer(reset="before"),
    "resets-after-the-body": Answer(reset="after"),
    "closes-without-a-word": Answer(raw=b""),
    "speaks-ssh": Answer(raw=b"SSH-2.0-OpenSSH_9.6\r\n"),
    "answers-garbage": Answer(raw=bytes(range(256)) * 8),
    "answers-no-number": Answer(raw=b"HTTP/1.1 abc Fine\r\nContent-Length: 0\r\n\r\n"),
    "cuts-the-head": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Le"),
    "cuts-the-body": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}"),
    "breaks-the-chunks": Answer(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    "never-ends-the-head": Answer(raw=b"HTTP/1.1 200 OK\r\n" + b"X-Header: 1\r\n" * 20_000),
    "drips": Answer(raw=b"HTTP/1.1 200 OK\r\n" * 20, drip_s=0.02),
    "502": Answer(502),
    "503": Answer(503),
    "504": Answer(504),
}
"""After none of these does anybody know of an envelope that it was taken."""


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr("scrubjay.runtime.outbox.WINDOW_BYTES", WINDOW_BYTES)
    monkeypatch.setattr("scrubjay.runtime.forwarding.outage._FIRST_DELAY_S", 0.01)


def memory_bytes(half):
    return half.outbox._custody.memory_bytes + half.outbox._custody.backlog_bytes


@pytest.mark.parametrize("fault", NO_ANSWERS)
async def test_operations_67_no_answer_loses_nothing_and_fills_no_memory(server, tmp_path, fault):
    answer = NO_ANSWERS[fault]
    if answer is None:
        await server.stop()
    else:
        server.default = answer
    half = SendingHalf(
        server.url,
        tmp_path / "spool",
        dispatch=OUT_SOON,
        upstream={"timeout_s": 0.12 if answer is not None and (answer.hangs or answer.drip_s) else 5.0},
        max_memory_bytes=MEMORY_BYTES,
    )
    async with half:
        peak_bytes = 0
        for name in numbers(WAITING):
            await half.put(name, header=PADDING)
            peak_bytes = max(peak_bytes, memory_bytes(half))
        await until(lambda: half.is_out)
        await until(lambda: half.outbox._dispatcher.is_quiet)
        assert memory_bytes(half) < MEMORY_BYTES
        assert peak_bytes < MEMORY_BYTES + 2 * WINDOW_BYTES
        assert half.account().held == WAITING
        half.outbox.pause()
        server.default = Answer()
        if answer is None:
            await server.start()
        await until(lambda: not half.is_out)
        fresh = [f"fresh{number}" for number in range(10)]
        await half.put(*fresh, header=PADDING)
        half.outbox.resume()
        await half.settled()
        order = names(server.delivered)
        assert Counter(order) == Counter([*numbers(WAITING), *fresh])
        assert max(order.index(name) for name in fresh) < 50, "what is fresh does not wait behind the backlog"
        assert half.account().forwarded == WAITING + 10


@pytest.mark.parametrize("status", [408, 425, 500, 501, 505, 599])
async def test_operations_62_trouble_of_one_request_is_no_outage(server, tmp_path, status):
    """It comes again after a back-off, while others go on."""
    server.hook = lambda arrival: Answer(status) if b'"0"' in arrival.body and len(server.envelopes) < 3 else None
    async with SendingHalf(server.url, tmp_path / "spool") as half:
        await half.put(*numbers(20))
        await half.settled()
        assert Counter(names(server.delivered)) == Counter(numbers(20))
        assert half.account().forwarded == 20
        assert not server.probes


@pytest.mark.parametrize(("status", "tries"), [(500, 5), (501, 5), (505, 5), (599, 5)])
async def test_operations_62_trouble_without_end_is_given_up(server, folder, status, tries):
    server.hook = lambda arrival: Answer(status) if b'"bad"' in arrival.body else None
    async with SendingHalf(server.url, folder) as half:
        await half.put("bad", *numbers(20))
        await half.settled()
        assert names(server.envelopes).count("bad") == tries
        assert half.losses == ["upstream_error"]
        assert half.account().forwarded == 20


async def test_a_server_that_says_when_is_not_asked_before(server, tmp_path):
    server.tell(Answer(503, {"Retry-After": "1"}))
    async with SendingHalf(server.url, tmp_path / "spool") as half:
        await half.put("a")
        await half.settled()
        first, second = server.envelopes
        assert 0.95 < second.at_mono - first.at_mono < 30


@pytest.mark.parametrize(
    ("status", "loss"),
    [
        *((status, "upstream_rejected") for status in (301, 307, 400, 401, 403, 404, 405, 409, 410, 422, 451)),
        (413, "too_large"),
    ],
)
async def test_what_the_server_refuses_is_lost_once_and_counted(server, tmp_path, status, loss):
    server.tell(Answer(200))
    server.hook = lambda arrival: Answer(status, {"Location": "/elsewhere"}) if b'"bad"' in arrival.body else None
    async with SendingHalf(server.url, tmp_path / "spool") as half:
        await half.put("good")
        await half.settled()
        await half.put("bad", "bad", *numbers(10))
        await half.settled()
        assert names(server.envelopes).count("bad") == 2
        assert half.losses == [loss] * 2
        assert half.account().forwarded == 11
        assert half.denied == ([KEY] * 2 if status in (401, 403) else [])
        assert {arrival.path for arrival in server.arrivals} == {"/api/42/envelope/"}


LIMITS = {
    "seconds": ({"Retry-After": "7"}, 7),
    "a-fraction": ({"Retry-After": "6.2"}, 7),
    "a-date": ({"Retry-After": "the time in an hour"}, 3600),
    "header": ({"X-Sentry-Rate-Limits": "30:error:key:quota"}, 30),
    "header-for-all": ({"X-Sentry-Rate-Limits": "40::organization"}, 40),
    "both": ({"Retry-After": "5", "X-Sentry-Rate-Limits": "50:error:key"}, 50),
    "neither": ({}, 60),
    "nonsense": ({"Retry-After": "soon"}, 60),
}


@pytest.mark.parametrize("said", LIMITS)
async def test_operations_63_a_throttled_envelope_is_the_servers_to_count(server, tmp_path, said):
    """With headers and without: it is over for this one, and what the server asked for holds for those to come."""
    headers, seconds = LIMITS[said]
    if said == "a-date":
        headers = {"Retry-After": formatdate(time.time() + 3600, usegmt=True)}
    server.tell(Answer(429, headers))
    async with SendingHalf(server.url, tmp_path / "spool") as half:
        await half.put("a")
        await half.settled()
        assert len(server.envelopes) == 1
        assert half.account().forwarded == 0
        assert len(half.losses) == 1
        now_mono = time.monotonic()
        (limit,) = half.limits.active(Scoping(KEY), now_mono)
        assert seconds - 10 < limit.until_mono - now_mono <= seconds + 1


async def test_a_throttled_envelope_is_kept_if_the_operator_says_so(server, tmp_path):
    server.tell(Answer(429, {"Retry-After": "1"}))
    dispatch = DispatchOptions(retry_delay_s=0.02, keeps_limited=True)
    async with SendingHalf(
        server.url, tmp_path / "spool", upstream={"retries_throttled": True}, dispatch=dispatch
    ) as half:
        await half.put("a")
        await half.settled()
        assert names(server.delivered) == ["a"]
        assert half.losses == []
        first, second = server.envelopes
        assert second.at_mono - first.at_mono > 0.95


async def test_a_slow_server_is_waited_for_and_asked_by_few_at_once(server, tmp_path):
    server.default = Answer(delay_s=0.1)
    dispatch = DispatchOptions(retry_delay_s=0.02, max_concurrent_requests=8)
    async with SendingHalf(server.url, tmp_path / "spool", dispatch=dispatch, upstream={"timeout_s": 5.0}) as half:
        await half.put(*numbers(40))
        await half.settled()
        assert Counter(names(server.envelopes)) == Counter(numbers(40))
        assert server.most_in_flight == 8
        assert half.account().forwarded == 40


async def test_an_answer_that_comes_in_single_bytes_is_an_answer(server, tmp_path):
    server.default = Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", drip_s=0.002)
    async with SendingHalf(server.url, tmp_path / "spool", upstream={"timeout_s": 10.0}) as half:
        await half.put(*numbers(10))
        await half.settled()
        assert Counter(names(server.envelopes)) == Counter(numbers(10))
        assert half.account().forwarded == 10


async def test_while_it_hangs_requests_become_few(server, tmp_path):
    """A server that answers nobody is not asked by many at once for long."""
    server.default = Answer(hangs=True)
    dispatch = DispatchOptions(retry_delay_s=0.01, outage_grace_s=1e9, max_concurrent_requests=4)
    async with SendingHalf(server.url, tmp_path / "spool", dispatch=dispatch, upstream={"timeout_s": 0.1}) as half:
        await half.put(*numbers(20))
        await until(lambda: half.outbox._dispatcher._permits.allowed == 1)
        assert len(server.envelopes) <= 8
        assert half.account().held == 20
        server.default = Answer()
        await half.settled()
        assert Counter(names(server.delivered)) == Counter(numbers(20))
        assert half.outbox._dispatcher._permits.allowed > 1


async def test_operations_66_short_trouble_is_not_probed_long_trouble_is_until_any_answer(server, folder):
    dispatch = DispatchOptions(retry_delay_s=0.02, outage_grace_s=0.8, max_retry_interval_s=0.05)
    async with SendingHalf(server.url, folder, dispatch=dispatch) as half:
        server.default = Answer(502)
        await half.put("a")
        await server.until(lambda: len(server.envelopes) >= 4)
        assert not server.probes
        server.default = Answer()
        await half.settled()
        server.default = Answer(502)
        await half.put("b")
        await server.until(lambda: len(server.probes) >= 3)
        requests = len(server.envelopes)
        await server.until(lambda: len(server.probes) >= 6)
        assert len(server.envelopes) == requests, "only probes are sent in an outage"
        server.by_path["/live/"] = Answer(404)
        server.default = Answer()
        await half.settled()
        assert names(server.delivered) == ["a", "b"]


async def test_the_same_fault_again_and_again(server, tmp_path):
    """It comes, it goes, it comes again: each time everything is there."""
    async with SendingHalf(server.url, tmp_path / "spool", dispatch=OUT_SOON) as half:
        for turn, fault in enumerate((Answer(503), Answer(reset="after"), Answer(raw=b"?"))):
            server.default = fault
            await half.put(*numbers(20, start=turn * 100))
            await until(lambda: half.is_out)
            server.default = Answer()
            await half.settled()
        assert Counter(names(server.delivered)) == Counter(
            name for turn in range(3) for name in numbers(20, turn * 100)
        )
        assert half.account().forwarded == 60
