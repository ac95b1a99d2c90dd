"""`docs/metrics.md`: the table of metrics and the alerts that stand on it.

The alerts are not part of the package; they are read from the repository, where alone pages are made (`scrubjay config render`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from scrubjay.runtime.metrics import METRICS
from scrubjay.runtime.series import Metric

ALERTS: Final = Path(__file__).parents[3] / "helm" / "scrubjay" / "files" / "alerts.yaml"
_HEAD: Final = """\
# Metrics

Generated from `runtime/metrics.py` and `helm/scrubjay/files/alerts.yaml`; do not edit. All are served at `GET /metrics` in the Prometheus
text format, summed over all workers whichever of them is asked. Counters go on where they were when a worker restarts. Counters whose
labels are known beforehand are shown from the start, with 0, so that their first step is seen.

Projects are never labels, unless `metrics.per_project` is on, and then the 50 with most to show.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
"""
_ACCOUNT: Final = """
The account always closes: for each category, `scrubjay_items_received_total` equals the sum of
`scrubjay_outcomes_total` and `scrubjay_items_held`, but for the requests that are being answered at that moment.

`GET /api/relay/autoscaling/` has the few numbers, under the reference's names, by which it is scaled; see [kubernetes.md](kubernetes.md).
"""
_ALERTS: Final = """
## Alerts

`helm/scrubjay/files/alerts.yaml` is a rule file for Prometheus, which the chart installs as a `PrometheusRule`; beside it is a dashboard for
Grafana, `dashboard.json`. `critical`: data is being lost or leaves unscrubbed; `warning`: it will be if nobody looks; `info`: somebody
should know. Each name leads to what to do.

| alert | severity | after | says |
| --- | --- | --- | --- |
"""
_LABEL: Final = re.compile(r"\{\{ \$labels\.(\w+) \}\}")
_VALUE: Final = re.compile(r"\{\{ \$value[^}]*\}\}")


def render_page(metrics: Iterable[Metric] = METRICS, alerts: Path = ALERTS) -> str:
    rows = [_metric_row(row) for row in metrics]
    rules = [_alert_row(rule) for rule in alert_rules(alerts)]
    return _HEAD + "".join(rows) + _ACCOUNT + _ALERTS + "".join(rules)


def alert_rules(path: Path = ALERTS) -> list[Mapping[str, Any]]:
    """All rules of the file, in its order."""
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _metric_row(row: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in row.labels)
    return f"| `{row.name}` | {row.kind} | {labels} | {row.doc} |\n"


def _alert_row(rule: Mapping[str, Any]) -> str:
    name, says = rule["alert"], rule["annotations"]["summary"]
    says = _VALUE.sub("*so much*", _LABEL.sub(r"*\1*", says))
    severity = rule["labels"]["severity"]
    return f"| [`{name}`](runbook.md#{name.lower()}) | {severity} | {rule.get('for', 'at once')} | {says} |\n"
