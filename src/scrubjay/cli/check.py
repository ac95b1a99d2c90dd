"""`scrubjay check`: what this configuration means, before it is run.

Loads it, compiles the plan of every project and prints each effective value with its origin. Anything that would be refused or
left out is an error and exit code 1, so that a deployment can be gated on it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click

from scrubjay.cli.verb import Invocation, pass_invocation, verb
from scrubjay.core.plan import ProjectPlan, compile_plan
from scrubjay.core.scrub.program import ScrubProgram
from scrubjay.core.scrub.rules import DryRule
from scrubjay.errors import ConfigError
from scrubjay.settings.load import Loaded
from scrubjay.settings.project import ProjectConfig
from scrubjay.settings.show import effective


@dataclass(slots=True)
class ProjectCheck:
    """What was found of one project. `full_walk`: rules that make every payload be read as a whole. `unread`: what no rule sees."""

    name: str
    keys: list[str]
    revision: str = ""
    full_walk: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@verb("check")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_invocation
@click.pass_context
def check(ctx: click.Context, invocation: Invocation, /, as_json: bool) -> None:
    """Load everything, compile every plan, say where each value comes from."""
    loaded = invocation.load()
    projects = list(check_projects(loaded))
    errors = [
        *loaded.projects.problems,
        *loaded.projects.shared.problems,
        *(problem for project in projects for problem in project.problems),
        *outside(loaded),
    ]
    warnings = [warning for warning in loaded.warnings if warning not in errors]
    if as_json:
        click.echo(_as_json(loaded, projects, errors, warnings))
    else:
        _print(loaded, projects)
        for label, lines in (("note", loaded.notices), ("warning", warnings), ("error", errors)):
            for line in lines:
                click.echo(f"{label}: {line}", err=True)
    ctx.exit(1 if errors else 0)


def check_projects(loaded: Loaded) -> Iterator[ProjectCheck]:
    """Compiles each project once, the plan `default` first."""
    if loaded.projects.default is not None and loaded.settings.relay.mode != "managed":
        yield _check(loaded.projects.default, "default", [], loaded)
    seen: dict[int, ProjectCheck] = {}
    for key, project in loaded.projects.by_key.items():
        assert project.project_id is not None
        if project.project_id not in seen:
            name = f"{project.project_id} {project.slug or ''}".strip()
            seen[project.project_id] = _check(project, name, [], loaded)
        seen[project.project_id].keys.append(key)
    yield from seen.values()


def _check(project: ProjectConfig, name: str, keys: list[str], loaded: Loaded) -> ProjectCheck:
    found = ProjectCheck(name, keys)
    try:
        plan = compile_plan(project, loaded.settings, shared=loaded.projects.shared.config)
    except ConfigError as error:
        found.problems.append(_placed(str(error), error.path, project, name, loaded))
        return found
    found.revision = plan.revision
    found.problems += [_placed(str(problem), str(problem), project, name, loaded) for problem in plan.problems]
    found.full_walk += plan.scrub.forced_full if plan.scrub else ()
    found.unread += unread(plan)
    return found


def _placed(text: str, dotted: str, project: ProjectConfig, name: str, loaded: Loaded) -> str:
    """What is wrong with a project, and where. `dotted` begins with the place of it in the file."""
    where, line = loaded.projects.place_of(project, dotted.partition(" ")[0].rstrip(":"))
    place = f"{where}:{line}" if line else where
    return f"{place}: {text}" if place else f"project {name}: {text}"


def unread(plan: ProjectPlan) -> Iterator[str]:
    """What leaves this project without a rule having seen its content."""
    if plan.scrub is None:
        yield "everything"
        return
    if plan.scrub.allow is not None:
        yield from (f"{name}, but for rules that can read it" for name in plan.scrub.allow.whole)
        return
    if plan.scrub.options.dry_run:
        yield "everything: rules are only tried (dry_run)"
        return
    policies = plan.policies
    if policies.attachments == "keep":
        yield "attachments, but for rules bound to them"
    elif policies.attachments == "text":
        if policies.compressed is None:
            yield "compressed attachments"
        elif policies.compressed:
            yield f"compressed attachments: {', '.join(sorted(policies.compressed))}"
        if policies.binary == "keep":
            yield "attachments that are neither text nor JSON"
    if policies.attachments != "drop" and policies.binary == "keep":
        yield "crash archives (unreal_report)"
    if policies.binary != "drop":
        yield "profiles in binary form"
    if policies.replay == "keep":
        yield "replay recordings"
    elif policies.replay == "type5":
        yield "what replay recordings show of the page"
    if policies.replay != "drop":
        yield "the pictures of replay videos"
    if policies.opaque == "forward":
        yield "items of unknown types that are not JSON"
    for item_type in policies.forwards_on_error:
        yield f"what cannot be scrubbed: {'all other items' if item_type == '*' else item_type}"
    yield from (f"what rule {rule} would take, which is only tried (dry_run)" for rule in _tried(plan.scrub))


def _tried(program: ScrubProgram) -> list[str]:
    """Rules that take nothing, each once."""
    applications = (application for one in program.passes for application in one.matcher.applications)
    return list(dict.fromkeys(rule.id for one in applications for rule in one.rules if type(rule) is DryRule))


def outside(loaded: Loaded) -> Iterator[str]:
    """What a start would stumble over beside the configuration itself: the spool's folder, certificates, the package for Redis."""
    from scrubjay.runtime.certificates import certificates_of
    from scrubjay.runtime.quota_sharing.service import sharing_of
    from scrubjay.runtime.roads import trust_of
    from scrubjay.runtime.supervision.ledger import authority_of

    if loaded.settings.relay.mode == "capture":
        return

    def place(key: str) -> str:
        origin = loaded.origins.get(key, "default")
        return "" if origin.startswith("default") else f"{origin}: "

    yield from (f"{place('spool.envelopes.path')}{problem}" for problem in _disk(loaded))
    for attempt in (
        lambda: certificates_of(loaded.settings.tls),
        lambda: trust_of(loaded.settings.http),
        lambda: authority_of(sharing_of(loaded.settings.quotas)).close(),
    ):
        try:
            attempt()
        except ConfigError as error:
            yield f"{place(error.path)}{error}"


def _disk(loaded: Loaded) -> Iterator[str]:
    """Why the spool's folder could not be used; it need not exist yet."""
    path = loaded.settings.spool.envelopes.path
    if path is None:
        return
    try:
        place = nearest(Path(path))
    except OSError as error:
        yield f"spool.envelopes.path: {error.filename}: {error.strerror}"
        return
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        yield f"spool.envelopes.path: {place} is no folder that can be written to"


def nearest(path: Path) -> Path:
    """Itself or the folder in which it would be made. Raises `OSError` where we may not look, and for names that cannot be."""
    return next(folder for folder in (path, *path.absolute().parents) if folder.exists())


def _print(loaded: Loaded, projects: list[ProjectCheck]) -> None:
    from scrubjay.cli.tables import console, table

    out = console()
    values = ((key, text, loaded.origins[key]) for key, text in effective(loaded))
    out.print(table(f"Configuration {loaded.config_dir or '(none)'}", ("key", "value", "origin"), values))
    rows = (
        (p.name, "\n".join(p.keys) or "every other key", p.revision, "\n".join(p.full_walk), "\n".join(p.unread))
        for p in projects
    )
    out.print(table("Plans", ("project", "keys", "revision", "rules that force the full walk", "leaves unread"), rows))
    if loaded.settings.relay.mode == "managed":
        out.print("Other keys: their projects are fetched from the upstream.")
    elif loaded.settings.projects.unknown == "forward" and loaded.projects.default is None:
        out.print("Keys without a project: everything leaves unread.")


def _as_json(loaded: Loaded, projects: list[ProjectCheck], errors: list[str], warnings: list[str]) -> str:
    return json.dumps(
        {
            "settings": {key: {"value": text, "origin": loaded.origins[key]} for key, text in effective(loaded)},
            "projects": [asdict(project) for project in projects],
            "errors": errors,
            "warnings": [*warnings, *loaded.notices],
        },
        indent=2,
    )
