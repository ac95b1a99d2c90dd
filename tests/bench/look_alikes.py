"""What the detectors beyond the reference take of innocent values (scrubbing.md 15.4: at most one hit in 1,000 clean events).

    python tests/bench/look_alikes.py [--events N] [--each N]

Prints for each detector the hits in 1,000 events and the share of look-alikes that survive, with the kinds that fare worst.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support import look_alikes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--each", type=int, default=2_000, help="look-alikes of each kind")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    hits, what = look_alikes.hits_in_events(options.events, options.seed)
    lost = look_alikes.losses(options.each, options.seed)
    total = options.each * len(look_alikes.KINDS)
    print(f"{'detector':20}{'per 1,000 events':>18}{'survive':>10}  taken")
    for detector in look_alikes.FURTHER:
        name = detector.name
        rate = hits[name] * 1_000 / options.events
        survive = 100 - lost[name].total() * 100 / total
        kinds = ", ".join(f"{kind} {count * 100 / options.each:.1f} %" for kind, count in lost[name].most_common(3))
        keys = ", ".join(key for key, _ in what.get(name, {}).most_common(3)) if name in what else ""
        print(f"{name:20}{rate:18.2f}{survive:9.3f}%  {kinds}{' | below ' + keys if keys else ''}")


if __name__ == "__main__":
    main()
