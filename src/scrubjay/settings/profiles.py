"""Choices that belong together: what `relay.profile` sets where nothing else is said.

`sidecar` stands beside one application in its pod, where memory counts and one worker is plenty (`upstream-and-operations.md` 2.4, 10.4):
under 100 MiB at full load, measured by `python -m tests.bench sidecar`. What an operator sets by itself stays, whatever the profile says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from scrubjay.settings.schema import Settings
from scrubjay.settings.setting import KIB, MIB

SIDECAR: Final[Mapping[str, int | float]] = {
    "limits.max_connections": 64,
    "limits.max_bodies_size": 1536 * KIB,
    "limits.max_concurrent_requests": 2,
    "limits.max_envelope_size": 1536 * KIB,
    "limits.max_container_size": MIB,
    "limits.max_profile_size": MIB,
    "limits.max_replay_uncompressed_size": 1536 * KIB,
    "spool.envelopes.max_memory_size": 2 * MIB,
    "spool.envelopes.batch_size_bytes": 256 * KIB,
    "spool.envelopes.max_project_share": 1.0,
}
"""One application is nobody's neighbour: all of the spool is its own. An envelope of attachments takes about eight times its size on its way, one that is scrubbed as JSON ten to fifteen times."""


def with_profile(settings: Settings, given: frozenset[str]) -> tuple[Settings, dict[str, str]]:
    """`given` are the keys that the operator set. Returns the settings and, for each key that the profile set, why."""
    if settings.relay.profile == "default":
        return settings, {}
    chosen = {key: value for key, value in SIDECAR.items() if key not in given}
    for key, value in chosen.items():
        settings = _set(settings, key.split("."), value)
    return settings, dict.fromkeys(chosen, "profile `sidecar`")


def _set(section: Any, path: list[str], value: float) -> Any:
    """A copy of `section` with another value at the end of `path`."""
    name, *rest = path
    return replace(section, **{name: _set(getattr(section, name), rest, value) if rest else value})
