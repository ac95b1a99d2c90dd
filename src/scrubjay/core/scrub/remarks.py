"""`_meta`: remarks by place, read from what came in and written once at the end (scrubbing.md 9)."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from scrubjay.core.scrub.redact import Remark, Text

NodePath: TypeAlias = tuple[str, ...]

EMBEDDED: Final = "@embedded"
"""Origin of the remark on a text that is JSON of which parts were taken. It stands for the whole text, and protects nothing."""


class Trust:
    """Whose remarks are trusted, over the passes of one payload: those of an earlier pass, not those that came with it (gap G1).

    Places are kept by document, which may be one of many in a container. `passes`: the number of the pass that is under way.
    """

    __slots__ = ("_ours", "passes")

    def __init__(self) -> None:
        self.passes = 0
        self._ours: dict[int, set[NodePath]] = {}

    def places(self, document: int) -> set[NodePath] | None:
        """The places whose remarks are ours, in a document that has remarks; None: all are."""
        return self._ours.setdefault(document, set()) if self.passes == 1 else self._ours.get(document)


class Notes:
    """The `_meta` tree of one document: a level per key or position, each node's own members under the empty key.

    Ranges of remarks protect what they cover: all of them, or if `trusted` is given those at its places only, to which every place
    is added that is noted here. Others came from outside, and stay for display (gap G1).
    """

    __slots__ = ("changed", "incoming", "tree", "trusted")

    def __init__(self, incoming: object = None, trusted: set[NodePath] | None = None) -> None:
        self.trusted = trusted
        self.incoming = isinstance(incoming, dict) and bool(incoming)
        self.tree: dict[str, Any] = incoming if isinstance(incoming, dict) else {}
        self.changed = False

    def text(self, path: NodePath, value: bytes) -> Text:
        """The text at a place, with the remarks that came with it."""
        if not self.incoming:
            return Text(value)
        own = self._own(path)
        if own is None:
            return Text(value)
        length = own.get("len")
        remarks = read_remarks(own.get("rem")) if self.trusted is None or path in self.trusted else []
        return Text(value, remarks, length if type(length) is int else None)

    def write(self, path: NodePath, text: Text) -> None:
        """Note what was changed in a text that stays."""
        own = self._noted(path)
        if text.remarks:
            own["rem"] = [remark.to_json() for remark in text.remarks]
        else:
            own.pop("rem", None)
        if text.length is not None:
            own["len"] = text.length
        self.changed = True

    def remove(self, path: NodePath, removal: Remark, text: Text | None = None) -> None:
        """Note that a node was removed whole. What was noted below it goes."""
        own = self._noted(path)
        node = self._node(path)
        for key in [key for key in node if key]:
            del node[key]
        earlier = text.remarks if text is not None else read_remarks(own.get("rem"))
        own["rem"] = [remark.to_json() for remark in (*earlier, removal)]
        if text is not None and text.length is not None:
            own["len"] = text.length
        self.changed = True

    def _find(self, path: NodePath) -> dict[str, Any] | None:
        node: Any = self.tree
        for key in path:
            node = node.get(key)
            if not isinstance(node, dict):
                return None
        return node  # type: ignore[no-any-return]

    def _own(self, path: NodePath) -> dict[str, Any] | None:
        node = self._find(path)
        own = node.get("") if node is not None else None
        return own if isinstance(own, dict) else None

    def _noted(self, path: NodePath) -> dict[str, Any]:
        if self.trusted is not None:
            self.trusted.add(path)
        return self._make(path)

    def _make(self, path: NodePath) -> dict[str, Any]:
        """What is noted of a node itself, made if need be."""
        return self._node((*path, ""))

    def _node(self, path: NodePath) -> dict[str, Any]:
        """The place of a node in the tree, made if need be."""
        node = self.tree
        for key in path:
            following = node.get(key)
            if not isinstance(following, dict):
                following = node[key] = {}
            node = following
        return node

    def rename(self, path: NodePath, old: str, new: str) -> None:
        """Give what is noted of a member its new name."""
        node = self._find(path) if self.incoming else None
        if node is not None and old in node:
            node[new] = node.pop(old)
        self.changed = True

    def move(self, source: NodePath, target: NodePath) -> None:
        """Move the remarks of one node to another."""
        own = self._make(source)
        self._noted(target).update(own)
        own.clear()


def read_remarks(value: object) -> list[Remark]:
    """The remarks of a node; what is none is passed over."""
    out = []
    for entry in value if isinstance(value, list) else ():
        if (
            not isinstance(entry, list)
            or len(entry) not in (2, 4)
            or not all(isinstance(text, str) for text in entry[:2])
        ):
            continue
        if len(entry) == 2:
            out.append(Remark(entry[0], entry[1]))
        elif type(entry[2]) is int and type(entry[3]) is int and entry[2] >= 0 and entry[3] >= 0:
            out.append(Remark(entry[0], entry[1], (entry[2], entry[3])))
    return out
