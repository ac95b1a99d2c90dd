"""What answers of the server mean for an envelope, for limits, and for an outage (upstream-and-operations 6.3 to 6.6)."""

import pytest

from scrubjay import reasons
from scrubjay.categories import DataCategory
from scrubjay.errors import Refused, Throttled, Transient
from scrubjay.runtime.forwarding.http_client import NoReply
from support.forwarding import KEY, parcel
from support.upstream_answers import reply, upstream


class TestAnswers:
    @pytest.mark.parametrize("status", [200, 201, 204, 299])
    async def test_2xx_is_done(self, status):
        subject, _ = upstream(status)
        await subject.send(parcel(), 0.0)
        assert subject.seen[1].requests == [("ok", status, "envelope", "")]

    @pytest.mark.parametrize("status", [301, 307, 404, 405, 422, 451])
    async def test_other_3xx_and_4xx_are_refused(self, status):
        subject, server = upstream(status)
        with pytest.raises(Refused) as caught:
            await subject.send(parcel(), 0.0)
        assert (caught.value.reason, caught.value.status) == (reasons.UPSTREAM_REJECTED, status)
        assert len(server.requests) == 1
        assert subject.seen[3] == []
        assert subject.seen[1].refusals == [(42, status, str(caught.value))]

    async def test_a_redirect_is_not_followed_but_named(self):
        subject, _ = upstream(reply(302, location="https://elsewhere/"))
        with pytest.raises(Refused, match="302 to https://elsewhere/"):
            await subject.send(parcel(), 0.0)

    @pytest.mark.parametrize("status", [401, 403])
    async def test_a_denied_key_is_told(self, status):
        subject, _ = upstream(status)
        with pytest.raises(Refused):
            await subject.send(parcel(), 0.0)
        assert subject.seen[3] == [KEY]

    async def test_upstream_65_413_is_too_large(self):
        subject, _ = upstream(413)
        with pytest.raises(Refused) as caught:
            await subject.send(parcel(), 0.0)
        assert caught.value.reason.code == "too_large"

    @pytest.mark.parametrize("status", [502, 503, 504])
    async def test_502_to_504_count_as_network_errors(self, status):
        subject, _ = upstream(status)
        with pytest.raises(Transient) as caught:
            await subject.send(parcel(), 0.0)
        assert (caught.value.network, caught.value.capped, caught.value.retry_after_s) == (True, False, None)

    @pytest.mark.parametrize(("status", "capped"), [(500, True), (501, True), (599, True), (408, False), (425, False)])
    async def test_upstream_62_other_errors_are_tried_again(self, status, capped):
        subject, _ = upstream(status)
        with pytest.raises(Transient) as caught:
            await subject.send(parcel(), 0.0)
        assert (caught.value.network, caught.value.capped) == (False, capped)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [("7", 7.0), ("6000", 600.0), ("Fri, 02 Jan 2026 03:05:10 GMT", 10.0), ("soon", None)],
    )
    async def test_retry_after_is_honoured_up_to_600_s(self, text, expected):
        subject, _ = upstream(reply(503, retry_after=text))
        with pytest.raises(Transient) as caught:
            await subject.send(parcel(), 0.0)
        assert caught.value.retry_after_s == expected

    @pytest.mark.parametrize("failure", ["connect", "tls", "timeout", "reset", "broken"])
    async def test_no_answer_is_a_network_error(self, failure):
        subject, _ = upstream(NoReply(failure, "why"))
        with pytest.raises(Transient, match=f"{failure}: why") as caught:
            await subject.send(parcel(), 0.0)
        assert caught.value.network
        assert subject.seen[1].requests == [(failure, None, "envelope", f"{failure}: why")]

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            (b'{"detail": "project  does\\nnot exist"}', "404 project does not exist"),
            (b"<h1>nothing here</h1>", "404 <h1>nothing here</h1>"),
            (b'{"detail": 5}', '404 {"detail": 5}'),
            (b"[]", "404 []"),
            (b"", "404"),
            (b"x" * 1000, ("404 " + "x" * 1000)[:200]),
        ],
    )
    async def test_what_the_server_said_is_kept_in_short(self, body, expected):
        subject, _ = upstream(reply(404, body))
        with pytest.raises(Refused) as caught:
            await subject.send(parcel(), 0.0)
        assert str(caught.value) == expected
        assert subject.seen[1].requests[0][3] == expected


class TestLimits:
    async def test_upstream_63_retry_after_alone_limits_the_key(self):
        subject, _ = upstream(reply(429, retry_after="5"))
        with pytest.raises(Throttled, match=r"^generic$"):
            await subject.send(parcel(), 0.0)
        ((key, (limit,)),) = subject.seen[2]
        assert (key, limit.categories, limit.until_mono, limit.reason) == (KEY, frozenset(), 1_005.0, "generic")

    async def test_upstream_64_all_header_lines_count(self):
        subject, _ = upstream(reply(429, x_sentry_rate_limits="60:error:key:a, 30:session:key"))
        with pytest.raises(Throttled, match=r"^a$"):
            await subject.send(parcel(), 0.0)
        ((_, limits),) = subject.seen[2]
        assert [limit.categories for limit in limits] == [{DataCategory.ERROR}, {DataCategory.SESSION}]

    async def test_the_reason_is_that_of_the_limit_that_took_it(self):
        subject, _ = upstream(reply(429, x_sentry_rate_limits="60:session:key:not_this, 60:error:key:this"))
        with pytest.raises(Throttled, match=r"^this$"):
            await subject.send(parcel(), 0.0)

    async def test_a_limit_may_have_no_reason(self):
        subject, _ = upstream(reply(429, x_sentry_rate_limits="60"))
        with pytest.raises(Throttled, match=r"^$"):
            await subject.send(parcel(), 0.0)

    async def test_a_bare_429_means_a_minute(self):
        subject, _ = upstream(429, bare_429_s=60)
        with pytest.raises(Throttled, match="generic"):
            await subject.send(parcel(), 0.0)
        assert subject.seen[2][0][1][0].until_mono == 1_060.0

    async def test_limits_are_capped(self):
        subject, _ = upstream(reply(429, retry_after="999999"), longest_limit_s=100)
        with pytest.raises(Throttled):
            await subject.send(parcel(), 0.0)
        assert subject.seen[2][0][1][0].until_mono == 1_100.0

    async def test_a_limit_of_no_time_is_none(self):
        subject, _ = upstream(reply(429, retry_after="0"))
        with pytest.raises(Throttled, match="generic"):
            await subject.send(parcel(), 0.0)
        assert subject.seen[2] == []

    async def test_2xx_may_name_limits_too(self):
        subject, _ = upstream(reply(200, x_sentry_rate_limits="86400:transaction;span:organization"))
        await subject.send(parcel(), 0.0)
        ((_, (limit,)),) = subject.seen[2]
        assert limit.categories == {DataCategory.TRANSACTION, DataCategory.SPAN}

    async def test_by_policy_the_parcel_is_kept_until_the_limit_ends(self):
        subject, _ = upstream(reply(429, x_sentry_rate_limits="60:error:key:a"), retries_throttled=True)
        with pytest.raises(Transient) as caught:
            await subject.send(parcel(), 0.0)
        assert (caught.value.retry_after_s, caught.value.network, caught.value.capped) == (60.0, False, False)

    @pytest.mark.parametrize(
        ("answer", "wait_s"),
        [
            (reply(429, x_sentry_rate_limits="60::key:a"), 60.0),
            (reply(429, retry_after="7"), 7.0),
            (reply(429, retry_after="0"), None),
        ],
    )
    async def test_client_reports_wait_for_the_end_of_the_limit(self, answer, wait_s):
        subject, _ = upstream(answer)
        with pytest.raises(Transient) as caught:
            await subject.send(parcel(item_types=("client_report",)), 0.0)
        assert (caught.value.retry_after_s, caught.value.network, caught.value.capped) == (wait_s, False, False)

    async def test_beside_other_items_they_go_with_them(self):
        subject, _ = upstream(reply(429, x_sentry_rate_limits="60::key:a"))
        with pytest.raises(Throttled):
            await subject.send(parcel(item_types=("client_report", "event")), 0.0)


class TestProbe:
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [(200, True), (404, True), (500, True), (502, False), (503, False), (NoReply("connect", "refused"), False)],
    )
    async def test_upstream_66_any_answer_but_a_proxys_will_do(self, answer, expected):
        subject, server = upstream(answer)
        assert await subject.probe() is expected
        assert server.head.startswith("GET /api/0/relays/live/ HTTP/1.1\r\n")
        assert subject.seen[1].requests[0][2] == "probe"
