"""The order of compiling, and the sources that plans are made of."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from scrubjay.core.plan import ProjectPlan
from scrubjay.errors import ConfigError
from scrubjay.runtime.managed.compiling import CompileLane, Document, PlanCompiler, Sources
from scrubjay.settings.global_config import GlobalConfig
from scrubjay.settings.schema import Settings

K1, K2 = "1" * 32, "2" * 32
OLD, NEW = Sources(Settings()), Sources(Settings(), {K1: {"slug": "other"}})
QUOTA = {"id": "q", "categories": ["error"], "scope": "organization", "limit": 5, "window": 60, "reasonCode": "r"}


class Observer:
    def __init__(self) -> None:
        self.told: list[str] = []

    def config_unreadable(self, key: str, problem: str) -> None:
        self.told.append(f"{key[:1]}: {problem}")

    def project_problem(self, project: str, problem: str, kind: str) -> None:
        self.told.append(f"{project}: {kind}")

    def internal_error(self, place: str, error: BaseException) -> None:
        self.told.append(f"{place}: {error}")


def document(key: str = K1, **config: object) -> dict[str, Any]:
    return {"projectId": 42, "rev": "r1", "publicKeys": [{"publicKey": key}], "config": config}


async def plans_of(lane: CompileLane, *documents: Document) -> list[ProjectPlan | None]:
    found: list[ProjectPlan | None] = []
    for number, each in enumerate(documents):
        lane.submit(f"{number:032x}", each, None, found.append)
    await lane.idle()
    return found


def test_a_plan_is_made_of_document_overlay_and_what_goes_for_all() -> None:
    compile_ = PlanCompiler()
    plan = compile_(OLD, K1, document(), None)
    assert (plan.project_id, plan.disabled) == (42, False)
    assert compile_(OLD, K1, document(), plan) is plan
    with_overlay = Sources(Settings(), {K1: {"disabled": True}})
    assert compile_(with_overlay, K1, document(), plan).disabled
    assert not compile_(with_overlay, K2, document(K2), None).disabled
    shared = Sources(Settings(), shared=GlobalConfig(quotas=(QUOTA,)))
    assert compile_(shared, K1, document(), plan).quotas is not plan.quotas


def test_a_fetched_rule_in_the_name_of_a_built_in_one_does_not_take_its_place_in_an_overlay() -> None:
    compile_ = PlanCompiler()
    never = {"type": "pattern", "pattern": "never"}
    overlay = {"config": {"piiConfig": {"applications": {"$string": ["@email", "@secrets"]}}}}
    sources = Sources(Settings(), {K1: overlay})
    honest = compile_(sources, K1, document(piiConfig={"rules": {"theirs": never}}), None)
    rules = {"theirs": never, "@email": never, "@email:replace": never, "@secrets": never}
    assert compile_(sources, K1, document(piiConfig={"rules": rules}), None).scrub is honest.scrub


def test_what_of_a_document_is_left_out_stands_in_its_plan() -> None:
    plan = PlanCompiler()(OLD, K1, document(quotas="none"), None)
    assert [problem.kind for problem in plan.problems] == ["quota"]


@pytest.mark.parametrize("bad", [{"config": 7}, {"slug": 7}, {"config": {"piiConfig": {"rules": {"r": 1}}}}])
def test_a_document_that_cannot_be_used_is_no_plan(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        PlanCompiler()(OLD, K1, {**document(), **bad}, None)


async def test_one_at_a_time_in_a_thread_in_order() -> None:
    observer, running, most = Observer(), 0, 0

    def compile_(sources: Sources, key: str, document: Document, predecessor: ProjectPlan | None) -> ProjectPlan:
        nonlocal running, most
        running += 1
        most = max(most, running)
        assert threading.current_thread() is not threading.main_thread()
        running -= 1
        return ProjectPlan(revision=key)

    lane = CompileLane(OLD, compile_, observer)
    plans = await plans_of(lane, {}, {}, {})
    assert [plan.revision[-1] for plan in plans if plan] == ["0", "1", "2"]
    assert (most, observer.told) == (1, [])


async def test_what_fails_costs_no_other() -> None:
    observer = Observer()

    def compile_(sources: Sources, key: str, document: Document, predecessor: ProjectPlan | None) -> ProjectPlan:
        if document:
            raise document["error"]
        return PlanCompiler()(sources, key, {"config": {"quotas": 1}}, predecessor)

    lane = CompileLane(OLD, compile_, observer)
    errors = (ConfigError("bad"), RecursionError("deep"), RuntimeError("bug"))
    plans = await plans_of(lane, *({"error": error} for error in errors), {})
    assert plans[:3] == [None, None, None]
    assert plans[3] is not None
    assert observer.told == ["0: bad", "0: deep", "config-compile: bug", "project None: quota"]


async def test_sources_that_change_meanwhile_count() -> None:
    seen: list[Sources] = []
    begun, may_end = threading.Event(), threading.Event()

    def compile_(sources: Sources, key: str, document: Document, predecessor: ProjectPlan | None) -> ProjectPlan:
        seen.append(sources)
        begun.set()
        may_end.wait(30.0)
        return ProjectPlan(revision="r")

    lane = CompileLane(OLD, compile_, Observer())
    found: list[ProjectPlan | None] = []
    lane.submit(K1, {}, None, found.append)
    await asyncio.to_thread(begun.wait, 30.0)
    lane.sources = NEW
    may_end.set()
    await lane.idle()
    assert seen == [OLD, NEW]
    assert len(found) == 1


async def test_of_what_has_not_begun_the_last_counts() -> None:
    found: list[str] = []

    def compile_(sources: Sources, key: str, document: Document, predecessor: ProjectPlan | None) -> ProjectPlan:
        return ProjectPlan(revision=document["rev"])

    lane = CompileLane(OLD, compile_, Observer())
    for rev in ("r1", "r2"):
        lane.submit(K1, {"rev": rev}, None, lambda plan: found.append(plan.revision if plan else ""))
    assert lane.has(K1)
    assert repr(lane) == "<CompileLane 1 wait>"
    await lane.idle()
    assert found == ["r2"]
    assert not lane.has(K1)
    await lane.stop()
