"""scrubjay as its users run it: a process, a config folder, a port.

Owns writing the folder, starting, stopping and killing the process, and reading what it says about itself from outside:
readiness, metrics, `scrubjay status`. Knows nothing of its inside. Restarting keeps folder, port and spool.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from support.processes import STOP_TIMEOUT_S, Child, answers, free_port, get, wait_for

DEFAULT_SCRUBBING: dict[str, Any] = {"config": {}}
"""A project file without options: the default plan, which scrubs."""
KEY = "4f2a8c1e9b7d4a6380c5e2f1a7b9d3c4"
CLOSED_S = 30.0
START_S = 90.0
"""Most that a start may take, on a machine that has much else to do."""
BUSY_MS = 60_000
"""For one document, of which a relay on a machine that is busy with other things would give some up."""
READY = "/api/relay/healthcheck/ready/"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""Name and labels → value."""
LIVE = "/api/relay/healthcheck/live/"


@dataclass(frozen=True)
class Account:
    """Where everything received is now, per data category: `received` = the sum of the others, if nothing vanished."""

    received: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    ended: dict[str, Counter[str]] = field(default_factory=dict)
    """Outcome → category → amount; the outcomes are forwarded, captured and all kinds of loss."""
    unaccounted: int = 0

    @property
    def forwarded(self) -> Counter[str]:
        return self.ended.get("forwarded", Counter())

    @property
    def dropped(self) -> Counter[str]:
        lost = (amounts for outcome, amounts in self.ended.items() if outcome not in {"forwarded", "captured"})
        return sum(lost, Counter())

    @property
    def closed(self) -> bool:
        return self.received == self.held + sum(self.ended.values(), Counter()) and self.unaccounted == 0


class Daemon:
    """One instance. `options` are settings as in the file, sections of sections; `projects` maps file name to content; `env` is added."""

    def __init__(
        self,
        folder: Path,
        *,
        mode: str = "static",
        upstream: str | None = None,
        options: Mapping[str, Any] | None = None,
        projects: Mapping[str, Any] | None = None,
        spool: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self._env = env
        self.port = free_port()
        self._child: Child | None = None
        config: dict[str, Any] = {
            "relay": {"mode": mode, "host": "127.0.0.1", "port": self.port, "state_dir": str(folder / "run")},
            "logging": {"level": "info", "format": "json"},
            "http": {"retry_delay": 0.1, "outage_grace_period": 1, "max_retry_interval": 1},
            "scrub": {"max_event_ms": BUSY_MS},
        }
        if upstream is not None:
            config["relay"]["upstream"] = upstream
        if spool:
            config["spool"] = {"envelopes": {"path": str(folder / "spool")}}
        for section, values in (options or {}).items():
            config[section] = _merged(config.get(section, {}), values)
        self.admin_port: int = config["relay"].get("internal_port", self.port)
        """Where it says how it is: the internal listener's, if there is one."""
        (folder / "projects").mkdir(parents=True)
        (folder / "scrubjay.yaml").write_text(yaml.safe_dump(config))
        if projects is None:
            projects = {"default.yaml": DEFAULT_SCRUBBING} if mode == "static" else {}
        for name, content in projects.items():
            (folder / "projects" / name).write_text(yaml.safe_dump(content))

    def configure(self, **sections: Any) -> None:
        """Changes settings in the file: for the next start, or the next SIGHUP."""
        path = self.folder / "scrubjay.yaml"
        path.write_text(yaml.safe_dump(_merged(yaml.safe_load(path.read_text()), sections)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    @property
    def log(self) -> str:
        """What the running process (or the last one) wrote."""
        return self._child.output() if self._child else ""

    def dsn(self, key: str = KEY, project_id: int = 1) -> str:
        return f"http://{key}@127.0.0.1:{self.port}/{project_id}"

    def launch(self) -> None:
        """Start the process and return at once."""
        assert self._child is None, "already started"
        command = [sys.executable, "-m", "scrubjay", "-c", self.folder, "run"]
        self._child = Child(command, cwd=self.folder, log=self.folder / "log", env=self._env)

    def start(self) -> None:
        """Start the process and wait until it is ready."""
        self.launch()
        assert self._child is not None
        self._child.wait_until(lambda: answers(self.admin_port, READY), "the daemon is ready", timeout_s=START_S)

    def start_unready(self) -> None:
        """Start the process and wait until it answers, although it may be unable to take anything."""
        self.launch()
        assert self._child is not None
        self._child.wait_until(lambda: answers(self.admin_port, LIVE), "the daemon answers", timeout_s=START_S)

    def stop(self) -> int:
        """SIGTERM, wait. Exit status, which a test that stops a healthy daemon expects to be 0."""
        assert self._child is not None
        status = self._child.stop()
        self._child = None
        return status

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, *, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """The exit status of a process that is ending by itself."""
        assert self._child is not None
        status = self._child.wait(timeout_s=timeout_s)
        self._child = None
        return status

    def kill(self) -> None:
        """SIGKILL; nothing of the process survives."""
        assert self._child is not None
        self._child.kill()
        self._child = None

    def close(self) -> None:
        """End it however it is, for the end of a test."""
        if self._child is not None:
            self.kill()

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    def resident_bytes(self) -> int:
        """Memory of the process in RAM."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * 4096

    def metrics(self) -> Samples:
        """All samples of `/metrics`: name and labels → value."""
        status, text = get(self.admin_port, "/metrics")
        assert status == 200, text
        return samples_of(text)

    def account(self) -> Account:
        """The account, from the metrics."""
        return account_of(self.metrics())

    def wait_until_empty(self, *, timeout_s: float = 120.0) -> Account:
        """The account once nothing is held any more, and closed, if it ever is: after a kill it is while the spool is still gone through."""

        def empty() -> Account | None:
            account = self.account()
            return account if not account.held and account.received else None

        result = wait_for(empty, "nothing held", timeout_s=timeout_s)
        assert result is not None
        with contextlib.suppress(AssertionError):
            wait_for(lambda: self.account().closed, "closed", timeout_s=CLOSED_S)
        return self.account()

    def status(self) -> dict[str, Any]:
        """`scrubjay status --json`."""
        done = self.run("status", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of the program on the same config folder."""
        return subprocess.run(
            [sys.executable, "-m", "scrubjay", "-c", str(self.folder), *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def samples_of(text: bytes) -> Samples:
    """What `/metrics` says."""
    families = text_string_to_metric_families(text.decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def account_of(samples: Samples) -> Account:
    account = Account()
    unaccounted = 0.0
    for (name, label_set), value in samples.items():
        labels = dict(label_set)
        if name == "scrubjay_items_received_total":
            account.received[labels["category"]] += int(value)
        elif name == "scrubjay_items_held":
            account.held[labels["category"]] += int(value)
        elif name == "scrubjay_outcomes_total":
            account.ended.setdefault(labels["outcome"], Counter())[labels["category"]] += int(value)
        elif name == "scrubjay_unaccounted_total":
            unaccounted += value
    return Account(_positive(account.received), _positive(account.held), account.ended, int(unaccounted))


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        merged[key] = _merged(merged.get(key, {}), value) if isinstance(value, Mapping) else value
    return merged


def _positive(counter: Counter[str]) -> Counter[str]:
    """Without zeros, so that counters compare by what they hold."""
    return +counter
