"""Real file systems of a few MiB: one that fills up, one whose device cannot keep what the file system promised.

Owns mounting and unmounting; where the machine does not let a test mount, it is a missing tool in the sense of `requirements`. Errors that no
device here can be made to give are `faulty_system`'s.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support.requirements import require

MIB = 1024 * 1024


@contextmanager
def small_disk(kind: str, folder: Path, size_mib: int = 8) -> Iterator[Path]:
    """The mount point of a file system of its own: `tmpfs` or `ext4`."""
    with ExitStack() as stack:
        mount = folder / "mnt"
        if kind == "tmpfs":
            stack.enter_context(_mounted(mount, "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs"))
        else:
            image = _image(folder / "image", size_mib)
            stack.enter_context(_mounted(mount, "-o", "loop", str(image)))
        yield mount


@contextmanager
def thin_disk(folder: Path, size_mib: int = 64, room_mib: int = 4) -> Iterator[tuple[Path, Path]]:
    """A file system that believes to have `size_mib`, on a device that has `room_mib`: writing works, syncing fails when the device is full.

    Yields the mount point, and a file of 2 MiB on the device: without it there is room again.
    """
    with ExitStack() as stack:
        device = folder / "device"
        stack.enter_context(_mounted(device, "-t", "tmpfs", "-o", f"size={room_mib + 2}m", "tmpfs"))
        image = _image(device / "image", size_mib, "-O", "^has_journal", "-E", "lazy_itable_init=0", "-N", "200")
        ballast = device / "ballast"
        ballast.write_bytes(bytes(2 * MIB))
        mount = folder / "mnt"
        stack.enter_context(_mounted(mount, "-o", "loop,errors=continue", str(image)))
        yield mount, ballast


def loop_name(mount: Path) -> str:
    """The name of the device that is mounted there."""
    done = subprocess.run(["findmnt", "-no", "SOURCE", str(mount)], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip()).name


def _image(path: Path, size_mib: int, *options: str) -> Path:
    with path.open("wb") as file:
        file.truncate(size_mib * MIB)
    refused = _try(["mkfs.ext4", "-q", "-m", "0", *options, str(path)])
    require(not refused, f"an ext4 image cannot be made: {refused}")
    return path


@contextmanager
def _mounted(mount: Path, *arguments: str) -> Iterator[None]:
    mount.mkdir()
    refused = _try(["mount", *arguments, str(mount)])
    require(not refused, f"a small file system cannot be mounted: {refused}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)  # a test that failed may have left somebody in it


def _try(command: Sequence[str]) -> str:
    """Why it did not work; empty if it did."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return f"{command[0]} is not installed"
    return "" if done.returncode == 0 else done.stderr.strip() or f"{command[0]} failed"
