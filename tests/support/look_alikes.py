"""Innocent values that look like personal data or secrets, and what the detectors take of them (scrubbing.md 15.4).

Two measures. Over events of real SDKs whose ids, times and numbers are drawn anew, with a few look-alikes more in each: hits for each
thousand events. And of look-alikes alone: the share that survives, by detector and kind.
"""

from __future__ import annotations

import base64
import json
import random
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from scrubjay.core.scrub.detector import Detector
from scrubjay.core.scrub.detectors import DETECTORS
from scrubjay.core.scrub.families import FAMILIES
from scrubjay.core.scrub.finders import finder_beside, finder_of
from scrubjay.core.scrub.patterns import compile_pattern
from scrubjay.core.scrub.redact import Finder
from scrubjay.core.scrub.screen import ScreenBuilder
from support import scrubbing

FURTHER = tuple(detector for detector in DETECTORS.values() if detector.family in FAMILIES)
IN_EACH_EVENT = 5
_HEX, _BASE62 = "0123456789abcdef", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_WORDS = [
    "order",
    "cart",
    "user",
    "page",
    "item",
    "relay",
    "cache",
    "queue",
    "worker",
    "shard",
    "index",
    "batch",
    "stream",
    "token",
    "login",
    "invoice",
    "report",
    "export",
]


def _some(turn: random.Random, alphabet: str, length: int) -> str:
    return "".join(turn.choices(alphabet, k=length))


def _number(turn: random.Random, *lengths: int) -> str:
    return turn.choice("123456789") + _some(turn, "0123456789", turn.choice(lengths) - 1)


def _moment(turn: random.Random) -> tuple[int, ...]:
    return (turn.randint(2015, 2030), *(turn.randint(1, top) for top in (12, 28, 23, 59, 59)))


def _path(turn: random.Random) -> str:
    folders = "/".join(turn.choices(_WORDS, k=turn.randint(2, 6)))
    return (
        turn.choice(("/app/", "/usr/lib/python3.11/site-packages/", "C:\\inetpub\\", "./node_modules/.pnpm/", "~/"))
        + folders
        + ".py"
    )


def _bar_code(turn: random.Random) -> str:
    digits = [int(digit) for digit in _number(turn, 12)]
    return "".join(map(str, digits)) + str(-sum(digit * (3 if at % 2 else 1) for at, digit in enumerate(digits)) % 10)


KINDS: dict[str, Callable[[random.Random], str]] = {
    "version": lambda t: f"{t.randint(0, 40)}.{t.randint(0, 99)}.{t.randint(0, 99)}{t.choice(('', '-rc.1', '+build.' + _number(t, 4, 8), '.dev0'))}",
    "release": lambda t: f"{t.choice(_WORDS)}-api@{t.randint(1, 9)}.{t.randint(0, 99)}.{t.randint(0, 99)}+{_some(t, _HEX, 12)}",
    "user agent": lambda t: f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_{t.randint(0, 6)} like Mac OS X) AppleWebKit/605.1.{t.randint(1, 50)} Mobile/15E{_number(t, 3)}",
    "uuid": lambda t: str(uuid.UUID(int=t.getrandbits(128), version=4)),
    "uuid without dashes": lambda t: _some(t, _HEX, 32),
    "sha-1": lambda t: _some(t, _HEX, 40),
    "sha-256": lambda t: _some(t, _HEX, 64),
    "short hash": lambda t: _some(t, _HEX, t.choice((7, 8, 9, 10, 12))),
    "span id": lambda t: _some(t, _HEX, 16),
    "trace header": lambda t: f"00-{_some(t, _HEX, 32)}-{_some(t, _HEX, 16)}-01",
    "etag": lambda t: f'W/"{_some(t, _HEX, 4)}-{_some(t, _BASE62, 27)}"',
    "ISO timestamp": lambda t: "{}-{:02}-{:02}T{:02}:{:02}:{:02}".format(*_moment(t)) + t.choice(("Z", "+00:00", "+02:00", f".{_number(t, 6)}Z")),
    "log timestamp": lambda t: "{}-{:02}-{:02} {:02}:{:02}:{:02}".format(*_moment(t)) + f",{_number(t, 3)}",
    "compact timestamp": lambda t: "{}{:02}{:02}{:02}{:02}{:02}".format(*_moment(t))[: t.choice((8, 12, 14))],
    "unix seconds": lambda t: str(t.randint(1_400_000_000, 1_900_000_000)),
    "unix milliseconds": lambda t: str(t.randint(1_400_000_000_000, 1_900_000_000_000)),
    "unix seconds with fraction": lambda t: f"{t.randint(1_400_000_000, 1_900_000_000)}.{_number(t, 6, 7)}",
    "price": lambda t: t.choice(("€", "$", "+", "-", "USD ")) + f"{t.randint(1, 999)}{t.choice(('', '.' + _number(t, 3), ',' + _number(t, 3)))}.{t.randint(10, 99)}",
    "host and port": lambda t: f"{t.choice(_WORDS)}-{t.randint(1, 9)}.internal:{t.randint(1024, 65535)}",
    "URL": lambda t: f"https://{t.choice(_WORDS)}.example/{t.choice(_WORDS)}/{_number(t, 4, 6, 8)}?page={t.randint(1, 99)}&sort={t.choice(_WORDS)}@desc",
    "database URL": lambda t: f"postgres://{t.choice(_WORDS)}-db:5432/{t.choice(_WORDS)}",
    "file path": _path,
    "order number": lambda t: t.choice(("#", "ORD-", "order ", "INV-2024-", "ticket ", "PO")) + _number(t, 5, 6, 8, 10),
    "long row id": lambda t: _number(t, 9, 10, 11, 12),
    "account id": lambda t: _number(t, 6, 7, 8),
    "row count": lambda t: f"{_number(t, 5, 6, 7)} rows in {t.randint(1, 900)} ms",
    "snowflake": lambda t: str(t.randint(10**17, 2 * 10**18)),
    "object id": lambda t: _some(t, _HEX, 24),
    "ULID": lambda t: "01" + _some(t, _CROCKFORD, 24),
    "nano id": lambda t: _some(t, _BASE62 + "_-", 21),
    "base64 id": lambda t: base64.b64encode(t.randbytes(t.choice((9, 12, 16, 20, 24)))).decode(),
    "relay cursor": lambda t: base64.b64encode(f"cursor:{t.randint(0, 10**6)}".encode()).decode(),
    "memory address": lambda t: f"0x{_some(t, _HEX, t.choice((8, 12, 16)))}",
    "coordinates": lambda t: f"{t.uniform(-90, 90):.6f},{t.uniform(-180, 180):.6f}",
    "matrix": lambda t: "[" + " ".join(f"{t.uniform(-2, 2):.8f}" for _ in range(4)) + "]",
    "numbers in a row": lambda t: " ".join(str(int(10 ** t.uniform(0, 5))) for _ in range(8)),
    "C++ name": lambda t: f"{t.choice(_WORDS)}::{t.choice(_WORDS)}::{t.choice(('add', 'dead', 'face', 'begin'))}(int)",
    "CSS selector": lambda t: f"div.{t.choice(_WORDS)}#{t.choice(_WORDS)}{t.randint(1, 99)} > a:nth-child({t.randint(1, 9)})::before",
    "SQL": lambda t: f"SELECT * FROM {t.choice(_WORDS)} WHERE id IN ({_number(t, 4, 5)}, {_number(t, 4, 5)}) LIMIT {t.randint(1, 99)}",
    "element id": lambda t: f"{t.choice(_WORDS)}_{t.choice(_WORDS)}_{_number(t, 4, 6)}",
    "sentence": lambda t: "the " + " ".join(t.choices(_WORDS, k=t.randint(8, 30))),
    "duration": lambda t: f"{t.uniform(0, 5000):.3f}ms (+{t.randint(1, 999)}%)",
    "bar code": _bar_code,
    "class name": lambda t: f"com.example.{t.choice(_WORDS)}.{t.choice(_WORDS).title()}Controller$${_number(t, 8)}",
    "Basic prose": lambda t: f"Basic {t.choice(_WORDS)} information",
}  # fmt: skip
"""What programs write that is no person's."""


_VOLATILE = re.compile(r"[0-9a-f]{8,}|[0-9]{3,}")


def drawn_anew(text: str, turn: random.Random) -> str:
    """The same text with other ids and numbers."""

    def other(match: re.Match[str]) -> str:
        old = match[0]
        if old.isdigit():
            # The first digits say what a number is: a year, a second, an error code.
            return old[:2] + _some(turn, "0123456789", len(old) - 2)
        return _some(turn, _HEX, len(old))

    return _VOLATILE.sub(other, text)


def leaves(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Texts below a node, with their keys."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from leaves(value, name)
    elif isinstance(node, list):
        pairs = all(isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) for value in node)
        for value in node:
            yield from leaves(value[1], value[0]) if pairs else leaves(value, key)
    elif isinstance(node, str):
        yield key, node


def clean_events(count: int, seed: int = 0) -> Iterator[list[tuple[str, str]]]:
    """Events of the corpus, as keys and texts, all platforms alike often."""
    turn = random.Random(seed)
    by_platform: dict[str, list[list[tuple[str, str]]]] = {}
    for _, event in scrubbing.corpus_events():
        document = json.loads(event)
        by_platform.setdefault(document["platform"], []).append(list(leaves(document)))
    platforms = sorted(by_platform)
    for place in range(count):
        base = turn.choice(by_platform[platforms[place % len(platforms)]])
        event = [(key, drawn_anew(text, turn)) for key, text in base]
        for kind in turn.sample(sorted(KINDS), IN_EACH_EVENT):
            event.append((kind, KINDS[kind](turn)))
        yield event


class Judge:
    """What the detectors take, of texts with their keys."""

    def __init__(self, detectors: tuple[Detector, ...] = FURTHER) -> None:
        builder = ScreenBuilder()
        self._steps: list[tuple[str, int, Finder]] = [
            (detector.name, builder.detector_bit(detector), finder_of(detector)) for detector in detectors
        ]
        self._beside = [
            (detector.name, compile_pattern(detector.beside.key), finder_beside(detector))
            for detector in detectors
            if detector.beside is not None
        ]
        self._scan = builder.build().borrow()
        self._keys: dict[str, list[tuple[str, Finder]]] = {}

    def takes(self, key: str, text: str) -> set[str]:
        """Names of the detectors that take something."""
        raw = text.encode("utf-8", "replace")
        hits = self._scan(json.dumps(text).encode())
        found = {name for name, bit, find in self._steps if bit & hits and find(raw)}
        if key not in self._keys:
            self._keys[key] = [(name, find) for name, gate, find in self._beside if gate.search(key.encode())]
        return found | {name for name, find in self._keys[key] if find(raw)}


def hits_in_events(count: int, seed: int = 0) -> tuple[Counter[str], dict[str, Counter[str]]]:
    """Events in which a detector takes something, and examples of what."""
    judge = Judge()
    hits: Counter[str] = Counter()
    what: dict[str, Counter[str]] = {}
    for event in clean_events(count, seed):
        taken = set()
        for key, text in event:
            for name in judge.takes(key, text):
                taken.add(name)
                what.setdefault(name, Counter())[key] += 1
        hits.update(taken)
    return hits, what


def losses(each: int, seed: int = 0) -> dict[str, Counter[str]]:
    """By detector: how many look-alikes of which kind it takes, out of `each` of every kind."""
    judge, turn = Judge(), random.Random(seed)
    out: dict[str, Counter[str]] = {detector.name: Counter() for detector in FURTHER}
    for kind, make in KINDS.items():
        for _ in range(each):
            for name in judge.takes("value", make(turn)):
                out[name][kind] += 1
    return out
