"""Which rules `scrubjay scrub` applies: those of a file, of a project of the configuration, or the default ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from scrubjay.core.plan import ProjectPlan, compile_plan
from scrubjay.errors import ConfigError
from scrubjay.settings.document import compose, read_text, to_plain
from scrubjay.settings.load import Loaded
from scrubjay.settings.project import DataScrubbing, ProjectConfig
from scrubjay.settings.project_parsing import parse_project


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line says of the rules. `project` is a file; `key` and `project_id` name a project of the configuration."""

    project: Path | None = None
    pii_config: Path | None = None
    settings: Path | None = None
    key: str | None = None
    project_id: str | None = None
    profile: str | None = None


def chosen_plan(choice: Choice, loaded: Loaded) -> ProjectPlan:
    """Raises: ConfigError."""
    project = _project(choice, loaded)
    config = project.config
    if choice.pii_config is not None:
        given = _read(choice.pii_config)
        if not isinstance(given, dict):
            raise ConfigError("must be an object", where=str(choice.pii_config))
        config = msgspec.structs.replace(config, pii_config=given)
    if choice.settings is not None:
        config = msgspec.structs.replace(config, datascrubbing_settings=_scrubbing(choice.settings))
    if choice.profile is not None:
        ours = msgspec.structs.replace(config.scrubjay, scrub={**config.scrubjay.scrub, "profile": choice.profile})
        config = msgspec.structs.replace(config, scrubjay=ours)
    try:
        return compile_plan(msgspec.structs.replace(project, config=config), loaded.settings)
    except ConfigError as error:
        where = choice.pii_config or choice.project or ""
        raise ConfigError(error.problem, where=str(where), path=error.path, accepted=error.accepted) from error


def _project(choice: Choice, loaded: Loaded) -> ProjectConfig:
    if choice.project is not None:
        return parse_project(read_text(choice.project), str(choice.project))
    projects = loaded.projects
    if choice.key is not None or choice.project_id is not None:
        for key, project in projects.by_key.items():
            if choice.key in (None, key) and choice.project_id in (None, str(project.project_id), project.slug):
                return project
        raise ConfigError(
            f"the configuration has no project {choice.key or choice.project_id}", where=str(loaded.config_dir or ""),
            accepted="a key, a project's id or its slug; or --project with a file",
        )  # fmt: skip
    if choice.pii_config is not None or choice.settings is not None:
        # Rules that are given alone are all there is.
        return _with_scrubbing(ProjectConfig(), DataScrubbing())
    return projects.default or ProjectConfig()


def _with_scrubbing(project: ProjectConfig, scrubbing: DataScrubbing) -> ProjectConfig:
    config = msgspec.structs.replace(project.config, datascrubbing_settings=scrubbing)
    return msgspec.structs.replace(project, config=config)


def _scrubbing(path: Path) -> DataScrubbing:
    try:
        return msgspec.convert(_read(path), DataScrubbing)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error), where=str(path)) from None


def _read(path: Path) -> Any:
    text = read_text(path)
    if path.suffix != ".json":
        return to_plain(compose(text, str(path)), str(path))
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigError(f"malformed JSON: {error}", where=str(path)) from None
