"""Every recorded envelope and store body through a running relay: each arrives once, nothing is touched without need.

The recorder behind the relay knows which request carried what by the client's `User-Agent`, which the relay passes on and
which is made unique here. OTLP and CSP bodies have endpoints of their own and are not part of this.
"""

import gzip
import http.client
import json
import uuid
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brotli
import pytest

from support.corpus import Recorded, recorded
from support.daemon import Account, Daemon
from support.recorder import Delivery, WireItem, read_envelope, recording

ENCODERS: dict[str | None, Callable[[bytes], bytes]] = {
    None: bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
}
NOT_SENT = {"host", "content-length", "connection", "user-agent"}
USER = b"jane@example.com"
REWRITTEN = {"sent_at", "dsn"}
"""Members of an envelope's header that a relay changes on purpose: the time by which it waited, the next server's address."""


def user_agent(request: Recorded) -> str:
    """What tells one request's delivery from all others."""
    return f"corpus/{request.file}"


def sent_items(request: Recorded) -> list[WireItem]:
    """What the server has to get: a store body is an envelope with this one event."""
    return [WireItem({"type": "event"}, request.body)] if is_store(request) else read_envelope(request.body)[1]


def sent_header(request: Recorded) -> dict[str, Any]:
    return {} if is_store(request) else read_envelope(request.body)[0]


def is_store(request: Recorded) -> bool:
    return "/store/" in request.target


def send(port: int, request: Recorded) -> int:
    """The request as its client made it: path, headers, encoding, chunked or not. The status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    body = ENCODERS[request.content_encoding](request.body)
    headers = {name: value for name, value in request.headers if name.lower() not in NOT_SENT}
    headers["User-Agent"] = user_agent(request)
    chunked = any(name.lower() == "transfer-encoding" for name in headers)
    try:
        parts = iter([body[:1000], body[1000:]]) if len(body) > 1000 else iter([body])
        connection.request("POST", request.target, parts if chunked else body, headers, encode_chunked=chunked)
        return connection.getresponse().status
    finally:
        connection.close()


@dataclass(frozen=True)
class Passage:
    """The whole corpus, gone through one relay."""

    requests: tuple[Recorded, ...]
    statuses: dict[str, int]
    deliveries: dict[str, list[Delivery]]
    """By `User-Agent`."""
    account: Account
    status_account: dict[str, dict[str, int]]
    """What `scrubjay status` says, by category."""

    def arrived(self, request: Recorded) -> tuple[dict[str, Any], list[WireItem]]:
        return self.deliveries[user_agent(request)][0].envelope()

    def items(self) -> list[tuple[str, WireItem, WireItem]]:
        """Name of the request, item as sent, item as it arrived."""
        found = []
        for request in self.requests:
            sent, arrived = sent_items(request), self.arrived(request)[1]
            assert [item.headers["type"] for item in arrived] == [item.headers["type"] for item in sent], request.file
            found += [(request.file, before, after) for before, after in zip(sent, arrived, strict=True)]
        return found


def pass_through(mode: str, folder: Path) -> Passage:
    """Send the corpus through a relay in `mode`, wait until it holds nothing, stop it."""
    requests = recorded("envelope", "store")
    with recording() as upstream:
        relay = Daemon(folder / "relay", mode=mode, upstream=upstream.url)
        try:
            relay.start()
            statuses = {request.file: send(relay.port, request) for request in requests}
            account = relay.wait_until_empty()
            assert relay.stop() == 0, relay.log
            state = relay.run("status", "--json")
        finally:
            relay.close()
        deliveries: dict[str, list[Delivery]] = {}
        for delivery in upstream.deliveries:
            deliveries.setdefault(delivery.headers.get("user-agent", ""), []).append(delivery)
    return Passage(requests, statuses, deliveries, account, json.loads(state.stdout)["account"])


@pytest.fixture(scope="module", params=["proxy", "static"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def passage(mode: str, tmp_path_factory: pytest.TempPathFactory) -> Passage:
    return pass_through(mode, tmp_path_factory.mktemp("corpus"))


def test_each_arrives_exactly_once(passage: Passage) -> None:
    assert len(passage.requests) > 190
    assert {name: status for name, status in passage.statuses.items() if status != 200} == {}
    assert {agent: len(deliveries) for agent, deliveries in passage.deliveries.items()} == {
        user_agent(request): 1 for request in passage.requests
    }
    for request in passage.requests:
        delivery = passage.deliveries[user_agent(request)][0]
        assert delivery.path == "/api/1/envelope/"
        assert "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4" in delivery.headers["x-sentry-auth"]


def test_account_closes(passage: Passage) -> None:
    assert passage.account.closed, passage.account
    assert passage.account.unaccounted == 0
    assert passage.account.dropped == {}
    assert passage.account.forwarded == passage.account.received
    for category, balance in passage.status_account.items():
        assert balance["received"] == balance["forwarded"] == passage.account.received[category]
        assert balance["dropped"] == balance["held"] == balance["open"] == 0


def test_received_quantities_are_those_of_the_corpus(passage: Passage) -> None:
    """Counted here from the item types alone, so that an account that closes on nothing cannot pass."""
    types = Counter(item.headers["type"] for request in passage.requests for item in sent_items(request))
    received = passage.account.received
    assert received["error"] == types["event"]
    assert received["transaction"] == types["transaction"]
    assert received["monitor"] == types["check_in"]
    assert received["attachment_item"] == types["attachment"]
    assert received["attachment"] == sum(
        len(item.payload)
        for request in passage.requests
        for item in sent_items(request)
        if item.headers["type"] == "attachment"
    )


def test_envelope_headers_survive(passage: Passage) -> None:
    for request in passage.requests:
        header, _ = passage.arrived(request)
        kept = {name: value for name, value in sent_header(request).items() if name not in REWRITTEN}
        if "event_id" in kept:
            kept["event_id"] = uuid.UUID(kept["event_id"]).hex  # sentry-cli sends it with dashes
        assert {name: header.get(name) for name in kept} == kept, request.file
        assert ("sent_at" in header) == ("sent_at" in sent_header(request)), request.file


def test_item_headers_survive(passage: Passage) -> None:
    for name, before, after in passage.items():
        expected = {"content_type": "application/json"} if "store" in name else {}
        expected |= {key: value for key, value in before.headers.items() if key != "length"}
        assert {key: after.headers.get(key) for key in expected} == expected, name
        assert after.headers.get("length") == len(after.payload), name


@pytest.mark.parametrize("mode", ["proxy"], indirect=True)
def test_proxy_touches_no_payload(passage: Passage) -> None:
    for name, before, after in passage.items():
        assert after.payload == before.payload, name


@pytest.mark.parametrize("mode", ["static"], indirect=True)
def test_static_rewrites_only_what_it_changes(passage: Passage) -> None:
    """A payload whose content is the same as before has the same bytes; what is no document keeps its bytes anyway."""
    same, changed = 0, 0
    for name, before, after in passage.items():
        if (document := as_document(before.payload)) is None:
            continue
        if as_document(after.payload) == document:
            assert after.payload == before.payload, f"{name} was written anew without need"
            same += 1
        else:
            changed += 1
    assert same > 60
    assert changed > 20


@pytest.mark.parametrize("mode", ["static"], indirect=True)
def test_static_removes_the_users_address(passage: Passage) -> None:
    """Gone wherever it stood but in feedback, where the user typed it to be contacted (class false in scrubbing.md 5.4)."""
    held = {before.headers["type"] for _, before, _ in passage.items() if USER in before.payload}
    assert held == {"feedback", "user_report"}
    assert {after.headers["type"] for _, _, after in passage.items() if USER in after.payload} == {"feedback"}


def as_document(payload: bytes) -> Any:
    """The payload as JSON, None if it is none; numbers as written, so that `1.0` and `1` are told apart."""
    try:
        return json.loads(payload, parse_float=str)
    except ValueError:
        return None
