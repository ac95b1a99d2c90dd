"""What a batch is on the wire, and what each answer to it means (upstream-and-operations 8.3, the table of statuses)."""

import zlib
from hashlib import sha256, sha512

import pytest
import zstandard

from scrubjay import reasons
from scrubjay.core.batch_format import BatchBounds, BatchReply, Capabilities, RecordError, decode_batch, decode_bits
from scrubjay.core.envelope import decode_json
from scrubjay.core.signatures import Signer, verify
from scrubjay.errors import Divide, Refused, Throttled, Transient
from scrubjay.runtime.forwarding.batch_post import BatchOptions, BatchPost
from scrubjay.runtime.forwarding.http_client import Origin
from scrubjay.runtime.forwarding.http_reply import Reply
from scrubjay.runtime.forwarding.shipment import Shipment, Waiting
from scrubjay.runtime.upstream import Upstream, UpstreamOptions
from scrubjay.settings.credentials import generate
from scrubjay.settings.keys import read_public_key
from support.forwarding import KEY, Observed, parcel

DECODERS = {
    "zstd": lambda data: zstandard.ZstdDecompressor().decompress(data),
    "gzip": lambda data: zlib.decompress(data, wbits=31),
    "identity": lambda data: data,
}
OPEN = Capabilities("1", requires_auth=False)
OTHER_KEY = "0" * 32


def taken(batch):
    return BatchReply(batch.id, [True] * len(batch.records), [False] * len(batch.records))


class Gateway:
    """In place of the client: a scrubjay that answers batches in turn, the last answer again and again."""

    origin = Origin("http", "gateway.example", 3000)

    def __init__(self, *answers, said=OPEN, dictionary=b"") -> None:
        self.answers = list(answers) or [taken]
        self.said = said
        self.dictionary = dictionary
        self.heads = []
        self.wires = []
        self.batches = []
        self.before_answer = lambda: None

    def target(self, path):
        return path

    def proxy_header(self):
        return ""

    async def request(self, head, body, timeout_s, *, once=False, keeps_bytes=0):
        method, path = head.split(b" ", 2)[:2]
        self.timeout_s = timeout_s
        if method == b"GET":
            found = self.said.encode() if path.endswith(b"/capabilities/") else self.dictionary
            return Reply(200, {"x-scrubjay": "1"}, found, reusable=True)
        self.heads.append(head.decode())
        self.wires.append(body)
        batch = decode_batch(self.decoded(), BatchBounds())
        self.batches.append(batch)
        self.before_answer()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(batch)
        if isinstance(answer, BatchReply):
            answer = Reply(200, {}, answer.encode(), reusable=True)
        if isinstance(answer, int):
            answer = Reply(answer, {}, b'{"detail":"because"}', reusable=True)
        return answer

    @property
    def headers(self):
        return dict(line.split(": ", 1) for line in self.heads[-1].split("\r\n")[1:-2])

    @property
    def encoding(self):
        return self.headers.get("Content-Encoding", "identity")

    def decoded(self):
        if "X-Scrubjay-Dict" in self.headers:
            known = zstandard.ZstdCompressionDict(self.dictionary)
            return zstandard.ZstdDecompressor(dict_data=known).decompress(self.wires[-1])
        return DECODERS[self.encoding](self.wires[-1])


class Measured(Observed):
    def __init__(self) -> None:
        super().__init__()
        self.sizes = []

    def batch(self, envelopes, size_bytes):
        self.sizes.append((envelopes, size_bytes))

    @property
    def results(self):
        return [(result, status) for result, status, route, _ in self.requests if route == "batch"]


class Posting:
    """A post to a gateway that has said what it takes."""

    def __init__(self, *answers, said=OPEN, dictionary=b"", signer=None, **options) -> None:
        self.gateway = Gateway(*answers, said=said, dictionary=dictionary)
        self.observed = Measured()
        self.denied, self.limits, self.changes = [], [], 0
        self.now_mono = 1_000.0
        self.upstream = Upstream(
            self.gateway,
            self.observed,
            UpstreamOptions(),
            on_limits=lambda each, limits: self.limits.append((each.key, limits)),
            on_denied=lambda key, project_id: self.denied.append(key),
            now_unix=lambda: 1_767_323_100.0,
            now_mono=lambda: self.now_mono,
        )
        self.post = BatchPost(
            self.upstream,
            self.observed,
            BatchOptions(**options),
            signer=signer,
            now_unix=lambda: 1_767_323_100.0,
            now_mono=lambda: self.now_mono,
        )
        self.post.listen(self)

    def on_change(self) -> None:
        self.changes += 1

    async def open(self):
        await self.post._discovery.ask()
        return self

    async def send(self, shipment):
        return list(await self.post.send(shipment, self.now_mono))

    async def fails(self, shipment, kind):
        with pytest.raises(kind) as caught:
            await self.send(shipment)
        return caught.value


def shipment(*names, since_mono=1_000.0, **changes):
    return Shipment([Waiting(parcel(name, **changes), 0, since_mono) for name in names], "batch")


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
