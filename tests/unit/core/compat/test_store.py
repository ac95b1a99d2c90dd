"""Store bodies (ingest.md 2.3, 9.8)."""

import base64
import zlib

import pytest

from scrubjay import reasons
from scrubjay.core.compat.store import read_store
from scrubjay.core.envelope import decode_json
from scrubjay.errors import BadRequest
from support.corpus import Recorded, recorded

E = "5d2c7a5e1b8f4c0e9a3d6f7081920abc"
MIB = 1024 * 1024


def read(body: bytes, client: str | None = "demo/1.0", limit: int = MIB) -> tuple[str | None, str, bytes]:
    envelope = read_store(body, client, limit)
    (item,) = envelope.items
    assert item.headers["content_type"] == "application/json"
    return envelope.event_id, item.type, bytes(item.payload)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"message":"hi"}', (None, "event", b'{"message":"hi"}')),
        (b'{"event_id":"%b"}\n' % E.encode(), (E, "event", b'{"event_id":"%b"}\n' % E.encode())),
        (b'{"event_id":null}', (None, "event", b'{"event_id":null}')),
        (b'{"type":"transaction"}', (None, "transaction", b'{"type":"transaction"}')),
        (b'{"type":"csp"}', (None, "security", b'{"type":"csp"}')),
        (b'{"type":"feedback"}', (None, "event", b'{"type":"feedback"}')),
        (b"eNqrVspNLS5OTE9VslJKK8rPVUhUKMisSM1RqgUAexoJFw==", (None, "event", b'{"message":"from a pixel"}')),
        (base64.b64encode(b'{"a":1}'), (None, "event", b'{"a":1}')),
        (rb'{"a":"\ud800"}', (None, "event", rb'{"a":"\ud800"}')),
    ],
    ids=[
        "ingest-84",
        "ingest-84 id",
        "null id",
        "ingest-85",
        "ingest-85 csp",
        "feedback",
        "ingest-86",
        "base64",
        "surrogate",
    ],
)
def test_store(body: bytes, expected: tuple[str | None, str, bytes]) -> None:
    assert read(body) == expected


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", reasons.EMPTY_BODY),
        (base64.b64encode(zlib.compress(b"")), reasons.EMPTY_BODY),
        (b' {"a":1}', reasons.INVALID_BODY),
        (b"[1]", reasons.INVALID_BODY),
        (b"aGVsbG8=", reasons.INVALID_BODY),
        (b"aGVs bG8=", reasons.INVALID_BODY),
        (b'{"a":1}x', reasons.INVALID_STORE_JSON),
        (b'{"a":', reasons.INVALID_STORE_JSON),
        (b'{"type":1}', reasons.INVALID_STORE_JSON),
        (b'{"event_id":1}', reasons.INVALID_STORE_JSON),
        (b'{"event_id":"xyz"}', reasons.INVALID_STORE_JSON),
        (b'{"a":NaN}', reasons.INVALID_STORE_JSON),
        (b'{"a":' + b"[" * 100_000, reasons.INVALID_STORE_JSON),
        (base64.b64encode(zlib.compress(b"[1]")), reasons.INVALID_STORE_JSON),
    ],
)
def test_store_refuses(body: bytes, reason: reasons.Reason) -> None:
    """M13, M40 to M43, ingest-87"""
    with pytest.raises(BadRequest) as caught:
        read(body)
    assert caught.value.reason is reason
    assert caught.value.causes or reason is reasons.EMPTY_BODY


def test_what_inflates_beyond_the_limit_is_cut() -> None:
    body = base64.b64encode(zlib.compress(b'{"a":1}'))
    assert read(body, limit=7)[2] == b'{"a":1}'
    with pytest.raises(BadRequest):
        read(body, limit=6)


@pytest.mark.parametrize(
    ("loose", "strict"),
    [
        (b'{"a":NaN}', b'{"a":0  }'),
        (b'{"a":[Infinity,-Infinity]}', b'{"a":[0       ,-0       ]}'),
        (rb'{"NaN \" Infinity":"99999999999999999999"}', rb'{"NaN \" Infinity":"99999999999999999999"}'),
        (b'{"a":99999999999999999999}', b'{"a":0                   }'),
        (b'{"a":-999999999999999999999}', b'{"a":0                     }'),
        (b'{"a":[18446744073709551615,18446744073709551616]}', b'{"a":[18446744073709551615,0                   ]}'),
        (b'{"a":[-9223372036854775808,-9223372036854775809]}', b'{"a":[-9223372036854775808,0                   ]}'),
        (b'{"a":12345678901234567890.5}', b'{"a":12345678901234567890.5}'),
        (b'{"a":1}', b'{"a":1}'),
    ],
)
def test_old_python_clients_may_be_loose(loose: bytes, strict: bytes) -> None:
    """ingest-88"""
    for client in ("raven-python/6.10.0", "sentry-python/0.9"):
        assert read(loose, client)[2] == strict
    decode_json(strict)


def test_others_may_not() -> None:
    for client in ("demo/1.0", "sentry.python/1.45.1", None):
        with pytest.raises(BadRequest):
            read(b'{"a":NaN}', client)


@pytest.mark.parametrize("request_", recorded("store"), ids=str)
def test_corpus(request_: Recorded) -> None:
    event_id, item_type, payload = read(request_.body)
    assert (item_type, payload) == ("event", request_.body)
    assert event_id is not None
