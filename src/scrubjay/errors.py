"""The exception tree. A class exists only where handling differs.

Exceptions end requests or parcels; single items end by `Tally.drop`, which is cheap and no error. Foreign exceptions are
translated where they arise, so that nothing but these and bugs travels upwards.
"""

from __future__ import annotations

from scrubjay.outcomes import Reason


class ScrubjayError(Exception):
    """Root of everything that scrubjay raises on purpose."""


class ConfigError(ScrubjayError):
    """What the operator wrote cannot be used. Exit status 1.

    `where` is the file or the source of an override, `path` the dotted key, `line` counts from 1, `accepted` says what would do,
    `near` what was probably meant.
    """

    def __init__(
        self,
        problem: str,
        *,
        where: str = "",
        path: str = "",
        line: int | None = None,
        accepted: str = "",
        near: str = "",
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where
        self.path = path
        self.line = line
        self.accepted = accepted
        self.near = near

    def __str__(self) -> str:
        place = f"{self.where}:{self.line}" if self.where and self.line else self.where
        parts = [part for part in (place, self.path, self.problem) if part]
        text = ": ".join(parts)
        notes = [f"accepted: {self.accepted}"] if self.accepted else []
        notes += [f"did you mean `{self.near}`?"] if self.near else []
        return f"{text} ({'; '.join(notes)})" if notes else text


class Rejected(ScrubjayError):
    """Ends the request. The status is in the reason's row; `causes` go into the answer, outermost first."""

    def __init__(self, reason: Reason, detail: str = "", *causes: str, retry_after_s: int | None = None) -> None:
        super().__init__(detail or reason.doc)
        self.reason = reason
        self.detail = detail or reason.doc
        self.causes = causes
        self.retry_after_s = retry_after_s

    @property
    def status(self) -> int:
        return self.reason.status or 500


class BadRequest(Rejected):
    """400 and its relatives 405, 408, 415: what the client sent cannot be used."""


class Denied(Rejected):
    """401, 403: the client may not."""


class TooLarge(Rejected):
    """413: over a body, item or count limit."""


class Unavailable(Rejected):
    """503: it cannot be held now."""


class StillPending(ScrubjayError):
    """What waited for a project's configuration has to wait on, for that of `key`."""

    def __init__(self, key: str) -> None:
        super().__init__("a configuration that is needed is not known")
        self.key = key


class Unscrubbable(ScrubjayError):
    """A payload cannot be scrubbed as its plan demands; the item is dropped (scrubbing fails closed)."""


class Unreadable(Unscrubbable):
    """A payload is not what its type says: broken JSON where JSON is due, bytes that do not inflate."""


class UpstreamError(ScrubjayError):
    """What the upstream's answer, or its absence, says of a parcel."""

    def __init__(self, detail: str, *, status: int | None = None) -> None:
        super().__init__(detail)
        self.status = status


class Transient(UpstreamError):
    """Again, after a back-off or the server's `Retry-After`; meanwhile the parcel is held.

    `network`: nothing answered (or 502 to 504), so it counts towards an outage. `capped`: tries are limited (other 5xx).
    `ambiguous`: all of the request was written and no status came, so that nobody knows whether the server took it.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        network: bool = True,
        capped: bool = False,
        ambiguous: bool = False,
    ) -> None:
        super().__init__(detail, status=status)
        self.retry_after_s = retry_after_s
        self.network = network
        self.capped = capped
        self.ambiguous = ambiguous


class Throttled(UpstreamError):
    """429: the server refused and counted it. Ends the parcel and feeds the table of limits."""


class Divide(UpstreamError):
    """What travelled together was refused together: again in two halves, and what is alone as an envelope.

    `apart`: at once each as an envelope.
    """

    def __init__(self, detail: str, *, status: int | None = None, apart: bool = False) -> None:
        super().__init__(detail, status=status)
        self.apart = apart


class Refused(UpstreamError):
    """Other 4xx: drop it under `reason`."""

    def __init__(self, detail: str, reason: Reason, *, status: int) -> None:
        super().__init__(detail, status=status)
        self.reason = reason


class BatchError(ScrubjayError):
    """400: bytes that are no batch. `offset` is where in it reading ended, `record` how many records were sound before."""

    def __init__(self, detail: str, *, offset: int, record: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.offset = offset
        self.record = record


class BatchTooLarge(BatchError):
    """413: a batch over the bounds."""


class BadSignature(ScrubjayError):
    """A relay did not prove who it is: `invalid`, `unverifiable`, `too old` or `too new`."""


class SpoolError(ScrubjayError):
    """The disk buffer cannot do what was asked."""


class SpoolFull(SpoolError):
    """No space, by our bound or the disk's."""


class SpoolCorrupt(SpoolError):
    """Bytes on disk are not what was written."""


class SpoolLocked(SpoolError):
    """Another process owns the partition."""


class SpoolSealed(SpoolError):
    """What is on disk is encrypted with another key than ours, if we have any."""
