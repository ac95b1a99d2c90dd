"""What an upstream is asked about projects, and what its answer says of each (`upstream-and-operations.md` 5.1, 5.2, 5.6).

Plain JSON values in and out. When to ask is `runtime.managed.config_fetch`'s, what a document means `settings.fetched`'s. The answer is a
stranger's: every key that was asked for gets a state, and no other does; what is not as it should be is said in `problems` and leaves its key
waiting; an answer that as a whole is none raises `UpstreamError`, so that it counts as a failure and disables nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

from scrubjay.errors import UpstreamError

ROUTE: Final = "projectconfigs"
PATH: Final = "/api/0/relays/projectconfigs/?version=3"
_MAX_REVISION: Final = 256
"""A longer one is not sent back: what is given a name by it is fetched whole each time."""


@dataclass(frozen=True, slots=True)
class Enabled:
    """The upstream's document for one key, as it came."""

    document: Mapping[str, Any]

    @property
    def revision(self) -> str | None:
        """What to name it by when it is asked for again."""
        revision = self.document.get("rev")
        return revision if isinstance(revision, str) and len(revision) <= _MAX_REVISION else None

    def __repr__(self) -> str:
        return f"<Enabled {self.revision}>"


class Word(Enum):
    DISABLED = "disabled"
    WAITING = "waiting"
    UNCHANGED = "unchanged"


DISABLED: Final = Word.DISABLED
"""The project or the key is not served, or not known, or not for us."""
WAITING: Final = Word.WAITING
"""Not known yet: to be asked for again."""
UNCHANGED: Final = Word.UNCHANGED
"""The revision that was named is the present one."""

State = Enabled | Literal[Word.DISABLED, Word.WAITING, Word.UNCHANGED]


@dataclass(frozen=True, slots=True)
class ConfigReply:
    """A state for each key that was asked for; `problems`: (key, what is wrong with its entry)."""

    states: Mapping[str, State]
    problems: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SharedReply:
    """What goes for all projects, as it came. None: the upstream has not worked it out yet."""

    document: Mapping[str, Any] | None


def question(
    revisions: Iterable[tuple[str, str | None]], *, full: bool = False, no_cache: bool = False
) -> dict[str, object]:
    """The body that asks for keys, each with the revision that is held, if any."""
    pairs = tuple(revisions)
    return {
        "publicKeys": [key for key, _ in pairs],
        "revisions": [revision for _, revision in pairs],
        "fullConfig": full,
        "noCache": no_cache,
    }


def shared_question() -> dict[str, object]:
    """The body that asks for what goes for all projects."""
    return {"global": True, "publicKeys": []}


def read_reply(reply: object, asked: Mapping[str, str | None]) -> ConfigReply:
    """What it says of the keys `asked` for, each with the revision that was named. Raises `UpstreamError`."""
    members = _object(reply)
    configs = members.get("configs")
    if configs is None:
        configs = {}
    if not isinstance(configs, dict):
        raise UpstreamError("`configs` in the answer is no object")
    waiting, unchanged = _keys(members, "pending"), _keys(members, "unchanged")
    states: dict[str, State] = {}
    problems: list[tuple[str, str]] = []
    for key, revision in asked.items():
        if key in waiting:
            states[key] = WAITING
        elif key in unchanged and revision is not None:
            states[key] = UNCHANGED
        elif key in unchanged:
            states[key] = WAITING
            problems.append((key, "said to be unchanged, though no revision was named"))
        else:
            states[key] = state = _state(configs.get(key))
            if state is WAITING:
                problems.append((key, "the configuration is no object"))
    return ConfigReply(states, tuple(problems))


def read_shared(reply: object) -> SharedReply:
    """What goes for all projects; without a status it counts as ready. Raises `UpstreamError`."""
    members = _object(reply)
    if members.get("globalStatus") == "pending":
        return SharedReply(None)
    document = members.get("global")
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise UpstreamError("`global` in the answer is no object")
    return SharedReply(document)


def _state(config: object) -> State:
    if config is None:
        return DISABLED
    if not isinstance(config, dict):
        return WAITING
    return DISABLED if config.get("disabled") is True else Enabled(config)


def _object(reply: object) -> dict[str, Any]:
    if not isinstance(reply, dict):
        raise UpstreamError("the answer is no object")
    return reply


def _keys(members: Mapping[str, object], name: str) -> frozenset[str]:
    listed = members.get(name)
    if listed is None:
        return frozenset()
    if not isinstance(listed, list):
        raise UpstreamError(f"`{name}` in the answer is no list")
    return frozenset(key for key in listed if isinstance(key, str))
