"""What rules cost: screening and scrubbing as they grow from 1 to 200, compiling them, keeping them, and patterns made to hurt.

    python tests/bench/bench_rules.py [--quick]

Rules are those that users write: keywords, numbers of some form, paths, keys, and all of these mixed. Screening is every scan of the
event's bytes, of the project's own rules and of the default settings; beside it the whole of scrubbing. CPU time, the best of some
rounds. Memory is that of a fresh process: what Python counts (tracemalloc) and what the process grew by, automata included.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from scrubjay.core.plan import Programs, compile_plan
from scrubjay.core.scrub.documents import scrub_document
from scrubjay.core.scrub.patterns import PatternError, compile_pattern
from scrubjay.core.scrub.program import ScrubProgram, compile_program
from scrubjay.settings.project import ProjectConfig, ProjectOptions
from scrubjay.settings.schema import Settings

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
from bench import bench_scrub
from bench.report import Row

SETTINGS = bench_scrub.SETTINGS
KINDS = ("keywords", "numbers", "paths", "keys", "mixed")
COUNTS = (1, 10, 50, 200)
MAX_SCREEN_RATIO = 2.0
MAX_COMPILE_MS = 250.0
KILOBYTES = 16
# Patterns made to hurt; the text that is worst for each, in pieces of which more and more are taken.
HOSTILE = (
    ("nested quantifiers", "(a+)+$", "a"),
    ("a choice of all alike", "(?:a|a|a|aa)*b", "a"),
    ("repeats of repeats", r"(?:\w{1,30}){1,30}!", "word"),
    ("anything twice", "(?s).*.*=.*", "x\n"),
    ("ten thousand words", "|".join(f"w{place * 7919:07d}" for place in range(10_000)), "w0000001 "),
)


def rules(kind: str, count: int, seed: int = 1) -> dict[str, Any]:
    """A config with rules of some kind, no two of which look for the same."""
    turn = random.Random(f"{kind}{seed}")

    def word(length: int) -> str:
        return "".join(turn.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(length))

    def keyword() -> tuple[str, dict[str, Any]]:
        return "$string", {
            "type": "pattern",
            "pattern": rf"(?i)\b{word(6)}-?{word(3)}\b",
            "redaction": {"method": "mask"},
        }

    def number() -> tuple[str, dict[str, Any]]:
        pattern = rf"\b{word(3).upper()}-?\d{{{turn.randint(4, 8)}}}\b"
        return "$string", {"type": "pattern", "pattern": pattern, "redaction": {"method": "hash"}}

    def path() -> tuple[str, dict[str, Any]]:
        places = (
            f"extra.{word(6)}.{word(5)}",
            f"$user.{word(6)}",
            f"$frame.vars.{word(7)}",
            f"contexts.{word(5)}.*",
            f"**.{word(8)}",
        )
        return turn.choice(places), {"type": "anything", "redaction": {"method": "remove"}}

    def key() -> tuple[str, dict[str, Any]]:
        return "$string || $number", {
            "type": "redact_pair",
            "keyPattern": f"(?i){word(5)}_?{word(4)}",
            "redaction": {"method": "replace"},
        }

    makers: dict[str, tuple[Callable[[], tuple[str, dict[str, Any]]], ...]] = {
        "keywords": (keyword,), "numbers": (number,), "paths": (path,), "keys": (key,), "mixed": (keyword, number, path, key),
    }  # fmt: skip
    specs: dict[str, Any] = {}
    applications: dict[str, list[str]] = {}
    for place, maker in enumerate(islice(cycle(makers[kind]), count)):
        selector, specs[f"rule-{place}"] = maker()
        applications.setdefault(selector, []).append(f"rule-{place}")
    return {"rules": specs, "applications": applications}


def compiled(config: dict[str, Any] | None) -> ScrubProgram:
    return compile_program(pii_config=config, settings=SETTINGS)


def best_us(run: Callable[[], object], rounds: int, block: int) -> float:
    """CPU time of a run in microseconds: blocks of runs, of which the fastest counts."""
    times = []
    run()
    for _ in range(rounds):
        started = time.thread_time()
        for _ in range(block):
            run()
        times.append((time.thread_time() - started) * 1e6 / block)
    return min(times)


def screening(program: ScrubProgram, payload: bytes) -> Callable[[], object]:
    scans = [one.screen.borrow() for one in program.passes]
    return lambda: [scan.document(payload) for scan in scans]


def growth_rows(*, quick: bool) -> Iterator[Row]:
    """Cost as rules grow."""
    payload = json.dumps(bench_scrub.sized(KILOBYTES), separators=(",", ":")).encode()
    rounds, block = (3, 5) if quick else (30, 20)
    for kind in ("mixed",) if quick else KINDS:
        runs: dict[tuple[int, int], Callable[[], object]] = {}
        for count in COUNTS:
            program = compiled(rules(kind, count))
            runs[count, 0] = screening(program, payload)
            runs[count, 1] = partial(scrub_document, program, payload, "event")
        # In turn, so that a busy moment of the machine falls on none of them alone.
        best = dict.fromkeys(runs, float("inf"))
        for _ in range(rounds):
            for name, run in runs.items():
                best[name] = min(best[name], best_us(run, 1, block))
        times = {count: (best[count, 0], best[count, 1]) for count in COUNTS}
        ratio = times[COUNTS[-1]][0] / times[1][0]
        yield Row(
            f"screening, {COUNTS[-1]} rules to 1, {kind}",
            f"{ratio:.2f}×",
            f"≤ {MAX_SCREEN_RATIO:g}×",
            ratio <= MAX_SCREEN_RATIO,
            ", ".join(f"{count}: {screen:.0f} µs ({whole:.0f} whole)" for count, (screen, whole) in times.items()),
        )


def compile_rows(*, quick: bool) -> Iterator[Row]:
    """Time to compile. A relay compiles the pass of equal settings once, so there the project's own rules count."""
    kept = compiled(None)
    for kind in ("mixed",) if quick else KINDS:
        times = []
        for seed in range(2 if quick else 5):
            config = rules(kind, COUNTS[-1], seed + 100)
            started = time.thread_time()
            compiled(config)
            times.append((time.thread_time() - started) * 1e3)
        figure = min(times)
        yield Row(
            f"compiling {COUNTS[-1]} rules, {kind}",
            f"{figure:.0f} ms",
            f"≤ {MAX_COMPILE_MS:g} ms",
            figure <= MAX_COMPILE_MS,
        )
    del kept
    started = time.thread_time()
    project = ProjectConfig(config=ProjectOptions(pii_config=rules("mixed", COUNTS[-1])))
    shared, settings = Programs(), Settings()
    plans = [compile_plan(project, settings, shared) for _ in range(20 if quick else 1000)]
    took_ms = (time.thread_time() - started) * 1e3
    different = len({id(plan.scrub) for plan in plans})
    yield Row(
        f"programs of {len(plans)} projects with equal rules", f"{different}", "1", different == 1,
        f"{took_ms:.0f} ms in all, {took_ms / len(plans):.2f} ms each",
    )  # fmt: skip


def memory_rows(*, quick: bool) -> Iterator[Row]:
    """Memory of a compiled plan, beyond the first one."""
    plans = 3 if quick else 10
    for kind in ("mixed",) if quick else ("none", *KINDS):
        command = [sys.executable, __file__, "--memory", kind, "--plans", str(plans)]
        counted, grown = map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
        what = "default settings" if kind == "none" else f"{COUNTS[-1]} rules, {kind}"
        yield Row(f"memory of a plan, {what}", f"{grown:.1f} MB", detail=f"of which Python's {counted:.1f} MB")


def memory_mb(kind: str, plans: int) -> tuple[float, float]:
    """What a plan adds, in megabytes: counted by Python, and by which the process grew; run in a process of its own."""
    kept = [] if kind == "none" else [compiled(None), compiled(rules(kind, COUNTS[-1], 0))]
    tracemalloc.start()
    before = resident_mb()
    for seed in range(plans):
        if kind == "none":
            kept.append(compile_program(pii_config=None, settings={**SETTINGS, "sensitiveFields": [f"field{seed}"]}))
        else:
            kept.append(compiled(rules(kind, COUNTS[-1], seed + 1)))
    counted = tracemalloc.get_traced_memory()[0] / 1e6
    overhead = tracemalloc.get_tracemalloc_memory() / 1e6
    return counted / plans, (resident_mb() - before - overhead) / plans


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def hostile_rows(*, quick: bool) -> Iterator[Row]:
    """Patterns made to hurt: what they take to compile, and for twice the text."""
    repeats = 2_000 if quick else 20_000
    for name, pattern, piece in HOSTILE:
        started = time.thread_time()
        try:
            search = compile_pattern(pattern).search
        except PatternError as error:
            yield Row(f"hostile: {name}", "refused", detail=str(error))
            continue
        took_ms = (time.thread_time() - started) * 1e3
        text = (piece * repeats).encode()
        once, twice = (best_us(partial(search, text), 3, 1) for text in (text, text * 2))
        yield Row(
            f"hostile: {name}, twice the text", f"{twice / once:.1f}×",
            detail=f"compiles in {took_ms:.1f} ms, {len(text) // 1000} KB in {once / 1e3:.2f} ms",
        )  # fmt: skip


def rows(*, quick: bool) -> Iterator[Row]:
    for part in (growth_rows, compile_rows, memory_rows, hostile_rows):
        yield from part(quick=quick)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--memory", choices=("none", *KINDS))
    parser.add_argument("--plans", type=int, default=10)
    arguments = parser.parse_args()
    if arguments.memory:
        print(*memory_mb(arguments.memory, arguments.plans))
        return 0
    from bench.report import print_table

    table = print_table([("rules", rows(quick=arguments.quick))])
    return 1 if any(row.met is False for row in table) else 0


if __name__ == "__main__":
    raise SystemExit(main())
