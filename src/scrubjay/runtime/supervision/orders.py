"""What a supervisor is told: as much of the settings as it needs, in a form that it reads without the settings' code.

Owns that form, and what each change of it asks for. Who loads settings writes orders (`cli.worker`); the supervisor, which must stay small,
has them written by a child process whenever it is told to reload.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from scrubjay.runtime.quota_sharing.service import Sharing

MODE: Final = "relay.mode"
PINNED: Final = (
    *("relay.host", "relay.port", "relay.internal_host", "relay.internal_port", "relay.unix_socket"),
    *("relay.workers", "relay.state_dir"),
)
"""Keys that belong to the whole: they are the supervisor's from its start to its end, whatever the sources say meanwhile."""


@dataclass(frozen=True, slots=True)
class Orders:
    """`sharing`: what the quota ledger needs. `digests`: each key that is not put in force by a reload → a digest of its value. `problems`: why a worker that starts now would
    refuse to, or serve less than those that run."""

    mode: str
    host: str
    port: int
    workers: int
    state_dir: str
    internal_host: str | None = None
    internal_port: int | None = None
    unix_socket: str | None = None
    shutdown_delay_s: float = 0.0
    shutdown_timeout_s: float = 10.0
    log_level: str = "info"
    log_format: str = "auto"
    sharing: Sharing = field(default_factory=Sharing)
    digests: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str | bytes) -> Orders:
        """Raises `ValueError` for what `dump` did not write."""
        try:
            document = json.loads(text)
            sharing, problems = Sharing(**document["sharing"]), tuple(document["problems"])
            return cls(**{**document, "sharing": sharing, "problems": problems})
        except (TypeError, KeyError) as error:
            raise ValueError(f"no orders: {error}") from error

    def changes(self, newer: Orders) -> Changes:
        """What has to happen for `newer` to be in force."""
        keys = sorted({*self.digests, *newer.digests})
        differing = [key for key in keys if self.digests.get(key) != newer.digests.get(key)]
        return Changes(
            mode=self.mode != newer.mode,
            pinned=tuple(key for key in differing if key in PINNED),
            replacing=tuple(key for key in differing if key not in PINNED and key != MODE),
        )


@dataclass(frozen=True, slots=True)
class Changes:
    """`mode`: it differs, which nothing short of another start can do. `pinned`, `replacing`: keys that need another supervisor, or other
    workers."""

    mode: bool = False
    pinned: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()
