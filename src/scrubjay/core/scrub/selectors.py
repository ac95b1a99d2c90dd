"""Path selectors: text to tree and back, and the order in which applications run (scrubbing.md 6.1, 7.2).

What a selector matches is decided by `matching.py`; this file knows no documents.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TypeAlias

# In the order that sorting uses; aliases follow in TYPE_ALIASES.
TYPE_WORDS = (
    "string", "binary", "number", "boolean", "datetime", "array", "object", "event", "attachments", "replay", "error", "stack",
    "frame", "http", "user", "logentry", "message", "thread", "breadcrumb", "log", "trace_metric", "span", "sdk", "minidump",
    "heap_memory", "stack_memory",
)  # fmt: skip
TYPE_ALIASES = {"bool": "boolean", "list": "array", "exception": "error", "stacktrace": "stack", "request": "http"}
BASIC_TYPES = frozenset(("string", "binary", "number", "boolean", "datetime", "array", "object"))
_LEGACY_WORDS = {
    "freeform": "string", "email": "string", "sensitive": "string", "text": "string", "databag": "object", "container": "object",
}  # fmt: skip

_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
_DIGITS = frozenset("0123456789")
_WORD = _LETTERS | _DIGITS | {"-"}
_MAX_INDEX = 2**64 - 1


class SelectorError(ValueError):
    """The text is no selector; the message names the column, counted from 1."""


@dataclass(frozen=True, slots=True)
class TypeItem:
    """`$name`: the step has this value type."""

    name: str


@dataclass(frozen=True, slots=True)
class IndexItem:
    """An array position."""

    index: int


@dataclass(frozen=True, slots=True)
class KeyItem:
    """An object key; ASCII case is ignored when matching."""

    key: str


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`*`: any one step."""


@dataclass(frozen=True, slots=True)
class DeepWildcard:
    """`**`: one or more steps; at most one in a path."""


Item: TypeAlias = TypeItem | IndexItem | KeyItem | Wildcard | DeepWildcard


@dataclass(frozen=True, slots=True)
class Path:
    """Steps. Compiling looks paths up very often, so the hash is taken once."""

    items: tuple[Item, ...]
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(self.items))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Not:
    inner: Selector


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Selector, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Selector, ...]


Selector: TypeAlias = Path | Not | And | Or


def parse_selector(text: str, *, legacy_words: bool = True) -> Selector:
    """Read a selector. `legacy_words`: a whole selector `email`, `databag`, … means a basic type. Raises SelectorError."""
    if legacy_words and text in _LEGACY_WORDS:
        return Path((TypeItem(_LEGACY_WORDS[text]),))
    return _Parser(text).parse()


class _Parser:
    """Recursive descent over one text; `at` is the offset of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def parse(self) -> Selector:
        selector = self._or()
        if self.at < len(self.text):
            raise self._error("unexpected text")
        return selector

    def _error(self, problem: str) -> SelectorError:
        return SelectorError(f"{problem} at column {self.at + 1} of {self.text!r}")

    def _space(self) -> None:
        while self.text.startswith(" ", self.at):
            self.at += 1

    def _take(self, *tokens: str) -> bool:
        """Consume the first of `tokens` that comes next, with space on both sides."""
        self._space()
        for token in tokens:
            if self.text.startswith(token, self.at):
                self.at += len(token)
                self._space()
                return True
        return False

    def _or(self) -> Selector:
        parts = [self._and()]
        while self._take("||", "|"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _and(self) -> Selector:
        parts = [self._unary()]
        while self._take("&&", "&"):
            parts.append(self._unary())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _unary(self) -> Selector:
        return Not(self._primary()) if self._take("!", "~") else self._primary()

    def _primary(self) -> Selector:
        if not self._take("("):
            return self._path()
        inner = self._or()
        if not self._take(")"):
            raise self._error("missing )")
        return inner

    def _path(self) -> Path:
        start = self.at
        items = [self._item()]
        while self._take("."):
            items.append(self._item())
        if items == [Wildcard()]:
            self.at = start
            raise self._error("a path of * alone matches nothing in particular")
        if sum(type(item) is DeepWildcard for item in items) > 1:
            self.at = start
            raise self._error("more than one ** in a path")
        return Path(tuple(items))

    def _item(self) -> Item:
        text, start = self.text, self.at
        first = text[start : start + 1]
        if first == "$":
            return self._type()
        if text.startswith("**", start):
            self.at += 2
            return DeepWildcard()
        if first == "*":
            self.at += 1
            return Wildcard()
        if first == "'":
            return KeyItem(self._quoted())
        if first in _DIGITS and first:
            return IndexItem(self._index())
        if first in _LETTERS and first:
            while text[self.at : self.at + 1] in _WORD and self.at < len(text):
                self.at += 1
            return KeyItem(text[start : self.at])
        raise self._error("expected a key, an index, a type or *")

    def _type(self) -> TypeItem:
        start = self.at
        self.at += 1
        while self.at < len(self.text) and (self.text[self.at] == "_" or "a" <= self.text[self.at] <= "z"):
            self.at += 1
        word = self.text[start + 1 : self.at]
        name = TYPE_ALIASES.get(word, word)
        if name not in TYPE_WORDS:
            self.at = start
            near = difflib.get_close_matches(word, (*TYPE_WORDS, *TYPE_ALIASES), n=1)
            raise self._error(f"unknown type ${word}" + (f", perhaps ${near[0]}" if near else ""))
        return TypeItem(name)

    def _index(self) -> int:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in _DIGITS:
            self.at += 1
        # A bound on the digits first: a long enough number would not even convert.
        digits = self.text[start : self.at].lstrip("0")
        if len(digits) > 20 or int(digits or "0") > _MAX_INDEX:
            self.at = start
            raise self._error("index too large")
        return int(digits or "0")

    def _quoted(self) -> str:
        start = self.at
        self.at += 1
        self._space()
        out: list[str] = []
        while True:
            end = self.text.find("'", self.at)
            if end < 0:
                self.at = start
                raise self._error("unfinished quoted key")
            out.append(self.text[self.at : end])
            self.at = end + 1
            if not self.text.startswith("'", self.at):
                break
            out.append("'")
            self.at += 1
        if not (key := "".join(out)):
            self.at = start
            raise self._error("empty quoted key")
        return key


def print_selector(selector: Selector) -> str:
    """The canonical text form."""
    if isinstance(selector, Path):
        return ".".join(map(_print_item, selector.items))
    if isinstance(selector, Not):
        inner = print_selector(selector.inner)
        return f"!{inner}" if isinstance(selector.inner, Path) else f"!({inner})"
    if isinstance(selector, And):
        return " && ".join(
            f"({print_selector(part)})" if isinstance(part, Or) else print_selector(part) for part in selector.parts
        )
    return " || ".join(map(print_selector, selector.parts))


def _print_item(item: Item) -> str:
    if isinstance(item, TypeItem):
        return f"${item.name}"
    if isinstance(item, IndexItem):
        return str(item.index)
    if isinstance(item, KeyItem):
        key = item.key
        if key[0] in _LETTERS and all(character in _WORD for character in key):
            return key
        return "'" + key.replace("'", "''") + "'"
    return "*" if isinstance(item, Wildcard) else "**"


def sort_key(selector: Selector) -> tuple[object, ...]:
    """A key that sorts selectors as scrubbing.md 7.2 does; applications run in this order."""
    if isinstance(selector, And):
        return (0, tuple(map(sort_key, selector.parts)))
    if isinstance(selector, Or):
        return (1, tuple(map(sort_key, selector.parts)))
    if isinstance(selector, Not):
        return (2, sort_key(selector.inner))
    return (3, tuple(map(_item_key, selector.items)))


def _item_key(item: Item) -> tuple[int, int, bytes]:
    if isinstance(item, TypeItem):
        return (0, TYPE_WORDS.index(item.name), b"")
    if isinstance(item, IndexItem):
        return (1, item.index, b"")
    if isinstance(item, KeyItem):
        return (2, 0, item.key.encode("utf-8", "surrogatepass"))
    return (3 if isinstance(item, Wildcard) else 4, 0, b"")
