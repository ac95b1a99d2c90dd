"""Verbs are called in process, in an empty folder, with an empty environment, in no container."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scrubjay.cli import check, import_relay, scrub_rules, trial
from scrubjay.cli.program import program
from scrubjay.core.plan import ProjectPlan, compile_plan, revision_of
from scrubjay.settings import load as loading
from scrubjay.settings.global_config import NOTHING_SHARED, GlobalConfig
from scrubjay.settings.project import ProjectConfig
from scrubjay.settings.schema import Settings

Call = Callable[..., Result]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(loading, "in_container", lambda env: False)
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("RELAY_", "SCRUBJAY_")) or name == "SHUTDOWN_TIMEOUT":
            monkeypatch.delenv(name)


@pytest.fixture
def call() -> Call:
    """Run `scrubjay` with these arguments."""

    def invoke(*arguments: str, **kwargs: object) -> Result:
        return CliRunner().invoke(program, arguments, prog_name="scrubjay", catch_exceptions=False, **kwargs)  # type: ignore[arg-type]

    return invoke


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Make the config folder `conf` of a text and of project files."""

    def make(text: str = "", **projects: str) -> Path:
        conf = tmp_path / "conf"
        (conf / "projects").mkdir(parents=True, exist_ok=True)
        (conf / "scrubjay.yaml").write_text(text)
        for name, content in projects.items():
            (conf / "projects" / f"{name.removeprefix('p')}.yaml").write_text(content)
        return conf

    return make


_PLANS: dict[str, ProjectPlan] = {}


@pytest.fixture(autouse=True)
def compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verbs compile equal plans once for all tests, which is most of their time; in processes of their own they compile for themselves."""

    def compile_once(project: ProjectConfig, settings: Settings, shared: GlobalConfig = NOTHING_SHARED) -> ProjectPlan:
        revision = revision_of(project, settings, shared)
        if revision not in _PLANS:
            _PLANS[revision] = compile_plan(project, settings, shared=shared)
        return _PLANS[revision]

    for verb in (check, import_relay, scrub_rules, trial):
        monkeypatch.setattr(verb, "compile_plan", compile_once)
