"""Prometheus text; what the numbers mean is tried with the state files and the telemetry."""

from __future__ import annotations

import subprocess
import sys

from scrubjay.runtime.exposition import exposition
from scrubjay.runtime.state import merge


def test_metrics_that_have_no_value_are_left_out() -> None:
    assert (
        exposition(merge([]))
        == b"# HELP scrubjay_workers Workers whose heart beats.\n# TYPE scrubjay_workers gauge\nscrubjay_workers 0.0\n"
    )


def test_a_start_does_not_need_it() -> None:
    code = "import sys, scrubjay.runtime.worker; print([m for m in ('prometheus_client', 'rich', 'cryptography') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
