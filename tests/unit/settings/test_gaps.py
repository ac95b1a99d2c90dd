"""Every closure has a name, a row of the specification and a text; the page shows them all."""

from __future__ import annotations

from typing import get_args

from scrubjay.settings import gaps


def test_every_name_is_described_once() -> None:
    assert list(gaps.CLOSURES) == list(get_args(gaps.Gap))
    page = gaps.page()
    for name, difference in gaps.CLOSURES.items():
        assert page.count(f"| `{name}` | {difference.row} |") == 1
    for text in (*(difference.ours for difference in gaps.WITHOUT_SWITCH), gaps.FOUND):
        assert text.replace("|", "\\|") in page


def test_every_row_of_the_table_has_as_many_cells_as_its_head() -> None:
    for line in gaps.page().splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") in (5, 6), line
