"""What scrubbing did to one item, as it may be shown: the report of `capture.md` 8.1.

A `Report` is data; `examination` makes it. It is kept packed beside its item and outlives the original, of which it holds what
the mode allows: values (`full`), their shape (`shape`) or nothing (`none`). Lengths and ranges are characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

from scrubjay.core.capture.reading import Json, as_list, text
from scrubjay.core.envelope import decode_json, encode_json

Mode = Literal["full", "shape", "none"]
MODES: Final[tuple[Mode, ...]] = ("full", "shape", "none")
_NOWHERE: Final = -2


@dataclass(frozen=True, slots=True)
class Report:
    """`changes` in the order applied. `totals`: hits and bytes by rule. `reason` says why there is less than one would expect."""

    mode: Mode
    changes: Sequence[Json] = ()
    suspects: Sequence[Json] = ()
    totals: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    bytes_removed: int = 0
    time_ms: float = 0.0
    reason: str = ""

    def document(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "mode": self.mode,
            "changes": list(self.changes),
            "suspects": list(self.suspects),
            "totals": dict(self.totals),
            "bytes_removed": self.bytes_removed,
            "time_ms": self.time_ms,
        }
        return told | {"reason": self.reason} if self.reason else told

    def counts(self, parts: Iterable[int]) -> dict[int, tuple[int, list[str], int]]:
        """Changes, their rules and suspects by part: of the whole item (-1), or of entries of its container. Reads itself once."""
        counted: dict[int, tuple[list[Json], int]] = {}
        for part in parts:
            counted[part] = ([], 0) if part >= 0 else (list(self.changes), len(self.suspects))
        for change in self.changes:
            if (part := _part_of(change)) in counted:
                counted[part][0].append(change)
        for suspect in self.suspects:
            if (part := _part_of(suspect)) in counted:
                counted[part] = counted[part][0], counted[part][1] + 1
        return {
            part: (len(changes), list(dict.fromkeys(text(change.get("rule")) for change in changes)), suspects)
            for part, (changes, suspects) in counted.items()
        }

    def of_part(self, part: int) -> tuple[list[Json], list[Json]]:
        """Changes and suspects of the whole item (-1), or of one entry of its container."""
        if part < 0:
            return list(self.changes), list(self.suspects)
        return [one for one in self.changes if _part_of(one) == part], [
            one for one in self.suspects if _part_of(one) == part
        ]

    def packed(self) -> bytes:
        return encode_json(self.document())

    @classmethod
    def unpacked(cls, data: bytes) -> Self:
        """The report of `packed`."""
        known: Any = decode_json(data)
        return cls(
            known["mode"],
            _objects(known["changes"]),
            _objects(known["suspects"]),
            known["totals"],
            known["bytes_removed"],
            known["time_ms"],
            known.get("reason", ""),
        )


def _part_of(one: Json) -> int:
    """The entry of a container that a place lies in."""
    steps = text(one.get("path")).split("/", 3)
    return int(steps[2]) if steps[:2] == ["", "items"] and len(steps) > 2 and steps[2].isdecimal() else _NOWHERE


def _objects(value: object) -> list[Json]:
    return [one for one in as_list(value) if isinstance(one, Mapping)]
