"""Samples on their way: to the relay of this machine, or to another server as the relay would get there, and what is said to each.

What they are is `samples`'s, whose `send`'s, how it is told `sample_report`'s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scrubjay import __version__
from scrubjay.capture_client import NoAnswer

if TYPE_CHECKING:
    from scrubjay.cli.destination import Target
    from scrubjay.cli.samples import Sample
    from scrubjay.core.dsn import Dsn
    from scrubjay.settings.schema import Settings

_PATIENCE_S: Final = 10.0
_MOST_TEXT: Final = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said to an envelope. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def detail(self) -> str:
        """The server's own words."""
        try:
            document = json.loads(self.text)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict) and "detail" in document:
            causes = document.get("causes")
            return "; ".join(map(str, (document["detail"], *(causes if isinstance(causes, list) else ()))))
        return " ".join(self.text.split())[:_MOST_TEXT]


Sent = tuple[str, list[Answer]]
"""Where to, and what was said to each."""


def _head(target: Target) -> dict[str, str]:
    client = f"scrubjay.cli/{__version__}"
    return {
        "Content-Type": "application/x-sentry-envelope",
        "User-Agent": client,
        "X-Sentry-Auth": f"Sentry sentry_key={target.key}, sentry_version=7, sentry_client={client}",
    }


def near(settings: Settings, target: Target, sent: Sequence[Sample]) -> Sent:
    """To the relay of this machine. Raises `NoAnswer`."""
    import http.client
    from contextlib import closing

    from scrubjay.cli.own_listener import local_address, local_connection

    address, answers = local_address(settings, public=True), []
    with closing(local_connection(settings, _PATIENCE_S, public=True)) as connection:
        for sample in sent:
            try:
                connection.request("POST", f"/api/{target.project_id}/envelope/", sample.body, _head(target))
                reply = connection.getresponse()
                text = reply.read().decode(errors="replace")
            except (OSError, http.client.HTTPException) as error:
                start = "start one (`scrubjay run`), or say with --dsn where to"
                raise NoAnswer(f"no relay answers at {address}: {error}; {start}") from None
            answers.append(Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, text))
    return address, answers


def far(settings: Settings, dsn: Dsn, target: Target, sent: Sequence[Sample]) -> Sent:
    """To another server, as the relay would get there. Raises `NoAnswer`."""
    import asyncio

    from scrubjay.cli.destination import as_onlooker, towards

    return asyncio.run(_by_road(as_onlooker(towards(dsn, settings)), target, sent))


async def _by_road(settings: Settings, target: Target, sent: Sequence[Sample]) -> Sent:
    from scrubjay.cli.witness import Witness
    from scrubjay.errors import Transient
    from scrubjay.runtime.roads import Roads

    witness = Witness()
    roads = Roads(settings, witness, on_limits=witness.limited, on_denied=witness.denied)
    upstream, place, answers = roads.upstreams[0], str(roads.origins[0]), []
    try:
        for sample in sent:
            fields = {**_head(target), "Content-Length": str(len(sample.body))}
            del fields["User-Agent"]  # the road has its own
            lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            path = f"/api/{target.project_id}/envelope/"
            reply, _ = await upstream.call("sample", "POST", path, lines, sample.body)
            answers.append(Answer(reply.status, reply.headers, reply.text()))
    except Transient as error:
        raise NoAnswer(f"{place} gives no answer: {error}; see `scrubjay doctor --dsn`") from None
    finally:
        await roads.stop()
    return place, answers
