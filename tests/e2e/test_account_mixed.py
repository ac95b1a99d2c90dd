"""The account under everything at once: each kind of item, filters, sampling, limits, outages, restarts, kills.

Three claims. In the relay's own numbers received = forwarded + dropped + held, per category and to the unit, whatever happened to the
process. What clients sent = what the server took + what reports told it, as long as no process was killed. And what was acknowledged and
nothing decided about arrives, always.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from support.daemon import KEY, Account, Daemon
from support.http_client import post
from support.mixed_load import PROJECT, MixedLoad, counted, lost_in
from support.processes import wait_for
from support.recorder import Delivery, Recorder, recording

CI_S, DEEP_S = 8.0, 300.0
LENGTHS = [CI_S, pytest.param(DEEP_S, marks=[pytest.mark.deep, pytest.mark.timeout(900)])]
Answer = tuple[int, dict[str, str]]
ANSWERS: tuple[Answer, ...] = (
    (429, {"X-Sentry-Rate-Limits": "1:replay:key:server_replays"}),
    (400, {}),
    (500, {}),
    (200, {"X-Sentry-Rate-Limits": "1:feedback:project:server_feedback"}),
)
NO_REFUSALS = tuple(answer for answer in ANSWERS if answer[0] != 400)
OPTIONS: dict[str, Any] = {
    "outcomes": {"aggregator": {"initial_delay": 0.5, "bucket_interval": 1}},
    "http": {"encoding_fallback": False},
}


def send(relay: Daemon, load: MixedLoad, seconds: float, acknowledged: set[str]) -> Counter[str]:
    """Sends for a while; what was answered 200 or 429 is the relay's to account for. All else were a fault here."""
    sent: Counter[str] = Counter()
    until_mono = time.monotonic() + seconds
    while time.monotonic() < until_mono:
        one = load.next()
        status = post(relay.port, "/api/1/envelope/", one.body).status
        assert status in (200, 429)
        sent += one.quantities
        if one.plain and status == 200:
            acknowledged.add(one.name)
    return sent


def taken_by(deliveries: Iterable[Delivery]) -> tuple[Counter[str], Counter[tuple[str, str, str]], set[str]]:
    """What the server counts: items it took or refused with 429; what it was told; and the names of all envelopes it looked at."""
    taken: Counter[str] = Counter()
    told: Counter[tuple[str, str, str]] = Counter()
    names: set[str] = set()
    for delivery in deliveries:
        if delivery.status == 503:
            continue
        header, items = delivery.envelope()
        if "event_id" in header:
            names.add(header["event_id"])
            taken += counted(items) if delivery.status in (200, 429) else Counter()
            continue
        # A report that is refused with 429 comes again. With 400 its numbers are lost, as the server wished.
        for item in items if delivery.status in (200, 400) else ():
            for section, lines in json.loads(item.payload).items():
                for line in lines if isinstance(lines, list) else ():
                    told[section, line["reason"], line["category"]] += line["quantity"]
    return taken, told, names


def trouble(server: Recorder, chance: random.Random, answers: Sequence[Answer] = ANSWERS) -> None:
    server.is_away = not server.is_away and chance.random() < 0.3
    server.script.extend(chance.choices(answers, k=2))


@pytest.mark.parametrize(("workers", "merges"), [(1, False), (2, True)])
@pytest.mark.parametrize("seconds", LENGTHS)
def test_everything_sent_was_taken_or_told(
    seconds: float, workers: int, merges: bool, daemons: Callable[..., Daemon]
) -> None:
    """decisions-115, over outages and restarts in order.

    A refused report is over where it came alone. Reports that share an envelope come again in parts, which a server that refuses without
    looking cannot tell from new ones, so that here it refuses none of them.
    """
    answers = NO_REFUSALS if merges else ANSWERS
    chance, load, acknowledged = random.Random(seconds), MixedLoad(1, KEY), set[str]()
    sent: Counter[str] = Counter()
    with recording() as server:
        http = {**OPTIONS["http"], "merge_containers": merges}
        options = {**OPTIONS, "http": http, "relay": {"workers": workers}}
        relay = daemons(upstream=server.url, options=options, projects={"default.yaml": PROJECT})
        relay.start()
        until_mono = time.monotonic() + seconds
        while time.monotonic() < until_mono:
            trouble(server, chance, answers)
            sent += send(relay, load, seconds / 16, acknowledged)
            if chance.random() < 0.2:
                assert relay.stop() == 0, relay.log
                relay.start()
        server.is_away = False
        server.script.clear()
        account = relay.wait_until_empty()
        assert relay.stop() == 0, relay.log
        relay.start()  # what was told at the very end is on disk
        after = relay.wait_until_empty()
        wait_for(lambda: not relay.account().held, "reports of the last process arrived")
        assert relay.stop() == 0, relay.log
    taken, told, names = taken_by(server.deliveries)
    assert account.closed, account
    assert after.closed, after
    assert acknowledged - names == set()
    lost = lost_in(told)
    wrong = {
        category: (sent[category], taken[category], lost[category])
        for category in sent.keys() - {"session", "unknown"}
        if sent[category] != taken[category] + lost[category]
    }
    assert not wrong, f"sent, taken, told: {wrong}"


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("seconds", LENGTHS)
def test_the_account_of_everything_closes_after_each_kill(
    seconds: float, workers: int, daemons: Callable[..., Daemon]
) -> None:
    chance, load, acknowledged = random.Random(seconds), MixedLoad(2, KEY), set[str]()
    kills = max(3, int(seconds / 15))
    with recording() as server:
        options = {**OPTIONS, "relay": {"workers": workers}}
        relay = daemons(upstream=server.url, options=options, projects={"default.yaml": PROJECT})
        seen = Account()
        for _ in range(kills):
            relay.start()
            no_counter_fell(seen, relay.account())
            trouble(server, chance)
            send(relay, load, seconds / kills, acknowledged)
            seen = relay.account()
            send(relay, load, 0.3, acknowledged)  # of which the state file may know nothing
            relay.kill()
        server.is_away = False
        server.script.clear()
        relay.start()
        no_counter_fell(seen, relay.account())
        account = relay.wait_until_empty()
        assert account.closed, account
        assert set(account.ended) >= {"forwarded", "filtered", "sampled", "rate_limited"}
        balances = relay.status()["account"]
        assert {name: balance["open"] for name, balance in balances.items() if balance["open"]} == {}
        assert relay.stop() == 0, relay.log
    assert acknowledged - taken_by(server.deliveries)[2] == set()


def no_counter_fell(before: Account, now: Account) -> None:
    assert not before.received - now.received
    for outcome, amounts in before.ended.items():
        assert not amounts - now.ended.get(outcome, Counter()), f"a counter fell: {outcome}"
