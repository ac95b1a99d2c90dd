"""Where relays of an older protocol report each outcome by itself (`decisions.md` 8.3); behind `compat.outcomes_endpoint`.

Owns who may report, the bounds, and the account of what is reported: each outcome counts as one and ends as merged into our own client
reports, or as untold with the reason. What an outcome says is `core.received_outcomes`', telling the server the reporter's. Invariants:
only relays of `auth.static_relays` that are `internal` are believed, and only with a signature over the decoded body; nothing is kept
of a request that is refused.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from scrubjay import reasons
from scrubjay.categories import DataCategory, Quantities
from scrubjay.core.client_reports import Count
from scrubjay.core.ledger import Account, Booking
from scrubjay.core.ports import Ports
from scrubjay.core.received_outcomes import Heard, read_outcomes
from scrubjay.errors import BadRequest
from scrubjay.outcomes import Reason
from scrubjay.runtime.endpoints.common import Request, receive
from scrubjay.runtime.endpoints.front import Route
from scrubjay.runtime.endpoints.replies import JSON, Reply, problem
from scrubjay.runtime.gateway.senders import Senders
from scrubjay.settings.schema import Settings

PATH: Final = "/api/0/relays/outcomes/"
MAX_BYTES: Final = 1024 * 1024
"""Several times what the thousand outcomes take that relays send at once."""
_ITEM_TYPE: Final = "outcome"
_STAGE: Final = "outcomes"

KeyOf = Callable[[int, int | None], str | None]
"""The public key of a project by the numbers of both; None if the project is not known, or is disabled."""


def routes(settings: Settings, ports: Ports, key_of: KeyOf) -> list[Route]:
    """None where nobody asked for it."""
    if not settings.compat.outcomes_endpoint:
        return []
    return [Route("POST", PATH, _Outcomes(settings, ports, key_of), "outcomes")]


class _Outcomes:
    def __init__(self, settings: Settings, ports: Ports, key_of: KeyOf) -> None:
        self._ports = ports
        self._key_of = key_of
        self._senders = Senders(settings, requires_auth=True)

    async def __call__(self, request: Request) -> Reply:
        """In the order of 4.6 of `upstream-and-operations.md`: headers, body, signature, JSON."""
        claim = self._senders.claim(request.headers)
        body = await receive(request, MAX_BYTES, self._ports.bounds.body_idle_timeout)
        now_unix = time.time()
        if not self._senders.prove(claim, body, now_unix).is_internal:
            return problem(403, "the relay is not internal", "see `auth.static_relays`")
        try:
            heard = read_outcomes(body, received_unix=now_unix)
        except ValueError as error:
            raise BadRequest(reasons.INVALID_BODY, "the body is no JSON of outcomes", str(error)) from None
        self._take(heard, now_unix)
        return Reply(202, b"{}", JSON)

    def _take(self, heard: Iterable[Heard], now_unix: float) -> None:
        """Without waiting, so that a report is taken whole or not at all."""
        reports = self._ports.reports_of_relays
        told: defaultdict[tuple[str, int, float], list[Count]] = defaultdict(list)
        untold: Counter[tuple[int | None, str]] = Counter()
        for outcome in heard:
            project_id, count = outcome.project_id, outcome.count
            key = None if project_id is None else self._key_of(project_id, outcome.key_id)
            if project_id is None or count is None:
                untold[project_id, outcome.why] += 1
            elif key is None:
                untold[project_id, "an outcome of a project that is not known here, or disabled"] += 1
            elif reports is None:
                untold[project_id, "`outcomes.emit_outcomes` is off"] += 1
            else:
                told[key, project_id, outcome.at_unix].append(count)
        for (key, project_id, at_unix), counts in told.items():
            assert reports is not None
            reports.merge(key, project_id, at_unix, counts)
            self._book(reasons.MERGED, len(counts), Account(key, project_id, "", None, now_unix))
        for (unknown_id, why), amount in untold.items():
            self._book(reasons.UNTOLD_OUTCOME, amount, Account("", unknown_id, "", None, now_unix), why)

    def _book(self, reason: Reason, amount: int, account: Account, detail: str = "") -> None:
        quantities: Quantities = ((DataCategory.UNKNOWN, amount),)
        self._ports.ledger.receive(_ITEM_TYPE, quantities)
        booking = Booking(reason, quantities, account, item_type=_ITEM_TYPE, stage=_STAGE, detail=detail)
        self._ports.ledger.book(booking)
