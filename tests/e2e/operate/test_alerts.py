"""The alert rules: each fires for its trouble and for no other, none misses a way to lose data, and what they say is said somewhere."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from scrubjay import reasons
from scrubjay.runtime.metrics import METRICS
from scrubjay.runtime.metrics_page import ALERTS, alert_rules
from scrubjay.runtime.series import Kind
from support.alert_cases import CASES, promtool_tests
from support.prometheus import promtool

RULES = alert_rules()
TOLD_BY_OTHERS = {"up"}
"""Metrics of Prometheus itself."""
OF_THE_SPOOL = {"spool_evicted": "evicted", "spool_expired": "expired", "spool_corrupt": "corrupt"}
"""Losses that have a counter of their own, by its label."""
ON_PURPOSE = {"spool_dropped"}
"""An operator took it out."""


def by_name(rule: Any) -> str:
    return str(rule["alert"])


def test_promtool_finds_nothing_to_complain_about() -> None:
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", ALERTS)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_fires_for_its_trouble_and_for_no_other(tmp_path: Path) -> None:
    assert {case.alert for case in CASES} == {rule["alert"] for rule in RULES}
    file = tmp_path / "tests.yaml"
    file.write_text(yaml.safe_dump(promtool_tests(str(ALERTS))))
    tested = promtool("test", "rules", file)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_the_test_would_notice(tmp_path: Path) -> None:
    """Rules with one threshold moved do not pass."""
    moved = tmp_path / "alerts.yaml"
    moved.write_text(ALERTS.read_text().replace("scrubjay_shed_categories > 0", "scrubjay_shed_categories > 2"))
    file = tmp_path / "tests.yaml"
    file.write_text(yaml.safe_dump(promtool_tests(str(moved))))
    assert promtool("test", "rules", file).returncode == 1


def names_in(expression: str) -> set[str]:
    """Metrics that it asks for; a histogram by its own name."""
    found = re.findall(r"\b((?:scrubjay|process)_\w+|up)\b(?!\s*\()", expression)
    histograms = {row.name for row in METRICS if row.kind is Kind.HISTOGRAM}
    return {re.sub("_bucket$", "", name) if name.removesuffix("_bucket") in histograms else name for name in found}


@pytest.mark.parametrize("rule", RULES, ids=by_name)
def test_what_it_asks_for_exists(rule: Any) -> None:
    labels = {row.name: {*row.labels, "job", "instance"} for row in METRICS}
    asked = names_in(rule["expr"]) - TOLD_BY_OTHERS
    assert asked, "a rule about nothing"
    assert asked <= set(labels)
    known = set[str]().union(*[labels[name] for name in asked], {"job", "instance"})
    used = set(re.findall(r"(\w+)(?:=~|!~|!=|=)\"", rule["expr"]))
    told = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
    assert used | told <= known


@pytest.mark.parametrize("rule", RULES, ids=by_name)
def test_it_says_what_is_the_matter_and_where_the_remedy_stands(rule: Any) -> None:
    assert re.fullmatch(r"Scrubjay[A-Z]\w+", rule["alert"])
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "runbook_url"}
    assert notes["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"
    assert "$labels.instance" in notes["summary"], "which relay is it"
    assert all(text.rstrip().endswith(".") for text in (notes["summary"], notes["description"]))


def test_no_way_to_lose_anything_is_silent() -> None:
    """Each reason for an unintended loss rings exactly one alert."""
    selected = [
        match for rule in RULES for match in re.findall(r'scrubjay_losses_total\{reason=~?"([^"]+)"', rule["expr"])
    ]
    ringing = Counter(code for match in selected for code in match.split("|"))
    assert set(ringing.values()) == {1}
    lost = {reason.code for reason in reasons.REASONS if reason.outcome == "lost" and not reason.intended}
    assert set(ringing) == lost - set(OF_THE_SPOOL) - ON_PURPOSE
    dropped = "".join(rule["expr"] for rule in RULES if "scrubjay_spool_dropped_total" in rule["expr"])
    assert all(label in dropped for label in (*OF_THE_SPOOL.values(), "io"))
