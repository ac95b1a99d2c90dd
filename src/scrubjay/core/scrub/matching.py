"""Which applications reach a node: selectors run as one automaton along the path from the root (scrubbing.md 6.2).

All paths of all selectors share one bit vector. A path without `**` is matched like a word at the end of the path read so far
(shift-and); a path with `**` keeps a small phase beside it. A step is known by the bits that it matches, so states and their
transitions are few and memoised; a document is walked with one dictionary lookup per step.

A node of class `maybe` is reached by *specific* paths only: no `**`, types only as first item and only schema types. The same
automaton serves both classes; paths that are not specific are merely ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from scrubjay.core.scrub.rules import Rule
from scrubjay.core.scrub.selectors import (
    BASIC_TYPES,
    And,
    DeepWildcard,
    IndexItem,
    Item,
    KeyItem,
    Not,
    Path,
    Selector,
    TypeItem,
    Wildcard,
)

TRUE: Final = 0
MAYBE: Final = 1
FALSE: Final = 2
# Every scan reports this bit, so whatever needs it is looked at always.
ALWAYS: Final = 1
# Phases of a path with `**`: items of the prefix read so far (from _FROM_ROOT up if the root was the first), the prefix just
# complete, complete with a step after it, impossible. A prefix from the root needs one step more, for a path never matches a node
# at a depth below its own length.
_FROM_ROOT: Final = 1000
_EARLY: Final = 2000
_COMPLETE: Final = 2001
_AFTER: Final = 2002
_FAILED: Final = -1
_SHORT_KEY: Final = 8


@dataclass(frozen=True, slots=True)
class Application:
    """Rules bound to a selector. `any_class`: reaches nodes of every class (closures of gaps, scrubbing.md 14)."""

    selector: Selector
    rules: tuple[Rule, ...]
    any_class: bool = False


@dataclass(slots=True)
class _Atom:
    """One path of one selector, laid out in the shared bit vector from bit `base` on."""

    items: tuple[Item, ...]
    base: int
    specific: bool
    prefix: int = -1  # number of items before `**`; -1: there is none
    star: int = -1  # place among the phases

    @property
    def last(self) -> int:
        return 1 << (self.base + len(self.items) - 1)


@dataclass(slots=True)
class State:
    """What the path read so far means. `rules` and `region` are indexed by class.

    `rules`: the rules that act on a node in this state, in order. `region`: screen bits of which one must occur in the bytes of
    an untyped container in this state for anything below it to change.
    """

    bits: int
    phases: tuple[int, ...]
    rules: tuple[tuple[Rule, ...], ...] = ()
    region: tuple[int, ...] = ()
    following: dict[int, State] = field(default_factory=dict)


class Matcher:
    """The automaton of one config."""

    def __init__(self, applications: Sequence[Application], key_bit: Callable[[str], int]) -> None:
        """`key_bit` gives the screen bit of a key that a selector names."""
        self._applications = applications
        self._key_bit = key_bit
        self._atoms: dict[Path, _Atom] = {}
        self._size = 0
        self._stars = 0
        self._initial = 0
        self._keys: dict[str, int] = {}
        self._indices: dict[int, int] = {}
        self._types: dict[str, int] = {}
        self._wild = 0
        for application in applications:
            self._collect(application.selector)
        self._item_needs: dict[tuple[int, Callable[[str], int]], int] = {}
        # Screen bits of keys that selectors name and that are so short that they turn up inside other words.
        self.short_key_bits = 0
        self._states: dict[tuple[int, tuple[int, ...]], State] = {}
        phases = tuple(map(_first_phase, self._star_atoms()))
        self.root = self._state(0, phases)

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """Those of the applications, in order."""
        return tuple(application.selector for application in self._applications)

    @property
    def indices(self) -> Iterable[int]:
        """The array positions that selectors name."""
        return self._indices

    @property
    def applications(self) -> Sequence[Application]:
        """In the order they run."""
        return self._applications

    def matches(self, selector: Selector, state: State, node_class: int) -> bool:
        """Whether a selector of an application, or a part of one, reaches a node; for explanations."""
        return node_class != FALSE and self._matches(selector, state, node_class)

    def key_match(self, key: str) -> int:
        """The step bits of an object key."""
        return self._keys.get(ascii_lower(key), 0) | self._wild

    def index_match(self, index: int) -> int:
        """The step bits of an array position."""
        return self._indices.get(index, 0) | self._wild

    def types_match(self, types: Iterable[str]) -> int:
        """The step bits of a node's value types, to be joined with those of its key or position."""
        out = 0
        for name in types:
            out |= self._types.get(name, 0)
        return out

    def step(self, state: State, match: int) -> State:
        """The state after a step that matches the bits `match`."""
        following = state.following.get(match)
        if following is None:
            bits = ((state.bits << 1) | self._initial) & match
            phases = tuple(
                self._phase(atom, phase, match) for atom, phase in zip(self._star_atoms(), state.phases, strict=True)
            )
            for atom, before in zip(self._star_atoms(), state.phases, strict=True):
                bits = self._suffix(atom, before, state.bits, bits, match)
            following = state.following[match] = self._state(bits, phases)
        return following

    def _star_atoms(self) -> list[_Atom]:
        return [atom for atom in self._atoms.values() if atom.star >= 0]

    def _collect(self, selector: Selector) -> None:
        if isinstance(selector, Path):
            if selector not in self._atoms:
                self._add(selector)
        elif isinstance(selector, Not):
            self._collect(selector.inner)
        else:
            for part in selector.parts:
                self._collect(part)

    def _add(self, path: Path) -> None:
        items = path.items
        prefix = next((place for place, item in enumerate(items) if type(item) is DeepWildcard), -1)
        specific = prefix < 0 and not any(
            type(item) is TypeItem and (place > 0 or item.name in BASIC_TYPES) for place, item in enumerate(items)
        )
        atom = _Atom(items, self._size, specific, prefix, -1 if prefix < 0 else self._stars)
        self._atoms[path] = atom
        self._size += len(items)
        self._stars += prefix >= 0
        if prefix < 0:
            self._initial |= 1 << atom.base
        for place, item in enumerate(items):
            bit = 1 << (atom.base + place)
            if isinstance(item, KeyItem):
                key = ascii_lower(item.key)
                self._keys[key] = self._keys.get(key, 0) | bit
            elif isinstance(item, IndexItem):
                self._indices[item.index] = self._indices.get(item.index, 0) | bit
            elif isinstance(item, TypeItem):
                self._types[item.name] = self._types.get(item.name, 0) | bit
            elif isinstance(item, Wildcard):
                self._wild |= bit

    @staticmethod
    def _phase(atom: _Atom, phase: int, match: int) -> int:
        """The phase of the part up to `**` after a step."""
        if phase >= _EARLY:
            return min(phase + 1, _AFTER)
        if phase == _FAILED:
            return _FAILED
        read = phase % _FROM_ROOT
        if match >> (atom.base + read) & 1:
            if read + 1 < atom.prefix:
                return phase + 1
            return _EARLY if phase >= _FROM_ROOT else _COMPLETE
        # Only the first step that matches the first item is tried.
        return 0 if phase == 0 else _FAILED

    @staticmethod
    def _suffix(atom: _Atom, before: int, old: int, bits: int, match: int) -> int:
        """The bits of the part after `**`, which may start once `**` has taken a step."""
        first = atom.base + atom.prefix + 1
        width = len(atom.items) - atom.prefix - 1
        whole = ((1 << len(atom.items)) - 1) << atom.base
        if not width:
            return bits & ~whole
        part = ((1 << width) - 1) << first
        following = ((old & part) << 1 | (1 << first if before == _AFTER else 0)) & part & match
        return bits & ~whole | following

    def _state(self, bits: int, phases: tuple[int, ...]) -> State:
        state = self._states.get((bits, phases))
        if state is None:
            state = State(bits, phases)
            reached: list[list[Rule]] = [[], [], []]
            region = [0, 0, 0]
            for application in self._applications:
                for node_class in (TRUE, MAYBE, FALSE):
                    seen_as = TRUE if application.any_class else node_class
                    if seen_as == FALSE:
                        continue
                    if self._matches(application.selector, state, seen_as):
                        reached[node_class] += application.rules
                    region[node_class] |= self._needed(application, state, seen_as)
            state.rules = tuple(map(tuple, reached))
            state.region = tuple(region)
            # Only now may others see it: a state without its rules would let everything through. Two threads may make the same one.
            self._states[bits, phases] = state
        return state

    def _matches(self, selector: Selector, state: State, node_class: int) -> bool:
        if isinstance(selector, Path):
            atom = self._atoms[selector]
            if node_class == MAYBE and not atom.specific:
                return False
            if atom.prefix < 0 or len(atom.items) > atom.prefix + 1:
                return bool(state.bits & atom.last)
            return state.phases[atom.star] == _AFTER
        if isinstance(selector, Not):
            return not self._matches(selector.inner, state, node_class)
        if isinstance(selector, And):
            return all(self._matches(part, state, node_class) for part in selector.parts)
        return any(self._matches(part, state, node_class) for part in selector.parts)

    def _needed(self, application: Application, state: State, node_class: int) -> int:
        """Screen bits of which one must occur for the application to do something below an untyped container."""
        content = 0
        for rule in application.rules:
            content |= rule.bits
        if not content:
            return 0
        if content & ALWAYS:
            return self._needed_by_path(application.selector, state, node_class, self._key_bit)
        # The content tells, so the screen need not look for keys too.
        return content if self._needed_by_path(application.selector, state, node_class, _any_key) else 0

    def _needed_by_path(self, selector: Selector, state: State, node_class: int, key_bit: Callable[[str], int]) -> int:
        """Screen bits of what the steps still to come consist of; 0 if they cannot come."""
        if isinstance(selector, Path):
            return self._needed_by_atom(self._atoms[selector], state, node_class, key_bit)
        if isinstance(selector, Not):
            return ALWAYS
        needs = [self._needed_by_path(part, state, node_class, key_bit) for part in selector.parts]
        if isinstance(selector, And):
            # Every part must hold, so the most telling one is enough.
            return min(needs, key=lambda need: (need != 0, need & ALWAYS, need.bit_count()))
        out = 0
        for need in needs:
            out |= need
        return out

    def _needed_by_atom(self, atom: _Atom, state: State, node_class: int, key_bit: Callable[[str], int]) -> int:
        if node_class == MAYBE and not atom.specific:
            return 0
        out = 0
        first, until = 0, len(atom.items)
        if atom.prefix >= 0:
            phase = state.phases[atom.star]
            if phase == _FAILED:
                return 0
            if phase < _EARLY:
                return self._needed_from(atom, phase % _FROM_ROOT, key_bit)
            first = atom.prefix + 1
            if first == until:
                return ALWAYS
        for place in range(first, until):
            if place == first or state.bits >> (atom.base + place - 1) & 1:
                out |= self._needed_from(atom, place, key_bit)
        return out

    def _needed_from(self, atom: _Atom, place: int, key_bit: Callable[[str], int]) -> int:
        """The bit of the longest key among the steps still to come, from `place` on; 0 if untyped content cannot have such steps."""
        need = self._item_needs.get((atom.base + place, key_bit))
        if need is None:
            items = atom.items[place:]
            keys = [item.key for item in items if type(item) is KeyItem]
            if any(type(item) is TypeItem and item.name not in BASIC_TYPES for item in items):
                need = 0
            else:
                longest = ascii_lower(max(keys, key=len, default=""))
                need = key_bit(longest) if keys else ALWAYS
                if len(longest) <= _SHORT_KEY:
                    self.short_key_bits |= need & ~ALWAYS
            self._item_needs[atom.base + place, key_bit] = need
        return need


def _any_key(_key: str) -> int:
    """Stands for the bit of a key where only the possibility is asked for."""
    return ALWAYS


def _first_phase(atom: _Atom) -> int:
    """The phase at the root, which counts as a step here: a leading `*` matches it."""
    if not atom.prefix:
        return _COMPLETE
    if type(atom.items[0]) is not Wildcard:
        return 0
    return _EARLY if atom.prefix == 1 else _FROM_ROOT + 1


_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def ascii_lower(key: str) -> str:
    """Lower case of ASCII letters only: keys compare so."""
    return key.lower() if key.isascii() else key.translate(_LOWER)
