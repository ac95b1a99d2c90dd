"""The `redis` package (extra `redis`), called with a short timeout: one script for quotas, single commands for the gateway.

Owns what a URL may be: `redis://`, `rediss://` and `unix://` as the package reads them, `redis+sentinel://host:port,host:port/name[/db]`
and `redis+cluster://host:port[,host:port]`, the last two with an `s` after `redis` for TLS.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.exceptions import NoScriptError, RedisClusterException
from redis.retry import Retry
from redis.sentinel import Sentinel

Answer = TypeVar("Answer")

AWAY: Final[tuple[type[Exception], ...]] = (redis.RedisError, RedisClusterException, OSError)
"""What means that the store cannot be asked."""
ACCEPTED: Final = "redis://, rediss://, unix://, redis[s]+sentinel://host:port,…/name, redis[s]+cluster://host:port,…"
_SCHEMES: Final = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
_PORTS: Final = {"sentinel": 26379, "cluster": 6379}


class Client:
    """Calls the script by its digest; one that the server does not know is sent."""

    def __init__(self, make: Callable[[], Any], *, is_cluster: bool = False) -> None:
        self.is_cluster = is_cluster
        self._make = make
        self._client: Any = None
        self._digests: dict[str, str] = {}

    def lease(self, script: str, registry: str, *arguments: str | int) -> list[int]:
        """Raises one of `AWAY`."""
        digest = self._digests.get(script)
        if digest is None:
            digest = self._digests[script] = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        if self._client is None:
            self._client = self._make()  # that of a cluster connects when it is made
        try:
            reply = self._client.evalsha(digest, 1, registry, *arguments)
        except NoScriptError:
            reply = self._client.eval(script, 1, registry, *arguments)
        if not reply:
            raise ConnectionError("a later call overtook this one")
        return list(reply)

    def ask(self, work: Callable[[Any], Answer]) -> Answer:
        """What `work` gets from the package's own client. Raises one of `AWAY`."""
        if self._client is None:
            self._client = self._make()
        return work(self._client)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


def check(url: str) -> None:
    """Raises ValueError, with a sentence, if no store can be meant by it."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"unknown scheme `{parts.scheme}`")
    if "+" in parts.scheme and not parts.netloc.rpartition("@")[2]:
        raise ValueError("no host")
    if parts.scheme.endswith("+sentinel") and not parts.path.strip("/"):
        raise ValueError("the name that the sentinels know is missing")


def connect(url: str, timeout_s: float) -> Client:
    """One that has not connected yet. Raises ValueError as `check` does."""
    check(url)
    parts = urlsplit(url)
    # Who tries again, and when, is decided in one place, and that is not the package.
    options: dict[str, Any] = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}
    retry = Retry(NoBackoff(), 0)
    kind = parts.scheme.partition("+")[2]
    if not kind:
        client = redis.Redis.from_url(url, retry=retry, **options)
        return Client(lambda: client)
    user, _, hosts = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    if parts.scheme.startswith("rediss"):
        options["ssl"] = True
    if password:
        options.update(username=unquote(name) or None, password=unquote(password))
    nodes = [_node(host, _PORTS[kind]) for host in hosts.split(",")]
    if kind == "cluster":
        start: list[Any] = [ClusterNode(host, port) for host, port in nodes]  # type: ignore[no-untyped-call]
        return Client(lambda: redis.RedisCluster(startup_nodes=start, retry=retry, **options), is_cluster=True)
    service, _, database = parts.path.strip("/").partition("/")
    own = {**options, "db": int(database or 0), "retry": retry}
    sentinel = Sentinel(nodes, sentinel_kwargs=options, **own)  # type: ignore[no-untyped-call]
    return Client(lambda: sentinel.master_for(service))  # type: ignore[no-untyped-call]


def _node(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    return parts.hostname or "", parts.port or port
