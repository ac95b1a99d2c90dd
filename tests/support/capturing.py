"""A real worker in mode `capture`, and short ways to send it something and to ask its API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientSession
from yarl import URL

from scrubjay.runtime.capturing.sink import CaptureSink
from support.raw_http import Answer
from support.relay import Relay, relay

API = "/api/capture"


@dataclass
class Capture:
    """One worker, its sink, and its API."""

    relay: Relay

    @property
    def sink(self) -> CaptureSink:
        found = self.relay.worker.ports.capture
        assert isinstance(found, CaptureSink)
        return found

    async def event(self, **payload: object) -> None:
        await self.send(("event", payload))

    async def send(self, *items: tuple[str, object], **headers: object) -> None:
        """`items`: type and payload, a document becomes JSON."""
        lines = [json.dumps(headers).encode()]
        for kind, payload in items:
            body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
            lines += [json.dumps({"type": kind, "length": len(body)}).encode(), body]
        assert (await self.relay.env(b"\n".join(lines))).status == 200

    async def ask(self, path: str, method: str = "GET", body: object = None, **params: object) -> Answer:
        url = f"http://127.0.0.1:{self.relay.port}{API}{path}{'?' if params else ''}{urlencode(params, doseq=True)}"
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        async with (
            ClientSession() as session,
            session.request(method, URL(url, encoded=True), data=sent, headers={"Host": "localhost"}) as answer,
        ):
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, headers, await answer.read())

    async def got(self, path: str, method: str = "GET", body: object = None, **params: object) -> Any:
        """The document of an answer that is one."""
        answer = await self.ask(path, method, body, **params)
        assert answer.status == 200, answer.body
        return answer.json


@asynccontextmanager
async def capturing(folder: Path, **options: object) -> AsyncIterator[Capture]:
    settings = {"capture": {"spotlight_port": None, **options}}
    async with relay(folder, mode="capture", options=settings) as one:
        yield Capture(one)
