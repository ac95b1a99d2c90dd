"""YAML as nodes that remember their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrubjay.errors import ConfigError
from scrubjay.settings.document import compose, leaves, locate, read_text, to_plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("~", None),
        ("''", ""),
        ("true", True),
        ("'true'", "true"),
        ("off", "off"),
        ("yes", "yes"),
        ("12", 12),
        ("-3", -3),
        ("012", "012"),
        ("1.5e3", 1500.0),
        ("12:30", "12:30"),
        ("2026-01-02", "2026-01-02"),
        ("0x10", "0x10"),
        (".inf", ".inf"),
        ("[1, a, [null]]", [1, "a", [None]]),
        ("{a: {b: 1}}", {"a": {"b": 1}}),
        ("[&x 1, *x]", [1, 1]),
    ],
)
def test_plain_values_mean_what_json_means(text: str, value: object) -> None:
    assert to_plain(compose(text, "f"), "f") == value


def test_nothing_is_nothing() -> None:
    assert to_plain(compose("# only words\n", "f"), "f") is None


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: [1\nb: 2\n", 2), ("a: 1\n b: 2\n", 2), ("a: *x\n", 1), ("\x01", None), ("a: 1\n---\nb: 2", 2)],
)
def test_malformed_yaml(text: str, line: int | None) -> None:
    with pytest.raises(ConfigError, match="malformed YAML") as caught:
        compose(text, "f.yaml")
    assert caught.value.where == "f.yaml"
    assert caught.value.line == line


def test_malformed_yaml_by_depth() -> None:
    with pytest.raises(ConfigError, match="malformed YAML"):
        to_plain(compose("[" * 20_000, "f"), "f")


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "{a: 1, a: 2}"])
def test_a_key_occurs_once(text: str) -> None:
    with pytest.raises(ConfigError, match="`a` occurs twice"):
        to_plain(compose(text, "f"), "f")


def test_a_key_is_a_text() -> None:
    with pytest.raises(ConfigError, match="a key must be a text"):
        to_plain(compose("? [1]\n: 2\n", "f"), "f")


def test_leaves_are_dotted() -> None:
    root = compose("a:\n  b: 1\n  c: [1]\nd:\n", "f")
    assert root is not None
    assert [key for key, _ in leaves(root, "f")] == ["a.b", "a.c", "d"]


@pytest.mark.parametrize(
    ("path", "line"),
    [(["a"], 2), (["a", 1], 3), (["a", 1, "b"], 3), (["a", 9], 2), (["x"], None), ([], None), (["a", "b"], 2)],
)
def test_lines_are_found(path: list[str | int], line: int | None) -> None:
    assert locate(compose("a:\n- 1\n- b: 2\n", "f"), path) == line


def test_lines_of_nothing() -> None:
    assert locate(None, ["a"]) is None


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot open the file: No such file"):
        read_text(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_text(tmp_path / "bytes")
