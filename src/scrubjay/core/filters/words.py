"""Words that are looked for in texts of clients, ignoring case: one RE2 program, which takes linear time whatever the text."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import re2


def compile_words(words: Iterable[str], patterns: Iterable[str] = ()) -> Callable[[str], bool]:
    """A predicate: does a text contain any of the words, or anything that fits one of the patterns?"""
    options = re2.Options()
    options.never_capture = True
    options.case_sensitive = False
    options.dot_nl = True
    source = "|".join((*map(re2.escape, words), *patterns))
    search = re2.compile(source, options).search
    return lambda text: search(text) is not None
