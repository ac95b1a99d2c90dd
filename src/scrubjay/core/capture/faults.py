"""What a capture does wrong on purpose, so that an application can be tested against a server that misbehaves (`capture.md` 13).

Owns reading a list of faults, choosing the one that strikes a request, and counting. Doing it is `endpoints.capture.faults`' business.
Randomness is an argument. Invariants: a list that cannot be used changes nothing; a fault strikes at most `times` requests; the first
one that matches is the one that strikes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final, Literal

from scrubjay.categories import DataCategory
from scrubjay.core.capture.values import BadQuery, nearest

Action = Literal["status", "rate_limit", "delay", "hang", "reset", "slow_read", "bad_json"]

MAX_FAULTS: Final = 100
MAX_DELAY_MS: Final = 60_000
MAX_SECONDS: Final = 86_400
_MAX_TEXT: Final = 64 * 1024
_MAX_PATTERN: Final = 200

_PARAMETERS: Final[Mapping[str, Mapping[str, object]]] = {
    "status": {"code": 500, "body": "", "headers": {}},
    "rate_limit": {"categories": [], "seconds": 60},
    "delay": {"ms": 1000, "jitter_ms": 0},
    "hang": {},
    "reset": {},
    "slow_read": {"bytes_per_s": 1024},
    "bad_json": {},
}
"""Each action's own parameters, with what holds where they are not given."""
_COMMON: Final = ("match", "action", "times", "probability")
_MATCHES: Final = ("project", "item_type", "path")


@dataclass(slots=True)
class Fault:
    """`project`, `item_type` and `path` are empty for any; `path` may hold `*`. `left` None: for ever."""

    action: Action
    parameters: dict[str, object]
    project: str = ""
    item_type: str = ""
    path: str = ""
    times: int | None = None
    probability: float = 1.0
    hits: int = field(default=0, compare=False)

    @property
    def left(self) -> int | None:
        return None if self.times is None else self.times - self.hits

    def number(self, name: str) -> float:
        value = self.parameters[name]
        assert isinstance(value, int | float), "read by `parse_faults`"
        return float(value)

    def document(self) -> dict[str, object]:
        named = {"project": self.project, "item_type": self.item_type, "path": self.path}
        return {
            "match": {name: value for name, value in named.items() if value},
            "action": self.action,
            **self.parameters,
            "times": self.times,
            "left": self.left,
            "probability": self.probability,
            "hits": self.hits,
        }

    def might_strike(self, project: str, path: str) -> bool:
        return (
            self.left != 0
            and self.project in ("", project)
            and (not self.path or fnmatchcase(path.rstrip("/"), self.path.rstrip("/")))
        )


class Faults:
    """Those in force, in their order."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def __len__(self) -> int:
        return len(self._faults)

    def put(self, faults: Iterable[Fault], project: str = "") -> None:
        """In place of those that were; with `project`: of those that are for it alone. Raises `BadQuery` for too many."""
        kept = [fault for fault in self._faults if project and fault.project != project]
        given = [*kept, *faults]
        if len(given) > MAX_FAULTS:
            raise BadQuery(f"{len(given)} faults; at most {MAX_FAULTS} can be in force")
        self._faults = given

    def remove(self, project: str = "") -> int:
        """All, or those that are for `project` alone; how many that were."""
        before = len(self._faults)
        self.put((), project)
        return before - len(self._faults)

    def asks_for_items(self, project: str, path: str) -> bool:
        """Whether it depends on the body of such a request which fault strikes it."""
        return any(fault.item_type and fault.might_strike(project, path) for fault in self._faults)

    def strike(self, project: str, path: str, item_types: frozenset[str], roll: Callable[[], float]) -> Fault | None:
        """The fault for this request, counted; `roll` gives numbers from 0 to 1, 1 excluded."""
        for fault in self._faults:
            if fault.item_type and fault.item_type not in item_types:
                continue
            if fault.might_strike(project, path) and (fault.probability >= 1 or roll() < fault.probability):
                fault.hits += 1
                return fault
        return None

    def documents(self, project: str = "") -> list[dict[str, object]]:
        """All, or those that are for `project` alone."""
        return [fault.document() for fault in self._faults if project in ("", fault.project)]

    def __repr__(self) -> str:
        return f"<Faults {len(self._faults)}>"


def parse_faults(document: object, project: str = "") -> list[Fault]:
    """A list of faults, or `{"faults": [...]}`; `project`: what they match where they do not say. Raises `BadQuery`."""
    if isinstance(document, Mapping) and set(document) == {"faults"}:
        document = document["faults"]
    if not isinstance(document, list):
        raise BadQuery('a list of faults is expected, such as [{"action": "status", "code": 503}]')
    return [_Reading(f"faults[{index}]", entry).fault(project) for index, entry in enumerate(document)]


class _Reading:
    """One entry. `where` begins every complaint."""

    def __init__(self, where: str, entry: object) -> None:
        self._where = where
        if not isinstance(entry, Mapping):
            raise self._bad("", "an object is expected")
        self._entry = entry

    def fault(self, project: str) -> Fault:
        action = self._action()
        defaults = _PARAMETERS[action]
        self._check_names(self._entry, (*_COMMON, *defaults), "")
        match = self._entry.get("match", {})
        if not isinstance(match, Mapping):
            raise self._bad("match", "an object is expected")
        self._check_names(match, _MATCHES, "match.")
        named = {name: self._match(match, name) for name in _MATCHES}
        if project and named["project"] not in ("", project):
            raise self._bad("match.project", f"only project {project} is asked for")
        if named["item_type"] == "error":
            raise self._bad("match.item_type", "items of errors are of the type 'event'")
        times = self._entry.get("times")
        return Fault(
            action=action,
            parameters={name: self._parameter(name, default) for name, default in defaults.items()},
            project=named["project"] or project,
            item_type=named["item_type"],
            path=named["path"],
            times=None if times is None else int(self._number("times", times, 1, 1_000_000)),
            probability=self._number("probability", self._entry.get("probability", 1), 0, 1),
        )

    def _action(self) -> Action:
        name = self._entry.get("action")
        for action in _PARAMETERS:
            if name == action:
                return action  # type: ignore[return-value]  # the keys are those of the type
        raise self._bad("action", f"unknown: {name!r}{nearest(str(name), tuple(_PARAMETERS))}")

    def _match(self, match: Mapping[str, object], name: str) -> str:
        value = match.get(name, "")
        if isinstance(value, int) and name == "project":
            value = str(value)
        if not isinstance(value, str) or len(value) > _MAX_PATTERN:
            raise self._bad(f"match.{name}", "a short text is expected")
        return value

    def _parameter(self, name: str, default: object) -> object:
        value = self._entry.get(name, default)
        if name == "code":
            return int(self._number(name, value, 200, 599))
        if name == "seconds":
            return int(self._number(name, value, 0, MAX_SECONDS))
        if name in ("ms", "jitter_ms"):
            return self._number(name, value, 0, MAX_DELAY_MS)
        if name == "bytes_per_s":
            return int(self._number(name, value, 1, 1 << 30))
        if name == "categories":
            return self._categories(value)
        if name == "headers":
            return self._headers(value)
        if not isinstance(value, str) or len(value) > _MAX_TEXT:
            raise self._bad(name, f"a text of at most {_MAX_TEXT} characters is expected")
        return value

    def _categories(self, value: object) -> list[str]:
        known = tuple(category.wire for category in DataCategory)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._bad("categories", "a list of texts is expected; an empty one means all categories")
        for one in value:
            if DataCategory.parse(one) is DataCategory.UNKNOWN:
                raise self._bad("categories", f"unknown: {one!r}{nearest(one, known)}")
        return list(value)

    def _headers(self, value: object) -> dict[str, str]:
        if not isinstance(value, Mapping) or not all(
            isinstance(text, str) and text.isascii() and text.isprintable() and len(text) <= _MAX_TEXT
            for pair in value.items()
            for text in pair
        ):
            raise self._bad("headers", "an object of printable texts is expected")
        return {str(name): str(text) for name, text in value.items()}

    def _number(self, name: str, value: object, lowest: float, highest: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
            raise self._bad(name, f"{value!r} is no number from {lowest:g} to {highest:g}")
        return value

    def _check_names(self, given: Mapping[str, object], accepted: tuple[str, ...], prefix: str) -> None:
        for name in given:
            if name not in accepted:
                raise self._bad(f"{prefix}{name}", f"unknown here{nearest(str(name), accepted)}")

    def _bad(self, name: str, problem: str) -> BadQuery:
        return BadQuery(f"{self._where}{'.' if name else ''}{name}: {problem}")
