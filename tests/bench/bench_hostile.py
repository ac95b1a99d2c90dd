"""What payloads made to hurt cost: milliseconds of CPU, and what becomes of them, under all the rules there are.

    python -m tests.bench hostile

Texts of 10 MB, 100,000 keys, nesting without end, texts made of matches, and of each detector the worst of its traps. There are no
goals: that time grows with size alone is `fuzz/test_hostile.py`'s to show.
"""

from collections.abc import Iterator

from bench.report import Row
from support import hostile

MEGABYTE = 1_000_000
KEYS = 100_000


def rows(*, quick: bool) -> Iterator[Row]:
    yield from (_row(what, payload) for what, payload in _payloads(quick=quick))
    program = hostile.everything()
    worst = []
    for detector, pieces in hostile.traps(most=1 if quick else 5).items():
        payloads = [hostile.filled(piece, 200 if quick else 16_000) for piece in pieces]
        times = [hostile.seconds(program, payload, rounds=1) for payload in payloads]
        worst.append((max(times), detector, len(pieces)))
    worst.sort(reverse=True)
    size = 0.2 if quick else 16
    for seconds, detector, count in worst[:5]:
        yield Row(f"{size} KB of traps for {detector}", f"{seconds * 1e3:.0f} ms", detail=f"the worst of {count}")
    rest = worst[5:]
    yield Row(f"{size} KB of traps for the other {len(rest)} detectors", f"≤ {rest[0][0] * 1e3:.0f} ms")


def _payloads(*, quick: bool) -> Iterator[tuple[str, bytes]]:
    large, keys = (MEGABYTE // 50, KEYS // 50) if quick else (10 * MEGABYTE, KEYS)
    size = f"{large / MEGABYTE:g} MB"
    shapes = hostile.SHAPES
    yield f"{size} text without a break", shapes["one text without a break"](large)
    yield f"{size} text of lines", shapes["one text of lines"](large)
    line_bytes = MEGABYTE // 50 if quick else MEGABYTE
    yield f"{line_bytes / MEGABYTE:g} MB text of lines", shapes["one text of lines"](line_bytes - 1_000)
    yield f"{keys:,} keys", shapes["keys"](keys * 18)
    yield f"{keys // 2:,} keys that name passwords", shapes["keys with secrets"](keys // 2 * 24)
    yield f"{keys // 2:,} keys that are addresses", shapes["keys that are addresses"](keys // 2 * 28)
    text_bytes = 5_000 if quick else 100_000
    yield "100,000 levels of arrays", shapes["nested arrays"](200_000)
    for name in (
        "a text of addresses",
        "a text of numbers",
        "digits alone",
        "colons alone",
        "JSON in JSON in JSON",
        "a query",
    ):
        yield f"{text_bytes // 1000} KB: {name}", shapes[name](text_bytes)


def _row(what: str, payload: bytes) -> Row:
    program = hostile.everything()
    seconds = hostile.seconds(program, payload, rounds=2)
    return Row(what, f"{seconds * 1e3:.0f} ms", detail=f"{len(payload):,} bytes: {hostile.outcome(program, payload)}")
