"""A managed worker inside the test's own loop, whose upstream is the authority of a thread."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scrubjay.runtime.worker import Worker
from scrubjay.settings.credentials import Credentials, generate, write_credentials
from scrubjay.settings.load import load
from support.authority import Authority
from support.raw_http import Answer, exchange, request
from support.relay import AUTH, ENVELOPE

READY = "/api/relay/healthcheck/ready/"


@dataclass
class ManagedWorker:
    """`folder` is its configuration's."""

    port: int
    worker: Worker
    folder: Path
    credentials: Credentials

    async def send(
        self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        return await exchange(self.port, request(method, target, body, headers))

    async def env(self, body: bytes) -> Answer:
        """An envelope with the usual key, to project 7."""
        return await self.send("POST", ENVELOPE, body, AUTH)

    async def readiness(self) -> tuple[int, str]:
        """The status, and what the check `authentication` says."""
        answer = await self.send("GET", READY)
        return answer.status, json.loads(answer.body)["checks"]["authentication"]["detail"]


async def until(condition: Callable[[], Any], what: str, *, timeout_s: float = 20.0) -> None:
    """Waits without stopping the loop."""
    try:
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110  what is waited for tells nobody
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"not within {timeout_s:g} s: {what}") from None


@asynccontextmanager
async def managed_worker(
    folder: Path,
    upstream: Authority | list[str],
    *,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    projects: Mapping[str, Any] | None = None,
) -> AsyncIterator[ManagedWorker]:
    """Runs until the block ends. `options` are sections of settings; `projects` maps file name to content."""
    config: dict[str, Any] = {
        "relay": {
            "mode": "managed",
            "host": "127.0.0.1",
            "port": 0,
            "state_dir": str(folder / "run"),
            "upstream": upstream.url if isinstance(upstream, Authority) else upstream,
        },
        "http": {"retry_delay": 0.05, "batch": "off"},
        "limits": {"shutdown_timeout": 0.5},
        "cache": {"batch_interval": 1},
        "logging": {"level": "off"},
    }
    for section, values in (options or {}).items():
        config[section] = {**config.get(section, {}), **values}
    (folder / "projects").mkdir(parents=True, exist_ok=True)
    for name, content in (projects or {}).items():
        (folder / "projects" / name).write_text(yaml.safe_dump(content))
    (folder / "scrubjay.yaml").write_text(yaml.safe_dump(config))
    credentials = generate()
    write_credentials(folder, credentials)
    worker = Worker(load(folder))
    logger = logging.getLogger("scrubjay")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        await worker.start()
        try:
            yield ManagedWorker(worker.port, worker, folder, credentials)
        finally:
            await worker.stop()
    finally:
        logger.setLevel(before)
