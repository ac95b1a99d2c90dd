"""YAML (and JSON, its subset) as nodes that remember their lines.

Owns what a file of ours may be made of, and what a plain scalar means: true, false, null and numbers as in JSON, all else text, so that
`off`, `yes`, `12:30` and dates stay what they look like. Anchors, aliases and merge keys (`<<`) are YAML's, within bounds; tags of other
programs are refused. Which key exists and what its text means is not decided here.

Invariant: whatever is in a file, reading it ends soon with nodes or with one `ConfigError` that has a line where there is one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import yaml
from yaml.events import CollectionEndEvent, CollectionStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from scrubjay.errors import ConfigError
from scrubjay.settings.whole_files import read_whole

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_FILE_BYTES: Final = 32 << 20
_MAX_YAML: Final = 8 << 20
"""Characters: parsing is slow, and a file of settings is small. JSON may be larger."""
_MAX_DEPTH: Final = 100
_MAX_NODES: Final = 1_000_000
"""With everything that aliases repeat."""
_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = f"{_TAG}merge"
_TAGS: Final = frozenset(
    f"{_TAG}{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "value", "merge")
)
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_WORDS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER: Final = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)
_FLOAT: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_MOST_DIGITS: Final = 300
_BYTE: Final = re.compile(r" \(byte (\d+)\)$")
_REMEDIES: Final = {
    "tab": "spaces, not tabs",
    "cannot start any token": "quotes around a value that begins with a special character",
    "mapping values are not allowed": "equal indents for what belongs together, and quotes around a value with `: ` in it",
    "another document": "one document, without a second `---`",
    "expected ':'": "`name: value`, with a blank after the colon",
    "',' or": "a closing bracket",
    "unknown escape": "single quotes, or `\\\\` for a backslash",
    "undefined alias": "quotes around a value that begins with `*`, or an `&` anchor before it",
}
"""Part of what the parser says → what to do."""


def read_text(path: Path) -> str:
    """Raises: ConfigError, if the file cannot be read as UTF-8, with or without a mark at its start, or is too large."""
    try:
        content = read_whole(path, _MAX_FILE_BYTES)
    except OSError as error:
        raise ConfigError(f"cannot open the file: {error.strerror or error}", where=str(path)) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = f"not UTF-8: byte 0x{content[error.start]:02x}"
        raise ConfigError(problem, where=str(path), line=line, accepted="a file saved as UTF-8") from error
    return text.replace("\r\n", "\n")


def decode_json(text: str, where: str) -> object:
    """Raises: ConfigError, with the line where the parser gives a place."""
    content = text.encode()
    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, RecursionError) as error:
        problem = str(error).removeprefix("JSON is malformed: ")
        place = _BYTE.search(problem)
        end = int(place[1]) if place else len(content.rstrip())
        line = None if isinstance(error, RecursionError) else content.count(b"\n", 0, end) + 1
        raise ConfigError(f"malformed JSON: {_BYTE.sub('', problem)}", where=where, line=line) from error


def compose(text: str, where: str) -> Node | None:
    """The document's root; None if it is empty. Raises: ConfigError."""
    if len(text) > _MAX_YAML:
        raise ConfigError("too large for YAML", where=where, accepted=f"at most {_MAX_YAML >> 20} MiB, or JSON")
    try:
        _check_depth(text, where)
        root: Node | None = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        problem = (error.problem or error.context or "").removeprefix("but ")
        raise ConfigError(
            f"malformed YAML: {problem}", where=where, line=line, accepted=_remedy(problem, text, line)
        ) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"malformed YAML: the character #x{int(error.character):04x} may not stand in a file"
        raise ConfigError(problem, where=where, line=line, accepted="text") from error
    if root is not None:
        _Bounds(where).check(root)
    return root


def _remedy(problem: str, text: str, line: int | None) -> str:
    lines = text.split("\n")
    if line is not None and line <= len(lines) and lines[line - 1].lstrip(" ").startswith("\t"):
        problem = "tab"
    return next((remedy for part, remedy in _REMEDIES.items() if part in problem), "")


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


class _Bounds:
    """Refuses what would never end, or as good as never: an alias of what it stands in, and aliases of aliases of aliases.

    Each node is looked at once; an alias adds what was found of its node.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._known: dict[int, tuple[int, int]] = {}
        self._open: set[int] = set()

    def check(self, node: Node) -> tuple[int, int]:
        """Nodes and levels of `node` with all that aliases repeat. Raises: ConfigError."""
        found = self._known.get(id(node))
        if found is not None:
            return found
        if id(node) in self._open:
            raise self._refusal("an alias of what it stands in", node)
        if node.tag not in _TAGS:
            shown = node.tag.replace(_TAG, "!!")
            raise self._refusal(f"`{shown}`: a tag that means nothing here", node, "the value without a tag")
        self._open.add(id(node))
        nodes, levels = 1, 0
        for child in _children(node):
            more, deeper = self.check(child)
            nodes, levels = nodes + more, max(levels, deeper)
        self._open.discard(id(node))
        if nodes > _MAX_NODES or levels >= _MAX_DEPTH:
            raise self._refusal("aliases repeat too much", node)
        self._known[id(node)] = nodes, levels + 1
        return nodes, levels + 1

    def _refusal(self, problem: str, node: Node, accepted: str = "") -> ConfigError:
        return ConfigError(f"malformed YAML: {problem}", where=self._where, line=line_of(node), accepted=accepted)


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, SequenceNode):
        yield from node.value


def line_of(node: Node) -> int:
    return int(node.start_mark.line) + 1


def is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and is_unquoted(node) and node.value in _NULLS


def is_unquoted(node: ScalarNode) -> bool:
    return node.style in (None, "")  # the C parser gives "" where the other gives None


def members(node: MappingNode, where: str, prefix: str = "") -> Iterator[tuple[str, Node]]:
    """`prefix`: the dotted place of `node`. What is merged in with `<<` comes last, without what stands there by itself. Raises: ConfigError, if a key is no text or occurs twice."""
    seen: set[str] = set()
    merged: list[Node] = []
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            raise ConfigError("a key must be a text", where=where, line=line_of(key))
        if key.tag == _MERGE:
            merged += value.value if isinstance(value, SequenceNode) else [value]
            continue
        if key.value in seen:
            path = f"{prefix}{key.value}"
            raise ConfigError("occurs twice", where=where, path=path, line=line_of(key), accepted="one of them")
        seen.add(key.value)
        yield key.value, value
    for source in merged:
        if not isinstance(source, MappingNode):
            raise ConfigError(
                "`<<`: not a mapping", where=where, line=line_of(source), accepted="an alias of a mapping"
            )
        for name, value in members(source, where, prefix):
            if name not in seen:
                seen.add(name)
                yield name, value


def leaves(node: Node, where: str, prefix: str = "") -> Iterator[tuple[str, Node]]:
    """Dotted keys of everything that is no mapping. A section without content has no leaves; its name is given, as null."""
    if not isinstance(node, MappingNode):
        yield prefix.removesuffix("."), node
        return
    for name, value in members(node, where, prefix):
        yield from leaves(value, where, f"{prefix}{name}.")


def to_plain(node: Node | None, where: str, prefix: str = "") -> object:
    """As JSON would have it: dict, list, str, int, float, bool, None. Raises: ConfigError."""
    if node is None:
        return None
    if isinstance(node, MappingNode):
        return {key: to_plain(value, where, f"{prefix}{key}.") for key, value in members(node, where, prefix)}
    if isinstance(node, SequenceNode):
        path = prefix.removesuffix(".")
        return [to_plain(value, where, f"{path}[{index}].") for index, value in enumerate(node.value)]
    text: str = node.value
    if not (isinstance(node, ScalarNode) and is_unquoted(node)):
        return text
    if text in _NULLS:
        return None
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _MOST_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def locate(node: Node | None, path: Sequence[str | int]) -> int | None:
    """The line of the deepest node on `path` that exists."""
    line = None
    for step in _along(node, path):
        line = line_of(step)
    return line


def find(node: Node | None, path: Sequence[str | int]) -> Node | None:
    """The node at the end of `path`, if there is one."""
    found = list(_along(node, path))
    return found[-1] if found and len(found) == len(path) else None


def _along(node: Node | None, path: Sequence[str | int]) -> Iterator[Node]:
    """The nodes on `path`, without the first, as far as they exist."""
    for step in path:
        if isinstance(node, MappingNode):
            node = next((value for name, value in members(node, "") if name == step), None)
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        else:
            return
        if node is None:
            return
        yield node
