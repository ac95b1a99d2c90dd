"""How tables and amounts look."""

from __future__ import annotations

import pytest

from scrubjay.cli.tables import ago, console, table


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (-3, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (7200, "2h"), (86_400 * 3, "3d")],
)
def test_ago(seconds: float, text: str) -> None:
    assert ago(seconds) == text


def test_cells_are_no_markup_and_pipes_are_wide(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 120
    console().print(table("Title", ("a", "n"), [("[red]not red[/red]", 5), (long, 1234)], right=("n",)))
    output = capsys.readouterr().out
    assert output.startswith("Title")
    assert "[red]not red[/red]" in output
    assert long in output
    assert "\x1b" not in output


def test_a_table_may_have_no_title(capsys: pytest.CaptureFixture[str]) -> None:
    console().print(table("", ("a",), [("1",)]))
    assert capsys.readouterr().out.strip().startswith("a")
