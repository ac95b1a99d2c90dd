"""The page of filters."""

from pathlib import Path

from scrubjay.core.filters import FAMILIES
from scrubjay.core.filters.browsers import OPTIONS, Majors
from scrubjay.core.filters.own import MEMBERS
from scrubjay.core.filters.page import render_page


def test_the_page_names_everything() -> None:
    page = render_page()
    names = [family.name for family in FAMILIES]
    names += [family.reason.code for family in FAMILIES if family.reason]
    for name in (*names, *OPTIONS, *MEMBERS):
        assert f"`{name}`" in page
    for family in FAMILIES:
        assert family.doc in page
    assert "| `ie_pre_9` | IE < 9 |" in page
    assert "| event, transaction, spans, logs, metrics |" in page


def test_majors_in_words() -> None:
    assert (str(Majors(10)), str(Majors(10, 9))) == ("< 10", "= 9")


def test_the_committed_page_is_up_to_date() -> None:
    committed = (Path(__file__).parents[4] / "docs" / "filters.md").read_text(encoding="utf-8")
    assert committed == render_page(), "run `scrubjay config render` and commit the result"
