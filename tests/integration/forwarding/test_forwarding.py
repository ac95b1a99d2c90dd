"""Outbox, upstream, spool and telemetry together, against a server that does as it is told (upstream-and-operations 6, 7)."""

import random
import time
from collections import Counter

import pytest

from scrubjay.core.limits import Scoping
from scrubjay.runtime.forwarding.dispatcher import DispatchOptions
from support.forwarding import KEY, parcel, until
from support.mini_upstream import Answer, MiniUpstream
from support.sending_half import SendingHalf, names, numbers


async def test_upstream_60_an_envelope_arrives(server, folder):
    async with SendingHalf(server.url, folder) as relay:
        await relay.put("a", client="sentry.python/2.0", header=b'{"sent_at":"2026-01-02T03:04:05Z","x":1}')
        (arrival,) = await server.until_delivered(1)
        assert arrival.path == "/api/42/envelope/"
        assert arrival.encoding == "zstd"
        assert arrival.headers["X-Sentry-Auth"].endswith("sentry_client=sentry.python/2.0")
        assert arrival.header["dsn"] == f"{server.url.replace('//', f'//{KEY}:@')}/42"
        assert arrival.header["x"] == 1
        assert arrival.header["sent_at"].startswith("2026-01-02T03:04:05")
        await relay.settled()
        assert (relay.account().forwarded, relay.account().held) == (1, 0)


async def test_upstream_61_a_server_without_zstd_gets_gzip(folder):
    async with MiniUpstream(encodings=("gzip", "br", "identity")) as server, SendingHalf(server.url, folder) as relay:
        await relay.put("first")
        await relay.settled()
        await relay.put("second")
        await server.until_delivered(2)
        assert [arrival.encoding for arrival in server.envelopes] == ["zstd", "gzip", "gzip"]
        assert names(server.delivered) == ["first", "second"]


async def test_upstream_61_a_server_without_any_gets_identity(folder):
    async with MiniUpstream(encodings=("identity",)) as server, SendingHalf(server.url, folder) as relay:
        await relay.put("a")
        await server.until_delivered(1)
        assert [arrival.encoding for arrival in server.envelopes] == ["zstd", "gzip", "identity"]


@pytest.mark.parametrize(
    "trouble",
    [Answer(502), Answer(503), Answer(504), Answer(500), Answer(408), Answer(reset="before"), Answer(reset="after"), Answer(raw=b"?\r\n"), Answer(hangs=True)],
    ids=["502", "503", "504", "500", "408", "reset", "ambiguous", "garbage", "hang"],
)  # fmt: skip
async def test_upstream_62_trouble_three_times_then_delivered_once(server, folder, trouble, monkeypatch):
    monkeypatch.setattr("scrubjay.runtime.forwarding.outage._FIRST_DELAY_S", 0.02)
    server.tell(*[trouble] * (1 if trouble.hangs else 3))
    dispatch = DispatchOptions(retry_delay_s=0.02, outage_grace_s=60.0)
    upstream = {"timeout_s": 0.25 if trouble.hangs else 5.0}
    async with SendingHalf(server.url, folder, upstream=upstream, dispatch=dispatch) as relay:
        await relay.put("a")
        await server.until_delivered(1)
        await relay.settled()
        assert len(server.delivered) == 1
        assert relay.account().forwarded == 1


async def test_upstream_62_500_for_ever_is_given_up(server, folder, monkeypatch):
    monkeypatch.setattr("scrubjay.runtime.forwarding.outage._FIRST_DELAY_S", 0.01)
    server.default = Answer(500, body=b'{"detail": "no"}')
    async with SendingHalf(server.url, folder) as relay:
        await relay.put("a")
        await relay.settled()
        assert len(server.envelopes) == 5
        (drop,) = relay.telemetry._drops
        assert (drop.reason, drop.detail, drop.origin) == ("upstream_error", "500 no", "upstream")


async def test_upstream_63_429_is_learnt_and_not_sent_again(server, folder):
    server.tell(Answer(429, {"Retry-After": "5"}))
    async with SendingHalf(server.url, folder) as relay:
        await relay.put("a")
        await relay.settled()
        (limit,) = relay.limits.active(Scoping(KEY), time.monotonic())
        assert (limit.reason, limit.categories) == ("generic", frozenset())
        assert relay.account().dropped == 1
        assert len(server.envelopes) == 1


async def test_upstream_64_two_header_lines_count(server, folder):
    header = "X-Sentry-Rate-Limits"
    server.tell(Answer(429, [(header, "60:error:key"), (header, "60:session:key")]))
    async with SendingHalf(server.url, folder) as relay:
        await relay.put("a")
        await relay.settled()
        assert len(relay.limits.active(Scoping(KEY), time.monotonic())) == 2


async def test_a_denied_key_is_told(server, folder):
    server.tell(Answer(403))
    async with SendingHalf(server.url, folder) as relay:
        await relay.put("a")
        await relay.settled()
        assert relay.denied == [KEY]


async def test_upstream_66_and_67_an_outage_loses_nothing(server, folder):
    async with SendingHalf(server.url, folder) as relay:
        await relay.put("before")
        await server.until_delivered(1)
        await server.stop()
        await relay.put(*numbers(50))
        await until(lambda: relay.outbox._dispatcher.is_out)
        await relay.put(*numbers(50, start=50))
        assert relay.account().held == 100
        server.by_path["/live/"] = Answer(404)
        await server.start()
        await server.until_delivered(101)
        await relay.settled()
        assert Counter(names(server.delivered)) == Counter(["before", *numbers(100)])
        assert relay.account().forwarded == 101


async def test_upstream_67_fresh_ones_first(server, tmp_path):
    dispatch = DispatchOptions(retry_delay_s=0.02, outage_grace_s=0.0, max_retry_interval_s=0.05)
    async with SendingHalf(server.url, tmp_path / "spool", dispatch=dispatch) as relay:
        await server.stop()
        await relay.put(*numbers(200))
        await until(lambda: relay.outbox._dispatcher.is_out)
        relay.outbox.pause()
        await server.start()
        await until(lambda: not relay.outbox._dispatcher.is_out)
        await relay.put(*(f"fresh{index}" for index in range(20)))
        relay.outbox.resume()
        await server.until_delivered(220)
        await relay.settled()
        order = names(server.delivered)
        assert max(order.index(f"fresh{index}") for index in range(20)) < 60
        assert len(set(order)) == len(order) == 220


async def test_upstream_68_sent_at_hides_the_time_in_the_spool(server, tmp_path):
    async with SendingHalf(server.url, tmp_path / "spool") as relay:
        each = parcel("a", received_unix=time.time() - 7_200, header=b'{"sent_at":"2026-01-02T03:04:02Z"}')
        relay.ledger.receive("event", each.quantities)
        await relay.outbox.put(each)
        (arrival,) = await server.until_delivered(1)
        assert arrival.header["sent_at"][:18] == "2026-01-02T05:04:0"
        await relay.settled()


async def test_killed_and_started_again_all_of_it_is_there(server, tmp_path):
    await server.stop()
    relay = SendingHalf(server.url, tmp_path / "spool")
    await relay.__aenter__()
    await relay.put(*numbers(300))
    await relay.kill()
    await server.start()
    async with SendingHalf(server.url, tmp_path / "spool") as relay:
        await server.until_delivered(300)
        await relay.settled()
        assert relay.account().received == 300
        assert sorted(names(server.delivered)) == sorted(numbers(300))
        assert relay.partition.usage.records == 300 or await _emptied(relay)


async def _emptied(relay):
    relay.partition.flush_acks()
    await until(lambda: relay.partition.usage.records == 0)
    return True


async def test_what_was_taken_before_an_orderly_end_does_not_come_back(server, tmp_path):
    async with SendingHalf(server.url, tmp_path / "spool") as relay:
        await relay.put(*numbers(20))
        await server.until_delivered(20)
        await relay.settled()
    async with SendingHalf(server.url, tmp_path / "spool") as relay:
        assert relay.outbox.held()["spool"] == ()
    assert len(server.delivered) == 20


async def test_upstream_111_memory_alone_and_a_dead_server_is_a_counted_loss(server):
    await server.stop()
    relay = SendingHalf(server.url)
    await relay.__aenter__()
    await relay.put(*numbers(3))
    started = time.monotonic()
    assert await relay.end(within_s=0.1) == 3
    assert time.monotonic() - started < 20
    assert [drop.reason for drop in relay.telemetry._drops] == ["drain_timeout"] * 3
    assert relay.account().open == 0


async def test_a_server_that_misbehaves_at_random_gets_everything_in_the_end(server, tmp_path, monkeypatch):
    monkeypatch.setattr("scrubjay.runtime.forwarding.outage._FIRST_DELAY_S", 0.005)
    chance = random.Random(5)
    faults = [
        Answer(502),
        Answer(500),
        Answer(reset="after"),
        Answer(reset="before"),
        Answer(raw=b"?"),
    ]
    dispatch = DispatchOptions(
        retry_delay_s=0.005,
        outage_grace_s=0.05,
        max_retry_interval_s=0.02,
        max_5xx_attempts=50,
        max_concurrent_requests=20,
    )
    server.tell(Answer(hangs=True), *(chance.choice(faults) for _ in range(100)))
    async with SendingHalf(
        server.url, tmp_path / "spool", dispatch=dispatch, upstream={"timeout_s": 2.0}, max_memory_bytes=20_000
    ) as relay:
        for start in range(0, 400, 100):
            await relay.put(*numbers(100, start))
        await until(lambda: len(set(names(server.delivered))) == 400)
        await relay.settled()
        assert Counter(names(server.delivered)).most_common(1)[0][1] == 1  # no fault came after a 200
        assert relay.account().forwarded == 400


async def test_a_large_parcel_arrives(server, folder):
    async with SendingHalf(server.url, folder, upstream={"timeout_s": 30.0}) as relay:
        payload = random.Random(1).randbytes(8 * 1024 * 1024)
        body = b'{}\n{"type":"attachment","length":%d}\n%s\n' % (len(payload), payload)
        await relay.put("large", body=body)
        (arrival,) = await server.until_delivered(1)
        assert arrival.envelope[1][0].payload == payload
        await relay.settled()


async def test_connections_are_kept(server, folder):
    async with SendingHalf(server.url, folder) as relay:
        for name in numbers(30):
            await relay.put(name)
            await server.until_delivered(int(name) + 1)
        assert server.connections <= 3
        await relay.settled()
