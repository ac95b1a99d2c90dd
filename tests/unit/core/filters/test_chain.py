"""The filters in their order, and containers (`decisions.md` 7.1)."""

import json

import pytest
from msgspec import msgpack

from scrubjay import reasons
from scrubjay.categories import DataCategory as C
from scrubjay.core.filters.chain import facts_of
from scrubjay.core.items.partial import Dropped, Thinned
from support.filtering import asks, compiled, container, record, why, why_event
from support.items import make_item

BY_RELEASE = Dropped(reasons.RELEASE_VERSION, "releases")

ALL = {
    "generic": {
        "version": 1,
        "filters": [{"id": "old", "isEnabled": True, "condition": {"op": "eq", "name": "event.dist", "value": "old"}}],
    },
    "csp": {"disallowedSources": ["ads.io"]},
    "clientIps": {"blacklistedIps": ["1.2.3.4"]},
    "releases": {"releases": ["1.*"]},
    "errorMessages": {"patterns": ["*boom*"]},
    "localhost": {"isEnabled": True},
    "browserExtensions": {"isEnabled": True},
    "legacyBrowsers": {"isEnabled": True, "options": ["default"]},
    "webCrawlers": {"isEnabled": True},
    "ignoreTransactions": {"isEnabled": True, "patterns": ["*"]},
}
OLD_ROBOT = "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0; meta-x)"

STEPS = [
    ("old", {"dist": "old"}),
    ("ip-address", {}),
    ("release-version", {"release": "1.0"}),
    ("error-message", {"message": "boom"}),
    ("localhost", {"user": {"ip_address": "::1"}}),
    ("browser-extensions", {"exception": {"values": [{"value": "conduitPage"}]}}),
    ("legacy-browsers", asks(OLD_ROBOT)),
    ("web-crawlers", asks("Googlebot")),
    ("filtered-transaction", {"type": "transaction", "transaction": "/"}),
]


def test_the_first_in_the_order_gives_the_reason_decisions_108() -> None:
    filters = compiled(**dict(reversed(ALL.items())))
    event: dict[str, object] = {}
    for reason, members in reversed(STEPS):
        event |= members
        client_ip = None if reason not in ("old", "ip-address") else "1.2.3.4"
        assert why(filters, make_item("event", event), client_ip) == reason
    report = {"csp": {"blocked_uri": "https://ads.io"}, "release": "1.0"}
    assert why(filters, make_item("event", report), "1.2.3.4") == "invalid-csp"
    assert why(filters, make_item("event", report | {"dist": "old"}), "1.2.3.4") == "old"


def test_releases_come_before_crawlers_decisions_108() -> None:
    filters = compiled(webCrawlers={"isEnabled": True}, releases={"releases": ["1.*"]})
    event = asks("Googlebot") | {"release": "1.0"}
    assert filters.match(make_item("event", event)) == (BY_RELEASE,)
    assert repr(filters) == "<Filters releases, webCrawlers>"


@pytest.mark.parametrize("item_type", ["log", "span", "trace_metric"])
def test_records_are_judged_one_by_one(item_type: str) -> None:
    release = [{"body": "x", "attributes": {"sentry.release": {"value": value}}} for value in ("1.0", "2.0", "1.1", 5)]
    records = [*release, {"attributes": None}, 7]
    kept = [json.dumps(records[position], separators=(",", ":")) for position in (1, 3, 4, 5)]
    payload = json.dumps({"items": records, "version": 2}, separators=(",", ":")).encode()
    item = make_item(item_type, payload, item_count=6)
    (ruling,) = compiled(releases={"releases": ["1.*"]}).match(item)
    assert isinstance(ruling, Thinned)
    assert ruling.payload == f'{{"items":[{",".join(kept)}],"version":2}}'.encode()
    assert (ruling.item_count, ruling.reason, ruling.origin) == (4, reasons.RELEASE_VERSION, "releases")
    assert ruling.dropped[0][1] == 2
    assert compiled(releases={"releases": ["3.*"]}).match(item) == ()


def test_each_record_falls_for_its_own_reason() -> None:
    old, local, robot, good = (
        record(sentry__release="1.0", sentry__is_localhost=True),
        record(sentry__is_localhost=True),
        record(user_agent__original="Googlebot"),
        record(),
    )
    filters = compiled(**ALL)
    item = container("log", robot, old, good, local, old)
    first, second, third = filters.match(item)
    assert isinstance(first, Thinned)
    assert isinstance(second, Thinned)
    assert isinstance(third, Thinned)
    assert [(r.reason.code, r.item_count) for r in (first, second, third)] == [
        ("web-crawlers", 4), ("release-version", 2), ("localhost", 1)
    ]  # fmt: skip
    assert json.loads(third.payload) == {"items": [good]}
    fallen = [dict(ruling.dropped) for ruling in (first, second, third)]
    assert [lost[C.LOG_ITEM] for lost in fallen] == [1, 2, 1]
    assert sum(lost[C.LOG_BYTE] for lost in fallen) == len(item.payload) - len(third.payload)


def test_a_container_of_which_nothing_is_left_falls_whole() -> None:
    filters = compiled(**ALL)
    same = container("log", record(sentry__release="1.0"), record(sentry__release="1.1"))
    assert filters.match(same) == (BY_RELEASE,)
    thinned, last = filters.match(container("log", record(sentry__is_localhost=True), record(sentry__release="1.1")))
    assert isinstance(thinned, Thinned)
    assert (thinned.reason, thinned.item_count) == (reasons.LOCALHOST, 1)
    assert last == BY_RELEASE


def test_the_event_of_a_film() -> None:
    video = msgpack.encode({"replay_event": json.dumps(asks("Googlebot")).encode(), "replay_recording": b"", "x": 1})
    filters = compiled(**ALL)
    assert why(filters, make_item("replay_video", video)) == "web-crawlers"
    assert why(filters, make_item("replay_video", video[:-5])) is None
    assert why(filters, make_item("replay_video", msgpack.encode({"replay_event": 5}))) is None


def test_what_no_filter_is_about() -> None:
    filters = compiled(errorMessages={"patterns": ["*"]})
    for item_type in ("session", "profile", "check_in", "attachment", "replay_event", "galaxy"):
        assert why_event(filters, {"message": "x"}, item_type) is None


def test_facts_name_their_item() -> None:
    assert repr(facts_of(make_item("event", {}))) == "<EventFacts of <Item event of 2 bytes>>"
