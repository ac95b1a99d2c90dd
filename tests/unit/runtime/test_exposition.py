"""Prometheus text; what the numbers mean is tried with the state files and the telemetry."""

from __future__ import annotations

import subprocess
import sys

from prometheus_client.parser import text_string_to_metric_families

from scrubjay.runtime import metrics
from scrubjay.runtime.exposition import exposition
from scrubjay.runtime.state import Merged, merge

NOW = 1_800_000_000.0


def samples(merged: Merged) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(exposition(merged).decode())
    return {(each.name, *sorted(each.labels.values())): each.value for family in families for each in family.samples}


def test_metrics_that_have_no_value_are_left_out_but_for_those_that_are_known_beforehand() -> None:
    shown = samples(merge([], NOW))
    assert shown.pop(("scrubjay_workers",)) == 0
    assert shown.pop(("scrubjay_clock_seconds",)) == NOW
    known = {(row.name, *sorted(labels)) for row in metrics.METRICS for labels in row.known}
    assert set(shown) == known
    assert set(shown.values()) == {0.0}
    assert ("scrubjay_spool_dropped_total", "evicted") in known


def test_what_was_counted_stands_in_the_place_of_the_zero() -> None:
    merged = merge([], NOW)
    merged.values.series[metrics.LOSSES.name].add(("queue_failed",), 3)
    assert samples(merged)["scrubjay_losses_total", "queue_failed"] == 3


def test_a_start_does_not_need_it() -> None:
    code = "import sys, scrubjay.runtime.worker; print([m for m in ('prometheus_client', 'rich', 'cryptography') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
