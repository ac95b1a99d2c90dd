"""What is summed and told, flushes, and a disk that refuses."""

from __future__ import annotations

import asyncio
import errno
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scrubjay.core.envelope import Item
from scrubjay.core.items import classify
from scrubjay.core.ledger import Account
from scrubjay.core.plan import ProjectPlan, compile_plan
from scrubjay.core.ports import Outcome
from scrubjay.core.scrub.record import Count, Record
from scrubjay.runtime.audit import log as log_module
from scrubjay.runtime.audit.chain import Chain
from scrubjay.runtime.audit.lines import AnyLine, Figures, ItemLine, Items, Line, Lost, files_by_slot, read_lines
from scrubjay.runtime.audit.log import AuditLog, audit_folder, audit_of
from scrubjay.settings.project_parsing import parse_project
from scrubjay.settings.schema import Settings
from scrubjay.settings.setting import Secret

NOON = 1_795_348_800.0  # 2026-11-22T12:00:00Z
SETTINGS = Settings()
EVENT_ID = "a" * 32


class Heard:
    """The observer, and whatever it was told."""

    def __init__(self) -> None:
        self.items: list[tuple[str, Outcome]] = []
        self.hits = 0
        self.failures: list[bool] = []
        self.recoveries = 0
        self.lost = 0
        self.head = (0, "")

    def scrubbed(self, item_type: str, outcome: Outcome, record: Record) -> None:
        self.items.append((item_type, outcome))
        self.redacted(record)

    def redacted(self, record: Record) -> None:
        self.hits += sum(count.hits for count in record.rules.values())

    def audit_wrote(self, line: int, line_hash: str) -> None:
        self.head = (line, line_hash)

    def audit_failed(self, error: OSError, *, again: bool) -> None:
        self.failures.append(again)

    def audit_recovered(self) -> None:
        self.recoveries += 1

    def audit_lost(self, lines: int) -> None:
        self.lost += lines


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def audit(tmp_path: Path, heard: Heard) -> AuditLog:
    return AuditLog(Chain(tmp_path, 0, 1_000_000, lambda: NOON), heard)


@cache
def plan(mode: str = "counts", **more: str) -> ProjectPlan:
    scrub = ", ".join(f"{name}: {word}" for name, word in {"audit": f"'{mode}'", **more}.items())
    return compile_plan(parse_project(f"config: {{scrubjay: {{scrub: {{{scrub}}}}}}}", "x.yaml"), SETTINGS)


def account(project: int | None = 7, now_unix: float = NOON) -> Account:
    return Account("k" * 32, project, "abc", EVENT_ID, now_unix)


def item(kind: str = "event") -> Item:
    one = Item({"type": kind}, b"{}")
    classify(one)
    return one


def note(
    audit: AuditLog,
    rules: dict[str, Count],
    outcome: Outcome = "scrubbed",
    *,
    under: ProjectPlan | None = None,
    of: Account | None = None,
    kind: str = "event",
) -> None:
    watch = audit.watch(under or plan(), of or account())
    assert watch is not None
    record = watch.record()
    for rule, count in rules.items():
        record.rules[rule] = count
    watch.noted(item(kind), record, outcome, None)


def lines(folder: Path, kind: type[Any]) -> list[Any]:
    found: list[AnyLine] = [line for _, path in files_by_slot(folder).get(0, []) for line in read_lines(path)]
    return [line for line in found if type(line) is kind]


def flush(audit: AuditLog) -> None:
    asyncio.run(audit.flush())


def test_figures_of_a_day_are_the_sum_of_its_lines(audit: AuditLog, tmp_path: Path) -> None:
    note(audit, {"@email": Count(2, 30, 0, 1), "@ip": Count(1, 9)})
    note(audit, {"@email": Count(1, 10, 1, 0)})
    note(audit, {}, "clean")
    flush(audit)
    note(audit, {"@email": Count(4, 40)})
    note(audit, {}, "dropped")
    flush(audit)
    emails = [line for line in lines(tmp_path, Figures) if line.rule == "@email"]
    assert [(line.hits, line.bytes, line.nodes, line.whole, line.items) for line in emails] == [
        (3, 40, 1, 1, 2),
        (4, 40, 0, 0, 1),
    ]
    assert [(line.clean, line.scrubbed, line.dropped) for line in lines(tmp_path, Items)] == [(1, 2, 0), (0, 1, 1)]
    assert {(line.day, line.project) for line in lines(tmp_path, Figures)} == {("2026-11-22", 7)}


def test_what_rules_on_trial_would_have_done_is_apart(audit: AuditLog, tmp_path: Path) -> None:
    watch = audit.watch(plan(), account())
    assert watch is not None
    record = watch.record()
    record.rules["@email"] = Count(1, 10)
    record.tried["@email"] = Count(2, 20)
    watch.noted(item(), record, "scrubbed", None)
    flush(audit)
    assert [(line.rule, line.tried, line.hits) for line in lines(tmp_path, Figures)] == [
        ("@email", False, 1), ("@email", True, 2),
    ]  # fmt: skip


def test_nothing_new_writes_nothing(audit: AuditLog, tmp_path: Path) -> None:
    flush(audit)
    assert not list(tmp_path.iterdir())


def test_days_and_projects_are_kept_apart(audit: AuditLog, tmp_path: Path) -> None:
    note(audit, {}, "clean")
    note(audit, {}, "clean", of=account(8))
    note(audit, {}, "clean", of=account(now_unix=NOON + 12 * 3600))
    flush(audit)
    assert [(line.day, line.project) for line in lines(tmp_path, Items)] == [
        ("2026-11-22", 7),
        ("2026-11-22", 8),
        ("2026-11-23", 7),
    ]


def test_the_metrics_hear_of_it(audit: AuditLog, heard: Heard) -> None:
    note(audit, {"@email": Count(3, 30)})
    note(audit, {}, "dropped", kind="planted@lab.example")
    assert heard.items == [("event", "scrubbed"), ("unknown", "dropped")]
    assert heard.hits == 3


def test_headers_are_no_item(audit: AuditLog, tmp_path: Path, heard: Heard) -> None:
    for mode in ("counts", "items"):
        watch = audit.watch(plan(mode), account())
        assert watch is not None
        watch.noted_headers(watch.record())
        record = watch.record()
        record.rules["@email"] = Count(1, 10)
        watch.noted_headers(record)
    flush(audit)
    assert not lines(tmp_path, Items)
    (figures,) = lines(tmp_path, Figures)
    assert (figures.hits, heard.hits, heard.items) == (2, 2, [])
    (line,) = lines(tmp_path, ItemLine)
    assert (line.type, line.rules) == ("headers", {"@email": (1, 10)})


def test_nobody_watches_where_nobody_asked(audit: AuditLog) -> None:
    assert audit.watch(plan("off"), account()) is None
    assert audit.watch(ProjectPlan("pass"), account()) is None


# Items


def test_a_line_for_each_item(audit: AuditLog, tmp_path: Path) -> None:
    note(audit, {"@email": Count(2, 30)}, under=plan("items"))
    note(audit, {}, "clean", under=plan("items"), kind="transaction")
    flush(audit)
    first, second = lines(tmp_path, ItemLine)
    assert (first.time, first.project, first.type, first.id) == ("2026-11-22T12:00:00.000+00:00", 7, "event", EVENT_ID)
    assert (first.revision, first.key, first.outcome, first.rules, first.places) == (
        "abc", None, "scrubbed", {"@email": (2, 30)}, [],
    )  # fmt: skip
    assert (second.type, second.outcome, second.rules) == ("transaction", "clean", {})
    assert len(lines(tmp_path, Figures)) == 1, "figures are kept beside the lines"


def test_a_line_names_the_key_of_its_pseudonyms(audit: AuditLog, tmp_path: Path) -> None:
    key = Secret("2026a:" + bytes(range(32)).hex())
    settings = replace(SETTINGS, scrub=replace(SETTINGS.scrub, pseudonym_key=key, audit="items"))
    note(audit, {}, under=compile_plan(parse_project("config: {}", "x.yaml"), settings))
    flush(audit)
    assert [line.key for line in lines(tmp_path, ItemLine)] == ["2026a"]


def test_lines_about_items_do_not_wait_for_the_figures(audit: AuditLog, tmp_path: Path) -> None:
    asyncio.run(audit.flush_items())
    assert not list(tmp_path.iterdir())
    note(audit, {"@email": Count(1, 10)}, under=plan("items"))
    asyncio.run(audit.flush_items())
    assert len(lines(tmp_path, ItemLine)) == 1
    assert not lines(tmp_path, Figures)
    flush(audit)
    assert [line.hits for line in lines(tmp_path, Figures)] == [1]


# Bounds, and a disk that refuses


def test_sums_are_bounded(audit: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "MAX_SUMS", 2)
    for project in range(5):
        note(audit, {"@email": Count(1, 10)}, of=account(project))
    flush(audit)
    assert [(line.project, line.scrubbed) for line in lines(tmp_path, Items)] == [(0, 1), (1, 1), (None, 3)]
    assert [(line.project, line.rule, line.hits) for line in lines(tmp_path, Figures)] == [
        (0, "@email", 1), (1, "@email", 1), (None, "other", 3),
    ]  # fmt: skip


def test_lines_that_wait_are_bounded_and_what_is_given_up_is_said(
    audit: AuditLog, tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "MAX_WAITING", 2)
    monkeypatch.setattr(log_module, "MAX_SUMS", 1)
    for _ in range(5):
        note(audit, {"@email": Count(1, 10)}, under=plan("items"))
    flush(audit)
    assert len(lines(tmp_path, ItemLine)) == 2
    assert [line.lines for line in lines(tmp_path, Lost)] == [3]
    assert heard.lost == 3


class Refusing(Chain):
    """A chain on a disk that is full until told otherwise."""

    refuses = True

    def append(self, lines: list[Line]) -> None:
        if self.refuses:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().append(lines)


def test_a_full_disk_stops_nothing_and_loses_nothing_at_first(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Refusing(tmp_path, 0, 1_000_000, lambda: NOON)
    audit = AuditLog(chain, heard)
    for _ in range(3):
        note(audit, {"@email": Count(1, 10)})
        flush(audit)
    assert heard.failures == [False, True, True], "said once, counted each time"
    assert "No space left" in audit.problem
    assert "6 lines wait" in repr(audit)
    chain.refuses = False
    flush(audit)
    flush(audit)
    assert (heard.recoveries, audit.problem) == (1, "")
    assert [line.hits for line in lines(tmp_path, Figures)] == [1, 1, 1]
    assert heard.head == (chain.head.n, chain.head.hash)


def test_a_plan_may_refuse_to_go_on_untold(tmp_path: Path, heard: Heard) -> None:
    chain = Refusing(tmp_path, 0, 1_000_000, lambda: NOON)
    audit = AuditLog(chain, heard)

    def blind(**more: str) -> bool:
        watch = audit.watch(plan(**more), account())
        assert watch is not None
        return watch.blind

    assert not blind(compliance="true")
    note(audit, {})
    flush(audit)
    assert blind(compliance="true")
    assert not blind()
    chain.refuses = False
    flush(audit)
    assert not blind(compliance="true")


def test_figures_too_are_given_up_in_the_end(tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "MAX_WAITING", 2)
    monkeypatch.setattr(log_module, "MAX_SUMS", 2)
    audit = AuditLog(Refusing(tmp_path, 0, 1_000_000, lambda: NOON), heard)
    for _ in range(4):
        note(audit, {"@email": Count(1, 10)})
        flush(audit)
    assert heard.lost == 4


def test_a_folder_that_cannot_be_made_is_known_at_the_start(tmp_path: Path, heard: Heard) -> None:
    (tmp_path / "file").touch()
    audit = AuditLog(Chain(tmp_path / "file" / "audit", 0, 1_000_000, lambda: NOON), heard)
    audit.start()
    assert heard.failures == [False]
    assert audit.problem


def test_a_start_writes_and_remembers(audit: AuditLog, heard: Heard) -> None:
    audit.start()
    assert heard.head[0] == 1
    asyncio.run(audit.close())


def test_where_it_is(tmp_path: Path, heard: Heard) -> None:
    settings = replace(SETTINGS, relay=replace(SETTINGS.relay, state_dir=str(tmp_path)))
    assert audit_folder(settings) == tmp_path / "audit"
    elsewhere = replace(settings, scrub=replace(settings.scrub, audit_dir=str(tmp_path / "else")))
    audit = audit_of(elsewhere, 3, heard)
    audit.start()
    assert [path.name for path in (tmp_path / "else").iterdir()] == ["audit-3.000001.jsonl"]
    asyncio.run(audit.close())
