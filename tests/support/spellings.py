"""The same document in every spelling that JSON allows, and JSON read so that spellings can be compared.

Escapes of characters that need none, `/` as PHP writes it, white space and CR LF between tokens, members in another order, members
written twice (the last counts), numbers in other forms.
"""

import json
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Spelling:
    """`escapes`: share of characters written as `\\uXXXX`. `shadows`: share of objects in which a member stands twice."""

    escapes: float = 0.0
    ascii_only: bool = False
    slashes: bool = False
    gaps: tuple[str, ...] = ("",)
    shuffled: bool = False
    shadows: float = 0.0
    numbers: bool = False


SPELLINGS = {
    "plain": Spelling(),
    "ASCII": Spelling(ascii_only=True),
    "one in a hundred escaped": Spelling(escapes=0.01),
    "all escaped": Spelling(escapes=1.0),
    "PHP": Spelling(slashes=True, ascii_only=True),
    "white space": Spelling(gaps=("", " ", "\t", "\n ")),
    "CR LF": Spelling(gaps=("\r\n",)),
    "another order": Spelling(shuffled=True),
    "numbers": Spelling(numbers=True),
    "members twice": Spelling(shadows=0.3),
    "everything": Spelling(0.2, ascii_only=True, slashes=True, gaps=("", " ", "\r\n"), shuffled=True, shadows=0.2),
}


def spell(value: Any, turn: Random, how: Spelling) -> str:
    """JSON of the value. What stands twice means the same: the member that counts is the last."""
    if isinstance(value, str):
        return '"' + "".join(_character(each, turn, how) for each in value) + '"'
    gap = turn.choice(how.gaps)
    if isinstance(value, list):
        return f"[{gap}{(',' + gap).join(spell(each, turn, how) for each in value)}{gap}]"
    if isinstance(value, dict):
        members = list(value.items())
        if how.shuffled:
            turn.shuffle(members)
        if members and turn.random() < how.shadows:
            name, other = turn.choice(members)
            members.insert(0, (name, turn.choice((None, "shadowed", other, {"password": "shadowed"}))))
        written = (f"{spell(name, turn, how)}{gap}:{gap}{spell(each, turn, how)}" for name, each in members)
        return f"{{{gap}{(',' + gap).join(written)}{gap}}}"
    if how.numbers and isinstance(value, int) and not isinstance(value, bool) and value:
        return turn.choice((f"{value}", f"{value}.0", f"{value}e0", f"{value}E+0"))
    return json.dumps(value)


def _character(character: str, turn: Random, how: Spelling) -> str:
    if how.escapes and turn.random() < how.escapes:
        units = character.encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
    if how.slashes and character == "/":
        return "\\/"
    is_half = "\ud800" <= character <= "\udfff"  # half a pair, for which there is no other spelling
    return json.dumps(character, ensure_ascii=how.ascii_only or is_half)[1:-1]


def as_lists(node: Any) -> Any:
    """The document with lists in place of `{"values": […]}`: either form may leave where an object is written anew for a member that
    stands twice in it (scrubbing.md 5.6).
    """
    if isinstance(node, dict):
        if node.keys() == {"values"}:
            return as_lists(node["values"])
        return {name: as_lists(value) for name, value in node.items()}
    return [as_lists(value) for value in node] if isinstance(node, list) else node


_PAIRS = ("tags", "headers", "cookies", "query_string")
"""Lists of pairs, which are brought into one form as a whole where anything in them changes (scrubbing.md 5.6)."""


def rewritten_without_need(before: bytes, after: bytes) -> list[str]:
    """Parts that mean what they meant before and have other bytes; the smallest ones, with their bytes."""
    if before == after:
        return []
    old, new = json.loads(before, parse_float=str), json.loads(after, parse_float=str)
    if old == new and not isinstance(old, (dict, list)):
        return [f"{before!r} became {after!r}"]
    if isinstance(old, dict) and isinstance(new, dict):
        members, others = _members(before), _members(after)
        pairs = [(members[name], others[name]) for name in (members.keys() & others.keys()).difference(_PAIRS)]
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = list(zip(_elements(before), _elements(after), strict=True))
    else:
        return []
    return [found for left, right in pairs for found in rewritten_without_need(left, right)]


def _members(data: bytes) -> dict[str, bytes]:
    return {name: bytes(raw) for name, raw in msgspec.json.decode(data, type=dict[str, msgspec.Raw]).items()}


def _elements(data: bytes) -> list[bytes]:
    return [bytes(raw) for raw in msgspec.json.decode(data, type=list[msgspec.Raw])]
