"""How the results of `scrubjay test` look: on a terminal, as JSON, as JUnit XML."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.text import Text

from scrubjay.cli.tables import table
from scrubjay.core.scrub.comparison import Comparison
from scrubjay.core.scrub.rule_tests import Failure
from scrubjay.errors import ConfigError

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case of one file; without failures it passed."""

    file: str
    name: str
    seconds: float
    failures: tuple[Failure, ...]


def show_results(out: Console, results: list[CaseResult]) -> None:
    """Failures with what was expected, then the sum of each file."""
    for result in results:
        if result.failures:
            out.print(Text(f"FAILED {result.file}: {result.name}", style="bold red"))
            for failure in result.failures:
                out.print(Text(f"  {failure.expectation}: {failure.problem}"))
                for line in failure.diff:
                    out.print(Text(f"    {line}", style=_COLOURS.get(line[:1], "")))
    files = dict.fromkeys(result.file for result in results)
    rows = []
    for file in files:
        failed = sum(bool(result.failures) for result in results if result.file == file)
        count = sum(result.file == file for result in results)
        rows.append((file, count - failed, Text(str(failed), style="bold red" if failed else "")))
    out.print(table("Rule tests", ("file", "passed", "failed"), rows, right=("passed", "failed")))


def results_as_json(results: list[CaseResult]) -> str:
    failed = sum(bool(result.failures) for result in results)
    return json.dumps(
        {"passed": len(results) - failed, "failed": failed, "tests": [asdict(result) for result in results]}, indent=2
    )


def write_junit(path: Path, results: list[CaseResult]) -> None:
    """Raises: ConfigError, if the file cannot be written."""
    root = ElementTree.Element("testsuites")
    for file in dict.fromkeys(result.file for result in results):
        own = [result for result in results if result.file == file]
        suite = ElementTree.SubElement(
            root, "testsuite", name=file, tests=str(len(own)), failures=str(sum(bool(one.failures) for one in own))
        )
        for one in own:
            case = ElementTree.SubElement(suite, "testcase", classname=file, name=one.name, time=f"{one.seconds:.6f}")
            for failure in one.failures:
                made = ElementTree.SubElement(
                    case, "failure", type=failure.expectation, message=_printable(failure.problem)
                )
                made.text = _printable("\n".join(failure.diff))
    try:
        path.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
    except OSError as error:
        raise ConfigError(f"cannot write the file: {error.strerror or error}", where=str(path)) from error


def _printable(text: str) -> str:
    """XML has no control characters."""
    return "".join(character if character >= " " or character in "\n\t" else "?" for character in text)


def show_comparison(out: Console, comparison: Comparison) -> None:
    """What is removed less comes first, and is loud."""
    rows = []
    for place, row in sorted(comparison.places.items(), key=lambda entry: (-entry[1].less, -entry[1].more, entry[0])):
        less = Text(str(row.less), style="bold red" if row.less else "")
        rows.append((place.rule, place.item, place.path, less, row.more, row.other))
    numbers = ("no longer removed", "newly removed", "otherwise")
    if rows:
        out.print(table("What the new rules change", ("rule", "item", "path", *numbers), rows, right=numbers))
    for words, counts in (
        ("dropped from now on", comparison.newly_dropped),
        ("no longer dropped", comparison.no_longer_dropped),
    ):
        for item, count in sorted(counts.items()):
            out.print(f"{words}: {count} × {item}")
    total = comparison.total()
    out.print(
        f"{comparison.items} items: {total.more} values newly removed, {total.less} no longer removed, "
        f"{total.other} redacted otherwise"
    )


def comparison_as_json(comparison: Comparison) -> str:
    total = comparison.total()
    return json.dumps(
        {
            "items": comparison.items,
            "newly_removed": total.more,
            "no_longer_removed": total.less,
            "redacted_otherwise": total.other,
            "newly_dropped": comparison.newly_dropped,
            "no_longer_dropped": comparison.no_longer_dropped,
            "places": [
                {
                    **place._asdict(),
                    "newly_removed": row.more,
                    "no_longer_removed": row.less,
                    "redacted_otherwise": row.other,
                }
                for place, row in sorted(comparison.places.items())
            ],
        },
        indent=2,
    )
