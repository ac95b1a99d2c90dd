"""The first events of a project come before its configuration: they are taken, wait, and go their ordinary way when it is there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from support.authority import CONFIGS, LIVE, WAITING, Answer, Authority
from support.daemon import KEY, Daemon
from support.managed import MARKED, SECRET, event, is_scrubbed, messages, scrubbing, send, wait_for_state
from support.processes import wait_for

Relays = Callable[..., Daemon]
APP = """
import sys
import sentry_sdk
sentry_sdk.init(sys.argv[1], include_local_variables=True, send_default_pii=True)
def pay(password, order):
    raise ValueError("card of " + order + " refused")
try:
    pay(sys.argv[2], "ORD-1234-5")
except ValueError:
    sentry_sdk.capture_exception()
sentry_sdk.flush(20)
"""


def test_an_sdk_s_event_waits_is_scrubbed_by_what_was_fetched_and_delivered(sentry: Authority, relays: Relays) -> None:
    sentry.projects[KEY] = WAITING
    relay = relays()
    relay.start()
    subprocess.run([sys.executable, "-c", APP, relay.dsn(), SECRET], check=True, timeout=60)
    wait_for_state(relay, registration="registered", waiting=1)
    assert sentry.deliveries == []
    assert relay.account().held["error"] == 1
    sentry.projects[KEY] = scrubbing()
    (delivery,) = sentry.wait_for_deliveries()
    _, (item,) = delivery.envelope()
    (error,) = json.loads(item.payload)["exception"]["values"]
    assert error["value"] == f"card of {MARKED} refused"
    assert is_scrubbed(delivery)
    account = relay.wait_until_empty()
    assert account.closed
    assert account.forwarded == account.received
    assert {asked.name for asked in sentry.asked if not asked.is_signed} <= {LIVE, "/api/scrubjay/capabilities/"}
    assert relay.stop() == 0


def test_operations_31_an_overlay_s_quota_holds_and_fetched_rules_stay(sentry: Authority, relays: Relays) -> None:
    sentry.projects[KEY] = scrubbing()
    quota = {"id": "one", "categories": ["error"], "limit": 1, "window": 3600, "reasonCode": "only_one"}
    overlay = {"overlay": True, "publicKeys": [{"publicKey": KEY}], "config": {"quotas": [quota]}}
    relay = relays(projects={"1.yaml": overlay})
    relay.start()
    assert send(relay).status == 200
    (delivery,) = sentry.wait_for_deliveries()
    assert is_scrubbed(delivery)
    assert messages([delivery]) == [f"paid {MARKED}"]
    refused = send(relay)
    assert refused.status == 429
    assert "only_one" in refused.headers["x-sentry-rate-limits"]


def test_operations_32_what_cannot_be_read_waits_until_it_can(sentry: Authority, relays: Relays) -> None:
    sentry.projects[KEY] = {**scrubbing(rev="r1"), "slug": 99}
    relay = relays()
    relay.start()
    assert send(relay).status == 200
    wait_for(lambda: len(sentry.asked_for(KEY)) >= 2, "asked again")
    assert sentry.deliveries == []
    sentry.projects[KEY] = scrubbing(rev="r2")
    (delivery,) = sentry.wait_for_deliveries()
    assert is_scrubbed(delivery)


def test_operations_52_decisions_45_a_key_that_is_not_known_is_refused_from_the_second_request_on(
    sentry: Authority, relays: Relays
) -> None:
    relay = relays()
    relay.start()
    assert send(relay).status == 200
    account = relay.wait_until_empty()
    assert account.ended["invalid"] == {"error": 1}
    assert "project_id" in relay.run("drops").stdout
    assert send(relay).status == 403
    assert sentry.deliveries == []


@pytest.mark.deep
def test_operations_54_a_server_that_hangs_is_asked_a_third_time(sentry: Authority, relays: Relays) -> None:
    sentry.projects[KEY] = scrubbing()
    relay = relays(http={"timeout": 0.5})
    relay.start()
    sentry.next(CONFIGS, Answer(hang=True), Answer(hang=True))
    assert send(relay).status == 200
    sentry.wait_for_deliveries()
    assert [asked.status for asked in sentry.asked_for(KEY)] == [0, 0, 200]


def test_operations_55_a_server_that_fails_is_asked_after_pauses_and_events_are_taken(
    sentry: Authority, relays: Relays
) -> None:
    sentry.projects[KEY] = scrubbing()
    sentry.always(CONFIGS, Answer(500))
    relay = relays()
    relay.start()
    sent = [f"number {number}" for number in range(3)]
    assert [send(relay, event(message)).status for message in sent[:2]] == [200, 200]
    wait_for(lambda: len(sentry.asked_for(KEY)) >= 3, "asked three times")
    assert send(relay, event(sent[2])).status == 200
    sentry.always(CONFIGS, None)
    assert sorted(messages(sentry.wait_for_deliveries(3))) == sent
    first, second, third = (asked.at_mono for asked in sentry.asked_for(KEY)[:3])
    assert third - second >= 0.5, "a second, less what chance takes off"
    assert second >= first
