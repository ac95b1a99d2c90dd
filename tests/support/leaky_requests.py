"""Requests with planted values wherever a request has room: bodies that are no envelopes, headers, paths, queries, forms and file names.

Owns the requests. What is planted are e-mail addresses, card numbers and passwords, which every plan takes wherever they stand.
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from support.daemon import KEY
from support.labels import Label, Source
from support.minidumps import minidump

BOUNDARY = "leaky"
EVENT_ID = "0123456789abcdef0123456789abcdef"
KINDS = ("email", "card", "password")


@dataclass(frozen=True)
class Sent:
    """`headers` go beside those that authenticate."""

    name: str
    target: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"


class Requests:
    """`owners`: what of which value may be nowhere, and in which request it was."""

    def __init__(self, seed: int) -> None:
        self._source = Source(seed)
        self._turn = 0
        self.owners: list[tuple[str, str]] = []

    def value(self, place: str, kind: str = "") -> str:
        self._turn += 1
        label: Label = self._source.label(kind or KINDS[self._turn % len(KINDS)])
        while "\n" in label.text or not label.text.isascii():
            label = self._source.label(label.kind)
        self.owners += [(needle, place) for needle in label.needles if len(needle) >= 7]
        return label.text

    def all(self) -> Iterator[Sent]:
        yield from self._unparsable()
        yield from self._headers()
        yield from self._reports()
        yield from self._crashes()
        yield from self._dropped()
        yield from self._odd()

    def _unparsable(self) -> Iterator[Sent]:
        v = self.value
        texts = {
            "plain": f"order of {v('unparsable plain')} and {v('unparsable plain')} failed",
            "json list": json.dumps([v("unparsable list"), {"password": v("unparsable list", "card")}]),
            "pretty json": json.dumps({"a": {"password": v("unparsable pretty")[-12:], "b": [v("unparsable pretty")]}}, indent=2),
            "torn json": json.dumps({"message": v("unparsable torn"), "user": {"email": v("unparsable torn", "email")}})[:-2],
            "split pair": '{"user": {"password":\n\n"%s"}, "x": ' % v("unparsable split", "email"),
            "form": f"a=1&email={quote(v('unparsable form', 'email'), safe='')}&note={quote(v('unparsable form'), safe='')}",
            "cut": "x" * 4088 + " " + v("unparsable cut", "card"),
            "base64": base64.b64encode(json.dumps({"email": v("unparsable base64", "email")}).encode()).decode(),
            "lines": "\n".join(v("unparsable lines") for _ in range(5)),
            "escaped": '"\\u007b ' + json.dumps(json.dumps({"note": v("unparsable escaped")})),
            "header only": json.dumps({"dsn": f"http://{KEY}@localhost/1", "note": v("unparsable header")}) + '\n{"type": ',
            "item header": '{}\n{"type":"event","length":9999,"note":"%s"}\n{"message":"%s"}'
            % (v("unparsable item header"), v("unparsable item header")),
        }  # fmt: skip
        bodies = {name: text.encode() for name, text in texts.items()}
        bodies["utf-16"] = v("unparsable utf-16", "email").encode("utf-16-le")
        bodies["utf-16 be"] = ("\ufeff" + v("unparsable utf-16 be", "card")).encode("utf-16-be")
        bodies["utf-32"] = v("unparsable utf-32", "email").encode("utf-32-le")
        bodies["gzip"] = gzip.compress(v("unparsable gzip", "email").encode())
        bodies["zlib"] = zlib.compress(v("unparsable zlib", "email").encode(), 0)
        for name, body in bodies.items():
            for target in ("/stream", "/api/1/envelope/", "/api/1/store/"):
                yield Sent(f"unparsable {name} to {target}", target, body)

    def _headers(self) -> Iterator[Sent]:
        body = b'{"event_id":"%b"}\n{"type":"event"}\n{"message":"x"}\n' % EVENT_ID.encode()
        for target in ("/api/1/envelope/", "/stream", "/tunnel"):
            for name in (
                "Referer",
                "Cookie",
                "Sentry-Trace",
                "Baggage",
                "Authorization",
                "X-Request-Id",
                "From",
                "Content-Disposition",
            ):
                yield Sent(f"header {name}", target, body, {name: f"note {self.value(f'header {name} of {target}')}"})
            typed = {"Content-Type": f'application/x-sentry-envelope; name="{self.value(f"content type of {target}")}"'}
            yield Sent("content type", target, body, typed)
            yield Sent("encoding", target, body, {"Content-Encoding": self.value(f"encoding of {target}", "email")})
            yield Sent("origin", target, body, {"Origin": f"http://{self.value(f'origin of {target}', 'email')}"})
            query = quote(self.value(f"query of {target}"), safe="")
            yield Sent("query", f"{target}?sentry_client={query}&sentry_key={KEY}&x={query}", body)
            secret = self.value(f"secret of {target}", "password").replace("=", "")
            yield Sent("secret", target, body, {"X-Sentry-Auth": f"Sentry sentry_key={KEY}, sentry_secret={secret}"})

    def _reports(self) -> Iterator[Sent]:
        v = self.value
        csp = {"csp-report": {"document-uri": f"https://shop.example/?q={quote(v('csp'), safe='')}", "violated-directive": "img-src",
               "blocked-uri": f"https://{quote(v('csp'), safe='')}.example/", "script-sample": v("csp"), "referrer": v("csp")}}  # fmt: skip
        for name in ("security", "csp-report", "nel"):
            yield Sent(
                name,
                f"/api/1/{name}/?sentry_key={KEY}",
                json.dumps(csp).encode(),
                {"Content-Type": "application/csp-report"},
            )
            yield Sent(
                f"{name} torn", f"/api/1/{name}/?sentry_key={KEY}", f'{{"csp-report": "{v(name + " torn")}'.encode()
            )
        nel = [{"type": "network-error", "url": f"https://a/?q={v('nel', 'email')}", "body": {"referrer": v("nel")}}]
        yield Sent(
            "nel",
            f"/api/1/nel/?sentry_key={KEY}",
            json.dumps(nel).encode(),
            {"Content-Type": "application/reports+json"},
        )
        note = quote(v("cron query"), safe="")
        yield Sent("cron query", f"/api/1/cron/job/{KEY}/?status=ok&note={note}", b"", method="GET")
        yield Sent("cron body", f"/api/1/cron/job/{KEY}/", json.dumps({"status": "ok", "note": v("cron body")}).encode(),
                   {"Content-Type": "application/json"})  # fmt: skip
        yield Sent(
            "cron torn", f"/api/1/cron/job/{KEY}/", v("cron torn").encode(), {"Content-Type": "application/json"}
        )
        event = json.dumps({"event_id": EVENT_ID, "message": v("store query")}).encode()
        data = quote(base64.b64encode(event).decode(), safe="")
        yield Sent("store query", f"/api/1/store/?sentry_key={KEY}&sentry_data={data}", b"", method="GET")
        yield Sent(
            "store", "/api/1/store/", json.dumps({"message": v("store"), "extra": {"password": v("store")}}).encode()
        )
        yield Sent(
            "store base64",
            "/api/1/store/",
            base64.b64encode(zlib.compress(json.dumps({"message": v("store zlib")}).encode())),
        )

    def _crashes(self) -> Iterator[Sent]:
        v = self.value
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        dump = minidump(
            stack=v("minidump stack").encode(),
            environment=v("minidump environment").encode(),
            command=v("minidump command").encode(),
        )
        fields = {"sentry[user][email]": v("minidump form", "email"), "sentry[extra][note]": v("minidump form"), "note": v("minidump form"),
                  "sentry": json.dumps({"message": v("minidump form")}), v("minidump name", "email"): "x"}  # fmt: skip
        files = {
            "upload_file_minidump": ("crash.dmp", dump),
            "log": (f"{v('minidump file name', 'email')}.txt", v("minidump file").encode()),
        }
        yield Sent("minidump", f"/api/1/minidump/?sentry_key={KEY}", _multipart(fields, files), kind)
        broken = {"upload_file_minidump": ("crash.dmp", f"no dump {v('broken minidump')}".encode())}
        yield Sent("broken minidump", f"/api/1/minidump/?sentry_key={KEY}", _multipart(fields, broken), kind)
        yield Sent(
            "no minidump", f"/api/1/minidump/?sentry_key={KEY}", _multipart({"note": v("no minidump")}, {}), kind
        )
        late = {"a": (f"{v('late name', 'email')}.log", f"line of {v('late attachment')}\n".encode())}
        yield Sent(
            "late attachment", f"/api/1/events/{EVENT_ID}/attachments/?sentry_key={KEY}", _multipart({}, late), kind
        )
        yield Sent("unreal", f"/api/1/unreal/{KEY}/?UserID={quote(v('unreal query'), safe='')}", v("unreal").encode())

    def _dropped(self) -> Iterator[Sent]:
        v = self.value
        header = {"event_id": EVENT_ID, "trace": {"trace_id": "a" * 32, "public_key": KEY, "transaction": v("dropped header"), "user_id": v("dropped header", "email")}}  # fmt: skip
        items = {
            "filtered": [("event", {"message": f"dropme {v('filtered')}", "user": {"email": v("filtered", "email")}, "tags": {"customer": v("filtered")}})],
            "sampled": [("transaction", {"timestamp": 2, "start_timestamp": 1, "contexts": {"trace": {"trace_id": "a" * 32, "span_id": "b" * 16}}, "spans": [{"span_id": "c" * 16, "trace_id": "a" * 32, "start_timestamp": 1, "timestamp": 2, "description": v("sampled"), "data": {"note": v("sampled")}}]})],
            "limited": [("session", {"sid": "1" * 32, "started": "2026-01-01T00:00:00Z", "did": v("limited", "email"), "attrs": {"release": "1", "user_agent": v("limited", "email")}})],
            "unscrubbable": [("event", b'{"message": "%b' % v("unscrubbable").encode())],
            "deep": [("event", b'{"extra":' + b'{"a":' * 600 + b'"' + v("deep").encode() + b'"' + b"}" * 601)],
            "not an object": [("event", [v("not an object")])],
            "duplicates": [("event", {"message": v("duplicates")}), ("event", {"message": v("duplicates")})],
            "riders": [("event", {"message": f"dropme {v('riders')}"}), ("attachment", f"line {v('riders')}\n".encode())],
            "remarks": [("event", {"message": "x", "user": {"email": "y"}, "_meta": {"user": {"email": {"": {"err": [[v("remarks"), {"value": v("remarks")}]], "val": v("remarks")}}}}})],
            "keys": [("event", {"extra": {v("keys", "email"): {"password": v("keys")}}})],
            "surrogates": [("event", b'{"message": "\\ud800 ' + v("surrogates").encode() + b'", "extra": {"password": "' + v("surrogates").encode() + b'\\udfff"}}')],
            "user report": [("user_report", {"event_id": EVENT_ID, "name": v("user report", "email"), "email": v("user report", "email"), "comments": v("user report")})],
            "logs": [("log", {"items": [{"timestamp": 1.0, "level": "info", "body": v("logs"), "attributes": {"note": {"value": v("logs"), "type": "string"}, v("logs", "email"): {"value": "x", "type": "string"}}}]})],
            "unheard": [("unheard", {"note": v("unheard payload")}), ("unheard", f"{v('unheard bytes')}".encode())],
        }  # fmt: skip
        for name, found in items.items():
            body = _envelope(header, found)
            for target in ("/api/1/envelope/", "/stream"):
                yield Sent(name, target, body)
        other = _envelope({"dsn": f"http://{'d' * 32}@localhost/7", **header}, [("event", {"message": v("disabled")})])
        yield Sent("disabled key", "/tunnel", other)
        dsn = f"http://{KEY}:{v('secret of a DSN', 'password')[-12:]}@localhost/1"
        yield Sent("DSN", "/tunnel", _envelope({"dsn": dsn, **header}, [("event", {"message": v("tunnel")})]))
        wrong = {"dsn": f"http://{v('wrong DSN', 'email')}@localhost/{v('wrong DSN', 'email')}"}
        for target in ("/tunnel", "/stream", "/api/1/envelope/"):
            yield Sent("wrong DSN", target, _envelope(wrong, [("event", {"message": v("wrong DSN")})]))
        large = [("event", {"message": v("too large"), "extra": {"filler": "x" * 1_100_000}})]
        yield Sent("too large", "/api/1/envelope/", _envelope(header, large))
        yield Sent(
            "far too large",
            "/api/1/envelope/",
            _envelope(header, [("attachment", (v("far too large") + " ").encode() * 300_000)]),
        )

    def _odd(self) -> Iterator[Sent]:
        v = self.value
        event = ("event", {"message": "x"})
        for name in ("user_id", "user_segment", "transaction", "user"):
            for value in (v(f"trace header {name}"), {"id": v(f"trace header {name}")}):
                yield Sent(f"trace header {name}", "/stream", _envelope({"trace": {name: value}}, [event]))
        yield Sent("an id", "/stream", _envelope({"event_id": v("an id")}, [event]))
        head = json.dumps({"type": "attachment", "filename": v("file name", "email"), "length": 1})
        yield Sent("file name", "/stream", f'{{"event_id":"{EVENT_ID}"}}\n{head}\nx\n'.encode())
        yield Sent("a path", f"/api/{quote(v('path', 'email'), safe='')}/envelope/", b"{}")
        yield Sent("a wild path", f"/{quote(v('wild path', 'email'), safe='')}", b"{}")


def _envelope(header: object, items: list[tuple[str, object]]) -> bytes:
    lines = [json.dumps(header).encode()]
    for kind, payload in items:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        lines += [json.dumps({"type": kind, "length": len(body)}).encode(), body]
    return b"\n".join([*lines, b""])


def _multipart(fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> bytes:
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}'.encode() for name, text in fields.items()]
    for name, (file, data) in files.items():
        parts.append(f'Content-Disposition: form-data; name="{name}"; filename="{file}"\r\n\r\n'.encode() + data)
    mark = f"--{BOUNDARY}".encode()
    return b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
