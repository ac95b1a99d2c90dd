"""Real SDKs behind limits: they stop for as long as they are told to, for what they are told, and everybody's numbers are right.

Whatever an application made either arrived, or stands in a report at the server: `ratelimit_backoff` of the SDK for what it held back,
the limit's reason of the relay for what it refused.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.daemon import Daemon
from support.http_client import post
from support.obedient import SDKS, running
from support.processes import wait_for
from support.recorder import Delivery, Recorder, recording

CATEGORIES = {"event": "error", "transaction": "transaction", "log": "log_item", "attachment": "attachment"}
"""By item type."""
MAKES = {"error": ["error"], "transaction": ["transaction"], "log": ["log_item"], "attachment": ["error", "attachment"]}
"""By command of the application."""
IN_BYTES = {("relay", "attachment"), ("python", "attachment")}
"""Whose reports count which category in bytes, of which each item here has 100."""
PROBE = b'{}\n{"type":"probe"}\nx\n'
WINDOW_S = 4
HELD_BACK = 3


@dataclass(frozen=True)
class Case:
    """`command` makes what is limited, in `category`; `other` something that is not.

    Either the relay limits by `quotas`, or the server by its `answer` to the first envelope.
    """

    command: str
    category: str
    other: str
    reason: str
    seconds: float
    quotas: tuple[dict[str, Any], ...] = ()
    answer: tuple[int, dict[str, str]] | None = None
    allowed: int = 0
    """How many of them come through before the limit is reached."""

    @property
    def refused_by_server(self) -> int:
        return int(self.answer is not None and self.answer[0] == 429)


OWN_WINDOW = Case(
    "error",
    "error",
    "transaction",
    "burst",
    WINDOW_S,
    quotas=(
        {"id": "e", "scope": "key", "categories": ["error"], "limit": 2, "window": WINDOW_S, "reasonCode": "burst"},
    ),
    allowed=2,
)
CASES = {
    "own quota": OWN_WINDOW,
    "server, errors": Case(
        "error", "error", "log", "busy", 3, answer=(429, {"X-Sentry-Rate-Limits": "3:error:key:busy"})
    ),
    "server, attachments": Case(
        "attachment",
        "attachment",
        "error",
        "bytes",
        3,
        answer=(200, {"X-Sentry-Rate-Limits": "3:attachment:key:bytes"}),
    ),
    "server, logs": Case(
        "log",
        "log_item",
        "error",
        "chatty",
        3,
        answer=(200, {"X-Sentry-Rate-Limits": "3:log_item;log_byte:project:chatty"}),
    ),
    "server, transactions": Case(
        "transaction",
        "transaction",
        "error",
        "traces",
        3,
        answer=(200, {"X-Sentry-Rate-Limits": "3:transaction:key:traces"}),
    ),
}


def arrived(server: Recorder) -> Counter[str]:
    """What the server took, by category; of attachments the number."""
    return items_of(delivery for delivery in server.deliveries if delivery.status == 200)


def items_of(deliveries: Iterable[Delivery]) -> Counter[str]:
    found: Counter[str] = Counter()
    for delivery in deliveries:
        for item in delivery.envelope()[1]:
            kind = item.headers["type"]
            found[CATEGORIES.get(kind, kind)] += item.headers.get("item_count", 1)
    return found


def reported(server: Recorder) -> Counter[tuple[str, str, str]]:
    """All reports at the server, summed: (section, reason, category) → quantity."""
    found: Counter[tuple[str, str, str]] = Counter()
    for delivery in server.deliveries:
        for item in delivery.envelope()[1]:
            if item.headers["type"] == "client_report" and delivery.status == 200:
                for section, lines in json.loads(item.payload).items():
                    for line in lines if isinstance(lines, list) else ():
                        found[section, line["reason"], line["category"]] += line["quantity"]
    return found


def limited_relay(
    daemons: Callable[..., Daemon], server: Recorder, case: Case, *, reports: str = "passthrough"
) -> Daemon:
    relay = daemons(
        upstream=server.url,
        options={"outcomes": {"aggregator": {"initial_delay": 0.3}}, "client_reports": {"mode": reports}},
        projects={"default.yaml": {"config": {"quotas": list(case.quotas)}}},
    )
    relay.start()
    return relay


def wait_for_window() -> None:
    """Until one has just begun, so that it does not end in the middle of the test."""
    time.sleep(WINDOW_S - time.time() % WINDOW_S + 0.05)


def told(relay: Daemon) -> str:
    """What a client learns now."""
    answer = post(relay.port, "/api/1/envelope/", PROBE)
    assert answer.status == 200
    return answer.headers.get("x-sentry-rate-limits", "")


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_an_sdk_stops_and_goes_on(case: Case, sdk: str, daemons: Callable[..., Daemon], tmp_path: Path) -> None:
    category, (other, *_) = case.category, MAKES[case.other]
    with recording() as server:
        relay = limited_relay(daemons, server, case)
        with running(sdk, tmp_path, relay.dsn()) as app:
            if case.answer is None:
                app.do(case.other)
                wait_for_window()
            else:
                server.script.append(case.answer)
                app.do(case.command if case.refused_by_server else case.other)
                wait_for(lambda: told(relay), "the relay has learnt the limit")
            limited_mono = time.monotonic()
            app.do(case.command, case.allowed + 1)
            told_mono = time.monotonic()  # at the latest: the time that it was given runs from the answer
            before = relay.account().received[category]
            app.do(case.command, HELD_BACK)
            assert relay.account().received[category] == before, "it sends although it was told not to"
            assert time.monotonic() - limited_mono < case.seconds, "too slow to tell"
            others = relay.account().received[other]  # some may be on their way to the server still
            app.do(case.other)
            wait_for(lambda: arrived(server)[other] == others + 1, "other things flow")
            time.sleep(max(0.0, told_mono + case.seconds + 0.3 - time.monotonic()))
            taken = arrived(server)[category]
            app.do(case.command)
            wait_for(lambda: arrived(server)[category] == taken + 1, "it sends again")
            app.do("close")
        relay.wait_until_empty()
        assert relay.stop() == 0
    numbers = reported(server)
    held_back = numbers["discarded_events", "ratelimit_backoff", category] // (
        100 if (sdk, category) in IN_BYTES else 1
    )
    refused = numbers["rate_limited_events", case.reason, category] // (100 if ("relay", category) in IN_BYTES else 1)
    assert (held_back, refused) == (HELD_BACK, 1)
    made = sum(category in MAKES.get(command, ()) for command in app.done)
    assert made == arrived(server)[category] + items_of(server.refused)[category] + refused + held_back


@pytest.mark.parametrize("reports", ["passthrough", "merge"])
@pytest.mark.parametrize("sdk", SDKS)
def test_an_sdk_learns_what_is_never_wanted_before_it_sends_any(
    sdk: str, reports: str, daemons: Callable[..., Daemon], tmp_path: Path
) -> None:
    """A quota of nothing is told with the first answer, so no transaction ever leaves the application."""
    quota = {"scope": "project", "categories": ["transaction"], "limit": 0, "reasonCode": "off"}
    with recording() as server:
        case = Case("transaction", "transaction", "error", "off", 60, quotas=(quota,))
        relay = limited_relay(daemons, server, case, reports=reports)
        with running(sdk, tmp_path, relay.dsn()) as app:
            app.do("error")
            app.do("transaction", HELD_BACK)
            app.do("error")
            app.do("close")
        account = relay.wait_until_empty()
        assert relay.stop() == 0
        assert account.received["transaction"] == 0
        assert account.forwarded["error"] == 2
        numbers = reported(server)
        assert numbers["discarded_events", "ratelimit_backoff", "transaction"] == HELD_BACK
        assert not [line for line in numbers if line[0] == "rate_limited_events"]
        sender = "scrubjay/" if reports == "merge" else "sentry."
        assert [told for told in server.deliveries if b"ratelimit_backoff" in told.body and sender in told.sender]


@pytest.mark.parametrize("sdk", SDKS)
def test_a_server_that_refuses_everything_stops_everything(
    sdk: str, daemons: Callable[..., Daemon], tmp_path: Path
) -> None:
    """429 with `Retry-After` alone; the relay's own report waits for its end."""
    case = Case("error", "error", "log", "generic", 3, answer=(429, {"Retry-After": "3"}))
    with recording() as server:
        relay = limited_relay(daemons, server, case)
        with running(sdk, tmp_path, relay.dsn()) as app:
            assert case.answer is not None
            server.script.append(case.answer)
            app.do("error")
            wait_for(lambda: told(relay), "the relay has learnt the limit")
            limited_mono = time.monotonic()
            app.do("error")
            before = relay.account().received
            app.do("transaction")
            app.do("log")
            after = relay.account().received
            assert time.monotonic() - limited_mono < case.seconds, "too slow to tell"
            assert (after["transaction"], after["log_item"]) == (before["transaction"], before["log_item"]) == (0, 0)
            assert reported(server) == Counter(), "reports wait"
            time.sleep(max(0.0, limited_mono + case.seconds + 0.3 - time.monotonic()))
            app.do("error")
            wait_for(lambda: arrived(server)["error"] == 1, "it sends again")
            app.do("close")
        relay.wait_until_empty()
        assert relay.stop() == 0
        assert reported(server)["rate_limited_events", "generic", "error"] == 1
