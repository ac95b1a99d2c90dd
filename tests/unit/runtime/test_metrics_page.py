"""`docs/metrics.md`."""

from pathlib import Path

from scrubjay.runtime.metrics import METRICS
from scrubjay.runtime.metrics_page import alert_rules, render_page

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_the_page_is_what_the_tables_say() -> None:
    assert PAGE.read_text() == render_page()


def test_it_has_all_metrics_and_all_alerts() -> None:
    page = render_page()
    assert all(f"| `{row.name}` | {row.kind} |" in page for row in METRICS)
    assert all(f"[`{rule['alert']}`](runbook.md#{rule['alert'].lower()})" in page for rule in alert_rules())
    assert "{{" not in page, "Prometheus' templates are not for readers"


def test_an_alert_without_patience_fires_at_once(tmp_path: Path) -> None:
    rules = tmp_path / "alerts.yaml"
    rules.write_text(
        "groups:\n- rules:\n  - alert: Late\n    expr: up\n    labels: {severity: info}\n"
        "    annotations: {summary: '{{ $labels.instance }} is late by {{ $value | humanize }}.'}\n"
    )
    last = render_page((), rules).splitlines()[-1]
    assert last == "| [`Late`](runbook.md#late) | info | at once | *instance* is late by *so much*. |"
