"""Hosts with workers: each host leases for all of its workers (`decisions.md` 9.4)."""

from collections import Counter as Tally
from collections.abc import Sequence

from scrubjay.core.quotas import Charge
from scrubjay.runtime.quota_backends.leases import LeasingBackend
from scrubjay.runtime.quota_sharing.authority import OwnAuthority, SharedAuthority
from scrubjay.runtime.quota_sharing.ledger import Answer, Ask, QuotaLedger
from support.counting import Clock, LedgerLine, T, charge, quota

START = T - T % 60
"""A window of a minute begins."""


class FakeStore:
    """A store that always answers, and counts who asks when."""

    problem = ""

    def __init__(self, ledger: QuotaLedger, clock: Clock, replicas: int) -> None:
        self.ledger = ledger
        self.clock = clock
        self.replicas = replicas
        self.calls: Tally[int] = Tally()

    def lease(self, ask: Ask) -> Answer:
        self.calls[int(self.clock() - START)] += 1
        return self.ledger.lease(ask, self.clock(), self.replicas)

    def beat(self) -> None:
        pass

    def close(self) -> None:
        pass


class Hosts:
    """Hosts with workers, and one ledger for all of them."""

    def __init__(self, hosts: int, workers: int) -> None:
        self.clock = Clock(START)
        self.ledger = QuotaLedger()
        self.stores = [FakeStore(self.ledger, self.clock, hosts) for _ in range(hosts)]
        self.authorities = [SharedAuthority(store, mono=self.clock, now_unix=self.clock) for store in self.stores]
        self.workers = [self._worker(authority, workers) for authority in self.authorities for _ in range(workers)]

    def _worker(self, authority: SharedAuthority, workers: int) -> LeasingBackend:
        line = LedgerLine(lambda ask: authority.lease(ask, workers))
        return LeasingBackend(line, mono=self.clock, now_unix=self.clock)

    async def offer(self, single: Charge, *, every_s: float, until_s: float, workers: Sequence[int] = ()) -> int:
        """One charge after the other, round the workers; how many were granted."""
        granted = 0
        order = workers or range(len(self.workers))
        number = 0
        while (at_s := number * every_s) < until_s:
            self.clock.set(START + at_s)
            worker = self.workers[order[number % len(order)]]
            granted += await worker.consume([single], self.clock()) == [()]
            number += 1
        return granted


async def close(*backends: LeasingBackend) -> None:
    for backend in backends:
        await backend.close()


async def test_four_workers_on_each_of_two_hosts_decisions_119() -> None:
    hosts = Hosts(2, 4)
    minute = charge(quota(1000))
    granted = await hosts.offer(minute, every_s=60 / 5000, until_s=60)
    assert 990 <= granted <= 1000
    far_s = int(800 * 60 / 5000)
    for store in hosts.stores:
        assert sum(count for second, count in store.calls.items() if second < far_s) <= far_s
        assert max(count for second, count in store.calls.items() if 1 <= second < far_s) <= 1
    await close(*hosts.workers)


async def test_a_host_gives_back_what_its_workers_did_not_use() -> None:
    hosts = Hosts(2, 1)
    minute = charge(quota(1000))
    await hosts.offer(minute, every_s=0.1, until_s=2, workers=[0])
    await hosts.workers[0].close()
    store, authority = hosts.stores[0], hosts.authorities[0]
    calls = store.calls.total()
    hosts.clock.set(START + 7)
    authority.beat()
    assert store.calls.total() == calls + 1
    [cell] = hosts.ledger._cells.values()
    assert cell.used == 20
    hosts.clock.set(START + 8)
    authority.beat()
    authority.close()
    assert store.calls.total() == calls + 1
    await hosts.workers[1].close()


async def test_a_host_gives_back_all_at_its_end() -> None:
    hosts = Hosts(1, 1)
    await hosts.offer(charge(quota(1000)), every_s=0.1, until_s=1)
    await hosts.workers[0].close()
    hosts.authorities[0].close()
    [cell] = hosts.ledger._cells.values()
    assert cell.used == 10


async def test_a_slot_that_ends_on_the_way_to_the_store_is_asked_about_again() -> None:
    hosts = Hosts(1, 1)
    [store] = hosts.stores
    lease = store.lease

    def slow(ask: Ask) -> Answer:
        answer = lease(ask)
        hosts.clock.set(START + 60)
        return answer

    store.lease = slow  # type: ignore[method-assign]
    hosts.clock.set(START + 59.9)
    assert await hosts.workers[0].consume([charge(quota(1))], T) == [()]
    assert store.calls.total() == 2
    await hosts.workers[0].close()


async def test_a_worker_is_refused_with_the_stores_reason_to_wait() -> None:
    hosts = Hosts(1, 2)
    five, six = charge(quota(5)), charge(quota(5), amount=6)
    [refused] = await hosts.workers[0].consume([six], T)
    assert refused[0].left_s == 60
    assert await hosts.workers[1].consume([charge(quota(5), amount=5)], T) == [()]
    assert await hosts.workers[0].consume([five], T) != [()]
    await close(*hosts.workers)


def test_a_host_that_shares_with_nobody_has_nobody_to_tell() -> None:
    own = OwnAuthority(Clock())
    own.beat()
    own.close()
