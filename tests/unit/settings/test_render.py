"""Pages that follow from the tables."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scrubjay.reasons import REASONS
from scrubjay.settings import inert
from scrubjay.settings.document import compose, to_plain
from scrubjay.settings.fields import FIELDS, SECTIONS
from scrubjay.settings.json_schema import json_schema
from scrubjay.settings.load import load
from scrubjay.settings.project import DataScrubbing, ProjectConfig, ProjectOptions, PublicKey, ScrubjayOptions
from scrubjay.settings.render import PAGES, reasons, reference, sample

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", PAGES)
def test_committed_pages_are_up_to_date(name: str) -> None:
    committed = (ROOT / name).read_text(encoding="utf-8")
    assert committed == PAGES[name](), "run `scrubjay config render` and commit the result"


def test_the_sample_names_every_setting_and_runs_as_it_is(tmp_path: Path) -> None:
    text = sample()
    for row in FIELDS.values():
        assert any(line.strip().removeprefix("# ").startswith(f"{row.name}:") for line in text.splitlines())
    (tmp_path / "scrubjay.yaml").write_text(text)
    loaded = load(tmp_path, strict=True)
    assert loaded.warnings == loaded.notices == ()
    assert loaded.settings.relay.mode == "capture"
    assert loaded.settings.spool.envelopes.path == "scrubjay-spool"


def test_every_line_of_the_sample_can_be_switched_on(tmp_path: Path) -> None:
    """Defaults mean the defaults, examples are valid."""
    (tmp_path / "admin.token").write_text("t")
    lines = []
    for line in sample().splitlines():
        bare = line.strip().removeprefix("# ")
        name, separator, _ = bare.partition(": ")
        is_setting = separator and line.strip().startswith("# ") and any(row.name == name for row in FIELDS.values())
        lines.append(line.replace("# ", "", 1) if is_setting else line)
    (tmp_path / "scrubjay.yaml").write_text("\n".join(lines))
    names = ("CAPTURE_TOKEN", "ADMIN_TOKEN", "WEBHOOK_SECRET", "REGISTRATION_SECRET", "SPOOL_KEY")
    env = dict.fromkeys(names, "t") | {"RELAY_SENTRY_DSN": "https://key@errors.example/1", "SPOOL_KEY": "A" * 43 + "="}
    loaded = load(tmp_path, env, strict=True)
    for key, row in FIELDS.items():
        if row.note.example is None and key != "relay.mode" and loaded.origins[key].endswith("default"):
            pytest.fail(f"{key} was not read")


@pytest.mark.parametrize("folder", ["config", "config/sidecar", "config/gateway", "config/dev"])
def test_every_example_loads_without_a_word(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    loaded = load(Path(folder), strict=True)
    assert loaded.warnings == loaded.notices == ()
    assert loaded.projects.default is not None or loaded.projects.by_key


def test_the_reference_names_every_key_with_its_words() -> None:
    page = reference()
    for row in FIELDS.values():
        assert f"| `{row.name}` |" in page
        assert row.note.doc in page
    for key in SECTIONS:
        assert f"## `{key}`" in page or not any(row.section == key for row in FIELDS.values())
    for name in inert.ELSEWHERE:
        assert f"`{name}" in page


@pytest.mark.parametrize("page", [reference, reasons])
def test_every_row_has_as_many_cells_as_its_head(page: Callable[[], str]) -> None:
    columns = 0
    for line, following in itertools.pairwise([*page().splitlines(), ""]):
        if following.startswith("| --- |"):
            columns = line.count(" | ")
        elif line.startswith("| ") and not line.startswith("| --- |"):
            assert line.count(" | ") == columns, line


def test_the_reference_names_every_member_of_a_project_file() -> None:
    page = reference()
    for kind in (ProjectConfig, PublicKey, ProjectOptions, DataScrubbing, ScrubjayOptions):
        for name in kind.__struct_encode_fields__:
            assert f"| `{name}` |" in page


def test_the_page_of_reasons_has_every_reason() -> None:
    page = reasons()
    for reason in REASONS:
        assert (reason.pattern or f"`{reason.code}`") in page
        assert reason.doc in page
        assert reason.remedy in page


def test_the_schema_knows_every_key_and_accepts_the_examples() -> None:
    schema = json.loads(json_schema())
    for key, row in FIELDS.items():
        place = schema
        for name in key.split("."):
            place = place["properties"][name]
        assert place["description"] == row.note.doc
    for folder in ("config", "config/sidecar", "config/gateway", "config/dev"):
        path = ROOT / folder / "scrubjay.yaml"
        document = to_plain(compose(path.read_text(), str(path)), str(path))
        accept(document, schema)


def accept(value: object, schema: dict[str, object], path: str = "$") -> None:
    """As much of a validator as objects with closed members need."""
    properties = schema.get("properties")
    if isinstance(value, dict) and isinstance(properties, dict):
        for name, member in value.items():
            assert name in properties, f"{path}.{name}"
            accept(member, properties[name], f"{path}.{name}")
    for option in schema.get("anyOf", ()):  # type: ignore[attr-defined]
        words = option.get("enum")
        assert words is None or not isinstance(value, str) or value in words or len(schema["anyOf"]) > 1  # type: ignore[arg-type]


def test_the_schema_describes_projects_too() -> None:
    definitions = json.loads(json_schema())["$defs"]
    assert "publicKeys" in definitions["ProjectConfig"]["properties"]
    for folder in ("config/projects", "config/gateway/projects", "config/sidecar/projects", "config/dev/projects"):
        for path in (ROOT / folder).glob("*.yaml"):
            header = path.read_text().splitlines()[0]
            target = header.partition("$schema=")[2].partition("#")
            assert (path.parent / target[0]).resolve() == ROOT / "config" / "schema.json"
            assert target[2] == "/$defs/ProjectConfig"
