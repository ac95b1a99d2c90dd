"""`python -m tests.bench [relay|scrub|decisions …] [--quick]`: all benchmarks, one table. Loopback only, bounded, under four minutes."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import (
    bench_batches,
    bench_capture,
    bench_decisions,
    bench_durability,
    bench_footprint,
    bench_hostile,
    bench_relay,
    bench_rules,
    bench_scrub,
    bench_send,
    bench_sharing,
    bench_sidecar,
    bench_spool,
    bench_tls,
    bench_workers,
)
from bench.report import Row, print_table


def scrub_rows(*, quick: bool) -> Iterator[Row]:
    """Ours against the reference's library, in one process; the goals are for profile `parity`."""
    for rules in bench_scrub.RULES:
        for kilobytes in bench_scrub.SIZES_KB[:3] if quick else bench_scrub.SIZES_KB:
            for kind in bench_scrub.KINDS:
                times = bench_scrub.measure(kilobytes, kind, 2 if quick else 30, rules)
                library = times["library"]
                ratio, goal = library / times["parity"], bench_scrub.goal(kind, kilobytes)
                detail = (
                    f"parity {times['parity']:.0f} µs, strict {times['strict']:.0f} µs ({library / times['strict']:.1f}×); "
                    f"library {library:.0f} µs, its core {times['core']:.0f} µs"
                )
                what = f"scrubbing alone, {rules}, {kilobytes} KB {kind}"
                yield Row(what, f"{ratio:.1f}×", f"≥ {goal:g}×", ratio >= goal, detail)


def spool_rows(*, quick: bool) -> Iterator[Row]:
    """What a record costs on its way to the disk and back; no goals, the whole path has them."""
    yield Row("spool: records a second, CPU µs, loop µs", detail="one by one | in groups | read back")
    for mode in ("interval",) if quick else ("never", "interval", "always"):
        with tempfile.TemporaryDirectory() as folder:
            yield Row(f"spool, fsync {mode}", detail=uvloop.run(bench_spool.measure(Path(folder), mode)))


def send_rows(*, quick: bool) -> Iterator[Row]:
    """What the relay's own HTTP client saves."""
    ours, theirs = bench_send.run(rounds=1, per_round=300) if quick else bench_send.run()
    detail = f"ours {ours:.0f} µs CPU, aiohttp's client {theirs:.0f} µs"
    yield Row("one request to the server, 4 KB body", f"{theirs / ours:.1f}×", detail=detail)


GROUPS: dict[str, tuple[str, Callable[..., Iterator[Row]]]] = {
    "relay": ("the relay as a whole", bench_relay.rows),
    "scrub": ("scrubbing alone, beside the reference's library (its time less that of an empty event)", scrub_rows),
    "rules": ("rules: their number, their compiling, their memory, and patterns made to hurt", bench_rules.rows),
    "hostile": ("payloads made to hurt, under all rules", bench_hostile.rows),
    "decisions": ("filters, sampling and quotas, beside a plan without any", bench_decisions.rows),
    "sharing": ("counting quotas, by who counts", bench_sharing.rows),
    "send": ("sending alone, beside aiohttp's client", send_rows),
    "spool": ("the spool alone", spool_rows),
    "durability": ("the spool beside SQLite, recovery, and its part of the path", bench_durability.rows),
    "batches": ("a sidecar before a gateway: in batches, beside one by one", bench_batches.rows),
    "workers": ("one worker and two, and how long a client waits", bench_workers.rows),
    "tls": ("TLS on the listener, beside the same in the clear", bench_tls.rows),
    "capture": ("the capture page, beside Spotlight's sidecar", bench_capture.rows),
    "footprint": (
        "what it costs to have one: idle, at a hundred envelopes a second, as an image",
        bench_footprint.rows,
    ),
    "sidecar": ("memory of the profile `sidecar`: the highest resident size under each load", bench_sidecar.rows),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", help=f"which to run, of {', '.join(GROUPS)}; all without")
    parser.add_argument("--quick", action="store_true", help="few repetitions: shows that it runs, not how fast")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.groups if name not in GROUPS]:
        parser.error(f"no group {', '.join(unknown)}")
    chosen = arguments.groups or list(GROUPS)
    rows = print_table((GROUPS[name][0], GROUPS[name][1](quick=arguments.quick)) for name in chosen)
    judged = [row for row in rows if row.met is not None]
    missed = [row.what for row in judged if not row.met]
    print(
        f"\n{len(judged) - len(missed)} of {len(judged)} goals met" + (f"; not: {'; '.join(missed)}" if missed else "")
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
