"""A worker that other relays report outcomes to, with real signatures, and what the server learns of it."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scrubjay.core.signatures import sign
from scrubjay.settings.keys import encode
from support.batch_client import Identity, gateway_options, identity
from support.raw_http import Answer
from support.relay import Relay, relay

pytestmark = pytest.mark.asyncio
PATH = "/api/0/relays/outcomes/"
SENDER = identity()
FIRST, SECOND, OFF = "a" * 32, "b" * 32, "c" * 32
PROJECTS = {
    "7.yaml": {
        "publicKeys": [
            {"publicKey": OFF, "numericId": 3, "isEnabled": False},
            {"publicKey": FIRST, "numericId": 1},
            {"publicKey": SECOND, "numericId": 2},
        ],
        "config": {},
    },
    "8.yaml": {"publicKeys": [{"publicKey": "d" * 32}], "disabled": True, "config": {}},
}
OPTIONS: dict[str, Any] = {
    **gateway_options(SENDER),
    "compat": {"outcomes_endpoint": True},
    "outcomes": {"aggregator": {"initial_delay": 0.05, "bucket_interval": 3600}},
}


def outcome(**members: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    facts = {"timestamp": now, "project_id": 7, "key_id": 2, "outcome": 2, "reason": "key_hourly", "category": 1}
    return {**facts, "quantity": 3, **members}


def report(*outcomes: Any) -> bytes:
    return json.dumps({"outcomes": outcomes}).encode()


def signed(body: bytes, sender: Identity = SENDER, at_unix: float | None = None) -> dict[str, str]:
    key = encode(sender.key.private_bytes_raw())
    return {
        "X-Sentry-Relay-Id": sender.id,
        "X-Sentry-Relay-Signature": sign(key, body, time.time() if at_unix is None else at_unix),
    }


async def post(one: Relay, body: bytes, headers: dict[str, str] | None = None) -> Answer:
    return await one.send("POST", PATH, body, {"Content-Type": "application/json", **(headers or {})})


async def told(one: Relay) -> tuple[str, dict[str, Any]]:
    """Key and contents of the next report that the server gets."""
    delivery = await one.forwarded()
    _, (item,) = delivery.envelope()
    assert item.headers["type"] == "client_report"
    key = next(key for key in (FIRST, SECOND) if key in delivery.sender)
    return key, json.loads(item.payload)


def ends(one: Relay) -> dict[str, float]:
    """Of what was reported, by reason."""
    lines = one.worker.books.chronicle.metrics().splitlines()
    counted = (line.rpartition(" ") for line in lines if line.startswith("scrubjay_outcomes_total{"))
    found = {name: float(value) for name, _, value in counted if 'category="unknown"' in name}
    return {
        why: sum(value for name, value in found.items() if f'"{why}"' in name) for why in ("merged", "untold_outcome")
    }


async def test_what_another_relay_dropped_reaches_the_server(tmp_path: Path) -> None:
    body = report(
        outcome(),
        outcome(quantity=4),
        outcome(outcome=1, reason="said jane@example.com", category=2, quantity=1),
        *(outcome(key_id=number) for number in (None, 3, 99)),  # no key, a disabled one, one that nobody knows
        outcome(project_id=9),
        outcome(project_id=8),
        outcome(outcome=0),
        "no outcome",
    )
    async with relay(tmp_path, mode="static", options=OPTIONS, projects=PROJECTS) as one:
        # It is the decoded body that is signed.
        answer = await post(one, gzip.compress(body), {**signed(body), "Content-Encoding": "gzip"})
        assert (answer.status, answer.json) == (202, {})
        reports = dict([await told(one), await told(one)])
        assert all(contents.pop("timestamp") % 3600 == 0 for contents in reports.values())
        line = {"reason": "key_hourly", "category": "error"}
        assert reports == {
            FIRST: {"discarded_events": [], "rate_limited_events": [{**line, "quantity": 9}]},
            SECOND: {
                "discarded_events": [],
                "rate_limited_events": [{**line, "quantity": 7}],
                "filtered_events": [{"reason": "", "category": "transaction", "quantity": 1}],
            },
        }
        async with asyncio.timeout(60):
            while any(balance.open for balance in one.worker.telemetry.account(one.worker._held()).values()):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert ends(one) == {"merged": 6, "untold_outcome": 4}


async def test_who_may_report_operations_42(tmp_path: Path) -> None:
    body, stranger = report(outcome()), Identity(SENDER.id, Ed25519PrivateKey.generate())
    async with relay(tmp_path, mode="static", options=OPTIONS, projects=PROJECTS) as one:
        for headers, word in (
            ({}, "header"),
            ({"X-Sentry-Relay-Id": "x"}, "relay id"),
            (signed(body, identity(2)), "relay id"),
            ({"X-Sentry-Relay-Id": SENDER.id}, "header"),
            ({**signed(body), "X-Sentry-Relay-Signature": "broken"}, "signature"),
            (signed(body, stranger), "signature"),
            (signed(b"{}"), "signature"),
            (signed(body, at_unix=time.time() - 3600), "signature"),
        ):
            answer = await post(one, body, headers)
            assert answer.status == 401
            assert word in str(answer.json)
        for wrong in (b"{}", b"[", b""):
            answer = await post(one, wrong, signed(wrong))
            assert answer.status == 400
            assert "JSON" in str(answer.json)
        large = b" " * (1024 * 1024 + 1)
        assert (await post(one, large, signed(large))).status == 413
        assert not len(one.worker._reports)
        assert ends(one) == {"merged": 0, "untold_outcome": 0}


@pytest.mark.parametrize("auth", [True, False])
async def test_an_external_relay_is_not_believed(tmp_path: Path, auth: bool) -> None:
    options = {**OPTIONS, **gateway_options(SENDER, internal=False, batch_require_auth=auth)}
    async with relay(tmp_path, mode="static", options=options, projects=PROJECTS) as one:
        body = report(outcome())
        assert (await post(one, body, signed(body))).status == 403
        assert (await post(one, body)).status == 401
        assert not len(one.worker._reports)


async def test_where_nothing_is_told_it_is_counted_and_by_default_there_is_no_such_route(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = report(outcome())
    options = {**OPTIONS, "outcomes": {"emit_outcomes": False}}
    async with relay(tmp_path / "off", mode="static", options=options, projects=PROJECTS) as one:
        assert (await post(one, body, signed(body))).status == 202
        assert ends(one) == {"merged": 0, "untold_outcome": 1}
    options = {**OPTIONS, "compat": {}}
    async with relay(tmp_path / "none", mode="static", options=options, projects=PROJECTS) as one:
        assert (await post(one, body, signed(body))).status == 404
        monkeypatch.setattr("scrubjay.runtime.worker.log.configure", lambda *_, **__: None)
        written = tmp_path / "none" / "scrubjay.yaml"
        written.write_text(yaml.safe_dump(yaml.safe_load(written.read_text()) | {"compat": OPTIONS["compat"]}))
        await one.worker.reload()
        assert (await post(one, body, signed(body))).status == 202
