"""The table of plans in mode managed: local files, and what was fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from scrubjay.core.plan import PENDING, ProjectPlan
from scrubjay.core.relays.config_reply import DISABLED, WAITING, Enabled, State
from scrubjay.runtime.projects import Projects
from scrubjay.runtime.telemetry import Telemetry
from scrubjay.settings.global_config import GlobalConfig
from scrubjay.settings.load import load
from scrubjay.settings.project_files import load_projects
from scrubjay.settings.schema import Settings

ONE, TWO, THREE = "1" * 32, "2" * 32, "3" * 32
MANAGED = replace(Settings(), relay=replace(Settings().relay, mode="managed"))
FETCHED = ProjectPlan(revision="f", project_id=7, organization_id=1, key_ids=((TWO, 70),))


class Plans:
    """Stands in for what was fetched."""

    shared_document: Mapping[str, Any] | None = None

    def __init__(self) -> None:
        self.found: list[str] = []

    def find(self, key: str) -> ProjectPlan:
        self.found.append(key)
        return self.peek(key)

    def peek(self, key: str) -> ProjectPlan:
        return FETCHED if key == TWO else PENDING

    def upstream_of(self, key: str) -> str | None:
        return "https://there.example/" if key == THREE else None

    def document_of(self, key: str) -> State:
        return Enabled({"rev": "f"}) if key == TWO else WAITING

    def plans(self) -> Iterator[tuple[str, ProjectPlan]]:
        yield TWO, FETCHED


@pytest.fixture
def table(tmp_path: Path) -> Projects:
    (tmp_path / "1.yaml").write_text(f"publicKeys: [{{publicKey: '{ONE}'}}]\nconfig: {{features: [a]}}\n")
    (tmp_path / "over.yaml").write_text(f"overlay: true\ndisabled: true\npublicKeys: [{{publicKey: '{THREE}'}}]\n")
    projects = load_projects(tmp_path, managed=True)
    assert (set(projects.by_key), set(projects.overlays)) == ({ONE}, {THREE})
    assert projects.problems == projects.warnings == ()
    return Projects(MANAGED, projects, Telemetry(), lambda: 0.0)


def test_until_something_is_fetched_all_but_local_files_is_pending(table: Projects) -> None:
    assert table.find(TWO) is PENDING
    assert table.find(ONE) is not PENDING
    assert not table.passes(None)
    assert not table.passes(TWO)
    assert table.document_of(TWO) is DISABLED


def test_a_local_file_wins_and_the_rest_is_fetched(table: Projects) -> None:
    table.fetched = plans = Plans()
    local = table.find(ONE)
    assert local is not None
    assert local.project_id == 1
    assert (table.find(TWO), table.find(THREE)) == (FETCHED, PENDING)
    assert plans.found == [TWO, THREE]
    assert (table.project_of(ONE), table.project_of(TWO), table.project_of(THREE)) == (1, 7, None)
    scoping = table.scoping(TWO, 7)
    assert (scoping.organization_id, scoping.key_id) == (1, 70)
    assert (table.key_of(1, None), table.key_of(7, 70), table.key_of(7, None), table.key_of(9, None)) == (
        ONE,
        TWO,
        TWO,
        None,
    )
    assert plans.found == [TWO, THREE], "only `find` begins anything"


def test_only_the_operator_s_word_stops_what_waits(table: Projects) -> None:
    table.fetched = Plans()
    assert table.is_disabled(THREE, 7), "an overlay says so"
    assert not table.is_disabled(TWO, 8)
    assert not table.is_disabled("9" * 32, 1)
    assert table.is_disabled(ONE, 2)


def test_what_relays_behind_this_one_are_told(table: Projects) -> None:
    table.fetched = plans = Plans()
    local = table.document_of(ONE)
    assert isinstance(local, Enabled)
    assert local.document["config"]["features"] == ["a"]
    assert local.document["projectId"] == 1
    assert table.document_of(ONE) is local
    assert table.document_of(TWO) == Enabled({"rev": "f"})
    assert table.global_document() is None
    plans.shared_document = {"options": {}}
    assert table.global_document() == {"options": {}}


def test_an_empty_line_of_an_overlay_takes_no_scrubbing_away(tmp_path: Path) -> None:
    path = tmp_path / "1.yaml"
    begin = f"overlay: true\npublicKeys: [{{publicKey: '{ONE}'}}]\nconfig:\n"
    for line in ("piiConfig:", "datascrubbingSettings: null", "piiConfig: {rules: }", "piiConfig: {applications: ~}"):
        path.write_text(f"{begin}  {line}\n")
        (problem,) = load_projects(tmp_path, managed=True).problems
        assert "1.yaml:4: config." in problem
        assert "null would take away" in problem
    path.write_text(f"{begin}  quotas:\n  allowedDomains: null\n")
    found = load_projects(tmp_path, managed=True)
    assert found.problems == ()
    assert found.overlays[ONE]["config"] == {"quotas": None, "allowedDomains": None}


def test_the_plan_default_is_not_used_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "projects").mkdir()
    (tmp_path / "projects" / "default.yaml").write_text("config: {}\n")
    (tmp_path / "scrubjay.yaml").write_text("relay: {mode: static, upstream: 'https://h/'}\n")
    assert load(tmp_path).projects.default is not None
    (tmp_path / "scrubjay.yaml").write_text("relay: {mode: managed, upstream: 'https://h/'}\n")
    seed = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    env = {"RELAY_ID": "7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001", "RELAY_SECRET_KEY": seed,
           "RELAY_PUBLIC_KEY": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"}  # fmt: skip
    loaded = load(tmp_path, env)
    assert loaded.projects.default is None
    assert any("`default` is not used in mode `managed`" in warning for warning in loaded.warnings)


async def test_what_the_upstream_says_goes_for_all_goes_for_local_files_too(table: Projects, tmp_path: Path) -> None:
    def quotas() -> list[str]:
        plan = table.find(ONE)
        assert plan is not None
        return [quota.id for quota in plan.quotas.quotas]

    mine, theirs = (
        {"id": "mine", "limit": 0, "categories": ["error"]},
        {"id": "theirs", "limit": 0, "categories": ["error"]},
    )
    folder = tmp_path / "projects"
    folder.mkdir()
    (folder / "1.yaml").write_text(f"publicKeys: [{{publicKey: '{ONE}'}}]\n")
    (tmp_path / "global_config.json").write_text(msgspec.json.encode({"quotas": [mine]}).decode())
    projects = load_projects(folder, managed=True)
    await table.reload(MANAGED, projects)
    assert quotas() == ["mine"]
    await table.share(GlobalConfig(quotas=(theirs,)))
    assert quotas() == ["theirs"]
    before = table.find(ONE)
    await table.reload(MANAGED, projects)
    assert table.find(ONE) is before, "files that are read again do not bring back the local file's word"
    await table.share(GlobalConfig())
    assert quotas() == []


def test_what_waits_for_a_project_that_is_not_known_just_now_goes_where_it_went_before(table: Projects) -> None:
    assert [table.upstream_of(key) for key in (ONE, TWO, THREE)] == [None] * 3
    table.fetched = Plans()
    assert [table.upstream_of(key) for key in (ONE, TWO, THREE)] == [None, None, "https://there.example/"]
