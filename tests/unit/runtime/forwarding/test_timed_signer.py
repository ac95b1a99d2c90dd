"""Signatures are the core's; their time is told."""

from __future__ import annotations

from scrubjay.core.signatures import Signer
from scrubjay.runtime.forwarding.timed_signer import TimedSigner
from scrubjay.settings.keys import encode


class Observer:
    def __init__(self) -> None:
        self.took_s: list[float] = []

    def signed(self, seconds: float) -> None:
        self.took_s.append(seconds)


def test_each_signature_is_timed_once_and_reused_as_ever() -> None:
    observer = Observer()
    secret = encode(bytes(range(32)))
    signer, plain = TimedSigner("an-id", secret, observer), Signer("an-id", secret)
    assert signer.lines(b"body", 1_767_323_045.0) == plain.lines(b"body", 1_767_323_045.0)
    assert signer.envelope_lines(10.0) == signer.envelope_lines(10.5) == plain.envelope_lines(10.0)
    assert len(observer.took_s) == 2
    assert all(0 < seconds < 1 for seconds in observer.took_s)
