"""The path as a whole, stage by stage, without a loop: what is kept, what is lost and why, what the client is told."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from scrubjay import reasons
from scrubjay.categories import DataCategory
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.limits import ActiveLimit, Scoping
from scrubjay.core.plan import pass_plan
from scrubjay.errors import BadRequest, Denied, TooLarge, Unavailable
from scrubjay.settings.limits import Limits
from scrubjay.settings.schema import Settings
from support.path import EVENT, EVENT_ID, KEY, Accounts, Path, Plans, envelope, payloads

CLEAN = '{"message":"all is well"}'


def proxy(**ports: Any) -> Path:
    return Path(None, plans=Plans({"*": pass_plan(Settings())}), **ports)


def headers(body: bytes) -> dict[str, Any]:
    return json.loads(body.split(b"\n", 1)[0])


# What leaves


def test_event_leaves_scrubbed() -> None:
    path = Path()
    verdict = path.send(envelope(("event", EVENT)))
    assert (verdict.status, verdict.event_id) == (200, EVENT_ID)
    (payload,) = payloads(path.forwarded)
    assert b"4242424242424242" not in payload
    assert b"ana@lab.example" not in payload
    assert b"_meta" in payload
    assert path.closes()


def test_what_is_clean_leaves_byte_for_byte() -> None:
    path = Path()
    path.send(envelope(("event", '{ "message" : "all is well" }')))
    assert payloads(path.forwarded) == [b'{ "message" : "all is well" }']


def test_proxy_looks_at_nothing() -> None:
    path = proxy()
    items = (("event", "{broken"), ("attachment", b"\x00\xff"), ("whatever", b"4242424242424242"))
    path.send(envelope(*items))
    assert payloads(path.forwarded) == [b"{broken", b"\x00\xff", b"4242424242424242"]
    assert path.closes()


def test_parcel_carries_what_the_upstream_needs() -> None:
    path = proxy()
    path.send(
        envelope(("event", CLEAN)),
        origin="https://shop.example/cart?token=1",
        user_agent="agent/1",
        client_ip="127.0.0.1",
        forwarded_for="203.0.113.9, 127.0.0.1",
        client_hints={"sec_ch_ua": "x"},
    )
    (parcel,) = path.shelf.parcels
    assert (parcel.key, parcel.project_id, parcel.client, parcel.version) == (KEY, 7, "demo/1.0", 7)
    assert parcel.forwarded_for == "203.0.113.9, 127.0.0.1"
    assert parcel.item_types == ("event",)
    head = headers(parcel.body)
    assert head["forwarded_for"] == "203.0.113.9, 127.0.0.1"
    assert head["remote_addr"] == "127.0.0.1"
    assert head["origin"] == "https://shop.example/cart?token=1"
    assert head["client_hints"] == {"sec_ch_ua": "x"}


def test_scrubbing_plan_hides_the_client_address_and_the_query_of_its_origin() -> None:
    path = Path()
    path.send(
        envelope(("event", CLEAN), header='{"forwarded_for":"192.0.2.1"}'),
        origin="https://shop.example/cart?token=1#x",
        client_ip="127.0.0.1",
        forwarded_for="203.0.113.9",
    )
    (parcel,) = path.shelf.parcels
    assert parcel.forwarded_for is None
    assert parcel.origin == "https://shop.example/cart"
    assert not {"forwarded_for", "remote_addr"} & headers(parcel.body).keys()


def test_facts_of_a_relay_before_us_win_only_where_they_are_trusted() -> None:
    """ingest-118"""
    body = envelope(("event", CLEAN), header='{"forwarded_for":"192.0.2.1","client":"other/2","version":7}')
    trusting, wary = proxy(), proxy(trusts_facts=False)
    for path in (trusting, wary):
        path.send(body, forwarded_for="203.0.113.9")
    assert headers(trusting.forwarded)["forwarded_for"] == "192.0.2.1"
    assert trusting.shelf.parcels[0].client == "other/2"
    assert headers(wary.forwarded)["forwarded_for"] == "203.0.113.9"
    assert headers(wary.forwarded)["client"] == "demo/1.0"


def test_privacy_switches_leave_agent_and_origin_out() -> None:
    base = Settings()
    settings = replace(base, privacy=replace(base.privacy, send_user_agent=False, send_origin=False))
    path = Path(settings=settings)
    path.send(
        envelope(("event", CLEAN)), origin="https://a.example/", user_agent="agent/1", client_hints={"sec_ch_ua": "x"}
    )
    assert not {"origin", "user_agent", "client_hints"} & headers(path.forwarded).keys()


def test_event_without_id_gets_one_that_is_told_and_sent() -> None:
    """ingest-45"""
    path = Path()
    verdict = path.send(envelope(("event", CLEAN), header="{}"))
    assert verdict.event_id == headers(path.forwarded)["event_id"]
    assert verdict.event_id is not None
    assert len(verdict.event_id) == 32


def test_envelope_without_items_is_fine_and_goes_nowhere() -> None:
    """ingest-43, ingest-44"""
    path = Path(None)
    assert path.send(b"{}").event_id is None
    assert path.send(b'{"event_id":"%s"}' % EVENT_ID.encode()).event_id == EVENT_ID
    assert not path.shelf.parcels


# Whose it is


def test_dsn_in_the_envelope_authenticates_and_wins() -> None:
    """ingest-27, ingest-28"""
    path = Path()
    path.send(envelope(("session", "{}"), header='{"dsn":"http://%s@relay.local/9"}' % KEY), project=99, auth=False)
    (parcel,) = path.shelf.parcels
    assert (parcel.key, parcel.project_id) == (KEY, 9)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"dsn":"nonsense"}\n', b"no json"])
def test_no_readable_key_is_401(body: bytes) -> None:
    """ingest-29"""
    path = Path()
    with pytest.raises(Denied) as caught:
        path.send(body, auth=False)
    assert caught.value.status == 401
    assert caught.value.causes


def test_route_without_project_needs_a_key_that_names_one() -> None:
    """ingest-91"""
    path = Path()
    with pytest.raises(BadRequest):
        path.send(envelope(("event", CLEAN)), project=None)
    assert isinstance(path.ports.plans, Plans)
    path.ports.plans.projects[KEY] = 12
    path.send(envelope(("event", CLEAN)), project=None)
    assert path.shelf.parcels[0].project_id == 12


@pytest.mark.parametrize(
    ("project", "reason", "why"),
    [
        (None, "project_id", "No plan for this key"),
        ("disabled: true", "project_id", "The project is switched off"),
        ("projectId: 8", "project_id", "The key is another project's"),
        ("publicKeys: [{publicKey: %s, isEnabled: false}]" % KEY, "project_id", "The key is switched off"),
        ("config: {allowedDomains: [shop.example]}", "cors", "`allowedDomains`"),
    ],
)
def test_project_that_refuses_books_each_item(project: str | None, reason: str, why: str) -> None:
    """upstream-26, upstream-29, upstream-30"""
    path = Path(project)
    with pytest.raises(Denied, match=why) as caught:
        path.send(envelope(("event", CLEAN), ("session", "{}")), origin="https://evil.example/")
    assert caught.value.status == 403
    assert path.account.lost() == [("event", reason, ""), ("session", reason, "")]
    assert path.closes()


def test_a_key_that_the_server_denied_for_one_project_is_served_for_another() -> None:
    path = Path()
    assert isinstance(path.ports.plans, Plans)
    path.ports.plans.denied.add((KEY, 999))
    with pytest.raises(Denied, match="The server refused this key") as caught:
        path.send(envelope(("event", CLEAN)), project=999)
    assert caught.value.status == 403
    assert path.account.lost() == [("event", "upstream_denied", "")]
    path.send(envelope(("event", CLEAN)), project=7)
    assert [parcel.project_id for parcel in path.shelf.parcels] == [7]


def test_project_id_may_be_overridden() -> None:
    """decisions-46"""
    path = Path("projectId: 8", overrides_project_ids=True)
    path.send(envelope(("event", CLEAN)))
    assert path.shelf.parcels[0].project_id == 8


def test_request_without_origin_passes_any_list() -> None:
    """decisions-47"""
    path = Path("config: {allowedDomains: []}")
    assert path.send(envelope(("event", CLEAN))).status == 200


# Room


@pytest.mark.parametrize(("ports", "reason"), [({"has_memory": lambda: False}, "out_of_memory"), ({}, "queue_failed")])
def test_no_room_is_503_and_says_when_to_come_back(ports: dict[str, Any], reason: str) -> None:
    path = Path(**ports)
    path.shelf.room = bool(ports)
    with pytest.raises(Unavailable) as caught:
        path.send(envelope(("event", CLEAN)))
    assert caught.value.retry_after_s is not None
    assert 5 <= caught.value.retry_after_s <= 60
    assert path.account.lost() == [("event", reason, "")]


def test_outbox_that_fails_after_all_books_what_it_did_not_take() -> None:
    path = Path()
    path.shelf.error = Unavailable(reasons.QUEUE_FAILED)
    with pytest.raises(Unavailable):
        path.send(envelope(("event", CLEAN)))
    assert path.account.lost() == [("event", "queue_failed", "")]
    assert path.closes()


def test_bug_is_booked_and_stays_a_bug() -> None:
    path = Path()
    path.shelf.error = RuntimeError("boom")
    with pytest.raises(RuntimeError):
        path.send(envelope(("event", CLEAN)))
    assert path.account.lost() == [("event", "internal", "")]


# Decisions


def test_unknown_items_are_removed_only_if_configured() -> None:
    """ingest-75"""
    path = proxy(accepts_unknown=False)
    weird = '"type":"attachment","attachment_type":"weird"'
    path.send(envelope(("mystery", "{}"), ("attachment", "a"), (weird, "b")))
    assert payloads(path.forwarded) == [b"a"]
    nothing_left = proxy(accepts_unknown=False)
    assert nothing_left.send(envelope(("mystery", "{}"))).status == 200
    assert nothing_left.account.lost() == [("unknown", "unknown_item", "")]


def test_limit_known_takes_the_event_with_what_rides_on_it() -> None:
    """ingest-81, decisions-29"""
    path = proxy()
    path.ports.limits.learn(Scoping(KEY, 7), [limit("error")], 1000.0)
    verdict = path.send(envelope(("event", CLEAN), ("attachment", "abc"), ("session", "{}")))
    assert (verdict.status, verdict.retry_after_s) == (429, 60)
    assert verdict.rate_limits == "60:error:key:e"
    assert payloads(path.forwarded) == [b"{}"]
    assert path.account.lost() == [("event", "e", "upstream"), ("attachment", "e", "upstream")]
    assert path.closes()


def test_limit_hides_where_the_endpoint_says_so() -> None:
    """ingest-82"""
    path = proxy()
    path.ports.limits.learn(Scoping(KEY, 7), [limit("error")], 1000.0)
    verdict = path.send(envelope(("event", CLEAN)), hides_limits=True)
    assert (verdict.status, verdict.rate_limits) == (200, None)


def test_limits_come_before_sizes() -> None:
    """ingest-83"""
    path = proxy(bounds=Limits(max_event_size=10))
    with pytest.raises(TooLarge):
        path.send(envelope(("event", CLEAN)))
    path.ports.limits.learn(Scoping(KEY, 7), [limit("error")], 1000.0)
    assert path.send(envelope(("event", CLEAN))).status == 429


def test_200_names_the_limits_in_force() -> None:
    path = proxy()
    path.ports.limits.learn(Scoping(KEY, 7), [limit("transaction")], 1000.0)
    verdict = path.send(envelope(("event", CLEAN)))
    assert (verdict.status, verdict.retry_after_s) == (200, None)
    assert verdict.rate_limits == "60:transaction;span:key:e"
    quiet = proxy(bounds=Limits(advertise_on_200=False))
    quiet.ports.limits.learn(Scoping(KEY, 7), [limit("transaction")], 1000.0)
    assert quiet.send(envelope(("event", CLEAN))).rate_limits is None


def test_counted_quota_answers_the_request_that_trips_it_and_is_remembered() -> None:
    """decisions-17, decisions-31"""
    path = Path("config: {quotas: [{id: q, scope: key, categories: [error], limit: 2, window: 60, reasonCode: spent}]}")
    statuses = [path.send(envelope(("event", CLEAN))).status for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    assert path.account.lost() == [("event", "spent", "q"), ("event", "spent", "q")]
    assert path.account.bookings[-1].stage == "gate"
    assert path.closes()


def test_zero_quota_counts_the_spans_inside_a_transaction() -> None:
    """decisions-12"""
    path = Path("config: {quotas: [{limit: 0, categories: [transaction], reasonCode: r}]}")
    path.send(envelope(("transaction", '{"spans":[{},{}]}')))
    (booking,) = path.account.bookings
    assert dict(booking.quantities)[DataCategory.SPAN] == 3
    assert path.closes()


def test_crash_report_stays_as_event_but_not_as_attachment() -> None:
    """decisions-32"""
    path = proxy()
    path.ports.limits.learn(Scoping(KEY, 7), [limit("attachment")], 1000.0)
    verdict = path.send(envelope(('"type":"attachment","attachment_type":"event.minidump"', "MDMP")))
    assert verdict.status == 200
    (item,) = parse_envelope(path.forwarded).items
    assert item.headers["rate_limited"] is True
    assert path.closes()


def test_filter_takes_the_event_and_its_attachment() -> None:
    path = Path('config: {filterSettings: {errorMessages: {patterns: ["*well*"]}}}')
    assert path.send(envelope(("event", CLEAN), ("attachment", "x"), ("session", "{}"))).status == 200
    assert [(kind, reason) for kind, reason, _ in path.account.lost()] == [
        ("event", "error-message"),
        ("attachment", "error-message"),
    ]
    assert path.closes()


def test_sampling_drops_whole_and_in_part() -> None:
    rules = "{id: 3100, applies: [error], rate: 0, protect: false}, {id: 3101, applies: [log_item], rate: 0.5}"
    path = Path("config: {scrubjay: {sampling: [%s]}}" % rules)
    records = [
        {"timestamp": number, "trace_id": "0" * 32, "level": "info", "body": str(number)} for number in range(40)
    ]
    logs = json.dumps({"version": 2, "items": records})
    kind = '"type":"log","item_count":40,"content_type":"application/vnd.sentry.items.log+json"'
    path.send(envelope(("event", CLEAN), (kind, logs)))
    (item,) = parse_envelope(path.forwarded).items
    kept = json.loads(bytes(item.payload))["items"]
    assert 0 < len(kept) < 40
    assert item.headers["item_count"] == len(kept)
    assert [reason for _, reason, _ in path.account.lost()] == ["sample_rate", "sample_rate"]
    assert path.closes()


def test_accepted_envelopes_count_with_their_items_as_they_came() -> None:
    path = Path("config: {quotas: [{limit: 0, categories: [attachment], scope: key, reasonCode: r}]}")
    path.send(envelope(("event", EVENT), ("mystery", "{}")))
    assert path.account.accepts == [["event", ""]]
    assert path.send(envelope(("event", EVENT), ("attachment", "x"))).status == 429
    path.ports.bounds = Limits(max_event_size=1)
    with pytest.raises(TooLarge):
        path.send(envelope(("event", EVENT)))
    assert len(path.account.accepts) == 1


def limit(category: str) -> ActiveLimit:
    return ActiveLimit("key", frozenset({DataCategory.parse(category)}), 1060.0, "e")


def test_accounts_notice_what_is_missing() -> None:
    """The support code itself: an account that lacks a booking does not close."""
    accounts = Accounts()
    accounts.received("event", ((DataCategory.ERROR, 1),))
    assert not accounts.closes_with()


@pytest.mark.parametrize("dsn", [f"http://{KEY}@h/8", f"http://{'f' * 32}@h/7", "nonsense"])
def test_dsn_that_contradicts_the_request_is_400(dsn: str) -> None:
    """ingest-30"""
    path = Path()
    with pytest.raises(BadRequest):
        path.send(envelope(("event", CLEAN), header=json.dumps({"dsn": dsn})))
    assert not path.account.came
