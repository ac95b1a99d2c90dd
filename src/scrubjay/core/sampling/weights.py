"""How many a kept item stands for, written where counts can be restored from (`decisions.md` 5.9).

Owns the context `scrubjay_sampling` of events, the headers `scrubjay_weight` and `scrubjay_rate` of other items, and the attribute
`scrubjay.weight` of records. The sum of the weights of what was kept estimates how much came.

Records of one container can have different weights, its header has room for one: it gets their mean, so that header times records is
the estimate; and where they differ, each record bears its own, so that estimates hold for any part of them too.

A weight from a relay before this one is multiplied. Both relays decide by the same number, so what was kept at rate r is kept here with
the chance min(r, p)/r, and that is what it is multiplied by the inverse of: two relays with equal rules weigh as one. Where no rate was
left with the weight the decisions are taken for independent. Everything else in a payload keeps its bytes; white space between the
members of the outermost objects does not stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeGuard

import msgspec
from msgspec import Raw, Struct

from scrubjay.core.envelope import encode_json
from scrubjay.core.items.partial import read
from scrubjay.core.sampling.documents import Members, open_document
from scrubjay.core.sampling.rules import SMALLEST_RATE

CONTEXT: Final = "scrubjay_sampling"
WEIGHT_HEADER: Final = "scrubjay_weight"
RATE_HEADER: Final = "scrubjay_rate"
ATTRIBUTE: Final = "scrubjay.weight"

_OLDER_NAME: Final = "sentry.interfaces.Contexts"
_MAX_WEIGHT: Final = 1 / SMALLEST_RATE


@dataclass(frozen=True, slots=True)
class Weight:
    """`rate` is the chance that it was kept at, over all relays so far; None where nobody left it."""

    rate: float | None
    weight: float

    def kept_at(self, rate: float) -> Weight:
        """The weight of what bore this one and was kept at `rate`."""
        if self.rate is None:
            return Weight(rate, min(self.weight / rate, _MAX_WEIGHT))
        both = min(self.rate, rate)
        return Weight(both, min(self.weight * (self.rate / both), _MAX_WEIGHT))


UNWEIGHED: Final = Weight(1.0, 1.0)


class _Context(Struct):
    rate: object = None
    weight: object = None


class _Attribute(Struct):
    value: object = None


_CONTEXT: Final = msgspec.json.Decoder(_Context)
_ATTRIBUTE: Final = msgspec.json.Decoder(_Attribute)


def weigh_event(document: Members, rate: float, rule_id: int, fingerprint: str) -> bytes | None:
    """The event with its weight in a context of its own; None if its contexts are no place to write to."""
    name = _OLDER_NAME if _OLDER_NAME in document and "contexts" not in document else "contexts"
    contexts = _object(document.get(name))
    if contexts is None:
        return None
    before = read(_CONTEXT, contexts[CONTEXT]) if CONTEXT in contexts else None
    weight = (UNWEIGHED if before is None else _weight(before.weight, before.rate)).kept_at(rate)
    context: dict[str, object] = {"type": CONTEXT, "rate": weight.rate, "weight": weight.weight, "rule": rule_id}
    if fingerprint:
        context["fingerprint"] = fingerprint
    written: dict[str, object] = {**contexts, CONTEXT: context}
    return encode_json({**document, name: written})


def weigh_headers(headers: Mapping[str, object], rate: float) -> dict[str, object]:
    """What the headers of an item that is no event say of its weight."""
    weight = _weight_in(headers).kept_at(rate)
    return {WEIGHT_HEADER: weight.weight, RATE_HEADER: weight.rate}


def weigh_records(
    headers: Mapping[str, object], records: Sequence[Raw], rates: Sequence[float]
) -> tuple[dict[str, object], list[Raw] | None]:
    """Headers for a container of these records, kept at these rates, and the records anew if each has to bear its own weight.

    A header of None has to go.
    """
    before = _weight_in(headers)
    if WEIGHT_HEADER not in headers and len(set(rates)) == 1:
        return weigh_headers(headers, rates[0]), None
    weighed = [_weigh_record(record, before, rate) for record, rate in zip(records, rates, strict=True)]
    mean = {WEIGHT_HEADER: sum(weight for _, weight in weighed) / len(weighed)}
    return mean | ({RATE_HEADER: None} if RATE_HEADER in headers else {}), [record for record, _ in weighed]


def _weight_in(headers: Mapping[str, object]) -> Weight:
    return _weight(headers.get(WEIGHT_HEADER), headers.get(RATE_HEADER))


def _weigh_record(record: Raw, container: Weight, rate: float) -> tuple[Raw, float]:
    """A record whose own weight cannot be written bears it in the mean alone."""
    document = open_document(record)
    attributes = None if document is None else _object(document.get("attributes"))
    own = read(_ATTRIBUTE, attributes[ATTRIBUTE]) if attributes and ATTRIBUTE in attributes else None
    weight = (container if own is None else _weight(own.value, container.rate)).kept_at(rate).weight
    if document is None or attributes is None:
        return record, weight
    written: dict[str, object] = {**attributes, ATTRIBUTE: {"value": weight, "type": "double"}}
    return Raw(encode_json({**document, "attributes": written})), weight


def _object(raw: Raw | None) -> Members | None:
    """A member to write into; empty if there is none yet, None if it is something else."""
    return {} if raw is None or bytes(raw) == b"null" else open_document(raw)


def _weight(weight: object, rate: object) -> Weight:
    """What stands there may be anybody's: only what a relay could have written counts."""
    if not _is_number(weight) or not 1 <= weight <= _MAX_WEIGHT:
        return UNWEIGHED
    if not _is_number(rate) or not SMALLEST_RATE <= rate <= 1:
        return Weight(None, float(weight))
    return Weight(float(rate), float(weight))


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
