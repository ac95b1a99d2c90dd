"""Globs, conditions, releases and the fields of events, held against the package `sentry-relay` with random input.

Where the specification (`decisions.md` 6) differs from the package, the specification wins. The differences, which the input leaves out:

* A pattern whose words end with a capital sigma: the package lower-cases that to the final form, and then finds it in no text.
* An unclosed `{` is an error (Q7); as a quirk it is what the package does.
* `release` without `value`, or with null, is a parse error like every missing member; to the package it is not supported, which ends the same.
* `options` of `eq` must be an object; the package also takes `[]`.
* A number as `op` is an error; the package takes it for the place of an operator in its list, if it stands inside.
* A pre-release does not begin with an empty part (`1.0-.rc`).
* Numbers of versions compare as numbers whatever their size; the package takes those beyond 64 bits for 0.
* The fourth number counts; the package leaves it out when it goes by precedence.
* A release without a package has a version; the package's parser, not its conditions, says it has none.
* `contexts.device.uuid` is a text, whatever it says; the package drops what is no UUID.
* Conditions may be nested 100 deep; in the package that depends on the document that they stand in.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from scrubjay.core.conditions import compile_condition
from scrubjay.core.globs import compile_glob
from scrubjay.core.releases import parse_release
from scrubjay.core.subjects import EventSubject
from support.requirements import require

try:
    processing: Any = import_module("sentry_relay.processing")
    Pattern: Any = import_module("sentry_relay.pattern").Pattern
    PatternError: Any = import_module("sentry_relay.exceptions").PatternError
except ImportError:
    processing = None

SEED = 20_261_122


# Globs


LETTERS = "aAbBßẞİısſSkK\u212aéÉåÅ\u212bǅǆ0.^$()|/\n"
TOKENS = [*LETTERS, "-", "*", "?", "**", r"\*", r"\[", r"\\", ",", "[]", "[!]", "{}", "{,}"]


def glob(rng: random.Random) -> str:
    """A pattern that both must be able to read."""
    return "".join(rng.choice(PIECES)(rng) for _ in range(rng.randrange(6)))


def token(rng: random.Random) -> str:
    return rng.choice(TOKENS)


def in_class(rng: random.Random) -> str:
    members = rng.choices(["a-k", "A-K", "0-9", *LETTERS, r"\]", r"\-", "?", "*", ","], k=rng.randrange(1, 4))
    return f"[{rng.choice(('', '!'))}{''.join(members)}]"


def alternatives(rng: random.Random) -> str:
    inner = [
        "".join(rng.choice((token, in_class))(rng) for _ in range(rng.randrange(3))) for _ in range(rng.randrange(1, 4))
    ]
    return "{" + ",".join(part.replace("{", "").replace("}", "") for part in inner) + "}"


PIECES: tuple[Callable[[random.Random], str], ...] = (token, token, in_class, alternatives)


def text_for(rng: random.Random, spelled: str) -> str:
    return "".join(rng.choice(spelled + LETTERS) for _ in range(rng.randrange(7))) or spelled


@pytest.fixture(autouse=True)
def _reference() -> None:
    require(processing is not None, "needs the package sentry-relay")


def test_globs() -> None:
    rng = random.Random(SEED)
    hits = 0
    for _ in range(1_000):
        spelled = glob(rng)
        expected = Pattern(spelled, case_insensitive=True)
        problems: list[str] = []
        matches = compile_glob([spelled], problems)
        assert problems == [], spelled
        for _ in range(8):
            text = text_for(rng, spelled)
            assert matches(text) is expected.is_match(text), (spelled, text)
            hits += matches(text)
    assert hits > 230


@pytest.mark.parametrize("broken", ["a]", "a}", "[a", "[a[b]", "[z-a]", "{a,{b}}", "a\\", "{a]}", "[", "{[}"])
def test_broken_globs(broken: str) -> None:
    with pytest.raises(PatternError):
        Pattern(broken, case_insensitive=True)
    problems: list[str] = []
    compile_glob([broken], problems)
    assert len(problems) == 1


@pytest.mark.parametrize("unclosed", ["x{open", "{open", "a*{b,c", "{"])
def test_unclosed_braces_as_a_quirk(unclosed: str) -> None:
    expected, matches = Pattern(unclosed, case_insensitive=True), compile_glob([unclosed], quirks=True)
    for text in ("x", "xopen", "open", "", "a1", "a1b", "ab"):
        assert matches(text) is expected.is_match(text)


# Releases


PARTS = ["0", "1", "9", "10", "01", "rc", "RC", "alpha", "1a", "a-b"]


def version(rng: random.Random) -> str:
    numbers = ".".join(rng.choice(("0", "1", "2", "9", "10", "007", "2026")) for _ in range(rng.randrange(1, 6)))
    pre = (
        rng.choice(("", "-", "")) + ".".join(rng.choice(PARTS) for _ in range(rng.randrange(1, 3)))
        if rng.random() < 0.5
        else ""
    )
    build = "+" + ".".join(rng.choice(PARTS) for _ in range(rng.randrange(3))) if rng.random() < 0.3 else ""
    return numbers + pre + build


def test_releases() -> None:
    rng = random.Random(SEED)
    versions = []
    for _ in range(3_000):
        spelled = version(rng)
        text = f"app@{spelled}"
        expected, found = processing.parse_release(text), parse_release(text)
        assert found is not None
        assert (found.package, found.commit) == (expected["package"], expected["build_hash"])
        parsed = expected["version_parsed"]
        assert (found.version is None) is (parsed is None), spelled
        if found.version is not None:
            assert (found.version.short, found.version.build) == (parsed["raw_short"], parsed["build_code"])
            if parsed["components"] < 4:
                versions.append((spelled, found.version))
    assert len(versions) > 1_000
    orders = set()
    for _ in range(3_000):
        (one, left), (other, right) = rng.choice(versions), rng.choice(versions)
        order = (left.precedence > right.precedence) - (left.precedence < right.precedence)
        assert order == processing.compare_version(one, other, semver_precedence=True), (one, other)
        orders.add(order)
    assert orders == {-1, 0, 1}


def test_commits() -> None:
    for digits in range(1, 70):
        for text in ("1" * digits, "aB" * (digits // 2) + "c" * (digits % 2)):
            found = parse_release(f"app@{text}")
            assert found is not None
            assert found.commit == processing.parse_release(f"app@{text}")["build_hash"]


# Conditions


NAMES = ("event.release", "event.tags.a", "x")
VALUES: list[object] = [
    None,
    True,
    5,
    -1.5,
    "x",
    "1.0",
    "app@1.2",
    "latest",
    ["x"],
    ["x", 1],
    [],
    {},
    {"a": 1},
    ["[a", "b*"],
    ["10.0.0.0/8"],
]
OPS = ("eq", "gt", "gte", "lt", "lte", "glob", "cidr", "release", "and", "or", "not", "any", "all", "neq", None)


def condition(rng: random.Random, depth: int = 0) -> object:
    if rng.random() < 0.02:
        return rng.choice((None, "x", 5, []))
    config: dict[str, object] = {"op": rng.choice(OPS)}
    if depth < 3:
        inner = [condition(rng, depth + 1) for _ in range(rng.randrange(3))]
        plain = inner[0] if inner else {"op": "and", "inner": []}
        config["inner"] = inner if (config["op"] in ("and", "or")) is (rng.random() < 0.95) else plain
    if rng.random() < 0.97:
        config["name"] = rng.choice(NAMES) if rng.random() < 0.97 else 5
    config["value"] = rng.choice(VALUES[1:] if config["op"] == "release" else VALUES)
    if config["op"] == "release" or rng.random() < 0.2:
        config["comparator"] = rng.choice(("eq", "gt", "gte", "lt", "lte", "zz", 5) if rng.random() < 0.5 else ("eq",))
    if rng.random() < 0.2:
        config["options"] = rng.choice(({}, {"ignoreCase": True}, {"ignoreCase": 1}, None, "x"))
    if rng.random() < 0.03:
        config.pop(rng.choice(("value", "op")), None) if config["op"] != "release" else None
    return config


def verdict(config: object) -> str:
    try:
        return "taken" if compile_condition(config).is_supported else "unsupported"
    except ValueError:
        return "refused"


def expected_verdict(config: object) -> str:
    try:
        processing.validate_rule_condition(json.dumps(config))
    except ValueError as error:
        return "unsupported" if "unsupported condition" in str(error) else "refused"
    return "taken"


def test_conditions() -> None:
    rng = random.Random(SEED)
    verdicts = Counter[str]()
    for _ in range(6_000):
        config = condition(rng)
        found = verdict(config)
        assert found == expected_verdict(config), config
        verdicts[found] += 1
    assert min(verdicts[name] for name in ("taken", "unsupported", "refused")) > 300, verdicts


# Fields of events


FIELDS = [
    *(
        "level",
        "release",
        "dist",
        "environment",
        "transaction",
        "logger",
        "platform",
        "server_name",
        "duration",
        "sentry_user",
    ),
    *(
        "logentry.formatted",
        "logentry.message",
        "transaction.source",
        "sdk.name",
        "sdk.version",
        "request.method",
        "request.url",
    ),
    *(f"user.{name}" for name in ("email", "id", "segment", "ip_address", "name", "geo.city", "geo.country_code")),
    *(f"request.headers.{name}" for name in ("User-Agent", "X-FOO-Bar", "Host", "N")),
    *("tags.a", "tags.b-c", "tags.3", "extra.a", "extra.a.b", "measurements.lcp.value", "breakdowns.g.n"),
    *(f"contexts.os.{name}" for name in ("name", "version", "build", "rooted", "kernel_version")),
    *(f"contexts.device.{name}" for name in ("arch", "battery_level", "charging", "screen_dpi", "uuid", "online")),
    *("contexts.trace.status", "contexts.trace.op", "contexts.response.status_code", "contexts.profile.profile_id"),
    *("contexts.app.in_foreground", "contexts.browser.name", "contexts.runtime.name", "contexts.gpu.name"),
]
ODD: list[object] = [None, 5, 1.5, True, "", "x", [], {}, ["x"], {"a": 1}, [["a", "b"]]]
PROFILE = "4c79f60c11214eb38604f4ae0781bfb2"
CONTEXTS: dict[str, dict[str, list[object]]] = {
    "os": {"name": ["Linux"], "version": ["6"], "build": ["b", 5], "rooted": [True], "kernel_version": ["6.1"], "type": ["os", "device"]},
    "device": {"arch": ["x"], "battery_level": [5], "charging": [False], "screen_dpi": [300], "uuid": ["4c79f60c-1121-4eb3-8604-f4ae0781bfb2"], "online": [True]},
    "trace": {"status": ["ok", "failure", 5, "zz"], "op": ["http"]},
    "response": {"status_code": [500, 404]},
    "profile": {"profile_id": [PROFILE, PROFILE.upper()]},
    "app": {"in_foreground": [True]},
    "browser": {"name": ["Firefox"]},
    "runtime": {"name": ["CPython"]},
    "gpu": {"name": ["G"], "type": ["gpu"]},
}  # fmt: skip


def some(rng: random.Random, members: dict[str, list[object]]) -> dict[str, object]:
    """Some members, most of them with a value that fits."""
    chosen = {name: values for name, values in members.items() if rng.random() < 0.6}
    return {name: rng.choice(values if rng.random() < 0.8 else ODD) for name, values in chosen.items()}


def raw_event(rng: random.Random) -> dict[str, object]:
    user = some(rng, {"id": ["7", 7], "email": ["a@b.co"], "segment": ["vip"], "ip_address": ["10.0.0.1", "{{auto}}"], "name": ["Ana"], "sentry_user": ["id:7"]})  # fmt: skip
    user["geo"] = some(rng, {"city": ["Graz"], "country_code": ["AT"]})
    headers: list[object] = [
        {"user-agent": "x", "n": 5},
        [["x-FOO-bar", "1"], ["Host", "h"]],
        {"host": ["a", "b"]},
        [["host", None]],
    ]
    request = some(rng, {"method": ["GET"], "url": ["https://shop.example/"], "headers": headers})
    message: list[object] = ["m 1", {"formatted": "m 1", "message": "m %s"}, {"message": "m %s"}, 5]
    exceptions: list[object] = [
        [{"type": "E", "value": 1}],
        {"values": [{"type": "E", "value": "x"}, None]},
        {"type": "E", "module": "m"},
    ]
    fitting: dict[str, list[object]] = {
        "level": ["error", "fatal", "log", "critical", 30, "zz"], "release": ["app@1.0", 5], "dist": ["d"], "environment": ["prod"],
        "transaction": ["/cart"], "logger": ["shop"], "platform": ["python"], "server_name": ["web"], "type": ["transaction", "error", "default"],
        "start_timestamp": [1000.5, "1970-01-01T00:16:40.25Z"], "timestamp": [1001, "1970-01-01T00:16:41Z", 900],
        "tags": [{"a": 1, "b c": "x"}, [["a", "1"], ["a", "2"], [3, True]], {"a": None}],
        "extra": [{"a": {"b": 5}}, {"a": "x"}], "transaction_info": [{"source": "route"}],
        rng.choice(("user", "sentry.interfaces.User")): [user], rng.choice(("request", "sentry.interfaces.Http")): [request],
        rng.choice(("logentry", "sentry.interfaces.Message", "message")): message, "message": message,
        rng.choice(("exception", "sentry.interfaces.Exception")): exceptions,
        rng.choice(("contexts", "sentry.interfaces.Contexts")): [{name: some(rng, members) for name, members in CONTEXTS.items()}],
        "sdk": [some(rng, {"name": ["raven"], "version": ["1.0"]})], "measurements": [{"LCP": {"value": 2.5}}, {"lcp": {"value": "x"}}],
        "breakdowns": [{"g": {"n": {"value": 5}}}],
    }  # fmt: skip
    return some(rng, fitting)


def fields(event: object) -> dict[str, object]:
    subject = EventSubject(json.dumps(event).encode())
    found: dict[str, object] = {name: subject.value(f"event.{name}") for name in FIELDS}
    found["exceptions"] = [(exception.ty, exception.text, exception.module) for exception in subject.exceptions]
    return found


def test_fields_are_those_of_the_event_as_the_reference_stores_it() -> None:
    rng = random.Random(SEED)
    present = Counter[str]()
    for _ in range(4_000):
        event = raw_event(rng)
        found, expected = fields(event), fields(processing.pii_strip_event({}, event))
        for name, value in expected.items():
            more = found[name] if name == "contexts.device.uuid" else ""
            assert found[name] == value or (value is None and found[name] in (None, "", more)), (name, event)
            present[name] += value is not None
    missing = {name for name in FIELDS if present[name] < 50}
    assert not missing
