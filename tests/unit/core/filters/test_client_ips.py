"""Filter `clientIps` (`decisions.md` 7.3)."""

import pytest

from scrubjay.core.filters.compile import compile_filters
from support.filtering import compiled, container, record, why
from support.items import make_item

FALLS = "ip-address"


def by_address(*entries: str):
    return compiled(clientIps={"blacklistedIps": list(entries)})


@pytest.mark.parametrize(
    ("entries", "client_ip", "reason"),
    [
        (["1.2.3.0/24"], "1.2.3.4", FALLS),
        (["1.2.3.4"], "1.2.3.4", FALLS),
        (["1.2.3.4/24"], "1.2.3.200", FALLS),
        (["1.2.3.0/24"], "1.2.4.4", None),
        (["1.2.3.0/24"], "::ffff:1.2.3.4", None),
        (["2001:db8::/32"], "2001:db8::1", FALLS),
        (["1.2.3.0/24"], None, None),
    ],
)
def test_client_ips_decisions_107(entries: list[str], client_ip: str | None, reason: str | None) -> None:
    assert why(by_address(*entries), make_item("event", {}), client_ip) == reason


def test_the_user_s_own_address_is_another_matter_decisions_107() -> None:
    item = make_item("event", {"user": {"ip_address": "1.2.3.4"}})
    assert why(by_address("1.2.3.0/24"), item, "10.0.0.1") is None


@pytest.mark.parametrize(
    "item_type",
    ["event", "transaction", "feedback", "security", "raw_security", "replay_event", "replay_video", "session",
     "sessions", "span", "log", "trace_metric", "profile", "profile_chunk"],
)  # fmt: skip
def test_any_item_is_sent_from_somewhere_even_if_it_cannot_be_read(item_type: str) -> None:
    assert why(by_address("1.2.3.4"), make_item(item_type, b"\x00junk"), "1.2.3.4") == FALLS


@pytest.mark.parametrize("item_type", ["log", "span", "trace_metric"])
def test_a_container_falls_whole(item_type: str) -> None:
    assert why(by_address("1.2.3.4"), container(item_type, record(), record()), "1.2.3.4") == FALLS


@pytest.mark.parametrize("item_type", ["check_in", "user_report", "attachment", "client_report", "metric_buckets", "x"])
def test_other_items_are_not_filtered(item_type: str) -> None:
    assert why(by_address("0.0.0.0/0"), make_item(item_type, {}), "1.2.3.4") is None


def test_bad_entries_are_skipped() -> None:
    filters, problems = compile_filters({"clientIps": {"blacklistedIps": ["bad", "1.2.3.4"]}})
    assert filters is not None
    assert why(filters, make_item("event", {}), "1.2.3.4") == FALLS
    assert problems == ["filterSettings.clientIps: 'bad' is no address and no network; it is skipped"]
