"""Scrubbing alone, beside the `sentry-relay` library on the same events in one process.

    python tests/bench/bench_scrub.py [--rounds N]

The library compiles its rules at each call and a daemon does not, so from its time the time of an empty event under the same rules
is taken off. `library` is its public function, which takes and gives objects and so spells and reads JSON around its core; `core` is
that core alone, from bytes to bytes, below the public function. Ours goes from bytes to bytes. All run in turn, ten calls each, and
of each the best round of CPU time counts: a busy machine only ever adds. Ratios are to the public function, in brackets to the core.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sentry_relay._lowlevel import lib
from sentry_relay.processing import convert_datascrubbing_config, pii_strip_event
from sentry_relay.utils import decode_str, encode_str, rustcall

from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.program import compile_program
from scrubjay.settings.scrub import Scrub

CORPUS = Path(__file__).resolve().parents[1] / "support" / "corpus"
SETTINGS = {"scrubData": True, "scrubDefaults": True, "scrubIpAddresses": True}
SIZES_KB = (1, 4, 16, 120, 1024)
RULES = {
    "default rules": None,
    "eight value rules": {
        "applications": {
            "$string": ["@email", "@ip", "@creditcard", "@iban", "@usssn", "@bearer", "@urlauth", "@mac"],
        }
    },
}
"""Advanced configs; None stands for the switches of `SETTINGS`."""
PLANTED = (
    "4242424242424242", "DE02120300000000202051", "Bearer abc.def.ghi", "https://ana:s3cret@db.example/x", "457-55-5462",
    "192.0.2.44", "my password is hunter2", "ana@lab.example", "2001:db8:1:2:3:4:5:6", "api_key=17",
)  # fmt: skip
BLOCK = 10  # calls in a row: a relay scrubs one event after the other
KINDS = ("clean", "ordinary", "planted")
"""Clean: nothing to find. Ordinary: a client address, a session cookie, a token. Planted: ten values more."""
EVERYWHERE = 3.0
GOALS = {("ordinary", 16): 8.0, ("ordinary", 120): 12.0, ("planted", 16): 5.0, ("planted", 120): 5.0}


def goal(kind: str, kilobytes: int) -> float:
    return GOALS.get((kind, kilobytes), EVERYWHERE)


def event(name: str) -> dict[str, Any]:
    """The event of an envelope of the corpus."""
    lines = next(CORPUS.glob(f"*{name}*")).read_bytes().split(b"\n")
    return json.loads(next(line for line in lines[2:] if line.startswith(b"{") and b'"event_id"' in line))


def sized(kilobytes: int) -> dict[str, Any]:
    """An ordinary Python event, brought to a size with breadcrumbs and frames of its own kind."""
    base = event("101-python-event")
    crumbs = base["breadcrumbs"]["values"]
    frames = [frame for value in base["exception"]["values"] for frame in value.get("stacktrace", {}).get("frames", [])]
    base["request"] = {
        "url": "https://shop.example/checkout/7",
        "method": "POST",
        "headers": {
            "Accept": "*/*",
            "Authorization": "Bearer 5f2b7c.d1e9a0",
            "Host": "shop.example",
            "User-Agent": "python-requests/2.32",
        },
        "cookies": {"theme": "dark", "sessionid": "c0ffee"},
        "env": {"SERVER_NAME": "web-1", "SERVER_PORT": "8000", "REMOTE_ADDR": "203.0.113.9"},
        "query_string": "step=2",
    }
    base["user"] = {"id": "4494", "ip_address": "203.0.113.9"}
    target = kilobytes * 1024
    first = base["exception"]["values"][0]["stacktrace"]
    base["exception"]["values"] = base["exception"]["values"][:1]
    first["frames"], base["breadcrumbs"]["values"] = [frames[0]], crumbs[:1]
    if kilobytes < 8:
        base.pop("modules")
    turn = random.Random(kilobytes)
    while len(json.dumps(base, separators=(",", ":"))) < target:
        if turn.random() < 0.4:
            first["frames"].append(turn.choice(frames))
        else:
            base["breadcrumbs"]["values"].append(turn.choice(crumbs))
    return base


def clean(base: dict[str, Any]) -> dict[str, Any]:
    """The same event without what an ordinary one gives away."""
    return {name: value for name, value in base.items() if name not in ("request", "user")}


def planted(base: dict[str, Any]) -> dict[str, Any]:
    """The same event with ten values to find, in variables, breadcrumbs, extra data and the message."""
    out = json.loads(json.dumps(base))
    turn = random.Random(7)
    crumbs, frames = out["breadcrumbs"]["values"], out["exception"]["values"][0]["stacktrace"]["frames"]
    for place, value in enumerate(PLANTED):
        if place % 3 == 0:
            turn.choice(crumbs)["message"] = f"step done with {value} in it"
        elif place % 3 == 1:
            turn.choice(frames).setdefault("vars", {})[f"local_{place}"] = f"'{value}'"
        else:
            out.setdefault("extra", {})[f"note_{place}"] = value
    out["logentry"] = {"formatted": "mail to ana@lab.example, card 4242424242424242"}
    return out


def measure(kilobytes: int, kind: str, rounds: int, rules: str = "default rules") -> dict[str, float]:
    """CPU time in microseconds per event."""
    document = {"clean": clean, "ordinary": dict, "planted": planted}[kind](sized(kilobytes))
    payload = json.dumps(document, separators=(",", ":")).encode()
    config = RULES[rules] or convert_datascrubbing_config(SETTINGS)
    core, empty = core_call(config), json.loads("{}")
    programs = {
        profile: compile_program(
            pii_config=RULES[rules],
            settings=None if RULES[rules] else SETTINGS,
            options=Scrub(profile=profile),  # type: ignore[arg-type]
        )
        for profile in ("parity", "strict")
    }
    runs: dict[str, Callable[[], object]] = {
        "library": lambda: pii_strip_event(config, document),
        "library empty": lambda: pii_strip_event(config, empty),
        "core": lambda: core(payload),
        "core empty": lambda: core(b"{}"),
        **{
            name: lambda program=program: scrub_document(program, payload, "event")
            for name, program in programs.items()
        },
    }
    calls = BLOCK if kilobytes < 1000 else 1
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    order = list(runs.items())
    for turn in range(rounds):
        # Who runs after the library finds its caches cold, so each does at times.
        at = turn % len(order)
        for name, run in order[at:] + order[:at]:
            started = time.thread_time()
            for _ in range(calls):
                run()
            times[name].append((time.thread_time() - started) * 1e6 / calls)
    best = {name: min(values) for name, values in times.items()}
    for name in ("library", "core"):
        best[name] -= best[f"{name} empty"]
    return {"bytes": len(payload), **best}


def core_call(rules: object) -> Callable[[bytes], bytes]:
    """The library's scrubber without the JSON work of its Python function."""
    config = encode_str(json.dumps(rules))

    def call(payload: bytes) -> bytes:
        return decode_str(rustcall(lib.relay_pii_strip_event, config, encode_str(payload)), free=True)

    return call


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    print(
        f"{'event':>16}{'bytes':>8}{'library':>9}{'core':>7}{'parity':>8}{'ratio':>16}{'strict':>8}{'ratio':>16}   goal"
    )
    missed = 0
    for rules in RULES:
        print(rules)
        for kilobytes in SIZES_KB:
            for kind in KINDS:
                row = measure(kilobytes, kind, rounds, rules)
                wanted = goal(kind, kilobytes)
                missed += row["library"] / row["parity"] < wanted
                print(
                    f"{kilobytes:>5} KB {kind:>8}{row['bytes']:>8.0f}{row['library']:>9.0f}{row['core']:>7.0f}"
                    + "".join(
                        f"{row[name]:>8.0f}{row['library'] / row[name]:>7.1f}x ({row['core'] / row[name]:>4.1f}x)"
                        for name in ("parity", "strict")
                    )
                    + f"   {wanted:.0f}x"
                )
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
