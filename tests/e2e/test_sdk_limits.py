"""Real SDKs behind limits: they stop for as long as they are told to, for what they are told, and everybody's numbers are right.

Whatever an application made either arrived, or stands in a report at the server: `ratelimit_backoff` of the SDK for what it held back,
the limit's reason of the relay for what it refused.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
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
SECONDS = (3, 12, 48)
"""How long a limit lasts: for a machine that cannot do all that has to happen meanwhile, longer."""
HELD_BACK = 3


@dataclass(frozen=True)
class Case:
    """`command` makes what is limited, in `category`; `other` something that is not.

    Either the relay limits by `quota`, or the server by its answer to the first envelope: `status`, and `limits` after the seconds.
    """

    command: str
    category: str
    other: str
    reason: str
    quota: Mapping[str, Any] | None = None
    status: int = 200
    limits: str = ""
    allowed: int = 0
    """How many of them come through before the limit is reached."""

    def quotas(self, seconds: int) -> list[dict[str, Any]]:
        return [] if self.quota is None else [{"window": seconds, **self.quota}]

    def answer(self, seconds: int) -> tuple[int, dict[str, str]] | None:
        if self.limits:
            return self.status, {"X-Sentry-Rate-Limits": f"{seconds}:{self.limits}"}
        return None if self.status == 200 else (self.status, {"Retry-After": str(seconds)})


BURST = {"id": "e", "scope": "key", "categories": ["error"], "limit": 2, "reasonCode": "burst"}
CASES = {
    "own quota": Case("error", "error", "transaction", "burst", BURST, allowed=2),
    "server, errors": Case("error", "error", "log", "busy", status=429, limits="error:key:busy"),
    "server, attachments": Case("attachment", "attachment", "error", "bytes", limits="attachment:key:bytes"),
    "server, logs": Case("log", "log_item", "error", "chatty", limits="log_item;log_byte:project:chatty"),
    "server, transactions": Case("transaction", "transaction", "error", "traces", limits="transaction:key:traces"),
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
    daemons: Callable[..., Daemon], server: Recorder, quotas: list[dict[str, Any]], *, reports: str = "passthrough"
) -> Daemon:
    relay = daemons(
        upstream=server.url,
        options={"outcomes": {"aggregator": {"initial_delay": 0.3}}, "client_reports": {"mode": reports}},
        projects={"default.yaml": {"config": {"quotas": quotas}}},
    )
    relay.start()
    return relay


def wait_for_window(window_s: int) -> float:
    """Until one has just begun, so that it does not end in the middle of the test; when that was."""
    time.sleep(window_s - time.time() % window_s + 0.05)
    return time.monotonic() - time.time() % window_s


def in_time(attempt: Callable[[int], bool]) -> None:
    """Tries with a limit that lasts for longer, if the machine was too slow for a short one: `attempt` takes seconds, and is false then."""
    assert any(map(attempt, SECONDS)), "too slow to tell"


def told(relay: Daemon) -> str:
    """What a client learns now."""
    answer = post(relay.port, "/api/1/envelope/", PROBE)
    assert answer.status == 200
    return answer.headers.get("x-sentry-rate-limits", "")


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_an_sdk_stops_and_goes_on(case: Case, sdk: str, daemons: Callable[..., Daemon], tmp_path: Path) -> None:
    in_time(lambda seconds: stops_and_goes_on(case, sdk, daemons, tmp_path, seconds))


def stops_and_goes_on(case: Case, sdk: str, daemons: Callable[..., Daemon], folder: Path, seconds: int) -> bool:
    category, (other, *_) = case.category, MAKES[case.other]
    answer = case.answer(seconds)
    with recording() as server:
        relay = limited_relay(daemons, server, case.quotas(seconds))
        with running(sdk, folder, relay.dsn()) as app:
            if answer is None:
                app.do(case.other)
                limited_mono = wait_for_window(seconds)
            else:
                limited_mono = time.monotonic()

            def is_over() -> bool:
                return time.monotonic() - limited_mono >= seconds

            if answer is not None:
                server.script.append(answer)
                app.do(case.command if case.status == 429 else case.other)
                wait_for(lambda: told(relay) or is_over(), "the relay has learnt the limit")
            app.do(case.command, case.allowed + 1)
            told_mono = time.monotonic()  # at the latest: the time that it was given runs from the answer
            before = relay.account().received[category]
            app.do(case.command, HELD_BACK)
            after = relay.account().received[category]
            if is_over():
                return False
            assert after == before, "it sends although it was told not to"
            others = relay.account().received[other]  # some may be on their way to the server still
            left_s = math.ceil(told_mono + seconds - time.monotonic())  # it is told once more, in whole seconds
            app.do(case.other)
            free_mono = max(told_mono + seconds, time.monotonic() + left_s)
            wait_for(lambda: arrived(server)[other] == others + 1, "other things flow")
            time.sleep(max(0.0, free_mono + 0.3 - time.monotonic()))
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
    return True


@pytest.mark.parametrize("reports", ["passthrough", "merge"])
@pytest.mark.parametrize("sdk", SDKS)
def test_an_sdk_learns_what_is_never_wanted_before_it_sends_any(
    sdk: str, reports: str, daemons: Callable[..., Daemon], tmp_path: Path
) -> None:
    """A quota of nothing is told with the first answer, so no transaction ever leaves the application."""
    quota = {"scope": "project", "categories": ["transaction"], "limit": 0, "reasonCode": "off"}
    with recording() as server:
        relay = limited_relay(daemons, server, [quota], reports=reports)
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
    in_time(lambda seconds: everything_stops(sdk, daemons, tmp_path, seconds))


def everything_stops(sdk: str, daemons: Callable[..., Daemon], folder: Path, seconds: int) -> bool:
    with recording() as server:
        relay = limited_relay(daemons, server, [])
        with running(sdk, folder, relay.dsn()) as app:
            limited_mono = time.monotonic()

            def is_over() -> bool:
                return time.monotonic() - limited_mono >= seconds

            server.script.append((429, {"Retry-After": str(seconds)}))
            app.do("error")
            wait_for(lambda: told(relay) or is_over(), "the relay has learnt the limit")
            app.do("error")
            told_mono = time.monotonic()
            before = relay.account().received
            app.do("transaction")
            app.do("log")
            after, reports = relay.account().received, reported(server)
            if is_over():
                return False
            assert (after["transaction"], after["log_item"]) == (before["transaction"], before["log_item"]) == (0, 0)
            assert reports == Counter(), "reports wait"
            time.sleep(max(0.0, told_mono + seconds + 0.3 - time.monotonic()))
            app.do("error")
            wait_for(lambda: arrived(server)["error"] == 1, "it sends again")
            app.do("close")
        relay.wait_until_empty()
        assert relay.stop() == 0
        assert reported(server)["rate_limited_events", "generic", "error"] == 1
    return True
