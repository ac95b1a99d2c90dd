"""How changes look: rows without values, marked diffs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from scrubjay.cli.scrub_report import _characters, _inserted, diff, explain_table, totals_table
from scrubjay.core.scrub.explain import Change, Explanation
from scrubjay.core.scrub.record import Count, Record


def change(before: str, after: str | None, *ranges: tuple[int, int], path: str = "x", dry_run: bool = False) -> Change:
    return Change(
        ("extra", path), "@email:mask", "@email", "builtin", "email", "$string", "$string", "true", "masked", "string", ranges, before,
        after, dry_run=dry_run,
    )  # fmt: skip


def shown(*changes: Change, terminal: bool = False) -> str:
    out = Console(
        file=io.StringIO(),
        force_terminal=terminal,
        color_system="standard" if terminal else None,
        width=200,
        highlight=False,
    )
    diff(out, "e.json", Explanation(None, changes, (), Record()))
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_one_entry_for_each_place_from_first_to_last() -> None:
    steps = [change("a b", "* b", (0, 1)), change("z", "y", (0, 1), path="y"), change("* b", "* *", (2, 3))]
    assert shown(*steps).splitlines() == [
        "e.json/extra/x  @email:mask", "- a b", "+ * *", "e.json/extra/y  @email:mask", "- z", "+ y",
    ]  # fmt: skip


def test_what_is_gone_has_no_second_line() -> None:
    assert shown(change("a", None, (0, 1), dry_run=True)).splitlines() == [
        "e.json/extra/x  @email:mask (dry run)",
        "- a",
    ]


def test_long_texts_are_shown_around_the_change() -> None:
    before = "x" * 500 + "ana" + "y" * 500
    first, second = shown(change(before, before.replace("ana", "***"), (500, 503))).splitlines()[1:]
    assert first == f"- …{'x' * 60}ana{'y' * 60}…"
    assert second == f"+ …{'x' * 60}***{'y' * 60}…"


def test_colours_only_on_terminals_and_nothing_is_markup() -> None:
    coloured = shown(change("[red]ana", "[red]***", (5, 8)), terminal=True)
    assert "\x1b[" in coloured
    assert "[red]" in coloured.replace("\x1b[0m", "")
    assert "\x1b[" not in shown(change("[red]ana", "[red]***", (5, 8)))


@pytest.mark.parametrize(
    ("before", "after", "span"),
    [("a b c", "a * c", (2, 3)), ("a", "", (0, 0)), ("", "a", (0, 1)), ("aa", "a", (1, 1)), ("same", "same", (4, 4))],
)
def test_what_was_put_in(before: str, after: str, span: tuple[int, int]) -> None:
    assert _inserted(before, after) == [span]


def test_characters() -> None:
    assert _characters([(0, 4)], 4, 4) == "4 of 4"
    assert _characters([(0, 1), (2, 3)], 2, 9) == "2 of 9 at 0-1, 2-3"
    assert _characters([(at, at + 1) for at in range(5)], 5, 9) == "5 of 9 at 0-1, 1-2, 2-3, 2 more"


def test_totals_and_tables_without_rows() -> None:
    out = Console(file=io.StringIO(), width=200)
    totals_table(out, Record())
    explain_table(out, "[bold]e.json", Explanation(None, (), (), Record()))
    totals_table(out, Record({"a": Count(1, 2, 3, 4)}, {"b": Count(5)}))
    assert isinstance(out.file, io.StringIO)
    lines = [line.split() for line in out.file.getvalue().splitlines() if line.strip()]
    assert lines[0] == ["[bold]e.json:", "nothing", "changed"]
    assert lines[-2:] == [["a", "1", "2", "3", "4"], ["b", "(dry", "run)", "5", "0", "0", "0"]]
