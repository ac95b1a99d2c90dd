"""Nothing that was planted leaves: every item of the corpus with values in all its texts, through the relay as it runs.

Searched afterwards: what the server got, the spool, the logs, the metrics, all files of the relay's state, and, in mode `capture`,
what its API shows (scrubbing.md 15.8, scrubbing-74). What stays by decision is one table, `support/staying.py`.
"""

import json
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from support.carriers import carriers
from support.corpus import recorded
from support.daemon import Daemon
from support.labels import KINDS, Source
from support.planting import FORMS, Plant, Planter, write_envelope
from support.processes import free_port, get
from support.recorder import WireItem, read_envelope, recording
from support.searching import Needles
from support.sending import ENCODERS, send

BUNDLES = ("@gdpr", "@secrets", "@pci", "@hipaa")
PROJECT = {
    "config": {
        # A negation of what nothing is called reaches all that any rule can reach, fields that want a specific selector too.
        "piiConfig": {"applications": {"!'no such name'": ["@common", *BUNDLES]}},
        # Where the default rules go beyond that (keys, texts of files, headers, fields that no selector reaches), these go as well.
        "scrubjay": {"scrub": {"profile": "strict", "bundles": list(BUNDLES)}},
    },
}
SEED = 20261122


@dataclass(frozen=True)
class Run:
    """What went in and all that could be found afterwards, by where it was found."""

    plants: tuple[Plant, ...]
    statuses: Counter[int]
    found: dict[str, bytes] = field(default_factory=dict)

    def leaks(self) -> list[str]:
        needles = Needles()
        for plant in self.plants:
            for needle in plant.label.needles:
                needles.add(needle, str(plant))
        seen: dict[tuple[str, str], str] = {}
        for place, data in self.found.items():
            for hit in needles.hits(data):
                seen.setdefault((hit.owner, place.split("/")[0]), f"{hit.owner} is in {place}: …{hit.context}…")
        return list(seen.values())


def originals() -> list[tuple[str, bytes]]:
    """Every envelope of the corpus that differs in more than its ids, and the hand-made ones."""
    found = list(carriers())
    for request in recorded("envelope", "store"):
        body = request.body
        if "/store/" in request.target:
            body = write_envelope({}, [WireItem({"type": "event"}, body)])
        found.append((request.file, body))
    return found


def planted(seed: int, *, rounds: int, most: int) -> tuple[list[bytes], list[Plant]]:
    """Every other round is sparse, so that screens have less to see and most of a payload may travel as it is."""
    planter = Planter(Source(seed), most=most)
    bodies = []
    for turn in range(rounds):
        planter.again()
        planter.share = 3 if turn % 2 else 100
        bodies += [planter.envelope(body) for _, body in originals()]
    return bodies, planter.plants


def run(mode: str, folder: Path, bodies: list[bytes], plants: list[Plant]) -> Run:
    """All of it through one relay. The server is away at first, so that everything lies in the spool for a while."""
    statuses: Counter[int] = Counter()
    port = free_port()
    options = {"logging": {"level": "debug"}, "capture": {"max_envelopes": len(bodies) + 1, "max_bytes": 1 << 30}}
    upstream_url = None if mode == "capture" else f"http://127.0.0.1:{port}/"
    projects = {} if mode == "proxy" else {"default.yaml": PROJECT}
    relay = Daemon(folder, mode=mode, upstream=upstream_url, projects=projects, options=options)
    try:
        relay.start()
        for at, body in enumerate(bodies):
            statuses[send(relay.port, body, list(ENCODERS)[at % len(ENCODERS)])] += 1
        found = {"metrics": get(relay.port, "/metrics")[1], "drops": relay.run("drops", "--json").stdout.encode()}
        found |= files(folder)
        if mode != "capture":
            with recording(port) as upstream:
                relay.wait_until_empty()
            for number, sent in enumerate(upstream.deliveries):
                found[f"upstream {number}"] = f"{sent.path}\n{json.dumps(sent.headers)}".encode()
                found |= {f"upstream {number}.{at}": part for at, part in enumerate(parts_of(sent.body))}
        else:
            found |= captured(relay.port)
        assert relay.stop() == 0, relay.log
        found |= {f"{name} at the end": data for name, data in files(folder).items()}
        found["status"] = relay.run("status", "--json").stdout.encode()
    finally:
        relay.close()
    return Run(tuple(plants), statuses, found)


def parts_of(envelope: bytes) -> list[bytes]:
    """Headers and payloads one by one, since a payload may be compressed."""
    headers, items = read_envelope(envelope)
    return [json.dumps([headers, [item.headers for item in items]]).encode(), *(item.payload for item in items)]


def captured(port: int) -> dict[str, bytes]:
    """All that the capture's API shows: lists, page by page, and each record."""
    found = {"capture envelopes": get(port, "/api/capture/envelopes?limit=500")[1]}
    cursor = ""
    while True:
        body = get(port, f"/api/capture/events?limit=500{cursor}")[1]
        listed = json.loads(body)
        found[f"capture list{cursor}"] = body
        for event in listed["events"]:
            found[f"capture {event['id']}"] = get(port, f"/api/capture/events/{event['id']}")[1]
        if not listed["more"]:
            return found
        cursor = f"&cursor={quote(listed['cursor'])}"


def files(folder: Path) -> dict[str, bytes]:
    """Everything on the disk: spool, state, logs. What a relay that runs is about to rename or remove may be gone when it is looked at."""
    found = {}
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):
            found[f"file {path.relative_to(folder)}"] = path.read_bytes()
    return found


@pytest.mark.parametrize("mode", ["static", "capture"])
def test_scrubbing_74_nothing_planted_leaves(mode: str, tmp_path: Path) -> None:
    bodies, plants = planted(SEED, rounds=2, most=1)
    result = run(mode, tmp_path / "relay", bodies, plants)
    assert result.statuses == {200: len(bodies)}
    assert len({plant.label.kind for plant in plants}) == len(KINDS)
    assert_nothing_left(result)


def assert_nothing_left(result: Run) -> None:
    leaks = result.leaks()
    assert not leaks, f"{len(leaks)} of {len(result.plants)} planted values are still there:\n" + "\n".join(leaks[:40])


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mode", ["static", "capture"])
def test_nothing_planted_leaves_with_a_fresh_seed(mode: str, tmp_path: Path) -> None:
    """So often that each kind of value meets each form in each position."""
    seed = random.SystemRandom().randrange(2**32)
    for turn in range(len(KINDS)):
        bodies, plants = planted(seed + turn, rounds=4, most=len(FORMS))
        result = run(mode, tmp_path / f"relay-{turn}", bodies, plants)
        assert_nothing_left(result)


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """Through a relay that scrubs nothing everything planted arrives and is found, so that silence above means something."""
    bodies, plants = planted(SEED, rounds=1, most=1)
    result = run("proxy", tmp_path / "relay", bodies, plants)
    assert len(result.leaks()) >= 0.99 * len(plants)
