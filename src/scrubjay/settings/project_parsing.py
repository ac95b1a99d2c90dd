"""The text of a project file, or of rules alone, as a `ProjectConfig`; what is wrong with it is said with its line (`upstream-and-operations.md` 2.8)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from scrubjay.errors import ConfigError
from scrubjay.settings.document import compose, decode_json, locate, to_plain
from scrubjay.settings.project import ProjectConfig, ProjectOptions
from scrubjay.settings.project_members import unknown_members
from scrubjay.settings.suggestions import shown
from scrubjay.settings.texts import Unusable, parse_upstream

RULE_KEYS: Final = frozenset({"rules", "applications", "vars"})
MAX_ID: Final = 2**64 - 1
_GUARDS: Final = (
    ("config", "datascrubbingSettings"),
    ("config", "piiConfig"),
    ("config", "piiConfig", "rules"),
    ("config", "piiConfig", "applications"),
)
"""What an overlay's null would unscrub, as an empty line of YAML is one."""
_PATH_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_WORDS: Final = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    " | ": " or ",
}
_TYPES: Final = re.compile(r"\b(?:str|int|float|bool|array|object)\b| \| ")


def parse_rules(text: str, where: str) -> ProjectConfig:
    """Rules that stand alone, as in `piiConfig`, beside the default ones; or a whole project. Raises: ConfigError."""
    document = _document(text, where)
    if isinstance(document, dict) and "config" not in document:
        if not document.keys() & RULE_KEYS:
            accepted = f"a project file, or what stands in its `piiConfig`: {', '.join(sorted(RULE_KEYS))}"
            raise ConfigError("there are no rules in it", where=where, accepted=accepted)
        return ProjectConfig(config=ProjectOptions(pii_config=document))
    return parse_project(text, where)


def parse_project(text: str, where: str) -> ProjectConfig:
    """One project in JSON, if `where` says so by its suffix, else in YAML. Raises: ConfigError with path and line."""
    return _project_of(_document(text, where), text, where)


class ParsedFile(NamedTuple):
    """A project file, the document that it was read from, and members of it that mean nothing."""

    config: ProjectConfig
    document: dict[str, Any]
    slips: list[ConfigError]


def parse_project_file(text: str, where: str) -> ParsedFile:
    """One project, with what else is known of its file. Raises: ConfigError with path and line."""
    document = _document(text, where)
    config = _project_of(_without_nulls(document, text, where), text, where)
    assert isinstance(document, dict)
    return ParsedFile(config, document, list(_unknown(document, text, where)))


def _without_nulls(document: object, text: str, where: str) -> object:
    """An overlay's null takes a member of the fetched configuration away; in itself it is as good as none. Raises: ConfigError."""
    if not isinstance(document, dict) or document.get("overlay") is not True:
        return document
    for steps in _GUARDS:
        above, name = _at(document, steps[:-1]), steps[-1]
        if isinstance(above, dict) and above.get(name, ()) is None:
            said = "null would take away what the upstream has scrubbed"
            accepted = "the members that differ, or nothing"
            raise ConfigError(
                said, where=where, path=".".join(steps), line=_line(text, where, steps), accepted=accepted
            )
    options = document.get("config")
    if not isinstance(options, dict):
        return document
    return {**document, "config": {name: value for name, value in options.items() if value is not None}}


def _project_of(document: object, text: str, where: str) -> ProjectConfig:
    try:
        config = msgspec.convert(document, ProjectConfig)
    except msgspec.ValidationError as error:
        problem, dotted, steps = plain_problem(error)
        said = f"{_quoted(document, steps)}{problem}"
        raise ConfigError(said, where=where, path=dotted, line=_line(text, where, steps)) from error
    for name, number in (("projectId", config.project_id), ("organizationId", config.organization_id)):
        if number is not None and number > MAX_ID:
            said = f"{shown(str(number))}: an id has at most 64 bits"
            raise ConfigError(said, where=where, path=name, line=_line(text, where, [name]))
    if config.upstream is None:
        return config
    try:
        return replace(config, upstream=parse_upstream(config.upstream))
    except Unusable as error:
        said, line = f"{shown(config.upstream)}: {error}", _line(text, where, ["upstream"])
        raise ConfigError(said, where=where, path="upstream", line=line, accepted=error.accepted) from error


def _unknown(document: object, text: str, where: str) -> Iterator[ConfigError]:
    for steps, near in unknown_members(document):
        dotted = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")
        yield ConfigError("unknown member", where=where, path=dotted, line=_line(text, where, steps), near=near)


def plain_problem(error: msgspec.ValidationError) -> tuple[str, str, list[str | int]]:
    """What msgspec found, in an operator's words, and where: as a dotted path, and step by step."""
    problem, _, path = str(error).partition(" - at `$")
    return _plain_words(problem), path.removesuffix("`").removeprefix("."), steps_of(path.removesuffix("`"))


def steps_of(path: str) -> list[str | int]:
    return [name or int(index) for name, index in _PATH_STEP.findall(path)]


def _document(text: str, where: str) -> object:
    if not where.endswith(".json"):
        return to_plain(compose(text, where), where)
    return decode_json(text, where)


def _line(text: str, where: str, steps: Sequence[str | int]) -> int | None:
    """Best effort: what JSON writes otherwise than YAML has no line."""
    try:
        return locate(compose(text, where), steps) if steps else 1
    except ConfigError:
        return None


def _quoted(document: Any, steps: Sequence[str | int]) -> str:
    """The single value that stands at a place, with a colon; nothing if there is none."""
    found = _at(document, steps)
    if found is None or isinstance(found, dict | list):
        return ""
    return f"{shown(found if isinstance(found, str) else msgspec.json.encode(found).decode())}: "


def _at(document: Any, steps: Sequence[str | int]) -> Any:
    """What stands at a place; None if there is nothing."""
    for step in steps:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def _plain_words(problem: str) -> str:
    """msgspec's words for types, in words that an operator of a YAML file knows."""
    problem = re.sub(r"`str` matching regex .*", "a key of 32 characters", problem)
    return _TYPES.sub(lambda match: _WORDS[match[0]], problem.replace("Expected", "expected")).replace("`", "")
