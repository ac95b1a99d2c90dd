"""Child processes of the end-to-end tests, and waiting for conditions.

Owns starting, stopping and killing one process with its output in a file, free loopback ports, and the only polling
loop of the tests. Leaves to its callers what the process is and when it counts as ready.
"""

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_CHANCE = random.SystemRandom()  # a test that seeds the other one must not meet itself
_TAKEN: list[socket.socket] = []
"""One mark for each port that was given away, for as long as this process lives."""
POLL_S = 0.02
PATIENCE_S = 90.0
"""What takes a second may take many, where three processes of tests and a compiler share two processors."""
STOP_TIMEOUT_S = 60.0


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port nobody listens on now, and that is given to no other test, in whichever process. Taken once per server and kept over its restarts.

    Not one of those that the system gives to outgoing connections: while the server is away, a client that tries to reach it could be given the
    very port, and be connected with itself.
    """
    ports = range(10_240, _first_ephemeral())
    while True:
        port = _CHANCE.choice(ports)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            _mark(port)
            return port


def _mark(port: int) -> None:
    """OSError if it was given away before: between that and its use it looks free. The name is the system's to forget when this process ends."""
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mark.bind(f"\0scrubjay-test-port-{port}")
    except OSError:
        mark.close()
        raise
    _TAKEN.append(mark)


def _first_ephemeral() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        return 32_768


def wait_for(probe: Callable[[], T], what: str, *, timeout_s: float = PATIENCE_S, poll_s: float = POLL_S) -> T:
    """Call `probe` until it returns something true, and return that; AssertionError with `what` when time is over."""
    deadline = time.monotonic() + timeout_s
    while not (result := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what}")
        time.sleep(poll_s)
    return result


def get(port: int, path: str, *, timeout_s: float = 30.0) -> tuple[int, bytes]:
    """Status and body of a GET on loopback; OSError or HTTPException if there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def answers(port: int, path: str) -> bool:
    """True if a GET of `path` is answered with 200 now."""
    try:
        return get(port, path)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


class Child:
    """One process in its own session; both outputs are appended to `log`."""

    def __init__(
        self, argv: Sequence[str | Path], *, cwd: Path, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.argv = [str(part) for part in argv]
        self.log = log
        self._log_start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self.argv,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def output(self) -> str:
        """What this process wrote so far."""
        with self.log.open("rb") as lines:
            lines.seek(self._log_start)
            return lines.read().decode(errors="replace")

    def wait_until(self, probe: Callable[[], object], what: str, *, timeout_s: float = PATIENCE_S) -> None:
        """Wait for `probe`, but give up at once, with the output, if the process ends."""

        def ready() -> bool:
            if not self.running:
                raise AssertionError(f"{self.argv} ended with {self._process.returncode}:\n{self.output()}")
            return bool(probe())

        try:
            wait_for(ready, what, timeout_s=timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output()[-8000:]}") from None

    def wait(self, *, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """Exit status, once it ends by itself."""
        return self._process.wait(timeout_s)

    def stop(self, *, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """SIGTERM, then wait; SIGKILL to the whole group if it does not go. Exit status."""
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.argv} ignored SIGTERM for {timeout_s:g} s:\n{self.output()[-8000:]}") from None
        self._reap_group()
        return status

    def kill(self) -> None:
        """SIGKILL to the process and to whatever it started."""
        self._reap_group()
        self._process.wait(STOP_TIMEOUT_S)

    def _reap_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
