"""Payloads made to hurt: large, deep, crowded, full of matches, and texts that begin what a detector looks for at each place.

Each is a function of its size, so that times of two sizes can be compared.
"""

import gc
import json
import time
from collections.abc import Callable
from functools import cache

from scrubjay.core.scrub.detectors import DETECTORS
from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.errors import Unscrubbable
from scrubjay.settings.scrub import Scrub
from support import scrubbing

BUNDLES = ("@gdpr", "@secrets", "@pci", "@hipaa")


def extra(value: object) -> bytes:
    return json.dumps({"extra": {"x": value}}, ensure_ascii=False).encode()


def filled(piece: str, size: int) -> bytes:
    return extra(piece * (size // len(piece.encode()) + 1))


SHAPES: dict[str, Callable[[int], bytes]] = {
    "one text without a break": lambda size: extra("x" * size),
    "one text of lines": lambda size: filled("GET /cart 200 17 ms\n", size),
    "a text of addresses": lambda size: filled("ana@lab.example ", size),
    "a text of numbers": lambda size: filled("4242424242424242 ", size),
    "digits alone": lambda size: extra("1" * size),
    "colons alone": lambda size: extra(":" * size),
    "escapes alone": lambda size: b'{"extra":{"x":"' + rb"\u0041" * (size // 6) + b'"}}',
    "percent signs": lambda size: filled("%25", size),
    "JSON in JSON in JSON": lambda size: extra(json.dumps([json.dumps([json.dumps(["a@b.co"] * (size // 30))])])),
    "brackets in a text": lambda size: extra("[" * size),
    "keys": lambda size: extra({f"key-{number}": number for number in range(size // 18)}),
    "keys with secrets": lambda size: extra({f"password-{number}": number for number in range(size // 24)}),
    "keys that are addresses": lambda size: extra({f"ana{number}@lab.example": 1 for number in range(size // 28)}),
    "the same key again": lambda size: b'{"extra":{' + b'"a":1,' * (size // 6) + b'"a":1}}',
    "elements": lambda size: extra(["a@b.co"] * (size // 10)),
    "pairs": lambda size: extra([["token", "x"]] * (size // 16)),
    "nested arrays": lambda size: b'{"extra":' + b"[" * (size // 2) + b"]" * (size // 2) + b"}",
    "nested objects": lambda size: b'{"extra":' + b'{"a":' * (size // 6) + b"1" + b"}" * (size // 6) + b"}",
    "breadcrumbs": lambda size: json.dumps({"breadcrumbs": [{"message": "a@b.co"}] * (size // 24)}).encode(),
    "remarks": lambda size: json.dumps(
        {"extra": {"x": "a" * (size // 20)}, "_meta": {"extra": {"x": {"": {"rem": [["r", "s", n, n + 1] for n in range(size // 20)]}}}}}
    ).encode(),
    "a query": lambda size: json.dumps({"request": {"query_string": "a=%41&" * (size // 6)}}).encode(),
    "cookies": lambda size: json.dumps({"request": {"cookies": "su=1; " * (size // 6)}}).encode(),
}  # fmt: skip
"""By name, a document of about so many bytes."""


def traps(most: int = 3) -> dict[str, list[str]]:
    """By detector, pieces of text to be repeated without end: its examples broken off, and what its matches begin with."""
    found = {}
    for detector in DETECTORS.values():
        pieces = []
        for example in (*detector.examples, *detector.counterexamples):
            pieces += [example[:-1], example[: len(example) // 2], example[:1] * 7, f"{example[:-1]}é", example[:4]]
        found[detector.name] = [piece for piece in dict.fromkeys(pieces) if piece][:most]
    return {name: pieces for name, pieces in found.items() if pieces}


@cache
def everything() -> ScrubProgram:
    """All rules there are, applied to all that they can reach."""
    return compile_program(
        pii_config={"applications": {"!'no such name'": ["@common", *BUNDLES]}},
        settings=scrubbing.SETTINGS,
        options=Scrub(bundles=BUNDLES),
    )


def outcome(program: ScrubProgram, payload: bytes) -> str:
    """What becomes of a payload, in a word."""
    try:
        scrubbed = scrub_document(program, payload, "event")
    except Unscrubbable:
        return "refused"
    return "as it came" if scrubbed is None else "scrubbed"


def seconds(program: ScrubProgram, payload: bytes, rounds: int = 3) -> float:
    """CPU time of one scrubbing, the best of some. Nothing is collected meanwhile: that takes the longer the more other tests left."""
    best = float("inf")
    gc.disable()
    try:
        for _ in range(rounds):
            started = time.thread_time()
            outcome(program, payload)
            best = min(best, time.thread_time() - started)
    finally:
        gc.enable()
    return best
