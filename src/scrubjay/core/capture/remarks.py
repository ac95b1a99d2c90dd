"""What scrubbing left behind: the remarks under `_meta`, as a list (`scrubbing.md` 9).

The list says where, by which rule and how; it is what the page highlights. Documents may have any shape; nothing here raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scrubjay.core.capture.reading import as_list, get

_ACTIONS: Final = {"x": "removed", "s": "replaced", "m": "masked", "p": "hashed", "e": "encrypted"}


def remarks(document: object) -> list[dict[str, object]]:
    """What scrubbing did, by `_meta`: path as JSON pointer, rule, action, and the range inside the text where there is one."""
    found: list[dict[str, object]] = []
    ahead: list[tuple[str, object]] = [("", get(document, "_meta"))]
    while ahead:
        path, node = ahead.pop()
        if not isinstance(node, Mapping):
            continue
        own = node.get("")
        found += [
            _remark(path, remark, get(own, "len"))
            for remark in as_list(get(own, "rem"))
            if isinstance(remark, list) and len(remark) >= 2
        ]
        ahead += [
            (f"{path}/{name.replace('~', '~0').replace('/', '~1')}", child)
            for name, child in reversed(list(node.items()))
            if name
        ]
    return found


def _remark(path: str, remark: list[object], length: object) -> dict[str, object]:
    told: dict[str, object] = {
        "path": path,
        "rule": str(remark[0]),
        "action": _ACTIONS.get(str(remark[1]), "annotated"),
    }
    if len(remark) >= 4 and all(isinstance(bound, int) for bound in remark[2:4]):
        told["range"] = remark[2:4]
    if isinstance(length, int):
        told["len_before"] = length
    return told
