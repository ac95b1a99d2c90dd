"""A real worker inside the test's own event loop, on a free port, with a `MiniUpstream` behind it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scrubjay.runtime.worker import Worker
from scrubjay.settings.load import load
from support.daemon import BUSY_MS
from support.mini_upstream import MiniUpstream, mini_upstream
from support.raw_http import Answer, Connection, connect, exchange, request
from support.recorder import Delivery

K = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
K2 = "f" * 32
E = "5d2c7a5e1b8f4c0e9a3d6f7081920abc"
AUTH = {"X-Sentry-Auth": f"Sentry sentry_key={K}, sentry_version=7, sentry_client=demo/1.0"}
ENVELOPE = "/api/7/envelope/"
STORE = "/api/7/store/"


@dataclass
class Relay:
    """One worker and the server behind it."""

    port: int
    upstream: MiniUpstream
    worker: Worker

    async def send(
        self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        return await exchange(self.port, request(method, target, body, headers), head=method == "HEAD")

    async def env(self, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """`POST env B` of the specification: an envelope with the usual key."""
        return await self.send("POST", ENVELOPE, body, {**AUTH, **(headers or {})})

    async def store(self, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        return await self.send("POST", STORE, body, {**AUTH, **(headers or {})})

    async def raw(self, data: bytes) -> Answer:
        return await exchange(self.port, data)

    async def connect(self) -> Connection:
        return await connect(self.port)

    async def forwarded(self) -> Delivery:
        return await self.upstream.take()

    async def forwards_nothing(self) -> bool:
        """Whether nothing of what was sent so far arrives: a later envelope is the next one to do so."""
        assert (await self.env(b'{"marker":true}\n{"type":"marker"}\nx')).status == 200
        return b'"marker":true' in (await self.forwarded()).body


@asynccontextmanager
async def relay(
    folder: Path,
    *,
    mode: str = "proxy",
    options: Mapping[str, Mapping[str, Any]] | None = None,
    projects: Mapping[str, Any] | None = None,
) -> AsyncIterator[Relay]:
    """Runs until the block ends. `options` are sections of settings; `projects` maps file name to content."""
    async with mini_upstream() as upstream:
        config: dict[str, Any] = {
            "relay": {"mode": mode, "host": "127.0.0.1", "port": 0, "state_dir": str(folder / "run")},
            "http": {"retry_delay": 0.05},
            "logging": {"level": "off"},
            "scrub": {"max_event_ms": BUSY_MS},
        }
        if mode != "capture":
            config["relay"]["upstream"] = upstream.url
        for section, values in (options or {}).items():
            config[section] = {**config.get(section, {}), **values}
        (folder / "projects").mkdir(parents=True)
        for name, content in (projects or {}).items():
            (folder / "projects" / name).write_text(yaml.safe_dump(content))
        (folder / "scrubjay.yaml").write_text(yaml.safe_dump(config))
        worker = Worker(load(folder))
        logger = logging.getLogger("scrubjay")
        before = logger.level
        logger.setLevel(logging.CRITICAL)
        try:
            await worker.start()
            try:
                yield Relay(worker.port, upstream, worker)
            finally:
                await worker.stop()
        finally:
            logger.setLevel(before)
