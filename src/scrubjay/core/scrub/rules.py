"""Rules ready to run: ids resolved, patterns compiled, steps in order (scrubbing.md 3.3, 8.1).

A rule acts on a text, or removes a node. Where it applies is `matching.py`; what is written is `redact.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Protocol

from scrubjay.core.scrub import encoded, patterns, taken
from scrubjay.core.scrub.builtin_rules import FAMILIES_BY_TYPE, builtin_rules
from scrubjay.core.scrub.detector import Detector
from scrubjay.core.scrub.detectors import DETECTORS, network
from scrubjay.core.scrub.families import FAMILIES, with_switches
from scrubjay.core.scrub.finders import finder_beside, finder_of
from scrubjay.core.scrub.literals import Literals, required_literals
from scrubjay.core.scrub.pseudonyms import HASH_FORM, Keyring, pseudonymiser
from scrubjay.core.scrub.redact import Finder, Redaction, Remark, Text, lines, redact, redact_whole
from scrubjay.core.scrub.rule_spec import RuleSpec
from scrubjay.core.scrub.short_texts import short_occurs
from scrubjay.errors import ConfigError
from scrubjay.settings.gaps import Gap
from scrubjay.settings.suggestions import nearest_word

_MAX_DEPTH = 200
# Detectors by rule type; each is one step, on the result of the one before.
_STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    **{kind: tuple(detector.name for detector in detectors) for kind, detectors in FAMILIES.items()},
    "ip": ("ipv4", "ipv6"),
    "email": ("email",),
    "creditcard": ("creditcard",),
    "iban": ("iban",),
    "mac": ("mac",),
    "uuid": ("uuid",),
    "imei": ("imei",),
    "us_ssn": ("us_ssn",),
    "url_auth": ("url_auth",),
    "url_password": ("url_password",),
    "userpath": ("userpath",),
    "pemkey": ("pemkey",),
    "bearer": ("bearer",),
    "password": ("bearer", "token_key", "password"),
    "cookies": ("cookies",),
}
# Further steps of profile `strict`, by the gap that they close (scrubbing.md 14): before the others, and after them. Those that take
# more of what others would take in part come first.
_BEFORE: Final[Mapping[Gap, Mapping[str, str]]] = {
    "ipv6": {"ip": "ipv6_whole"},
    "url_credentials": {"url_auth": "url_auth_whole", "url_password": "url_password_whole"},
}
_AFTER: Final[Mapping[Gap, Mapping[str, str]]] = {"userpath": {"userpath": "userpath_spaces"}}
_ALWAYS: Final = 1


class Vocabulary(Protocol):
    """Where rules say what the screen must look for. Each call returns a bit."""

    def detector_bit(self, detector: Detector) -> int: ...

    def literal_bit(self, literals: Literals, *, in_keys: bool) -> int: ...

    def key_pattern_bit(self, pattern: Any) -> int: ...


@dataclass(frozen=True, slots=True)
class Step:
    """One look at the text and the key. `find` takes matches, `occurs` the whole text; `key_bit` is set in a key's verdict on a hit.

    `bits`: the screen bits without which the text holds nothing for it; or it looks below keys only in whose verdict `gate_bit` is.
    `name` is the detector's, or says what is looked at.
    `pattern`, of which `groups` are redacted, is set where bytes of a file are searched by more than `find` (`binary.py`).
    """

    find: Finder | None = None
    occurs: Callable[[bytes], bool] | None = None
    key_bit: int = 0
    gate_bit: int = 0
    bits: int = _ALWAYS
    name: str = ""
    pattern: Any = None
    groups: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule in an application. `bits`: screen bits of which one must occur in a text for the rule to touch it.

    `key_bits`: verdict bits of keys that make it act. `takes_nodes`: it removes whatever it is applied to.
    """

    id: str
    origin: str
    redaction: Redaction
    steps: tuple[Step, ...]
    bits: int
    key_bits: int
    takes_nodes: bool
    skip_overlaps: bool

    def apply(self, text: Text, key_verdict: int, hits: int) -> bool:
        """Scrub the text in place; whether it must be removed whole instead. `hits` is what the screen found in it."""
        if self.takes_nodes:
            if self.redaction.removes:
                return True
            redact(text, lines, self.origin, self.redaction, skip_overlaps=self.skip_overlaps)
            return False
        for step in self.steps:
            if step.key_bit & key_verdict:
                if not self.redaction.writes:
                    return True
                redact_whole(text, _anything, self.origin, self.redaction)
            elif not (step.bits & hits or step.gate_bit & key_verdict):
                continue
            elif step.find is not None:
                redact(text, step.find, self.origin, self.redaction, skip_overlaps=self.skip_overlaps)
            elif step.occurs is not None:
                redact_whole(text, step.occurs, self.origin, self.redaction)
        return False

    def removes_node(self, key_verdict: int) -> bool:
        """Whether a node without text goes."""
        if self.takes_nodes:
            return True
        return bool(self.key_bits & key_verdict) and any(step.key_bit & key_verdict for step in self.steps)

    def finding(self, find: Finder, name: str) -> Rule:
        """The same rule, looking for something else."""
        return replace(self, steps=(Step(find=find, name=name),), key_bits=0)

    def testing(self, wrap: Callable[[Callable[[bytes], bool]], Callable[[bytes], bool]]) -> Rule:
        """The same rule, with another test of whether a text goes whole."""
        steps = [step if step.occurs is None else replace(step, occurs=wrap(step.occurs)) for step in self.steps]
        return replace(self, steps=tuple(steps))

    @property
    def words(self) -> Rule | None:
        """What of the rule takes whole texts for what stands in them."""
        steps = tuple(replace(step, key_bit=0) for step in self.steps if step.occurs is not None)
        bits = 0
        for step in steps:
            bits |= step.bits
        return replace(self, steps=steps, bits=bits, key_bits=0) if steps else None

    @property
    def removal(self) -> Remark:
        return Remark(self.origin, "x")


class DryRule(Rule):
    """A rule that is only tried: it changes nothing. What it would have done is found by `Record`, which runs it as a `Rule`."""

    __slots__ = ()

    def apply(self, text: Text, key_verdict: int, hits: int) -> bool:
        return False

    def removes_node(self, key_verdict: int) -> bool:
        return False


def only_tried(rule: Rule) -> DryRule:
    return DryRule(**{member.name: getattr(rule, member.name) for member in fields(rule)})


def _anything(_search: bytes) -> bool:
    return True


class RuleSet:
    """All rules that a config can name, compiled on demand."""

    def __init__(
        self,
        specs: Mapping[str, RuleSpec],
        vocabulary: Vocabulary,
        *,
        closed: AbstractSet[Gap],
        further: bool = False,
        keys: Keyring | None = None,
        hash_is_keyed: bool = False,
        dry_run: bool = False,
    ) -> None:
        """`closed`: the gaps of the reference that are closed. `further`: rules beyond it are known. `keys`: those of pseudonyms, without which no rule may ask for one.

        `dry_run`: all rules are only tried.
        """
        self._dry_run = dry_run
        self._specs = specs
        self._keys = keys
        self._hash_is_keyed = hash_is_keyed
        self._vocabulary = vocabulary
        self._closed = closed
        self._builtin = builtin_rules(closed, further=further)
        self._ignore_case: set[str] = set()
        # Rules whose pattern holds nothing that the screen could look for.
        self.unscreened: list[str] = []

    def ignore_case(self, rule_id: str) -> None:
        """The rule's pattern ignores case, which JSON cannot say."""
        self._ignore_case.add(rule_id)

    def lookup(self, rule_id: str) -> RuleSpec | None:
        return self._specs.get(rule_id) or self._builtin.get(rule_id)

    def _nearest(self, rule_id: str) -> str:
        return nearest_word(rule_id, (*self._specs, *self._builtin))

    def resolve(self, ids: Iterable[str], where: str, *, dry_run: bool = False) -> tuple[Rule, ...]:
        """The rules of one application in the order they run: bytewise by id. Raises ConfigError.

        A rule that is to be tried and, by another way, to be run, is run.
        """
        out: dict[str, Rule] = {}
        seen: set[tuple[str, bool]] = set()

        def expand(rule_id: str, parent: tuple[str, Redaction] | None, depth: int, dry: bool) -> None:
            if (rule_id, dry) in seen or depth > _MAX_DEPTH:
                return
            spec = self.lookup(rule_id)
            if spec is None:
                if "validation" in self._closed and rule_id != "@userpath:filter":
                    raise ConfigError(f"unknown rule {rule_id!r}", path=where, near=self._nearest(rule_id))
                return
            seen.add((rule_id, dry))
            dry = dry or spec.dry_run
            origin = parent[0] if parent else rule_id
            redaction = parent[1] if parent and parent[1].method != "default" else spec.redaction
            if spec.is_group:
                inner = (origin, redaction) if spec.hide_inner else None
                for member in spec.members:
                    expand(member, inner, depth + 1, dry)
            elif dry:
                out.setdefault(rule_id, only_tried(self._compile(rule_id, spec, origin, redaction)))
            else:
                out[rule_id] = self._compile(rule_id, spec, origin, redaction)

        for rule_id in ids:
            expand(rule_id, None, 0, dry_run or self._dry_run)
        rules = tuple(out[rule_id] for rule_id in sorted(out, key=lambda name: name.encode("utf-8", "surrogatepass")))
        if not any(step.name == "ipv6_whole" for rule in rules for step in rule.steps):
            return rules
        # A whole address, which the reference would have left, may hold the colon that makes a word telling.
        return (*(words for rule in rules if (words := rule.words) is not None), *rules)

    def check(self, rule_id: str) -> None:
        """Refuse what the reference would silently skip: a pattern that does not compile, an unknown redaction. Raises ConfigError."""
        spec = self._specs[rule_id]
        self._check_method(rule_id, spec.redaction)
        self._with_key(rule_id, spec.kind, spec.redaction)
        if spec.kind in {"pattern", "redact_pair"}:
            self._pattern(rule_id, spec)
        if len(spec.groups) > 1 and 0 in spec.groups:
            raise ConfigError("group 0 overlaps every other group", path=f"rules.{rule_id}.replaceGroups")
        for member in spec.members:
            if self.lookup(member) is None:
                raise ConfigError(f"unknown rule {member!r}", path=f"rules.{rule_id}", near=self._nearest(member))

    @staticmethod
    def _check_method(rule_id: str, redaction: Redaction) -> None:
        if not (redaction.writes or redaction.removes):
            raise ConfigError(
                f"unknown method {redaction.method!r}",
                path=f"rules.{rule_id}.redaction.method",
                accepted="default, remove, replace, mask, hash, pseudonym",
            )

    def _with_key(self, rule_id: str, kind: str, redaction: Redaction) -> Redaction:
        """The redaction, able to give pseudonyms if it is to. Those of one family are alike, whichever rule of it gives them."""
        if redaction.method == "hash" and self._hash_is_keyed:
            redaction = Redaction("pseudonym", form=HASH_FORM)
        if redaction.method != "pseudonym":
            return redaction
        if self._keys is None:
            raise ConfigError("pseudonyms need a key", path=f"rules.{rule_id}", accepted="a `scrub.pseudonym_key`")
        family = rule_id if kind in {"pattern", "redact_pair"} else FAMILIES_BY_TYPE.get(kind, kind)
        return replace(redaction, name=pseudonymiser(self._keys, redaction.form, family))

    def _pattern(self, rule_id: str, spec: RuleSpec) -> Any:
        try:
            ignore_case = rule_id in self._ignore_case
            return patterns.compile_pattern(spec.pattern, ignore_case=ignore_case, max_bytes=patterns.USERS_BYTES)
        except patterns.PatternError as error:
            raise ConfigError(f"pattern does not compile: {error}", path=f"rules.{rule_id}") from None

    def _compile(self, rule_id: str, spec: RuleSpec, origin: str, redaction: Redaction) -> Rule:
        redaction = self._with_key(rule_id, spec.kind, redaction)
        takes_nodes = spec.kind == "anything"
        steps: tuple[Step, ...] = ()
        bits = _ALWAYS if takes_nodes else 0
        if spec.kind in _STEPS:
            detectors = [DETECTORS[name] for name in self._step_names(spec.kind)]
            if spec.switches:
                detectors = [with_switches(spec.kind, spec.switches)]
                if "truncate" in spec.switches:
                    redaction = Redaction("pseudonym", name=network.truncated)
            steps = tuple(step for detector in detectors for step in self._detector_steps(detector))
            for detector in detectors:
                bits |= self._vocabulary.detector_bit(detector)
            for step in steps:
                bits |= step.bits
        elif not takes_nodes:
            compiled = self._pattern(rule_id, spec)
            literals = required_literals(spec.pattern)
            if literals is None:
                bits = _ALWAYS
                self.unscreened.append(rule_id)
            else:
                bits = self._vocabulary.literal_bit(literals, in_keys=spec.kind == "redact_pair")
            if spec.kind == "pattern":
                find = patterns.finder(compiled, spec.groups)
                steps = (Step(find=find, bits=bits, name=spec.kind, pattern=compiled, groups=spec.groups),)
            else:
                steps = (
                    Step(
                        occurs=self._occurring(compiled),
                        key_bit=self._vocabulary.key_pattern_bit(compiled),
                        bits=bits,
                        name=spec.kind,
                        pattern=compiled,
                    ),
                )
        key_bits = 0
        for step in steps:
            key_bits |= step.key_bit | step.gate_bit
        return Rule(rule_id, origin, redaction, steps, bits, key_bits, takes_nodes, "overlaps" in self._closed)

    def _occurring(self, compiled: Any) -> Callable[[bytes], bool]:
        def occurs(search: bytes) -> bool:
            return compiled.search(search) is not None

        return taken.beside_members(occurs) if "embedded" in self._closed else occurs

    def _step_names(self, kind: str) -> list[str]:
        before = [table[kind] for gap, table in _BEFORE.items() if gap in self._closed and kind in table]
        after = [table[kind] for gap, table in _AFTER.items() if gap in self._closed and kind in table]
        return [*before, *_STEPS[kind], *after]

    def _detector_steps(self, detector: Detector) -> Iterator[Step]:
        bits = self._vocabulary.detector_bit(detector)
        if detector.beside is not None:
            gate_bit = self._vocabulary.key_pattern_bit(patterns.compile_pattern(detector.beside.key))
            yield Step(find=finder_beside(detector), gate_bit=gate_bit, bits=0, name=detector.name)
        key_bit, on_key = 0, None
        if detector.on_key:
            on_key = patterns.compile_pattern(detector.on_key)
            key_bit = self._vocabulary.key_pattern_bit(on_key)
        if not detector.pattern and detector.find is None:
            yield Step(key_bit=key_bit, bits=bits, name=detector.name, pattern=on_key)
        elif detector.whole:
            compiled = patterns.compile_pattern(detector.pattern)
            occurs = short_occurs(detector.pattern, lambda search: compiled.search(search) is not None)
            if "embedded" in self._closed:
                occurs = taken.beside_members(occurs)
            if "encoded" in self._closed:
                occurs, bits = encoded.occurring_through(occurs), bits | self._vocabulary.detector_bit(encoded.SIGN)
            yield Step(occurs=occurs, key_bit=key_bit, bits=bits, name=detector.name, pattern=compiled)
        else:
            find = finder_of(detector, shared="ipv6" in self._closed)
            if "encoded" in self._closed:
                find, bits = encoded.looking_through(find), bits | self._vocabulary.detector_bit(encoded.SIGN)
            yield Step(find=find, key_bit=key_bit, bits=bits, name=detector.name)
