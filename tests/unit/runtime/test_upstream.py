"""What is sent, and what answers mean (upstream-and-operations 6.1 to 6.6)."""

import json
import zlib

import pytest

from scrubjay import reasons
from scrubjay.core.signatures import Signer, verify
from scrubjay.errors import Refused, Transient
from scrubjay.runtime.forwarding.http_client import NoReply
from scrubjay.runtime.upstream import UpstreamOptions
from scrubjay.settings.credentials import generate
from scrubjay.settings.keys import read_public_key
from support.forwarding import KEY, parcel
from support.upstream_answers import reply, upstream


class TestAmbiguous:
    async def test_operations_62_an_answer_that_never_came_may_have_been_meant(self):
        for ambiguous in (True, False):
            subject, _ = upstream(NoReply("reset", "closed", ambiguous=ambiguous))
            with pytest.raises(Transient) as caught:
                await subject.send(parcel(), 0.0)
            assert (caught.value.ambiguous, caught.value.network) == (ambiguous, True)

    @pytest.mark.parametrize(
        ("types", "drops", "once"),
        [
            (("client_report",), True, True),
            (("metric_buckets", "sessions"), True, True),
            (("client_report", "event"), True, False),
            (("session",), True, False),
            ((), True, False),
            (("client_report",), False, False),
        ],
    )
    async def test_counters_go_once_if_they_must_not_count_twice(self, types, drops, once):
        subject, server = upstream(drops_ambiguous_counters=drops)
        await subject.send(parcel(item_types=types), 0.0)
        assert server.once is once


class TestRequest:
    async def test_upstream_60_the_headers(self):
        subject, server = upstream()
        await subject.send(
            parcel(
                client="sentry.python/2.0",
                version=6,
                origin="https://shop.example/",
                user_agent="Mozilla/5.0",
                forwarded_for="203.0.113.9, 127.0.0.1",
            ),
            0.0,
        )
        assert server.head.startswith("POST /api/42/envelope/ HTTP/1.1\r\n")
        assert server.head.endswith("\r\n\r\n")
        assert server.headers == {
            "Host": "sentry.example:8443",
            "Content-Type": "application/x-sentry-envelope",
            "Content-Encoding": "zstd",
            "Content-Length": str(len(server.requests[0][1])),
            "Accept-Encoding": "gzip",
            "X-Sentry-Auth": f"Sentry sentry_key={KEY}, sentry_version=6, sentry_client=sentry.python/2.0",
            "X-Forwarded-For": "203.0.113.9, 127.0.0.1",
            "Origin": "https://shop.example/",
            "User-Agent": "Mozilla/5.0",
        }

    async def test_operations_60_who_has_credentials_says_who_it_is_and_signs_nothing(self):
        keys = generate()
        subject, server = upstream(signer=Signer(keys.id, keys.secret_key.reveal()))
        await subject.send(parcel(), 0.0)
        assert server.headers["X-Sentry-Relay-Id"] == keys.id
        signature, public = server.headers["X-Sentry-Relay-Signature"], read_public_key(keys.public_key)
        verify(public, signature, b"", now_unix=1_767_323_100.0, max_age_s=1.0)

    async def test_what_is_not_known_is_not_said(self):
        subject, server = upstream(encoding="identity")
        await subject.send(parcel(), 0.0)
        assert set(server.headers) == {"Host", "Content-Type", "Content-Length", "Accept-Encoding", "X-Sentry-Auth"}
        assert server.headers["X-Sentry-Auth"] == f"Sentry sentry_key={KEY}, sentry_version=7"

    async def test_a_clients_text_cannot_add_a_header(self):
        subject, server = upstream()
        await subject.send(parcel(user_agent="x\r\nX-Evil: 1", client="y\r\n\r\nPOST /", origin="ä\udcff"), 0.0)
        assert "\r\nX-Evil" not in server.head
        assert server.head.count("\r\n\r\n") == 1
        assert server.headers["User-Agent"] == "x  X-Evil: 1"
        assert server.headers["Origin"].startswith("ä")

    async def test_host_and_prefix_can_be_set(self):
        subject, server = upstream(host_header="sentry.internal", path_prefix="/relay")
        await subject.send(parcel(), 0.0)
        assert server.head.startswith("POST /relay/api/42/envelope/ HTTP/1.1\r\nHost: sentry.internal\r\n")
        assert server.envelope[0]["dsn"] == f"https://{KEY}:@sentry.example:8443/relay/42"
        await subject.probe()
        assert server.head.startswith("GET /relay/api/0/relays/live/ HTTP/1.1\r\nHost: sentry.internal\r\n")

    async def test_the_dsn_is_the_servers_own(self):
        subject, server = upstream()
        header = b'{"dsn":"http://%s@relay:3000/42","trace":{"public_key":"%s"}}' % (KEY.encode(), KEY.encode())
        await subject.send(parcel(header=header), 0.0)
        headers, items = server.envelope
        assert headers == {"dsn": f"https://{KEY}:@sentry.example:8443/42", "trace": {"public_key": KEY}}
        assert items[0].payload == b'{"message":"0"}'

    async def test_all_but_the_first_line_is_untouched(self):
        body = b'{"a": 1.50}\n{ "type" : "x" }\n{ "odd": [1e5] }'
        subject, server = upstream(encoding="identity")
        await subject.send(parcel(body=body), 0.0)
        assert server.requests[0][1].partition(b"\n")[2] == body.partition(b"\n")[2]

    async def test_an_envelope_may_be_a_header_alone(self):
        subject, server = upstream(encoding="identity")
        await subject.send(parcel(body=b'{"sent_at":"2026-01-02T03:04:05Z"}'), 10.0)
        assert json.loads(server.requests[0][1])["sent_at"].startswith("2026-01-02T03:04:15")

    @pytest.mark.parametrize(
        ("sent_at", "waited_s", "expected"),
        [
            ("2026-01-02T03:04:02Z", 7_200.0, "2026-01-02T05:04:02"),
            ("2026-01-02T03:04:02.500Z", 0.75, "2026-01-02T03:04:03.250"),
            ("2026-01-02T03:04:02.500+00:00", 0.25, "2026-01-02T03:04:02.500+00:00"),
        ],
    )
    async def test_upstream_68_sent_at_moves_by_the_time_it_waited(self, sent_at, waited_s, expected):
        subject, server = upstream()
        await subject.send(parcel(header=b'{"sent_at":"%s"}' % sent_at.encode()), waited_s)
        assert server.envelope[0]["sent_at"].startswith(expected)

    @pytest.mark.parametrize("header", [b"{}", b'{"sent_at":null}', b'{"trace":{"sent_at":"x"}}'])
    async def test_ingest_122_no_sent_at_stays_none(self, header):
        subject, server = upstream()
        await subject.send(parcel(header=header), 5.0)
        assert server.envelope[0].get("sent_at") is None

    @pytest.mark.parametrize(
        ("body_bytes", "expected"), [(0, 5), (1, 6), (65_536, 6), (30 * 1024 * 1024, 5 + 480), (10**9, 300)]
    )
    def test_upstream_69_a_large_body_gets_more_time(self, body_bytes, expected):
        subject, _ = upstream()
        assert subject.timeout_s(body_bytes) == min(expected, 300)

    async def test_a_large_body_is_compressed_elsewhere(self):
        subject, server = upstream()
        body = b'{}\n{"type":"x"}\n' + b"x" * 300_000
        await subject.send(parcel(body=body), 0.0)
        assert server.envelope[1][0].payload == b"x" * 300_000


class TestEncodings:
    async def test_upstream_61_400_to_zstd_is_sent_again_in_gzip_and_remembered(self):
        subject, server = upstream(400, 200, 200)
        await subject.send(parcel(), 0.0)
        await subject.send(parcel(), 0.0)
        assert server.encodings == ["zstd", "gzip", "gzip"]
        _, observed, *_ = subject.seen
        assert [request[:2] for request in observed.requests] == [("encoding", 400), ("ok", 200), ("ok", 200)]

    async def test_upstream_61_down_to_identity(self):
        subject, server = upstream(415, 415, 200)
        await subject.send(parcel(), 0.0)
        assert server.encodings == ["zstd", "gzip", "identity"]

    async def test_an_envelope_that_no_encoding_helps_is_refused(self):
        subject, server = upstream(400)
        with pytest.raises(Refused) as caught:
            await subject.send(parcel(), 0.0)
        assert caught.value.reason is reasons.UPSTREAM_REJECTED
        assert server.encodings == ["zstd", "gzip", "identity"]

    async def test_a_bad_envelope_after_a_good_one_is_sent_once(self):
        subject, server = upstream(200, 400)
        await subject.send(parcel(), 0.0)
        with pytest.raises(Refused):
            await subject.send(parcel(), 0.0)
        assert server.encodings == ["zstd", "zstd"]
        subject.came_back()
        with pytest.raises(Refused):
            await subject.send(parcel(), 0.0)
        assert server.encodings[2:] == ["zstd", "gzip", "identity"]

    @pytest.mark.parametrize("encoding", ["identity", "gzip", "br", "zstd"])
    async def test_each_encoding_can_be_read(self, encoding):
        subject, server = upstream(encoding=encoding)
        await subject.send(parcel("hello"), 0.0)
        assert server.encodings == [encoding]
        assert server.envelope[1][0].payload == b'{"message":"hello"}'

    async def test_deflate_is_zlib_data(self):
        subject, server = upstream(encoding="deflate")
        await subject.send(parcel(), 0.0)
        assert zlib.decompress(server.requests[0][1]).endswith(b'{"message":"0"}\n')

    async def test_no_fallback_if_so_wished(self):
        subject, server = upstream(415, encoding_fallback=False)
        with pytest.raises(Refused):
            await subject.send(parcel(), 0.0)
        assert server.encodings == ["zstd"]


async def test_other_options_hold_for_the_next_request():
    subject, server = upstream()
    await subject.send(parcel(), 0.0)
    subject.reconfigure(UpstreamOptions(encoding="gzip", host_header="other"))
    await subject.send(parcel(), 0.0)
    assert server.encodings == ["zstd", "gzip"]
    assert server.headers["Host"] == "other"


async def test_what_was_learnt_of_encodings_outlives_other_changes():
    subject, server = upstream(400, 200)
    await subject.send(parcel(), 0.0)
    subject.reconfigure(UpstreamOptions(timeout_s=9.0))
    await subject.send(parcel(), 0.0)
    assert server.encodings == ["zstd", "gzip", "gzip"]
    assert server.requests[-1][2] == 10.0


def test_closing_closes_the_pool():
    subject, server = upstream()
    subject.close()
    assert server.closed
    assert "zstd" in repr(subject)


class TestCalls:
    async def test_other_requests_go_the_same_way(self):
        subject, server = upstream(204, path_prefix="/relay")
        answer, took_s = await subject.call("capabilities", "POST", "/api/x/", "X-Y: 1\r\n", b"body", work_s=2.5)
        assert (answer.status, took_s) == (204, 0.0)
        assert server.head.startswith("POST /relay/api/x/ HTTP/1.1\r\nHost: sentry.example:8443\r\n")
        assert server.headers["X-Y"] == "1"
        assert server.requests[-1][1:] == (b"body", 8.5)

    async def test_an_answer_that_offers_batches_is_told(self):
        subject, _ = upstream(reply(200, x_scrubjay_batch="1"), 200)
        offers = []
        subject.on_batch_offer = lambda: offers.append(1)
        await subject.send(parcel(), 0.0)
        await subject.send(parcel(), 0.0)
        assert offers == [1]

    async def test_limits_and_denials_that_came_another_way(self):
        subject, _ = upstream()
        subject.learn(parcel(), "60:error:key:mine")
        subject.deny(parcel(), 403)
        _, _, limits, denied = subject.seen
        assert [(key, learnt[0].reason) for key, learnt in limits] == [(KEY, "mine")]
        assert denied == [KEY]

    async def test_a_relay_that_is_told_to_stop_keeps_what_it_has(self):
        stop = reply(403, body=b'{"relay": "stop"}')
        subject, _ = upstream(stop, 403, stop)
        told = []
        subject.on_stop = told.append
        with pytest.raises(Transient) as caught:
            await subject.send(parcel(), 0.0)
        assert (caught.value.network, caught.value.capped, caught.value.status) == (False, False, 403)
        assert (subject.seen[3], len(told)) == ([], 1)
        with pytest.raises(Refused):
            await subject.send(parcel(), 0.0)
        subject.on_stop = None
        with pytest.raises(Refused):
            await subject.send(parcel(), 0.0)
        assert (subject.seen[3], len(told)) == ([KEY, KEY], 1)

    @pytest.mark.parametrize(("status", "denied"), [(401, [KEY]), (403, [])])
    async def test_403_to_what_came_from_a_page_says_nothing_of_the_key(self, status, denied):
        subject, _ = upstream(status)
        with pytest.raises(Refused):
            await subject.send(parcel(origin="https://evil.example/"), 0.0)
        assert subject.seen[3] == denied

    async def test_a_time_at_the_edge_of_the_calendar_stays(self):
        subject, server = upstream()
        await subject.send(parcel(header=b'{"sent_at":"9999-12-31T23:59:59.9Z"}'), 3600.0)
        assert server.envelope[0]["sent_at"] == "9999-12-31T23:59:59.9Z"
