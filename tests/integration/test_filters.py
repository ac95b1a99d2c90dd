"""Filters of a running worker: whose address counts, and what goes for all projects (`decisions.md` 7.2, 7.3)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.relay import E, K, Relay, relay

EVENT = b'{"event_id":"%b"}\n{"type":"event"}\n{"logger":"noise"}' % E.encode()


QUIET = EVENT.replace(b"noise", b"quiet")


async def falls(own: Relay, headers: Mapping[str, str] | None = None) -> bool:
    """Whether the noisy event does not arrive: a quiet one that was sent after it is the next to do so."""
    assert (await own.env(EVENT, headers)).status == 200
    assert (await own.env(QUIET, {"X-Forwarded-For": "10.9.9.9"})).status == 200
    return b"quiet" in (await own.forwarded()).body


def shop(**config: Any) -> dict[str, Any]:
    return {
        "7.yaml": {"publicKeys": [{"publicKey": K}], "config": {"scrubjay": {"scrub": {"profile": "parity"}}, **config}}
    }


@pytest.mark.parametrize(
    ("trusted", "headers", "expected"),
    [
        (None, {"X-Forwarded-For": "1.2.3.4, 10.0.0.1"}, True),
        (None, {"X-Forwarded-For": "10.0.0.1, 1.2.3.4"}, False),
        (None, {"X-Sentry-Forwarded-For": "1.2.3.4", "X-Forwarded-For": "10.0.0.1"}, True),
        (None, {"CF-Connecting-IP": "10.0.0.1", "X-Sentry-Forwarded-For": "1.2.3.4"}, False),
        (None, {}, False),
        (["127.0.0.0/8"], {"X-Forwarded-For": "1.2.3.4"}, True),
        (["10.0.0.0/8"], {"X-Forwarded-For": "1.2.3.4"}, False),
    ],
)
async def test_whose_address_counts_decisions_107(
    tmp_path: Path, trusted: list[str] | None, headers: dict[str, str], expected: bool
) -> None:
    projects = shop(filterSettings={"clientIps": {"blacklistedIps": ["1.2.3.0/24"]}})
    options = {} if trusted is None else {"relay": {"trusted_proxies": trusted}}
    async with relay(tmp_path, mode="static", options=options, projects=projects) as own:
        assert await falls(own, headers) is expected


async def test_the_peer_without_a_chain(tmp_path: Path) -> None:
    projects = shop(filterSettings={"clientIps": {"blacklistedIps": ["127.0.0.1"]}})
    async with relay(tmp_path, mode="static", projects=projects) as own:
        assert await falls(own)


async def test_a_filter_for_all_projects(tmp_path: Path) -> None:
    condition = {"op": "eq", "name": "event.logger", "value": "noise"}
    filters = {"version": 1, "filters": [{"id": "noise", "isEnabled": True, "condition": condition}]}
    (tmp_path / "global_config.json").write_text(json.dumps({"filters": filters}))
    async with relay(tmp_path, mode="static", projects=shop()) as own:
        assert await falls(own)
