"""Plain sampling by fixed rates, consistent over relays, workers and retries (`decisions.md` 5.4, 5.9).

Owns `config.scrubjay.sampling` and which id decides; the number that it decides by is `unit`'s. Rules in the reference's form (`config.sampling`) are not applied
yet, and named as a problem.

Invariant: what cannot be decided is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Raw, Struct

from scrubjay import reasons
from scrubjay.core.envelope import Item
from scrubjay.core.items.partial import Container, Dropped, Payload, Thinned, read
from scrubjay.core.sampling.unit import keeps, uuid_digits
from scrubjay.errors import ConfigError
from scrubjay.reasons import DataCategory

_PATH: Final = "config.scrubjay.sampling"
_NOT_YET: Final = ("condition", "firstN", "decay", "reservoir")

_SAMPLED_AS: Final = {
    "event": DataCategory.ERROR,
    "transaction": DataCategory.TRANSACTION,
    "feedback": DataCategory.FEEDBACK,
    "user_report": DataCategory.FEEDBACK,
    "log": DataCategory.LOG_ITEM,
    "span": DataCategory.SPAN,
    "session": DataCategory.SESSION,
    "sessions": DataCategory.SESSION,
    "replay_event": DataCategory.REPLAY,
    "replay_recording": DataCategory.REPLAY,
    "replay_video": DataCategory.REPLAY,
    "profile": DataCategory.PROFILE,
    "check_in": DataCategory.MONITOR,
}
"""What rules can apply to, by item type. Crash reports and other attachments are never sampled, only what they ride on."""

_CATEGORIES: Final = {category.wire: category for category in _SAMPLED_AS.values()}


@dataclass(frozen=True, slots=True)
class SamplingRule:
    """Keeps `rate` of some categories. `protects`: fatal and unhandled errors and feedback stay whatever the rate."""

    id: int
    categories: frozenset[DataCategory]
    rate: float
    protects: bool = True

    @property
    def origin(self) -> str:
        return str(self.id)


class Sampling:
    """A project's rules, by category: of several for one the first counts."""

    __slots__ = ("_rules",)

    def __init__(self, rules: Sequence[SamplingRule]) -> None:
        self._rules: dict[DataCategory, SamplingRule] = {}
        for rule in rules:
            for category in rule.categories:
                self._rules.setdefault(category, rule)

    def decide(self, item: Item, envelope_headers: Mapping[str, object]) -> Dropped | Thinned | None:
        """What becomes of an item; None: it is kept. Records of a container are decided one by one, unless a trace decides."""
        category = _SAMPLED_AS.get(item.type, DataCategory.UNKNOWN)
        rule = self._rules.get(category)
        if rule is None or rule.rate >= 1:
            return None
        if category is DataCategory.LOG_ITEM:
            return _thin(item, rule, _seed_of_log)
        if category is DataCategory.SPAN:
            return _decide_spans(item, rule, envelope_headers)
        if category is DataCategory.TRANSACTION:
            seed = _trace_of(envelope_headers) or _trace_of_transaction(item.payload)
        else:
            seed = uuid_digits(envelope_headers.get("event_id"))
        if keeps(_hash(item.payload) if seed is None else seed, rule.rate):
            return None
        if rule.protects and _is_protected(item, category):
            return None
        return Dropped(reasons.SAMPLE_RATE, rule.origin)

    def __repr__(self) -> str:
        rates = ", ".join(f"{category.wire} {rule.rate:g}" for category, rule in self._rules.items())
        return f"<Sampling {rates}>"


def _decide_spans(item: Item, rule: SamplingRule, envelope_headers: Mapping[str, object]) -> Dropped | Thinned | None:
    """By the trace that the envelope names; else a container by the trace of each span, and a single span by its own."""
    trace = _trace_of(envelope_headers)
    if trace is None and "item_count" in item.headers:
        return _thin(item, rule, _seed_of_span)
    if keeps(_seed_of_span(item.payload) if trace is None else trace, rule.rate):
        return None
    return Dropped(reasons.SAMPLE_RATE, rule.origin)


def _thin(item: Item, rule: SamplingRule, seed_of: Callable[[Payload], str]) -> Dropped | Thinned | None:
    container = Container.open(item)
    if container is None:
        return None
    kept = [record for record in container.records if _keeps_record(rule, record, seed_of)]
    return container.keep(kept, reasons.SAMPLE_RATE, rule.origin)


def _keeps_record(rule: SamplingRule, record: Raw, seed_of: Callable[[Payload], str]) -> bool:
    return keeps(seed_of(record), rule.rate) or (rule.protects and _is_fatal(record))


# Seeds


class _Trace(Struct):
    trace_id: Raw = Raw()


class _Contexts(Struct):
    trace: _Trace | None = None


class _Transaction(Struct):
    contexts: _Contexts | None = None


class _Log(Struct):
    trace_id: Raw = Raw()
    timestamp: Raw = Raw()
    body: Raw = Raw()


_TRANSACTION: Final = msgspec.json.Decoder(_Transaction)
_TRACE: Final = msgspec.json.Decoder(_Trace)
_LOG: Final = msgspec.json.Decoder(_Log)
_TEXT: Final = msgspec.json.Decoder(str)


def _uuid_in(raw: Raw) -> str | None:
    text = read(_TEXT, raw) if raw else None
    return uuid_digits(text)


def _hash(payload: Payload) -> str:
    return blake2b(payload, digest_size=16).hexdigest()


def _trace_of(envelope_headers: Mapping[str, object]) -> str | None:
    """The trace that the envelope's dynamic sampling context names."""
    context = envelope_headers.get("trace")
    return uuid_digits(context.get("trace_id")) if isinstance(context, Mapping) else None


def _trace_of_transaction(payload: Payload) -> str | None:
    transaction = read(_TRANSACTION, payload)
    if transaction is None or transaction.contexts is None or transaction.contexts.trace is None:
        return None
    return _uuid_in(transaction.contexts.trace.trace_id)


def _seed_of_span(span: Payload) -> str:
    document = read(_TRACE, span)
    trace = None if document is None else _uuid_in(document.trace_id)
    return trace or _hash(span)


def _seed_of_log(record: Payload) -> str:
    log = read(_LOG, record)
    if log is None:
        return _hash(record)
    return _hash(b"\x1f".join((_part(log.trace_id), _part(log.timestamp), _part(log.body))))


def _part(raw: Raw) -> bytes:
    """A text's UTF-8, of anything else the JSON text."""
    text = read(_TEXT, raw) if raw else None
    return bytes(raw) if text is None else text.encode()


# What is never sampled away

_FATAL: Final = b'"fatal"'


class _Mechanism(Struct):
    handled: Raw = Raw()


class _Exception(Struct):
    """One exception, or a list of them under `values`."""

    values: list[_Exception | None] | None = None
    mechanism: _Mechanism | None = None


class _Error(Struct):
    level: Raw = Raw()
    exception: _Exception | list[_Exception | None] | None = None


class _Leveled(Struct):
    level: Raw = Raw()


_ERROR: Final = msgspec.json.Decoder(_Error)
_LEVELED: Final = msgspec.json.Decoder(_Leveled)


def _is_protected(item: Item, category: DataCategory) -> bool:
    """Feedback, fatal errors, errors that nobody caught, and those of which this cannot be read."""
    if category is not DataCategory.ERROR:
        return category is DataCategory.FEEDBACK
    event = read(_ERROR, item.payload)
    if event is None or bytes(event.level) == _FATAL:
        return True
    exceptions = event.exception
    if isinstance(exceptions, _Exception):
        exceptions = [exceptions] if exceptions.values is None else exceptions.values
    return any(map(_is_unhandled, exceptions or ()))


def _is_unhandled(exception: _Exception | None) -> bool:
    mechanism = None if exception is None else exception.mechanism
    return mechanism is not None and bytes(mechanism.handled) == b"false"


def _is_fatal(record: Raw) -> bool:
    log = read(_LEVELED, record)
    return log is not None and bytes(log.level) == _FATAL


# Compiling


def compile_sampling(rules: Sequence[object], *, dynamic: object = None) -> tuple[Sampling | None, list[str]]:
    """The rules of `config.scrubjay.sampling`, None if there are none, and a sentence on what is not applied.

    `dynamic`: the rules in the reference's form, which are not applied yet. Raises `ConfigError` for a rule that cannot be honoured.
    """
    problems: list[str] = []
    if isinstance(dynamic, Mapping) and (dynamic.get("rules") or dynamic.get("rulesV2")):
        problems.append("config.sampling: dynamic sampling rules are not yet enforced, what they are about is kept")
    compiled = [_compile_rule(rule, f"{_PATH}[{position}]") for position, rule in enumerate(rules)]
    taken: dict[DataCategory, SamplingRule] = {}
    for rule in compiled:
        for category in sorted(rule.categories):
            first = taken.setdefault(category, rule)
            if first is not rule:
                problems.append(
                    f"{_PATH}: rule {rule.id} never decides on {category.wire}, rule {first.id} comes first"
                )
    return Sampling(compiled) if compiled else None, problems


def _compile_rule(rule: object, path: str) -> SamplingRule:
    if not isinstance(rule, Mapping):
        raise ConfigError("a rule must be an object", path=path)
    for member in rule:
        if member in _NOT_YET:
            raise ConfigError(f"`{member}` is not supported yet", path=f"{path}.{member}", accepted=_MEMBERS)
        if member not in ("id", "applies", "rate", "protect"):
            raise ConfigError(f"`{member}` is not known", path=f"{path}.{member}", accepted=_MEMBERS)
    rule_id, rate, protects = rule.get("id"), rule.get("rate"), rule.get("protect", True)
    if type(rule_id) is not int or not 0 <= rule_id < 2**32:
        raise ConfigError("an id is needed", path=f"{path}.id", accepted="a whole number, 3000 to 4999 by custom")
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        raise ConfigError("a rate is needed", path=f"{path}.rate", accepted="a number from 0 to 1")
    if not isinstance(protects, bool):
        raise ConfigError(f"{protects!r} is neither true nor false", path=f"{path}.protect", accepted="true, false")
    return SamplingRule(rule_id, _categories(rule.get("applies"), f"{path}.applies"), float(rate), protects)


_MEMBERS: Final = "id, applies, rate, protect"


def _categories(names: object, path: str) -> frozenset[DataCategory]:
    if not isinstance(names, (list, tuple)) or not names:
        raise ConfigError("a list of categories is needed", path=path, accepted=", ".join(_CATEGORIES))
    for name in names:
        if not isinstance(name, str) or name not in _CATEGORIES:
            raise ConfigError(f"{name!r} cannot be sampled", path=path, accepted=", ".join(_CATEGORIES))
    return frozenset(_CATEGORIES[name] for name in names)
