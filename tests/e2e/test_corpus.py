"""Every recorded envelope and store body through a running relay: each arrives once, nothing is touched without need.

The recorder behind the relay knows which request carried what by the client's `User-Agent`, which the relay passes on and
which is made unique here. OTLP and CSP bodies have endpoints of their own and are not part of this.
"""

import gzip
import http.client
import json
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brotli
import pytest

from support.daemon import Account, Daemon
from support.recorder import Delivery, WireItem, read_envelope, recording

CORPUS = Path(__file__).parents[1] / "support" / "corpus"
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


@dataclass(frozen=True)
class Recorded:
    """One request of the corpus."""

    name: str
    target: str
    headers: dict[str, str]
    encoding: str | None
    body: bytes

    @property
    def user_agent(self) -> str:
        return f"corpus/{self.name}"

    @property
    def is_store(self) -> bool:
        return "/store/" in self.target

    def items(self) -> list[WireItem]:
        """What the server has to get: a store body is an envelope with this one event."""
        return [WireItem({"type": "event"}, self.body)] if self.is_store else read_envelope(self.body)[1]

    def header(self) -> dict[str, Any]:
        return {} if self.is_store else read_envelope(self.body)[0]


def recorded() -> list[Recorded]:
    rows = [json.loads(line) for line in (CORPUS / "index.jsonl").read_text().splitlines()]
    return [
        Recorded(
            row["file"],
            row["target"],
            {name: value for name, value in row["headers"] if name.lower() not in NOT_SENT},
            row["content_encoding"],
            (CORPUS / row["file"]).read_bytes(),
        )
        for row in rows
        if row["format"] == "envelope" or row["kind"] == "store"
    ]


def send(port: int, request: Recorded) -> int:
    """The request as its client made it: path, headers, encoding, chunked or not. The status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    body = ENCODERS[request.encoding](request.body)
    chunked = any(name.lower() == "transfer-encoding" for name in request.headers)
    headers = {**request.headers, "User-Agent": request.user_agent}
    try:
        parts = iter([body[:1000], body[1000:]]) if len(body) > 1000 else iter([body])
        connection.request("POST", request.target, parts if chunked else body, headers, encode_chunked=chunked)
        return connection.getresponse().status
    finally:
        connection.close()


@dataclass(frozen=True)
class Passage:
    """The whole corpus, gone through one relay."""

    requests: list[Recorded]
    statuses: dict[str, int]
    deliveries: dict[str, list[Delivery]]
    """By `User-Agent`."""
    account: Account
    status_account: dict[str, dict[str, int]]
    """What `scrubjay status` says, by category."""

    def arrived(self, request: Recorded) -> tuple[dict[str, Any], list[WireItem]]:
        return self.deliveries[request.user_agent][0].envelope()

    def items(self) -> list[tuple[str, WireItem, WireItem]]:
        """Name of the request, item as sent, item as it arrived."""
        found = []
        for request in self.requests:
            sent, arrived = request.items(), self.arrived(request)[1]
            assert [item.headers["type"] for item in arrived] == [item.headers["type"] for item in sent], request.name
            found += [(request.name, before, after) for before, after in zip(sent, arrived, strict=True)]
        return found


def pass_through(mode: str, folder: Path) -> Passage:
    """Send the corpus through a relay in `mode`, wait until it holds nothing, stop it."""
    requests = recorded()
    with recording() as upstream:
        relay = Daemon(folder / "relay", mode=mode, upstream=upstream.url)
        try:
            relay.start()
            statuses = {request.name: send(relay.port, request) for request in requests}
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
        request.user_agent: 1 for request in passage.requests
    }
    for request in passage.requests:
        delivery = passage.deliveries[request.user_agent][0]
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
    types = Counter(item.headers["type"] for request in passage.requests for item in request.items())
    received = passage.account.received
    assert received["error"] == types["event"]
    assert received["transaction"] == types["transaction"]
    assert received["monitor"] == types["check_in"]
    assert received["attachment_item"] == types["attachment"]
    assert received["attachment"] == sum(
        len(item.payload)
        for request in passage.requests
        for item in request.items()
        if item.headers["type"] == "attachment"
    )


def test_envelope_headers_survive(passage: Passage) -> None:
    for request in passage.requests:
        header, _ = passage.arrived(request)
        kept = {name: value for name, value in request.header().items() if name not in REWRITTEN}
        assert {name: header.get(name) for name in kept} == kept, request.name
        assert ("sent_at" in header) == ("sent_at" in request.header()), request.name


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
    """The user of the recorded shop gave it in feedback and as user; it is gone, wherever it stood."""
    assert any(USER in before.payload for _, before, _ in passage.items())
    assert [name for name, _, after in passage.items() if USER in after.payload] == []


def as_document(payload: bytes) -> Any:
    """The payload as JSON, None if it is none; numbers as written, so that `1.0` and `1` are told apart."""
    try:
        return json.loads(payload, parse_float=str)
    except ValueError:
        return None
