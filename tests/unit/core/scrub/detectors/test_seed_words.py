"""The word list of BIP-39."""

from __future__ import annotations

import hashlib

from scrubjay.core.scrub.detectors.seed_words import WORDS


def test_it_is_the_published_list() -> None:
    assert len(WORDS) == 2048
    text = "".join(f"{word}\n" for word in WORDS)
    assert (
        hashlib.sha256(text.encode()).hexdigest() == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    )
