"""Applications with real SDKs that send what a test tells them to (`apps/obedient_app.*`)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.environments import npm_folder
from support.requirements import node_program
from support.sample_shop import APPS, NODE_PACKAGES

SDKS = ("python", "node")


class App:
    """Its SDK has sent, or given up, everything when `do` returns."""

    def __init__(self, command: list[str | Path], folder: Path, dsn: str) -> None:
        self.done: list[str] = []
        """The commands so far."""
        self._log = folder / "app.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "APP_DSN": dsn, "PYTHONWARNINGS": "ignore"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
            )

    def do(self, command: str, times: int = 1) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        for _ in range(times):
            self._process.stdin.write(f"{command}\n")
            answer = self._process.stdout.readline()
            assert answer == "done\n", f"the application said {answer!r}:\n{self._log.read_text()}"
            self.done.append(command)

    def end(self) -> None:
        """Its input ends; so does it."""
        try:
            self._process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


@contextmanager
def running(sdk: str, folder: Path, dsn: str) -> Iterator[App]:
    """An application with `sdk`, one of `SDKS`, until the block ends."""
    app = App(_command(sdk, folder), folder, dsn)
    try:
        yield app
    finally:
        app.end()


def _command(sdk: str, folder: Path) -> list[str | Path]:
    if sdk == "python":
        return [sys.executable, APPS / "obedient_app.py"]
    program = folder / "obedient_app.cjs"
    program.write_bytes((APPS / "obedient_app.cjs").read_bytes())
    modules = npm_folder("node", *NODE_PACKAGES) / "node_modules"
    if not (link := folder / "node_modules").exists():
        link.symlink_to(modules)
    return [node_program(), program]
