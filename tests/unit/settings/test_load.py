"""File, environment and flags to settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scrubjay.errors import ConfigError
from scrubjay.settings.fields import FIELDS, SECTIONS, value_of
from scrubjay.settings.load import Loaded, build, changed, in_force, load
from scrubjay.settings.schema import Settings
from scrubjay.settings.setting import Secret

LoadText = Callable[..., Loaded]
Write = Callable[[str, str], Path]

SIZE = "limits.max_event_size"


def failure(load_text: LoadText, text: str, env: dict[str, str] | None = None, **kwargs: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_text(text, env, **kwargs)
    return caught.value


def test_operations_13_nothing_configured_is_a_capture_on_this_machine() -> None:
    loaded = load()
    assert loaded.settings.relay.mode == "capture"
    assert (loaded.settings.relay.host, loaded.settings.relay.port) == ("127.0.0.1", 3000)
    assert loaded.config_dir is None
    assert loaded.projects_dir is None
    assert loaded.projects.default is not None
    assert loaded.warnings == loaded.notices == ()
    assert loaded.credentials is None


def test_operations_13_an_explicit_folder_must_hold_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot open the file"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="cannot open the file"):
        load(tmp_path / "missing")


@pytest.mark.parametrize(
    ("text", "size"), [("1kB", 1000), ("1KB", 1024), ("1KiB", 1024), ("4242", 4242), ("'4242'", 4242)]
)
def test_operations_1_sizes_in_the_file(load_text: LoadText, text: str, size: int) -> None:
    assert load_text(f"limits: {{max_event_size: {text}}}").settings.limits.max_event_size == size


@pytest.mark.parametrize("text", ["10tb", "5mb", "-1", '""'])
def test_operations_2_bad_sizes_name_the_key(load_text: LoadText, text: str) -> None:
    error = failure(load_text, f"limits:\n  max_event_size: {text}\n")
    assert (error.path, error.line) == (SIZE, 2)
    assert error.where.endswith("scrubjay.yaml")
    assert text.strip('"') in error.problem
    assert "KiB" in error.accepted


def test_operations_4_unset_variable_is_fatal(load_text: LoadText) -> None:
    error = failure(load_text, "http:\n  encoding: ${NO_SUCH_VAR}\n")
    assert "NO_SUCH_VAR is not set" in str(error)
    assert error.path == "http.encoding"


def test_operations_5_files_are_relative_to_the_config_folder(load_text: LoadText, write: Write) -> None:
    write("x", "1B\n")
    assert load_text("limits:\n  max_event_size: ${file:x}\n").settings.limits.max_event_size == 1


@pytest.mark.parametrize(("url", "problem"), [("https://h/x", "non-root path"), ("ftp://h", "unknown scheme")])
def test_operations_6_bad_upstreams(load_text: LoadText, url: str, problem: str) -> None:
    assert problem in str(failure(load_text, f"relay: {{upstream: '{url}'}}"))


def test_operations_6_default_port_is_not_shown(load_text: LoadText) -> None:
    assert load_text("relay: {upstream: 'https://h:443'}").settings.relay.upstream == "https://h/"


def test_operations_7_static_starts_and_bogus_does_not(load_text: LoadText) -> None:
    assert load_text("relay: {mode: static, upstream: 'https://h'}").settings.relay.mode == "static"
    error = failure(load_text, "relay:\n  mode: bogus\n")
    assert "`bogus`" in error.problem
    assert error.accepted == "managed, proxy, static, capture"


def test_operations_10_precedence(load_text: LoadText) -> None:
    text, env = "relay: {port: 3000}", {"RELAY_PORT": "4000"}
    ours = {**env, "SCRUBJAY__RELAY__PORT": "4500"}
    flagged = load_text(text, ours, flags={"relay.port": ("5000", "--port")})
    assert flagged.settings.relay.port == 5000
    assert flagged.origins["relay.port"] == "flag --port"
    assert load_text(text, ours).settings.relay.port == 4500
    from_env = load_text(text, env)
    assert from_env.settings.relay.port == 4000
    assert from_env.origins["relay.port"] == "env RELAY_PORT"
    assert load_text(text).origins["relay.port"].endswith("scrubjay.yaml:1")
    assert load_text("").origins["relay.port"] == "default"


def test_operations_14_unknown_keys(load_text: LoadText) -> None:
    (warning,) = load_text("relay:\n  portt: 1\n").warnings
    assert "scrubjay.yaml:2: relay.portt: unknown key" in warning
    assert "did you mean `relay.port`?" in warning
    error = failure(load_text, "relay:\n  portt: 1\n", strict=True)
    assert (error.path, error.line, error.near) == ("relay.portt", 2, "relay.port")
    (warning,) = load_text("", {"SCRUBJAY__ZZZ__QQQ": "1"}).warnings
    assert warning == "env SCRUBJAY__ZZZ__QQQ: zzz.qqq: unknown key, ignored"


def test_operations_19_outcomes(load_text: LoadText) -> None:
    assert "asdf" in str(failure(load_text, "outcomes: {emit_outcomes: asdf}"))
    assert load_text("outcomes: {emit_outcomes: false}").settings.outcomes.emit_outcomes is False
    assert load_text("outcomes: {emit_outcomes: true}").settings.outcomes.emit_outcomes is True


def test_operations_22_frames_have_a_bound(load_text: LoadText) -> None:
    error = failure(load_text, "spool: {envelopes: {batch_size_bytes: 10TB}}")
    assert error.path == "spool.envelopes.batch_size_bytes"
    assert error.accepted == "1B to 64MiB"


def test_keys_of_the_reference_without_effect_are_one_notice(load_text: LoadText) -> None:
    loaded = load_text(
        "processing:\n  enabled: false\n  kafka_config: [{name: a, value: b}]\ngeoip: {path: x}\nspool: {envelopes: {partitions: 2}}"
    )
    assert loaded.warnings == ()
    (notice,) = loaded.notices
    assert notice == (
        "known keys without effect here: geoip.path, processing.enabled, processing.kafka_config (storing and normalising is the "
        "server's business); spool.envelopes.partitions (what is accepted is written to the spool at once, in a partition for each "
        "worker)"
    )


def test_the_reference_s_other_names_of_keys(load_text: LoadText) -> None:
    assert load_text("limits: {max_replay_size: 5MB}").settings.limits.max_replay_uncompressed_size == 5_000_000
    env = {"SCRUBJAY__LIMITS__MAX_REPLAY_SIZE": "6MB"}
    assert load_text("", env).settings.limits.max_replay_uncompressed_size == 6_000_000
    error = failure(load_text, "limits: {max_replay_size: 5MB, max_replay_uncompressed_size: 6MB}")
    assert error.path == "limits.max_replay_uncompressed_size"


def test_null_is_the_default(load_text: LoadText) -> None:
    loaded = load_text("relay: {port: null, upstream: ~}\nlimits:\n")
    assert loaded.settings.relay.port == 3000
    assert loaded.origins["relay.port"] == "default"


def test_lists(load_text: LoadText) -> None:
    loaded = load_text("routing: {tunnel_paths: [/a, '${B}']}", {"B": "/b"})
    assert loaded.settings.routing.tunnel_paths == ("/a", "/b")
    assert loaded.texts["routing.tunnel_paths"] == "[/a, /b]"
    env = {"SCRUBJAY__ROUTING__TUNNEL_PATHS": "/c, /d"}
    assert load_text("", env).settings.routing.tunnel_paths == ("/c", "/d")
    assert load_text("", {"SCRUBJAY__ROUTING__TUNNEL_PATHS": "[]"}).settings.routing.tunnel_paths == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("relay: {port: [1]}", "a single value"),
        ("routing: {tunnel_paths: /a}", "a list"),
        ("routing: {tunnel_paths: [[/a]]}", "a list of lists or mappings (accepted: a list of texts)"),
        ("relay: 5", "relay: `5`: a section is expected, not a value"),
        ("- relay", "the file must be a mapping"),
        ("relay:\n  port: 1\n  port: 2\n", "relay.port: occurs twice"),
        ("relay: {port: x", "malformed YAML"),
    ],
)
def test_wrong_forms(load_text: LoadText, text: str, problem: str) -> None:
    assert problem in str(failure(load_text, text))


def test_secrets_are_masked_in_errors_and_records(load_text: LoadText) -> None:
    loaded = load_text("capture: {token: 'a-${T}'}", {"T": "hunter2"})
    assert loaded.settings.capture.token == Secret("a-hunter2")
    assert "hunter2" not in repr(loaded.settings)
    error = failure(load_text, "capture: {token: '${file:missing}'}")
    assert "`***`" in str(error)


def test_variables_inside_texts_but_not_inside_numbers(load_text: LoadText) -> None:
    loaded = load_text(
        "spool: {envelopes: {path: '/spool/${POD}'}}\nrelay: {upstream: 'https://${H}:9'}", {"POD": "p", "H": "h"}
    )
    assert loaded.settings.spool.envelopes.path == "/spool/p"
    assert loaded.settings.relay.upstream == "https://h:9/"
    assert "no number" in str(failure(load_text, "relay: {port: '3${X}'}", {"X": "1"}))


def test_written_sizes_are_kept_for_showing(load_text: LoadText) -> None:
    loaded = load_text("limits: {max_event_size: '1048576', max_log_size: 1048576, max_span_size: 2MB}")
    assert loaded.texts[SIZE] == "1048576B"
    assert loaded.texts["limits.max_log_size"] == "1048576"
    assert loaded.texts["limits.max_span_size"] == "2MB"


def test_where_the_configuration_is_looked_for(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("config.yml", "relay: {port: 1}")
    assert load(None, {"SCRUBJAY_CONFIG_DIR": str(tmp_path / "conf")}).settings.relay.port == 1
    assert load(tmp_path / "conf" / "config.yml").config_dir == tmp_path / "conf"
    other = write("other.yaml", "relay: {port: 2}")
    assert load(other).settings.relay.port == 2
    for name, port in ((".relay", 3), (".scrubjay", 4)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "scrubjay.yaml").write_text(f"relay: {{port: {port}}}")
        assert load().settings.relay.port == port
    (tmp_path / ".scrubjay" / "scrubjay.yaml").unlink()
    assert load().config_dir == Path(".scrubjay")  # found by itself, so it need not hold a file


def test_two_files_are_one_too_many(write: Write, tmp_path: Path) -> None:
    write("config.yml", "")
    write("scrubjay.yaml", "")
    with pytest.raises(ConfigError, match=r"both scrubjay.yaml and config.yml"):
        load(tmp_path / "conf")


def test_errors_of_flags_and_variables_name_them(load_text: LoadText) -> None:
    assert str(failure(load_text, "", {"RELAY_PORT": "x"})).startswith(
        "environment variable RELAY_PORT: relay.port: `x`"
    )
    flags = {"relay.port": ("x", "--port")}
    assert str(failure(load_text, "", flags=flags)).startswith("flag --port: relay.port: `x`: no number (accepted: ")


def test_operations_30_static_without_any_plan_says_so(load_text: LoadText, write: Write) -> None:
    text = "relay: {upstream: 'https://h'}\nspool: {envelopes: {path: /s}}"
    (warning,) = load_text(text).warnings
    assert "every request is answered 403" in warning
    write("projects/default.yaml", "config: {}")
    assert load_text(text).warnings == ()


def test_advice(load_text: LoadText) -> None:
    sections = (
        "relay: {mode: static, upstream: 'https://h'}",
        "http: {insecure_skip_verify: true}",
        "projects: {unknown: forward}",
    )
    warnings = " ".join(load_text("\n".join(sections)).warnings)
    assert "spool.envelopes.path is not set" in warnings
    assert "certificate is not verified" in warnings
    assert "leave unscrubbed" in warnings


def test_a_capture_with_projects_knows_only_them(load_text: LoadText, write: Write) -> None:
    write("projects/1.yaml", f"publicKeys: [{{publicKey: {'a' * 32}}}]")
    loaded = load_text("relay: {mode: capture}")
    assert loaded.projects.default is None
    assert list(loaded.projects.by_key) == ["a" * 32]


def test_loading_again_sees_changes_and_keeps_good_projects(load_text: LoadText, write: Write) -> None:
    write("projects/default.yaml", "config: {allowedDomains: [a.example]}")
    first = load_text("relay: {upstream: 'https://h'}", {"RELAY_PORT": "4000"})
    write("projects/default.yaml", "config: {allowedDomains: 5}")
    write("scrubjay.yaml", "relay: {upstream: 'https://h'}\nhttp: {timeout: 7}")
    second = first.again()
    assert (second.settings.http.timeout, second.settings.relay.port) == (7, 4000)
    assert second.projects.default == first.projects.default
    assert any("config.allowedDomains" in warning for warning in second.warnings)
    assert changed(first.settings, second.settings) == (("http.timeout",), ())


def test_changed_projects_are_read_without_the_rest(load_text: LoadText, write: Write) -> None:
    """upstream-27"""
    write("projects/default.yaml", "config: {}")
    first = load_text("relay: {upstream: 'https://h'}")
    assert first.with_changed_projects() is None
    write("scrubjay.yaml", "relay: {")
    write("projects/default.yaml", "config: {allowedDomains: [a.example]}")
    second = first.with_changed_projects()
    assert second is not None
    assert second.settings is first.settings
    assert second.projects.default is not None
    assert second.projects.default.config.allowed_domains == ("a.example",)
    assert second.with_changed_projects() is None
    write("projects/7.yaml", "config: {}")
    third = second.with_changed_projects()
    assert third is not None
    assert any("7.yaml: skipped, no publicKeys" in warning for warning in third.warnings)
    write("projects/7.yaml", "publicKeys: [{publicKey: a94ae32be2584e0bbd7a4cbb95971fee}]")
    fourth = third.with_changed_projects()
    assert fourth is not None
    assert fourth.warnings == second.warnings, "what was put right is not warned of any more"


def test_what_goes_for_all_projects_is_reloaded_with_them(load_text: LoadText, write: Write) -> None:
    first = load_text("")
    write("global_config.json", '{"quotas": [{"id": "q"}]}')
    second = first.with_changed_projects()
    assert second is not None
    assert second.projects != first.projects
    assert second.projects.shared.config.quotas == ({"id": "q"},)
    assert second.with_changed_projects() is None
    write("global_config.json", "{")
    third = second.again()
    assert third.projects.shared.config == second.projects.shared.config
    assert any("malformed JSON" in warning for warning in third.warnings)


def test_a_capture_keeps_its_plan_when_project_files_go(load_text: LoadText, write: Write) -> None:
    path = write("projects/1.yaml", f"publicKeys: [{{publicKey: {'a' * 32}}}]")
    first = load_text("relay: {mode: capture}")
    path.unlink()
    second = first.with_changed_projects()
    assert second is not None
    assert second.projects.default is not None


def test_what_needs_a_restart_stays_in_force() -> None:
    old = build({"relay.port": 4000, "http.timeout": 6.0})
    new = build({"relay.port": 5000, "http.timeout": 7.0})
    assert in_force(old, new) == build({"relay.port": 4000, "http.timeout": 7.0})


def test_operations_21_a_syntax_error_leaves_the_old_one_alone(load_text: LoadText, write: Write) -> None:
    first = load_text("")
    write("scrubjay.yaml", "relay: {")
    with pytest.raises(ConfigError):
        first.again()
    assert isinstance(first, Loaded)


def test_changes_are_sorted_by_what_they_need() -> None:
    new = build({"relay.port": 1, "limits.max_event_size": 9})
    assert changed(Settings(), new) == (("limits.max_event_size",), ("relay.port",))


def test_the_table_and_the_structs_agree() -> None:
    settings = Settings()
    for key, row in FIELDS.items():
        assert value_of(settings, key) == row.note.default
        assert row.section in SECTIONS
    assert build({}) == settings


def test_password_in_a_url_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "scrubjay.yaml").write_text("relay: {upstream: 'http://u:secretpw@h/p?q=1'}")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert "secretpw" not in str(caught.value)
    assert "http://***@h/p?q=1" in str(caught.value)


def test_a_file_of_rules_is_read_again_when_it_changed(tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text('{"applications": {"$string": ["@email"]}}')
    loaded = load(flags={"relay.mode": ("capture", "--mode")}, rules=rules)
    assert loaded.projects.default is not None
    assert loaded.with_changed_projects() is None
    rules.write_text('{"applications": {}}')
    changed = loaded.with_changed_projects()
    assert changed is not None
    assert changed.projects.default is not None
    assert changed.projects.default.config.pii_config == {"applications": {}}
    assert changed.again().projects.default == changed.projects.default


@pytest.mark.parametrize(
    "arguments",
    [
        {"env": {"SCRUBJAY__CAPTURE__SPOTLIGHT_PORT": "null"}},
        {"flags": {"capture.spotlight_port": ("null", "--port")}},
        {},
    ],
)
def test_null_is_none_where_one_can_do_without(load_text: LoadText, arguments: dict[str, Any]) -> None:
    """Of all other settings it means the default."""
    loaded = load_text("capture: {spotlight_port: null}" if not arguments else "", **arguments)
    assert loaded.settings.capture.spotlight_port is None
    assert loaded.origins["capture.spotlight_port"] != "default"
    assert load_text("relay: {port: null}").settings.relay.port == 3000
