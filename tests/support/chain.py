"""Two relays in a row, as their users run them: a sidecar beside the application, and the gateway that it sends batches to.

Owns who they are: the sidecar's credentials, and the gateway's knowledge of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scrubjay.settings.credentials import Credentials, generate, write_credentials
from support.daemon import Daemon, Samples


@dataclass(frozen=True)
class Chain:
    """Neither is started."""

    sidecar: Daemon
    gateway: Daemon

    def start(self) -> Chain:
        self.gateway.start()
        self.sidecar.start()
        return self


def chain(
    daemons: Callable[..., Daemon],
    upstream_url: str,
    *,
    sidecar: Mapping[str, Any] | None = None,
    gateway: Mapping[str, Any] | None = None,
    projects: Mapping[str, Any] | None = None,
    knows: Callable[[Credentials], Mapping[str, Any]] | None = None,
) -> Chain:
    """`daemons` makes one of them; the mappings are settings, `projects` the sidecar's. `knows`: the gateway's `auth.static_relays`."""
    keys = generate()
    relays = (knows or internal)(keys)
    behind = daemons(
        mode="proxy", upstream=upstream_url, options={"auth": {"static_relays": relays}, **(gateway or {})}
    )
    before = daemons(upstream=behind.url, options=sidecar, projects=projects)
    write_credentials(before.folder, keys)
    return Chain(before, behind)


def internal(keys: Credentials) -> Mapping[str, Any]:
    """The sidecar is known, and its word is taken."""
    return {keys.id: {"public_key": keys.public_key, "internal": True}}


def total(samples: Samples, name: str, **labels: str) -> int:
    """The sum over all label sets that contain `labels`."""
    wanted = frozenset(labels.items())
    return int(sum(value for (each, given), value in samples.items() if each == name and wanted <= given))
