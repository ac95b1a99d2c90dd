"""JSON inside a text is scrubbed as a document at the same path, and written back as text (scrubbing.md 15.6).

Its values get the rules of their own keys. Words that take whole texts still take this one if one of its values holds them, since
then the values beside it are what the word speaks of; keys that hold them have only their own value taken. What the screen sees in
the bytes of the text it sees in the document as well, so a text without a match is not read. What the rules of the text find in what
is left goes too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scrubjay.core.scrub.json_text import BRACE, check_depth, decode_any, encode_text, mended, text_bytes
from scrubjay.core.scrub.matching import State
from scrubjay.core.scrub.redact import Remark, Text, characters
from scrubjay.core.scrub.remarks import EMBEDDED, NodePath, Notes
from scrubjay.core.scrub.rules import Rule
from scrubjay.core.scrub.screen import NOWHERE
from scrubjay.errors import Unscrubbable

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrubjay.core.scrub.descend import Walk

MAY_EMBED: Final = b"{[ \\"
"""Bytes that a text of JSON may begin with: a bracket, white space, an escape of white space."""
MAX_LEVELS: Final = 3
_MAX_BYTES: Final = 1024 * 1024
# How a text of JSON begins that has anything in it: white space, a bracket, and then what a bracket can be followed by.
_BEGINS: Final = re.compile(rb'[ \t\r\n]*(?:\{[ \t\r\n]*"|\[[ \t\r\n]*["{\[\-0-9tfn])')


def scrub_embedded(
    walk: Walk,
    data: bytes,
    rules: tuple[Rule, ...],
    parent: State,
    match: int,
    node_class: int,
    key_verdict: int,
    path: NodePath,
) -> bytes | None:
    """The text `data`, if it is JSON and changed; None: whatever else it is, the rules of its node decide.

    `rules` are those; `parent`, `match` and so on say how the node is reached.
    """
    if not walk.config.embeds or walk.level >= MAX_LEVELS or len(data) > _MAX_BYTES:
        return None
    if any(rule.takes_nodes or rule.key_bits & key_verdict for rule in rules):
        return None
    value = text_bytes(data)
    inner = _document(value, walk.config.bounds.max_depth)
    if inner is None or any(remark.origin != EMBEDDED for remark in walk.notes.text(path, value).remarks):
        return None
    planner, notes = walk.config.planner, walk.notes
    words = [step.occurs for rule in rules for step in rule.steps if step.occurs is not None]
    if words and _is_told(decode_any(inner), words, walk.level, walk.config.bounds.max_depth):
        return None
    walk.notes, record = Notes(), walk.record
    walk.record = attempt = None if record is None else record.attempt()
    walk.level += 1
    try:
        if inner[0] == BRACE:
            state = walk.config.matcher.step(parent, match | planner.object_types)
            new = walk.any_object(inner, state, node_class, path, NOWHERE)
        else:
            state = walk.config.matcher.step(parent, match | planner.array_types)
            new = walk.any_array(inner, state, node_class, path, NOWHERE)
        if new is None or not walk.notes.changed:
            return None  # or only a key stands there twice, which the screen cannot see
    finally:
        walk.level -= 1
        walk.notes, walk.record = notes, record
    left = Text(msgspec.json.format(new, indent=-1))
    if any(occurs(left.value) for occurs in words):
        return None
    if record is not None and attempt is not None:
        record.merge(attempt)
    walk.run(left, rules, key_verdict, walk.scan(encode_text(left.value)), path)
    before = notes.text(path, value)
    remark = Remark(EMBEDDED, "s", (0, len(left.value)))
    notes.write(path, Text(left.value, [remark], before.length or characters(value)))
    return encode_text(left.value)


def _document(value: bytes, max_depth: int) -> bytes | None:
    """The JSON that a text is; None: it is none, or nothing is in it."""
    if _BEGINS.match(value) is None:
        return None
    inner = mended(value.strip(b" \t\r\n"))
    try:
        check_depth(inner, max_depth)
        decode_any(inner)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Unscrubbable):
        return None
    return inner


def _is_told(value: Any, words: list[Callable[[bytes], bool]], level: int, max_depth: int) -> bool:
    """Whether a value in there holds a telling word; a key does not count."""
    if isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        inner = _document(text, max_depth) if level + 1 < MAX_LEVELS else None
        if inner is not None:
            return _is_told(decode_any(inner), words, level + 1, max_depth)
        return any(occurs(text) for occurs in words)
    if isinstance(value, dict):
        return any(_is_told(child, words, level, max_depth) for child in value.values())
    if isinstance(value, list):
        return any(_is_told(child, words, level, max_depth) for child in value)
    return False
