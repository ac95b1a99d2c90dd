"""The sending half before a gateway that misbehaves in each way of the table (upstream-and-operations 8.3): nothing is lost, nothing sent twice."""

from collections import Counter

import pytest

from scrubjay.core.batch_format import BatchReply, RecordError
from scrubjay.runtime.forwarding.batch_post import BatchOptions
from scrubjay.runtime.forwarding.dispatcher import DispatchOptions
from support.forwarding import until
from support.mini_gateway import MiniGateway, names_in
from support.mini_upstream import Answer
from support.sending_half import SendingHalf, numbers

PATIENT = DispatchOptions(retry_delay_s=0.02, outage_grace_s=60.0, max_retry_interval_s=0.05)


@pytest.fixture
async def gateway():
    async with MiniGateway() as server:
        yield server


@pytest.fixture
def soon(monkeypatch):
    """The back-off of a test is short."""
    monkeypatch.setattr("scrubjay.runtime.forwarding.outage._FIRST_DELAY_S", 0.02)


async def knowing(relay):
    """Once it is known what the gateway takes."""
    await until(lambda: relay.batches.grouping is not None and relay.batches.grouping.kind == "batch")
    return relay


def sending(gateway, folder=None, *, mode="auto", dispatch=PATIENT, timeout_s=5.0):
    upstream = {"timeout_s": timeout_s}
    return SendingHalf(gateway.url, folder, upstream=upstream, dispatch=dispatch, batches=BatchOptions(mode=mode))


async def once_each(relay, gateway, count):
    await relay.settled()
    assert gateway.taken == Counter(numbers(count))
    assert relay.account().forwarded == count


async def test_operations_99_many_go_in_one(gateway, folder):
    async with sending(gateway, folder) as relay:
        await knowing(relay)
        relay.outbox.pause()
        await relay.put(*numbers(600))
        relay.outbox.resume()
        await once_each(relay, gateway, 600)
        assert sorted(gateway.sizes) == [88, 256, 256]
        assert not gateway.envelopes


async def test_operations_100_each_record_has_its_own_end(gateway, soon):
    def mixed(batch):
        errors = [RecordError(4, 403, "project_id"), RecordError(9, 503, "spool_full", 0)]
        return BatchReply(batch.id, [n not in (4, 9) for n in range(10)], [n == 4 for n in range(10)], errors)

    gateway.batch_answers.append(mixed)
    async with sending(gateway) as relay:
        await knowing(relay)
        await relay.put(*numbers(10))
        await relay.settled()
        first, second = [batch for batch, _ in gateway.batches]
        assert names_in(second) == ["9"]
        assert first.id != second.id
        assert gateway.taken == Counter(set(numbers(10)) - {"4"})
        assert relay.losses == ["upstream_rejected"]
        assert relay.denied != []


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(Answer(reset="before"), id="reset"),
        pytest.param(Answer(reset="after"), id="operations-101 reply lost"),
        pytest.param(Answer(hangs=True), id="hang"),
        pytest.param(Answer(200, body=b""), id="no reply"),
        pytest.param(
            Answer(200, body=b'{"batch_id":"0192f3a4-b5c6-7d8e-9fa0-b1c2d3e4f506","count":20}'), id="wrong id"
        ),
        pytest.param(Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{"), id="short reply"),
        pytest.param(Answer(429, {"Retry-After": "0"}), id="429"),
        pytest.param(Answer(503, {"Retry-After": "0"}), id="503"),
        pytest.param(Answer(502), id="502"),
        pytest.param(Answer(500), id="500"),
    ],
)
async def test_what_may_have_arrived_comes_again_as_it_was(gateway, folder, soon, trouble):
    tries = 1 if trouble.hangs else 2
    gateway.batch_answers.extend([trouble] * tries)
    async with sending(gateway, folder, timeout_s=0.25 if trouble.hangs else 5.0) as relay:
        await knowing(relay)
        await relay.put(*numbers(20))
        await once_each(relay, gateway, 20)
        assert len({batch.id for batch, _ in gateway.batches}) == 1
        assert not gateway.envelopes
        assert len(gateway.batches) == tries + 1


@pytest.mark.parametrize("status", [401, 403, 404, 405, 501, 302])
async def test_operations_103_who_takes_no_batches_any_more_gets_envelopes(gateway, status):
    async with sending(gateway) as relay:
        await knowing(relay)
        gateway.batch_default = Answer(status)
        await relay.put(*numbers(20))
        await once_each(relay, gateway, 20)
        assert len(gateway.batches) == 1
        assert len(gateway.envelopes) == 20
        assert relay.batches.grouping is None


async def test_operations_102_a_server_without_batches_gets_envelopes_and_one_question(gateway):
    gateway.said = None
    async with sending(gateway) as relay:
        await relay.put(*numbers(20))
        await once_each(relay, gateway, 20)
        assert len([each for each in gateway.arrivals if each.method == "GET"]) == 1


@pytest.mark.parametrize("status", [400, 413])
async def test_what_nobody_can_read_is_found_by_halving_and_goes_alone(gateway, status):
    def without_seven(batch):
        ours = names_in(batch)
        return Answer(status) if "7" in ours else BatchReply(batch.id, [True] * len(ours), [False] * len(ours))

    gateway.batch_default = without_seven
    async with sending(gateway) as relay:
        await knowing(relay)
        await relay.put(*numbers(20))
        await once_each(relay, gateway, 20)
        assert len(gateway.envelopes) == 1
        assert len(gateway.batches) < 20


async def test_operations_104_the_encoding_that_is_read_is_found(gateway):
    gateway.batch_answers.extend([Answer(415)] * 2)
    async with sending(gateway) as relay:
        await knowing(relay)
        await relay.put(*numbers(20))
        await once_each(relay, gateway, 20)
        assert [arrival.encoding for _, arrival in gateway.batches] == ["zstd", "gzip", "identity"]


async def test_a_record_that_breaks_the_gateway_ends_alone(gateway, soon):
    def breaks_on_seven(batch):
        ours = names_in(batch)
        return Answer(500) if "7" in ours else BatchReply(batch.id, [True] * len(ours), [False] * len(ours))

    gateway.batch_default = breaks_on_seven
    async with sending(gateway) as relay:
        await knowing(relay)
        await relay.put(*numbers(20))
        await relay.settled()
        assert gateway.taken == Counter(set(numbers(20)) - {"7"})
        assert relay.losses == ["upstream_error"]


async def test_where_batches_are_required_everything_waits_for_them(gateway, tmp_path):
    gateway.said, said = None, gateway.said
    async with sending(gateway, tmp_path / "spool", mode="require") as relay:
        await relay.put(*numbers(20))
        await until(lambda: gateway.arrivals)
        assert (relay.account().held, gateway.envelopes) == (20, [])
        gateway.said = said
        relay.batches._discovery._due_mono = 0.0
        relay.batches._discovery._reason_to_ask.set()
        await once_each(relay, gateway, 20)
        assert gateway.sizes == [20]


async def test_an_outage_ends_in_batches_of_the_backlog(gateway, tmp_path):
    dispatch = DispatchOptions(retry_delay_s=0.02, outage_grace_s=0.0, max_retry_interval_s=0.05)
    async with sending(gateway, tmp_path / "spool", dispatch=dispatch) as relay:
        await knowing(relay)
        await gateway.stop()
        await relay.put(*numbers(1500))
        await until(lambda: relay.is_out)
        await gateway.start()
        await once_each(relay, gateway, 1500)
        assert max(gateway.sizes) > 256
        assert len(gateway.batches) < 20
