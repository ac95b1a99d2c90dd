"""Envelopes, items and store bodies: sections 9.5, 9.6 and 9.8 of ingest.md, against a real worker in mode `proxy`."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio

from support.recorder import WireItem
from support.relay import AUTH, STORE, E, K, Relay, relay

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024
LOG_TYPE = "application/vnd.sentry.items.log+json"
GIF = bytes.fromhex("47494638396101000100" + "00ff002c00000000010001000002003b")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def passing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Relay]:
    async with relay(tmp_path_factory.mktemp("pass")) as found:
        yield found


def envelope(*items: tuple[str, bytes | int] | tuple[str, bytes | int, str], header: bytes = b"{}") -> bytes:
    """An item is a type, a payload or its size, and perhaps more headers as JSON members."""
    parts = [header]
    for item_type, payload, *more in items:
        data = bytes(payload) if isinstance(payload, int) else payload
        extra = "".join(f",{members}" for members in more)
        parts += [f'{{"type":"{item_type}","length":{len(data)}{extra}}}'.encode(), data]
    return b"\n".join(parts)


async def sent(relay: Relay) -> tuple[dict[str, Any], list[WireItem]]:
    return (await relay.forwarded()).envelope()


SHAPES: dict[str, tuple[bytes, int, list[bytes]]] = {
    "ingest-43": (b"{}", 200, []),
    "ingest-43 newline": (b"{}\n", 200, []),
    "ingest-48": (b'{}\n{"type":"attachment","length":0}\n\n{"type":"attachment","length":0}\n', 200, [b"", b""]),
    "ingest-49": (b'{}\n{"type":"attachment","length":0}\n{"type":"attachment","length":0}\n', 400, []),
    "ingest-50": (b'{}\n{"type":"attachment"}', 200, [b""]),
    "ingest-50 length": (b'{}\n{"type":"attachment","length":3}', 400, []),
    "ingest-51": (b'{}\n{"type":"attachment","length":11}\nline1\nline2', 200, [b"line1\nline2"]),
    "ingest-51 less": (b'{}\n{"type":"attachment","length":10}\nline1\nline2', 400, []),
    "ingest-51 more": (b'{}\n{"type":"attachment","length":12}\nline1\nline2', 400, []),
    "ingest-52": (b'{}\n{"type":"x"}\nabc\r\n', 200, [b"abc\r"]),
    "ingest-53 CR M17": (b'{}\r\n{"type":"x"}\nabc', 400, []),
    "ingest-53 space M17": (b"{} \n", 400, []),
    "ingest-54": (b'{}\n\n{"type":"x"}\nabc', 200, [b"abc"]),
    "ingest-55 M30": (b'{}\n{"type":"x"}\nabc\n\n', 400, []),
    **{
        f"ingest-56 M27 {length}": (b'{}\n{"type":"x","length":%b}\nabc' % length.encode(), 400, [])
        for length in ('"3"', "3.0", "-1", "null", "18446744073709551615")
    },
    "ingest-57": (b"{}" + b'\n{"type":"x"}\na' * 500, 200, [b"a"] * 500),
    "ingest-57 M31": (b"{}" + b'\n{"type":"x"}\na' * 501, 400, []),
    "ingest-58 M19": (b'{"sent_at":"2026-01-05T10:00:00"}\n', 400, []),
    "ingest-58 Z": (b'{"sent_at":"2026-01-05T10:00:00Z"}\n', 200, []),
    "ingest-58 zone": (b'{"sent_at":"2026-01-05T10:00:00+02:00"}\n', 200, []),
    "ingest-58 number": (b'{"sent_at":1767607200}\n', 400, []),
    "ingest-59 M24": (b'{"trace":{"bad":1}}\n{"type":"event"}\n{}', 200, [b"{}"]),
    "ingest-61 M20": (b'{"event_id":"%b","event_id":"%b"}\n' % (E.encode(), E.encode()), 400, []),
    "ingest-62 surrogate": (rb'{"a":"\ud800"}', 400, []),
    "ingest-62 nested": (b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}", 400, []),
    "ingest-62 NaN": (b'{"a":NaN}', 400, []),
    "ingest-63": (b'{}\n{"type":"Event"}\nabc', 200, [b"abc"]),
    "ingest-64 M32": (b'{}\n{"type":"integration"}\nabc', 400, []),
    "M13": (b"", 400, []),
    "M14": (b" \n", 400, []),
    "M15": (b"\xef\xbb\xbf{}", 400, []),
    "M16": (b'{"a":"\xff"}', 400, []),
    "M18 ingest-47": (b'{"event_id":"xyz"}', 400, []),
    "M23": (b'{"origin":"https://a.example/"}\n', 400, []),
    "M25": (b"{}\nnope\nabc", 400, []),
    "M26": (b'{}\n{"type":3}\nabc', 400, []),
    "M28": (b'{}\n{"type":"x","length":4}\nabc', 400, []),
    "M29": (b'{}\n{"type":"x","length":2}\nabc', 400, []),
    "M35": (b'{}\n{"type":"event"}\nno json', 200, [b"no json"]),
    "M36": (envelope(("log", b"{}", f'"item_count":7,"content_type":"{LOG_TYPE}"')), 200, [b"{}"]),
    "M37": (b'{}\n{"type":"x"}\nabc', 200, [b"abc"]),
    "M38": (b'{}\n{"type":"attachment"}\nabc', 200, [b"abc"]),
    "unhashable headers": (envelope(("attachment", b"a", '"content_type":[],"attachment_type":{}')), 200, [b"a"]),
}


@pytest.mark.parametrize("name", SHAPES)
async def test_shape(passing: Relay, name: str) -> None:
    body, status, payloads = SHAPES[name]
    answer = await passing.env(body)
    assert answer.status == status
    if status != 200:
        assert isinstance(answer.json, dict)
        assert answer.json["detail"]
        assert answer.json.get("causes") or name in {"M13", "ingest-64 M32"}
    elif payloads:
        assert [item.payload for item in (await sent(passing))[1]] == payloads


async def test_refused_and_empty_envelopes_are_not_forwarded(passing: Relay) -> None:
    """ingest-43"""
    for body in (b"{}", b"{}\n", b"nope"):
        await passing.env(body)
    assert await passing.forwards_nothing()


async def test_ids(passing: Relay) -> None:
    """ingest-43 to 47"""
    assert (await passing.env(b"{}")).json == {}
    assert (await passing.env(b'{"event_id":null}\n')).json == {}
    assert (await passing.env(b'{"event_id":"%b"}' % E.encode())).json == {"id": E}
    dashed = f"{E[:8]}-{E[8:12]}-{E[12:16]}-{E[16:20]}-{E[20:]}".upper()
    assert (await passing.env(b'{"event_id":"%b"}' % dashed.encode())).json == {"id": E}
    made = (await passing.env(b'{}\n{"type":"event"}\n{"message":"a"}')).json
    assert isinstance(made, dict)
    assert made["id"] == (await sent(passing))[0]["event_id"]
    assert len(made["id"]) == 32
    assert made["id"][12] == "4"


async def test_unknown_headers_survive(passing: Relay) -> None:
    """ingest-60"""
    await passing.env(b'{"x-custom":{"a":[1]}}\n{"type":"x","zz":5}\nabc')
    header, (item,) = await sent(passing)
    assert header["x-custom"] == {"a": [1]}
    assert item.headers == {"type": "x", "zz": 5, "length": 3}


CONTAINER = f'"content_type":"{LOG_TYPE}","item_count":'
SIZES: dict[str, tuple[Sequence[Any], int]] = {
    "ingest-65 M34": ([("event", b"{}"), ("event", b"{}")], 413),
    "ingest-65": ([("event", b"{}"), ("feedback", b"{}")], 413),
    "ingest-66": ([("event", b"{}"), *[("attachment", b"a")] * 30], 200),
    "ingest-66 31": ([("event", b"{}"), *[("attachment", b"a")] * 31], 413),
    "ingest-67": ([("transaction", b"{}"), ("profile", b"{}"), ("attachment", b"a")], 200),
    "ingest-68": ([("replay_event", b"{}"), ("replay_recording", b"a")], 200),
    "ingest-69 M39": ([("check_in", b"{}"), ("check_in", b"{}")], 413),
    "ingest-69 logs": ([("log", b"{}", CONTAINER + "1"), ("log", b"{}", CONTAINER + "1")], 413),
    "ingest-70": ([("session", b"{}")] * 100, 200),
    "ingest-70 101": ([("session", b"{}")] * 101, 413),
    "ingest-71": ([("check_in", 102_400)], 200),
    "ingest-71 M33": ([("check_in", 102_401)], 413),
    "ingest-72": ([("log", 3 * MIB, CONTAINER + "2")], 200),
    "ingest-72 one": ([("log", 3 * MIB, CONTAINER + "1")], 413),
    "ingest-73": ([("span", b"{}")] * 26, 413),
    "ingest-74": ([("x", 50 * MIB)], 200),
}


@pytest.mark.parametrize("name", SIZES)
async def test_size(passing: Relay, name: str) -> None:
    items, status = SIZES[name]
    answer = await passing.env(envelope(*items))
    assert answer.status == status
    if status == 200:
        assert [item.headers["type"] for item in (await sent(passing))[1]] == [item[0] for item in items]
    else:
        assert answer.headers["content-type"] == "application/json"


async def test_payloads_are_forwarded_bit_by_bit(passing: Relay) -> None:
    """ingest-76"""
    items = [
        ("event", b'{"broken'),
        ("attachment", bytes(range(256)) * 20),
        ("replay_recording", b'{"segment_id":0}\n\x78\x9c\x00'),
        ("session", b'{ "sid" : "1" }'),
        ("x", b""),
    ]
    assert (await passing.env(envelope(*items))).status == 200
    assert [item.payload for item in (await sent(passing))[1]] == [payload for _, payload in items]


async def test_old_name_of_profile_chunks(passing: Relay) -> None:
    """ingest-77"""
    await passing.env(envelope(("profile_chunk_ui", b"{}", '"platform":"android"')))
    assert (await sent(passing))[1][0].headers["type"] == "profile_chunk"


STORED: dict[str, tuple[bytes, int, str, bytes]] = {
    "ingest-84": (b'{"message":"hi"}', 200, "event", b'{"message":"hi"}'),
    "ingest-85": (b'{"type":"transaction"}', 200, "transaction", b'{"type":"transaction"}'),
    "ingest-85 csp": (b'{"type":"csp"}', 200, "security", b'{"type":"csp"}'),
    "ingest-86": (b"eNqrVspNLS5OTE9VslJKK8rPVUhUKMisSM1RqgUAexoJFw==", 200, "event", b'{"message":"from a pixel"}'),
    "ingest-87 M40": (b' {"a":1}', 400, "", b""),
    "ingest-87 M42": (b'{"a":1}x', 400, "", b""),
    "ingest-87 M43": (b'{"type":1}', 400, "", b""),
    "M13": (b"", 400, "", b""),
    "M41": (b"aGVsbG8=", 400, "", b""),
    "M43 id": (b'{"event_id":"xyz"}', 400, "", b""),
    "ingest-88": (b'{"a":NaN}', 400, "", b""),
    "ingest-40": (b'{"a":"' + b"x" * (MIB - 8) + b'"}', 200, "event", b'{"a":"' + b"x" * (MIB - 8) + b'"}'),
    "ingest-40 M12": (b'{"a":"' + b"x" * (MIB - 7) + b'"}', 413, "", b""),
}


@pytest.mark.parametrize("name", STORED)
async def test_store(passing: Relay, name: str) -> None:
    body, status, item_type, payload = STORED[name]
    answer = await passing.store(body)
    assert answer.status == status
    assert isinstance(answer.json, dict)
    if status != 200:
        assert answer.json["detail"]
        assert answer.json.get("causes") or name == "M13"
        return
    header, (item,) = await sent(passing)
    assert answer.json == {"id": header["event_id"]}
    assert item.headers == {"type": item_type, "content_type": "application/json", "length": len(payload)}
    assert item.payload == payload


async def test_store_keeps_the_id(passing: Relay) -> None:
    """ingest-84"""
    assert (await passing.store(b'{"event_id":"%b"}' % E.encode())).json == {"id": E}
    assert (await sent(passing))[0]["event_id"] == E


async def test_store_of_an_old_client(passing: Relay) -> None:
    """ingest-88"""
    headers = {"X-Sentry-Auth": f"Sentry sentry_key={K}, sentry_client=sentry-python/0.9"}
    assert (await passing.store(b'{"a":NaN}', headers)).status == 200
    assert (await sent(passing))[1][0].payload == b'{"a":0  }'


async def test_store_by_an_image(passing: Relay) -> None:
    """ingest-89, M44"""
    query = f"?sentry_key={K}&sentry_data=%7B%22message%22%3A%22m%22%7D"
    answer = await passing.send("GET", STORE + query)
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "image/gif", GIF)
    assert len(GIF) == 26
    assert (await sent(passing))[1][0].payload == b'{"message":"m"}'
    assert (await passing.send("GET", f"{STORE}?sentry_key={K}")).status == 400
    assert (await passing.send("GET", STORE + query, headers=AUTH)).status == 401
    assert (await passing.send("GET", STORE)).status == 401


async def test_store_of_an_envelope(passing: Relay) -> None:
    """ingest-90"""
    headers = {"Content-Type": "application/x-sentry-envelope"}
    assert (await passing.store(b'{}\n{"type":"session"}\n{"a":1}', headers)).json == {}
    assert (await sent(passing))[1][0].headers["type"] == "session"
    assert (await passing.store(b"", headers)).status == 400
    assert (await passing.store(b'{}\n{"type":"integration"}\n{}', headers)).status == 400


async def test_store_without_project(passing: Relay) -> None:
    """ingest-91"""
    answer = await passing.send("POST", "/api/store/", b"{}", AUTH)
    assert answer.status == 400
