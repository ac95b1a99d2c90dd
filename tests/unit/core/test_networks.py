"""Addresses and networks as rules write them: `decisions.md` 6.1, 7.3."""

from ipaddress import ip_address

import pytest

from scrubjay.core.networks import compile_networks, first_address, parse_address


@pytest.mark.parametrize(
    ("entry", "address", "held"),
    [
        ("10.0.0.0/8", "10.9.9.9", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.1.2.3/8", "10.200.0.1", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.4", False),
        ("2001:db8::/32", "2001:db8:1::1", True),
        ("2001:DB8::1", "2001:db8::1", True),
        ("10.0.0.0/8", "::ffff:10.0.0.1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", False),
        ("0.0.0.0/0", "::1", False),
    ],
)
def test_networks_hold_addresses(entry: str, address: str, held: bool) -> None:
    problems: list[str] = []
    assert compile_networks([entry], problems)(ip_address(address)) is held
    assert problems == []


@pytest.mark.parametrize("broken", ["", "bad", "10.0.0.0/33", "10.0.0", "010.0.0.1", "10.0.0.1 "])
def test_broken_entries_are_skipped(broken: str) -> None:
    problems: list[str] = []
    holds = compile_networks([broken, "127.0.0.1"], problems)
    assert problems == [f"{broken!r} is no address and no network; it is skipped"]
    assert holds(ip_address("127.0.0.1"))
    assert not holds(ip_address("10.0.0.1"))


def test_addresses_are_parsed() -> None:
    assert parse_address("10.9.9.9") == ip_address("10.9.9.9")
    assert parse_address("::1") == ip_address("::1")
    for text in ("", "{{auto}}", "10.9.9.9:80", "١.1.1.1"):
        assert parse_address(text) is None


@pytest.mark.parametrize(
    ("chain", "address"),
    [("1.2.3.4, 10.0.0.1", "1.2.3.4"), (" ::1 ", "::1"), ("unknown, 10.0.0.1", None), ("", None), (None, None)],
)
def test_the_client_is_the_first_of_a_chain(chain: str | None, address: str | None) -> None:
    assert first_address(chain) == (None if address is None else ip_address(address))


def test_problems_may_go_unheard() -> None:
    assert not compile_networks(["bad"])(ip_address("::1"))
