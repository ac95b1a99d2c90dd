"""What goes for all projects (`upstream-and-operations.md` 2.9)."""

from pathlib import Path

import pytest

from scrubjay.settings.global_config import GlobalConfig, GlobalFile, load_global

FILTERS = {"version": 1, "filters": []}


def put(folder: Path, text: str) -> None:
    path = folder / "next"
    path.write_text(text)
    path.rename(folder / "global_config.json")


def test_without_a_file_nothing_is_shared(tmp_path: Path) -> None:
    file = load_global(tmp_path)
    assert (file.config, file.problems) == (GlobalConfig(), ())
    assert file.is_current
    assert GlobalFile().is_current


def test_members_that_count_here(tmp_path: Path) -> None:
    put(tmp_path, '{"measurements": {}, "quotas": [{"id": "q"}, 5], "filters": {"version": 1, "filters": []}, "x": 1}')
    assert load_global(tmp_path).config == GlobalConfig(FILTERS, ({"id": "q"}, 5))


@pytest.mark.parametrize("text", ['{"quotas": null, "filters": null}', "{}"])
def test_null_is_as_good_as_missing(tmp_path: Path, text: str) -> None:
    put(tmp_path, text)
    file = load_global(tmp_path)
    assert (file.config, file.problems) == (GlobalConfig(), ())


@pytest.mark.parametrize(
    ("text", "config", "problem"),
    [
        ('{"filters": [], "quotas": [1]}', GlobalConfig(None, (1,)), "filters: an object"),
        ('{"filters": {"version": 1, "filters": []}, "quotas": {}}', GlobalConfig(FILTERS), "quotas: a list"),
        ("[]", GlobalConfig(), "must be an object"),
        ("{", GlobalConfig(), "malformed JSON"),
        ("[" * 100_000, GlobalConfig(), "malformed JSON"),
    ],
)
def test_a_bad_member_costs_no_other(tmp_path: Path, text: str, config: GlobalConfig, problem: str) -> None:
    put(tmp_path, text)
    file = load_global(tmp_path)
    assert file.config == config
    (said,) = file.problems
    assert problem in said
    assert "global_config.json" in said


def test_the_last_good_version_stays_in_force_while_the_file_is_broken(tmp_path: Path) -> None:
    put(tmp_path, '{"quotas": [1]}')
    first = load_global(tmp_path)
    assert load_global(tmp_path, first) is first
    put(tmp_path, "{")
    assert not first.is_current
    broken = load_global(tmp_path, first)
    assert broken.config == first.config
    assert broken.problems
    (tmp_path / "global_config.json").unlink()
    assert not broken.is_current
    assert load_global(tmp_path, broken).config == GlobalConfig()
