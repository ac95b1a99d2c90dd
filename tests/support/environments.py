"""Packages that only some tests need, installed on demand into a cache folder: other SDK versions, servers, npm.

Owns the folder (`SCRUBJAY_TEST_CACHE`, else `build/test-cache` of the checkout), one sub-folder per set of pinned
packages, made whole or not at all, and found again by the next run. What cannot be installed is a missing tool in the
sense of `requirements`. Only package names and versions stand here: where they come from is the machine's business.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.requirements import require, tool

INSTALL_TIMEOUT_S = 300
_COMPLETE = ".complete"


def cache_folder() -> Path:
    default = Path(__file__).parents[2] / "build" / "test-cache"
    return Path(os.environ.get("SCRUBJAY_TEST_CACHE") or default).absolute()


def python_environment(name: str, *packages: str) -> Path:
    """A virtual environment of its own with `packages`; its `bin` folder is returned."""

    def install(folder: Path) -> None:
        _run([sys.executable, "-m", "venv", folder])
        _run([folder / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages])

    return installed(name, packages, install) / "bin"


def python_path(name: str, *packages: str) -> Path:
    """A folder with `packages` to put on PYTHONPATH, in front of what the tests' own environment has."""

    def install(folder: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        _run([*pip, "--target", folder, *packages])

    return installed(name, packages, install)


def npm_folder(name: str, *packages: str) -> Path:
    """A folder whose `node_modules` holds `packages`."""
    npm = tool("npm", "Debian: nodejs npm")

    def install(folder: Path) -> None:
        folder.mkdir()
        (folder / "package.json").write_text('{"private": true}\n')
        _run([npm, "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", *packages], cwd=folder)

    return installed(name, packages, install)


def installed(name: str, packages: Sequence[str], install: Callable[[Path], None]) -> Path:
    """The folder of this set, installed unless an earlier run did.

    A virtual environment holds absolute paths, so it is made where it stays; a marker, written last, tells a whole one
    from one that was interrupted.
    """
    digest = hashlib.sha256("\n".join([sys.version, *packages]).encode()).hexdigest()[:10]
    root = cache_folder()
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"{name}-{digest}"
    with locked(root / f"{name}.lock"):
        if not (folder / _COMPLETE).exists():
            shutil.rmtree(folder, ignore_errors=True)
            try:
                install(folder)
            except (OSError, subprocess.SubprocessError) as error:
                output = getattr(error, "stdout", None) or ""
                require(False, f"cannot install {', '.join(packages)}: {error} {output[-2000:]}")
            (folder / _COMPLETE).touch()
    return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str | Path], *, cwd: Path | None = None) -> None:
    subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        check=True,
        timeout=INSTALL_TIMEOUT_S,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
