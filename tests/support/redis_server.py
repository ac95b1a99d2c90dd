"""A Redis server of the test's own: on a Unix socket in its folder, killed and started again as the test wants."""

import subprocess
from pathlib import Path

import redis

from support.processes import Child
from support.requirements import tool


class RedisServer:
    """`kill` loses all data unless `keeps` (an append-only file, written at each command)."""

    def __init__(self, folder: Path, *, keeps: bool = False) -> None:
        self._program = tool("redis-server", "Debian package redis-server")
        self._folder = folder
        self._keeps = keeps
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._child: Child | None = None
        self.start()

    def start(self) -> None:
        argv = [self._program, "--port", "0", "--unixsocket", self.socket, "--dir", self._folder, "--save", ""]
        if self._keeps:
            argv += ["--appendonly", "yes", "--appendfsync", "always"]
        self._child = Child(argv, cwd=self._folder, log=self._folder / "redis.log")
        self._child.wait_until(self._answers, "redis-server answers")

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.RedisError:
            return False

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def kill(self) -> None:
        """-9, and no data is left but what is on the disk."""
        assert self._child is not None
        self._child.kill()

    def pause(self) -> None:
        """Connections stand, nothing is answered."""
        assert self._child is not None
        subprocess.run(["kill", "-STOP", str(self._child.pid)], check=True)

    def resume(self) -> None:
        assert self._child is not None
        subprocess.run(["kill", "-CONT", str(self._child.pid)], check=True)

    def stop(self) -> None:
        if self._child is not None and self._child.running:
            self._child.kill()
