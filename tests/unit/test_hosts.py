"""How a host is written before a port."""

from __future__ import annotations

import pytest

from scrubjay.hosts import url_host


@pytest.mark.parametrize(
    ("host", "written"), [("::1", "[::1]"), ("127.0.0.1", "127.0.0.1"), ("sentry.example", "sentry.example")]
)
def test_only_addresses_with_colons_stand_in_brackets(host: str, written: str) -> None:
    assert url_host(host) == written
