"""What holds for the house as a whole: import contracts, and what imports do not show."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "scrubjay"
MODULES = sorted(SOURCE.rglob("*.py"))
CORE = sorted((SOURCE / "core").rglob("*.py"))
FORBIDDEN_CALLS = {"open", "print", "input", "exec", "eval"}
MOST_LINES = 400
WAITING = {"pipeline.py", "quotas.py", "explanation.py"}


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def test_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_is_short_and_says_what_it_owns(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MOST_LINES
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "a module starts with a docstring"


def test_files_of_tests_are_short() -> None:
    long = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if path.read_text().count("\n") > MOST_LINES
    ]
    assert not long


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_core_neither_reads_nor_prints(path: Path) -> None:
    tree = ast.parse(path.read_text())
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & FORBIDDEN_CALLS
    assert "environ" not in {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_core_waits_only_on_the_path(path: Path) -> None:
    waits = any(isinstance(node, ast.Await) for node in ast.walk(ast.parse(path.read_text())))
    assert not waits or path.name in WAITING


def test_supervision_stays_small() -> None:
    """Whatever runs before a command is chosen must be cheap: the package itself imports nothing heavy."""
    code = "import sys, scrubjay, scrubjay.cli; print(sorted(m for m in sys.modules if m in {'aiohttp', 'asyncio', 'hyperscan', 'yaml'}))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_each_module_has_a_test_file() -> None:
    """Mirrors: `core/dsn.py` has `tests/unit/core/test_dsn.py`; the edge may be covered by another storey of tests."""
    tested = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    missing = [name_of(path) for path in CORE if path.name != "__init__.py" and f"test_{path.name}" not in tested]
    assert not missing
