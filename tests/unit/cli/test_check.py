"""`scrubjay check`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from scrubjay.cli.check import unread
from scrubjay.core.plan import ProjectPlan, compile_plan
from scrubjay.settings.fields import FIELDS
from scrubjay.settings.project import ProjectConfig, ProjectOptions
from scrubjay.settings.schema import Settings
from scrubjay.settings.scrub import Scrub

Call = Callable[..., Result]
Folder = Callable[..., Path]
ROOT = Path(__file__).parents[3]
KEY = "a94ae32be2584e0bbd7a4cbb95971fee"
OTHER = "b" * 32
STATIC = "relay: {upstream: 'https://h'}\nspool: {envelopes: {path: /s}}\n"


def checked(call: Call, conf: Path, code: int = 0) -> dict[str, Any]:
    result = call("check", "--json", "-c", str(conf))
    assert result.exit_code == code, result.output
    document = json.loads(result.stdout)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("folder", ["config", "config/sidecar", "config/gateway", "config/dev"])
def test_every_example_passes(call: Call, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    document = checked(call, Path(folder))
    assert document["errors"] == document["warnings"] == []
    assert set(document["settings"]) == set(FIELDS)


def test_every_value_has_its_origin(call: Call, folder: Folder) -> None:
    conf = folder(STATIC, default="config: {}")
    result = call("check", "-c", str(conf), "--log-level", "debug")
    assert result.exit_code == 0
    rows = {cells[0]: cells[1:] for line in result.stdout.splitlines() if (cells := line.split())}
    assert rows["relay.upstream"] == ["https://h/", f"{conf}/scrubjay.yaml:1"]
    assert rows["logging.level"] == ["debug", "flag", "--log-level"]
    assert rows["http.timeout"] == ["5", "default"]
    assert rows["relay.mode"][0] == "static"
    assert set(FIELDS) <= set(rows)


def test_plans_are_named_with_their_keys(call: Call, folder: Folder) -> None:
    conf = folder(
        STATIC, default="config: {}", p42=f"slug: shop\npublicKeys: [{{publicKey: {KEY}}}, {{publicKey: {OTHER}}}]"
    )
    default, shop = checked(call, conf)["projects"]
    assert (default["name"], default["keys"]) == ("default", [])
    assert (shop["name"], shop["keys"]) == ("42 shop", [KEY, OTHER])
    assert default["revision"] != shop["revision"]
    text = call("check", "-c", str(conf)).stdout
    assert "42 shop" in text
    assert OTHER in text
    assert "every other key" in text


@pytest.mark.parametrize(
    ("project", "words"),
    [
        ("config: {allowedDomains: 5}", "config.allowedDomains"),
        ("config: {scrubjay: {scrub: {profile: lax}}}", "config.scrubjay.scrub.profile"),
        ("config: {quotas: [{id: q, categories: [error], limit: 5, window: 0}]}", "default.yaml:1: quotas[0]: "),
        ("config: {filterSettings: {localhost: {}}}", "filterSettings.localhost is disabled"),
        ("config: {filterSettings: {webCrawler: {isEnabled: true}}}", "did you mean `webCrawlers`?"),
        ("config: {scrubjay: {filters: [{id: x, loggrs: [a]}]}}", "did you mean `loggers`?"),
    ],
)
def test_whatever_would_be_left_out_is_an_error(call: Call, folder: Folder, project: str, words: str) -> None:
    conf = folder(STATIC, default=project)
    (error,) = checked(call, conf, 1)["errors"]
    assert words in error
    result = call("check", "-c", str(conf))
    assert result.exit_code == 1
    assert f"error: {error}" in result.stderr


@pytest.mark.parametrize(
    ("shared", "words"),
    [
        ("{", "malformed JSON"),
        ('{"quotas": {}}', "quotas: a list is expected"),
        ('{"filters": {"version": 1, "filters": [{"id": "x", "isEnabled": true}]}}', "it has no condition"),
    ],
)
def test_what_goes_for_all_projects_is_checked(call: Call, folder: Folder, shared: str, words: str) -> None:
    conf = folder(STATIC, default="config: {}")
    (conf / "global_config.json").write_text(shared)
    (error,) = checked(call, conf, 1)["errors"]
    assert words in error
    (conf / "global_config.json").write_text("{}")
    assert checked(call, conf, 0)["errors"] == []


def test_warnings_do_not_fail(call: Call, folder: Folder) -> None:
    result = call("check", "-c", str(folder("relay: {portt: 1}\nprocessing: {enabled: false}\n")))
    assert result.exit_code == 0
    assert "warning: " in result.stderr
    assert "note: known keys without effect here: processing.enabled" in result.stderr


def test_settings_that_cannot_be_used(call: Call, folder: Folder) -> None:
    result = call("check", "-c", str(folder("relay: {mode: static}")))
    assert result.exit_code == 1
    assert "mode `static` needs an upstream" in result.stderr


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("http: {ca_bundle: missing.pem}", "http.ca_bundle: "),
        ("quotas: {redis: 'redis+sentinel://h'}", "quotas.redis: the name that the sentinels know is missing"),
    ],
)
def test_what_a_start_would_stumble_over(call: Call, folder: Folder, section: str, words: str) -> None:
    conf = folder(f"relay: {{upstream: 'https://h'}}\n{section}\n", default="config: {}")
    (error,) = checked(call, conf, 1)["errors"]
    assert error.startswith(f"{conf}/scrubjay.yaml:2: {words}")


def test_a_spool_whose_name_cannot_be(call: Call, folder: Folder) -> None:
    name = "s" * 300
    conf = folder(f"relay: {{upstream: 'https://h'}}\nspool: {{envelopes: {{path: /{name}}}}}\n")
    result = call("check", "-c", str(conf))
    assert result.exit_code == 1
    assert f"scrubjay.yaml:2: spool.envelopes.path: /{name}: File name too long" in result.stderr


def test_a_spool_that_cannot_be_written(call: Call, folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    text = f"relay: {{upstream: 'https://h'}}\nspool: {{envelopes: {{path: {tmp_path}/file/spool}}}}\n"
    conf = folder(text, default="config: {}")
    (error,) = checked(call, conf, 1)["errors"]
    assert error == f"{conf}/scrubjay.yaml:2: spool.envelopes.path: {tmp_path}/file is no folder that can be written to"
    capture = "relay: {mode: capture}\n" + text.partition("\n")[2]
    assert checked(call, folder(capture, default="config: {}"))["errors"] == []


def test_rules_that_force_the_full_walk_are_named(call: Call, folder: Folder) -> None:
    pii = "{rules: {odd: {type: pattern, pattern: 'a.{0,900}b|[^c]+'}}, applications: {$string: [odd]}}"
    (plan,) = checked(call, folder(STATIC, default=f"config: {{piiConfig: {pii}}}"))["projects"]
    assert isinstance(plan["full_walk"], list)


def test_what_leaves_unread_is_said() -> None:
    assert list(unread(ProjectPlan(revision="pass"))) == ["everything"]
    tried = compile_plan(ProjectConfig(), Settings(scrub=Scrub(dry_run=True)))
    assert list(unread(tried)) == ["everything: rules are only tried (dry_run)"]
    config = {"rules": {"r": {"type": "email", "dry_run": True}}, "applications": {"$string": ["r"], "$number": ["r"]}}
    tried = compile_plan(ProjectConfig(config=ProjectOptions(pii_config=config)), Settings())
    assert list(unread(tried))[-1] == "what rule r would take, which is only tried (dry_run)"
    plan = compile_plan(ProjectConfig(), Settings())
    found = list(unread(plan))
    assert found == [
        "attachments that are neither text nor JSON",
        "crash archives (unreal_report)",
        "profiles in binary form",
        "the pictures of replay videos",
    ]


@pytest.mark.parametrize(
    ("scrub", "present", "absent"),
    [
        ("{opaque: drop}", "profiles in binary form", "items of unknown types that are not JSON"),
        ("{attachments: drop}", "profiles in binary form", "crash archives (unreal_report)"),
        ("{attachments: drop}", "profiles in binary form", "attachments that are neither text nor JSON"),
        (
            "{attachments: keep}",
            "attachments, but for rules bound to them",
            "attachments that are neither text nor JSON",
        ),
        ("{binary_attachments: drop}", "the pictures of replay videos", "profiles in binary form"),
        ("{binary_attachments: scrub_bytes}", "profiles in binary form", "crash archives (unreal_report)"),
        ("{compressed_attachments: [zip, gzip]}", "compressed attachments: gzip, zip", "compressed attachments"),
        ("{replay: keep}", "replay recordings", "everything"),
        ("{replay: type5}", "what replay recordings show of the page", "replay recordings"),
        ("{replay: drop}", "profiles in binary form", "the pictures of replay videos"),
        ("{on_error: forward}", "what cannot be scrubbed: all other items", "everything"),
        ("{on_error_by_type: [profile=forward, event=strip]}", "what cannot be scrubbed: profile", "everything"),
        ("{profile: parity}", "attachments, but for rules bound to them", "everything"),
        ("{profile: parity, attachments: drop}", "what replay recordings show of the page", "compressed attachments"),
        ("{opaque: forward}", "items of unknown types that are not JSON", "everything"),
    ],
)
def test_policies_change_what_leaves_unread(call: Call, folder: Folder, scrub: str, present: str, absent: str) -> None:
    (plan,) = checked(call, folder(STATIC, default=f"config: {{scrubjay: {{scrub: {scrub}}}}}"))["projects"]
    assert present in plan["unread"]
    assert absent not in plan["unread"]


def test_in_allow_list_mode_only_named_types_leave_unread(call: Call, folder: Folder) -> None:
    listed = "config: {scrubjay: {scrub: {mode: allow, allow_items: [profile, attachment, replay_event]}}}"
    (plan,) = checked(call, folder(STATIC, default=listed))["projects"]
    assert plan["unread"] == ["attachment, but for rules that can read it", "profile, but for rules that can read it"]


def test_keys_without_a_project_in_proxy_leave_unread(call: Call, folder: Folder) -> None:
    result = call("check", "-c", str(folder("relay: {mode: proxy}")))
    assert "Keys without a project: everything leaves unread." in result.stdout


def test_certificates_that_no_listener_could_show_are_found(call: Call, folder: Folder) -> None:
    conf = folder("relay: {mode: proxy, upstream: 'https://h'}\ntls: {cert: none.pem, key: none.key}")
    result = call("check", "-c", str(conf))
    assert result.exit_code == 1
    assert "tls.cert: cannot read none.pem: No such file or directory" in result.stdout + result.stderr
