"""Whether an upstream is this relay itself (upstream-and-operations 2.6)."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from scrubjay.runtime.forwarding.origin import Origin
from scrubjay.runtime.forwarding.own_address import leads_here
from scrubjay.runtime.forwarding.resolving import Resolver


class Names(Resolver):
    def __init__(self, *addresses: str) -> None:
        super().__init__()
        self.entries = addresses

    async def addresses(self, host: str, port: int) -> Any:
        if not self.entries:
            raise socket.gaierror("no such name")
        return [
            (socket.AF_INET6, 1, 6, "", (entry, port, 0, 0)) if ":" in entry else (socket.AF_INET, 1, 6, "", (entry, port))
            for entry in self.entries
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("addresses", "port", "host", "own"),
    [
        (["127.0.0.1"], 3000, "127.0.0.1", True),
        (["192.0.2.1", "127.0.0.1"], 3000, "127.0.0.1", True),
        (["127.0.0.1"], 3001, "127.0.0.1", False),
        (["127.0.0.2"], 3000, "127.0.0.1", False),
        (["127.0.0.2"], 3000, "0.0.0.0", True),
        (["192.0.2.1"], 3000, "0.0.0.0", False),
        (["192.0.2.1"], 3000, "::", False),
        (["127.0.0.1"], 3000, "::", True),
        (["::1"], 3000, "0.0.0.0", False),
        (["2001:db8::1"], 3000, "::", False),
        (["::ffff:127.0.0.1"], 3000, "127.0.0.1", True),
        (["::ffff:127.0.0.1"], 3000, "0.0.0.0", True),
        (["::ffff:192.0.2.1"], 3000, "0.0.0.0", False),
        (["0.0.0.0"], 3000, "127.0.0.1", True),
        (["0.0.0.0"], 3000, "0.0.0.0", True),
        (["0.0.0.0"], 3000, "192.0.2.1", False),
        (["::"], 3000, "::1", True),
        ([], 3000, "0.0.0.0", False),
    ],
)
async def test_operations_74_a_name_of_our_own(addresses: list[str], port: int, host: str, own: bool) -> None:
    assert await leads_here(Origin("http", "sentry.example", port), host, 3000, Names(*addresses)) is own


async def test_a_real_name() -> None:
    assert await leads_here(Origin("http", "localhost", 3000), "0.0.0.0", 3000, Resolver())
