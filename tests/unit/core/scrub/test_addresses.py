"""Addresses are found whole and nothing else is (scrubbing.md 14, G2); every span is one that the parser accepts."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrubjay.core.scrub.addresses import find_addresses, find_ipv6, parse

TAKEN = {
    "2001:db8::1": "#",
    "2001:db8:0:7::5 up": "# up",
    "::1": "#",
    "::1 ::2": "# #",
    "[2001:db8::1]:443": "[#]:443",
    "fe80::1%eth0": "#",
    "fe80::1%25eth0/x": "#/x",
    "fe80::1%": "#%",
    "fe80::1%eth0.": "#.",
    "ff02::fb%3,": "#,",
    "2001:db8::1%20x": "#%20x",
    "::ffff:192.0.2.1": "#",
    "::ffff:192.0.2.1.": "#.",
    "64:ff9b::203.0.113.9,": "#,",
    "1:2:3:4:5:6:192.0.2.1": "#",
    "2001:0db8:0000:0000:0000:ff00:0042:8329": "#",
    "peer2001:db8::5": "peer#",
    "_fe80::1": "_#",
    "éfe80::1": "é#",
    "host:2001:db8::1: refused": "host:#: refused",
    "2001:db8::/32": "#/32",
    "ends 2001:db8::1.": "ends #.",
    "a:b:c:d:e:f:1:2": "#",
}
LEFT = (
    "std::string", "Foo::Bad", "x::1", "ActiveRecord::Base", "a :: b", "dead::beef", "12:34:56", "00:1b:44:11:3a:b7", "12345::1",
    "::1x", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "g::1", "key: value", "::", "::ffff:192.0.2.1x",
)  # fmt: skip
TAKEN_V4 = {
    "192.0.2.44": "#",
    "x/192.0.2.1/24": "x/#/24",
    "192.0.2.1:443 and 001.002.003.004.": "#:443 and #.",
    "192.0.2.1,2001:db8::1": "#,#",
    "..192.0.2.1": "..#",
}
LEFT_V4 = ("1.2.3", "1.2.3.4.5", "v1.2.3.4", "256.0.2.1", "1.2.3.4x", "1.2.3.4_", "9.1.2.3.4")


def marked(text: str, *, v6_only: bool = False) -> str:
    data = text.encode()
    for [(start, end)] in reversed((find_ipv6 if v6_only else find_addresses)(data)):
        data = data[:start] + b"#" + data[end:]
    return data.decode()


@pytest.mark.parametrize(("text", "expected"), TAKEN.items(), ids=TAKEN)
def test_whole_addresses_are_found(text: str, expected: str) -> None:
    assert marked(text) == expected
    assert marked(text, v6_only=True) == expected


@pytest.mark.parametrize("text", LEFT)
def test_what_only_looks_like_one_is_left(text: str) -> None:
    assert marked(text, v6_only=True) == text


@pytest.mark.parametrize(("text", "expected"), TAKEN_V4.items(), ids=TAKEN_V4)
def test_both_kinds(text: str, expected: str) -> None:
    assert marked(text) == expected


@pytest.mark.parametrize("text", LEFT_V4)
def test_versions_and_longer_numbers_are_left(text: str) -> None:
    assert marked(text) == text


def test_version_4_is_not_version_6() -> None:
    assert not find_ipv6(b"192.0.2.1")
    assert not find_ipv6(b"at: 192.0.2.1")


@given(
    st.ip_addresses(), st.sampled_from(("", " ", "=", "[", "(", "'")), st.sampled_from(("", " ", "]", "/64", ",", ":"))
)
def test_every_address_is_found_in_every_context(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, before: str, after: str
) -> None:
    found = marked(before + str(address) + after)
    if any(character.isdigit() for character in str(address)) or str(address).strip(":").count(":") > 2:
        assert found == before + "#" + after


@given(st.text("0123456789abcdefg:.% _é", max_size=60))
def test_every_span_is_an_address(text: str) -> None:
    data = text.encode()
    for [(start, end)] in find_addresses(data):
        assert parse(data[start:end]) is not None


def test_parse() -> None:
    assert parse(b"001.002.003.000") == ipaddress.IPv4Address("1.2.3.0")
    assert parse(b"::ffff:010.0.0.1") == ipaddress.IPv6Address("::ffff:10.0.0.1")
    assert parse(b"fe80::1%a.b") == ipaddress.IPv6Address("fe80::1%a.b")
    assert parse(b"1.2.3") is None
    assert parse("é".encode()) is None
