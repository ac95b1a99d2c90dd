"""A sidecar before a gateway, each a process: what is sent in batches arrives as it would have alone (upstream-and-operations 8.3)."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from datetime import datetime

from support.chain import Chain, chain, total
from support.daemon import KEY, Daemon
from support.http_client import auth, post
from support.processes import wait_for
from support.promises import Arrivals, judge
from support.recorder import Recorder, recording
from support.steady_load import SteadyLoad, steady_load

Daemons = Callable[..., Daemon]
BATCHES = "scrubjay_batch_envelopes_count"
REQUESTS = "scrubjay_upstream_requests_total"


def has_batches(each: Chain) -> bool:
    return total(each.sidecar.metrics(), REQUESTS, route="capabilities", result="ok") > 0


def started(each: Chain) -> Chain:
    each.start()
    wait_for(lambda: has_batches(each), "the sidecar knows what the gateway takes")
    return each


def settled(each: Chain) -> None:
    """Nothing waits any more, and both accounts are closed."""
    for daemon in (each.sidecar, each.gateway):
        assert daemon.wait_until_empty().closed


def requests(each: Chain, route: str) -> int:
    return total(each.sidecar.metrics(), REQUESTS, route=route)


def loaded(each: Chain, until: Callable[[SteadyLoad], bool], clients: int = 20) -> SteadyLoad:
    with steady_load(each.sidecar.port, clients) as load:
        wait_for(lambda: until(load), "enough was sent")
    return load


def test_operations_99_envelopes_travel_together_and_arrive_one_by_one(daemons: Daemons) -> None:
    with recording() as server:
        both = started(chain(daemons, server.url))
        load = loaded(both, lambda load: len(load.acknowledged) >= 600, clients=100)
        Arrivals(server).wait_for(load.acknowledged)
        settled(both)
        arrived = Arrivals(server).update().times
        assert sorted(arrived) == sorted(load.acknowledged)
        assert all(len(times) == 1 for times in arrived.values())
        assert requests(both, "envelope") == 0
        assert requests(both, "batch") * 2 < len(arrived)
        assert total(both.sidecar.metrics(), "scrubjay_batch_envelopes_sum") == len(arrived)


def test_operations_105_the_gateway_believes_the_sidecar_it_knows(daemons: Daemons) -> None:
    with recording() as server:
        both = started(chain(daemons, server.url, sidecar={"relay": {"mode": "proxy"}}, projects={}))
        sent_at = "2026-01-02T03:04:02.250000Z"  # a client whose clock is far off
        body = b'{"sent_at":"%b"}\n{"type":"event","length":2}\n{}\n' % sent_at.encode()
        more = {"User-Agent": "shop/1.0", "Origin": "https://shop.example/", "X-Forwarded-For": "203.0.113.7"}
        before_unix = time.time()
        assert post(both.sidecar.port, "/api/1/envelope/", body, {**auth(client="shop-sdk/3.1"), **more}).status == 200
        settled(both)
        (delivery,) = server.deliveries
        header = delivery.envelope()[0]
        assert delivery.sender == f"Sentry sentry_key={KEY}, sentry_version=7, sentry_client=shop-sdk/3.1"
        assert delivery.headers["user-agent"] == "shop/1.0"
        assert delivery.headers["origin"] == "https://shop.example/"
        assert delivery.headers["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"
        off_s = datetime.fromisoformat(header["sent_at"]).timestamp() - datetime.fromisoformat(sent_at).timestamp()
        assert -0.01 <= off_s <= time.time() - before_unix
        assert requests(both, "batch") == 1


def test_operations_103_a_gateway_that_takes_no_batches_any_more_gets_envelopes(daemons: Daemons) -> None:
    with recording() as server:
        both = started(chain(daemons, server.url))
        with steady_load(both.sidecar.port, 5) as load:
            wait_for(lambda: requests(both, "batch") >= 3, "batches are sent")
            assert both.gateway.stop() == 0
            both.gateway.configure(gateway={"batch_enabled": False})
            both.gateway.start()
            wait_for(lambda: requests(both, "envelope") >= 20, "envelopes are sent")
        Arrivals(server).wait_for(load.acknowledged)
        settled(both)
        assert sorted(Arrivals(server).update().times) == sorted(load.acknowledged)


def test_who_the_gateway_does_not_know_sends_envelopes(daemons: Daemons) -> None:
    with recording() as server:
        both = started(chain(daemons, server.url, knows=lambda keys: STRANGER))
        load = loaded(both, lambda load: len(load.acknowledged) >= 100)
        Arrivals(server).wait_for(load.acknowledged)
        settled(both)
        assert sorted(Arrivals(server).update().times) == sorted(load.acknowledged)
        assert total(both.sidecar.metrics(), REQUESTS, route="batch", status="401") >= 1
        assert requests(both, "envelope") >= len(load.acknowledged)


def test_batches_can_be_switched_on_while_it_runs(daemons: Daemons) -> None:
    with recording() as server:
        both = chain(daemons, server.url, sidecar={"http": {"batch": "off"}}).start()
        with steady_load(both.sidecar.port, 5) as load:
            wait_for(lambda: requests(both, "envelope") >= 20, "envelopes are sent")
            assert not has_batches(both)
            both.sidecar.configure(http={"batch": "require"})
            both.sidecar.signal(signal.SIGHUP)
            wait_for(lambda: requests(both, "batch") >= 3, "batches are sent")
        Arrivals(server).wait_for(load.acknowledged)
        settled(both)
        assert sorted(Arrivals(server).update().times) == sorted(load.acknowledged)


STRANGER = {"7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001": {"public_key": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"}}


def test_operations_101_a_gateway_that_is_killed_takes_each_envelope_once(daemons: Daemons) -> None:
    """But for those that it passed on in the second before, and had not noted yet."""
    with recording() as server:
        both = started(chain(daemons, server.url))
        deaths_mono = []
        with steady_load(both.sidecar.port, 5) as load:
            for _ in range(2):
                wait_for_more(server, 100)
                deaths_mono.append(time.monotonic())
                both.gateway.kill()
                both.gateway.start()
            wait_for_more(server, 100)
        arrivals = Arrivals(server)
        arrivals.wait_for(load.acknowledged)
        settled(both)
        verdict = judge(load.acknowledged, arrivals.update().times, deaths_mono)
        assert not verdict.lost, verdict
        assert not verdict.astray, verdict


def wait_for_more(server: Recorder, count: int) -> None:
    before = len(server.deliveries)
    wait_for(lambda: len(server.deliveries) >= before + count, f"{count} more have arrived")
