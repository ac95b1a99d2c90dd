"""`scrubjay config`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from scrubjay.cli.config import pages
from scrubjay.settings.json_schema import json_schema
from scrubjay.settings.load import load

Call = Callable[..., Result]
Folder = Callable[..., Path]
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("written", "shown"),
    [("1048576", "1MiB"), ("1000", "1kB"), ("4242", "4242B"), ('"1048576"', "1048576B"), ("1KB", "1KB")],
)
def test_operations_3_sizes_are_shown_in_units(call: Call, folder: Folder, written: str, shown: str) -> None:
    conf = str(folder(f"limits: {{max_event_size: {written}}}"))
    assert f"  max_event_size: {shown}\n" in call("config", "show", "-c", conf).stdout


@pytest.mark.parametrize("text", ["10tb", "5mb", "-1", '""'])
def test_operations_2_bad_sizes_end_with_1(call: Call, folder: Folder, text: str) -> None:
    result = call("config", "show", "-c", str(folder(f"limits: {{max_event_size: {text}}}")))
    assert result.exit_code == 1
    assert "limits.max_event_size" in result.stderr
    assert result.stdout == ""


def test_show_in_each_form(call: Call, folder: Folder) -> None:
    conf = str(folder("capture: {token: hunter2}"))
    for form in ("yaml", "json", "debug"):
        result = call("config", "show", "-f", form, "-c", conf)
        assert result.exit_code == 0
        assert "hunter2" not in result.output
        assert "***" in result.output
    assert json.loads(call("config", "show", "-f", "json").stdout)["relay"]["port"] == 3000
    assert f"capture.token = ***  # {conf}/scrubjay.yaml:1" in call("config", "show", "-f", "debug", "-c", conf).stdout


def test_operations_13_an_explicit_folder_without_a_file(call: Call, tmp_path: Path) -> None:
    assert call("config", "show").exit_code == 0
    assert call("config", "show", "-c", str(tmp_path)).exit_code == 1


def test_init_makes_what_can_be_run(call: Call) -> None:
    result = call("config", "init", "--mode", "static", "--upstream", "https://h/", "--port", "3001")
    assert result.stdout.splitlines() == ["config folder: .scrubjay", "done"]
    loaded = load()
    assert (loaded.settings.relay.mode, loaded.settings.relay.port) == ("static", 3001)
    assert loaded.projects.default is not None
    before = Path(".scrubjay/scrubjay.yaml").read_text()
    again = call("config", "init", "--yes", "--mode", "capture")
    assert again.stdout.splitlines() == ["config folder: .scrubjay", "nothing to do"]
    assert Path(".scrubjay/scrubjay.yaml").read_text() == before


def test_init_refuses_what_would_not_load(call: Call) -> None:
    result = call("config", "init", "--upstream", "ftp://h")
    assert result.exit_code == 1
    assert "flag --upstream" in result.stderr or "--upstream" in result.stderr
    assert not Path(".scrubjay").exists()


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ("default\n", ""),
        ("custom\ncapture\n127.0.0.1\n3002\n", "relay:\n  mode: capture\n  host: 127.0.0.1\n  port: 3002\n"),
        (
            "custom\nstatic\nhttps://h/\n127.0.0.1\n3000\n",
            "relay:\n  mode: static\n  upstream: https://h/\n  host: 127.0.0.1\n  port: 3000\n",
        ),
    ],
)
def test_init_asks(call: Call, answers: str, expected: str) -> None:
    assert call("config", "init", input=answers).exit_code == 0
    assert Path(".scrubjay/scrubjay.yaml").read_text() == expected


def test_init_can_be_left(call: Call) -> None:
    assert call("config", "init", input="abort\n").exit_code == 1
    assert not Path(".scrubjay").exists()


def test_init_keeps_an_existing_plan_default(call: Call, tmp_path: Path) -> None:
    plan = tmp_path / "conf" / "projects" / "default.yaml"
    plan.parent.mkdir(parents=True)
    plan.write_text("slug: mine")
    call("config", "init", "--yes", "-c", "conf")
    assert plan.read_text() == "slug: mine"


def test_a_folder_that_cannot_be_made(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = call("config", "init", "--yes", "-c", "file/below")
    assert result.exit_code == 1
    assert "cannot write the file" in result.stderr


def test_schema(call: Call) -> None:
    assert call("config", "schema").stdout == json_schema()


def test_committed_pages_are_up_to_date(call: Call) -> None:
    result = call("config", "render", "--check", "--root", str(ROOT))
    assert (result.exit_code, result.output) == (0, "")


def test_render_writes_only_what_differs(call: Call, tmp_path: Path) -> None:
    check = call("config", "render", "--check")
    assert check.exit_code == 1
    assert set(check.stdout.splitlines()) == {f"out of date: {name}" for name in pages()}
    assert list(tmp_path.iterdir()) == []
    assert set(call("config", "render").stdout.splitlines()) == {f"written: {name}" for name in pages()}
    assert call("config", "render", "--check").exit_code == 0
    (tmp_path / "docs" / "reasons.md").write_text("by hand")
    assert call("config", "render").stdout == "written: docs/reasons.md\n"


def test_init_shows_credentials_that_are_there(call: Call) -> None:
    call("credentials", "generate")
    shown = call("credentials", "show").stdout
    result = call("config", "init", "--mode", "proxy")
    assert result.stdout == f"config folder: .scrubjay\n{shown}done\n"


def test_init_takes_the_name_of_a_file_too(call: Call) -> None:
    assert call("config", "init", "--yes", "-c", "conf/scrubjay.yaml").stdout.splitlines() == [
        "config folder: conf",
        "done",
    ]
    assert Path("conf/scrubjay.yaml").is_file()


@pytest.mark.parametrize("arguments", [("--mode", "managed"), ()])
def test_init_makes_the_credentials_of_mode_managed(call: Call, arguments: tuple[str, ...]) -> None:
    result = call("config", "init", *arguments, input="custom\nmanaged\nhttps://h/\n127.0.0.1\n3000\n")
    assert result.exit_code == 0
    stored = json.loads(Path(".scrubjay/credentials.json").read_text())
    assert stored["public_key"] in result.stdout
    assert stored["secret_key"] not in result.stdout
    assert "give the public key to the server" in result.stdout
    assert not Path(".scrubjay/projects").exists(), "projects are fetched"
    assert call("config", "show").exit_code == 0


def test_init_leaves_credentials_that_are_there(call: Call) -> None:
    call("credentials", "generate")
    before = Path(".scrubjay/credentials.json").read_bytes()
    assert call("config", "init", "--mode", "managed").exit_code == 0
    assert Path(".scrubjay/credentials.json").read_bytes() == before


def test_init_asks_the_environment_nothing(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_PORT", "nonsense")
    assert call("config", "init", "--mode", "capture").exit_code == 0
