"""`scrubjay credentials`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from scrubjay.settings.credentials import check, generate

Call = Callable[..., Result]
FILE = Path(".scrubjay/credentials.json")


def test_operations_15_generate(call: Call) -> None:
    assert call("credentials", "generate").exit_code == 0
    first = json.loads(FILE.read_text())
    assert call("credentials", "generate").exit_code == 1
    assert json.loads(FILE.read_text()) == first
    assert call("credentials", "generate", "--overwrite").exit_code == 0
    assert json.loads(FILE.read_text()) != first


def test_operations_15_to_standard_output(call: Call) -> None:
    result = call("credentials", "generate", "--stdout")
    assert check(json.loads(result.stdout), "here").dump() == json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert not FILE.exists()


def test_operations_16_show_tells_no_secret(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("credentials", "show").exit_code == 1
    call("credentials", "generate")
    stored = json.loads(FILE.read_text())
    assert FILE.stat().st_mode & 0o777 == 0o600
    result = call("credentials", "show")
    assert result.stdout.splitlines()[1:] == [f"  relay id: {stored['id']}", f"  public key: {stored['public_key']}"]
    assert stored["secret_key"] not in result.output


def test_operations_9_partial_credentials(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_ID", generate().id)
    result = call("config", "show")
    assert result.exit_code == 1
    assert "the credentials are incomplete" in result.stderr


def test_set_over_what_is_stored(call: Call) -> None:
    made = generate()
    keys = ("-p", made.public_key, "-s", made.secret_key.reveal())
    assert call("credentials", "set", "-i", made.id, *keys).exit_code == 0
    assert json.loads(FILE.read_text()) == made.dump()
    assert call("credentials", "set", "-i", made.id).stdout == "nothing changed\n"
    assert call("credentials", "set", "-i", "random").exit_code == 0
    stored = json.loads(FILE.read_text())
    assert stored["id"] != made.id
    assert stored["public_key"] == made.public_key


def test_set_asks_for_what_is_missing(call: Call) -> None:
    made = generate()
    answers = f"{made.public_key}\n{made.secret_key.reveal()}\n"
    result = call("credentials", "set", "-i", made.id, input=answers)
    assert result.exit_code == 0
    assert json.loads(FILE.read_text()) == made.dump()
    assert made.secret_key.reveal() not in result.output


def test_set_refuses_a_bad_pair(call: Call) -> None:
    one, other = generate(), generate()
    result = call("credentials", "set", "-i", "random", "-p", one.public_key, "-s", other.secret_key.reveal())
    assert result.exit_code == 1
    assert "does not belong" in result.stderr
    assert not FILE.exists()


def test_remove(call: Call) -> None:
    assert call("credentials", "remove", "--yes").stdout == "none stored\n"
    call("credentials", "generate")
    assert call("credentials", "remove", input="n\n").exit_code == 0
    assert FILE.exists()
    assert call("credentials", "remove", input="y\n").exit_code == 0
    assert not FILE.exists()


def test_where_they_are_kept(call: Call, tmp_path: Path) -> None:
    call("credentials", "generate", "-c", "elsewhere")
    assert (tmp_path / "elsewhere" / "credentials.json").exists()
    (tmp_path / "elsewhere" / "scrubjay.yaml").write_text("")
    assert call("credentials", "show", "-c", "elsewhere/scrubjay.yaml").exit_code == 0
    (tmp_path / ".relay").mkdir()
    call("credentials", "generate")
    assert (tmp_path / ".relay" / "credentials.json").exists()


def test_they_are_kept_where_the_environment_says(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRUBJAY_CONFIG_DIR", str(tmp_path / "named"))
    assert call("credentials", "generate").exit_code == 0
    assert (tmp_path / "named" / "credentials.json").exists()
    assert call("credentials", "show").exit_code == 0
    assert not FILE.exists()
