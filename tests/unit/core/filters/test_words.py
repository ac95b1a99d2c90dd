"""Words in texts of clients."""

import pytest

from scrubjay.core.filters.words import compile_words


@pytest.mark.parametrize(
    ("text", "found"),
    [("a.b", True), ("x A.B y", True), ("axb", False), ("", False), ("line\na.b", True), ("c1", True), ("c\n", True), ("c", False)],
)  # fmt: skip
def test_words_and_patterns(text: str, found: bool) -> None:
    assert compile_words(["a.b", "(x"], ["c."])(text) is found
