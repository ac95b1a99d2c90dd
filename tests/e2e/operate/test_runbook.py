"""The runbook: an entry for each alert and each reason, commands that run, settings that exist, links that lead somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from scrubjay import reasons
from scrubjay.cli.program import program
from scrubjay.runtime.metrics_page import alert_rules
from scrubjay.settings.load import FIELDS
from support.daemon import Daemon
from support.http_client import post
from support.recorder import recording

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "runbook.md").read_text()
SECTIONS: dict[str, str] = dict(re.findall(r"(?ms)^### (.+?)\n(.*?)(?=^##|\Z)", PAGE))
PARTS = ("You see", "Ask", "It means", "Do")
MAY_FAIL = {"scrubjay doctor", "scrubjay doctor --no-probe"}
"""Exit code 1 if something failed, as it says."""
NEED_MORE = {
    "scrubjay explain",
    "scrubjay doctor --dsn",
    "scrubjay scrub --explain event.json",
    "scrubjay test",
    "scrubjay capture",
}
"""They are only named; other pages show them."""
STOPPED = {"scrubjay spool drop", "scrubjay credentials show"}
"""For a relay that is stopped, or has credentials."""


def commands() -> list[str]:
    """Each that the page tells to type."""
    inline = re.findall(r"`(scrubjay(?: [^`…]+)?)`", PAGE)
    blocks = [
        line.partition("#")[0] for block in re.findall(r"(?ms)^```sh\n(.*?)^```", PAGE) for line in block.splitlines()
    ]
    found = {command.strip() for command in (*inline, *blocks)}
    return sorted(found - NEED_MORE - STOPPED)


@pytest.mark.parametrize("rule", alert_rules(), ids=lambda rule: rule["alert"])
def test_each_alert_has_an_entry_with_one_command(rule: dict[str, str]) -> None:
    text = SECTIONS[rule["alert"]]
    heads = re.findall(r"(?m)^- \*\*(.+?):\*\*", text)
    assert heads in (list(PARTS), ["You see", "Ask", "It means and do"])
    (asked,) = re.findall(r"(?m)^- \*\*Ask:\*\* (.*)$", text)
    assert re.fullmatch(r"`scrubjay [^`]+`", asked)


def test_entries_that_look_like_alerts_are_alerts() -> None:
    assert {name for name in SECTIONS if name.startswith("Scrubjay")} == {rule["alert"] for rule in alert_rules()}


def test_each_reason_that_is_not_meant_is_treated_where_its_alert_leads() -> None:
    rows = re.findall(r"(?m)^\| ((?:`[^`]+`(?:, )?)+) \| (.+) \|$", PAGE.partition("## Reasons")[2])
    treated = [code for codes, _ in rows for code in re.findall(r"`([^`]+)`", codes)]
    wanted = {
        reason.code if reason.pattern is None else f"{reason.code}:…"
        for reason in reasons.REASONS
        if reason.outcome in ("lost", "invalid") and not reason.intended
    }
    assert sorted(treated) == sorted(wanted), "each once"
    rings = {rule["alert"]: rule["expr"] for rule in alert_rules() if "scrubjay_losses_total" in rule["expr"]}
    for codes, place in rows:
        for alert in re.findall(r"\[(\w+)\]", place):
            for code in re.findall(r"`([^`]+)`", codes):
                assert alert not in rings or code in rings[alert]


def test_links_lead_somewhere() -> None:
    for file, anchor in re.findall(r"\]\(([\w.-]*)(?:#([\w-]+))?\)", PAGE):
        text = PAGE if not file else (DOCS / file).read_text()
        heads = {
            re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-")
            for head in re.findall(r"(?m)^#+ (.+)$", text)
        }
        assert not anchor or anchor in heads, f"{file}#{anchor}"


def test_settings_that_it_names_exist() -> None:
    roots = {key.partition(".")[0] for key in FIELDS}
    named = {
        word
        for word in re.findall(r"`([a-z_]+(?:\.[a-z_0-9]+)+)(?:: [^`]*)?`", PAGE)
        if word.partition(".")[0] in roots
    }
    assert len(named) > 20
    unknown = named - set(FIELDS)
    assert unknown <= {"scrub.allow"}, "that one is a project's"


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One that has forwarded something and refused something."""
    with recording() as upstream:
        daemon = Daemon(tmp_path_factory.mktemp("runbook") / "relay", upstream=upstream.url)
        daemon.start()
        try:
            event = b'{}\n{"type":"event"}\n{"message":"m"}\n'
            assert post(daemon.port, "/api/1/envelope/", event).status == 200
            assert post(daemon.port, "/api/1/envelope/", b"").status == 400
            daemon.wait_until_empty()
            yield daemon
        finally:
            daemon.close()


@pytest.mark.parametrize("command", commands())
def test_its_commands_run(command: str, relay: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCRUBJAY_CONFIG_DIR", str(relay.folder))
    done = CliRunner().invoke(program, shlex.split(command)[1:])
    assert done.exit_code in ((0, 1) if command in MAY_FAIL else (0,)), done.output
    assert done.output.strip()
