"""What each answer to a batch means: whom it ends, holds up or divides (upstream-and-operations 8.3, the table of statuses)."""

import pytest

from scrubjay.core.batch_format import Capabilities
from scrubjay.errors import Divide, Transient
from scrubjay.runtime.forwarding.http_reply import Reply
from scrubjay.runtime.forwarding.shipment import Shipment
from support.batch_posting import Posting, shipment, taken


class TestStatuses:
    async def test_400_divides(self):
        posting = await Posting(400).open()
        error = await posting.fails(shipment("a", "b"), Divide)
        assert (error.apart, error.status) == (False, 400)
        assert posting.post.grouping.kind == "batch"

    @pytest.mark.parametrize("status", [401, 403, 404, 405, 501, 302, 410, 422])
    async def test_operations_103_who_takes_no_batches_gets_envelopes(self, status):
        posting = await Posting(status).open()
        error = await posting.fails(shipment("a", "b"), Divide)
        assert error.apart
        assert posting.post.grouping is None
        assert posting.changes == 2
        assert (await posting.fails(shipment("c"), Divide)).apart
        assert len(posting.gateway.batches) == 1

    @pytest.mark.parametrize("status", [401, 404])
    async def test_where_batches_are_required_all_waits(self, status):
        posting = Posting(status, mode="require")
        assert posting.post.grouping.requests == 0
        await posting.open()
        assert posting.post.grouping.requests == 4
        error = await posting.fails(shipment("a"), Transient)
        assert not error.network
        assert posting.post.grouping.requests == 0
        await posting.fails(shipment("a"), Transient)

    async def test_413_halves_the_bounds_and_divides(self):
        posting = await Posting(413).open()
        assert not (await posting.fails(shipment("a", "b"), Divide)).apart
        grouping = posting.post.grouping
        assert (grouping.live_records, grouping.backlog_records) == (256, 500)

    async def test_operations_104_415_steps_down_at_once(self):
        posting = await Posting(415, 415, taken).open()
        assert await posting.send(shipment("a")) == [None]
        assert [head.count("Content-Encoding: ") for head in posting.gateway.heads] == [1, 1, 0]
        assert len({batch.id for batch in posting.gateway.batches}) == 1
        await posting.send(shipment("b"))
        assert posting.gateway.encoding == "identity"
        assert posting.observed.results == [("encoding", 415), ("encoding", 415), ("ok", 200), ("ok", 200)]

    async def test_who_refuses_every_encoding_takes_no_batches(self):
        posting = await Posting(415).open()
        assert (await posting.fails(shipment("a"), Divide)).apart
        assert len(posting.gateway.batches) == 3

    @pytest.mark.parametrize(
        ("headers", "wait_s"), [({"retry-after": "7"}, 7.0), ({}, 60.0), ({"retry-after": "100000"}, 600.0)]
    )
    async def test_429_holds_the_whole_batch(self, headers, wait_s):
        posting = await Posting(Reply(429, headers, b"", reusable=True)).open()
        error = await posting.fails(shipment("a", "b"), Transient)
        assert (error.retry_after_s, error.network, error.ambiguous) == (wait_s, False, False)

    @pytest.mark.parametrize("status", [502, 503, 504])
    async def test_503_holds_it_too_and_counts_as_an_outage_would(self, status):
        posting = await Posting(Reply(status, {"retry-after": "5"}, b"", reusable=True)).open()
        error = await posting.fails(shipment("a"), Transient)
        assert (error.retry_after_s, error.network) == (5.0, True)
        assert posting.observed.results == [("unavailable", status)]

    async def test_a_fault_is_searched_for_in_halves_if_it_stays(self):
        posting = await Posting(500).open()
        sent = shipment("a", "b")
        error = await posting.fails(sent, Transient)
        assert (error.capped, error.network) == (True, False)
        sent.members[1].faults = 2
        assert not (await posting.fails(sent, Divide)).apart
        alone = Shipment(sent.members[1:], "batch")
        assert (await posting.fails(alone, Transient)).capped

    async def test_what_is_larger_than_the_server_takes_is_not_even_sent(self):
        for said in (
            Capabilities("1", requires_auth=False, max_batch_bytes=100),
            Capabilities("1", requires_auth=False, max_decompressed_bytes=100),
        ):
            posting = await Posting(said=said).open()
            assert not (await posting.fails(shipment("a", "b"), Divide)).apart
            assert posting.gateway.batches == []
