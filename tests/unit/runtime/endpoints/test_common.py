"""Facts of a request (ingest.md 7.3); reading bodies is in the integration tests."""

import pytest
from multidict import CIMultiDict

from scrubjay.runtime.endpoints.common import chain_reader, client_hints, visible


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        (" a/1 ", "a/1"),
        ("a\tb\x7f", "ab"),
        ("ü".encode().decode("utf-8", "surrogateescape"), "ü"),
        (b"\xff!".decode("utf-8", "surrogateescape"), "\ufffd!"),
    ],
)
def test_visible(value: str | None, expected: str | None) -> None:
    assert visible(value) == expected


def test_client_hints() -> None:
    assert client_hints({}) == {}
    headers = CIMultiDict({"sec-ch-ua": '"A";v="1"', "sec-ch-ua-model": "", "sec-ch-ua-platform-version": "6"})
    assert client_hints(headers) == {"sec_ch_ua": '"A";v="1"', "sec_ch_ua_platform_version": "6"}


CHAIN = {
    "none": ({}, "127.0.0.1", "127.0.0.1"),
    "first that is not empty": (
        {"CF-Connecting-IP": "", "X-Vercel-Forwarded-For": "1.1.1.1", "X-Forwarded-For": "2.2.2.2"},
        "9.9.9.9",
        "1.1.1.1, 9.9.9.9",
    ),
    "order": ({"X-Forwarded-For": "2.2.2.2", "X-Sentry-Forwarded-For": "3.3.3.3"}, "9.9.9.9", "3.3.3.3, 9.9.9.9"),
    "text as it is": ({"X-Forwarded-For": "unknown, 2.2.2.2"}, "9.9.9.9", "unknown, 2.2.2.2, 9.9.9.9"),
    "no peer": ({"X-Forwarded-For": "2.2.2.2"}, None, "2.2.2.2"),
    "nothing": ({}, None, None),
}


@pytest.mark.parametrize(("headers", "peer", "expected"), CHAIN.values(), ids=CHAIN.keys())
def test_chain(headers: dict[str, str], peer: str | None, expected: str | None) -> None:
    """ingest-117"""
    assert chain_reader(None)(CIMultiDict(headers), peer) == expected


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("10.1.2.3", True),
        ("192.0.2.7", True),
        ("11.0.0.1", False),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::1", False),
        ("odd", False),
    ],
)
def test_chain_of_trusted_peers_only(peer: str, trusted: bool) -> None:
    chain = chain_reader(["10.0.0.0/8", "192.0.2.7"])({"X-Forwarded-For": "1.1.1.1"}, peer)
    assert chain == (f"1.1.1.1, {peer}" if trusted else peer)
