"""What was written, where, and by whom: file, environment and flags as one row of texts by dotted key, before anything is understood.

Owns which keys count and what is said of the others (`upstream-and-operations.md` 2.1, 2.3, 2.5). What a text means is `scalars`', which
one wins is `load`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from scrubjay.errors import ConfigError
from scrubjay.settings import environment, inert
from scrubjay.settings.document import compose, is_null, is_unquoted, leaves, line_of, read_text
from scrubjay.settings.fields import ALIASES, DISPENSABLE, FIELDS, SECTIONS, field_above, map_of
from scrubjay.settings.gateway import MEMBERS, fold_relays
from scrubjay.settings.scalars import is_list, takes_one
from scrubjay.settings.suggestions import nearest_key, nearest_word, shown

_RELAYS: Final = "auth.static_relays"
_KEYS_BELOW: Final = "keys below it, each as `name: value`"


@dataclass(frozen=True, slots=True)
class Written:
    """A key as it was written. `text` None: null, which means the default, if it does not mean "none". `plain`: not quoted."""

    text: str | tuple[str, ...] | None
    origin: str
    where: str
    line: int | None = None
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Sorted:
    """`written`: keys that count. `warnings` and `notices`: what is to be said of the others."""

    written: dict[str, Written]
    warnings: list[str]
    notices: list[str]


def collect(
    path: Path | None, env: Mapping[str, str], flags: Mapping[str, tuple[str, str]]
) -> Iterator[tuple[str, Written]]:
    """Everything that was written, lowest precedence first. Raises: ConfigError."""
    if path is not None:
        yield from _of_file(path)
    for name, text, variable in environment.overrides(env):
        key = ALIASES.get(name, name)
        yield key, _of_text(key, text, f"env {variable}", f"environment variable {variable}")
    for key, (text, flag) in flags.items():
        yield key, _of_text(key, text, f"flag {flag}", f"flag {flag}")


def _of_file(path: Path) -> Iterator[tuple[str, Written]]:
    root = compose(read_text(path), str(path))
    if root is None or is_null(root):
        return
    if not isinstance(root, MappingNode):
        raise ConfigError(
            "the file must be a mapping of sections",
            where=str(path),
            line=line_of(root),
            accepted="`relay:` and its kin",
        )
    found, relays = fold_relays(leaves(root, str(path)), _RELAYS)
    seen: set[str] = set()
    for name, node in found:
        key = ALIASES.get(name, name)
        if key in seen:
            raise ConfigError("occurs twice", where=str(path), path=key, line=line_of(node), accepted="one of them")
        seen.add(key)
        yield key, _of_node(key, node, path)
    if relays:
        line = min(map(line_of, relays.values()))
        yield _RELAYS, Written(tuple(relays), f"{path}:{line}", str(path), line)


def _of_node(key: str, node: Node, path: Path) -> Written:
    line = line_of(node)
    origin = f"{path}:{line}"
    if is_null(node):
        return Written(None, origin, str(path), line)
    if isinstance(node, ScalarNode):
        return Written(node.value, origin, str(path), line, is_unquoted(node))
    if isinstance(node, SequenceNode) and all(isinstance(item, ScalarNode) for item in node.value):
        return Written(tuple(item.value for item in node.value), origin, str(path), line)
    if map_of(key) is not None:
        raise ConfigError("a list of lists", where=str(path), path=key, line=line, accepted="a single value")
    if key in FIELDS:
        raise ConfigError(
            "a list of lists or mappings", where=str(path), path=key, line=line, accepted="a list of texts"
        )
    return Written("", origin, str(path), line)


def _of_text(key: str, text: str, origin: str, where: str) -> Written:
    if key in FIELDS and is_list(FIELDS[key]) and ("," in text or not takes_one(FIELDS[key])):
        text = text.strip()
        inside = text[1:].removesuffix("]") if text.startswith("[") else text
        return Written(tuple(part.strip() for part in inside.split(",") if part.strip()), origin, where)
    is_null_word = text == "null" and key in DISPENSABLE
    return Written(None if is_null_word else text, origin, where)


def sort(entries: Iterable[tuple[str, Written]], *, strict: bool) -> Sorted:
    """Tell keys that count from others. Raises: ConfigError, for what cannot be meant, and if `strict` for unknown keys."""
    written: dict[str, Written] = {}
    warnings: list[str] = []
    idle: list[str] = []
    for key, entry in entries:
        if (whole := map_of(key)) is not None:
            written[whole] = _with_member(written.get(whole), key, key.removeprefix(f"{whole}."), entry)
        elif key in FIELDS:
            written[key] = entry
        elif key in SECTIONS:
            if entry.text is not None:
                raise _refusal(f"{_quoted(entry)}: a section is expected, not a value", key, entry, _KEYS_BELOW)
        elif (above := field_above(key)) is not None and above != _RELAYS:
            expected = "a list" if is_list(FIELDS[above]) else "a single value"
            raise _refusal("a mapping, where there is none", above, entry, expected)
        elif inert.covers(inert.ELSEWHERE, key):
            idle.append(key)
        else:
            near = _nearest(key)
            if strict:
                raise _refusal("unknown key", key, entry, near=near)
            warnings.append(
                f"{entry.origin}: {key}: unknown key, ignored" + (f"; did you mean `{near}`?" if near else "")
            )
    return Sorted(written, warnings, [_notice(idle)] if idle else [])


def _notice(idle: Iterable[str]) -> str:
    """One line for all keys without effect, by reason."""
    grouped: dict[str, list[str]] = {}
    for key in sorted(set(idle)):
        grouped.setdefault(inert.why(key), []).append(key)
    return "known keys without effect here: " + "; ".join(f"{', '.join(keys)} ({why})" for why, keys in grouped.items())


def _nearest(key: str) -> str:
    """The key that was probably meant; of a relay's members too."""
    prefix, _, name = key.rpartition(".")
    if not key.startswith(f"{_RELAYS}."):
        return nearest_key(key, FIELDS)
    near = nearest_word(name, MEMBERS)
    return f"{prefix}.{near}" if near else ""


def _with_member(before: Written | None, key: str, name: str, entry: Written) -> Written:
    """A map of tags with one more member, or another value of it; null takes it out."""
    if isinstance(entry.text, tuple):
        raise _refusal(f"{_quoted(entry)}: a list", key, entry, "a single value")
    texts = before.text if before is not None and isinstance(before.text, tuple) else ()
    kept = tuple(text for text in texts if text.partition("=")[0] != name)
    return replace(entry, text=kept if entry.text is None else (*kept, f"{name}={entry.text}"))


def _quoted(entry: Written) -> str:
    return shown(f"[{', '.join(entry.text)}]" if isinstance(entry.text, tuple) else entry.text or "")


def _refusal(problem: str, key: str, entry: Written, accepted: str = "", *, near: str = "") -> ConfigError:
    return ConfigError(problem, where=entry.where, path=key, line=entry.line, accepted=accepted, near=near)
