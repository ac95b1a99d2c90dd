"""Any byte of a small spool wrong, any end cut off, any page zeroed, and then a start as ever: it serves, delivers the rest, counts what is gone.

`upstream-and-operations.md` 7.6 and 7.12, I3, one storey above `fuzz/test_spool_recovery.py`: a whole worker starts on what is left of the folder, so
that reading back, decoding the records' facts and the account meet the damage too. Every position is `deep`; some of each kind are not.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import yaml

from scrubjay.runtime.worker import Worker
from scrubjay.settings.load import load
from support.daemon import Account, account_of, samples_of
from support.mini_upstream import MiniUpstream, mini_upstream
from support.raw_http import exchange, request
from support.relay import AUTH, ENVELOPE

EVENTS, DELIVERED = 7, 2
PAGE_BYTES = 256
"""Small, as the spool is: what a file system of larger pages would do to a larger one."""
SOME = 8
Damage = Callable[[bytearray, int], None]


def flip(content: bytearray, position: int) -> None:
    content[position] ^= 0xFF


def cut(content: bytearray, position: int) -> None:
    del content[position:]


def zero(content: bytearray, position: int) -> None:
    start = position - position % PAGE_BYTES
    content[start : start + PAGE_BYTES] = bytes(len(content[start : start + PAGE_BYTES]))


def write_config(folder: Path, upstream: str) -> None:
    config = {
        "relay": {
            "mode": "proxy",
            "host": "127.0.0.1",
            "port": 0,
            "upstream": upstream,
            "state_dir": str(folder / "run"),
        },
        "http": {"retry_delay": 0.05},
        "logging": {"level": "off"},
        "spool": {"envelopes": {"path": str(folder / "spool"), "fsync": "never"}},
    }
    (folder / "scrubjay.yaml").write_text(yaml.safe_dump(config))


async def send(port: int, number: int) -> None:
    event_id = f"{number:032x}"
    payload = json.dumps({"event_id": event_id, "message": f"number {number}"}).encode()
    body = b'{"event_id":"%b"}\n{"type":"event","length":%d}\n%b\n' % (event_id.encode(), len(payload), payload)
    assert (await exchange(port, request("POST", ENVELOPE, body, AUTH))).status == 200


@pytest.fixture(name="quiet", autouse=True)
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("scrubjay")
    before = logger.level
    yield
    logger.setLevel(before)


async def _life(folder: Path, during: Callable[[Worker], Awaitable[None]]) -> None:
    worker = Worker(load(folder))
    await worker.start()
    try:
        await during(worker)
    finally:
        await worker.stop()


async def _small_spool(folder: Path, upstream: MiniUpstream) -> None:
    """A segment of frames of one record each, the first of which are acknowledged."""
    write_config(folder, upstream.url)

    async def fill(worker: Worker) -> None:
        for number in range(EVENTS):
            if number == DELIVERED:
                await upstream.until_delivered(DELIVERED)
                await _until_ended(worker)
                worker._delivery.toggle()
            await send(worker.port, number)

    await _life(folder, fill)


def is_closed(account: Account) -> bool:
    """Not at once: what waited is sent while it is still counted."""
    return account.received == sum(account.ended.values(), Counter())


async def _until_ended(worker: Worker) -> Account:
    async with asyncio.timeout(20):
        account = await _account(worker)
        while account.held or not account.forwarded or not is_closed(account):
            account = await _account(worker)
    return account


async def _account(worker: Worker) -> Account:
    return account_of(samples_of((await exchange(worker.port, request("GET", "/metrics"))).body))


async def deliver_the_rest(folder: Path, upstream: MiniUpstream) -> tuple[set[str], Account]:
    """A start on whatever is there: it takes one more envelope, and ends with nothing held."""
    upstream.arrivals.clear()
    upstream.deliveries.clear()
    found: list[Account] = []

    async def serve(worker: Worker) -> None:
        await send(worker.port, EVENTS)
        found.append(await _until_ended(worker))

    await _life(folder, serve)
    return {each.header["event_id"] for each in upstream.delivered}, found[0]


Judge = Callable[[set[int], Account], None]


def something_is_lost(arrived: set[int], account: Account) -> None:
    """Of a damaged segment: what arrived is right, what did not is counted."""
    assert arrived <= {*range(DELIVERED, EVENTS + 1)}
    assert account.forwarded["error"] == DELIVERED + len(arrived)
    assert account.received["error"] == EVENTS + 1
    assert account.dropped["error"] == EVENTS + 1 - DELIVERED - len(arrived)


def nothing_is_lost(arrived: set[int], account: Account) -> None:
    """Of damaged acknowledgements: what was delivered may be delivered again, and that is all."""
    assert arrived >= {*range(DELIVERED, EVENTS + 1)}
    assert account.dropped["error"] == 0
    assert account.forwarded["error"] == account.received["error"] == DELIVERED + len(arrived)


async def try_each(
    tmp_path: Path, damage: Damage, choose: Callable[[int], list[int]], suffix: str, judge: Judge
) -> None:
    """Each chosen position damaged, one start for each."""
    differences = 0
    async with mini_upstream() as upstream:
        good, folder = tmp_path / "good", tmp_path / "damaged"
        good.mkdir()
        await _small_spool(good, upstream)
        (name,) = [path.relative_to(good) for path in sorted(good.glob(f"spool/p00/*{suffix}"))]
        size = (good / name).stat().st_size
        for position in choose(size):
            shutil.copytree(good, folder)
            write_config(folder, upstream.url)
            content = bytearray((folder / name).read_bytes())
            damage(content, position)
            (folder / name).write_bytes(content)
            names, account = await deliver_the_rest(folder, upstream)
            arrived = {int(name, 16) for name in names}
            try:
                assert EVENTS in arrived, "what came after the start"
                judge(arrived, account)
            except AssertionError as error:
                raise AssertionError(f"{damage.__name__} at {position} of {size}: {arrived}, {account}") from error
            differences += arrived != {*range(DELIVERED, EVENTS + 1)}
            shutil.rmtree(folder)
    assert differences, "no damage made a difference: there is nothing to see here"


KINDS = [flip, cut, zero]
FILES = {"segment": (".seg", something_is_lost), "acknowledgements": (".ack", nothing_is_lost)}


def some(kind: str) -> Callable[[int], list[int]]:
    return lambda size: sorted(random.Random(kind).sample(range(size), min(SOME, size // 2)))


@pytest.mark.parametrize("damage", KINDS)
@pytest.mark.parametrize("file", FILES)
async def test_operations_77_78_79_some_damage_before_a_start(file: str, damage: Damage, tmp_path: Path) -> None:
    await try_each(tmp_path, damage, some(file), *FILES[file])


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("damage", KINDS)
@pytest.mark.parametrize("file", FILES)
async def test_operations_77_78_79_any_damage_before_a_start(file: str, damage: Damage, tmp_path: Path) -> None:
    step = PAGE_BYTES if damage is zero else 1
    await try_each(tmp_path, damage, lambda size: list(range(0, size, step)), *FILES[file])
