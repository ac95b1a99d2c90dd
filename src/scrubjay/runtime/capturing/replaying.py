"""Captured envelopes, sent once more: scrubbed, to a server that the configuration names, at somebody's request (`capture.md` 9.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout

from scrubjay import __version__
from scrubjay.core.capture.store import Captured
from scrubjay.core.dsn import Dsn, normal_origin
from scrubjay.core.envelope import rewrite_header

_TIMEOUT_S: Final = 15.0
_SHOWN_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Sent:
    """What the server said to one envelope; `status` None: nothing."""

    capture_id: str
    status: int | None
    detail: str = ""

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    def document(self) -> dict[str, object]:
        told: dict[str, object] = {"capture_id": self.capture_id, "taken": self.taken}
        told |= {} if self.status is None else {"status": self.status}
        return told | ({"detail": self.detail} if self.detail else {})


def may_go_to(dsn: Dsn, allowed: Iterable[str]) -> bool:
    """Whether the configuration names the DSN's server."""
    port = "" if dsn.port is None else f":{dsn.port}"
    wanted = _origin(f"{dsn.scheme}://{dsn.host}{port}")
    return wanted is not None and wanted in map(_origin, allowed)


def _origin(url: str) -> str | None:
    normal = normal_origin(url)
    if normal is None:
        return None
    parts = urlsplit(normal)
    return f"{parts.scheme}://{parts.netloc}"


async def replay(envelopes: Sequence[Captured], dsn: Dsn, *, now_unix: float) -> list[Sent]:
    """One after the other, in the order of their arrival. Never raises."""
    port = "" if dsn.port is None else f":{dsn.port}"
    url = f"{dsn.scheme}://{dsn.host}{port}{dsn.path}/api/{dsn.project_id}/envelope/"
    headers = {
        "Content-Type": "application/x-sentry-envelope",
        "User-Agent": f"scrubjay/{__version__}",
        "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_client=scrubjay/{__version__}, sentry_key={dsn.key}",
    }
    sent_at = datetime.fromtimestamp(now_unix, UTC).isoformat().replace("+00:00", "Z")
    found: list[Sent] = []
    async with ClientSession(timeout=ClientTimeout(total=_TIMEOUT_S), headers=headers) as session:
        for captured in sorted(envelopes, key=lambda one: one.id):
            body = rewrite_header(captured.wire(), {"sent_at": sent_at})
            try:
                async with session.post(url, data=body, allow_redirects=False) as reply:
                    detail = (
                        "" if reply.status < 300 else (await reply.content.read(_SHOWN_CHARS)).decode(errors="replace")
                    )
                    found.append(Sent(captured.id, reply.status, detail))
            except (ClientError, TimeoutError, OSError) as error:
                found.append(Sent(captured.id, None, str(error)[:_SHOWN_CHARS] or type(error).__name__))
    return found
