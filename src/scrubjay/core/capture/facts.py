"""What all records of one envelope have in common, and how its request came (`capture.md` 7.2).

Nothing here holds a secret: who takes envelopes in leaves out what authorises (`Entrance.headers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from scrubjay.core.capture.reading import Json, iso
from scrubjay.core.envelope import decode_json, encode_json

VIAS: Final = ("dsn", "spotlight", "tunnel", "otlp", "cron", "recording")


@dataclass(frozen=True, slots=True)
class Coming:
    """How an envelope came and was answered. What is not known is empty."""

    via: str = "dsn"
    user_agent: str = ""
    method: str = ""
    path: str = ""
    client: str = ""
    encoding: str = ""
    wire_bytes: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    took_ms: float = 0.0

    def request(self) -> dict[str, object]:
        """As a detail shows it; absent members are left out."""
        shown: dict[str, object] = {
            "method": self.method,
            "path": self.path,
            "client": self.client,
            "user_agent": self.user_agent,
            "encoding": self.encoding,
            "wire_bytes": self.wire_bytes,
            "headers": dict(self.headers),
        }
        return {name: value for name, value in shown.items() if value}


UNKNOWN: Final = Coming()
"""Of what did not come by a request."""


class Headed:
    """What has `headers`: they are kept as JSON, which takes a fifth of the memory."""

    __slots__ = ("_headers",)

    def __init__(self, headers: Json) -> None:
        self._headers = encode_json(headers)

    @property
    def headers(self) -> dict[str, object]:
        document = decode_json(self._headers)
        assert isinstance(document, dict)
        return document

    @property
    def heads_bytes(self) -> int:
        return len(self._headers)


class Facts(Headed):
    """`headers` are those of the envelope, scrubbed."""

    __slots__ = ("capture_id", "coming", "key", "project", "received_unix")

    def __init__(
        self, capture_id: str, received_unix: float, project: str, key: str, headers: Json, coming: Coming = UNKNOWN
    ) -> None:
        super().__init__(headers)
        self.capture_id = capture_id
        self.received_unix = received_unix
        self.project = project
        self.key = key
        self.coming = coming

    @property
    def via(self) -> str:
        return self.coming.via

    @property
    def user_agent(self) -> str:
        return self.coming.user_agent

    @property
    def received_at(self) -> str:
        return iso(self.received_unix)

    def __repr__(self) -> str:
        return f"<Facts {self.capture_id} of project {self.project or '-'} via {self.via}>"
