"""Envelopes that share one on the wire, and what becomes of each when the server refuses it (upstream-and-operations 8.2)."""

import json
import time
from dataclasses import replace

import pytest

from scrubjay.categories import DataCategory
from scrubjay.runtime.upstream import UpstreamOptions
from support.forwarding import until
from support.merging import container, log, packed, report, session, sessions
from support.mini_upstream import Answer
from support.sending_half import SendingHalf, names

SESSION = ((DataCategory.SESSION, 1),)
LOG = ((DataCategory.LOG_ITEM, 1), (DataCategory.LOG_BYTE, 100))


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """A second is longer than tests want to wait for company."""
    monkeypatch.setattr("scrubjay.runtime.forwarding.companies._JOIN_FOR_S", 0.1)


def parcels(*parts, head=None, quantities=SESSION, **facts):
    """One for each part, received now."""
    return [
        replace(packed(part, head=head, quantities=quantities, **facts), id=f"{number}", received_unix=time.time())
        for number, part in enumerate(parts)
    ]


def told(arrival):
    """The payloads of an envelope's items."""
    return [json.loads(item.payload) for item in arrival.envelope[1]]


def updates(count):
    return parcels(*[session(f"s{number}") for number in range(count)])


def refuses_crowds(most, status):
    """A server that takes few items at once."""
    return lambda arrival: Answer(status) if len(arrival.envelope[1]) > most else None


async def test_operations_95_ten_envelopes_of_aggregates_are_one_request(server, folder):
    async with SendingHalf(server.url, folder) as half:
        await half.take(parcels(*[sessions({"exited": number, "errored": 1}) for number in range(10)]))
        (arrival,) = await server.until_delivered(1)
        await half.settled()
        (payload,) = told(arrival)
        assert payload["aggregates"][0] == {"started": "2026-01-05T10:00:00Z", "exited": 45, "errored": 10}
        assert len(server.envelopes) == 1
        assert half.account("session").forwarded == 10
        assert "Sentry sentry_key=" in arrival.headers["X-Sentry-Auth"]
        assert arrival.header["dsn"].endswith("/42")


async def test_operations_95_another_release_is_an_item_of_its_own(server):
    async with SendingHalf(server.url) as half:
        await half.take(parcels(*[sessions({"exited": 1}, release=f"shop@{number % 2}") for number in range(10)]))
        (arrival,) = await server.until_delivered(1)
        assert [each["aggregates"][0]["exited"] for each in told(arrival)] == [5, 5]
        await half.settled()


async def test_operations_96_logs_of_the_same_settings_are_one_container(server):
    never, auto = ({"ingest_settings": {"infer_ip": word}} for word in ("never", "auto"))
    async with SendingHalf(server.url) as half:
        logs = [container("log", log(number), **settings) for number in range(3) for settings in (never, auto)]
        await half.take(parcels(*logs, quantities=LOG))
        arrivals = await server.until_delivered(2)
        await half.settled()
        assert len(server.envelopes) == 2
        for arrival in arrivals:
            (item,) = arrival.envelope[1]
            assert item.headers["item_count"] == len(json.loads(item.payload)["items"]) == 3
        assert {told(arrival)[0]["ingest_settings"]["infer_ip"] for arrival in arrivals} == {"never", "auto"}
        assert half.account("log_byte").forwarded == 600


async def test_operations_97_events_go_alone(server, folder):
    async with SendingHalf(server.url, folder) as half:
        await half.put("a", "b", event_id=None)
        assert sorted(names(await server.until_delivered(2))) == ["a", "b"]
        await half.settled()


async def test_operations_98_other_traces_and_clients_go_alone(server):
    async with SendingHalf(server.url) as half:
        await half.take(parcels(session("a"), head={"trace": {"trace_id": "0" * 31 + "1"}}))
        await half.take(parcels(session("b"), head={"trace": {"trace_id": "0" * 31 + "2"}}))
        await half.take(parcels(session("c"), head={"forwarded_for": "192.0.2.1"}, forwarded_for="192.0.2.1"))
        await half.take(parcels(session("d"), head={"forwarded_for": "192.0.2.2"}, forwarded_for="192.0.2.2"))
        await server.until_delivered(4)
        assert sorted(told(arrival)[0]["sid"] for arrival in server.delivered) == ["a", "b", "c", "d"]
        await half.settled()


async def test_sent_at_of_a_shared_envelope_is_now(server):
    """No clock that shares one is so wrong that a server would correct it, so that it has nothing to tell."""
    async with SendingHalf(server.url) as half:
        then = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1800))
        await half.take(parcels(session("a"), session("b"), head={"sent_at": then}))
        (arrival,) = await server.until_delivered(1)
        assert arrival.header["sent_at"][:16] in {
            time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() - ago)) for ago in (0, 5)
        }
        await half.settled()


@pytest.mark.parametrize("status", [413, 400])
async def test_operations_65_what_is_refused_together_goes_in_halves(server, folder, status):
    server.hook = refuses_crowds(2, status)
    async with SendingHalf(server.url, folder) as half:
        await half.put("the ladder has a working step", event_id=None)
        await server.until_delivered(1)
        await half.take(updates(8))
        await server.until(lambda: len(server.delivered) == 5)
        await half.settled()
        sizes = [len(arrival.envelope[1]) for arrival in server.envelopes[1:]]
        assert sorted(sizes) == [2, 2, 2, 2, 4, 4, 8]
        sids = [payload["sid"] for arrival in server.delivered[1:] for payload in told(arrival)]
        assert sorted(sids) == [f"s{number}" for number in range(8)]
        assert half.account("session").forwarded == 8


async def test_operations_65_a_single_one_is_too_large(server, folder):
    """In halves down to the originals; each of them is the server's to refuse, and a loss."""
    server.hook = lambda arrival: Answer(413)
    async with SendingHalf(server.url, folder) as half:
        await half.take(updates(4))
        await half.settled()
        assert sorted(len(arrival.envelope[1]) for arrival in server.envelopes) == [1, 1, 1, 1, 2, 2, 4]
        assert half.losses == ["too_large"] * 4
        assert half.account("session").forwarded == 0


@pytest.mark.parametrize("status", [400, 422])
async def test_one_that_spoils_the_rest_is_found(server, folder, status):
    """Whatever a server has against one of them, the others arrive."""

    def refuses_s3(arrival):
        return Answer(status) if b'"sid":"s3"' in arrival.body else None

    server.hook = refuses_s3
    async with SendingHalf(server.url, folder, upstream={"encoding": "identity"}) as half:
        await half.take(updates(16))
        await half.settled()
        sids = [payload["sid"] for arrival in server.delivered for payload in told(arrival)]
        assert sorted(sids) == sorted(f"s{number}" for number in range(16) if number != 3)
        assert half.losses == ["upstream_rejected"]


async def test_one_that_the_server_fails_on_goes_alone(server, folder, monkeypatch):
    monkeypatch.setattr("scrubjay.runtime.forwarding.outage._FIRST_DELAY_S", 0.01)
    server.hook = lambda arrival: Answer(500) if b'"sid":"s3"' in arrival.body else None
    async with SendingHalf(server.url, folder) as half:
        await half.take(updates(16))
        await half.settled()
        sids = [payload["sid"] for arrival in server.delivered for payload in told(arrival)]
        assert sorted(sids) == sorted(f"s{number}" for number in range(16) if number != 3)
        assert half.losses == ["upstream_error"]
        assert len(server.envelopes) == 1 + 15 + 5


async def test_trouble_on_the_way_takes_none_and_doubles_none(server, folder):
    server.tell(Answer(502), Answer(reset="before"), Answer(raw=b"?"))
    async with SendingHalf(server.url, folder) as half:
        await half.take(updates(20))
        await server.until_delivered(1)
        await half.settled()
        assert len(server.delivered) == 1
        assert half.account("session").forwarded == 20


async def test_reports_that_meet_a_limit_are_sent_when_it_is_over(server):
    """What they tell is counted by nobody else: they travel without company that could be thrown away with them."""
    server.tell(Answer(429, {"Retry-After": "1"}), Answer(200))
    told_of = [report(("before_send", "error", 2)) for _ in range(3)]
    async with SendingHalf(server.url) as half:
        await half.take(parcels(*told_of, quantities=((DataCategory.UNKNOWN, 1),)))
        (arrival,) = await server.until_delivered(1)
        assert told(arrival)[0]["discarded_events"][0]["quantity"] == 6
        await half.settled()


async def test_it_can_be_switched_off_while_it_runs(server):
    async with SendingHalf(server.url) as half:
        half.upstream.reconfigure(UpstreamOptions(merges_containers=False))
        await half.take(updates(3))
        await server.until_delivered(3)
        half.upstream.reconfigure(UpstreamOptions())
        await half.take(updates(3))
        await until(lambda: len(server.delivered) == 4)
        await half.settled()


async def test_what_an_outage_held_back_shares_too(server, tmp_path):
    async with SendingHalf(server.url, tmp_path / "spool") as half:
        await server.stop()
        await half.take(updates(150))
        await until(lambda: half.is_out)
        await server.start()
        await until(lambda: sum(len(arrival.envelope[1]) for arrival in server.delivered) == 150)
        await half.settled()
        sids = {payload["sid"] for arrival in server.delivered for payload in told(arrival)}
        assert sids == {f"s{number}" for number in range(150)}
        assert len(server.delivered) <= 10
