"""The dashboard for Grafana: made of what Grafana brings, about metrics that exist."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from scrubjay.runtime.metrics import METRICS
from scrubjay.runtime.metrics_page import ALERTS
from scrubjay.runtime.series import Kind
from support.prometheus import promtool

BOARD: Any = json.loads((ALERTS.parent / "dashboard.json").read_text())
BUILT_IN = {"row", "stat", "timeseries"}
VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$job": ".*", "$instance": ".*"}


def panels() -> list[Any]:
    return [panel for panel in BOARD["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    """As Prometheus gets them."""
    for panel in panels():
        for target in panel["targets"]:
            text = target["expr"]
            for name, value in VARIABLES.items():
                text = text.replace(name, value)
            yield text


def test_no_plugin_is_needed() -> None:
    assert {panel["type"] for panel in BOARD["panels"]} == BUILT_IN
    needed = {(one["type"], one["id"]) for one in BOARD["__requires"]}
    assert needed == {("grafana", "grafana"), ("datasource", "prometheus"), ("panel", "stat"), ("panel", "timeseries")}


def test_prometheus_understands_all_of_it(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(expressions())]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    checked = promtool("check", "rules", file)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_metric_exists_and_is_asked_for_as_what_it_is() -> None:
    kinds = {row.name: row.kind for row in METRICS}
    for text in expressions():
        assert "$" not in text, text
        found = [word for word in _words(text) if word.startswith(("scrubjay_", "process_"))]
        assert found, text
        for word in found:
            name = word.removesuffix("_bucket")
            kind = kinds.get(word, kinds.get(name))
            assert kind is not None, f"{word} in {text}"
            if kind is Kind.COUNTER:
                assert "rate(" in text or "increase(" in text, text
            if kind is Kind.HISTOGRAM:
                assert word.endswith("_bucket"), text
                assert "histogram_quantile(" in text, text


def test_each_panel_can_be_read_and_found() -> None:
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    for panel in panels():
        assert panel["title"], panel["id"]
        assert panel["description"].endswith("."), panel["title"]
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
        if panel["type"] == "timeseries":
            assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]


def test_panels_do_not_lie_on_each_other() -> None:
    boxes = [panel["gridPos"] for panel in BOARD["panels"]]
    assert all(box["x"] >= 0 and box["x"] + box["w"] <= 24 for box in boxes)
    for one, two in itertools.combinations(boxes, 2):
        apart = one["x"] + one["w"] <= two["x"] or two["x"] + two["w"] <= one["x"]
        below = one["y"] + one["h"] <= two["y"] or two["y"] + two["h"] <= one["y"]
        assert apart or below, (one, two)


def _words(text: str) -> list[str]:
    return "".join(char if char.isalnum() or char == "_" else " " for char in text).split()
