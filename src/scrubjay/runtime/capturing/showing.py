"""What may be shown of a request: what would leave, and of what was dropped on the way its scrubbed form (`capture.md` 1, 7.2).

Owns that nothing is shown unscrubbed. Items that leave are shown as the path left them; all others are scrubbed here, by the plan in
force, or by the defaults of the settings where no plan was, and withheld where that is not possible. Pure work: it may run in a thread.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache

from scrubjay import reasons
from scrubjay.core.capture.item import ACCEPTED, UNPARSABLE, Fate, fate_of, outcome_of
from scrubjay.core.envelope import Envelope, Item
from scrubjay.core.items import classify
from scrubjay.core.ledger import Account
from scrubjay.core.plan import ProjectPlan, compile_plan
from scrubjay.core.scrub.headers import scrub_headers
from scrubjay.core.scrub.payloads import Replaced, Unscrubbed, payload_of, scrub_item
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.pseudonyms import occasion, utc_day
from scrubjay.errors import Rejected
from scrubjay.outcomes import Reason
from scrubjay.runtime.capturing.sighting import Seen, SeenItem
from scrubjay.runtime.capturing.stray import clean_start, clean_text
from scrubjay.settings.project import ProjectConfig
from scrubjay.settings.schema import Settings


@cache
def default_plan() -> ProjectPlan:
    """By the defaults of all settings."""
    return compile_plan(ProjectConfig(), Settings())


@dataclass(frozen=True, slots=True)
class Rules:
    """By what is scrubbed what the path did not scrub."""

    plan: ProjectPlan
    program: ScrubProgram

    @classmethod
    def of(cls, plan: ProjectPlan | None, fallback: ProjectPlan) -> Rules:
        """A plan that scrubs nothing scrubs what would leave; what is dropped falls back, too."""
        if plan is not None and plan.scrub is not None:
            return cls(plan, plan.scrub)
        assert fallback.scrub is not None
        return cls(fallback, fallback.scrub)


@dataclass(slots=True)
class Showing:
    """Everything that the store takes. `came`: the items as they came, for originals and reports."""

    envelope: Envelope
    account: Account
    came: list[Item]
    fates: list[Fate]
    withheld: set[int] = field(default_factory=set)

    def untouched(self) -> set[int]:
        """Places of items whose payloads are as they came."""
        both = enumerate(zip(self.came, self.envelope.items, strict=False))
        return {place for place, (came, item) in both if came.payload is item.payload or came.payload == item.payload}


def showing(seen: Seen, rules: Rules) -> Showing:
    """Copies nothing that is large; raises nothing."""
    if seen.tally is None:
        return _refused(seen, rules)
    items = seen.items
    fates = [_fate(one, rules) for one in items]
    shown = _shown(deepcopy(seen.headers), items, fates, seen.tally.account, rules)
    if any(one.ending is None for one in items):
        shown.envelope.headers = seen.tally.envelope.headers
    return shown


def _shown(
    headers: dict[str, object], items: list[SeenItem], fates: list[Fate], account: Account, rules: Rules
) -> Showing:
    """`headers` as they came; they are scrubbed here."""
    shown = Showing(Envelope({}, []), account, [], fates)
    dropped = Envelope(headers, [])
    with occasion_of(rules, account):
        for place, (one, fate) in enumerate(zip(items, fates, strict=True)):
            came = Item(one.headers, one.original)
            came.kind = one.item.kind
            shown.came.append(came)
            if fate.outcome == "accepted":
                shown.envelope.items.append(one.item)
                continue
            item = scrubbed(came, rules)
            if item is None:
                shown.withheld.add(place)
                item = Item(dict(one.headers), b"")
                item.kind = one.item.kind
            dropped.items.append(item)
            shown.envelope.items.append(item)
        scrub_headers(rules.program, dropped)
    shown.envelope.headers = dropped.headers
    return shown


def scrubbed(came: Item, rules: Rules) -> Item | None:
    """A copy of an item, scrubbed; None if it cannot be."""
    item = Item(dict(came.headers), came.payload)
    item.kind = came.kind
    result = scrub_item(rules.program, rules.plan.policies, item)
    if isinstance(result, Reason | Unscrubbed):
        return None
    payload = payload_of(result)
    if payload is not None:
        item.replace(payload)
    if isinstance(result, Replaced):
        item.headers.update(result.headers)
    return item


def _fate(one: SeenItem, rules: Rules) -> Fate:
    if one.ending is not None:
        return fate_of(one.ending, clean_text(one.ending.detail, rules.program))
    if one.partial is None:
        return ACCEPTED
    lost = max((amount for _, amount in one.partial.quantities), default=0)
    detail = ": ".join(filter(None, (f"{lost} of its records", one.partial.detail)))
    return replace(fate_of(one.partial, clean_text(detail, rules.program)), outcome="accepted")


def _refused(seen: Seen, rules: Rules) -> Showing:
    """Of what never became an account: the items, if there are any to be read, else the beginning of the body."""
    ingress, error = seen.ingress, seen.error or Rejected(reasons.INTERNAL)
    key = "" if ingress.auth is None else ingress.auth.key
    account = Account(key, ingress.path_project, "", None, ingress.received_unix)
    told = "; ".join((error.detail, *error.causes))
    fate = Fate(outcome_of(error.reason), error.reason.code, "receive", "", clean_text(told, rules.program))
    try:
        envelope = ingress.read(ingress.body, ingress.auth)
    except Rejected:
        envelope = Envelope({}, [])
    if not envelope.items:
        item = Item({"type": UNPARSABLE}, clean_start(ingress.body, rules.program).encode())
        return Showing(Envelope({}, [item]), account, [], [fate])
    for item in envelope.items:
        classify(item)
    items = [SeenItem(item, item.headers, item.payload) for item in envelope.items]
    return _shown(envelope.headers, items, [fate] * len(items), account, rules)


def occasion_of(rules: Rules, account: Account) -> AbstractContextManager[None]:
    """Whatever is scrubbed inside gets the pseudonyms that it would have got on the path."""
    if rules.program.keys is None:
        return nullcontext()
    return occasion(account.project_id or 0, utc_day(account.now_unix))
