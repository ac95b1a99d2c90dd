"""Whatever an operator writes, loading it ends with settings or with a `ConfigError`, never with anything else."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrubjay.errors import ConfigError
from scrubjay.settings.fields import FIELDS
from scrubjay.settings.load import Loaded, load
from scrubjay.settings.project import ProjectConfig
from scrubjay.settings.project_parsing import parse_project

HARD = (
    "${X}", "${file:y}", "${", "$${a}", "${file:\0}", "${file:" + "x" * 300 + "}", "a\0b", "1MiB", "5s", "-0", "9" * 30, "1e400",
    "10.0.0.0/8", "https://[::1", "http://h:99999", "http://h:", "//", "auto",
)  # fmt: skip
SCALARS = st.text(max_size=8) | st.integers() | st.floats() | st.none() | st.booleans() | st.sampled_from(HARD)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)
KEYS = st.sampled_from([*FIELDS, "tls.cert", "processing.enabled", "nobody.knows", "relay"])


@given(written=st.dictionaries(KEYS, VALUES, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_and_any_environment(written: dict[str, object], tmp_path: Path) -> None:
    document: dict[str, object] = {}
    for key, value in written.items():
        place = document
        *sections, name = key.split(".")
        for section in sections:
            inner = place.setdefault(section, {})
            if not isinstance(inner, dict):
                break
            place = inner
        else:
            place[name] = value
    (tmp_path / "scrubjay.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    variables = {f"SCRUBJAY__{key.upper().replace('.', '__')}": str(value) for key, value in written.items()}
    for config, env in ((tmp_path, {"X": "1"}), (None, variables)):
        with contextlib.suppress(ConfigError):
            assert isinstance(load(config, env), Loaded)


@pytest.mark.parametrize("name", ["f.json", "f.yaml"])
@given(text=st.text(alphabet="{}[]:,-\"'\n ab&*!|>#%@`~?1\\u\t\x7f\x00é", max_size=60))
def test_any_project_file(name: str, text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(parse_project(text, name), ProjectConfig)
