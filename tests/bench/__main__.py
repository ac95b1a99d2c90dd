"""`python -m tests.bench [relay|scrub] [--quick]`: all benchmarks, one table. Loopback only, bounded, under four minutes."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import bench_relay
from bench.report import Row, print_table

GROUPS = {"relay": ("the relay as a whole", bench_relay.rows)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help="which to run; all without")
    parser.add_argument("--quick", action="store_true", help="few repetitions: shows that it runs, not how fast")
    arguments = parser.parse_args()
    chosen = arguments.groups or list(GROUPS)
    rows: list[Row] = print_table((GROUPS[name][0], GROUPS[name][1](quick=arguments.quick)) for name in chosen)
    missed = [row.what for row in rows if row.met is False]
    print(f"\n{len(rows)} figures" + (f", goal missed: {', '.join(missed)}" if missed else ", all goals met"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
