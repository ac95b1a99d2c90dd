"""Prometheus and promtool, as Debian packages them: a server that scrapes relays every second, and the judge of rules and texts.

Owns the server's configuration, process and HTTP interface. Patience of rules is taken away, or no test would see them fire.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from support.processes import Child, answers, free_port, get
from support.requirements import tool

_PATIENCE = re.compile(r"(?m)^(\s+for:) .*$")
_WINDOW = re.compile(r"\[\d+[mhd]\]")


def promtool(*arguments: str | Path, text: bytes | None = None) -> subprocess.CompletedProcess[str]:
    """Runs it; what is wrong is in its output."""
    program = tool("promtool", "Debian package prometheus")
    command = [str(program), *map(str, arguments)]
    given = None if text is None else text.decode()
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)


def impatient(rules: Path) -> str:
    """The same rules, which fire after a second, and look back half a minute."""
    return _WINDOW.sub("[30s]", _PATIENCE.sub(r"\1 1s", rules.read_text()))


class Prometheus:
    """Ends with the block it is used in."""

    def __init__(self, folder: Path, targets: Mapping[str, Sequence[str]], rules: str) -> None:
        """`targets`: addresses of relays by job."""
        folder.mkdir()
        self._folder = folder
        self._port = free_port()
        (folder / "rules.yml").write_text(rules)
        jobs = [{"job_name": job, "static_configs": [{"targets": list(found)}]} for job, found in targets.items()]
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": jobs,
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        checked = promtool("check", "config", folder / "prometheus.yml")
        assert checked.returncode == 0, checked.stderr

    def __enter__(self) -> Prometheus:
        command = [
            tool("prometheus", "Debian package prometheus"),
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=tsdb",
            f"--web.listen-address=127.0.0.1:{self._port}",
            "--log.level=warn",
        ]
        self._child = Child(command, cwd=self._folder, log=self._folder / "log")
        self._child.wait_until(lambda: answers(self._port, "/-/ready"), "Prometheus is ready")
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()

    def query(self, expression: str) -> dict[tuple[tuple[str, str], ...], float]:
        """Values now, by labels."""
        found = self._ask(f"query?query={quote(expression)}")["result"]
        return {tuple(sorted(row["metric"].items())): float(row["value"][1]) for row in found}

    def firing(self) -> dict[str, str]:
        """Alerts that fire now, with their summaries."""
        found = self._ask("alerts")["alerts"]
        return {
            alert["labels"]["alertname"]: alert["annotations"]["summary"]
            for alert in found
            if alert["state"] == "firing"
        }

    def targets(self) -> list[str]:
        """Why each target cannot be scraped; empty for those that can."""
        return [
            target["lastError"] for target in self._ask("targets")["activeTargets"] if target["health"] != "unknown"
        ]

    def _ask(self, what: str) -> Any:
        status, text = get(self._port, f"/api/v1/{what}")
        answer = json.loads(text)
        assert status == 200, answer
        return answer["data"]
