"""What is allowed, and probably not meant: warnings at start, at a reload and in `scrubjay check` (`upstream-and-operations.md` 2.6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scrubjay.settings.project_files import ProjectSet
from scrubjay.settings.schema import Settings

_MOUNTS: Final = Path("/proc/self/mounts")
_REMOTE: Final = frozenset(
    ("9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gfs2", "glusterfs",
     "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb2", "smb3", "smbfs")
)  # fmt: skip
"""File systems of other machines, as the kernel calls them."""


def advice(settings: Settings, projects: ProjectSet, mounts: Path = _MOUNTS) -> Iterator[str]:
    """One line each."""
    mode, envelopes = settings.relay.mode, settings.spool.envelopes
    if mode == "static" and not projects.by_key and projects.default is None and settings.projects.unknown == "reject":
        yield "no project and no plan `default`: every request is answered 403; add projects/default.yaml"
    if mode != "capture" and envelopes.path is None:
        yield "spool.envelopes.path is not set: what waits for the upstream is lost with the process"
    if mode == "managed" and envelopes.path is None and envelopes.pending == "disk":
        yield (
            "spool.envelopes.pending: disk: there is no disk without spool.envelopes.path: what waits for the configuration of its project "
            "is in memory alone"
        )
    if mode != "capture" and envelopes.path is not None and (kind := _remote(Path(envelopes.path), mounts)):
        yield (
            f"spool.envelopes.path: {envelopes.path} is on a network file system ({kind}): locks and forced writes may not hold there; "
            "take a disk of this machine"
        )
    if settings.health.max_memory_percent <= envelopes.max_backpressure_memory_percent:
        yield (
            "health.max_memory_percent is not above spool.envelopes.max_backpressure_memory_percent: envelopes are refused before "
            "any memory is saved"
        )
    if settings.http.insecure_skip_verify:
        yield "http.insecure_skip_verify: the upstream's certificate is not verified"
    if settings.sentry.enabled and settings.sentry.dsn is None:
        yield "sentry.enabled: nobody is told of the relay's errors as long as sentry.dsn is not set"
    if settings.admin.token is not None and not settings.admin.token.reveal():
        yield "admin.token is empty: nobody is let in from other machines"
    fates = (settings.scrub.on_error, *settings.scrub.on_error_by_type)
    if any(fate.endswith("forward") for fate in fates):
        yield "scrub.on_error: forward: payloads that cannot be scrubbed leave unscrubbed"
    if settings.projects.unknown == "forward" and mode == "static":
        yield "projects.unknown: forward: envelopes of unknown keys leave unscrubbed"


def _remote(path: Path, mounts: Path) -> str:
    """The kind of the network file system that a path is on; empty for a disk of this machine, or where nobody can tell."""
    try:
        rows = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return ""
    place = path.absolute()
    points = {Path(row[1].encode().decode("unicode_escape")): row[2] for row in rows if len(row) > 2}
    kind = next((points[folder] for folder in (place, *place.parents) if folder in points), "")
    return kind if kind in _REMOTE else ""
