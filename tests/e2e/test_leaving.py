"""Ending and replacing under load: no connection is refused while somebody serves, none that was made is cut, nothing acknowledged is lost.

`upstream-and-operations.md` 9.6 and 10.1. Clients keep their connections and send all the time, which is the worst that can happen to whoever leaves: a request is
on its way on many connections at any moment.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from support.daemon import Daemon
from support.processes import wait_for
from support.promises import Arrivals, judge
from support.recorder import recording
from support.steady_load import steady_load

Daemons = Callable[..., Daemon]
CLIENTS, PAUSE_S = 20, 0.01
REPLACEMENTS = [pytest.param(10, marks=pytest.mark.deep)]
"""One replacement in CI is `test_workers`'."""
ENDS = [1, pytest.param(10, marks=pytest.mark.deep)]


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.deep), 2])
@pytest.mark.parametrize("ends", ENDS)
def test_whoever_was_connected_at_sigterm_is_answered(ends: int, workers: int, daemons: Daemons) -> None:
    with recording() as upstream:
        relay = daemons(upstream=upstream.url, options={"relay": {"workers": workers}})
        acknowledged: list[str] = []
        for _ in range(ends):
            relay.start()
            with steady_load(relay.port, CLIENTS, PAUSE_S) as load:
                wait_for(lambda: len(load.acknowledged) > 200, "load")
                assert relay.stop() == 0, relay.log
            assert load.lost_connections == 0
            assert load.statuses == {200}
            acknowledged += load.acknowledged
        relay.start()
        arrivals = Arrivals(upstream)
        arrivals.wait_for(acknowledged)
        verdict = judge(acknowledged, arrivals.times, [])
        assert (verdict.lost, verdict.duplicates) == (frozenset(), 0), verdict
        account = relay.wait_until_empty()
        assert account.closed, account
        assert relay.stop() == 0, relay.log


@pytest.mark.parametrize("replacements", REPLACEMENTS)
def test_replacing_all_workers_one_by_one_is_noticed_by_nobody(replacements: int, daemons: Daemons) -> None:
    with recording() as upstream:
        relay = daemons(upstream=upstream.url, options={"relay": {"workers": 2}})
        relay.start()
        wait_for(lambda: relay.log.count("is ready") == 2, "both serve")
        with steady_load(relay.port, CLIENTS, PAUSE_S) as load:
            for number in range(1, replacements + 1):
                wait_for(lambda: len(load.acknowledged) > 100 * number, "load")  # noqa: B023  waited for here
                relay.configure(http={"tls_server_name": f"name{number}"})
                relay.signal(signal.SIGHUP)
                wait_for(lambda: relay.log.count("is ready") == 2 + 2 * number, "others serve", timeout_s=90)  # noqa: B023
        assert (load.refused, load.lost_connections) == (0, 0)
        assert load.statuses == {200}
        arrivals = Arrivals(upstream)
        arrivals.wait_for(load.acknowledged)
        verdict = judge(load.acknowledged, arrivals.times, [])
        assert (verdict.lost, verdict.duplicates) == (frozenset(), 0), verdict
        account = relay.wait_until_empty()
        assert account.closed, account
        assert relay.stop() == 0, relay.log
