"""A sidecar, a gateway and Bugsink, each killed with -9 at any moment under load: what the sidecar acknowledged is stored at the end.

`upstream-and-operations.md` 7.10, 8.3. The sidecar sends batches to the gateway, which passes their envelopes on; a batch whose reply never came is sent again
under its number, and one that the gateway took is not taken twice. At length, with exact numbers on the standard output:

    pytest -m deep -s tests/e2e/test_chain_kills.py
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

import pytest

from support.bugsink import Bugsink
from support.chain import Chain, chain, total
from support.daemon import Daemon
from support.processes import wait_for
from support.recorder import read_envelope
from support.steady_load import SteadyLoad, steady_load

Daemons = Callable[..., Daemon]
VICTIMS = ["gateway", "sidecar", "bugsink"]
SIDECAR = {"http": {"batch": "require"}}
"""Nothing goes as a plain envelope."""
GATEWAY = {"http": {"timeout": 60, "encoding": "gzip"}}
"""Bugsink may be slow where other tests run beside this one, and keeps what it cannot unpack."""


def kill(victim: str, both: Chain, bugsink: Bugsink) -> None:
    if victim == "bugsink":
        bugsink.kill()
        bugsink.start()
    else:
        relay = getattr(both, victim)
        relay.kill()
        relay.start()


def serve_for_a_while(load: SteadyLoad, chance: random.Random) -> None:
    count = len(load.acknowledged) + chance.randint(1, 15)
    wait_for(lambda: len(load.acknowledged) >= count, "load")
    time.sleep(chance.uniform(0, 0.1))  # the moment is what is tested


@pytest.mark.parametrize("kills", [3, pytest.param(30, marks=[pytest.mark.deep, pytest.mark.timeout(3600)])])
def test_operations_101_whoever_of_the_chain_is_killed_nothing_is_lost(
    kills: int, bugsink: Bugsink, daemons: Daemons
) -> None:
    chance = random.Random() if kills > len(VICTIMS) else random.Random(3)
    project = bugsink.project()
    both = chain(daemons, bugsink.url, sidecar=SIDECAR, gateway=GATEWAY).start()
    target = f"/api/{project.id}/envelope/"
    with steady_load(both.sidecar.port, 5, pause_s=0.5, target=target, key=project.key) as load:
        for number in range(kills):
            serve_for_a_while(load, chance)
            kill(VICTIMS[number] if number < len(VICTIMS) else chance.choice(VICTIMS), both, bugsink)
    promised = set(load.acknowledged)
    wait_for(lambda: len(project.events()) >= len(promised), "all is stored", timeout_s=120 + 10 * kills)
    accounts = [relay.wait_until_empty() for relay in (both.sidecar, both.gateway)]
    stored = {str(event["event_id"]).replace("-", "") for event in project.events()}
    arrived = Counter(read_envelope(envelope)[0]["event_id"] for envelope in project.envelopes())
    batches = total(both.sidecar.metrics(), "scrubjay_batch_envelopes_count")
    numbers = f"{kills} kills: {len(promised)} acknowledged, {len(promised - stored)} lost, "
    numbers += f"{arrived.total() - len(arrived)} came twice, {batches} batches"
    print(f"\n{numbers}")
    assert len(promised) > 5 * kills, "there was no load worth the name"
    assert promised <= stored, numbers
    assert load.statuses == {200}
    assert batches
    assert total(both.sidecar.metrics(), "scrubjay_upstream_requests_total", route="envelope") == 0
    assert all(account.closed for account in accounts), accounts
    assert not any(account.dropped for account in accounts), accounts
    assert [relay.stop() for relay in (both.sidecar, both.gateway)] == [0, 0]
