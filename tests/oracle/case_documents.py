"""Events, rules and selectors of the corpus, made at random."""

from __future__ import annotations

import random
from urllib.parse import quote

from case_words import (
    EMAILS,
    GLUE,
    IPS,
    KEYS_PLAIN,
    KEYS_SENSITIVE,
    LIKELY,
    PATHS,
    PATTERNS,
    PLAIN,
    REDACTIONS,
    RULES,
    SENSITIVE,
    URLS,
)


def text(r: random.Random, parts: int = 5) -> str:
    out = []
    for _ in range(r.randint(1, parts)):
        out.append(r.choice(SENSITIVE if r.random() < 0.6 else PLAIN))
        out.append(r.choice(GLUE))
    return "".join(out[:-1]) if r.random() < 0.8 else "".join(out)


def value(r: random.Random, depth: int = 3):
    x = r.random()
    if depth == 0 or x < 0.62:
        return text(r, 3)
    if x < 0.70:
        return r.choice((0, 7, -3, 1.5, 4242424242424242, True, False, None))
    if x < 0.80:
        return [value(r, depth - 1) for _ in range(r.randint(0, 3))]
    if x < 0.86:
        return [[key(r), value(r, depth - 1)] for _ in range(r.randint(1, 3))]
    return {key(r): value(r, depth - 1) for _ in range(r.randint(0, 4))}


def key(r: random.Random) -> str:
    return r.choice(KEYS_SENSITIVE if r.random() < 0.4 else KEYS_PLAIN)


def mapping(r: random.Random, n: int = 5, depth: int = 2) -> dict:
    return {key(r): value(r, depth) for _ in range(r.randint(1, n))}


def pairs(r: random.Random, n: int = 4) -> list:
    return [[key(r), text(r, 2) or "v"] for _ in range(r.randint(1, n))]


def frame(r: random.Random) -> dict:
    return {
        "function": "run",
        "filename": r.choice(PATHS),
        "abs_path": r.choice(PATHS),
        "module": text(r, 1),
        "context_line": text(r, 2),
        "lineno": 12,
        "in_app": True,
        "vars": mapping(r, 4),
    }


def span(r: random.Random) -> dict:
    data_keys = (
        "http.query",
        "url.full",
        "db.query.text",
        "gen_ai.prompt",
        "gen_ai.tool.input",
        "thread.name",
        "sentry.release",
        "release",
        "profile_id",
        "http.request.header.cookie",
        "http.request.header.cookie.sessionid",
        "http.response.header.set-cookie",
        "http.request.header.x-token",
        "custom.note",
        "password",
        "user.email",
        "user.ip_address",
        "client.address",
        "server.address",
        "mcp.prompt.result",
        "id",
    )
    return {
        "span_id": "fa90fdead5f74052",
        "trace_id": "4c79f60c11214eb38604f4ae0781bfb2",
        "timestamp": 2.0,
        "start_timestamp": 1.0,
        "op": "db",
        "description": text(r, 2),
        "data": {r.choice(data_keys): value(r, 2) for _ in range(r.randint(1, 6))},
        "tags": {"k": text(r, 1) or "v"},
        "sentry_tags": {"user.ip": "192.0.2.7", "user.email": "mira@lab.example", "domain": text(r, 1) or "d"},
    }


def event(r: random.Random, rich: bool = True) -> dict:
    ev: dict = {"event_id": "9ec79c33ec9942ab8353589fcb2e04dc", "platform": "python"}
    add = lambda p: r.random() < p  # noqa: E731
    if add(0.5):
        ev["logentry"] = {
            "message": text(r, 2),
            "formatted": text(r),
            "params": [text(r, 2), text(r, 1)] if add(0.5) else mapping(r, 3),
        }
    if add(0.5):
        ev["server_name"] = text(r, 1) or "web"
    if add(0.4):
        ev["culprit"] = text(r, 1) or "c"
    if add(0.4):
        ev["transaction"] = text(r, 1) or "t"
    if add(0.6):
        ev["extra"] = mapping(r, 6, 3)
    if add(0.5):
        ev["tags"] = [[k.replace(" ", "-"), v.replace("\n", " ")] for k, v in pairs(r)]
    if add(0.5):
        ev["user"] = {
            "id": text(r, 1) or "1",
            "email": r.choice(EMAILS),
            "username": text(r, 1) or "u",
            "name": "Ines",
            "geo": {"city": text(r, 1) or "Rome"},
        }
        if add(0.6):
            ev["user"]["ip_address"] = r.choice(("192.0.2.17", "::1", "2001:db8::9", "{{auto}}"))
        if add(0.4):
            ev["user"]["data"] = mapping(r, 3)
        if add(0.3):
            ev["user"]["plan"] = text(r, 2)
    if add(0.6):
        ev["request"] = {
            "method": "POST",
            "url": r.choice(URLS),
            "data": value(r, 3),
            "query_string": pairs(r),
            "fragment": text(r, 1) or "f",
            "cookies": [
                [r.choice(("sessionid", "theme", "_csrf", "PHPSESSID", "lang")), "v" + text(r, 1)] for _ in range(2)
            ],
            "headers": [
                [h, text(r, 2) or "h"]
                for h in r.sample(
                    ("User-Agent", "X-Forwarded-For", "Authorization", "X-Api-Key", "Accept", "Referer"), 3
                )
            ],
            "env": {"REMOTE_ADDR": r.choice(IPS), "SERVER_NAME": "s", "DB_PASSWORD": text(r, 1) or "d"},
        }
    if add(0.6):
        ev["exception"] = {
            "values": [
                {
                    "type": text(r, 1) or "E",
                    "value": text(r),
                    "module": "m",
                    "mechanism": {"type": "generic", "description": text(r, 2) or "d", "data": mapping(r, 2)},
                    "stacktrace": {"frames": [frame(r) for _ in range(r.randint(1, 2))]},
                }
            ]
        }
    if add(0.5):
        ev["breadcrumbs"] = {
            "values": [
                {"type": "http", "category": text(r, 1) or "c", "message": text(r), "data": mapping(r, 3)}
                for _ in range(r.randint(1, 3))
            ]
        }
    if add(0.4):
        ev["contexts"] = contexts(r)
    if rich and add(0.35):
        ev["spans"] = [span(r) for _ in range(r.randint(1, 2))]
    if add(0.2):
        ev["sdk"] = {"name": "sentry.python", "version": "2.0", "client_ip": "192.0.2.9"}
    if add(0.2):
        ev["unknown_top"] = value(r, 2)
    if add(0.2):
        ev["debug_meta"] = {
            "images": [
                {
                    "type": "elf",
                    "code_file": r.choice(PATHS),
                    "debug_file": r.choice(PATHS),
                    "debug_id": "971f98e5-ce60-41ff-b2d7-235bbeb34578",
                    "image_addr": "0x10",
                }
            ]
        }
    if add(0.15):
        ev["threads"] = {"values": [{"id": 1, "name": text(r, 1) or "main", "stacktrace": {"frames": [frame(r)]}}]}
    if add(0.1):
        ev["csp"] = {
            "document_uri": text(r, 2) or "d",
            "blocked_uri": r.choice(URLS),
            "source_file": r.choice(PATHS),
            "violated_directive": text(r, 1) or "v",
        }
    return ev


def contexts(r: random.Random) -> dict:
    return {
        "os": {"type": "os", "name": text(r, 1) or "Linux", "build": text(r, 1) or "b", "unlisted": text(r, 2) or "u"},
        "device": {
            "type": "device",
            "name": text(r, 1) or "phone",
            "device_unique_identifier": text(r, 1) or "d",
            "model": text(r, 1) or "m",
        },
        "trace": {
            "type": "trace",
            "trace_id": "4c79f60c11214eb38604f4ae0781bfb2",
            "span_id": "fa90fdead5f74052",
            "data": {"url.full": text(r, 2) or "u", "note": mapping(r, 2), "release": "192.0.2.3"},
        },
        "response": {
            "type": "response",
            "data": value(r, 2),
            "headers": [["X-Auth-Token", "t"], ["Server", text(r, 1) or "s"]],
            "cookies": [["session", "zz"], ["a", "b"]],
        },
        "shop": {"type": "shop", "basket": value(r, 2), "password": value(r, 1)},
    }


def rules_list(r: random.Random, n: int = 3) -> list:
    out = r.sample(RULES, r.randint(1, n))
    if r.random() < 0.6:
        out[0] = r.choice(LIKELY)
    return out


def rawify(r: random.Random, ev: dict) -> dict:
    """Rewrite parts of an event into other shapes that SDKs send for the same content."""

    def as_map(ps):
        return {k: v for k, v in ps if isinstance(k, str)}

    req = ev.get("request")
    if isinstance(req, dict):
        if "cookies" in req:
            req["cookies"] = r.choice(
                (as_map(req["cookies"]), "; ".join(f"{quote(k)}={quote(v)}" for k, v in req["cookies"]), req["cookies"])
            )
        if "headers" in req:
            req["headers"] = r.choice((as_map(req["headers"]), req["headers"]))
        if "query_string" in req:
            req["query_string"] = r.choice(
                (
                    as_map(req["query_string"]),
                    "&".join(f"{quote(k)}={quote(v)}" for k, v in req["query_string"]),
                    "?" + "&".join(f"{quote(k)}={quote(v)}" for k, v in req["query_string"]),
                )
            )
    if "tags" in ev and r.random() < 0.6:
        ev["tags"] = as_map(ev["tags"])
    for k in ("exception", "breadcrumbs", "threads"):
        if isinstance(ev.get(k), dict) and "values" in ev[k] and r.random() < 0.5:
            ev[k] = ev[k]["values"]
    if "logentry" in ev and r.random() < 0.3:
        ev["message"] = ev.pop("logentry")["formatted"] or "m"
    for exc in ev["exception"] if isinstance(ev.get("exception"), list) else []:
        if r.random() < 0.3:
            exc["value"] = {"detail": exc.get("value"), "code": 5}
    return ev


def custom_rules(r: random.Random) -> dict:
    out = {}
    for name in r.sample(("a1", "b2", "zz", "@ip", "m-rule", "k", "Ω"), r.randint(1, 3)):
        kind = r.random()
        if kind < 0.45:
            p, g = r.choice(PATTERNS)
            spec = {"type": "pattern", "pattern": p}
            if g is not None:
                spec["replaceGroups"] = g
        elif kind < 0.65:
            spec = {
                "type": r.choice(("redact_pair", "redactPair")),
                "keyPattern": r.choice(("note", "(?i)session|pin", "^key$", "pass", "o", "é")),
            }
        elif kind < 0.85:
            spec = {
                "type": r.choice(
                    (
                        "ip",
                        "email",
                        "creditcard",
                        "iban",
                        "mac",
                        "uuid",
                        "imei",
                        "us_ssn",
                        "url_auth",
                        "userpath",
                        "bearer",
                        "password",
                        "pemkey",
                        "cookies",
                        "anything",
                    )
                )
            }
        elif kind < 0.93:
            spec = {"type": "alias", "rule": r.choice(RULES), "hideInner": r.random() < 0.5}
        else:
            spec = {"type": "multiple", "rules": rules_list(r), "hideInner": r.random() < 0.5}
        red = r.choice(REDACTIONS)
        if red is not None:
            spec["redaction"] = red
        out[name] = spec
    return out
