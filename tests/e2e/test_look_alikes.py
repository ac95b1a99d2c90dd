"""What is no person's survives: innocent look-alikes through the relay as it runs, with the default settings.

Versions, ids, hashes, times, prices, ports, paths in variables, extra data, breadcrumbs and logs. Printed: the share that survives, and
which rules took the rest, by the remarks they left. The detectors alone are judged in `unit/core/scrub/detectors/test_look_alikes.py`.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scrubjay.core.scrub.builtin_rules import BUILTIN_RULES
from support.daemon import Daemon
from support.look_alikes import KINDS
from support.planting import write_envelope
from support.processes import free_port
from support.recorder import WireItem, recording
from support.sending import send

EVENTS = 40
SURVIVORS = 0.99
"""Share of all look-alikes. What goes is taken by the reference's own rules: any sixteen digits are a card, any `token:` is a secret."""
BUDGET = 0.001
"""Share that any rule beyond the reference may take (scrubbing.md 15.4)."""


def event(number: int, turn: random.Random) -> dict[str, Any]:
    texts = {kind: make(turn) for kind, make in KINDS.items()}
    return {
        "event_id": f"{number:032x}",
        "platform": "python",
        "extra": {f"note {place}": text for place, text in enumerate(texts.values())},
        "breadcrumbs": {"values": [{"message": f"step {text}", "data": {"note": text}} for text in texts.values()]},
        "exception": {"values": [{"type": "E", "value": "x", "stacktrace": {"frames": [{"vars": {"rows": list(texts.values())}}]}}]},
        "tags": [[f"t{place}", text] for place, text in enumerate(texts.values())],
    }  # fmt: skip


def texts_of(document: dict[str, Any]) -> list[str]:
    crumbs = document["breadcrumbs"]["values"]
    frame = document["exception"]["values"][0]["stacktrace"]["frames"][0]
    return [
        *document["extra"].values(),
        *(text for crumb in crumbs for text in (crumb["message"], crumb["data"]["note"])),
        *frame["vars"]["rows"],
        *(value for _, value in document["tags"]),
    ]


def kinds_of() -> list[str]:
    """The kind of each text, in the order of `texts_of`."""
    kinds = list(KINDS)
    return [*kinds, *(kind for kind in kinds for _ in range(2)), *kinds, *kinds]


def rules_in(meta: Any) -> Iterator[str]:
    if isinstance(meta, dict):
        for name, inner in meta.items():
            if name == "" and isinstance(inner, dict):
                yield from (remark[0] for remark in inner.get("rem", ()))
            else:
                yield from rules_in(inner)


def test_look_alikes_survive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    turn = random.Random(20261122)
    sent = [event(number + 1, turn) for number in range(EVENTS)]
    port = free_port()
    relay = Daemon(tmp_path / "relay", upstream=f"http://127.0.0.1:{port}/")
    try:
        with recording(port) as upstream:
            relay.start()
            for document in sent:
                payload = json.dumps(document).encode()
                body = write_envelope({"event_id": document["event_id"]}, [WireItem({"type": "event"}, payload)])
                assert send(relay.port, body, None) == 200
            relay.wait_until_empty()
            assert relay.stop() == 0, relay.log
    finally:
        relay.close()
    arrived = {}
    for delivery in upstream.deliveries:
        document = json.loads(delivery.envelope()[1][0].payload)
        arrived[document["event_id"]] = document
    lost: defaultdict[str, Counter[str]] = defaultdict(Counter)
    rules: Counter[str] = Counter()
    total = 0
    for document in sent:
        after = arrived[document["event_id"]]
        rules.update(rules_in(after.get("_meta", {})))
        for kind, before, left in zip(kinds_of(), texts_of(document), texts_of(after), strict=True):
            total += 1
            if before != left:
                lost[kind][left if isinstance(left, str) else "removed"] += 1
    gone = sum(counts.total() for counts in lost.values())
    with capsys.disabled():
        print(f"\nlook-alikes: {total - gone} of {total} survive ({100 - 100 * gone / total:.2f} %)")
        for rule, count in rules.most_common():
            print(f"  {rule}: {100 * count / total:.3f} % taken")
        for kind, counts in sorted(lost.items()):
            print(f"  {kind}: {counts.total()}, such as {counts.most_common(1)[0][0]!r:.80}")
    assert total - gone >= SURVIVORS * total
    beyond = {rule: count for rule, count in rules.items() if rule not in BUILTIN_RULES and count > BUDGET * total}
    assert beyond == {}
