"""`scrubjay pseudonym`, against the specification's formula."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Call = Callable[..., Result]
OLD, NEW = bytes(range(32)), bytes(range(50, 82))


@pytest.fixture
def conf(folder: Callable[..., Path]) -> str:
    return str(
        folder(
            f"scrub: {{pseudonym_key: 'old:{OLD.hex()}', pseudonym_key_next: 'new:{NEW.hex()}', pseudonym_key_since: 2027-01-01}}"
        )
    )


def name(key: bytes, family: str, scope: str, value: str) -> str:
    digest = hmac.digest(key, f"{family}\0{scope}\0{value}".encode(), "sha256")
    return base64.b32encode(digest).decode().rstrip("=").lower()


def test_a_value_has_a_name_under_each_key(call: Call, conf: str) -> None:
    result = call("pseudonym", "-c", conf, input="Ana@Lab.example\n")
    assert result.stdout.splitlines() == [
        f"{key_id}  email  {name(key, 'email', '', 'ana@lab.example')}" for key_id, key in (("old", OLD), ("new", NEW))
    ]


@pytest.mark.parametrize(
    ("flags", "family", "scope"),
    [
        ([], "anything", ""),
        (["--family", "staff"], "staff", ""),
        (["--scope", "project", "--project", "7"], "anything", "7"),
        (["--scope", "day", "--day", "2026-11-22"], "anything", "2026-11-22"),
    ],
)
def test_as_the_rule_has_it(call: Call, conf: str, flags: list[str], family: str, scope: str) -> None:
    result = call("pseudonym", "-c", conf, *flags, input="4711\n")
    assert result.stdout.split()[2] == name(OLD, family, scope, "4711")


def test_without_a_key_there_is_none(call: Call, folder: Callable[..., Path]) -> None:
    result = call("pseudonym", "-c", str(folder("")), input="x\n")
    assert result.exit_code == 1
    assert "scrub.pseudonym_key: there is no key" in result.stderr


def test_one_key_is_enough(call: Call, folder: Callable[..., Path]) -> None:
    result = call("pseudonym", "-c", str(folder(f"scrub: {{pseudonym_key: 'a:{OLD.hex()}'}}")), input="192.0.2.1\n")
    assert result.stdout == f"a  ip  {name(OLD, 'ip', '', '192.0.2.1')}\n"
