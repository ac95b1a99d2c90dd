"""A gateway that relays of the reference's kind are behind: with project files of its own, or those of its server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from scrubjay.settings.credentials import generate, write_credentials
from support.authority import CHALLENGE as UPSTREAM_CHALLENGE
from support.authority import KEYS as UPSTREAM_KEYS
from support.authority import WAITING, Answer, document, presiding
from support.batch_client import BatchClient, batch, gateway_options, identity, meta, record
from support.batch_client import event as event_of
from support.raw_http import Answer as Reply
from support.relay import AUTH, ENVELOPE, K2, K, Relay, relay
from support.relay_client import CONFIGS, KEYS, RelayClient, RelayIdentity, new_identity

OWN, KNOWN, STRANGER = new_identity(), new_identity(), new_identity()
EVENT = b'{"event_id":"5d2c7a5e1b8f4c0e9a3d6f7081920abc"}\n{"type":"event"}\n{"message":"all is well"}'


def project(*trusted: str, demands: bool = False, **config: Any) -> dict[str, Any]:
    signatures = {"trustedRelaySettings": {"verifySignature": "enabled"}} if demands else {}
    return {
        "publicKeys": [{"publicKey": K, "numericId": 3}],
        "config": {"trustedRelays": list(trusted), **signatures, **config},
    }


def options(**auth: Any) -> dict[str, dict[str, Any]]:
    return {"auth": {"static_relays": {**OWN.entry(internal=True), **KNOWN.entry()}, **auth}}


def client(one: Relay, who: RelayIdentity) -> RelayClient:
    async def send(path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        return await one.send("POST", path, body, headers)

    return RelayClient(who, send)


def configs(reply: Reply) -> Any:
    assert reply.status == 200, reply
    return json.loads(reply.body)


async def eventually(find: Callable[[], Awaitable[Any]]) -> Any:
    """What is there in the end."""
    async with asyncio.timeout(20):
        while (found := await find()) is None:  # noqa: ASYNC110 (whatever it is that must be there)
            await asyncio.sleep(0.02)
    return found


# With files


async def test_operations_48_49_50_projects_of_files(tmp_path: Path) -> None:
    projects = {
        "7.yaml": project(KNOWN.public_key, quotas=[]),
        "8.yaml": {"publicKeys": [{"publicKey": K2}], "disabled": True},
    }
    async with relay(tmp_path / "r", mode="static", options=options(), projects=projects) as one:
        shown = configs(await client(one, KNOWN).configs(K, "deadbeef", 42, K2, "c" * 32, fullConfig=True))["configs"]
        assert list(shown) == [K]
        assert shown[K]["projectId"] == 7
        assert shown[K]["publicKeys"] == [{"publicKey": K, "numericId": 3}]
        assert "quotas" not in shown[K]["config"]
        assert shown[K]["config"]["datascrubbingSettings"]["scrubIpAddresses"] is True, "what is on here is on there"
        full = configs(await client(one, OWN).configs(K, fullConfig=True))["configs"]
        assert full[K]["config"]["quotas"] == []
        again = configs(await client(one, KNOWN).configs(K, revisions=[shown[K]["rev"]]))
        assert again == {"configs": {}, "unchanged": [K]}
        assert (await client(one, STRANGER).configs(K)).status == 401


async def test_a_changed_file_is_a_new_revision(tmp_path: Path) -> None:
    async with relay(
        tmp_path / "r", mode="static", options=options(), projects={"7.yaml": {**project(), "rev": "1"}}
    ) as one:
        held = configs(await client(one, OWN).configs(K))["configs"][K]["rev"]
        (tmp_path / "r" / "projects" / "7.yaml").write_text(json.dumps({**project(allowedDomains=[]), "rev": "1"}))
        await one.worker.reload()
        shown = configs(await client(one, OWN).configs(K, revisions=[held]))["configs"][K]
        assert shown["config"]["allowedDomains"] == []
        assert shown["rev"] != held


async def test_operations_47_newer_questions_are_passed_on_and_registering_too(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", mode="static", options=options(), projects={"7.yaml": project()}) as one:
        reply = await client(one, STRANGER).configs(K, version="?version=4")
        assert reply.status == 200
        arrival = one.upstream.arrivals[-1]
        assert arrival.path == CONFIGS
        assert arrival.body == json.dumps({"publicKeys": [K]}).encode()
        assert (await client(one, STRANGER).challenge()).status == 200
        assert one.upstream.arrivals[-1].path == UPSTREAM_CHALLENGE
        assert (await client(one, OWN).configs(K, version="?version=2")).status == 400


async def test_operations_41_registering_here(tmp_path: Path) -> None:
    async with relay(tmp_path / "r", mode="static", options=options(registration="local")) as one:
        token = configs(await client(one, KNOWN).challenge())["token"]
        assert (await client(one, OWN).response(token)).status == 400
        assert configs(await client(one, KNOWN).response(token)) == {"relay_id": KNOWN.id}
        assert (tmp_path / "r" / "registration.secret").stat().st_mode & 0o777 == 0o600


# Signatures of envelopes


def lost(one: Relay, reason: str) -> float:
    """How many errors were, for this reason."""
    lines = one.worker.books.chronicle.metrics().splitlines()
    found = [
        line
        for line in lines
        if line.startswith("scrubjay_outcomes_total{") and f'"{reason}"' in line and '"error"' in line
    ]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


async def test_operations_43_44_who_has_to_sign(tmp_path: Path) -> None:
    files = {"7.yaml": project(KNOWN.public_key, demands=True)}
    async with relay(tmp_path / "r", mode="static", options=options(), projects=files) as one:
        assert (await one.env(EVENT, KNOWN.signed(b""))).status == 200
        assert (await one.env(EVENT, OWN.signed(b""))).status == 200
        for headers, reason in (
            ({}, "missing_signature"),
            ({"X-Sentry-Relay-Id": OWN.id}, "missing_signature"),
            (KNOWN.signed(b"", late_s=302), "invalid_signature"),
            (KNOWN.signed(EVENT), "invalid_signature"),
            (STRANGER.signed(b""), "invalid_signature"),
            ({**STRANGER.signed(b""), "X-Sentry-Relay-Id": OWN.id}, "invalid_signature"),
        ):
            before = lost(one, reason)
            assert (await one.env(EVENT, headers)).status == 403, headers
            assert lost(one, reason) == before + 1


@pytest.mark.parametrize("mode", ["proxy", "static"])
async def test_operations_45_a_signature_that_is_no_text(mode: str, tmp_path: Path) -> None:
    async with relay(tmp_path / "r", mode=mode, projects={"7.yaml": project()}) as one:
        for path in (ENVELOPE, "/api/7/store/", "/api/8/envelope/"):
            reply = await one.send("POST", path, EVENT, {**AUTH, "X-Sentry-Relay-Signature": "\udcff\udcff"})
            assert reply.status == 400
        assert (await one.env(EVENT, {"X-Sentry-Relay-Signature": "whatever"})).status == 200


async def test_who_signed_the_batch_has_signed_its_envelopes(tmp_path: Path) -> None:
    sender = identity()
    files = {"7.yaml": project(sender.public_key, demands=True)}
    settings = gateway_options(sender, internal=False)
    async with relay(tmp_path / "r", mode="static", options=settings, projects=files) as one:
        body = batch([record(meta(1, k=K), event_of(1))])
        reply = await BatchClient(one.port, sender).send(body)
        assert "errors" not in json.loads(reply.body)
        await one.forwarded()
    files = {"7.yaml": project(demands=True)}
    async with relay(tmp_path / "s", mode="static", options=settings, projects=files) as one:
        reply = await BatchClient(one.port, sender).send(batch([record(meta(1, k=K), event_of(1))]))
        assert [error["reason"] for error in json.loads(reply.body)["errors"]] == ["invalid_signature"]


# With those of the server


def managed(folder: Path, url: str, **auth: Any) -> dict[str, dict[str, Any]]:
    folder.mkdir()
    write_credentials(folder, generate())
    return {
        **options(**auth),
        "relay": {"upstream": url},
        "cache": {"batch_interval": 1, "downstream_relays_batch_interval": 1},
    }


async def test_operations_46_51_59_projects_of_the_server(tmp_path: Path) -> None:
    with presiding() as sentry:
        sentry.projects[K] = [
            WAITING,
            {**document(K, 7, trustedRelays=[STRANGER.public_key]), "upstream": "https://else.example/"},
        ]
        sentry.always(UPSTREAM_KEYS, Answer(200, {"public_keys": {STRANGER.id: STRANGER.public_key}}))
        chosen = managed(tmp_path / "r", sentry.url)
        chosen["relay"]["advertised_upstream"] = "https://us.example/"
        async with relay(tmp_path / "r", mode="managed", options=chosen) as one:
            assert configs(await client(one, STRANGER).configs(K)) == {"configs": {}, "pending": [K]}

            async def known() -> Any:
                return configs(await client(one, STRANGER).configs(K, fullConfig=True))["configs"].get(K)

            shown = await eventually(known)
            assert (shown["rev"], shown["upstream"]) == ("r1", "https://us.example/")
            assert configs(await client(one, STRANGER).configs(K, revisions=["r1"])) == {
                "configs": {},
                "unchanged": [K],
            }
            assert configs(await client(one, KNOWN).configs(K, revisions=["r1"])) == {"configs": {}}
            told = configs(await client(one, KNOWN).ask(KEYS, {"relay_ids": [STRANGER.id, new_identity().id]}))
            assert told["relays"][STRANGER.id] == {"publicKey": STRANGER.public_key, "internal": False}
            assert list(told["relays"].values()).count(None) == 1
            assert all(asked.is_signed for asked in sentry.of(UPSTREAM_KEYS))


async def test_a_relay_registers_through_us(tmp_path: Path) -> None:
    with presiding() as sentry:
        async with relay(tmp_path / "r", mode="managed", options=managed(tmp_path / "r", sentry.url)) as one:
            relay_behind = client(one, STRANGER)
            token = configs(await relay_behind.challenge())["token"]
            assert configs(await relay_behind.response(token)) == {"relay_id": STRANGER.id}
            assert sentry.relays[STRANGER.id] == STRANGER.public_key
            assert configs(await relay_behind.configs(K)) == {"configs": {}, "pending": [K]}
