"""YAML (and JSON, its subset) as nodes that remember their lines.

Owns what a plain scalar means: true, false, null and numbers as in JSON, all else text, so that `off`, `yes`, `12:30` and dates
stay what they look like. Which key exists and what its text means is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import yaml
from yaml.events import CollectionEndEvent, CollectionStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from scrubjay.errors import ConfigError

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH: Final = 100
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_WORDS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER: Final = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)
_FLOAT: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def read_text(path: Path) -> str:
    """Raises: ConfigError, if the file cannot be read as UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot open the file: {error.strerror or error}", where=str(path)) from error
    except UnicodeError as error:
        raise ConfigError(f"not UTF-8: {error}", where=str(path)) from error


def compose(text: str, where: str) -> Node | None:
    """The document's root; None if it is empty. Raises: ConfigError."""
    try:
        _check_depth(text, where)
        root: Node | None = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise ConfigError(f"malformed YAML: {error.problem or error.context}", where=where, line=line) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"malformed YAML: {error}", where=where) from error
    return root


def _check_depth(text: str, where: str) -> None:
    """Composing recurses in C, where too deep a document ends the process. Raises: ConfigError, or what the parser raises."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                mark = event.start_mark
                line = mark.line + 1 if mark else None
                raise ConfigError(f"malformed YAML: more than {_MAX_DEPTH} levels deep", where=where, line=line)
        elif isinstance(event, CollectionEndEvent):
            depth -= 1


def line_of(node: Node) -> int:
    return int(node.start_mark.line) + 1


def is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and is_unquoted(node) and node.value in _NULLS


def is_unquoted(node: ScalarNode) -> bool:
    return node.style in (None, "")  # the C parser gives "" where the other gives None


def members(node: MappingNode, where: str) -> Iterator[tuple[str, Node]]:
    """Raises: ConfigError, if a key is no text or occurs twice."""
    seen: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            raise ConfigError("a key must be a text", where=where, line=line_of(key))
        if key.value in seen:
            raise ConfigError(f"`{key.value}` occurs twice", where=where, line=line_of(key))
        seen.add(key.value)
        yield key.value, value


def leaves(node: Node, where: str, prefix: str = "") -> Iterator[tuple[str, Node]]:
    """Dotted keys of everything that is no mapping. A section without content has no leaves; its name is given, as null."""
    if not isinstance(node, MappingNode):
        yield prefix.removesuffix("."), node
        return
    for name, value in members(node, where):
        yield from leaves(value, where, f"{prefix}{name}.")


def to_plain(node: Node | None, where: str) -> object:
    """As JSON would have it: dict, list, str, int, float, bool, None. Raises: ConfigError."""
    if node is None:
        return None
    if isinstance(node, MappingNode):
        return {key: to_plain(value, where) for key, value in members(node, where)}
    if isinstance(node, SequenceNode):
        return [to_plain(value, where) for value in node.value]
    text: str = node.value
    if not (isinstance(node, ScalarNode) and is_unquoted(node)):
        return text
    if text in _NULLS:
        return None
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def locate(node: Node | None, path: Sequence[str | int]) -> int | None:
    """The line of the deepest node on `path` that exists."""
    line = None
    for step in path:
        if isinstance(node, MappingNode):
            node = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        else:
            break
        if node is None:
            break
        line = line_of(node)
    return line
