"""What keeps a capture from starting is said in a line that names the file, and the line in it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from .conftest import Call

RULES = """\
rules:
  phone:
    type: pattern
    pattern: "[0-9]+"
  spelt:
    type: patern
applications: {"$string": [phone, spelt]}
"""
PROJECT = "config:\n  piiConfig:\n" + textwrap.indent(RULES, "    ")


@pytest.mark.parametrize(("text", "line"), [(RULES, 6), ("rules: [\n", 2)])
def test_rules_that_cannot_be_used(call: Call, tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "rules.yml"
    path.write_text(text)
    result = call("capture", "--port", "0", "--rules", str(path))
    assert result.exit_code == 1
    assert f"{path}:{line}: " in result.stderr


def test_a_project_s_rules_have_lines_too(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_text(PROJECT)
    assert f"{path}:8: " in call("capture", "--port", "0", "--rules", str(path)).stderr


@pytest.mark.parametrize("text", ["", "dear diary", "{}\n{"])
def test_what_is_no_recording_is_not_shown(call: Call, tmp_path: Path, text: str) -> None:
    path = tmp_path / "diary"
    path.write_text(text)
    result = call("capture", "--port", "0", "--open-recording", str(path))
    assert result.exit_code == 1
    assert f"{path}: this is no recording" in result.stderr
    assert "listening" not in result.output


def test_a_file_that_cannot_be_written(call: Call, tmp_path: Path) -> None:
    result = call("capture", "--port", "0", "--record", str(tmp_path / "nowhere" / "a.rec"))
    assert result.exit_code == 1
    assert "capture.record: " in result.stderr
    assert "a.rec cannot be written: No such file" in result.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_any_other_address_needs_a_token(call: Call, host: str) -> None:
    result = call("capture", "--port", "0", "--host", host)
    assert result.exit_code == 1
    assert "capture.token" in result.stderr
