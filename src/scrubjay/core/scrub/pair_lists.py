"""The pairs of a list such as headers, cookies or tags: values by their names (scrubbing.md 7.4).

What forms such a list comes in is `normalise.py`; names are scrubbed only where gap G15 is closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrubjay.core.scrub.embedded import MAY_EMBED, scrub_embedded
from scrubjay.core.scrub.json_text import BRACE, BRACKET, QUOTE, WORDS, Raw, decode_array
from scrubjay.core.scrub.keys import RENAMED
from scrubjay.core.scrub.matching import ALWAYS, TRUE
from scrubjay.core.scrub.normalise import Pairs
from scrubjay.core.scrub.opening import open_array, open_object
from scrubjay.core.scrub.remarks import NodePath
from scrubjay.core.scrub.schema import Plan
from scrubjay.core.scrub.screen import EVERY, NOWHERE

if TYPE_CHECKING:
    from scrubjay.core.scrub.descend import Walk


def seen_in_pairs(walk: Walk, data: bytes, at: int) -> list[int] | None:
    """What the screen saw in each pair of a list, in the order of `read_pairs`; None if that is not known one by one."""
    if at < 0:
        return None
    if data[0] == BRACKET:
        elements, flagged = open_array(walk.scan, data, at, every=False)
        seen = [ALWAYS] * len(elements)
        for index, _, hits, _ in flagged:
            seen[index] = hits
        return seen
    if data[0] == BRACE:
        fields, shadowed, members = open_object(walk.scan, data, at, every=False)
        by_name = {name: hits for name, _, hits, _ in members}
        return None if shadowed else [by_name.get(name, ALWAYS) for name in sorted(fields)]
    return None


def scrub_pairs(
    walk: Walk, pairs: Pairs, plan: Plan, path: NodePath, first: int = 0, seen: list[int] | None = None
) -> bool:
    """Scrub the values of a pair list in place; whether any changed. `first`: the position of the first of them."""
    changed = False
    config = walk.config
    text_types = config.planner.text_types
    for index, (name, value) in enumerate(pairs, first):
        match, verdict = config.key_info(name) if name is not None else (config.matcher.index_match(index), 0)
        if name is not None and verdict & RENAMED and plan.node_class == TRUE:
            name = walk.renamed(name, path)
            pairs[index - first] = (name, value)
            changed = True
        if value[0] != QUOTE and not (walk.strict and value[0] not in WORDS):
            continue
        if value[0] != QUOTE:
            new = walk.any(value, plan.state, match, TRUE, verdict, (*path, str(index), "1"), EVERY, NOWHERE)
            if new is not None:
                pairs[index - first] = (name, new)
                changed = True
            continue
        rules = config.matcher.step(plan.state, match | text_types).rules[plan.node_class]
        hits = walk.scan(value) if seen is None else seen[index - first]
        # What JSON inside a value meets is not told by the rules of the value.
        if hits == ALWAYS and value[1] not in MAY_EMBED and not walk.acting(rules, hits, verdict):
            continue
        new, own = None, (*path, str(index), "1")
        if value[1] in MAY_EMBED:
            new = scrub_embedded(walk, value, rules, plan.state, match, plan.node_class, verdict, own)
        if new is None and rules:
            new = walk.text(value, rules, verdict, own, hits)
        if new is not None:
            pairs[index - first] = (name, new)
            changed = True
    return changed


def read_pair_array(elements: list[Raw]) -> list[list[Raw]] | None:
    """The halves of each pair, if every element is a pair whose first half is text."""
    out = []
    for element in elements:
        data = bytes(element)
        if data[0] != BRACKET:
            return None
        halves = decode_array(data)
        if len(halves) != 2 or bytes(halves[0])[0] != QUOTE:
            return None
        out.append(halves)
    return out
