"""A managed relay and a server that does not let it in: it takes what comes, sends nothing, says so, and goes on when it may."""

from __future__ import annotations

import json
from collections.abc import Callable

from support.authority import CHALLENGE, Answer, Authority
from support.daemon import KEY, READY, Daemon
from support.managed import scrubbing, send, wait_for_state
from support.processes import answers, get, wait_for

Relays = Callable[..., Daemon]


def authentication(relay: Daemon) -> dict[str, object]:
    """What readiness says of it."""
    _, body = get(relay.port, READY)
    return json.loads(body)["checks"]["authentication"]  # type: ignore[no-any-return]


def test_operations_38_107_a_refused_relay_is_unready_and_registers_when_it_may(
    sentry: Authority, relays: Relays
) -> None:
    sentry.projects[KEY] = scrubbing()
    sentry.always(CHALLENGE, Answer(400, {"detail": "come back later"}))
    relay = relays()
    relay.start_unready()
    assert send(relay).status == 200
    sentry.wait_for(CHALLENGE, 3)
    assert get(relay.port, READY)[0] == 503
    told = authentication(relay)
    assert told["ok"] is False
    assert "400 come back later" in str(told["detail"])
    assert sentry.deliveries == []
    _, second, third = (asked.at_mono for asked in sentry.of(CHALLENGE)[:3])
    assert third - second >= 0.5, "after 0, 1, … seconds, less what chance takes off"
    sentry.always(CHALLENGE, None)
    wait_for(lambda: answers(relay.port, READY), "ready")
    sentry.wait_for_deliveries()


def test_operations_39_107_a_relay_that_shall_stop_takes_everything_sends_nothing_and_is_ready_if_it_always_is(
    sentry: Authority, relays: Relays
) -> None:
    sentry.projects[KEY] = scrubbing()
    sentry.always(CHALLENGE, Answer(403, {"relay": "stop"}))
    relay = relays(auth={"ready": "always"})
    relay.start()
    wait_for_state(relay, registration="denied")
    assert authentication(relay)["ok"] is True
    assert [send(relay).status for _ in range(3)] == [200, 200, 200]
    assert relay.account().held["error"] == 3
    assert len(sentry.of(CHALLENGE)) == 1
    assert sentry.deliveries == []


def test_operations_40_a_renewal_that_nobody_answers_changes_nothing_one_that_is_refused_does(
    sentry: Authority, relays: Relays
) -> None:
    sentry.projects[KEY] = scrubbing()
    relay = relays(http={"auth_interval": 1})
    relay.start()
    sentry.always(CHALLENGE, Answer(reset=True))
    seen = len(sentry.of(CHALLENGE))
    sentry.wait_for(CHALLENGE, seen + 2)
    assert answers(relay.port, READY)
    assert send(relay).status == 200
    sentry.wait_for_deliveries(1)
    sentry.always(CHALLENGE, Answer(400))
    wait_for(lambda: not answers(relay.port, READY), "unready")
    assert send(relay).status == 200
    sentry.wait_for(CHALLENGE, len(sentry.of(CHALLENGE)) + 1)
    assert len(sentry.deliveries) == 1
    sentry.always(CHALLENGE, None)
    sentry.wait_for_deliveries(2)
    assert relay.wait_until_empty().closed
