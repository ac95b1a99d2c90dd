"""The page of the command line names every verb with its flags; that the committed one is current is looked at with all generated pages."""

from __future__ import annotations

from scrubjay.cli.command_page import render_page
from scrubjay.cli.examples import EXAMPLES
from scrubjay.cli.program import EXIT_CODES, VERBS


def test_every_verb_has_a_section_with_its_examples() -> None:
    page = render_page()
    for verb in VERBS:
        assert f"\n## `scrubjay {verb}`\n" in page
    for verb in filter(None, EXAMPLES):
        assert f"# `scrubjay {verb}`\n" in page
        assert all(f"$ {command}\n    {what}\n" in page for command, what in EXAMPLES[verb])
    assert page.count("```") % 2 == 0


def test_flags_of_all_verbs_stand_there_once() -> None:
    page = render_page()
    assert page.count("| `--strict-config` |") == 1
    assert "| `--dsn DSN` | Of an application" in page
    assert all(f"| {code} | {text} |" in page for code, text in EXIT_CODES.items())
