"""Which plan a key has: at the start, after reloads, and when the server denies it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from scrubjay.core.limits import Scoping
from scrubjay.errors import ConfigError
from scrubjay.runtime.projects import DENIED, Projects
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.settings.project_files import ProjectSet, load_projects
from scrubjay.settings.schema import Settings

ONE, TWO = "1" * 32, "2" * 32
GOOD = f"projectId: 1\npublicKeys: [{{publicKey: '{ONE}'}}]\n"
SETTINGS = replace(Settings(), projects=replace(Settings().projects, unknown="reject"))
FORWARDS = replace(SETTINGS, projects=replace(SETTINGS.projects, unknown="forward"))
UNKNOWN_WORD = "config: {scrubjay: {scrub: {profile: sometimes}}}\n"
BAD_PATTERN = "config: {piiConfig: {rules: {r: {type: pattern, pattern: '('}}, applications: {$string: [r]}}}\n"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Folder:
    """A folder of project files, and the table that was made of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.telemetry = Telemetry()
        self.clock = Clock()
        self.known = ProjectSet()

    def write(self, **files: str | None) -> ProjectSet:
        for stem, text in files.items():
            path = self.path / f"{stem.strip('_')}.yaml"
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        self.known = load_projects(self.path, self.known)
        return self.known

    def table(self, settings: Settings = SETTINGS, **files: str | None) -> Projects:
        return Projects(settings, self.write(**files), self.telemetry, self.clock)

    def count(self, name: str) -> Any:
        return dict(self.telemetry.values.series[name])


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_key_has_its_own_plan_or_the_default_or_none(folder: Folder) -> None:
    """upstream-25, upstream-30"""
    two_keys = f"projectId: 1\npublicKeys: [{{publicKey: '{ONE}'}}, {{publicKey: '{TWO}', isEnabled: false}}]\n"
    table = folder.table(_1=two_keys)
    first, second = table.find(ONE), table.find(TWO)
    assert first is not None
    assert second is not None
    assert (first.project_id, first.disabled_keys, second.disabled_keys) == (1, frozenset(), {TWO})
    assert first.scrub is second.scrub
    assert (table.project_of(ONE), table.project_of("f" * 32), table.find("f" * 32)) == (1, None, None)
    assert folder.count("scrubjay_project_configs") == {("loaded",): 2, ("default",): 0}
    with_default = Folder(folder.path)
    default = with_default.table(default="config: {}").find("f" * 32)
    assert default is not None
    assert default.project_id is None
    assert default.scrub is not None
    assert with_default.count("scrubjay_project_configs") == {("loaded",): 2, ("default",): 1}


def test_unknown_keys_pass_unread_only_where_that_was_asked_for(folder: Folder) -> None:
    plan = folder.table(FORWARDS).find(ONE)
    assert plan is not None
    assert plan.scrub is None


@pytest.mark.parametrize("text", ["config: {allowedDomains: 5}", UNKNOWN_WORD])
def test_nothing_starts_with_a_file_that_cannot_be_used(folder: Folder, text: str) -> None:
    with pytest.raises(ConfigError, match=r"default"):
        folder.table(default=text)


def test_an_error_at_the_start_names_the_project(folder: Folder) -> None:
    with pytest.raises(ConfigError, match=r"1\.yaml:3: project 1: config\.scrubjay\.scrub\.profile"):
        folder.table(_1=GOOD + UNKNOWN_WORD)


async def test_a_reload_compiles_what_changed_and_keeps_the_rest(folder: Folder) -> None:
    """upstream-27"""
    table = folder.table(_1=GOOD, default="config: {}")
    one, default = table.find(ONE), table.find(TWO)
    other = GOOD.replace("1'", "1', numericId: 7").replace(ONE, TWO).replace("projectId: 1", "projectId: 2")
    await table.reload(SETTINGS, folder.write(_2=other))
    assert table.find(ONE) is one
    two = table.find(TWO)
    assert two is not None
    assert (two.project_id, two.key_id(TWO)) == (2, 7)
    assert table.find("f" * 32) is default
    await table.reload(SETTINGS, folder.write(_2=None))
    assert table.find(TWO) is default


@pytest.mark.parametrize("bad", [GOOD + "config: 5\n", GOOD + UNKNOWN_WORD])
async def test_a_file_gone_bad_keeps_its_last_good_plan(folder: Folder, bad: str) -> None:
    table = folder.table(_1=GOOD)
    good = table.find(ONE)
    assert table.ok
    await table.reload(SETTINGS, folder.write(_1=bad))
    assert table.find(ONE) is good
    assert not table.ok
    assert "a file cannot be used" in repr(table)
    assert folder.count("scrubjay_project_file_errors_total") == {(): 1}
    await table.reload(SETTINGS, folder.write(_1=GOOD + "disabled: true\n"))
    assert table.ok
    plan = table.find(ONE)
    assert plan is not None
    assert plan.disabled


async def test_what_is_wrong_at_a_reload_is_said_with_its_place(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    table = folder.table(_1=GOOD)
    for bad in (UNKNOWN_WORD, BAD_PATTERN):
        await table.reload(SETTINGS, folder.write(_1=GOOD + bad))
    told = [record.fields["problem"] for record in caplog.records if record.getMessage() == "project file not used"]  # type: ignore[attr-defined]
    assert len(told) == 2, "another mistake in the same file is another line"
    assert all("1.yaml:3: " in problem for problem in told)


async def test_a_new_key_whose_plan_does_not_compile_is_refused_whatever_the_default(folder: Folder) -> None:
    table = folder.table(FORWARDS, default="config: {}")
    await table.reload(FORWARDS, folder.write(_1=GOOD + UNKNOWN_WORD))
    assert table.find(ONE) is DENIED
    assert DENIED.disabled
    await table.reload(FORWARDS, folder.write(_1=GOOD))
    plan = table.find(ONE)
    assert plan is not None
    assert plan.project_id == 1


async def test_a_key_that_moves_to_a_project_without_a_plan_is_not_served_by_its_old_one(folder: Folder) -> None:
    table = folder.table(_1=GOOD)
    moved = GOOD.replace("projectId: 1", "projectId: 2") + UNKNOWN_WORD
    await table.reload(SETTINGS, folder.write(_1=moved))
    assert table.find(ONE) is DENIED


async def test_a_new_default_that_does_not_compile_lets_nothing_pass_unread(folder: Folder) -> None:
    table = folder.table(FORWARDS)
    await table.reload(FORWARDS, folder.write(default=UNKNOWN_WORD))
    assert table.find(ONE) is DENIED


async def test_what_may_leave_as_it_came(folder: Folder) -> None:
    table = folder.table(FORWARDS)
    assert table.passes(ONE)
    assert table.passes(None)
    await table.reload(FORWARDS, folder.write(_1=GOOD))
    table.deny(TWO, 1)
    assert [table.passes(key) for key in (ONE, TWO, None)] == [False, True, False]
    await table.reload(FORWARDS, folder.write(_1=GOOD.replace("projectId: 1", "projectId: 2") + UNKNOWN_WORD))
    assert not table.passes(ONE), "no plan is no leave"
    assert not folder.table(_1=None).passes(TWO), "nothing serves it"


async def test_parts_that_are_left_out_are_told(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    table = folder.table(_1=GOOD)
    with caplog.at_level("WARNING", "scrubjay.config"):
        await table.reload(SETTINGS, folder.write(_1=GOOD + "config: {quotas: [{id: bad, limit: -1}]}\n"))
    assert "left out of a plan" in caplog.text
    assert folder.count("scrubjay_config_errors_total") == {("quota",): 1}
    assert table.ok


async def test_keys_that_the_server_denies_are_refused_for_a_while(folder: Folder) -> None:
    table = folder.table(_1=GOOD)
    table.deny(ONE, 1)
    assert table.is_denied(ONE, 1)
    assert not table.is_denied(ONE, 2), "for another project it may be right"
    folder.clock.now = 59.9
    assert table.is_denied(ONE, 1)
    await table.reload(SETTINGS, folder.known)
    assert table.is_denied(ONE, 1)
    folder.clock.now = 60.1
    assert not table.is_denied(ONE, 1)


async def test_what_all_projects_share_is_in_each_plan(tmp_path: Path) -> None:
    path = tmp_path / "projects"
    path.mkdir()
    folder = Folder(path)
    table = folder.table(default="config: {}")
    alone = table.find(ONE)
    condition = {"op": "eq", "name": "event.logger", "value": "noise"}
    filters = {"version": 1, "filters": [{"id": "noise", "isEnabled": True, "condition": condition}]}
    quota = {"id": "all", "categories": ["error"], "limit": 5, "window": 60}
    (tmp_path / "global_config.json").write_bytes(msgspec.json.encode({"filters": filters, "quotas": [quota]}))
    await table.reload(SETTINGS, folder.write())
    plan = table.find(ONE)
    assert plan is not None
    assert plan is not alone
    assert repr(plan.filters) == "<Filters noise>"
    assert plan.quotas
    await table.reload(SETTINGS, folder.write())
    assert table.find(ONE) is plan


async def test_another_time_for_denied_keys_forgets_them(folder: Folder) -> None:
    table = folder.table(_1=GOOD)
    table.deny(ONE, 1)
    await table.reload(replace(SETTINGS, cache=replace(SETTINGS.cache, miss_expiry=5)), folder.known)
    assert not table.is_denied(ONE, 1)
    table.deny(ONE, 1)
    folder.clock.now = 5.1
    assert not table.is_denied(ONE, 1)


@pytest.mark.parametrize(
    ("files", "disabled"),
    [
        ({"one": GOOD}, False),
        ({"one": GOOD + "disabled: true\n"}, True),
        ({"one": GOOD.replace(f"'{ONE}'", f"'{ONE}', isEnabled: false")}, True),
        ({"one": GOOD.replace("1\n", "2\n", 1)}, True),
        ({}, True),
        ({"default": "config: {}\n"}, False),
    ],
    ids=["served", "disabled", "key disabled", "another project's", "removed", "by default"],
)
def test_what_waited_for_a_disabled_project_must_not_be_sent_decisions_51(
    folder: Folder, files: dict[str, str], disabled: bool
) -> None:
    assert folder.table(**files).is_disabled(ONE, 1) is disabled


async def test_neither_the_servers_no_nor_a_broken_file_ends_what_waits(folder: Folder) -> None:
    table = folder.table(one=GOOD)
    table.deny(ONE, 1)
    assert table.is_denied(ONE, 1)
    assert not table.is_disabled(ONE, 1)
    await table.reload(SETTINGS, folder.write(one="{", two="{"))
    assert not table.is_disabled(ONE, 1)
    assert not table.is_disabled(TWO, 2)
    unusable = f"projectId: 2\npublicKeys: [{{publicKey: '{TWO}'}}]\n{UNKNOWN_WORD}"
    await table.reload(SETTINGS, folder.write(one=GOOD, two=unusable))
    assert not table.is_disabled(TWO, 2)


def test_whose_limits_bind_a_key(folder: Folder) -> None:
    ids = f"projectId: 1\norganizationId: 42\npublicKeys: [{{publicKey: '{ONE}', numericId: 17}}]\n"
    assert folder.table(one=ids).scoping(ONE, 1) == Scoping(ONE, 1, 42, 17)
    assert folder.table(one=ids).scoping(TWO, 1) == Scoping(TWO, 1)
    assert folder.table(default="organizationId: 9\nconfig: {}\n").scoping(TWO, 1) == Scoping(TWO, 1, 9)


async def test_keys_by_their_numbers(folder: Folder) -> None:
    keys = f"{{publicKey: '{ONE}', numericId: 1, isEnabled: false}}, {{publicKey: '{TWO}', numericId: 2}}"
    more = f"{{publicKey: '{'3' * 32}', numericId: 3}}"
    table = folder.table(_7=f"projectId: 7\npublicKeys: [{keys}, {more}]\n")
    assert table.key_of(7, 3) == "3" * 32
    assert [table.key_of(7, number) for number in (2, None, 1, 99)] == [TWO] * 4
    assert table.key_of(8, 2) is None
    await table.reload(SETTINGS, folder.write(_7=f"projectId: 7\npublicKeys: [{keys}]\ndisabled: true\n"))
    assert table.key_of(7, 2) is None


async def test_a_project_may_name_an_upstream_of_its_own(folder: Folder) -> None:
    there = "upstream: https://there.example\n"
    table = folder.table(one=GOOD)
    assert not table.diverts
    await table.reload(
        SETTINGS, folder.write(one=f"{GOOD}\n{there}", two=f"projectId: 2\npublicKeys: [{{publicKey: '{TWO}'}}]\n")
    )
    assert table.diverts
    assert (table.upstream_of(ONE), table.upstream_of(TWO)) == ("https://there.example/", None)
    assert table.upstream_of("9" * 32) is None
    assert folder.table(default=f"{there}config: {{}}\n").diverts
