"""Members of project files that mean nothing here."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrubjay.settings.project_files import load_projects
from scrubjay.settings.project_members import unknown_members

KEY = "a" * 32


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"confg": {}}, [(["confg"], "config")]),
        ({"config": {"allowdDomains": []}}, [(["config", "allowdDomains"], "allowedDomains")]),
        (
            {"config": {"datascrubbingSettings": {"scrubdata": True}}},
            [(["config", "datascrubbingSettings", "scrubdata"], "scrubData")],
        ),
        ({"publicKeys": [{}, {"enabled": False}]}, [(["publicKeys", 1, "enabled"], "isEnabled")]),
        (
            {"config": {"scrubjay": {"spike_protection": {"flor": 1}}}},
            [(["config", "scrubjay", "spike_protection", "flor"], "floor")],
        ),
        ({"config": {"scrubjay": {"zzz": 1}}}, [(["config", "scrubjay", "zzz"], "")]),
        # What the reference knows, and what others judge
        ({"lastChange": None, "config": {"features": [], "retentions": {"x": 1}, "piiConfig": {"rulez": {}}}}, []),
        ([], []),
        (None, []),
    ],
)
def test_each_is_found_with_what_was_meant(document: object, found: object) -> None:
    assert list(unknown_members(document)) == found


@pytest.mark.parametrize(
    ("name", "text"), [("1.yaml", "config:\n  allowdDomains: []\n"), ("1.json", '{"config":\n{"allowdDomains": []}}')]
)
def test_files_with_such_members_are_warned_of(tmp_path: Path, name: str, text: str) -> None:
    keyed = text.replace('{"config"', f'{{"publicKeys": [{{"publicKey": "{KEY}"}}], "config"')
    (tmp_path / name).write_text(keyed if name.endswith("json") else f"publicKeys: [{{publicKey: {KEY}}}]\n{text}")
    found = load_projects(tmp_path)
    (warning,) = found.warnings
    assert "config.allowdDomains: unknown member (did you mean `allowedDomains`?)" in warning
    assert warning.startswith(f"{tmp_path / name}:{2 if name.endswith('json') else 3}: ")
    assert KEY in found.by_key


def test_with_strict_configuration_such_a_file_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "1.yaml"
    path.write_text(f"publicKeys: [{{publicKey: {KEY}}}]\nslug: good\n")
    before = load_projects(tmp_path, strict=True)
    path.write_text(f"publicKeys: [{{publicKey: {KEY}}}]\nslugg: better\n")
    after = load_projects(tmp_path, before, strict=True)
    assert "1.yaml:2: slugg: unknown member" in after.problems[0]
    assert after.by_key[KEY].slug == "good"
