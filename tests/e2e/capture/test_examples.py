"""The suites under docs/examples, as a third party runs them: each in its own folder, with what its own language has."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.requirements import tool

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


@pytest.fixture
def example(tmp_path, sentry_sink):
    """Copies an example and runs a command there; its output, if it succeeds."""

    def run(name: str, *command: str) -> str:
        folder = shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV", "SENTRY"))
        }
        environment |= {
            "SENTRY_SPOTLIGHT": f"{sentry_sink.url}/stream",
            "GOCACHE": str(tmp_path / "go"),
            "GOFLAGS": "-mod=mod",
        }
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_pytest(example):
    text = example("pytest", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio")
    assert "6 passed" in text


def test_unittest(example):
    assert "Ran 2 tests" in example("unittest", sys.executable, "-W", "error", "-m", "unittest")


def test_javascript(example):
    assert "# pass 2" in example("javascript", "node", "--test", "--test-reporter=tap")


@pytest.mark.deep  # compiling Go's library the first time takes longer than all else here
def test_go(example):
    assert "ok" in example("go", str(tool("go", "Debian: golang-go")), "test", "./...")
