"""Settings are loaded from folders made here, in no container, whatever machine the tests run on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scrubjay.settings import load as loading
from scrubjay.settings.load import Loaded, load

Write = Callable[[str, str], Path]
LoadText = Callable[..., Loaded]


@pytest.fixture(autouse=True)
def no_container(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(loading, "in_container", lambda env: False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Put a text into the config folder `conf`."""

    def put(name: str, text: str) -> Path:
        path = tmp_path / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return put


@pytest.fixture
def load_text(write: Write, tmp_path: Path) -> LoadText:
    """Load a `scrubjay.yaml` of this text."""

    def from_text(text: str, env: dict[str, str] | None = None, **kwargs: object) -> Loaded:
        write("scrubjay.yaml", text)
        return load(tmp_path / "conf", env or {}, **kwargs)  # type: ignore[arg-type]

    return from_text
