"""What is told of an assertion: a report for programs, and lines for people (`capture.md` 9.4).

The text is what a test prints when it fails: first what failed and why, then what nearly matched. It holds no control characters,
whatever stands in event data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scrubjay.core.capture.expectations import Trial
from scrubjay.core.capture.near import Miss, printable


def report(trials: Sequence[Trial], near: Mapping[int, Sequence[Miss]], waited_s: float) -> dict[str, object]:
    """`near`: by the place of a trial, for those that lack matches."""
    return {
        "passed": all(trial.passed for trial in trials),
        "waited_ms": round(waited_s * 1000),
        "expectations": [_document(trial, near.get(place, ())) for place, trial in enumerate(trials)],
        "text": text(trials, near),
    }


def _document(trial: Trial, near: Sequence[Miss]) -> dict[str, object]:
    expected = trial.expectation
    told: dict[str, object] = {
        "name": expected.name,
        "passed": trial.passed,
        "matched": trial.matched,
        "wanted": {"min": expected.least} | ({} if expected.most is None else {"max": expected.most}),
        "problems": [problem.document() for problem in trial.problems],
    }
    if trial.problem_count > len(trial.problems):
        told["problems_total"] = trial.problem_count
    if not trial.any_held:
        told["any_missing"] = [one.shown for one in expected.any]
    if near:
        told["near_misses"] = [miss.document() for miss in near]
    return told


def text(trials: Sequence[Trial], near: Mapping[int, Sequence[Miss]]) -> str:
    """Several lines, without one at the end."""
    failed = sum(not trial.passed for trial in trials)
    lines = [f"{failed} of {len(trials)} expectations failed" if failed else f"all {len(trials)} expectations hold"]
    for place, trial in enumerate(trials):
        lines += _lines(trial, near.get(place, ()))
    return "\n".join(lines)


def _lines(trial: Trial, near: Sequence[Miss]) -> list[str]:
    expected = trial.expectation
    mark = "ok  " if trial.passed else "FAIL"
    lines = [f"{mark} {printable(expected.name)}: {trial.matched} matching, {expected.wanted} expected"]
    if trial.matched and not trial.any_held:
        lines.append(printable(f"     none of them has {' and '.join(one.shown for one in expected.any)}"))
    lines += [printable(f'     {one.type} "{one.title}" ({one.record_id}): {one.text}') for one in trial.problems]
    if trial.problem_count > len(trial.problems):
        lines.append(f"     and {trial.problem_count - len(trial.problems)} more")
    if near:
        conditions = ", ".join(one.shown for one in expected.query.conditions)
        lines.append(printable(f"     looked for {conditions or 'any record'}; nearest:"))
        lines += [f"     - {miss.line()}" for miss in near]
    elif trial.matched < expected.least:
        conditions = ", ".join(one.shown for one in expected.query.conditions)
        lines.append(printable(f"     looked for {conditions or 'any record'}; nothing else was captured"))
    return lines
