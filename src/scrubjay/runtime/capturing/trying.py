"""Rules that are only tried: what they would do to what was captured, and the files in which they would be kept (`capture.md` 8.3).

Changes nothing. Originals are used where they are kept; else the scrubbed form, of which rules can only take more. Pure work: it may run in a
thread.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import yaml

from scrubjay.core.capture.examination import examine
from scrubjay.core.capture.item import json_of
from scrubjay.core.capture.report import Report
from scrubjay.core.capture.store import Found
from scrubjay.core.envelope import Item
from scrubjay.core.items import classify
from scrubjay.core.plan import ProjectPlan, compile_plan
from scrubjay.core.scrub.payloads import payload_of, scrub_item
from scrubjay.errors import ConfigError
from scrubjay.outcomes import Reason
from scrubjay.settings.document import compose, to_plain
from scrubjay.settings.project import ProjectConfig, ProjectOptions
from scrubjay.settings.project_parsing import plain_problem
from scrubjay.settings.schema import Settings

CURRENT: Final = "current"
MAX_TESTS: Final = 10
_WHERE: Final = "rules"
_WHOLE: Final = frozenset({"piiConfig", "datascrubbingSettings"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """Rules as they are written, and compiled. `members`: of a project's `config`."""

    members: Mapping[str, Any]
    plan: ProjectPlan

    def fragment(self) -> str:
        """As they stand in a project file."""
        return _yaml({"config": dict(self.members)})

    def test(self, founds: Sequence[Found]) -> str:
        """As the file of a rule test (`docs/testing-rules.md`): input, rules, and what leaves now."""
        cases: list[dict[str, Any]] = []
        for found in founds[:MAX_TESTS]:
            came, document = _came(found), json_of(_payload(found))
            if not isinstance(document, dict):
                continue
            case: dict[str, Any] = {
                "name": found.record.title or found.record.type,
                "type": came.type,
                "input": document,
            }
            result = scrub_item(_program(self.plan), self.plan.policies, came)
            if isinstance(result, Reason):
                case["dropped"] = result.code
            else:
                left = json_of(payload_of(result)) if payload_of(result) is not None else document
                kept = (
                    {name: value for name, value in left.items() if name != "_meta"} if isinstance(left, dict) else left
                )
                case["expect"] = kept
            cases.append(case)
        return _yaml({**self.members, "tests": cases}) if cases else ""


def candidate(rules: object, settings: Settings) -> Candidate | None:
    """None for `current`. `rules`: a `piiConfig`, or an object with one, as JSON or as a text of YAML. Raises `ConfigError`."""
    if rules == CURRENT:
        return None
    if isinstance(rules, str):
        rules = to_plain(compose(rules, _WHERE), _WHERE)
    if not isinstance(rules, Mapping):
        raise ConfigError("rules are an object", where=_WHERE, accepted="as `piiConfig` in a project file")
    whole = rules.get("config", rules)
    members = dict(whole) if isinstance(whole, Mapping) and _WHOLE & set(whole) else {"piiConfig": dict(rules)}
    members = {name: value for name, value in members.items() if name in _WHOLE or name == "scrubjay"}
    try:
        options = msgspec.convert(members, ProjectOptions)
    except msgspec.ValidationError as error:
        problem, dotted, _ = plain_problem(error)
        raise ConfigError(problem, where=_WHERE, path=dotted) from None
    return Candidate(members, compile_plan(ProjectConfig(config=options), settings))


def try_rules(plan: ProjectPlan, found: Found) -> Report:
    """What a plan would do to the item of a record."""
    came = _came(found)
    began_mono = time.perf_counter()
    scrub_item(_program(plan), plan.policies, _came(found))
    took_ms = (time.perf_counter() - began_mono) * 1000
    heads = None if found.record.index else found.captured.facts.headers
    report = examine(_program(plan), plan.policies, came, "full", heads)
    if not found.item.has_original:
        report = replace(report, reason=report.reason or "the original is not kept; this is of what is left")
    return replace(report, time_ms=round(took_ms, 3))


def _program(plan: ProjectPlan) -> Any:
    if plan.scrub is None:
        raise ConfigError("this plan scrubs nothing", where=_WHERE)
    return plan.scrub


def _payload(found: Found) -> bytes:
    original = found.item.original()
    return original if original is not None else found.item.payload() or b""


def _came(found: Found) -> Item:
    item = Item(found.item.headers, _payload(found))
    classify(item)
    return item


def _yaml(document: object) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
