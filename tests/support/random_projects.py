"""Projects with rules of every kind at random, some of them broken: what decides about envelopes, to be tried out against `random_envelopes`."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from scrubjay.errors import ConfigError
from scrubjay.settings.schema import Settings
from support.path import Path
from support.random_envelopes import WORDS

CATEGORIES = (
    ["error"],
    ["transaction"],
    ["span"],
    ["span_indexed"],
    ["attachment"],
    ["attachment_item"],
    ["log_item"],
    ["log_byte"],
    ["log_item", "trace_metric"],
    ["session"],
    ["profile"],
    ["profile_ui", "profile_backend"],
    ["replay"],
    ["monitor"],
    ["profile_chunk", "profile_chunk_ui"],
    ["metric_bucket"],
    ["feedback"],
    ["transaction_indexed"],
    ["trace_metric_byte"],
    ["error", "transaction", "span"],
    ["martian"],
    [],
)
FIELDS = (
    *("level", "release", "environment", "transaction", "tags.t", "user.id", "duration", "extra.a.b", "platform"),
    *("request.headers.User-Agent", "measurements.fp.value", "contexts.trace.op", "exception.values", "nothing"),
)
OTHER_FIELDS = (
    *("span.op", "span.attributes.k.value", "log.body", "log.level", "log.attributes.k.value", "trace_metric.name"),
    *("envelope.client_ip", "trace.environment", "trace.transaction", "trace.replay_id"),
)
PATTERNS = ("*", "*o*", "{a,b}*", "?", "[!a]*", "[a", "", "1.*")
DIMENSIONS = ("release", "environment", "transaction", "level", "fingerprint", "clientIp", "tag:t", "checkInSlug")
ALWAYS: dict[str, Any] = {"op": "and", "inner": []}


def random_path(random: Random, settings: Settings, **ports: Any) -> Path:
    """A path with random rules. What is no configuration at all is left out."""
    while True:
        text = json.dumps(_project(random))
        try:
            return Path(text, settings, **ports)
        except ConfigError:
            continue


def condition(random: Random, depth: int = 0) -> dict[str, Any]:
    name = random.choice((f"event.{random.choice(FIELDS)}", random.choice(OTHER_FIELDS)))
    patterns = random.choices(PATTERNS, k=random.randint(0, 3))
    deeper = [condition(random, depth + 1) for _ in range(random.randint(0, 2) if depth < 4 else 0)]
    word = random.choice(WORDS)
    return random.choice(
        (
            {"op": "eq", "name": name, "value": random.choice((None, True, 3, word, [word, 1]))},
            {"op": random.choice(("gt", "gte", "lt", "lte")), "name": name, "value": random.choice((1, 500.5, "m"))},
            {"op": "glob", "name": name, "value": patterns},
            {"op": "cidr", "name": name, "value": ["10.0.0.0/8", "bad"]},
            {"op": "release", "name": "event.release", "comparator": "lt", "value": "1.2.0"},
            {"op": random.choice(("and", "or")), "inner": deeper},
            {"op": "not", "inner": (*deeper, ALWAYS)[0]},
            {"op": "any", "name": "event.exception.values", "inner": {"op": "glob", "name": "ty", "value": patterns}},
            {"op": random.choice(("neq", "eq"))},
        )[: 9 if random.random() < 0.05 else 8]
    )


def _project(random: Random) -> dict[str, Any]:
    ours: dict[str, Any] = {}
    config: dict[str, Any] = {"scrubjay": ours}
    if random.random() < 0.5:
        config["filterSettings"] = _filters(random)
    if random.random() < 0.5:
        config["sampling"] = _trace_rules(random)
    if random.random() < 0.6:
        config["quotas"] = [_quota(random, number) for number in range(random.randint(1, 4))]
    if random.random() < 0.5:
        ours["quotas"] = [_own_quota(random, number) for number in range(random.randint(1, 4))]
    if random.random() < 0.5:
        ours["sampling"] = [_rate(random, number) for number in range(random.randint(1, 3))]
    if random.random() < 0.3:
        ours["filters"] = [{"id": "own", random.choice(("loggers", "releases", "exception_types")): ["*o*"]}]
    return {"config": config}


def _filters(random: Random) -> dict[str, Any]:
    every: dict[str, Any] = {
        "generic": {"version": 1, "filters": [{"id": "g", "isEnabled": True, "condition": condition(random)}]},
        "csp": {"disallowedSources": ["*.ads.example", "about"]},
        "clientIps": {"blacklistedIps": [random.choice(("10.0.0.0/8", "192.0.2.1")), "bad"]},
        "releases": {"releases": ["1.*", "[a"]},
        "errorMessages": {"patterns": ["*timeout*"]},
        "localhost": {"isEnabled": True},
        "browserExtensions": {"isEnabled": True},
        "webCrawlers": {"isEnabled": True},
        "legacyBrowsers": {"isEnabled": True, "options": ["default", "ie11"]},
        "ignoreTransactions": {"patterns": ["*/health{/,}"], "isEnabled": True},
        "martian": None,
    }
    chosen = random.sample(sorted(every), random.randint(1, 4))
    return {name: every[name] if random.random() < 0.95 else random.choice((None, 3, [], "x")) for name in chosen}


def _trace_rules(random: Random) -> dict[str, Any]:
    rules = [
        {
            "id": random.choice((7, 1000, 1401, 3000 + number)),
            "type": random.choice(("transaction", "project", "trace")),
            "samplingValue": {
                "type": random.choice(("sampleRate", "sampleRate", "factor", "minimumSampleRate")),
                "value": random.choice((0, 0.1, 0.5, 1, 1.7)),
            },
            "condition": ALWAYS if random.random() < 0.7 else condition(random),
        }
        for number in range(random.randint(1, 4))
    ]
    return {"version": random.choice((1, 2, 2, 2, 3)), "rules": rules}


def _rate(random: Random, number: int) -> dict[str, Any]:
    share = random.choice(
        (
            {"rate": random.choice((0, 0.2, 0.5, 0.9))},
            {
                "rate": 1,
                "decay": {"type": "exponential", "halfLife": 60, "floor": 0.1, "start": "2026-01-01T00:00:00Z"},
            },
            {"firstN": {"n": 2, "window": 60, "then": random.choice((0, 0.3)), "newPerWindow": random.choice((1, 9))}},
            {"reservoir": {"size": 2, "window": 60}},
        )
    )
    kinds = ["error", "feedback", "log_item"]
    if "firstN" not in share:
        kinds += ["transaction", "span", "session", "replay", "profile", "monitor"]
    rule: dict[str, Any] = {"id": 3100 + number, "applies": random.sample(kinds, random.randint(1, 3)), **share}
    if random.random() < 0.4:
        rule["condition"] = condition(random)
    if random.random() < 0.3:
        rule["protect"] = False
    return rule


def _quota(random: Random, number: int) -> dict[str, Any]:
    quota: dict[str, Any] = {
        "id": f"q{number}",
        "categories": random.choice(CATEGORIES),
        "scope": random.choice(("organization", "project", "key", "galaxy")),
        "limit": random.choice((0, 0, 1, 2, 5, 100, None, 2**64 - 1)),
        "window": random.choice((1, 60, 3600)),
        "reasonCode": random.choice((None, "why", "a:b,c", "ü\n", "")),
    }
    if random.random() < 0.1:
        quota["scopeId"] = random.choice(("7", "x", "9" * 30))
    if random.random() < 0.1:
        quota["namespace"] = random.choice(("spans", "sessions", "martian"))
    if random.random() < 0.1:
        quota["groupBy"] = {"maxCardinality": 2, "dimensions": ["checkInSlug"]}
    if random.random() < 0.05:
        quota[random.choice(sorted(quota))] = random.choice((-1, "x", [], {}, 1.5, True))
    return quota


def _own_quota(random: Random, number: int) -> dict[str, Any]:
    quota = _quota(random, 100 + number)
    quota.pop("groupBy", None)
    if random.random() < 0.4:
        quota["algorithm"] = random.choice(("fixed", "sliding", "bucket"))
    if random.random() < 0.5:
        quota["condition"] = condition(random)
    if random.random() < 0.5:
        dimensions = random.sample(DIMENSIONS, random.randint(1, 3))
        overflow = random.choice(("reject", "shared"))
        quota["groupBy"] = {"maxCardinality": random.choice((0, 1, 9)), "dimensions": dimensions, "overflow": overflow}
    if random.random() < 0.4:
        quota["action"] = random.choice(("drop", "observe", "sample:0.5", "sample:0"))
    return quota
