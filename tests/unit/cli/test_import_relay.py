"""`scrubjay import relay`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result

Call = Callable[..., Result]
KEY, OTHER = "a94ae32be2584e0bbd7a4cbb95971fee", "b" * 32
SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
CREDENTIALS = {
    "secret_key": SECRET,
    "public_key": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg",
    "id": "7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001",
}

STATIC = """
# What the image was started with.
relay:
  mode: static
  upstream: https://sentry.internal/
  host: 0.0.0.0
  port: 3000
  tls_identity_password: hunter2
http:
  timeout: 10
  encoding: gzip
cache:
  event_buffer_size: 1000
  envelope_expiry: 300
limits:
  max_event_size: 2MB
  max_concurrent_requests: 200
  shutdown_timeout: ~
logging:
  level: info
  format: json
sentry:
  enabled: true
  dsn: https://hunter2@errors.internal/1
metrics:
  statsd: 127.0.0.1:8126
  default_tags:
    zone: a
processing:
  enabled: false
"""
SHOP = {
    "slug": "shop",
    "projectId": 42,
    "lastChange": "2024-01-01T00:00:00Z",
    "publicKeys": [{"publicKey": KEY, "numericId": 7, "isEnabled": True}],
    "config": {
        "allowedDomains": ["*.shop.example"],
        "trustedRelays": ["A6EHv"],
        "groupingConfig": {"id": "newstyle:2019-10-29"},
        "eventRetention": None,
        "datascrubbingSettings": {"scrubData": True, "scrubDefaults": True, "scrubIpAddresses": False, "sensitiveFields": ["iban"]},
        "piiConfig": {
            "rules": {
                "badge": {"type": "pattern", "pattern": "B-(\\d+)", "replaceGroups": [1], "redaction": {"method": "mask"}},
                "staff": {"type": "multiple", "rules": ["badge", "@email"], "hideInner": True, "redaction": {"method": "remove"}},
            },
            "applications": {"$string && !tags.**": ["staff"], "$user.ip_address": ["@anything:remove"]},
        },
        "filterSettings": {"localhost": {"isEnabled": 1}, "releases": {"releases": ["1.*", "[a"]}, "noise": {"on": 1}},
        "quotas": [
            {"id": "burst", "categories": ["error"], "scope": "key", "limit": 600, "window": 60, "reasonCode": "burst"},
            {"id": "odd", "categories": ["error"], "scope": "key", "limit": "many", "window": 60},
        ],
        "somethingNew": 1,
        "sampling": {"version": 99, "rules": [{"nothing": "known"}]},
    },
}  # fmt: skip
OLDEST = {"publicKeys": {OTHER: True}, "config": {}}


@pytest.fixture
def old(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder of the reference."""

    def make(config: str | None = STATIC, credentials: bool = False, world: object = None, **projects: object) -> Path:
        folder = tmp_path / "relay"
        (folder / "projects").mkdir(parents=True)
        if config is not None:
            (folder / "config.yml").write_text(config)
        if credentials:
            (folder / "credentials.json").write_text(json.dumps(CREDENTIALS))
        if world is not None:
            (folder / "global_config.json").write_text(world if isinstance(world, str) else json.dumps(world))
        for name, document in projects.items():
            text = document if isinstance(document, str) else json.dumps(document)
            (folder / "projects" / f"{name.removeprefix('p')}.json").write_text(text)
        return folder

    return make


Old = Callable[..., Path]


def imported(call: Call, folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    result = call("import", "relay", str(folder), "-o", "conf", "--json", *arguments)
    assert result.exit_code == code, result.output
    assert "hunter2" not in result.output
    document = json.loads(result.stdout)
    assert isinstance(document, dict)
    document["found"] = {(f["kind"], f["member"]): f["text"] for f in document["findings"]}
    return document


def made(name: str) -> dict[str, Any]:
    document = yaml.safe_load((Path("conf") / name).read_text())
    assert isinstance(document, dict)
    return document


def test_two_projects_of_mode_static(call: Call, old: Old) -> None:
    document = imported(call, old(p42=SHOP, p7=OLDEST))
    assert document["projects"] == ["42", "7"]
    assert document["errors"] == []
    assert made("scrubjay.yaml") == {
        "relay": {"mode": "static", "upstream": "https://sentry.internal/", "host": "0.0.0.0", "port": 3000},
        "http": {"timeout": 10, "encoding": "gzip"},
        "limits": {"max_event_size": "2MB", "max_concurrent_requests": 200},
        "logging": {"level": "info", "format": "json"},
        "sentry": {"enabled": True, "dsn": "https://hunter2@errors.internal/1"},
        "metrics": {"statsd": "127.0.0.1:8126", "default_tags": {"zone": "a"}},
    }
    shop = made("projects/42.yaml")
    assert shop["slug"] == "shop"
    assert "projectId" not in shop
    assert shop["publicKeys"] == SHOP["publicKeys"]
    config = SHOP["config"]
    assert isinstance(config, dict)
    assert shop["config"] == {
        **{name: config[name] for name in ("allowedDomains", "datascrubbingSettings", "piiConfig", "trustedRelays")},
        "filterSettings": {"releases": {"releases": ["1.*"]}},
        "quotas": [config["quotas"][0]],
    }
    assert made("projects/7.yaml") == {"publicKeys": [{"publicKey": OTHER, "isEnabled": True}], "config": {}}
    checked = call("check", "-c", "conf", "--json")
    loaded = json.loads(checked.stdout)
    assert [project["keys"] for project in loaded["projects"]] == [[KEY], [OTHER]]
    assert not any("unknown key" in warning for warning in loaded["warnings"])


def test_what_has_no_equivalent_is_named(call: Call, old: Old) -> None:
    found = imported(call, old(p42=SHOP, p7=OLDEST, world={"measurements": {}, "quotas": []}))["found"]
    assert {key for key in found if key[0] == "unknown"} == {
        ("unknown", "relay.tls_identity_password"), ("unknown", "cache.event_buffer_size"), ("unknown", "config.somethingNew"),
    }  # fmt: skip
    assert {member for kind, member in found if kind == "no equivalent"} == {
        "cache.envelope_expiry", "processing.enabled", "config.groupingConfig", "config.eventRetention",
        "config.filterSettings.localhost", "config.filterSettings.noise", "config.quotas[1]", "config.sampling", "measurements",
    }  # fmt: skip
    assert "pattern '[a'" in found["changed", "config.filterSettings.releases"]
    assert "all three switches are on" in found["changed", "config.datascrubbingSettings"]


def test_mode_proxy_forwards_as_before(call: Call, old: Old) -> None:
    document = imported(call, old("relay: {mode: proxy}\n"))
    assert made("scrubjay.yaml") == {"relay": {"mode": "proxy", "upstream": "https://sentry.io/"}}
    assert document["projects"] == []
    assert document["findings"] == []


@pytest.mark.parametrize(
    "config", ["relay: {mode: managed, upstream: 'https://h/'}\n", "relay: {upstream: 'https://h/'}\n"]
)
def test_mode_managed_stays(call: Call, old: Old, config: str) -> None:
    document = imported(call, old(config, credentials=True))
    assert made("scrubjay.yaml")["relay"] == {"mode": "managed", "upstream": "https://h/"}
    assert document["projects"] == []
    assert document["findings"] == []


def test_files_of_a_managed_relay_are_said_to_count(call: Call, old: Old) -> None:
    document = imported(call, old("relay: {mode: managed}\n", p7=OLDEST, credentials=True))
    assert document["projects"] == ["7"]
    assert "takes the place of what the server says" in document["found"]["changed", ""]


def test_mode_managed_without_credentials_is_an_error(call: Call, old: Old) -> None:
    document = imported(call, old("relay: {mode: managed}\n"), code=1)
    assert "credentials generate" in document["errors"][0]


@pytest.mark.parametrize("config", ["", "# nothing\n", None])
def test_without_credentials_files_are_what_there_is(call: Call, old: Old, config: str | None) -> None:
    document = imported(call, old(config, p42=SHOP))
    assert made("scrubjay.yaml") == {"relay": {"mode": "static", "upstream": "https://sentry.io/"}}
    assert made("projects/default.yaml") == {"config": {}}
    assert "needs credentials" in document["found"]["changed", "relay.mode"]


def test_credentials_are_copied_and_not_shown(call: Call, old: Old) -> None:
    folder = old("relay: {mode: proxy}\n", credentials=True)
    result = call("import", "relay", str(folder), "-o", "conf")
    assert result.exit_code == 0
    assert SECRET not in result.output
    copied = Path("conf/credentials.json")
    assert copied.read_bytes() == (folder / "credentials.json").read_bytes()
    assert copied.stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_over(call: Call, old: Old) -> None:
    folder = old(p42=SHOP)
    Path("conf/projects").mkdir(parents=True)
    there = Path("conf/projects/42.yaml")
    there.write_text("mine")
    result = call("import", "relay", str(folder), "-o", "conf")
    assert result.exit_code == 1
    assert "conf/projects/42.yaml: is there already" in result.stderr
    assert there.read_text() == "mine"
    assert not Path("conf/scrubjay.yaml").exists()
    imported(call, folder, "--force")
    assert there.read_text() != "mine"


def test_rules_that_strict_refuses_stay_as_the_reference_has_them(call: Call, old: Old) -> None:
    lax = {**SHOP, "config": {"piiConfig": {"applications": {"$string": ["@ip", "@phone_of_old"]}}}}
    document = imported(call, old(p42=lax))
    assert made("projects/42.yaml")["config"]["scrubjay"] == {"scrub": {"profile": "parity"}}
    (text,) = [text for (kind, member), text in document["found"].items() if member.startswith("config.piiConfig")]
    assert "@phone_of_old" in text
    assert "skips this in silence" in text


def test_a_profile_for_all(call: Call, old: Old) -> None:
    imported(call, old(p42=SHOP), "--profile", "parity")
    assert made("scrubjay.yaml")["scrub"] == {"profile": "parity"}


@pytest.mark.parametrize(
    ("project", "member"),
    [
        ("{", ""),
        ("[]", ""),
        ({"publicKeys": [{"publicKey": "short"}]}, "publicKeys[0].publicKey"),
        ({"publicKeys": []}, "publicKeys"),
        ({**SHOP, "config": {"piiConfig": {"applications": {"a b": []}}}}, "config.piiConfig.applications.a b"),
    ],
)
def test_a_project_that_cannot_be_used_is_left_out_and_named(
    call: Call, old: Old, project: object, member: str
) -> None:
    document = imported(call, old(p42=project, p7=OLDEST), code=1)
    assert document["projects"] == ["7"]
    assert ("cannot be used", member) in document["found"]
    assert document["errors"] == []


def test_members_of_a_project_that_mean_nothing_here(call: Call, old: Old) -> None:
    lone = {"publicKeys": OLDEST["publicKeys"], "rev": None, "upstream": "https://h/", "lastFetch": 1, "odd": 1}
    document = imported(call, old("relay: {mode: static}\n", p7=lone))
    assert set(document["found"]) == {("unknown", "odd")}
    assert made("projects/7.yaml") == {
        "publicKeys": [{"publicKey": OTHER, "isEnabled": True}],
        "upstream": "https://h/",
        "config": {},
    }


def test_files_without_a_number(call: Call, old: Old) -> None:
    document = imported(call, old(pshop=SHOP, pnone=OLDEST), code=1)
    assert made("projects/shop.yaml")["projectId"] == 42
    assert document["found"]["cannot be used", "projectId"] == "there is none, and the file's name is no number"


def test_values_that_are_not_taken(call: Call, old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    config = (
        "relay: {mode: proxy, port: [1]}\n"
        "limits: {max_event_size: 2megahunter2, max_envelope_size: '${SIZE_FROM_THE_ENVIRONMENT}'}\n"
        "http: {ca_bundle: '${file:ca.path}', timeout: true}\n"
    )
    folder = old(config)
    (folder / "ca.path").write_text("/etc/ca.pem")
    document = imported(call, folder, code=1)
    assert {member for kind, member in document["found"] if kind == "cannot be used"} == {
        "relay.port", "limits.max_event_size", "http.timeout"
    }  # fmt: skip
    written = made("scrubjay.yaml")
    assert written["http"] == {"ca_bundle": f"${{file:{folder.absolute()}/ca.path}}"}
    assert "SIZE_FROM_THE_ENVIRONMENT" in document["errors"][0]
    monkeypatch.setenv("SIZE_FROM_THE_ENVIRONMENT", "1MB")
    assert imported(call, folder, "--force", code=1)["errors"] == []


@pytest.mark.parametrize(("world", "findings"), [("{", 1), ("[]", 0), ("{}", 0), ('{"measurements": {}}', 1)])
def test_a_global_configuration_without_rules(call: Call, old: Old, world: str, findings: int) -> None:
    document = imported(call, old("relay: {mode: proxy}\n", world=world), code=1 if world == "{" else 0)
    assert len(document["findings"]) == findings
    assert not Path("conf/global_config.json").exists()


NOISE = {"id": "noise", "isEnabled": True, "condition": {"op": "eq", "name": "event.logger", "value": "noise"}}


def test_what_goes_for_all_projects_comes_over(call: Call, old: Old) -> None:
    filters = {"version": 1, "filters": [NOISE, {"id": "broken"}]}
    quota = {"id": "all", "categories": ["error"], "limit": 5, "window": 60}
    borrows = {"version": 1, "filters": [{"id": "noise", "isEnabled": True}]}
    shop = {**SHOP, "config": {"filterSettings": {"generic": borrows}}}
    found = imported(call, old(p42=shop, world={"filters": filters, "quotas": [quota, {"limit": "x"}]}))["found"]
    left = {"version": 1, "filters": [NOISE]}
    assert json.loads(Path("conf/global_config.json").read_text()) == {"quotas": [quota], "filters": left}
    assert made("projects/42.yaml")["config"]["filterSettings"] == {"generic": borrows}
    assert "`broken` is disabled" in found["changed", "filters"]
    assert ("no equivalent", "quotas[1]") in found


def test_what_goes_for_all_projects_and_cannot_be_used(call: Call, old: Old) -> None:
    found = imported(call, old("relay: {mode: proxy}\n", world={"filters": [], "quotas": {}}))["found"]
    assert {key for key in found if key[0] == "no equivalent"} == {
        ("no equivalent", "filters"),
        ("no equivalent", "quotas[0]"),
    }
    assert json.loads(Path("conf/global_config.json").read_text()) == {"quotas": []}


def test_folders_that_are_none(call: Call, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = call("import", "relay", "empty")
    assert result.exit_code == 1
    assert "neither config.yml nor projects/*.json" in result.stderr
    (tmp_path / "empty" / "config.yml").write_text("- a list")
    assert "must be a mapping" in call("import", "relay", "empty").stderr
    assert call("import", "relay", "missing").exit_code == 2


def test_a_folder_that_cannot_be_written(call: Call, old: Old) -> None:
    Path("conf").write_text("a file")
    result = call("import", "relay", str(old(p42=SHOP)), "-o", "conf", "--force")
    assert result.exit_code == 1
    assert "cannot write the file" in result.stderr


def test_for_people(call: Call, old: Old) -> None:
    result = call("import", "relay", str(old(p42=SHOP, p7=OLDEST)))
    assert result.exit_code == 0
    assert "hunter2" not in result.output
    lines = result.output.splitlines()
    assert lines[-1] == "Next: scrubjay check -c .scrubjay"
    assert lines[-2] == "14 settings and 2 projects are in .scrubjay, 3 files."
    assert any(line.split()[:1] == ["unknown"] and "config.somethingNew" in line for line in lines)


def test_in_a_process_of_its_own(old: Old, tmp_path: Path) -> None:
    folder = old(p42=SHOP)
    command = [sys.executable, "-m", "scrubjay"]
    done = subprocess.run(
        [*command, "import", "relay", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    checked = subprocess.run([*command, "check"], capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert "shop" in checked.stdout
