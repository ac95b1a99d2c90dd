"""From what the operator wrote to `Settings`: file, environment and flags, in that order, the later one wins.

Owns precedence, origins and the words of errors and warnings (`upstream-and-operations.md` 2.1, 2.5, 2.6). Each key is read as
text and judged by its field, wherever it came from. What follows from several settings is `resolve`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from scrubjay.errors import ConfigError
from scrubjay.settings.advice import advice
from scrubjay.settings.credentials import Credentials, read_credentials
from scrubjay.settings.fields import DISPENSABLE, FIELDS, SECTIONS, value_of
from scrubjay.settings.folders import FILE_NAMES, usual_folder
from scrubjay.settings.project import ProjectConfig
from scrubjay.settings.project_files import ProjectSet, load_projects
from scrubjay.settings.resolve import in_container, resolve
from scrubjay.settings.scalars import expand, is_list, is_text, parse, takes_one
from scrubjay.settings.schema import Settings
from scrubjay.settings.setting import Field, Secret, Section
from scrubjay.settings.suggestions import shown
from scrubjay.settings.texts import Unusable
from scrubjay.settings.written import Written, collect, sort

PROJECTS: Final = "projects"


@dataclass(frozen=True, slots=True)
class Source:
    """Everything that a configuration is loaded from, so that it can be loaded again.

    `config`: folder or file; None: `./.scrubjay`, else `./.relay`, else nothing. `flags`: dotted key → (text, flag).
    `rules`: a file that says what the plan `default` is.
    """

    config: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    strict: bool = False
    rules: Path | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that was understood. `origins`: dotted key → `default…`, `file:line`, `env NAME` or `flag --name`.

    `texts`: dotted key → as it was written, variables replaced. `notices`: worth an information line; `warnings`: worth more.
    """

    settings: Settings
    origins: Mapping[str, str]
    texts: Mapping[str, str]
    warnings: tuple[str, ...]
    notices: tuple[str, ...]
    config_dir: Path | None
    projects: ProjectSet
    credentials: Credentials | None
    source: Source

    @property
    def projects_dir(self) -> Path | None:
        return None if self.config_dir is None else self.config_dir / PROJECTS

    def again(self) -> Loaded:
        """The same sources, as they are now; projects whose file went bad keep their last good version. Raises: ConfigError."""
        return read(self.source, self.projects)

    def with_changed_projects(self) -> Loaded | None:
        """The project files as they are now, all else as it was; None if none of them changed. Never raises."""
        folder = self.projects_dir
        if self.projects.is_current(folder, self.source.rules):
            return None
        projects = _projects(folder, self.source, self.settings, self.projects)
        rest = (text for text in self.warnings if text not in self.projects.warnings)
        return replace(self, projects=projects, warnings=(*rest, *projects.warnings))


def load(
    config: Path | None = None,
    env: Mapping[str, str] | None = None,
    flags: Mapping[str, tuple[str, str]] | None = None,
    *,
    strict: bool = False,
    rules: Path | None = None,
) -> Loaded:
    """Load once; arguments as in `Source`. Raises: ConfigError with source, dotted key, line, value and what is accepted."""
    return read(Source(config, env or {}, flags or {}, strict, rules))


def read(source: Source, previous: ProjectSet | None = None) -> Loaded:
    """Load again or for the first time; `previous` lends its projects where a file cannot be used now. Raises: ConfigError."""
    folder, path = _find(source.config, source.env)
    found = sort(collect(path, source.env, source.flags), strict=source.strict)
    written, warnings = found.written, found.warnings
    values: dict[str, Any] = {}
    texts: dict[str, str] = {}
    for key, entry in written.items():
        if entry.text is not None:
            values[key], texts[key] = _value(FIELDS[key], entry, source.env, folder)
        elif key in DISPENSABLE:
            values[key], texts[key] = None, "null"
    credentials = read_credentials(folder, source.env)

    def refuse(key: str, problem: str, accepted: str) -> ConfigError:
        entry = written.get(key)
        where, line = (entry.where, entry.line) if entry else (str(path or ""), None)
        return ConfigError(problem, where=where, path=key, line=line, accepted=accepted)

    settings, derived = resolve(
        build(values),
        frozenset(values),
        credentials=credentials is not None,
        container=in_container(source.env),
        refuse=refuse,
    )
    projects = _projects(folder / PROJECTS if folder else None, source, settings, previous)
    origins = {key: derived.get(key) or (written[key].origin if key in values else "default") for key in FIELDS}
    if isinstance(values.get("relay.workers"), int) and values["relay.workers"] != settings.relay.workers:
        warnings.append(f"{written['relay.workers'].origin}: relay.workers: {derived['relay.workers']}")
    warnings += [*projects.problems, *projects.warnings, *advice(settings, projects)]
    return Loaded(
        settings, origins, texts, tuple(warnings), tuple(found.notices), folder, projects, credentials, source
    )


def _projects(folder: Path | None, source: Source, settings: Settings, previous: ProjectSet | None) -> ProjectSet:
    """What is in the folder; in mode `capture` there is a plan in any case, in mode `managed` none but those of their own keys."""
    managed = settings.relay.mode == "managed"
    projects = load_projects(folder, previous, rules=source.rules, managed=managed, strict=source.strict)
    if managed and projects.default is not None:
        said = "the plan `default` is not used in mode `managed`: the upstream says what each key's configuration is"
        return replace(projects, default=None, warnings=(*projects.warnings, said))
    if settings.relay.mode == "capture" and not projects.by_key and projects.default is None:
        return replace(projects, default=ProjectConfig(slug="default"))
    return projects


def build(values: Mapping[str, Any]) -> Settings:
    """Settings of parsed values by dotted key; all else is default."""

    def section(kind: type[Section], prefix: str) -> Section:
        fields: dict[str, Any] = {}
        for name in kind.__struct_fields__:
            key = f"{prefix}{name}"
            if key in SECTIONS:
                fields[name] = section(SECTIONS[key], f"{key}.")
            elif key in values:
                fields[name] = values[key]
        return kind(**fields)

    settings = section(Settings, "")
    assert isinstance(settings, Settings)
    return settings


def changed(old: Settings, new: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys that differ: those that take effect at a reload, and those that need a restart."""
    keys = [key for key in FIELDS if value_of(old, key) != value_of(new, key)]
    return tuple(k for k in keys if FIELDS[k].note.reload), tuple(k for k in keys if not FIELDS[k].note.reload)


def in_force(old: Settings, new: Settings) -> Settings:
    """What holds after a reload: `new`, but for the keys that need a restart."""
    return build({key: value_of(new if row.note.reload else old, key) for key, row in FIELDS.items()})


def _find(config: Path | None, env: Mapping[str, str]) -> tuple[Path | None, Path | None]:
    """The config folder and the file in it, where there are any."""
    if config is None and env.get("SCRUBJAY_CONFIG_DIR"):
        config = Path(env["SCRUBJAY_CONFIG_DIR"])
    if config is not None and config.is_file():
        return config.parent, config
    explicit = config is not None
    folder = config if config is not None else usual_folder(env)
    if folder is None:
        return None, None
    paths = [folder / name for name in FILE_NAMES if (folder / name).is_file()]
    if len(paths) > 1:
        raise ConfigError(f"both {' and '.join(FILE_NAMES)} exist", where=str(folder), accepted="one of them")
    if explicit and not paths:
        raise ConfigError("cannot open the file: there is none", where=str(folder), accepted=" or ".join(FILE_NAMES))
    return folder, paths[0] if paths else None


def _value(row: Field, entry: Written, env: Mapping[str, str], folder: Path | None) -> tuple[Any, str]:
    """The value and the text it was read from."""
    assert entry.text is not None
    many = isinstance(entry.text, tuple)
    parts = entry.text if isinstance(entry.text, tuple) else (entry.text,)
    is_secret = Secret.__name__ in str(row.type)

    def refusal(text: str, problem: str, accepted: str, near: str = "") -> ConfigError:
        said = f"{'`***`' if is_secret else shown(text)}: {problem}"
        return ConfigError(said, where=entry.where, path=row.key, line=entry.line, accepted=accepted, near=near)

    if not (is_list(row) if many else takes_one(row)):
        text, expected = (f"[{', '.join(parts)}]", "a single value") if many else (parts[0], "a list")
        raise refusal(text, "wrong form", expected, "" if many or is_secret else f"[{text}]")
    values, texts = [], []
    for part in parts:
        try:
            text = expand(part, env, folder or Path(), partial=is_text(row))
        except Unusable as error:
            raise refusal(part, str(error), error.accepted, error.near) from error
        try:
            values.append(parse(text, row))
        except Unusable as error:
            raise refusal(text, str(error), error.accepted, "" if is_secret else error.near) from error
        texts.append(text)
    if many:
        return tuple(values), f"[{', '.join(texts)}]"
    quoted_digits = row.note.unit == "bytes" and texts[0].isdigit() and not entry.plain
    return values[0], f"{texts[0]}B" if quoted_digits else texts[0]
