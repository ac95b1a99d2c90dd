"""What `scrubjay test` runs: the cases of files of rule tests, and other rules over recorded traffic, in counts."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.progress import track

from scrubjay.cli import rule_report as report
from scrubjay.cli.trial import plan_for, recorded_files, recorded_items, trace_item, try_case
from scrubjay.core.plan import ProjectPlan
from scrubjay.core.scrub.comparison import Comparison
from scrubjay.core.scrub.rule_tests import judge
from scrubjay.errors import ConfigError
from scrubjay.settings.load import Loaded
from scrubjay.settings.rule_tests import read_rule_tests


def expand(files: tuple[Path, ...]) -> list[Path]:
    """Folders stand for the YAML files in them."""
    return [
        path
        for file in files
        for path in (sorted((*file.glob("*.yaml"), *file.glob("*.yml"))) if file.is_dir() else [file])
    ]


def run(file: Path, loaded: Loaded) -> list[report.CaseResult]:
    tests = read_rule_tests(file)
    plan = plan_for(tests, file, loaded)
    results = []
    for case in tests.tests:
        began = time.perf_counter()
        try:
            failures = judge(case, try_case(case, file.parent, plan))
        except ConfigError as error:
            raise ConfigError(error.problem, where=error.where or str(file), path=f"tests ({case.name})") from error
        results.append(report.CaseResult(str(file), case.name, time.perf_counter() - began, tuple(failures)))
    return results


def compare(old: ProjectPlan, new: ProjectPlan, recordings: tuple[Path, ...]) -> Comparison:
    comparison = Comparison()
    progress = Console(stderr=True)
    paths = recorded_files(recordings)
    for path in track(paths, "comparing", console=progress, transient=True, disable=not progress.is_terminal):
        for item in recorded_items(path):
            comparison.add(item.type, trace_item(old, item), trace_item(new, item))
    return comparison
