"""A worker as a gateway: batches over real sockets, from a sender written by hand."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
import zstandard

from support.batch_client import (
    CAPABILITIES,
    PATH,
    BatchClient,
    acked,
    batch,
    dropped,
    errors,
    event,
    events,
    gateway_options,
    identity,
    meta,
    record,
)
from support.batch_gateway import BATCH_ID, SENDER, arrived, client, gateway, number, running_takes_nothing_more
from support.raw_http import chunked
from support.relay import AUTH, relay

pytestmark = pytest.mark.asyncio
PROJECT = {"7.yaml": {"publicKeys": [{"publicKey": "0a1b2c3d4e5f60718293a4b5c6d7e8f9"}], "config": {}}}


async def test_what_a_gateway_says_of_itself(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        answer = await running.send("GET", CAPABILITIES)
        assert (answer.status, answer.headers["x-scrubjay"]) == (200, "1")
        document: Any = answer.json
        assert document["batch"] == {
            "versions": [1],
            "encodings": ["zstd", "gzip", "identity"],
            "max_batch_bytes": 16777216,
            "max_batch_envelopes": 1000,
            "max_decompressed_bytes": 67108864,
            "dictionaries": [],
            "auth": "required",
        }
        plain = await running.env(event(1))
        assert (plain.status, plain.headers["x-scrubjay-batch"]) == (200, "1")


@pytest.mark.parametrize(
    "options", [{}, {**gateway_options(SENDER, batch_enabled=False)}], ids=["no relay is known", "switched off"]
)
async def test_a_relay_that_takes_none_says_nothing_of_batches(tmp_path: Path, options: dict[str, Any]) -> None:
    async with relay(tmp_path, options=options) as running:
        assert (await running.send("GET", CAPABILITIES)).status == 404
        assert (await client(running).send(batch(events(1)))).status == 404
        assert "x-scrubjay-batch" not in (await running.env(event(1))).headers


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "identity"])
async def test_a_batch_is_taken_in_each_encoding(tmp_path: Path, encoding: str) -> None:
    async with gateway(tmp_path) as running:
        answer = await client(running).send(batch(events(*range(10)), BATCH_ID), encoding)
        document: Any = answer.json
        assert document == {
            "batch_id": "0192f3a4-b5c6-7d8e-9fa0-b1c2d3e4f506",
            "count": 10,
            "ack": "/wM=",
            "drop": "AAA=",
        }
        assert sorted(map(number, await arrived(running, 10))) == list(range(10))


async def test_operations_99_the_vector_of_the_specification(tmp_path: Path) -> None:
    body = bytes.fromhex(
        "534a4231010020000192f3a4b5c67d8e9fa0b1c2d3e4f506010000003865c34d"
        "a700000043007b226b223a226139346165333262653235383465306262643761346362623935393731666565222c2270"
        "223a223432222c2272223a313736373332333034353637387d7b226576656e745f6964223a2239656337396333336563"
        "39393432616238333533353839666362326530346463227d0a7b2274797065223a226576656e74222c226c656e677468"
        "223a31367d0a7b226d657373616765223a226869227d0a11ed15eb"
        "534a424501000000"
    )
    async with gateway(tmp_path) as running:
        assert acked(await client(running).send(body)) == [0]
        assert await arrived(running, 1) == ["9ec79c33ec9942ab8353589fcb2e04dc"]


def _flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


async def test_operations_99_framing_that_is_wrong(tmp_path: Path) -> None:
    records = events(1, 2, 3)
    good = batch(records)
    second = 32 + len(records[0])
    cases = {
        "trailer": (_flipped(good, len(good) - 6), 3),
        "its number": (_flipped(good, len(good) - 2), 3),
        "another N": (batch(records, count=4), 3),
        "fewer": (batch(records, count=2), 2),
        "N of 1000": (batch(records, count=1000), 3),
        "no record": (batch([]), 0),
        "a record's checksum": (_flipped(good, second + 20), 1),
        "a record's length": (_flipped(good, second + 3), 1),
        "the header": (_flipped(good, 9), 0),
        "the magic": (_flipped(good, 0), 0),
        "cut": (good[:40], 0),
        "empty": (b"", 0),
    }
    async with gateway(tmp_path) as running:
        for name, (body, index) in cases.items():
            answer = await client(running).send(body, "identity")
            document: Any = answer.json
            assert (answer.status, document["record"]) == (400, index), name
            assert document["offset"] <= len(body)
        assert acked(await client(running).send(good)) == [0, 1, 2]
        assert len(await arrived(running, 3)) == 3


async def test_what_does_not_decode(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        body = batch(events(1))
        for encoding in ("zstd", "gzip"):
            assert (await client(running).send(body, encoding, wire=b"\x28\xb5\x2f\xfd rubbish")).status == 400
            assert (await client(running).send(body, encoding, wire=b"")).status == 400


async def test_bounds(tmp_path: Path) -> None:
    options = gateway_options(SENDER, max_batch_bytes="64KiB", max_batch_envelopes=3)
    async with gateway(tmp_path, **options) as running:
        sender = client(running)
        assert (await sender.send(batch(events(*range(4))))).status == 413
        assert (await sender.send(batch(events(1)) + bytes(70_000), "identity")).status == 413
        bomb = batch([record(meta(1), bytes(10 * 1024 * 1024))])
        answer = await sender.send(bomb)
        assert answer.status == 413
        assert (await sender.send(batch([record(meta(1), bytes(256 * 1024 - 1000))]))).status == 200
        assert acked(await sender.send(batch(events(5, 6, 7)))) == [0, 1, 2]


async def test_operations_104_dictionaries_and_encodings_that_are_not_known(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        body = batch(events(1))
        sender = client(running)
        assert (await sender.send(body, headers={"X-Scrubjay-Dict": "3f9a1c0be2d47788"})).status == 415
        assert (await sender.send(body, "identity", headers={"Content-Encoding": "br"})).status == 415
        assert (await sender.send(body, headers={"Content-Type": "application/json"})).status == 415
        assert acked(await sender.send(body)) == [0]


async def test_who_is_not_proven_is_sent_away(tmp_path: Path) -> None:
    body = batch(events(1))
    late = datetime.now(UTC) - timedelta(seconds=302)
    ours = SENDER.headers(body)
    cases = {
        "nothing": ({}, "header"),
        "no signature": ({"X-Sentry-Relay-Id": SENDER.id}, "signature"),
        "another relay": (identity(2).headers(body), "relay id"),
        "no id": ({**ours, "X-Sentry-Relay-Id": "me"}, "relay id"),
        "another's key": ({**identity(2).headers(body), "X-Sentry-Relay-Id": SENDER.id}, "signature"),
        "another body": (SENDER.headers(body + b"x"), "signature"),
        "an empty body": (SENDER.headers(b""), "signature"),
        "too old": (SENDER.headers(body, late), "too old"),
        "rubbish": ({**ours, "X-Sentry-Relay-Signature": "\udcff\udcff"}, "signature"),
    }
    async with gateway(tmp_path) as running:
        nobody = BatchClient(running.port, None)
        for name, (headers, word) in cases.items():
            answer = await nobody.send(body, headers=headers)
            document: Any = answer.json
            assert answer.status == 401, name
            assert word in document["detail"], name
        assert await running.forwards_nothing()


async def test_without_proof_where_none_is_asked_for(tmp_path: Path) -> None:
    async with relay(tmp_path, options={"gateway": {"batch_require_auth": False}}) as running:
        document: Any = (await running.send("GET", CAPABILITIES)).json
        assert document["batch"]["auth"] == "optional"
        old = int((time.time() - 3600) * 1000)
        assert acked(await BatchClient(running.port, None).send(batch(events(1, r=old)))) == [0]
        assert len(await arrived(running, 1)) == 1


async def test_operations_100_each_record_gets_its_own_word(tmp_path: Path) -> None:
    records = [
        *events(0),
        record(meta(1, k="f" * 32), event(1)),  # no such project
        record(meta(2), b"no envelope"),
        record(b"no json", event(3)),
        record(meta(4, k="short"), event(4)),
        record(meta(5, p="x"), event(5)),
        record(meta(6, d=None), event(6)),  # without a name, taken all the same
        record(b'{"p":"7"}', event(7)),
        record(meta(8, h={"v": 99}), event(8)),
        *events(9),
    ]
    options = gateway_options(SENDER)
    async with relay(tmp_path, mode="static", options=options, projects=PROJECT) as running:
        answer = await client(running).send(batch(records))
        assert acked(answer) == [0, 6, 9]
        assert dropped(answer) == [1, 2, 3, 4, 5, 7, 8]
        assert errors(answer) == {
            1: (403, "project_id"),
            2: (400, "invalid_envelope"),
            3: (400, "invalid_body"),
            4: (400, "auth_key"),
            5: (400, "bad_project"),
            7: (400, "invalid_body"),
            8: (400, "auth_version"),
        }
        assert sorted(map(number, await arrived(running, 3))) == [0, 6, 9]


async def test_limits_travel_with_the_reply(tmp_path: Path) -> None:
    quota = {"id": "q", "categories": ["error"], "limit": 2, "window": 3600, "scope": "project", "reasonCode": "enough"}
    projects = {"7.yaml": {**PROJECT["7.yaml"], "config": {"quotas": [quota]}}}
    async with relay(tmp_path, mode="static", options=gateway_options(SENDER), projects=projects) as running:
        answer = await client(running).send(batch(events(0, 1, 2, 3)))
        assert acked(answer) == [0, 1, 2, 3], "what is limited here ended here"
        document: Any = answer.json
        (limit,) = document["rate_limits"]
        assert limit["key"] == "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
        assert limit["value"].endswith(":error:project:enough")
        assert len(await arrived(running, 2)) == 2


async def test_the_word_of_an_internal_relay_counts(tmp_path: Path) -> None:
    received = time.time() - 7200
    facts = {"client": "sdk/1.2", "xff": "203.0.113.9", "ua": "agent/1", "origin": "https://shop.example/"}
    body = event(1, {"sent_at": "2020-01-01T00:00:00Z", "origin": "https://shop.example/"})
    async with gateway(tmp_path) as running:
        sent = record(meta(1, r=int(received * 1000), t=3000, h=facts), body)
        assert acked(await client(running).send(batch([sent]))) == [0]
        (arrival,) = await running.upstream.until_delivered(1)
        sent_at = datetime.fromisoformat(arrival.header["sent_at"])
        assert 2 < (datetime.now(UTC) - sent_at).total_seconds() < 30, "our clock less the client's drift"
        assert arrival.headers["X-Forwarded-For"] == "203.0.113.9"
        assert arrival.headers["User-Agent"] == "agent/1"
        assert arrival.headers["Origin"] == "https://shop.example/"
        assert "sentry_client=sdk/1.2" in arrival.headers["X-Sentry-Auth"]


async def test_operations_105_the_word_of_another_relay_does_not(tmp_path: Path) -> None:
    received = time.time() - 7200
    sent_at = (datetime.now(UTC) - timedelta(seconds=3)).isoformat().replace("+00:00", "Z")
    body = event(1, {"sent_at": sent_at, "forwarded_for": "203.0.113.9"})
    options: dict[str, Any] = {"spool": {"envelopes": {"path": str(tmp_path / "spool")}}}
    async with gateway(tmp_path, internal=False, **options) as running:
        sent = record(meta(1, r=int(received * 1000), t=50_000, h={"xff": "203.0.113.9"}), body)
        assert acked(await client(running).send(batch([sent]))) == [0]
        (arrival,) = await running.upstream.until_delivered(1)
        assert arrival.headers["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
        assert arrival.header["forwarded_for"] == "203.0.113.9, 127.0.0.1"
        assert 2 < (datetime.now(UTC) - datetime.fromisoformat(arrival.header["sent_at"])).total_seconds() < 30


async def test_chunks(tmp_path: Path) -> None:
    body = batch(events(1, 2))
    headers = {"Content-Type": "application/x-scrubjay-batch", **SENDER.headers(body)}
    async with gateway(tmp_path) as running:
        parts = [body[:10], body[10:100], body[100:]]
        assert acked(await running.raw(chunked("POST", PATH, parts, headers))) == [0, 1]


async def test_others_are_answered_while_a_batch_is_worked_on(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        big = [record(meta(i), event(i, payload=b'{"message":"%b"}' % (b"x" * 20_000))) for i in range(500)]
        slowest, began_all = 0.0, time.perf_counter()
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(client(running).send(batch(big)))
            while not sending.done():
                began = time.perf_counter()
                assert (await running.send("GET", "/healthz", headers=AUTH)).status == 200
                slowest = max(slowest, time.perf_counter() - began)
        assert len(acked(sending.result())) == 500
        assert slowest < max(0.5, (time.perf_counter() - began_all) / 3), "or a busy machine's part of the whole"


async def test_a_name_that_is_none(tmp_path: Path) -> None:
    async with gateway(tmp_path) as running:
        dashed = str(uuid.UUID(int=77))
        records = [record(meta(1, d=dashed), event(1)), record(meta(2, d=dashed.replace("-", "")), event(2))]
        records += [record(meta(i, d=7), event(i)) for i in (3, 4)]
        assert acked(await client(running).send(batch(records))) == [0, 1, 2, 3]
        assert sorted(map(number, await arrived(running, 3))) == [1, 3, 4]


async def test_relays_can_be_added_and_taken_away_while_it_runs(tmp_path: Path) -> None:
    async with relay(tmp_path) as running:
        sender = client(running)
        assert (await sender.send(batch(events(1)))).status == 404
        path = tmp_path / "scrubjay.yaml"
        before = path.read_text()
        path.write_text(before + yaml.safe_dump(gateway_options(SENDER)))
        await running.worker.reload()
        assert acked(await sender.send(batch(events(1, 2), BATCH_ID))) == [0, 1]
        path.write_text(before + yaml.safe_dump(gateway_options(identity(2))))
        await running.worker.reload()
        assert (await sender.send(batch(events(3)))).status == 401
        path.write_text(before + yaml.safe_dump(gateway_options(SENDER)))
        await running.worker.reload()
        assert acked(await sender.send(batch(events(1, 2), BATCH_ID))) == [0, 1]
        assert await running_takes_nothing_more(running, 2), "what was taken is remembered over a reload"


async def test_operations_104_a_dictionary_of_both_sides(tmp_path: Path) -> None:
    trained = zstandard.train_dictionary(4096, [event(number) for number in range(2000)])
    name = hashlib.sha256(trained.as_bytes()).hexdigest()[:16]
    (tmp_path / "spool" / "dict").mkdir(parents=True)
    (tmp_path / "spool" / "dict" / f"{name}.zdict").write_bytes(trained.as_bytes())
    options: dict[str, Any] = {"spool": {"envelopes": {"path": str(tmp_path / "spool")}}}
    async with gateway(tmp_path, **options) as running:
        document: Any = (await running.send("GET", CAPABILITIES)).json
        assert document["batch"]["dictionaries"] == [name]
        fetched = await running.send("GET", f"/api/scrubjay/dict/{name}")
        assert (fetched.status, fetched.body) == (200, trained.as_bytes())
        assert (await running.send("GET", "/api/scrubjay/dict/0000000000000000")).status == 404
        sender, body = client(running), batch(events(1, 2))
        wire = zstandard.ZstdCompressor(dict_data=trained).compress(body)
        named = {"X-Scrubjay-Dict": name}
        while (answer := await sender.send(body, wire=wire, headers=named)).status == 503:
            pass
        assert acked(answer) == [0, 1]
        assert (await sender.send(body, headers=named)).status == 415, "the frame names none"
        assert (await sender.send(body, wire=wire, headers={"X-Scrubjay-Dict": "0" * 16})).status == 415
        assert (await sender.send(body, wire=wire)).status == 400
