"""What is allowed, and probably not meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scrubjay.settings.advice import advice
from scrubjay.settings.load import build
from scrubjay.settings.project_files import ProjectSet
from scrubjay.settings.setting import Secret

STATIC: dict[str, Any] = {"relay.mode": "static", "spool.envelopes.path": "/srv/spool", "projects.unknown": "forward"}


def told(values: dict[str, Any], mounts: Path = Path("/none")) -> str:
    return "\n".join(advice(build(values), ProjectSet(), mounts))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"projects.unknown": "reject"}, "every request is answered 403"),
        ({"spool.envelopes.path": None}, "spool.envelopes.path is not set"),
        ({"http.insecure_skip_verify": True}, "certificate is not verified"),
        ({"scrub.on_error": "forward"}, "that cannot be scrubbed leave unscrubbed"),
        ({}, "envelopes of unknown keys leave unscrubbed"),
        ({"admin.token": Secret("")}, "admin.token is empty"),
        ({"health.max_memory_percent": 0.8}, "before any memory is saved"),
        ({"health.max_memory_percent": 0.5}, "before any memory is saved"),
    ],
)
def test_each_has_its_line(values: dict[str, Any], words: str) -> None:
    assert words in told(STATIC | values)


@pytest.mark.parametrize(
    ("pending", "path", "mode", "is_told"),
    [
        ("disk", None, "managed", True),
        ("disk", "/srv/spool", "managed", False),
        ("memory", None, "managed", False),
        ("disk", None, "static", False),
    ],
)
def test_there_is_no_waiting_on_a_disk_without_a_spool(
    pending: str, path: str | None, mode: str, is_told: bool
) -> None:
    values = {"relay.mode": mode, "spool.envelopes.path": path, "spool.envelopes.pending": pending}
    assert ("is in memory alone" in told(STATIC | values)) is is_told


def test_nothing_is_said_of_a_capture() -> None:
    assert told({"relay.mode": "capture"}) == ""


@pytest.mark.parametrize(
    ("kind", "point", "is_told"),
    [
        ("nfs4", "/srv", True),
        ("cifs", "/srv/spool", True),
        ("ext4", "/srv", False),
        ("nfs4", "/", False),
        ("fuse.sshfs", "/other", False),
    ],
)
def test_network_file_systems_are_warned_of(tmp_path: Path, kind: str, point: str, is_told: bool) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"disk {point} {kind} rw 0 0\nroot / overlay rw 0 0\nmine /srv/of\\040us ext4 rw 0 0\nbroken\n")
    assert (f"network file system ({kind})" in told(STATIC, mounts)) is is_told


def test_a_path_with_a_blank_has_its_own_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("a /srv ext4 rw 0 0\nb /srv/of\\040us nfs rw 0 0\n")
    assert "network file system (nfs)" in told(STATIC | {"spool.envelopes.path": "/srv/of us/spool"}, mounts)
