"""What relays behind this one are told, over a socket, with the reference's library on their side."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from scrubjay.core.relays.config_reply import DISABLED, WAITING, Enabled
from scrubjay.core.relays.public_keys import KnownRelay
from scrubjay.errors import ConfigError
from scrubjay.runtime.endpoints import questions
from scrubjay.settings.keys import read_public_key
from support.desk import Desk, desk, detail_of
from support.raw_http import Answer, connect, request
from support.relay_client import CONFIGS, KEYS, new_identity

K1, K2 = "a" * 32, "b" * 32
OWN, KNOWN, STRANGER = new_identity(), new_identity(), new_identity()
OPTIONS: tuple[str, ...] = (OWN.text(internal=True), KNOWN.text())


def document(*trusted: str, **config: Any) -> Enabled:
    return Enabled({"rev": "r1", "projectId": 7, "config": {"trustedRelays": list(trusted), "quotas": [], **config}})


def configs(answer: Answer) -> Any:
    assert answer.status == 200, answer
    return json.loads(answer.body)


async def test_operations_46_pending_first_and_then_there() -> None:
    async with desk(*OPTIONS) as one:
        one.states[K1] = WAITING
        assert configs(await one.client(OWN).configs(K1)) == {"configs": {}, "pending": [K1]}
        one.states[K1] = document()
        reply = configs(await one.client(OWN).configs(K1))
        assert reply["configs"][K1]["projectId"] == 7
        assert "pending" not in reply


@pytest.mark.parametrize("query", ["", "?version=2", "?version=x", "?version=-3", "?aversion=3", "?version="])
async def test_operations_47_older_versions_are_refused(query: str) -> None:
    async with desk(*OPTIONS) as one:
        answer = await one.client(OWN).configs(K1, version=query)
        assert (answer.status, "version" in detail_of(answer)) == (400, True)


async def test_operations_48_and_50_who_sees_what() -> None:
    async with desk(*OPTIONS) as one:
        one.states[K1] = document(KNOWN.public_key)
        one.states[K2] = document()
        keys = (K1, "deadbeef", 42, K2)
        assert configs(await one.client(OWN).configs(*keys))["configs"].keys() == {K1, K2}
        assert configs(await one.client(KNOWN).configs(*keys))["configs"].keys() == {K1}
        full = configs(await one.client(OWN).configs(K1, fullConfig=True))["configs"][K1]["config"]
        limited = configs(await one.client(KNOWN).configs(K1, fullConfig=True))["configs"][K1]["config"]
        assert ("quotas" in full, "quotas" in limited) == (True, False)
        one.states[K1] = DISABLED
        assert configs(await one.client(OWN).configs(K1)) == {"configs": {}}


async def test_operations_49_unchanged() -> None:
    async with desk(*OPTIONS) as one:
        one.states[K1] = document(KNOWN.public_key)
        assert configs(await one.client(KNOWN).configs(K1, revisions=["r1"])) == {"configs": {}, "unchanged": [K1]}
        assert K1 in configs(await one.client(KNOWN).configs(K1, revisions=["r1", "r1"]))["configs"]


async def test_operations_51_where_relays_behind_us_are_to_send() -> None:
    async with desk(*OPTIONS, upstream="https://us.example/") as one:
        one.states[K1] = Enabled({**document().document, "upstream": "https://secret.example/"})
        assert configs(await one.client(OWN).configs(K1))["configs"][K1]["upstream"] == "https://us.example/"
    async with desk(*OPTIONS) as one:
        one.states[K1] = Enabled({**document().document, "upstream": "https://secret.example/"})
        assert "upstream" not in configs(await one.client(OWN).configs(K1))["configs"][K1]


async def test_what_goes_for_all() -> None:
    async with desk(*OPTIONS) as one:
        asked = {"publicKeys": [], "global": True}
        reply = configs(await one.client(KNOWN).ask(f"{CONFIGS}?version=3", asked))
        assert reply == {"configs": {}, "global": {}, "globalStatus": "pending"}
        one.shared = {"quotas": []}
        reply = configs(await one.client(KNOWN).ask(f"{CONFIGS}?version=3", asked))
        assert (reply["global"], reply["globalStatus"]) == ({"quotas": []}, "ready")


async def test_long_answers_are_compressed_for_who_takes_that() -> None:
    async with desk(*OPTIONS) as one:
        one.states[K1] = document(piiConfig={"x": "y" * 500})
        client, question = one.client(OWN), {"publicKeys": [K1]}
        answer = await client.ask(f"{CONFIGS}?version=3", question, {"Accept-Encoding": "br, gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert json.loads(gzip.decompress(answer.body))["configs"].keys() == {K1}
        short = await client.ask(f"{CONFIGS}?version=3", {"publicKeys": [K2]}, {"Accept-Encoding": "gzip"})
        assert (short.body, "content-encoding" in short.headers) == (b'{"configs":{}}', False)


# Who asks


def without(headers: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key != name}


BODY = json.dumps({"publicKeys": [K1]}).encode()
ID, SIGNATURE = "X-Sentry-Relay-Id", "X-Sentry-Relay-Signature"


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (dict, "header"),
        (lambda: without(OWN.signed(BODY), ID), "header"),
        (lambda: {**OWN.signed(BODY), ID: "me"}, "relay id"),
        (lambda: STRANGER.signed(BODY), "relay id"),
        (lambda: without(OWN.signed(BODY), SIGNATURE), "signature"),
        (lambda: {**OWN.signed(BODY), SIGNATURE: "broken"}, "signature"),
        (lambda: {**OWN.signed(BODY), SIGNATURE: "\udcff\udcff"}, "signature"),
        (lambda: {**OWN.signed(BODY), SIGNATURE: KNOWN.signed(BODY)[SIGNATURE]}, "signature"),
        (lambda: OWN.signed(BODY + b" "), "signature"),
        (lambda: OWN.signed(b""), "signature"),
        (lambda: OWN.signed(BODY, late_s=302), "signature"),
        (lambda: OWN.signed(BODY, late_s=-120), "signature"),
        (lambda: {**OWN.signed(BODY), SIGNATURE: "A" * 86 + "." + "A" * 90_000}, "signature"),
    ],
    ids=[
        "nothing", "no-id", "bad-id", "unknown", "no-signature", "operations_42_broken", "bytes", "anothers", "other-body", "no-body",
        "stale", "early", "long",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [f"{CONFIGS}?version=3", KEYS])
async def test_operations_42_who_does_not_prove_it_is_told_nothing(
    path: str, made: Callable[[], dict[str, str]], word: str
) -> None:
    async with desk(*OPTIONS) as one:
        one.states[K1] = document()
        answer = await one.send(path, BODY, made())
        assert (answer.status, word in detail_of(answer)) == (401, True), answer


@pytest.mark.parametrize(
    "body",
    [b"{}", b"", b"[]", b"\xff", b"[" * 200_000, b'{"publicKeys": 1, "relay_ids": {}}', b"x" * 262_144],
    ids=["operations_42", "empty", "list", "bytes", "deep", "wrong", "long"],
)
@pytest.mark.parametrize("path", [f"{CONFIGS}?version=3", KEYS])
async def test_a_signed_body_that_asks_for_nothing(path: str, body: bytes) -> None:
    async with desk(*OPTIONS) as one:
        answer = await one.client(OWN).ask(path, body)
        assert (answer.status, "JSON" in detail_of(answer)) == (400, True)


async def test_bodies_over_the_bound_and_bombs() -> None:
    async with desk(*OPTIONS) as one:
        assert (await one.client(OWN).ask(KEYS, b"x" * 262_145)).status == 413
        bomb = b" " * 50_000_000
        headers = {**OWN.signed(bomb), "Content-Encoding": "gzip"}
        assert (await one.send(KEYS, gzip.compress(bomb), headers)).status == 413


async def test_the_signature_is_over_the_decoded_body_whatever_its_type_is_called() -> None:
    async with desk(*OPTIONS) as one:
        headers = {**OWN.signed(BODY), "Content-Encoding": "gzip", "Content-Type": "text/plain"}
        assert (await one.send(f"{CONFIGS}?version=3", gzip.compress(BODY), headers)).status == 200


async def test_a_body_that_comes_forever_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "LONGEST_S", 0.2)
    async with desk(*OPTIONS) as one:
        connection = await connect(one.port)
        whole = request("POST", f"{CONFIGS}?version=3", BODY, OWN.signed(BODY))
        await connection.send(whole[:-10])
        assert (await connection.answer()).status == 408
        await connection.close()


async def test_without_memory_nobody_is_answered() -> None:
    async with desk(*OPTIONS) as one:
        one.ports.has_memory = lambda: False
        answer = await one.client(OWN).configs(K1)
        assert (answer.status, "retry-after" in answer.headers) == (503, True)


async def test_a_key_whose_overlay_does_not_fit_is_pending() -> None:
    async with desk(*OPTIONS) as one:

        class Unfit(dict[str, Any]):
            def get(self, *_: object) -> Any:
                raise ConfigError("no overlay")

        one.states = Unfit()
        assert configs(await one.client(OWN).configs(K1))["pending"] == [K1]


async def test_ten_thousand_keys() -> None:
    async with desk(*OPTIONS) as one:
        assert (await one.client(OWN).configs(*range(10_000))).status == 400
        many = [f"{number:032x}" for number in range(2048)]
        one.states = dict.fromkeys(many, document())
        assert len(configs(await one.client(OWN).configs(*many))["configs"]) == 2048


# Relays that the upstream knows


async def test_a_relay_that_the_upstream_knows() -> None:
    async with desk(*OPTIONS) as one:
        one.keys.known[STRANGER.id] = KnownRelay(read_public_key(STRANGER.public_key), is_internal=True)
        one.states[K1] = document(STRANGER.public_key)
        one.states[K2] = document()
        reply = configs(await one.client(STRANGER).configs(K1, K2, fullConfig=True))
        assert list(reply["configs"]) == [K1], "only the operator's own word makes a relay internal"
        assert "quotas" not in reply["configs"][K1]["config"]
        assert one.keys.asked == [STRANGER.id]


async def test_nobody_is_asked_for_a_relay_whose_signature_cannot_be_good() -> None:
    async with desk(*OPTIONS) as one:
        for signature in ("", "broken", STRANGER.signed(BODY, late_s=400)[SIGNATURE]):
            answer = await one.send(KEYS, BODY, {ID: STRANGER.id, SIGNATURE: signature})
            assert answer.status == 401
        assert one.keys.asked == []


async def test_public_keys_of_named_and_other_relays() -> None:
    async with desk(*OPTIONS) as one:
        one.keys.known[STRANGER.id] = KnownRelay(read_public_key(STRANGER.public_key))
        nobody = new_identity()
        asked = [OWN.id, KNOWN.id.replace("-", ""), STRANGER.id, nobody.id, "me", 5]
        assert configs(await one.client(KNOWN).ask(KEYS, {"relay_ids": asked})) == {
            "relays": {
                OWN.id: {"publicKey": OWN.public_key, "internal": True},
                KNOWN.id: {"publicKey": KNOWN.public_key, "internal": False},
                STRANGER.id: {"publicKey": STRANGER.public_key, "internal": False},
                nobody.id: None,
            }
        }
        assert one.keys.asked == [STRANGER.id, nobody.id]


# Where nothing is served


@pytest.mark.parametrize(
    ("mode", "relays", "status"), [("static", (), 404), ("proxy", OPTIONS, 404), ("static", OPTIONS, 200)]
)
async def test_where_relays_are_served(mode: str, relays: tuple[str, ...], status: int) -> None:
    async with desk(*relays, mode=mode) as one:
        assert (await one.client(OWN).configs(K1)).status == status


async def test_many_at_once() -> None:
    """More than are answered at the same time."""

    async def ask(one: Desk) -> Any:
        return configs(await one.client(OWN).configs(K1))

    async with desk(*OPTIONS) as one:
        one.states[K1] = document()
        replies = await asyncio.gather(*(ask(one) for _ in range(20)))
        assert all(reply["configs"].keys() == {K1} for reply in replies)
