"""Agreement with the reference in profile `parity`, measured by `compare.py`; README.md there says how it counts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def compare(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HERE / "compare.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE)


@pytest.mark.parametrize("shape", ["canonical", "raw"])
def test_parity(shape: str) -> None:
    """99.5 % and no leak is asked; nothing less than all has been seen on these cases but for a letter that folds to ASCII."""
    answer = compare(
        "scrubjay:scrub_event", "--bytes", "--cases", "600", "--shape", shape, "--threshold", "99.5", "--max-leaks", "0"
    )
    assert answer.returncode == 0, answer.stdout[-4000:]


def test_conversion_of_legacy_settings() -> None:
    answer = compare(
        "scrubjay:scrub_event", "--bytes", "--cases", "200", "--category", "legacy", "--convert", "scrubjay.core.scrub.legacy:convert_settings",
        "--threshold", "99",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout[-4000:]


def test_the_comparison_can_fail() -> None:
    assert compare("selfcheck:noop", "--cases", "60").returncode == 1
