"""Scrubbing in tests: default settings, programs kept, documents in every JSON spelling, clean events, planting."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from scrubjay.core.scrub import screen
from scrubjay.core.scrub.documents import CONTAINERS, TYPED, scrub_document
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.redact import Text
from scrubjay.core.scrub.remarks import NodePath
from scrubjay.core.scrub.rules import Rule
from scrubjay.settings.scrub import Scrub
from support.corpus import recorded
from support.items import make_item
from support.recorder import WireItem, read_envelope

SETTINGS = {"scrubData": True, "scrubDefaults": True, "scrubIpAddresses": True}
CORPUS = Path(__file__).parent / "corpus"
ORACLE = Path(__file__).parents[1] / "oracle"


@cache
def default_program(profile: str) -> ScrubProgram:
    return compile_program(pii_config=None, settings=SETTINGS, options=Scrub(profile=profile))


@cache
def _config_program(content: str, profile: str) -> ScrubProgram:
    return compile_program(pii_config=json.loads(content), settings=None, options=Scrub(profile=profile))


def config_program(config: dict[str, Any], profile: str = "parity") -> ScrubProgram:
    return _config_program(json.dumps(config), profile)


def scrub(program: ScrubProgram, document: Any, shape: str = "event") -> Any:
    """The scrubbed document; the document itself if it may travel as it came."""
    scrubbed = scrub_document(program, json.dumps(document).encode(), shape)
    return document if scrubbed is None else json.loads(scrubbed)


@contextmanager
def full_walk() -> Iterator[None]:
    """Scrubbing as it is defined: every screen says that everything may be everywhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(screen.Screen, "borrow", lambda _self: screen.Scan(None, []))
        patch.setattr(screen.Screen, "give_back", lambda _self, _scan: None)
        yield


class Looks(Record):
    """The texts that rules search because of what the screens say, by their paths."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[object] = set()

    def apply(self, rule: Rule, text: Text, key_verdict: int, hits: int, path: NodePath) -> bool:
        self.texts.add(tuple(path))
        return super().apply(rule, text, key_verdict, hits, path)


def looks(program: ScrubProgram, payload: bytes, shape: str) -> Looks:
    """What scrubbing a document has to look at; nothing if the screens call all of its texts clean."""
    seen = Looks()
    scrub_document(program, payload, shape, seen)
    return seen


def vectors() -> dict[str, Any]:
    return json.loads((ORACLE / "vectors.json").read_text("utf-8"))


@cache
def corpus_events() -> tuple[tuple[str, bytes], ...]:
    """Events and transactions of the corpus, as bytes."""
    out = []
    for path in sorted(CORPUS.glob("*.envelope")):
        for line in path.read_bytes().split(b"\n")[2:]:
            if line.startswith(b"{") and b'"event_id"' in line and b'"platform"' in line:
                try:
                    json.dumps(json.loads(line), ensure_ascii=False).encode()
                except ValueError:  # also lone surrogates, which have their own tests
                    continue
                out.append((path.name, line))
    return tuple(out)


@dataclass(frozen=True, slots=True)
class CorpusDocument:
    """A payload of the corpus that is one JSON document, and how it is read."""

    file: str
    platform: str
    shape: str
    payload: bytes


@cache
def corpus_documents() -> tuple[CorpusDocument, ...]:
    """Every JSON payload of every item that scrubbing reads as a document."""
    found = []
    for request in recorded("envelope", "store"):
        platform = request.file.split("-")[1].rstrip("0123456789x")
        items = [WireItem({"type": "event"}, request.body)]
        if "/store/" not in request.target:
            items = read_envelope(request.body)[1]
        for item in items:
            headers = {name: value for name, value in item.headers.items() if name != "type"}
            read = make_item(item.headers["type"], item.payload, **headers)
            if read.kind.codec == "json":
                shape = read.kind.scope if read.kind.scope in (*TYPED, *CONTAINERS, "session") else "generic"
                found.append(CorpusDocument(request.file, platform, shape, item.payload))
    return tuple(found)


def spell(value: Any, turn: random.Random, *, escapes: float = 0.0, slashes: bool = False, gaps: bool = False) -> str:
    """JSON of a value in an odd but valid spelling: some characters as escapes, `/` as PHP writes it, white space between tokens."""

    def gap() -> str:
        return turn.choice(("", " ", "\r\n", "\t")) if gaps else ""

    def text(value: str) -> str:
        out = []
        for character in json.dumps(value, ensure_ascii=False)[1:-1] if not escapes and not slashes else value:
            if not escapes and not slashes:
                out.append(character)
            elif turn.random() < escapes:
                units = character.encode("utf-16-be", "surrogatepass")
                out.append("".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)))
            elif slashes and character == "/":
                out.append("\\/")
            else:
                out.append(json.dumps(character, ensure_ascii=False)[1:-1])
        return '"' + "".join(out) + '"'

    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return (
            "["
            + gap()
            + ("," + gap()).join(spell(v, turn, escapes=escapes, slashes=slashes, gaps=gaps) for v in value)
            + gap()
            + "]"
        )
    if isinstance(value, dict):
        members = [
            f"{text(k)}{gap()}:{gap()}{spell(v, turn, escapes=escapes, slashes=slashes, gaps=gaps)}"
            for k, v in value.items()
        ]
        return "{" + gap() + ("," + gap()).join(members) + gap() + "}"
    return json.dumps(value)


def leaves(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all texts."""
    if isinstance(node, dict):
        return [found for key, value in node.items() if key != "_meta" for found in leaves(value, (*path, key))]
    if isinstance(node, list):
        return [found for index, value in enumerate(node) for found in leaves(value, (*path, index))]
    return [path] if isinstance(node, str) else []


def texts(node: Any) -> list[str]:
    """All texts below a node, keys and remarks left out; the first halves of an array of pairs are keys (scrubbing.md 7.3)."""
    if isinstance(node, dict):
        return [text for key, value in node.items() if key != "_meta" for text in texts(value)]
    if isinstance(node, list):
        pairs = all(isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) for value in node)
        return [text for value in node for text in texts(value[1] if pairs else value)]
    return [node] if isinstance(node, str) else []
