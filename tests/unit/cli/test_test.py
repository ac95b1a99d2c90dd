"""`scrubjay test`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import Result

Call = Callable[..., Result]
Folder = Callable[..., Path]
CORPUS = Path(__file__).parents[2] / "support" / "corpus"
KEY = "a94ae32be2584e0bbd7a4cbb95971fee"
CARD = "4242 4242 4242 4242"
PASSES = f"- {{name: no card leaves, text: 'card {CARD}', must_not_contain: ['{CARD}'], rules: ['@creditcard']}}\n"
FAILS = "- {name: a name is no card, text: rosa, expect: '[Filtered]'}\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def make(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return make


Write = Callable[[str, str], Path]


def results(call: Call, *arguments: object, code: int = 0) -> dict[str, Any]:
    result = call("test", "--json", *map(str, arguments))
    assert result.exit_code == code, result.output
    document = json.loads(result.stdout)
    assert isinstance(document, dict)
    return document


# ---- cases


def test_what_holds_ends_with_0(call: Call, write: Write) -> None:
    result = call("test", str(write("rules.yaml", f"profile: strict\ntests:\n{PASSES}")))
    assert result.exit_code == 0
    assert [str(Path.cwd() / "rules.yaml"), "1", "0"] in [line.split() for line in result.output.splitlines()]


def test_what_fails_ends_with_5_and_shows_why(call: Call, write: Write) -> None:
    result = call("test", str(write("rules.yaml", f"profile: strict\ntests:\n{PASSES}{FAILS}")))
    assert result.exit_code == 5
    lines = [line.strip() for line in result.output.splitlines()]
    assert f"FAILED {Path.cwd() / 'rules.yaml'}: a name is no card" in lines
    assert lines[1:7] == [
        "expect: something else leaves", "--- expected", "+++ found", "@@ -1 +1 @@", '-"[Filtered]"', '+"rosa"'
    ]  # fmt: skip
    assert [str(Path.cwd() / "rules.yaml"), "1", "1"] in [line.split() for line in lines]


def test_a_broken_file_ends_with_1(call: Call, write: Write) -> None:
    for text, problem in (
        ("tests: [", "malformed YAML"),
        ("profile: loose\ntests: [{name: a, text: b, expect: c}]", "config.scrubjay.scrub.profile"),
        ("profile: strict\ntests: [{name: a, text: b, kept: [$user.id]}]", "tests (a): no path"),
        (
            "profile: strict\ntests: [{name: a, envelope: none.envelope, kept: [a]}]",
            "none.envelope: tests (a): cannot open",
        ),
    ):
        path = write("rules.yaml", text)
        result = call("test", str(path))
        assert result.exit_code == 1
        assert str(path.parent) in result.stderr
        assert problem in result.stderr


def test_what_is_no_use_of_it_ends_with_2(call: Call, write: Write) -> None:
    path = str(write("rules.yaml", f"tests:\n{PASSES}"))
    assert call("test").exit_code == 2
    assert call("test", "missing.yaml").exit_code == 2
    assert call("test", path, "--baseline", path).exit_code == 2
    assert call("test", path, "--against", path).exit_code == 2
    assert call("test", path, path, "--against", path, "--baseline", path).exit_code == 2


def test_for_programs(call: Call, write: Write) -> None:
    path = write("rules.yaml", f"profile: strict\ntests:\n{PASSES}{FAILS}")
    document = results(call, path, code=5)
    assert (document["passed"], document["failed"]) == (1, 1)
    passed, failed = document["tests"]
    assert (passed["file"], passed["name"], passed["failures"]) == (str(path), "no card leaves", [])
    assert failed["failures"][0]["expectation"] == "expect"
    assert failed["failures"][0]["diff"][-1] == '+"rosa"'


def test_junit(call: Call, write: Write) -> None:
    write("many/a.yaml", f"profile: strict\ntests:\n{PASSES}")
    write("many/b.yml", f"profile: strict\ntests:\n{FAILS.replace('rosa', chr(34) + 'r' + chr(92) + 'x01' + chr(34))}")
    write("many/c.txt", "no test")
    result = call("test", "many", "--junit", "report.xml")
    assert result.exit_code == 5
    suites = ElementTree.parse("report.xml").getroot()
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in suites] == [
        ("many/a.yaml", "1", "0"), ("many/b.yml", "1", "1")
    ]  # fmt: skip
    (failure,) = suites.findall(".//failure")
    assert failure.get("type") == "expect"
    assert failure.text is not None
    assert failure.text.startswith("--- expected\n+++ found")
    assert call("test", "many", "--junit", "no/such/folder.xml").exit_code == 1


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("", "[default]"),
        ("project: 42\n", "[shop]"),
        ("project: shop\n", "[shop]"),
        ("project: conf/projects/42.yaml\n", "[shop]"),
        ("piiConfig: {applications: {$string: [x]}, rules: {x: {type: pattern, pattern: B-1, redaction: {method: replace, text: '[own]'}}}}\n",
         "[own]"),
    ],
)  # fmt: skip
def test_whose_rules_are_tested(call: Call, folder: Folder, write: Write, head: str, expected: str) -> None:
    def project(text: str) -> str:
        rule = f"{{type: pattern, pattern: B-1, redaction: {{method: replace, text: '{text}'}}}}"
        return f"config: {{piiConfig: {{applications: {{$string: [x]}}, rules: {{x: {rule}}}}}}}\n"

    conf = folder(
        "",
        default=project("[default]"),
        p41=f"slug: cart\npublicKeys: [{{publicKey: {'b' * 32}}}]\n" + project("[cart]"),
        p42=f"slug: shop\npublicKeys: [{{publicKey: {KEY}}}]\n" + project("[shop]"),
    )
    path = write("rules.yaml", f"{head}tests: [{{name: a, text: B-1, expect: '{expected}'}}]")
    assert results(call, path, "-c", conf)["passed"] == 1


def test_rules_that_are_nowhere(call: Call, folder: Folder, write: Write) -> None:
    conf = folder("relay: {mode: static, upstream: 'https://h'}\nspool: {envelopes: {path: /s}}\n")
    for head, problem in (("", "has no plan `default`"), ("project: 43\n", "has no project 43")):
        result = call("test", "-c", str(conf), str(write("rules.yaml", f"{head}tests:\n{PASSES}")))
        assert result.exit_code == 1
        assert problem in result.stderr


def test_inputs_of_each_kind(call: Call, write: Write) -> None:
    shutil.copy(next(CORPUS.glob("*node-log.envelope")), write("x", "").parent / "log.envelope")
    path = write(
        "rules.yaml",
        """
profile: strict
tests:
- {name: JSON as a text, input: '{"extra":{"password":"x"}}', expect: {extra: {password: "[Filtered]"}}}
- {name: a file, type: attachment, headers: {filename: a.log}, text: "peer 192.0.2.1", expect: "peer [ip]"}
- {name: a session, type: session, input: {sid: a, attrs: {ip_address: 192.0.2.1, release: "1"}}, must_not_contain: [192.0.2.1]}
- {name: an envelope, envelope: log.envelope, must_contain: [items]}
- {name: what is no JSON, input: "{", dropped: invalid_json}
- {name: what is unknown, type: something, input: "x", dropped: opaque_dropped}
""",
    )
    document = results(call, path)
    assert document["passed"] == 6


def test_a_length_in_the_headers_follows_the_payload(call: Call, write: Write) -> None:
    case = """
- name: metadata before a file
  type: attachment
  headers: {content_type: application/vnd.sentry.trace-attachment, meta_length: 39}
  input: '{"filename":"rosa.klein@lab.example.a"}x'
  must_not_contain: [rosa.klein@lab.example, '"meta_length":39']
"""
    assert results(call, write("rules.yaml", f"profile: strict\ntests:{case}"))["failed"] == 0


def test_names_of_files_count_as_what_leaves(call: Call, write: Write) -> None:
    case = "{name: a, type: attachment, headers: {filename: 'rosa@lab.example.log'}, text: x, must_not_contain: [rosa@lab.example]}"
    assert results(call, write("rules.yaml", f"profile: strict\ntests: [{case}]"))["failed"] == 0
    assert results(call, write("rules.yaml", f"profile: parity\ntests: [{case}]"), code=5)["failed"] == 1


def test_allow_list_mode(call: Call, write: Write) -> None:
    path = write(
        "rules.yaml",
        """
scrub: {mode: allow, allow: [$error.type]}
tests:
- name: only the type of an error leaves
  input: {exception: {values: [{type: E, value: rosa}]}, tags: {a: b}}
  expect: {exception: {values: [{type: E, value: "[Filtered]"}]}, tags: []}
  rules: ["@allow"]
- {name: no attachments, type: attachment, text: x, dropped: not_allowed}
""",
    )
    assert results(call, path)["failed"] == 0


def test_in_a_process_of_its_own(write: Write) -> None:
    path = write("rules.yaml", f"profile: strict\ntests:\n{PASSES}{FAILS}")
    done = subprocess.run(
        [sys.executable, "-m", "scrubjay", "test", str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 5, done.stderr
    assert "FAILED" in done.stdout
    assert "Traceback" not in done.stderr


# ---- comparing

OLD = "config: {datascrubbingSettings: {scrubData: true, scrubDefaults: true, scrubIpAddresses: true}, scrubjay: {scrub: {profile: parity}}}"
NEW = "config: {datascrubbingSettings: {scrubData: true, scrubDefaults: true}, scrubjay: {scrub: {profile: parity}}}"
EVENTS = '{"extra":{"a":"192.0.2.1","password":"x"}}\n\n{"extra":{"a":"192.0.2.2"}}\n'


def test_what_other_rules_would_change(call: Call, write: Write) -> None:
    old, new, events = write("old.yaml", OLD), write("new.yaml", NEW), write("events.jsonl", EVENTS)
    result = call("test", str(new), "--baseline", str(old), "--against", str(events))
    assert result.exit_code == 0
    rows = [line.split() for line in result.output.splitlines()]
    assert ["@ip:replace", "event", "extra.a", "2", "0", "0"] in rows
    assert (
        result.output.splitlines()[-1] == "2 items: 0 values newly removed, 2 no longer removed, 0 redacted otherwise"
    )
    assert "192.0.2" not in result.output
    assert call("test", str(new), "--baseline", str(old), "--against", str(events), "--fail-on-less").exit_code == 5
    assert call("test", str(old), "--baseline", str(new), "--against", str(events), "--fail-on-less").exit_code == 0


def test_comparing_for_programs(call: Call, write: Write) -> None:
    old, events = write("old.json", '{"config":{}}'), write("events.jsonl", EVENTS)
    new = write("new.yaml", f"scrub: {{mode: allow, allow: [extra.a]}}\ntests:\n{PASSES}")
    document = results(call, new, "--baseline", old, "--against", events)
    assert document["items"] == 2
    assert document["no_longer_removed"] == 0
    assert set(document) == {
        "items", "newly_removed", "no_longer_removed", "redacted_otherwise", "newly_dropped", "no_longer_dropped", "places"
    }  # fmt: skip


def test_recordings_in_a_folder(call: Call, write: Write) -> None:
    """Envelopes, single events and lines of them; what has another suffix is not taken for one."""
    folder = write("recorded/more/one.json", '{"extra":{"a":"192.0.2.1"}}').parent.parent
    write("recorded/events.ndjson", EVENTS)
    write("recorded/notes.txt", "no recording")
    for name in ("041-node-span.envelope", "036-node-session.envelope"):
        shutil.copy(CORPUS / name, folder / name)
    old = write("old.yaml", OLD)
    document = results(call, old, "--baseline", old, "--against", folder)
    assert document["items"] >= 5
    assert document["places"] == []


def test_items_that_only_one_side_drops(call: Call, write: Write) -> None:
    envelope = write("a.envelope", '{}\n{"type":"attachment","length":1,"filename":"a"}\nx\n')
    old, new = write("old.yaml", "config: {}"), write("new.yaml", "config: {scrubjay: {scrub: {attachments: drop}}}")
    assert (
        "dropped from now on: 1 × attachment"
        in call("test", str(new), "--baseline", str(old), "--against", str(envelope)).output
    )
    result = call("test", str(old), "--baseline", str(new), "--against", str(envelope), "--fail-on-less")
    assert "no longer dropped: 1 × attachment" in result.output
    assert result.exit_code == 5


def test_a_recording_that_cannot_be_read(call: Call, write: Write) -> None:
    old, broken = str(write("old.yaml", OLD)), str(write("a.envelope", "{}\nnothing"))
    result = call("test", old, "--baseline", old, "--against", broken)
    assert result.exit_code == 1
    assert broken in result.stderr
