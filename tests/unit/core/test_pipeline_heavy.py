"""Large bodies: rules are asked in a thread, the tally is touched on the path alone, and several threads do not disturb each other."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from scrubjay.core.dsn import Auth
from scrubjay.core.envelope import parse_envelope
from scrubjay.core.pipeline import HEAVY_BYTES, process
from scrubjay.core.plan import compile_plan
from scrubjay.core.ports import Ingress
from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import compile_program
from scrubjay.settings.project import DEFAULT_SCRUBBING, ProjectConfig
from scrubjay.settings.schema import Settings
from support.path import KEY, PROGRAMS, Path, Plans, envelope

LOGS = '"type":"log","item_count":%d,"content_type":"application/vnd.sentry.items.log+json"'
AUTH = Auth(KEY, 7, "demo/1.0", False, "header")
KEPT_ALIVE = compile_plan(ProjectConfig(), Settings(), PROGRAMS)


class Elsewhere:
    """Counts what is done in the thread, and does it at once."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, work: Any) -> Any:
        self.calls += 1
        return work()


def large(**members: Any) -> str:
    return json.dumps({**members, "extra": {"x": "y" * HEAVY_BYTES}})


def test_each_stage_that_reads_a_large_body_asks_in_the_thread() -> None:
    elsewhere = Elsewhere()
    path = Path(
        """
config:
  filterSettings: {errorMessages: {patterns: ["*nothing like it*"]}}
  scrubjay: {sampling: [{id: 3100, applies: [transaction], rate: 0}]}
""",
        in_thread=elsewhere,
    )
    path.send(envelope(("event", large(message="card of ana@lab.example"))))
    assert elsewhere.calls == 3
    assert b"ana@lab.example" not in path.forwarded
    assert path.closes()


def test_a_small_body_needs_no_thread() -> None:
    elsewhere = Elsewhere()
    path = Path(in_thread=elsewhere)
    path.send(envelope(("event", '{"message":"ana@lab.example"}')))
    assert elsewhere.calls == 0


def test_a_body_made_to_be_slow_does_not_hold_up_the_loop() -> None:
    """128 KiB of colons, each an address, take half a second."""
    elsewhere = Elsewhere()
    path = Path(in_thread=elsewhere)
    path.send(envelope(("event", json.dumps({"extra": {"x": ":" * 128 * 1024}}))))
    assert elsewhere.calls == 1


def test_what_the_thread_found_is_booked_on_the_path() -> None:
    path = Path('config: {filterSettings: {errorMessages: {patterns: ["*boom*"]}}}', in_thread=Elsewhere())
    path.send(envelope(("event", large(message="boom")), ("attachment", "x")))
    assert [reason for _, reason, _ in path.account.lost()] == ["error-message", "error-message"]
    assert path.closes()


def test_many_records_are_heavy_however_short() -> None:
    elsewhere = Elsewhere()
    path = Path("config: {scrubjay: {sampling: [{id: 3101, applies: [log_item], rate: 0}]}}", in_thread=elsewhere)
    path.send(envelope((LOGS % 100, json.dumps({"items": [{}] * 100}))))
    assert elsewhere.calls == 0
    path.send(envelope((LOGS % 1000, json.dumps({"items": [{}] * 1000}))))
    assert elsewhere.calls == 2


def test_large_containers_are_thinned_in_the_thread() -> None:
    records = [{"timestamp": n, "trace_id": "0" * 32, "level": "info", "body": f"{n} " * 200} for n in range(400)]
    elsewhere = Elsewhere()
    path = Path("config: {scrubjay: {sampling: [{id: 3101, applies: [log_item], rate: 0.5}]}}", in_thread=elsewhere)
    path.send(envelope((LOGS % 400, json.dumps({"version": 2, "items": records}))))
    (item,) = parse_envelope(path.forwarded).items
    kept = len(json.loads(bytes(item.payload))["items"])
    assert 0 < kept < 400
    assert item.headers["item_count"] == kept
    assert elsewhere.calls >= 1
    assert path.closes()


async def test_real_threads_give_what_one_would() -> None:
    plan = KEPT_ALIVE
    path = Path(None, plans=Plans({"*": plan}), in_thread=asyncio.to_thread)
    bodies = [envelope(("event", large(message=f"mail {n}@lab.example", user={"name": n}))) for n in range(12)]

    async def send(body: bytes) -> None:
        ingress = Ingress(
            body, lambda body, auth: parse_envelope(body), auth=AUTH, path_project=7, received_unix=0, now_mono=0
        )
        assert (await process(ingress, path.ports)).status == 200

    await asyncio.gather(*map(send, bodies))
    assert len(path.shelf.parcels) == 12
    assert not [parcel for parcel in path.shelf.parcels if b"@lab.example" in parcel.body]
    assert path.closes()


def documents(seed: int, count: int) -> list[bytes]:
    """Events with planted values in many places, some that no program has seen before."""
    chance = random.Random(seed)
    planted = ["ana@lab.example", "4242424242424242", "203.0.113.7", "Bearer abcdefghijklmnop", "all is well", "12"]

    def value(depth: int) -> Any:
        kind = chance.randrange(6 if depth else 3)
        if kind < 3:
            return f"{chance.choice(planted)} {chance.random()}"
        if kind == 3:
            return [value(depth - 1) for _ in range(chance.randrange(4))]
        return {
            f"{chance.choice(['password', 'k', 'token', 'note'])}{chance.randrange(9)}": value(depth - 1) for _ in "abc"
        }

    return [
        json.dumps(
            {
                "message": value(0),
                "request": {"headers": {"Cookie": value(0)}, "data": value(3), "query_string": "mail=ana@lab.example"},
                "extra": value(4),
                "contexts": {f"c{chance.randrange(9)}": value(2)},
                "breadcrumbs": {"values": [{"message": value(0), "data": value(2)} for _ in range(5)]},
                "user": {"ip_address": "203.0.113.7", "email": value(0)},
            }
        ).encode()
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_program_is_the_same_for_several_threads_at_once(seed: int) -> None:
    """Scratch space, memo tables and lazily made plans: each thread starts on a program that nobody has used."""
    texts = documents(seed, 60)
    alone = compile_program(pii_config=None, settings=DEFAULT_SCRUBBING, hide_client_ip=True)
    expected = [scrub_document(alone, text, "event") for text in texts]
    shared = compile_program(pii_config=None, settings=DEFAULT_SCRUBBING, hide_client_ip=True)
    start = threading.Barrier(6)

    def scrub_all(offset: int) -> list[bytes | None]:
        start.wait()
        order = texts[offset:] + texts[:offset]
        found = [scrub_document(shared, text, "event") for text in order]
        return found[len(texts) - offset :] + found[: len(texts) - offset]

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(scrub_all, range(0, 60, 10)))
    assert all(result == expected for result in results)
    assert any(text is not None for text in expected)


def test_what_sampling_leaves_of_a_large_container_is_put_together_in_the_thread() -> None:
    """One time to examine it, one to put it together; scrubbing has the third."""
    records = [{"timestamp": n, "trace_id": "0" * 32, "level": "info", "body": "x" * 400} for n in range(400)]
    elsewhere = Elsewhere()
    path = Path("config: {scrubjay: {sampling: [{id: 3101, applies: [log_item], rate: 0.5}]}}", in_thread=elsewhere)
    path.send(envelope((LOGS % 400, json.dumps({"items": records}))))
    assert elsewhere.calls == 3
