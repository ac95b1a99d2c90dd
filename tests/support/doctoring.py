"""A set-up, and what `scrubjay doctor` finds of it.

Owns writing the folder and reading the findings. The verb runs in this process; who waits for a server of the same event loop runs it in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from scrubjay.cli import check, rehearsal
from scrubjay.cli.diagnosis import examine
from scrubjay.cli.findings import Finding, Verdict
from scrubjay.cli.verb import Invocation
from scrubjay.core.plan import ProjectPlan, compile_plan, revision_of
from scrubjay.settings.global_config import NOTHING_SHARED
from scrubjay.settings.project import ProjectConfig
from scrubjay.settings.schema import Settings
from support.processes import free_port

KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
PROJECT: Mapping[str, Any] = {"publicKeys": [{"publicKey": KEY}], "config": {}}
NO_SERVER = "http://127.0.0.1:9"


def compile_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal plans are compiled once for all tests, which is most of a diagnosis's time."""

    def compiled(project: ProjectConfig, settings: Settings, *more: Any, **shared: Any) -> ProjectPlan:
        revision = revision_of(project, settings, NOTHING_SHARED)
        if revision not in _PLANS:
            _PLANS[revision] = compile_plan(project, settings, *more, **shared)
        return _PLANS[revision]

    for module in (check, rehearsal):
        monkeypatch.setattr(module, "compile_plan", compiled)


_PLANS: dict[str, ProjectPlan] = {}


class Diagnosis:
    """The findings, in order."""

    def __init__(self, findings: Iterator[Finding]) -> None:
        self.findings = list(findings)

    def of(self, check: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.check == check]

    def bad(self, but: tuple[str, ...] = ()) -> list[Finding]:
        """What failed, or is warned of."""
        judged = (Verdict.FAILED, Verdict.WARNING)
        return [each for each in self.findings if each.verdict in judged and each.check not in but]

    def failed(self, check: str) -> Finding:
        """The one failure of a check."""
        found = [each for each in self.of(check) if each.verdict is Verdict.FAILED]
        assert len(found) == 1, self
        return found[0]

    def warned(self, check: str) -> Finding:
        found = [each for each in self.of(check) if each.verdict is Verdict.WARNING]
        assert len(found) == 1, self
        return found[0]

    def __repr__(self) -> str:
        return "\n".join(f"{each.verdict} {each.check}: {each.text}\n    do: {each.remedy}" for each in self.findings)


class Setup:
    """A config folder. `options`: sections of settings; `projects`: file → content, text or document."""

    def __init__(self, folder: Path, upstream: str = NO_SERVER, **options: Mapping[str, Any]) -> None:
        self.folder = folder / "conf"
        self.state = folder / "run"
        self.port = free_port()
        relay = {
            "mode": "static",
            "upstream": upstream,
            "host": "127.0.0.1",
            "port": self.port,
            "state_dir": str(self.state),
        }
        self.config: dict[str, Any] = {
            **options,
            "relay": {**relay, **options.get("relay", {})},
        }
        (self.folder / "projects").mkdir(parents=True)
        self.project("42.yaml", PROJECT)
        self.write()

    def write(self) -> None:
        (self.folder / "scrubjay.yaml").write_text(yaml.safe_dump(self.config))

    def project(self, name: str, content: object) -> None:
        text = content if isinstance(content, str) else yaml.safe_dump(content)
        (self.folder / "projects" / name).write_text(text)

    def diagnose(self, dsn: str | None = None, *, probes: bool = True) -> Diagnosis:
        return Diagnosis(examine(Invocation(config=self.folder), dsn, probes=probes))

    async def diagnosed(self, dsn: str | None = None, *, probes: bool = True) -> Diagnosis:
        """While this event loop serves."""
        return await asyncio.to_thread(self.diagnose, dsn, probes=probes)
