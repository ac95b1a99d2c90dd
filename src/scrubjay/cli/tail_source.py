"""Where `scrubjay tail` gets its records: from a sink that runs, from one that it starts, or from Spotlight's sidecar.

Owns finding a sink, following it through losses of connection without gaps and doubles, and standing in for one beside the sidecar: what that
one streams is posted to a sink of our own, so that it is scrubbed, filtered and shown like everything else.
"""

from __future__ import annotations

import json
import threading
import time
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

from scrubjay.capture_client import CaptureClient, NoAnswer
from scrubjay.errors import ScrubjayError
from scrubjay.event_stream import EventStream

_LEAST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 10.0
_MAX_KNOWN: Final = 50_000
_ENVELOPE: Final = "application/x-sentry-envelope"
_OPAQUE: Final = ("attachment", "replay_video", "statsd", "replay_recording", "profile", "minidump")


class Source:
    """Records of one sink, each once. `since` as in the API, or `now`."""

    def __init__(
        self, client: CaptureClient, filters: list[tuple[str, str]], since: str, until_mono: float | None
    ) -> None:
        self._client = client
        self._filters = [*filters, ("payload", "1"), *([("since", since)] if since not in ("", "now") else [])]
        self._only_new = since == "now"
        self._until_mono = until_mono
        self._known: OrderedDict[str, None] = OrderedDict()
        self._stream: EventStream | None = None
        self._stopped = threading.Event()

    @property
    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    def stop(self) -> None:
        """From any thread."""
        self._stopped.set()
        if self._stream is not None:
            self._stream.stop()

    def records(self) -> Iterator[dict[str, Any]]:
        """Until the time is over or `stop` is called. Raises `NoAnswer` or `ApiError` if the sink cannot be followed at all."""
        after, pause_s = "", 0.0
        stream = self._open(after)
        while True:
            self._stream = stream
            with stream:
                for message in stream.messages(self._until_mono):
                    pause_s = 0.0
                    if message.event == "record":
                        yield from self._fresh(json.loads(message.data))
            after = stream.last_id or after
            while True:
                if self._is_over() or self._stopped.wait(self._bounded(pause_s)):
                    return
                try:
                    stream = self._open(after)
                    break
                except NoAnswer as error:
                    if not pause_s:
                        click.echo(f"the connection is lost ({error}); trying again", err=True)
                    pause_s = min(_LONGEST_PAUSE_S, max(_LEAST_PAUSE_S, pause_s * 2))
            pause_s = max(pause_s, _LEAST_PAUSE_S)  # for a server that ends every stream at once

    def _open(self, after: str) -> EventStream:
        only_new = [("backlog", "0")] if self._only_new and not after else []
        return self._client.stream([*self._filters, *only_new], after=after)

    def _fresh(self, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """A record is told again when its report is ready, and after a loss of connection."""
        record_id = str(record.get("id"))
        if record_id in self._known:
            return
        self._known[record_id] = None
        if len(self._known) > _MAX_KNOWN:
            self._known.popitem(last=False)
        yield record

    def _is_over(self) -> bool:
        return self.is_stopped or (self._until_mono is not None and time.monotonic() >= self._until_mono)

    def _bounded(self, pause_s: float) -> float:
        return pause_s if self._until_mono is None else max(0.0, min(pause_s, self._until_mono - time.monotonic()))


@contextmanager
def sink_to_follow(client: CaptureClient, *, starts: bool) -> Iterator[CaptureClient]:
    """The sink at the client's address, or one that stands in for it. Raises `NoAnswer`."""
    from scrubjay.testing.housing import InThread, Lodging

    try:
        health = client.health()
    except NoAnswer:
        if not starts:
            raise
        home = InThread(Lodging(), client.port)
        click.echo(f"no sink was running: this one listens on {home.url}, and ends with this command", err=True)
        try:
            yield CaptureClient(home.url)
        finally:
            home.close()
        return
    if not health.is_spotlight:
        yield client
        return
    home = InThread(Lodging())
    click.echo(f"Spotlight's sidecar runs at {client.url}: what it gets is shown", err=True)
    stand_in = CaptureClient(home.url)
    stream = client.stream(path="/stream")
    try:
        threading.Thread(target=_pass_on, args=(stream, stand_in), name="sidecar", daemon=True).start()
        yield stand_in
    finally:
        stream.stop()
        home.close()


def _pass_on(stream: EventStream, sink: CaptureClient) -> None:
    """Each envelope of the sidecar, as an SDK would send it."""
    with stream:
        for message in stream.messages():
            if not message.event.startswith(_ENVELOPE):
                continue
            try:
                sink.post("/stream", envelope_of(message.data), {"Content-Type": _ENVELOPE})
            except (ScrubjayError, ValueError, TypeError, KeyError) as error:
                click.echo(f"an envelope of the sidecar could not be read: {type(error).__name__}", err=True)
    click.echo("Spotlight's sidecar has ended", err=True)


def envelope_of(data: str) -> bytes:
    """The bytes of an envelope as Spotlight streams it: `[header, [[item header, payload], …]]`. Raises `ValueError` and its like."""
    header, items = json.loads(data)
    told = {name: value for name, value in header.items() if not name.startswith("__spotlight_")}
    parts = [json.dumps(told).encode()]
    for item_header, payload in items:
        body = _body(str(item_header.get("type")), payload)
        parts += [json.dumps({**item_header, "length": len(body)}).encode(), body]
    return b"\n".join(parts) + b"\n"


def _body(kind: str, payload: Any) -> bytes:
    if kind in _OPAQUE and isinstance(payload, dict) and isinstance(payload.get("data"), str):
        try:
            return b64decode(payload["data"], validate=True)
        except ValueError:
            return str(payload["data"]).encode()
    return payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
