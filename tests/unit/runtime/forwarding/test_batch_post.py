"""What a batch is on the wire, and what each answer to it means (upstream-and-operations 8.3, the table of statuses)."""

from hashlib import sha256, sha512

import pytest
import zstandard

from scrubjay import reasons
from scrubjay.core.batch_format import BatchReply, Capabilities, RecordError, decode_bits
from scrubjay.core.envelope import decode_json
from scrubjay.core.signatures import Signer, verify
from scrubjay.errors import Divide, Refused, Throttled, Transient
from scrubjay.runtime.forwarding.batch_post import BatchOptions
from scrubjay.runtime.forwarding.http_reply import Reply
from scrubjay.runtime.forwarding.shipment import Shipment
from scrubjay.settings.credentials import generate
from scrubjay.settings.keys import read_public_key
from support.batch_posting import Posting, shipment, taken
from support.forwarding import KEY, parcel

OTHER_KEY = "0" * 32


class TestRequest:
    async def test_the_request(self):
        posting = await Posting().open()
        assert await posting.send(shipment("a", "b")) == [None, None]
        gateway = posting.gateway
        assert gateway.heads[0].startswith("POST /api/scrubjay/batch/v1/ HTTP/1.1\r\n")
        assert gateway.headers["Content-Type"] == "application/x-scrubjay-batch"
        assert gateway.headers["Content-Encoding"] == "zstd"
        assert gateway.headers["Content-Length"] == str(len(gateway.wires[0]))
        assert "X-Sentry-Relay-Id" not in gateway.headers
        frame = zstandard.get_frame_parameters(gateway.wires[0])
        assert frame.has_checksum
        assert frame.window_size <= 8 * 1024 * 1024
        (batch,) = gateway.batches
        assert batch.scrubbed
        assert [decode_json(record.meta)["d"] for record in batch.records] == ["id-a", "id-b"]
        assert posting.observed.results == [("ok", 200)]
        assert posting.observed.sizes == [(2, len(gateway.wires[0]))]

    async def test_the_body_is_that_of_a_plain_envelope_and_the_drift_travels_beside_it(self):
        posting = await Posting(scrubs=False).open()
        header = b'{"sent_at":"2026-01-02T03:04:02Z"}'  # 3 s before it was received
        await posting.send(shipment("a", header=header, since_mono=1_000.0 - 7200.0))
        (record,) = posting.gateway.batches[0].records
        meta, first = decode_json(record.meta), decode_json(record.body.partition(b"\n")[0])
        assert (meta["r"], meta["t"]) == (1_767_323_045_000, 3_000)
        assert first["sent_at"] == "2026-01-02T05:04:02.000000Z"
        assert first["dsn"] == f"http://{KEY}:@gateway.example:3000/42"
        assert not posting.gateway.batches[0].scrubbed

    @pytest.mark.parametrize(
        "header", [b"{}", b'{"sent_at":"yesterday"}', b'{"sent_at":7}', b'{"x":"sent_at"}', b'"sent_at"', b"sent_at"]
    )
    async def test_without_a_time_there_is_no_drift(self, header):
        posting = await Posting().open()
        posting.upstream.rewritten = lambda each, waited_s: each.body
        await posting.send(shipment("a", body=header))
        assert "t" not in decode_json(posting.gateway.batches[0].records[0].meta)

    async def test_it_is_signed_over_the_digest_of_what_was_compressed(self):
        keys = generate()
        signer = Signer(keys.id, keys.secret_key.reveal())
        posting = await Posting(said=Capabilities("1"), signer=signer).open()
        await posting.send(shipment("a"))
        headers = posting.gateway.headers
        assert headers["X-Sentry-Relay-Id"] == keys.id
        digest = sha512(posting.gateway.decoded()).digest()
        public = read_public_key(keys.public_key)
        verify(public, headers["X-Sentry-Relay-Signature"], digest, now_unix=1_767_323_100.0, max_age_s=1)

    @pytest.mark.parametrize(
        ("wish", "encoding"), [("zstd", "zstd"), ("gzip", "gzip"), ("identity", "identity"), ("br", "zstd")]
    )
    async def test_the_encoding_is_the_configured_one_if_both_know_it(self, wish, encoding):
        posting = await Posting(encoding=wish).open()
        await posting.send(shipment("a"))
        assert posting.gateway.encoding == encoding

    async def test_what_is_large_is_compressed_in_a_thread_and_others_have_their_turn(self):
        posting = await Posting().open()
        names = [f"{number}-{sha512(b'%d' % number).hexdigest()}" for number in range(300)]
        assert await posting.send(shipment(*names)) == [None] * 300
        assert len(posting.gateway.batches[0].records) == 300
        assert posting.gateway.timeout_s == 5.0 + 1.0 + 3.0

    async def test_a_dictionary_serves_small_batches(self):
        samples = [parcel(f"message {number}").body for number in range(3000)]
        dictionary = zstandard.train_dictionary(4096, samples).as_bytes()
        name = sha256(dictionary).hexdigest()[:16]
        said = Capabilities("1", requires_auth=False, dictionaries=[name])
        posting = await Posting(said=said, dictionary=dictionary, uses_dictionary=True).open()
        await posting.send(shipment("a"))
        assert posting.gateway.headers["X-Scrubjay-Dict"] == name
        frame = zstandard.get_frame_parameters(posting.gateway.wires[-1])
        assert frame.dict_id == zstandard.ZstdCompressionDict(dictionary).dict_id()
        await posting.send(shipment(*"abcdefgh"))
        assert "X-Scrubjay-Dict" not in posting.gateway.headers


class TestReply:
    async def test_operations_100_each_record_has_its_own_fate(self):
        def answer(batch):
            errors = [RecordError(4, 403, "project_id"), RecordError(9, 503, "spool_full", 5)]
            limits = [(KEY, "60:error:key:local_burst"), (OTHER_KEY, "60::key:x")]
            return BatchReply(batch.id, decode_bits("7wE=", 10), decode_bits("EAA=", 10), errors, limits)

        posting = await Posting(answer).open()
        fates = await posting.send(shipment(*"0123456789"))
        assert [fate is None for fate in fates] == [True] * 4 + [False] + [True] * 4 + [False]
        dropped, again = fates[4], fates[9]
        assert isinstance(dropped, Refused)
        assert (dropped.reason, dropped.status, str(dropped)) == (reasons.UPSTREAM_REJECTED, 403, "403 project_id")
        assert isinstance(again, Transient)
        assert (again.retry_after_s, again.network, again.capped) == (5.0, False, False)
        assert posting.denied == [KEY]
        assert [key for key, _ in posting.limits] == [KEY]
        assert posting.limits[0][1][0].reason == "local_burst"

    async def test_what_is_told_of_a_record_or_not(self):
        def answer(batch):
            errors = [RecordError(0, 413, "too_large"), RecordError(1, 500, "internal"), RecordError(2, 400, "invalid")]
            errors += [RecordError(4, 429, "error_usage_exceeded"), RecordError(5, 429, "\r\n")]
            return BatchReply(batch.id, [False] * 6, [True, False, True, False, True, True], errors)

        posting = await Posting(answer).open()
        large, fault, bad, untold, limited, odd = await posting.send(shipment(*"abcdef"))
        assert large.reason is reasons.UPSTREAM_TOO_LARGE
        assert (fault.capped, fault.retry_after_s) == (True, None)
        assert bad.reason is reasons.UPSTREAM_REJECTED
        assert isinstance(untold, Transient)
        assert not untold.capped
        assert isinstance(limited, Throttled)
        assert (str(limited), str(odd)) == ("error_usage_exceeded", "generic")
        assert posting.denied == []

    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>", b'{"batch_id":"0192f3a4-b5c6-7d8e-9fa0-b1c2d3e4f506","count":2,"ack":"Aw==","drop":"AA=="}'],
    )
    async def test_operations_101_an_answer_that_is_none_leaves_the_batch_as_it_is(self, body):
        posting = await Posting(Reply(200, {}, body, reusable=True), taken).open()
        sent = shipment("a", "b")
        error = await posting.fails(sent, Transient)
        assert (error.ambiguous, error.network) == (True, False)
        assert await posting.send(sent) == [None, None]
        first, second = posting.gateway.batches
        assert first == second

    async def test_a_batch_whose_members_are_not_the_same_is_another(self):
        posting = await Posting(503, taken).open()
        sent = shipment("a", "b", "c")
        await posting.fails(sent, Transient)
        del sent.members[1]
        await posting.send(sent)
        assert posting.gateway.batches[0].id != posting.gateway.batches[1].id
        again = Shipment(sent.members, "batch")
        await posting.send(again)
        assert posting.gateway.batches[1].id != posting.gateway.batches[2].id


class TestGrouping:
    async def test_the_servers_bounds_count(self):
        said = Capabilities("1", requires_auth=False, max_batch_envelopes=20, max_batch_bytes=1000)
        posting = Posting(said=said)
        assert posting.post.grouping is None
        await posting.open()
        grouping = posting.post.grouping
        assert (grouping.live_records, grouping.backlog_records, grouping.most_bytes) == (20, 20, 3000)
        assert (grouping.linger_s, grouping.requests, posting.changes) == (0.05, 4, 1)

    async def test_what_compresses_well_may_be_larger(self):
        posting = await Posting().open()
        before = posting.post.grouping.most_bytes
        for _ in range(5):
            await posting.send(shipment("x" * 2000))
        assert before < posting.post.grouping.most_bytes == 4 * 1024 * 1024

    async def test_a_slow_server_gets_fewer_and_larger_ones(self):
        posting = await Posting().open()
        lingers = []
        for took_s in [0.01] + [5.0] * 20 + [0.0] * 10:
            posting.gateway.before_answer = lambda took_s=took_s: setattr(
                posting, "now_mono", posting.now_mono + took_s
            )
            await posting.send(shipment("a"))
            lingers.append(round(posting.post.grouping.linger_s, 2))
        assert lingers[0] == lingers[-1] == 0.05
        assert 0.05 < lingers[2] < lingers[4] < lingers[20] == 0.25

    async def test_where_memory_is_scarce_less_is_under_way(self):
        posting = await Posting(frugal=True).open()
        assert (posting.post.grouping.most_bytes, posting.post.grouping.requests) == (1024 * 1024, 2)

    async def test_an_outage_and_an_offer_are_reasons_to_ask(self):
        posting = await Posting().open()
        posting.now_mono += 60
        posting.post.came_back()
        assert posting.post._discovery._reason_to_ask.is_set()
        posting = Posting()
        posting.upstream.on_batch_offer()
        assert posting.post._discovery._reason_to_ask.is_set()

    async def test_it_can_be_switched_off_and_on(self):
        posting = await Posting().open()
        posting.post.reconfigure(BatchOptions())
        assert posting.changes == 1
        posting.post.reconfigure(BatchOptions(mode="off"))
        assert posting.post.grouping is None
        assert (await posting.fails(shipment("a"), Divide)).apart
        posting.post.reconfigure(BatchOptions(mode="require"))
        assert posting.post.grouping.requests == 0
        posting.post.close()
        assert repr(posting.post) == "<BatchPost require <Discovery None>>"

    async def test_off_means_not_even_asking(self):
        posting = Posting(mode="off")
        posting.post.start()
        assert posting.post._discovery._task is None
