"""The folder of project files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from scrubjay.errors import ConfigError
from scrubjay.settings.project_files import load_projects
from scrubjay.settings.project_parsing import parse_project

K1 = "a94ae32be2584e0bbd7a4cbb95971fee"
K2 = "b" * 32
K3 = "c" * 32


def put(folder: Path, name: str, *keys: str, **members: object) -> Path:
    """A project file in JSON, which YAML is too."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    listed = [{"publicKey": key} for key in keys]
    path.write_text(json.dumps({"publicKeys": listed, **members} if keys else members), encoding="utf-8")
    return path


def test_operations_24_the_id_may_stand_in_the_name(tmp_path: Path) -> None:
    put(tmp_path, "42.json", K1)
    put(tmp_path, "abc.json", K2)
    put(tmp_path, "named.yaml", K3, projectId=7)
    found = load_projects(tmp_path)
    assert found.by_key[K1].project_id == 42
    assert K2 not in found.by_key
    assert found.by_key[K3].project_id == 7
    assert found.warnings == (f"{tmp_path}/abc.json: skipped, no projectId, and the file's name is no number",)
    assert found.problems == ()


@pytest.mark.parametrize("stem", [str(2**64), "+1", "-1", "1_0", "٤٢", "1.5"])
def test_operations_24_names_that_are_no_ids(tmp_path: Path, stem: str) -> None:
    put(tmp_path, f"{stem}.json", K1)
    assert not load_projects(tmp_path).by_key


def test_operations_25_two_keys_are_two_entries(tmp_path: Path) -> None:
    put(tmp_path, "1.json", K1, K2)
    found = load_projects(tmp_path)
    assert [key.public_key for key in found.by_key[K1].public_keys] == [K1]
    assert [key.public_key for key in found.by_key[K2].public_keys] == [K2]


def test_operations_26_a_key_can_be_switched_off(tmp_path: Path) -> None:
    put(tmp_path, "1.json", projectId=1, publicKeys=[{"publicKey": K1, "isEnabled": False}])
    assert not load_projects(tmp_path).by_key[K1].public_keys[0].is_enabled


@pytest.mark.parametrize("broken", ["{", "{config: {allowedDomains: 5}}", "- x", "a: 1\na: 2", "slug: 99"])
def test_operations_27_one_broken_file_among_three(tmp_path: Path, broken: str) -> None:
    for name, key in (("1.yaml", K1), ("2.yaml", K2), ("3.yaml", K3)):
        put(tmp_path, name, key, slug="old")
    before = load_projects(tmp_path)
    put(tmp_path, "1.yaml", K1, slug="new-one")
    (tmp_path / "2.yaml").write_text(broken)
    put(tmp_path, "3.yaml", K3, slug="new-three")
    after = load_projects(tmp_path, before)
    assert [after.by_key[key].slug for key in (K1, K2, K3)] == ["new-one", "old", "new-three"]
    (problem,) = after.problems
    assert problem.startswith(f"{tmp_path}/2.yaml")
    # still broken, still remembered; and without a memory it is not there
    assert load_projects(tmp_path, after).by_key[K2].slug == "old"
    assert K2 not in load_projects(tmp_path).by_key


def test_a_deleted_file_takes_its_projects_along(tmp_path: Path) -> None:
    path = put(tmp_path, "1.json", K1)
    before = load_projects(tmp_path)
    path.unlink()
    assert load_projects(tmp_path, before).by_key == {}
    nothing = load_projects(tmp_path / "missing")
    assert (nothing.files, nothing.by_key, nothing.default, nothing.warnings) == ((), {}, None, ())


def test_what_all_projects_share_lies_beside_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "projects"
    folder.mkdir()
    put(folder, "1.json", K1)
    before = load_projects(folder)
    assert before.is_current(folder)
    (tmp_path / "global_config.json").write_text('{"filters": 5, "quotas": [{"id": "q"}]}')
    assert not before.is_current(folder)
    after = load_projects(folder, before)
    assert after.shared.config.quotas == ({"id": "q"},)
    assert after.files[0] is before.files[0]
    assert after.warnings == after.shared.problems != ()
    assert after.problems == ()


def test_unchanged_files_are_not_read_again(tmp_path: Path) -> None:
    put(tmp_path, "1.json", K1)
    before = load_projects(tmp_path)
    assert load_projects(tmp_path, before).files[0] is before.files[0]


def test_operations_28_swapped_links_are_seen(tmp_path: Path) -> None:
    for version in ("one", "two"):
        put(tmp_path / version, "1.json", K1, slug=version)
    now = 1_700_000_000
    for version in ("one", "two"):
        os.utime(tmp_path / version / "1.json", (now, now))
    projects = tmp_path / "projects"
    projects.mkdir()
    (tmp_path / "current").symlink_to("one")
    (projects / "1.json").symlink_to(tmp_path / "current" / "1.json")
    before = load_projects(projects)
    assert before.is_current(projects)
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").rename(tmp_path / "current")
    assert not before.is_current(projects)
    assert load_projects(projects, before).by_key[K1].slug == "two"


def test_the_plan_default(tmp_path: Path) -> None:
    put(tmp_path, "default.yaml", config={"allowedDomains": []})
    found = load_projects(tmp_path)
    assert found.default is not None
    assert found.default.config.allowed_domains == ()
    assert found.by_key == {}
    assert found.warnings == ()


def test_a_plan_default_names_no_project(tmp_path: Path) -> None:
    put(tmp_path, "default.json", K1, projectId=3)
    put(tmp_path, "default.yaml", slug="second")
    found = load_projects(tmp_path)
    assert found.default is not None
    assert (found.default.project_id, found.default.public_keys, found.default.slug) == (None, (), None)
    assert [warning.split(": ", 1)[1] for warning in found.warnings] == [
        "the plan `default` has no publicKeys and no projectId; they are ignored",
        "a second plan `default`; ignored",
    ]


def test_files_that_are_skipped(tmp_path: Path) -> None:
    put(tmp_path, "1.json", projectId=1)
    put(tmp_path, "notes.txt", K1)
    put(tmp_path, ".hidden.json.swp", K1)
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "dangling.json").symlink_to("nowhere")
    found = load_projects(tmp_path)
    assert found.by_key == {}
    assert [warning.removeprefix(f"{tmp_path}/").split(":")[0] for warning in found.warnings] == [
        "dangling.json",
        "folder.json",
        "notes.txt",
        "1.json",
    ]


def test_a_key_belongs_to_one_file(tmp_path: Path) -> None:
    put(tmp_path, "1.json", K1)
    put(tmp_path, "2.json", K1, K2)
    found = load_projects(tmp_path)
    assert found.by_key[K1].project_id == 1
    assert found.by_key[K2].project_id == 2
    assert found.warnings == (f"{tmp_path}/2.json: a key of {tmp_path}/1.json again; ignored",)


def test_overlays_need_something_below(tmp_path: Path) -> None:
    put(tmp_path, "1.json", K1, overlay=True)
    (warning,) = load_projects(tmp_path).warnings
    assert "overlay" in warning
    assert load_projects(tmp_path, managed=True).warnings == ()


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        (
            "config:\n  allowedDomains: 3\n",
            "f.yaml",
            "f.yaml:2: config.allowedDomains: `3`: expected a list, got a whole number",
        ),
        (
            "publicKeys:\n- publicKey: x\n",
            "f.yaml",
            "f.yaml:2: publicKeys[0].publicKey: `x`: expected a key of 32 characters",
        ),
        ('{"slug": 5}', "f.json", "f.json:1: slug: `5`: expected a text or null, got a whole number"),
        ('{\t"slug": 5}', "f.json", "f.json:1: slug: `5`: expected a text or null, got a whole number"),
        ('{"slug": 5, "rev": "\x7f"}', "f.json", "f.json: slug: `5`: expected a text or null, got a whole number"),
        ("{", "f.json", "f.json:1: malformed JSON: Input data was truncated"),
        ("5", "f.yaml", "f.yaml:1: `5`: expected an object, got a whole number"),
        (f"projectId: {2**64}", "f.yaml", "f.yaml:1: projectId: `18446744073709551616`: an id has at most 64 bits"),
        (
            f"organizationId: {2**64}",
            "f.yaml",
            "f.yaml:1: organizationId: `18446744073709551616`: an id has at most 64 bits",
        ),
    ],
)
def test_errors_name_place_and_member(text: str, where: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_project(text, where)
    assert str(caught.value) == message


def test_json_is_read_as_json() -> None:
    """Tabs, surrogate pairs and a member twice are no YAML."""
    text = '{\n\t"slug": "\\ud83d\\ude00\\/",\n\t"rev": "a",\n\t"rev": "b"}'
    project = parse_project(text, "f.json")
    assert (project.slug, project.rev) == ("😀/", "b")


@pytest.mark.parametrize("name", ["default.json", "default.yaml"])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a": ', "}")])
def test_nesting_without_end_is_an_error_and_not_the_end_of_the_process(
    tmp_path: Path, name: str, opening: str, closing: str
) -> None:
    (tmp_path / name).write_text('{"config": ' + opening * 100_000 + "1" + closing * 100_000 + "}")
    found = load_projects(tmp_path)
    assert found.default is None
    assert len(found.problems) == 1
    assert name in found.problems[0]


RULES = json.dumps({"applications": {"$string": ["@email:replace"]}})


def test_rules_of_a_file_of_its_own_are_the_plan_default(tmp_path: Path) -> None:
    put(tmp_path / "projects", "default.json", slug="theirs")
    put(tmp_path / "projects", "1.json", K1)
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    found = load_projects(tmp_path / "projects", rules=rules)
    assert found.default is not None
    assert found.default.config.pii_config == json.loads(RULES)
    assert found.default.slug is None
    assert K1 in found.by_key
    assert (found.problems, found.warnings) == ((), ())
    assert found.is_current(tmp_path / "projects", rules)


def test_rules_may_be_a_whole_project_and_need_no_folder(tmp_path: Path) -> None:
    path = put(tmp_path, "shop.json", K1, slug="shop", projectId=3, config={"piiConfig": {"rules": {}}})
    default = load_projects(None, rules=path).default
    assert default is not None
    assert (default.slug, default.public_keys, default.project_id) == ("shop", (), None)


def test_rules_that_go_bad_or_away_stay_in_force(tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text(RULES)
    first = load_projects(None, rules=rules)
    rules.write_text("[1]")
    bad = load_projects(None, first, rules=rules)
    assert not first.is_current(None, rules)
    assert bad.default == first.default
    assert len(bad.problems) == 1
    rules.unlink()
    gone = load_projects(None, bad, rules=rules)
    assert gone.default == first.default
    assert "rules.json" in gone.problems[0]
    assert gone.is_current(None, rules)
    rules.write_text(RULES)
    assert load_projects(None, gone, rules=rules).problems == ()


def test_a_file_without_rules_is_no_rules(tmp_path: Path) -> None:
    found = load_projects(None, rules=put(tmp_path, "odd.json", other=1))
    assert found.default is None
    assert "there are no rules in it" in found.problems[0]
