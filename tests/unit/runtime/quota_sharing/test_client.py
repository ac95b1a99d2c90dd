"""What a URL of the store may be, and real servers of each kind behind it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from scrubjay.runtime.quota_sharing.client import AWAY, check, connect
from scrubjay.runtime.quota_sharing.ledger import Ask, Claim, Meter
from scrubjay.runtime.quota_sharing.store import RedisStore
from support.processes import Child, free_port, wait_for
from support.requirements import tool

Start = Callable[..., int]
MINUTE = Meter("{7}:q::", 3, 86_400)
SECOND = Meter("{8}:q::", 3, 86_400)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server on a free port, with a file of settings where it wants one."""
    children: list[Child] = []

    def run(*arguments: str, file: str = "") -> int:
        port = free_port()
        (tmp_path / f"{port}.conf").write_text(f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\n{file}")
        argv = [tool("redis-server", "Debian package redis-server"), tmp_path / f"{port}.conf", *arguments]
        child = Child(argv, cwd=tmp_path, log=tmp_path / f"{port}.log")
        children.append(child)

        def answers() -> bool:
            try:
                return bool(redis.Redis(port=port, password="p w" if "requirepass" in file else None).ping())
            except redis.RedisError:
                return False

        child.wait_until(answers, "redis-server answers")
        return port

    yield run
    for child in children:
        child.kill()


def granted(store: RedisStore) -> list[int]:
    asks = [Ask([MINUTE, SECOND], [Claim([(0, 2)]), Claim([(1, 1)])], [0, 0]) for _ in range(2)]
    return [grant.tokens for ask in asks for grant in store.lease(ask).grants]


def test_a_server_with_a_password(start: Start) -> None:
    port = start(file='requirepass "p w"\n')
    store = RedisStore(f"redis://:p%20w@127.0.0.1:{port}/0", timeout_s=2)
    assert granted(store) == [2, 1, 0, 1]
    assert not store.problem
    wrong = RedisStore(f"redis://:other@127.0.0.1:{port}/0", timeout_s=2)
    granted(wrong)
    assert wrong.problem
    store.close()
    wrong.close()


def test_a_cluster(start: Start) -> None:
    port = start(file="cluster-enabled yes\n")
    node = redis.Redis(port=port)
    node.execute_command("CLUSTER ADDSLOTSRANGE 0 16383")
    wait_for(lambda: node.execute_command("CLUSTER INFO")["cluster_state"] == "ok", "the cluster is whole")
    store = RedisStore(f"redis+cluster://127.0.0.1:{port}", timeout_s=2)
    assert store._client.is_cluster
    assert granted(store) == [2, 1, 0, 1]
    assert not store.problem
    store.close()


def test_sentinels(start: Start) -> None:
    port = start()
    watched = f"sentinel monitor main 127.0.0.1 {port} 1\n"
    sentinel = start("--sentinel", file=watched)
    store = RedisStore(f"redis+sentinel://127.0.0.1:{sentinel}/main/1", timeout_s=2)
    assert granted(store) == [2, 1, 0, 1]
    assert not store.problem
    assert redis.Redis(port=port, db=1).keys("sj:q:{7}*")
    store.close()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://h/", "unknown scheme"),
        ("redis+sentinel://h:1", "the name that the sentinels know is missing"),
        ("redis+cluster://", "no host"),
        ("h:6379", "unknown scheme"),
    ],
)
def test_what_cannot_be_meant(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check(url)
    with pytest.raises(ValueError, match=problem):
        connect(url, 0.05)


@pytest.mark.parametrize(
    "url", ["rediss+cluster://u:p@127.0.0.1:1,[::1]:2", "rediss+sentinel://:p@127.0.0.1/main", "redis://127.0.0.1:1/0"]
)
def test_nothing_is_connected_before_it_is_asked(url: str) -> None:
    client = connect(url, 0.05)
    with pytest.raises(AWAY):
        client.lease("return {}", "k")
    client.close()


def test_a_client_that_never_asked_can_be_closed() -> None:
    connect("redis+cluster://127.0.0.1:1", 0.05).close()
