"""Registering here, with the reference's library on the other side."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sentry_relay.auth import PublicKey

from scrubjay.core.relays.registration import Applicant, make_token
from scrubjay.runtime.gateway.registration_secret import FILE_NAME, kept_secret
from support.desk import Desk, desk, detail_of
from support.raw_http import Answer
from support.relay_client import CHALLENGE, RESPONSE, RelayClient, RelayIdentity, new_identity

KNOWN, OTHER, STRANGER = new_identity(), new_identity(), new_identity()
ID, SIGNATURE = "X-Sentry-Relay-Id", "X-Sentry-Relay-Signature"


def office(folder: Path):
    return desk(KNOWN.text(), OTHER.text(internal=True), folder=folder, registration="local")


async def token_for(client: RelayClient) -> str:
    answer = await client.challenge()
    assert answer.status == 200, answer
    said = json.loads(answer.body)
    assert said["relay_id"] == client.identity.id
    return said["token"]


def refused(answer: Answer, status: int, *words: str) -> None:
    assert answer.status == status, answer
    assert "relay" not in json.loads(answer.body), "nobody is told to stop for good"
    for word in words:
        assert word in detail_of(answer)


async def test_registering_and_again(tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        for identity in (KNOWN, OTHER, KNOWN):
            client = one.client(identity)
            answer = await client.response(await token_for(client))
            assert (answer.status, json.loads(answer.body)) == (200, {"relay_id": identity.id})
        assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


async def test_a_token_is_good_for_a_minute_and_as_often_as_it_is_shown(tmp_path: Path) -> None:
    """Nothing is changed by it, so that nothing is gained by showing it again."""
    async with office(tmp_path) as one:
        client = one.client(KNOWN)
        token = await token_for(client)
        assert [(await client.response(token)).status for _ in range(2)] == [200, 200]
        old = make_token(kept_secret(tmp_path), Applicant(KNOWN.id, KNOWN.public_key), bytes(64), time.time() - 62)
        refused(await client.response(old), 401, "token", "too old")


async def test_operations_41_the_token_of_another_relay(tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        token = await token_for(one.client(KNOWN))
        refused(await one.client(OTHER).response(token), 400, "another relay's")


@pytest.mark.parametrize(
    "changed",
    [
        lambda token: "",
        lambda token: "x",
        lambda token: ":",
        lambda token: token[:-2] + ("AA" if token[-2:] != "AA" else "BB"),
        lambda token: "A" + token[1:],
        lambda token: token.partition(":")[0] + ":",
        lambda token: token + "x" * 100_000,
        lambda token: "é" + token,
    ],
)
async def test_forged_tokens(changed: Callable[[str], str], tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        client = one.client(KNOWN)
        refused(await client.response(changed(await token_for(client))), 400, "token")


async def test_a_token_of_another_secret(tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        token = make_token(b"x" * 32, Applicant(KNOWN.id, KNOWN.public_key), bytes(64), time.time())
        refused(await one.client(KNOWN).response(token), 400, "token")


async def test_a_key_that_was_exchanged_in_between(tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        token = make_token(kept_secret(tmp_path), Applicant(KNOWN.id, OTHER.public_key), bytes(64), time.time())
        refused(await one.client(KNOWN).response(token), 400, "another relay's")


async def test_who_is_not_listed(tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        refused(await one.client(STRANGER).challenge(), 403, "may not register")
        refused(await one.client(STRANGER).response("x:y"), 403, "may not register")
        refused(await one.client(KNOWN).challenge(public_key=OTHER.public_key), 400, "another one")
        thief = RelayIdentity(KNOWN.id, OTHER.public_key, OTHER.secret_key)
        refused(await one.client(thief).challenge(), 400, "another one")
        liar = RelayIdentity(KNOWN.id, KNOWN.public_key, OTHER.secret_key)
        refused(await one.client(liar).challenge(), 400, "signature")
        refused(await one.client(liar).response(await token_for(one.client(KNOWN))), 400, "signature")


@pytest.mark.parametrize("path", [CHALLENGE, RESPONSE])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b"[" * 100_000, b'{"relay_id": 5, "token": 5, "public_key": 5}',
     b'{"relay_id": "me", "token": "x", "public_key": "x"}', json.dumps({"relay_id": KNOWN.id}).encode()],
    ids=["nothing", "broken", "list", "empty", "deep", "numbers", "no-id", "id-alone"],
)  # fmt: skip
async def test_bodies_that_say_nothing(path: str, body: bytes, tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        refused(await one.client(KNOWN).ask(path, body), 400)


async def said_by(one: Desk, path: str) -> bytes:
    client = one.client(KNOWN)
    more = {"public_key": KNOWN.public_key} if path == CHALLENGE else {"token": await token_for(client)}
    return json.dumps({"relay_id": KNOWN.id, **more}).encode()


@pytest.mark.parametrize("path", [CHALLENGE, RESPONSE])
async def test_headers_that_do_not_fit(path: str, tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        body = await said_by(one, path)
        for headers, status, word in (
            (KNOWN.signed(body), 200, ""),
            ({}, 400, "header"),
            ({**KNOWN.signed(body), ID: "x"}, 400, "malformed"),
            ({**KNOWN.signed(body), ID: OTHER.id}, 400, "header"),
            ({ID: KNOWN.id}, 400, "signature"),
            ({ID: KNOWN.id, SIGNATURE: "broken"}, 400, "signature"),
            (KNOWN.signed(body + b" "), 400, "signature"),
            (KNOWN.signed(body, late_s=62), 401, "signature"),
        ):
            answer = await one.send(path, body, headers)
            assert answer.status == status, (headers, answer)
            if status != 200:
                refused(answer, status, word)


async def test_a_bad_key_in_the_body(tmp_path: Path) -> None:
    async with office(tmp_path) as one:
        refused(await one.client(KNOWN).challenge(public_key="="), 400, "public_key")


async def test_nobody_registers_where_that_is_off(tmp_path: Path) -> None:
    async with desk(KNOWN.text(), folder=tmp_path, registration="off") as one:
        assert (await one.client(KNOWN).challenge()).status == 404
    assert not (tmp_path / FILE_NAME).exists()


def test_the_library_that_signs_here_verifies_too() -> None:
    body = b"body"
    assert PublicKey.parse(KNOWN.public_key).verify(body, KNOWN.signed(body)[SIGNATURE])
