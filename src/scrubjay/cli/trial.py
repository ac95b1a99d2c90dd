"""Items scrubbed as the relay would, without a relay: what `scrubjay test` runs its cases and recordings through.

Owns reading recordings and finding the rules that are meant. Scrubbing is the pipeline's own function, so that nothing here can
differ from it; judging is `core/scrub/rule_tests.py` and `comparison.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import UNSET

from scrubjay.core.envelope import Envelope, Item, encode_json, parse_envelope
from scrubjay.core.items import classify
from scrubjay.core.plan import ProjectPlan, compile_plan
from scrubjay.core.scrub.comparison import Side
from scrubjay.core.scrub.headers import scrub_headers
from scrubjay.core.scrub.payloads import Replaced, payload_of, scrub_item
from scrubjay.core.scrub.pseudonyms import occasion, utc_day
from scrubjay.core.scrub.record import Record
from scrubjay.core.scrub.rule_tests import Outcome, place_text
from scrubjay.core.scrub.trace import Trace
from scrubjay.errors import BadRequest, ConfigError
from scrubjay.outcomes import Reason
from scrubjay.settings.document import compose, read_text
from scrubjay.settings.load import Loaded
from scrubjay.settings.project import ProjectConfig
from scrubjay.settings.project_parsing import parse_project
from scrubjay.settings.rule_tests import RuleTest, RuleTestFile, read_rule_tests

LINES: Final = (".jsonl", ".ndjson")
RECORDINGS: Final = (".envelope", ".json", *LINES)


def plan_of(path: Path, loaded: Loaded) -> ProjectPlan:
    """The rules of a file, a project's or one with rule tests. Raises: ConfigError."""
    text = read_text(path)
    if path.suffix != ".json" and any(
        key.value == "tests" for key, _ in getattr(compose(text, str(path)), "value", ())
    ):
        return plan_for(read_rule_tests(path), path, loaded)
    return _compile(parse_project(text, str(path)), str(path), loaded)


def plan_for(tests: RuleTestFile, path: Path, loaded: Loaded) -> ProjectPlan:
    """The rules that the cases of a file are about. Raises: ConfigError."""
    if tests.has_rules:
        return _compile(tests.own_project(), str(path), loaded)
    if tests.project_path is not None:
        named = path.parent / tests.project_path
        return _compile(parse_project(read_text(named), str(named)), str(named), loaded)
    return _compile(_of_configuration(tests, path, loaded), str(loaded.config_dir or path), loaded)


def _of_configuration(tests: RuleTestFile, path: Path, loaded: Loaded) -> ProjectConfig:
    projects = loaded.projects
    if tests.project is None:
        if projects.default is None:
            raise ConfigError(
                "no rules, and the configuration has no plan `default`", where=str(path), path="project",
                accepted="a project file, or a project's id or slug",
            )  # fmt: skip
        return projects.default
    for project in projects.by_key.values():
        if str(tests.project) in (str(project.project_id), project.slug):
            return project
    raise ConfigError(f"the configuration has no project {tests.project}", where=str(path), path="project")


def _compile(project: ProjectConfig, where: str, loaded: Loaded) -> ProjectPlan:
    try:
        return compile_plan(project, loaded.settings)
    except ConfigError as error:
        raise ConfigError(error.problem, where=where, path=error.path, accepted=error.accepted) from error


# ---- cases


def try_case(test: RuleTest, folder: Path, plan: ProjectPlan) -> Outcome:
    """Scrub the input of a case. Raises: ConfigError where there is no such input."""
    envelope = _input(test, folder)
    before = tuple(bytes(item.payload) for item in envelope.items)
    record = Record()
    reasons = [_scrub(plan, item, record) for item in envelope.items]
    after = tuple(None if reason else bytes(item.payload) for item, reason in zip(envelope.items, reasons, strict=True))
    envelope.items = [item for item, reason in zip(envelope.items, reasons, strict=True) if not reason]
    assert plan.scrub is not None  # compiled from a project
    scrub_headers(plan.scrub, envelope)
    hits = {origin: count.hits for origin, count in record.rules.items()}
    return Outcome(before, after, tuple(reasons), envelope.serialize(), hits)


def _input(test: RuleTest, folder: Path) -> Envelope:
    if test.envelope is not UNSET:
        return _envelope(folder / test.envelope)
    if test.text is not UNSET:
        payload = test.text.encode() if test.type == "attachment" else place_text(test.text, test.at)
    else:
        payload = test.input.encode() if isinstance(test.input, str) else encode_json(test.input)
    item = Item({**test.headers, "type": test.type}, payload)
    classify(item)
    return Envelope({}, [item])


def _scrub(plan: ProjectPlan, item: Item, record: Record) -> str:
    """In place; the reason why the item is dropped, if it is."""
    assert plan.scrub is not None
    with occasion(plan.project_id or 0, utc_day(time.time())):
        result = scrub_item(plan.scrub, plan.policies, item, record)
    if isinstance(result, Reason):
        return result.code
    payload = payload_of(result)
    if payload is not None:
        item.replace(payload)
    if isinstance(result, Replaced):
        item.headers.update(result.headers)
    return ""


# ---- recordings


def recorded_files(places: tuple[Path, ...]) -> list[Path]:
    """The files of a recording; a folder stands for those in and below it."""
    return [
        path
        for place in places
        for path in (sorted(place.rglob("*")) if place.is_dir() else [place])
        if path == place or (path.suffix in RECORDINGS and path.is_file())
    ]


def recorded_items(path: Path) -> Iterator[Item]:
    """Items of an envelope, an event, or events line by line. Raises: ConfigError."""
    if path.suffix in LINES:
        for line in _read(path).splitlines():
            if line.strip():
                yield _event(line)
    elif path.suffix == ".json":
        yield _event(_read(path))
    else:
        yield from _envelope(path).items


def trace_item(plan: ProjectPlan, item: Item) -> Side | None:
    """What the rules do to an item, which stays as it is; None: it is dropped."""
    trace = Trace()
    copy = Item(dict(item.headers), item.payload)
    copy.kind = item.kind
    return None if _scrub(plan, copy, trace) else Side(trace.touches, bytes(copy.payload))


def _event(payload: bytes) -> Item:
    item = Item({"type": "event"}, payload)
    classify(item)
    return item


def _envelope(path: Path) -> Envelope:
    try:
        envelope = parse_envelope(_read(path))
        for item in envelope.items:
            classify(item)
    except BadRequest as error:
        raise ConfigError("; ".join((error.detail, *error.causes)), where=str(path)) from error
    return envelope


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot open the file: {error.strerror or error}", where=str(path)) from error
