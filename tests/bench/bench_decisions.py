"""What the decisions cost: the path of one envelope under 0, 10 and 100 rules and quotas, and among 10,000 projects.

    python -m tests.bench decisions

An envelope goes through the whole path without scrubbing and sending, under a plan without anything to decide (no-op) and under plans with
rules; all plans take turns in one process and the best round of CPU time counts. The difference to the no-op is what decisions cost. `10 rules`
are five filters and five sampling rules that all look and none of which matches, beside ten quotas of which five count the event.
"""

from __future__ import annotations

import gc
import json
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path as Folder
from typing import Any

from scrubjay.core.plan import Programs, ProjectPlan, compile_plan
from scrubjay.settings.project_parsing import parse_project
from scrubjay.settings.schema import Settings

if __name__ == "__main__":
    sys.path.insert(0, str(Folder(__file__).parents[1]))
from bench import bench_scrub
from bench.report import Row
from bench.traffic import envelope
from support.path import KEY, Path, Plans

COUNTS = (0, 10, 100)
GOAL_US = 40.0
PROJECTS = 10_000
BLOCK = 20
_FIELDS = ("event.logger", "event.environment", "event.server_name", "event.tags.shop", "event.transaction")


def config(count: int) -> dict[str, Any]:
    """A project's options with `count` rules, half of them filters, and as many quotas."""
    half = count // 2
    return {
        "filterSettings": {
            "generic": {"version": 1, "filters": [_filter(number) for number in range(half)]},
        }
        if count
        else {},
        "quotas": [_quota(number) for number in range(count)],
        "scrubjay": {"sampling": [_sampling(number) for number in range(count - half)]},
    }


def _filter(number: int) -> dict[str, Any]:
    name = _FIELDS[number % len(_FIELDS)]
    condition = {"op": "glob", "name": name, "value": [f"*nobody-{number}*"]}
    return {"id": f"f{number}", "isEnabled": True, "condition": condition}


def _sampling(number: int) -> dict[str, Any]:
    condition = {"op": "eq", "name": _FIELDS[number % len(_FIELDS)], "value": [f"nobody-{number}", "nothing"]}
    return {"id": 3000 + number, "applies": ["error"], "rate": 0.0, "protect": False, "condition": condition}


def _quota(number: int) -> dict[str, Any]:
    category = ("error", "transaction")[number % 2]
    scope = ("key", "project", "organization")[number % 3]
    return {"id": f"q{number}", "scope": scope, "categories": [category], "limit": 2**40, "window": 60}


def plan(options: dict[str, Any], number: int = 7, programs: Programs | None = None) -> ProjectPlan:
    """A project's plan; what it scrubs is left to whoever asks."""
    text = json.dumps({"projectId": number, "config": options})
    return compile_plan(parse_project(text, "bench.json"), Settings(), programs)


@dataclass
class _Relay:
    """The path under one plan, or under many."""

    path: Path
    keys: list[str]

    def send(self, body: bytes, number: int) -> None:
        self.path.send(body, auth=True)
        if number % 64 == 0:
            self.path.shelf.parcels.clear()
            self.path.account.bookings.clear()
            self.path.account.came.clear()
            self.path.account.accepts.clear()


def relay(made: ProjectPlan) -> _Relay:
    path = Path(None)
    path.ports.plans = Plans({"*": made})
    return _Relay(path, [KEY])


def times(relays: dict[str, _Relay], bodies: list[bytes], rounds: int) -> dict[str, float]:
    """Microseconds of CPU time per envelope, the best of all rounds."""
    best = dict.fromkeys(relays, float("inf"))
    for _ in range(rounds):
        for name, one in relays.items():
            begin = time.process_time()
            for number in range(BLOCK):
                one.send(bodies[number % len(bodies)], number)
            best[name] = min(best[name], (time.process_time() - begin) / BLOCK * 1e6)
    return best


def bodies_of(kilobytes: int) -> list[bytes]:
    """Envelopes with an ordinary error of a size; they differ in their ids."""
    event = bench_scrub.sized(kilobytes)
    made = [json.dumps(event | {"event_id": f"{number + 1:032x}"}, separators=(",", ":")) for number in range(BLOCK)]
    return [envelope(payload.encode()) for payload in made]


def rows(*, quick: bool) -> Iterator[Row]:
    rounds = 3 if quick else 150
    programs = Programs()
    plans = {count: plan(config(count), programs=programs) for count in COUNTS}
    problems = [problem for made in plans.values() for problem in made.problems]
    assert not problems, problems
    for kilobytes in (1, 4, 16):
        bodies = bodies_of(kilobytes)
        relays = {"no-op": relay(ProjectPlan("none", 7, sends_client_ip=False))}
        relays |= {str(count): relay(replace(made, scrub=None)) for count, made in plans.items()}
        relays["all"] = relay(plans[10])
        found = times(relays, bodies, rounds)
        for count in COUNTS:
            cost = found[str(count)] - found["no-op"]
            goal, met = (f"≤ {GOAL_US:g} µs", cost <= GOAL_US) if count == 10 else ("", None)
            share = f"; {cost / found['all']:.0%} of the path with scrubbing" if count == 10 else ""
            yield Row(
                f"{count} rules and quotas, {kilobytes} KB",
                f"{cost:.1f} µs",
                goal,
                met,
                f"the path {found[str(count)]:.0f} µs, no-op {found['no-op']:.0f} µs{share}",
            )
    yield from _many_projects(quick=quick, rounds=rounds)


def _many_projects(*, quick: bool, rounds: int) -> Iterator[Row]:
    count = 200 if quick else PROJECTS
    programs = Programs()
    keys = [f"{number:032x}" for number in range(count)]
    random.Random(1).shuffle(keys)
    made = {key: replace(plan(config(10), number, programs), scrub=None) for number, key in enumerate(keys)}
    bodies = bodies_of(4)
    one, many = relay(made[keys[0]]), relay(made[keys[0]])
    one.path.ports.overrides_project_ids = many.path.ports.overrides_project_ids = True
    many.path.ports.plans = _Turning(made, keys)
    begin = time.process_time()
    for number in range(count):  # the first of each project: its counters begin
        many.send(bodies[number % BLOCK], number)
    first_us = (time.process_time() - begin) / count * 1e6
    found = times({"one": one, "many": many}, bodies, rounds)
    yield Row(
        f"one envelope among {count:,} projects",
        f"{found['many'] / found['one']:.2f}×",
        "≤ 1.1×",
        found["many"] <= found["one"] * 1.1,
        f"{found['many']:.0f} µs against {found['one']:.0f} µs with one project, 10 rules and quotas each; "
        f"{first_us:.0f} µs for the first of a project, whose counters begin",
    )
    for rules in (0, 10):
        yield Row(
            f"memory of a project, {rules} rules and quotas",
            f"{memory_kib(rules, count):.1f} KiB",
            detail="its configuration and its plan",
        )


class _Turning(Plans):
    """Gives each request another project."""

    def __init__(self, made: dict[str, ProjectPlan], keys: list[str]) -> None:
        super().__init__({})
        self._made, self._keys, self._turn = made, keys, 0

    def find(self, key: str) -> ProjectPlan | None:
        self._turn = (self._turn + 7919) % len(self._keys)
        return self._made[self._keys[self._turn]]


def memory_kib(rules: int, count: int) -> float:
    """What a project takes in a fresh process."""
    run = subprocess.run(
        [sys.executable, __file__, str(rules), str(count)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout)


def _measure_memory(rules: int, count: int) -> float:
    programs = Programs()
    kept: list[object] = [plan(config(rules), 0, programs)]
    gc.collect()
    tracemalloc.start()
    for number in range(1, count + 1):
        text = json.dumps({"projectId": number, "config": config(rules)})
        project = parse_project(text, "bench.json")
        kept.append((project, compile_plan(project, Settings(), programs)))
    return tracemalloc.get_traced_memory()[0] / count / 1024


if __name__ == "__main__":
    print(_measure_memory(int(sys.argv[1]), int(sys.argv[2])))
