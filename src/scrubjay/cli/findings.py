"""What `scrubjay doctor` found, one thing at a time: the verdict, a line of finding, a line of what to do.

Owns their shape and how they look; what is looked at is in `doctor_*`. Invariant: what is not well says what to do about it, and what
servers answered reaches no terminal as it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from scrubjay.cli.terminal import Piece, Screen, safe


class Verdict(StrEnum):
    """How it is. Only `FAILED` makes the exit code 1."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """`check`: what was looked at. `facts` are for programs."""

    check: str
    verdict: Verdict
    text: str
    remedy: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        found: dict[str, object] = {"check": self.check, "verdict": str(self.verdict), "finding": self.text}
        if self.remedy:
            found["do"] = self.remedy
        if self.facts:
            found["facts"] = dict(self.facts)
        return found


Findings = Iterable[Finding]


def ok(check: str, text: str, **facts: object) -> Finding:
    return Finding(check, Verdict.OK, text, facts=facts)


def warning(check: str, text: str, remedy: str, **facts: object) -> Finding:
    return Finding(check, Verdict.WARNING, text, remedy, facts)


def failed(check: str, text: str, remedy: str, **facts: object) -> Finding:
    return Finding(check, Verdict.FAILED, text, remedy, facts)


def skipped(check: str, text: str) -> Finding:
    return Finding(check, Verdict.SKIPPED, text)


_STYLES: Final = {Verdict.OK: "good", Verdict.WARNING: "warn", Verdict.FAILED: "bad", Verdict.SKIPPED: "faint"}
_VERDICT_COLUMNS: Final = 9
_CHECK_COLUMNS: Final = 18
_INDENT: Final = _VERDICT_COLUMNS + _CHECK_COLUMNS
_MOST: Final = 600


def write(screen: Screen, finding: Finding) -> None:
    """One line, and below it what to do."""
    style = _STYLES[finding.verdict]
    line: list[Piece] = [
        (f"{finding.verdict:<{_VERDICT_COLUMNS}}", style),
        (f"{finding.check:<{_CHECK_COLUMNS}}", "bold" if style == "bad" else ""),
        (safe(finding.text, _MOST), style if finding.verdict is Verdict.SKIPPED else ""),
    ]
    screen.write(line, hang=_INDENT)
    if finding.remedy:
        screen.write([(" " * _INDENT, ""), ("do: ", "note"), (safe(finding.remedy, _MOST), "")], hang=_INDENT + 4)


def write_summary(screen: Screen, findings: Iterable[Finding]) -> None:
    """How many of each, in one line."""
    verdicts = [finding.verdict for finding in findings]
    counts = ((verdict, verdicts.count(verdict)) for verdict in Verdict)
    text = ", ".join(f"{count} {verdict}" for verdict, count in counts if count)
    screen.write([(text, "bad" if Verdict.FAILED in verdicts else "good")])
