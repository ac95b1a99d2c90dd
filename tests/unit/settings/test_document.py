"""YAML as nodes that remember their lines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scrubjay.errors import ConfigError
from scrubjay.settings.document import compose, decode_json, leaves, locate, read_text, to_plain


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
        ("1e999", "1e999"),
        ("9" * 400, "9" * 400),
        ("{a: &a {x: 1, y: 2}, b: {<<: *a, y: 3}}", {"a": {"x": 1, "y": 2}, "b": {"y": 3, "x": 1}}),
        (
            "{a: &a {x: 1}, b: &b {x: 2, z: 3}, c: {<<: [*a, *b]}}",
            {"a": {"x": 1}, "b": {"x": 2, "z": 3}, "c": {"x": 1, "z": 3}},
        ),
        ("'<<': 1", {"<<": 1}),
    ],
)
def test_plain_values_mean_what_json_means(text: str, value: object) -> None:
    assert to_plain(compose(text, "f"), "f") == value


def test_nothing_is_nothing() -> None:
    assert to_plain(compose("# only words\n", "f"), "f") is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1\nb: 2\n", 2),
        ("a: 1\n b: 2\n", 2),
        ("a: *x\n", 1),
        ("\x01", 1),
        ("a: 1\nb: \x00\n", 2),
        ("a: 1\n---\nb: 2", 2),
    ],
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
    with pytest.raises(ConfigError, match="a: occurs twice"):
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


def laughs(layers: int) -> str:
    """Aliases of aliases: ten to the power of `layers` nodes."""
    lines = ["a0: &a0 [1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, layers)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ("a: 1\nb: &b {c: *b}\n", "an alias of what it stands in", 2),
        ("a: &a [1, *a]\n", "an alias of what it stands in", 1),
        ("a: &a\n  <<: *a\n", "an alias of what it stands in", 1),
        (laughs(12), "aliases repeat too much", 7),
        ("\n".join(["a0: &a0 {}", *(f"a{n}: &a{n} {{x: *a{n - 1}}}" for n in range(1, 120))]), "aliases repeat", 101),
        ("a: 1\nb: !secret x\n", "`!secret`: a tag that means nothing here", 2),
        ("a: !!python/object/apply:os.system [x]\n", "`!!python/object/apply:os.system`: a tag", 1),
        ("a: !!binary aGk=\n", "`!!binary`: a tag", 1),
    ],
)
def test_what_would_never_end_or_means_another_program(text: str, problem: str, line: int) -> None:
    with pytest.raises(ConfigError) as caught:
        compose(text, "f")
    assert caught.value.problem.startswith(f"malformed YAML: {problem}")
    assert caught.value.line == line


def test_aliases_within_bounds_are_repeated() -> None:
    assert len(str(to_plain(compose(laughs(4), "f"), "f"))) > 1_000


@pytest.mark.parametrize(("text", "line"), [("<<: 5\n", 1), ("a: 1\n<<: [[1]]\n", 2)])
def test_only_mappings_are_merged(text: str, line: int) -> None:
    with pytest.raises(ConfigError, match="`<<`: not a mapping") as caught:
        to_plain(compose(text, "f"), "f")
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("a:\n\tb: 1\n", "spaces, not tabs"),
        ("a: 1\n\tb: 2\n", "spaces, not tabs"),
        ("a: @x\n", "quotes around a value that begins with a special character"),
        ("a: b: c\n", "equal indents"),
        ("---\na: 1\n---\nb: 2\n", "one document"),
        ("a: 1\nb\n", "a blank after the colon"),
        ("a: [1\n", "a closing bracket"),
        ('a: "\\q"\n', "single quotes"),
        ("a: *x\n", "an `&` anchor"),
    ],
)
def test_what_to_do_about_malformed_yaml(text: str, accepted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose(text, "f")
    assert accepted in caught.value.accepted


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ('{\n"a": 1,\n}', "trailing comma in object", 3),
        ('{\n"a":\n', "Input data was truncated", 2),
        ("", "Input data was truncated", 1),
        ('{"a": 1e999}', "Number out of range", 1),
        ("[" * 5_000, "maximum recursion depth", None),
    ],
)
def test_malformed_json(text: str, problem: str, line: int | None) -> None:
    with pytest.raises(ConfigError) as caught:
        decode_json(text, "f.json")
    assert caught.value.problem.startswith(f"malformed JSON: {problem}")
    assert (caught.value.where, caught.value.line) == ("f.json", line)
    assert "byte" not in caught.value.problem


def test_good_json() -> None:
    assert decode_json('{"a": [1]}', "f") == {"a": [1]}


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", b"a: 1\nb: 2\n"])
def test_marks_and_line_ends_of_other_systems(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)
    assert read_text(tmp_path / "f") == "a: 1\nb: 2\n"


def test_a_file_has_a_bound(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too large for YAML"):
        compose("# \n" * (3 << 20), "f")
    with (tmp_path / "f").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ConfigError, match="too large"):
        read_text(tmp_path / "f")


@pytest.mark.timeout(10)
def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f")
    with pytest.raises(ConfigError, match="cannot open the file: no regular file"):
        read_text(tmp_path / "f")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot open the file: No such file"):
        read_text(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"a: 1\nb: \xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8: byte 0xff") as caught:
        read_text(tmp_path / "bytes")
    assert caught.value.line == 2
