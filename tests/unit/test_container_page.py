"""`docs/container.md`: its compose file is one, fits the image, and its variables are settings."""

import re
from pathlib import Path

import pytest
import yaml

from scrubjay.settings.fields import FIELDS
from scrubjay.settings.load import load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "container.md").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SERVICE = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])["services"]["scrubjay"]


def instruction(name: str) -> str:
    """What the last one of the Dockerfile says."""
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)[-1]


def test_the_compose_file_configures_a_relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    env = {name: str(value) for name, value in SERVICE["environment"].items()}
    loaded = load(ROOT / "config" / "image", env)
    relay = loaded.settings.relay
    assert loaded.warnings == ()
    assert (relay.mode, relay.host, relay.internal_port) == ("static", "0.0.0.0", 3001)
    assert loaded.settings.spool.envelopes.path == "/var/lib/scrubjay/spool"
    assert loaded.projects.default is not None
    grace_s = int(SERVICE["stop_grace_period"].removesuffix("s"))
    assert grace_s >= relay.shutdown_delay + loaded.settings.limits.shutdown_timeout + 5


def test_the_compose_file_fits_the_image() -> None:
    inside = [mount.split(":")[1] for mount in SERVICE["volumes"]]
    assert inside == yaml.safe_load(instruction("VOLUME"))
    assert instruction("WORKDIR") == inside[0]
    assert {port.rpartition(":")[2] for port in SERVICE["ports"]} == set(instruction("EXPOSE").split())


def test_variables_of_the_page_are_settings() -> None:
    named = set(re.findall(r"SCRUBJAY__\w+", PAGE))
    assert {name.removeprefix("SCRUBJAY__").replace("__", ".").lower() for name in named} <= FIELDS.keys()


def test_the_page_names_every_build_argument() -> None:
    arguments = set(re.findall(r"^ARG (\w+)", DOCKERFILE, re.MULTILINE))
    table = PAGE.split("| build argument |")[1].split("\n\n")[0]
    assert set(re.findall(r"`([A-Z_]+)`", table)) == arguments
