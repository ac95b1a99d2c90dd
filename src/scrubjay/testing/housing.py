"""Where a sink of a test lives: in a thread of the test's process with an event loop of its own, or in a process of its own.

Owns starting and stopping, and the folder of its state. In a thread the port is open before the relay behind it is loaded: whoever connects
meanwhile waits in the kernel's queue, so that a test starts at once, and loading goes on beside what the test does first. While it lives there, it
logs nothing: the process is somebody else's, and so are its log, its standard output and its garbage collector.

Invariants: what stops, stops in order; a sink that cannot start says why to whoever asks it something; a process forked off from a test's does
not stop its parent's sink.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol

from scrubjay.errors import ScrubjayError

HOST: Final = "127.0.0.1"
TUNNEL: Final = "/tunnel"
BACKLOG: Final = 128
END_S: Final = 0.1
"""For requests that are being answered when a sink is stopped."""
_LOADING_S: Final = 30.0
_PROCESS_S: Final = 60.0
_SILENT: Final = logging.CRITICAL + 10


class SinkFailed(ScrubjayError):
    """The sink could not start, or has ended."""


@dataclass(frozen=True, slots=True)
class Lodging:
    """What a sink is started with. `rules`: a file, as for `scrubjay capture --rules`; `config`: a configuration folder, or a file in it;
    `settings`: dotted key → value as text.
    """

    rules: Path | None = None
    config: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    def flags(self, state_dir: Path, port: int) -> dict[str, tuple[str, str]]:
        """Settings that go before all others, with where they come from."""
        given = {
            "routing.tunnel_paths": f"[{TUNNEL}]",
            **self.settings,
            "relay.mode": "capture",
            "relay.host": HOST,
            "relay.port": str(port),
            "relay.workers": "1",
            "relay.state_dir": str(state_dir),
            "capture.spotlight_port": str(port),
            "limits.shutdown_timeout": str(END_S),
        }
        return {key: (value, "scrubjay.testing") for key, value in given.items()}


class Housing(Protocol):
    """A sink that runs, or is about to."""

    url: str

    def check(self) -> None:
        """Raises `SinkFailed` if it has failed."""

    def close(self) -> None:
        """Returns when it has stopped; a second time does nothing."""


class InThread:
    """Open at once; see above. `port`: 0 for a free one. Raises `OSError` if it cannot be had."""

    def __init__(self, lodging: Lodging, port: int = 0) -> None:
        """`port` 0: a free one. Raises `SinkFailed` if it is taken."""
        self._lodging = lodging
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind((HOST, port))
        except OSError as error:
            self._listener.close()
            raise SinkFailed(f"the sink cannot listen on port {port}: {error.strerror}") from None
        self._listener.listen(BACKLOG)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://{HOST}:{self.port}"
        self._error: BaseException | None = None
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_ending = False
        self._thread = threading.Thread(target=self._live, name="scrubjay-sink", daemon=True)
        self._thread.start()

    def check(self) -> None:
        __tracebackhide__ = True
        if isinstance(self._error, ScrubjayError):
            raise SinkFailed(f"the sink could not start: {self._error}")
        if self._error is not None:
            raise SinkFailed(f"the sink could not start: {self._error!r}") from self._error
        if not self._thread.is_alive() and self._pid == os.getpid():
            raise SinkFailed("the sink is stopped")

    def close(self) -> None:
        if self._pid != os.getpid():
            return
        with self._lock:
            self._is_ending = True
            if self._loop is not None and self._stop is not None:
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_LOADING_S)

    def _live(self) -> None:
        with closing(self._listener):  # last: whoever is cut off by it finds the error
            try:
                with TemporaryDirectory(prefix="scrubjay-sink-") as folder, _silence():
                    self._serve(Path(folder))
            except BaseException as error:  # noqa: BLE001  whoever asks the sink is told; nobody else is to be disturbed
                self._error = error

    def _serve(self, state_dir: Path) -> None:
        from scrubjay.runtime.worker import Worker  # noqa: PLC0415 - this is what takes the time
        from scrubjay.settings.load import load  # noqa: PLC0415

        lodging = self._lodging
        config = lodging.config
        if config is None:
            config = state_dir / "scrubjay.yaml"
            config.write_text("{}\n", encoding="utf-8")
        loaded = load(config, {}, lodging.flags(state_dir, self.port), rules=lodging.rules)

        async def live() -> None:
            stop = asyncio.Event()
            with self._lock:
                self._loop, self._stop = asyncio.get_running_loop(), stop
                if self._is_ending:
                    return
            worker = Worker(loaded)
            await worker.start(self._listener)
            await stop.wait()
            await worker.stop()

        try:
            asyncio.run(live())
        finally:
            with self._lock:
                self._loop = None


class InProcess:
    """Started when it listens: a second or two."""

    def __init__(self, lodging: Lodging) -> None:
        self._folder = TemporaryDirectory(prefix="scrubjay-sink-")
        self._pid = os.getpid()
        folder = Path(self._folder.name)
        variables = {key: value for key, (value, _) in lodging.flags(folder, 0).items()}
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("SCRUBJAY_", "RELAY_"))},
            **{f"SCRUBJAY__{key.upper().replace('.', '__')}": value for key, value in variables.items()},
        }
        config = lodging.config or folder / "scrubjay.yaml"
        if lodging.config is None:
            config.write_text("{}\n", encoding="utf-8")
        command = [sys.executable, "-m", "scrubjay", "capture", "-c", str(config), "--port", "0", "--print-json"]
        if lodging.rules is not None:
            command += ["--rules", str(lodging.rules)]
        with (folder / "log").open("wb") as log:
            self._child = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=environment
            )
        atexit.register(self.close)
        self.url = self._first_line(folder)

    def check(self) -> None:
        if self._pid == os.getpid() and self._child.poll() is not None:
            raise SinkFailed(f"the sink's process has ended with status {self._child.returncode}")

    def close(self) -> None:
        if self._pid != os.getpid():
            return
        atexit.unregister(self.close)
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(5)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()
        self._folder.cleanup()

    def _first_line(self, folder: Path) -> str:
        assert self._child.stdout is not None
        timer = threading.Timer(_PROCESS_S, self._child.kill)
        timer.start()
        try:
            line = self._child.stdout.readline()
        finally:
            timer.cancel()
        try:
            return str(json.loads(line)["url"])
        except (ValueError, KeyError):
            said = (folder / "log").read_text(encoding="utf-8", errors="replace").strip()
            self.close()
            raise SinkFailed(f"the sink could not start: {said or 'it said nothing'}") from None


class Elsewhere:
    """A sink that somebody else has started."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def check(self) -> None:
        """Nothing is known of it."""

    def close(self) -> None:
        """It is not ours to stop."""


@contextmanager
def _silence() -> Iterator[None]:
    """No log records of ours as long as a sink lives in this process: an SDK would send them on, and a test may count records."""
    global _silencers, _level
    logger = logging.getLogger("scrubjay")
    with _silence_lock:
        if not _silencers:
            _level = logger.level
            logger.setLevel(_SILENT)
        _silencers += 1
    try:
        yield
    finally:
        with _silence_lock:
            _silencers -= 1
            if not _silencers:
                logger.setLevel(_level)


_silence_lock: Final = threading.Lock()
_silencers = 0
_level = logging.NOTSET
