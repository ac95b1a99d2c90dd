"""Envelopes of every kind, and what they count as by the specification's table (`decisions.md` 1.2), written anew for the tests.

Owns the making of a load that filters, sampling and limits of `PROJECT` each take a part of. Counting shares no code with the product.
"""

from __future__ import annotations

import json
import random
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from support.recorder import WireItem, read_envelope

PROJECT: dict[str, Any] = {
    "config": {
        "filterSettings": {
            "errorMessages": {"isEnabled": True, "patterns": ["*noise*"]},
            "releases": {"releases": ["shop@0.*"]},
            "ignoreTransactions": {"isEnabled": True, "patterns": ["*/health"]},
        },
        "sampling": {
            "version": 2,
            "rules": [
                {
                    "id": 3001,
                    "type": "trace",
                    "samplingValue": {"type": "sampleRate", "value": 0.6},
                    "condition": {"op": "and", "inner": []},
                },
                {
                    "id": 1500,
                    "type": "transaction",
                    "samplingValue": {"type": "sampleRate", "value": 0.3},
                    "condition": {"op": "eq", "name": "event.environment", "value": "staging"},
                },
            ],
        },
        "quotas": [
            {"id": "e", "scope": "key", "categories": ["error"], "limit": 40, "window": 10, "reasonCode": "errors"},
            {
                "id": "a",
                "scope": "key",
                "categories": ["attachment"],
                "limit": 3000,
                "window": 10,
                "reasonCode": "bytes",
            },
            {"id": "l", "scope": "project", "categories": ["log_item"], "limit": 20, "window": 5},
            {"scope": "project", "categories": ["profile_chunk_ui"], "limit": 0, "reasonCode": "no_ui"},
        ],
        "scrubjay": {
            "sampling": [
                {"id": 3100, "applies": ["log_item"], "rate": 0.5},
                {
                    "id": 3101,
                    "applies": ["error"],
                    "rate": 0.7,
                    "condition": {"op": "eq", "name": "event.level", "value": "info"},
                },
                {"id": 3102, "applies": ["session"], "rate": 0.8},
            ]
        },
    }
}


_TWINS = {"transaction": "transaction_indexed", "span": "span_indexed"}


@dataclass(frozen=True)
class Sent:
    """`plain`: nothing but room on the disk decides about it, so once acknowledged it has to arrive. Its name is the event's id."""

    name: str
    body: bytes
    quantities: Counter[str]
    plain: bool = False


def counted(items: Iterable[WireItem]) -> Counter[str]:
    """The quantities of items by the table; `unknown` for each that counts as nothing, as the account does."""
    found: Counter[str] = Counter()
    for item in items:
        found.update(_counted(item) or {"unknown": 1})
    return found


def _counted(item: WireItem) -> dict[str, int]:
    headers, size = item.headers, len(item.payload)
    kind, n = headers["type"], headers.get("item_count", 1)
    if kind == "transaction":
        spans = 1 + headers.get("span_count", 0)
        return {"transaction": 1, "transaction_indexed": 1, "span": spans, "span_indexed": spans}
    if kind == "attachment":
        return {"attachment": max(1, size), "attachment_item": 1}
    if kind == "profile":
        ui = headers.get("platform") in ("cocoa", "android", "javascript")
        return {"profile": n, "profile_indexed": n} | (
            {"profile_ui" if ui else "profile_backend": n} if "platform" in headers else {}
        )
    if kind == "profile_chunk":
        ui = headers.get("platform") in ("cocoa", "android", "javascript")
        return {"profile_chunk_ui" if ui else "profile_chunk": n} if "platform" in headers else {}
    if kind == "log":
        return {"log_item": n, "log_byte": max(1, size)}
    if kind == "trace_metric":
        return {"trace_metric": n, "trace_metric_byte": max(1, size)}
    if kind == "span":
        return {"span": n, "span_indexed": n}
    category = {
        "event": "error",
        "feedback": "feedback",
        "user_report": "feedback",
        "session": "session",
        "sessions": "session",
        "replay_event": "replay",
        "replay_recording": "replay",
        "check_in": "monitor",
        "security": "security",
    }.get(kind)
    return {category: n} if category else {}


def lost_in(told: Mapping[tuple[str, str, str], int]) -> Counter[str]:
    """What reports (section, reason, category → quantity) say was lost. Of what sampling takes one twin is told, and the other follows
    from it: traces are told as not stored (5.6), what fixed rates take as not sent (5.9).
    """
    lost: Counter[str] = Counter()
    for (section, reason, category), quantity in told.items():
        lost[category] += quantity
        for total, indexed in _TWINS.items():
            if section == "filtered_sampling_events" and category == indexed:
                lost[total] += quantity
            if reason == "sample_rate" and category == total:
                lost[indexed] += quantity
    return lost


class MixedLoad:
    """The same seed makes the same envelopes; `key` is that of the heads of traces."""

    def __init__(self, seed: int, key: str) -> None:
        self._key = key
        self._random = random.Random(seed)
        self._number = 0
        self._seed = seed

    def __iter__(self) -> Iterator[Sent]:
        while True:
            yield self.next()

    def next(self) -> Sent:
        chance, self._number = self._random, self._number + 1
        name = f"{self._seed:012x}{self._number:08x}{chance.getrandbits(48):012x}"
        make = chance.choice((self._error, self._error, self._transaction, self._batch, self._other))
        trace = {"trace_id": f"{chance.getrandbits(128):032x}", "public_key": self._key}
        header: dict[str, object] = {"event_id": name}
        if chance.random() < 0.5:
            header["trace"] = trace
        items = make(name, trace["trace_id"])
        body = b"\n".join([json.dumps(header).encode(), *(part for item in items for part in item)]) + b"\n"
        wire = read_envelope(body)[1]
        return Sent(name, body, counted(wire), plain=[item.headers["type"] for item in wire] == ["check_in"])

    def _error(self, name: str, trace_id: str) -> list[tuple[bytes, bytes]]:
        chance = self._random
        event = {
            "event_id": name,
            "level": chance.choice(("error", "info")),
            "message": chance.choice(("it broke", "only noise here"))
            if chance.random() < 0.3
            else f"failure {name[-4:]}",
            "release": chance.choice(("shop@1.2.3", "shop@1.2.3", "shop@0.9.0")),
            "extra": {"padding": "x" * chance.randrange(1500)},
        }
        items = [_item("event", event)]
        sizes = [chance.randrange(300) for _ in range(chance.choice((0, 0, 1, 2)))]
        items += [_item("attachment", b"y" * size, filename="notes.txt") for size in sizes]
        if chance.random() < 0.1:
            items.append(_item("user_report", {"event_id": name, "name": "n", "email": "e", "comments": "c"}))
        if chance.random() < 0.2:
            items.append(_item("session", {"sid": name, "status": "ok"}))
        return items

    def _transaction(self, name: str, trace_id: str) -> list[tuple[bytes, bytes]]:
        chance = self._random
        spans = [{"span_id": f"{n:016x}", "trace_id": trace_id, "op": "db"} for n in range(chance.randrange(5))]
        payload = {
            "event_id": name,
            "type": "transaction",
            "transaction": chance.choice(("/cart", "/pay", "/health")),
            "environment": chance.choice(("prod", "staging")),
            "contexts": {"trace": {"trace_id": trace_id, "span_id": "b" * 16, "op": "http"}},
            "spans": spans,
            "start_timestamp": 1.0,
            "timestamp": 2.0,
        }
        items = [_item("transaction", payload, span_count=len(spans))]
        if chance.random() < 0.3:
            items.append(_item("profile", {"version": "1"}, platform=chance.choice(("python", "cocoa"))))
        if chance.random() < 0.2:
            items.append(_item("attachment", b"z" * chance.randrange(100), filename="trace.txt"))
        return items

    def _batch(self, name: str, trace_id: str) -> list[tuple[bytes, bytes]]:
        chance = self._random
        kind, media = chance.choice(
            (("log", "log"), ("log", "log"), ("trace_metric", "trace-metric"), ("span", "span.v2"))
        )
        count = chance.randrange(1, 6)
        records: list[dict[str, object]] = [
            {"trace_id": trace_id, "timestamp": 1.0 + n, "body": f"line {n} of {name}", "level": "info"}
            if kind == "log"
            else {"trace_id": trace_id, "span_id": f"{n:016x}", "name": f"{n}", "is_segment": False, "type": "counter"}
            for n in range(count)
        ]
        content_type = f"application/vnd.sentry.items.{media}+json"
        return [_item(kind, {"items": records}, item_count=count, content_type=content_type)]

    def _other(self, name: str, trace_id: str) -> list[tuple[bytes, bytes]]:
        chance = self._random
        kind = chance.choice(("check_in", "replay", "sessions", "feedback", "profile_chunk", "client_report", "marvel"))
        if kind == "replay":
            recording = b'{"segment_id":0}\n' + zlib.compress(b"[]")
            return [_item("replay_event", {"replay_id": name}), _item("replay_recording", recording)]
        if kind == "sessions":
            return [_item(kind, {"aggregates": [{"started": "2026-01-01T00:00:00Z", "exited": 2}], "attrs": {}})]
        if kind == "feedback":
            return [_item(kind, {"event_id": name, "contexts": {"feedback": {"message": "well done"}}})]
        if kind == "profile_chunk":
            return [_item(kind, {"version": "2"}, platform=chance.choice(("python", "javascript")))]
        if kind == "client_report":
            return [_item(kind, {"discarded_events": []})]
        if kind == "check_in":
            return [_item(kind, {"check_in_id": name, "monitor_slug": "nightly", "status": "ok"})]
        return [_item(kind, {"what": name})]


def _item(kind: str, payload: object, **headers: object) -> tuple[bytes, bytes]:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return json.dumps({"type": kind, **headers, "length": len(data)}).encode(), data
