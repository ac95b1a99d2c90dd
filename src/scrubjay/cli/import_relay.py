"""`scrubjay import relay`: the reference's configuration becomes ours, and what has no equivalent is listed.

What the files mean is `settings/relay_import.py`'s; here rules are vetted, files written and findings shown. No value of a file is
ever printed. Nothing is written over unless that was asked for.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click
import msgspec
import yaml

from scrubjay.cli.check import check_projects
from scrubjay.cli.verb import Invocation, group, pass_invocation, verb
from scrubjay.core.filters.compile import compile_filters
from scrubjay.core.plan import compile_plan
from scrubjay.core.quota_config import compile_quotas
from scrubjay.core.sampling.trace_rules import compile_dynamic
from scrubjay.errors import ConfigError
from scrubjay.settings.folders import FILE_NAMES
from scrubjay.settings.global_config import FILE_NAME as GLOBAL_NAME
from scrubjay.settings.load import load
from scrubjay.settings.project import ProjectConfig
from scrubjay.settings.project_parsing import parse_project
from scrubjay.settings.relay_import import KINDS, Imported, read_folder
from scrubjay.settings.schema import Settings
from scrubjay.settings.scrub import Scrub

CREDENTIALS: Final = "credentials.json"


@group("import")
def import_() -> None:
    """Take over another program's configuration."""


@verb("relay")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path(".scrubjay"),
    show_default=True,
    metavar="DIR",
    help="The config folder to write.",
)
@click.option(
    "--profile", type=click.Choice(["strict", "parity"]), help="Write this profile of scrubbing for all projects."
)
@click.option("--force", is_flag=True, help="Write over files that exist.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_invocation
@click.pass_context
def relay(
    ctx: click.Context,
    invocation: Invocation,
    /,
    folder: Path,
    output: Path,
    profile: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Make a config folder of one of Sentry Relay.

    Exit status 1 if something could not be taken over that was meant to have an effect.
    """  # fmt: skip
    imported = read_folder(folder)
    if profile is not None:
        imported.settings.setdefault("scrub", {})["profile"] = profile
    _vet_shared(imported, str(folder / GLOBAL_NAME))
    for stem in list(imported.projects):
        _vet(stem, imported, folder, profile)
    written = _write(imported, folder, output, force=force)
    problems = _problems(output)
    if as_json:
        click.echo(_as_json(imported, written, problems))
    else:
        _show(imported, written, output)
    for problem in problems:
        click.echo(f"error: {problem}", err=True)
    ctx.exit(1 if problems or any(finding.kind == "cannot be used" for finding in imported.findings) else 0)


import_.add_command(relay)


def _vet(stem: str, imported: Imported, folder: Path, profile: str | None) -> None:
    """Compile a project's rules. Where only profile `strict` refuses them, the project gets `parity`."""
    where = str(folder / "projects" / f"{stem}.json")
    document = imported.projects[stem]
    project = parse_project(msgspec.json.encode(document).decode(), where)
    try:
        _compile(project, profile or "strict")
    except ConfigError as refused:
        try:
            _compile(project, "parity")
        except ConfigError as error:
            del imported.projects[stem]
            imported.note("cannot be used", where, f"config.piiConfig.{error.path}".rstrip("."), error.problem)
            return
        document["config"]["scrubjay"] = {"scrub": {"profile": "parity"}}
        imported.note(
            "changed", where, f"config.piiConfig.{refused.path}",
            f"{refused.problem}: the reference skips this in silence; the project gets profile `parity`, which does too",
        )  # fmt: skip
    _leave_out(document["config"], where, imported)


def _leave_out(config: dict[str, Any], where: str, imported: Imported) -> None:
    """Filters, quotas and sampling that would do nothing here; the others stay."""
    filters = config.get("filterSettings", {})
    for name in list(filters):
        borrowed = imported.shared.get("filters") if name == "generic" else None
        usable = _usable_filter(name, filters[name], borrowed, where, f"config.filterSettings.{name}", imported)
        if usable is None:
            del filters[name]
        else:
            filters[name] = usable
    if "quotas" in config:
        config["quotas"] = _usable_quotas(config["quotas"], where, "config.quotas", imported)
    for name in ("sampling", "dynamicSampling"):
        rules, problems = compile_dynamic(config.get(name))
        if problems and not rules:
            del config[name]
            imported.note("no equivalent", where, f"config.{name}", "; ".join(problems))


def _vet_shared(imported: Imported, where: str) -> None:
    """What goes for all projects, as far as it can be used."""
    shared = imported.shared
    if "filters" in shared:
        usable = _usable_filter("generic", shared.pop("filters"), None, where, "filters", imported)
        if usable is not None:
            shared["filters"] = usable
    if "quotas" in shared:
        quotas = shared["quotas"] if isinstance(shared["quotas"], list) else [shared["quotas"]]
        shared["quotas"] = _usable_quotas(quotas, where, "quotas", imported)


def _usable_filter(
    name: str, options: Any, borrowed: object, where: str, member: str, imported: Imported
) -> dict[str, Any] | None:
    """A filter without the entries of its lists that would be skipped; None if nothing is left that could be run."""

    def problems_of(options: Any) -> list[str]:
        return compile_filters({name: options}, global_filters=borrowed)[1]

    problems, usable = problems_of(options), options
    if problems and isinstance(options, dict):
        usable = {
            key: [entry for entry in value if not problems_of({**options, key: [entry]})]
            if isinstance(value, list)
            else value
            for key, value in options.items()
        }
    is_lost = bool(problems_of(usable))
    if problems:
        imported.note("no equivalent" if is_lost else "changed", where, member, "; ".join(problems))
    return None if is_lost else usable


def _usable_quotas(quotas: list[Any], where: str, member: str, imported: Imported) -> list[Any]:
    usable = []
    for index, quota in enumerate(quotas):
        _, problems = compile_quotas([quota])
        if problems:
            text = "; ".join(problems).removeprefix("quotas[0]: ")
            imported.note("no equivalent", where, f"{member}[{index}]", text)
        else:
            usable.append(quota)
    return usable


def _compile(project: ProjectConfig, profile: str) -> None:
    compile_plan(project, Settings(scrub=msgspec.convert({"profile": profile}, Scrub)))


def _write(imported: Imported, folder: Path, output: Path, *, force: bool) -> list[Path]:
    """Raises: ConfigError, before anything is written, if something is in the way."""
    texts = {output / FILE_NAMES[0]: _yaml(imported.settings)}
    for stem, document in imported.projects.items():
        texts[output / "projects" / f"{stem}.yaml"] = _yaml(document)
    if imported.shared:
        texts[output / GLOBAL_NAME] = json.dumps(imported.shared, indent=2, ensure_ascii=False) + "\n"
    if imported.credentials:
        texts[output / CREDENTIALS] = (folder / CREDENTIALS).read_text(encoding="utf-8")
    there = [path for path in texts if path.exists()]
    if there and not force:
        raise ConfigError("is there already", where=str(there[0]), accepted="another --output, or --force")
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600 if path.name == CREDENTIALS else 0o644)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write the file: {error.strerror or error}", where=str(output)) from error
    return list(texts)


def _yaml(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _problems(output: Path) -> list[str]:
    """What `scrubjay check` would call errors."""
    try:
        loaded = load(output, os.environ)
    except ConfigError as error:
        return [str(error)]
    problems = [*loaded.projects.problems, *loaded.projects.shared.problems]
    return [*problems, *(problem for one in check_projects(loaded) for problem in one.problems)]


def _show(imported: Imported, written: list[Path], output: Path) -> None:
    from scrubjay.cli.tables import console, table

    out = console()
    findings = sorted(
        imported.findings, key=lambda finding: (-KINDS.index(finding.kind), finding.where, finding.member)
    )
    if findings:
        rows = ((f.kind, f.where, f.member, f.text) for f in findings)
        out.print(table("Not as it was", ("", "where", "member", "why"), rows))
    if imported.credentials:
        out.print(f"{CREDENTIALS} was copied; nothing in it was looked at.")
    out.print(f"{imported.taken} settings and {len(imported.projects)} projects are in {output}, {len(written)} files.")
    out.print(f"Next: scrubjay check -c {output}")


def _as_json(imported: Imported, written: list[Path], problems: list[str]) -> str:
    return json.dumps(
        {
            "settings": imported.taken,
            "projects": sorted(imported.projects),
            "written": [str(path) for path in written],
            "findings": [asdict(finding) for finding in imported.findings],
            "errors": problems,
        },
        indent=2,
    )
