"""`scrubjay scrub`: in and out in the same form, explanations without values, diffs, selectors."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from click.testing import Result

from scrubjay.cli import scrub_run
from scrubjay.cli.scrub_run import Shows
from support import planted, scrubbing

Call = Callable[..., Result]
Folder = Callable[..., Path]
KEY = "a94ae32be2584e0bbd7a4cbb95971fee"
MAIL = "ana@lab.example"
EVENT = {"event_id": "a" * 32, "platform": "other", "extra": {"mail": MAIL, "password": "hunter2", "note": "fine"}}
SNAPSHOT = Path(__file__).with_name("explained_transaction.txt")


@pytest.fixture
def event(tmp_path: Path) -> Path:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(EVENT) + "\n")
    return path


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text("applications: {$string: ['@email']}")
    return path


def envelope(*items: tuple[dict[str, Any], bytes]) -> bytes:
    lines = [b'{"event_id":"%s"}' % (b"a" * 32)]
    for headers, payload in items:
        lines += [json.dumps({**headers, "length": len(payload)}).encode(), payload]
    return b"\n".join(lines) + b"\n"


def extra(text: str | bytes) -> dict[str, Any]:
    document = json.loads(text)
    assert isinstance(document["extra"], dict)
    return document["extra"]


# ---- forms


def test_one_event(call: Call, event: Path) -> None:
    result = call("scrub", str(event))
    assert (result.exit_code, result.stderr) == (0, "")
    assert extra(result.stdout) == {"mail": "[email]", "password": "[Filtered]", "note": "fine"}
    assert result.stdout.endswith("\n")


def test_what_nothing_is_found_in_leaves_byte_for_byte(call: Call, tmp_path: Path) -> None:
    (tmp_path / "clean.json").write_bytes(b'{ "extra" : {"note": "fine"} }\n')
    assert call("scrub", "clean.json").stdout_bytes == b'{ "extra" : {"note": "fine"} }\n'


@pytest.mark.parametrize("source", [(), ("-",)])
def test_standard_input(call: Call, source: tuple[str, ...]) -> None:
    result = call("scrub", *source, input=json.dumps(EVENT))
    assert extra(result.stdout)["mail"] == "[email]"


def test_json_lines_keep_their_order(call: Call, tmp_path: Path) -> None:
    lines = [json.dumps({"extra": {"n": number, "mail": MAIL}}) for number in range(3)]
    (tmp_path / "events.jsonl").write_text("\n".join(lines) + "\n\n")
    written = call("scrub", "events.jsonl").stdout.splitlines()
    assert [extra(line) for line in written] == [{"n": number, "mail": "[email]"} for number in range(3)]


def test_envelopes_keep_their_items(call: Call, tmp_path: Path) -> None:
    payload = json.dumps(EVENT).encode()
    log = b"from 192.0.2.1\n"
    (tmp_path / "a.envelope").write_bytes(
        envelope(({"type": "event"}, payload), ({"type": "attachment", "filename": "app.log"}, log))
    )
    out = call("scrub", "a.envelope").stdout_bytes.split(b"\n")
    assert extra(out[2])["mail"] == "[email]"
    assert json.loads(out[3]) == {"type": "attachment", "filename": "app.log", "length": len(out[4]) + 1}
    assert out[4] == b"from [ip]"


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_compressed_files_are_known_by_their_first_bytes(
    call: Call, tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "odd.name").write_bytes(compress(json.dumps(EVENT).encode()))
    assert extra(call("scrub", "odd.name").stdout)["mail"] == "[email]"


@pytest.mark.parametrize(
    ("name", "decompress"), [("a.json.gz", gzip.decompress), ("a.json.zst", None), ("a.json", bytes)]
)
def test_output_is_compressed_as_its_name_says(
    call: Call, event: Path, tmp_path: Path, name: str, decompress: Callable[[bytes], bytes] | None
) -> None:
    result = call("scrub", "-o", f"out/{name}", str(event))
    assert (result.exit_code, result.stdout) == (0, "")
    written = (tmp_path / "out" / name).read_bytes()
    plain = zstandard.ZstdDecompressor().decompress(written) if decompress is None else decompress(written)
    assert extra(plain)["mail"] == "[email]"


def test_files_with_metadata_before_them(call: Call, tmp_path: Path) -> None:
    meta = json.dumps({"attachment_id": "a" * 32, "filename": f"{MAIL}.log", "content_type": "text/plain"}).encode()
    headers = {
        "type": "attachment",
        "content_type": "application/vnd.sentry.trace-attachment",
        "meta_length": len(meta),
    }
    (tmp_path / "a.envelope").write_bytes(envelope((headers, meta + b"from 192.0.2.1")))
    _, header, payload, _ = call("scrub", "a.envelope").stdout_bytes.split(b"\n")
    size = json.loads(header)["meta_length"]
    assert size != len(meta)
    assert json.loads(payload[:size])["filename"] == "[email]"
    assert payload[size:] == b"from [ip]"


def test_several_files_are_written_to_a_folder(call: Call, tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(EVENT))
    assert call("scrub", "-o", "clean", "a.json", "b.json").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "clean").iterdir()) == ["a.json", "b.json"]
    assert call("scrub", "-o", "one/", "a.json").exit_code == 0
    assert extra((tmp_path / "one" / "a.json").read_bytes())["mail"] == "[email]"
    assert call("scrub", "-o", "in/", input=json.dumps(EVENT)).exit_code == 0
    assert (tmp_path / "in" / "stdin").exists()


def test_a_folder_is_written_as_a_folder(call: Call, tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for name in ("event.json", "sub/event.json"):
        (tmp_path / "in" / name).write_text(json.dumps(EVENT))
    assert call("scrub", "-o", "clean", "in").exit_code == 0
    for name in ("event.json", "sub/event.json"):
        assert extra((tmp_path / "clean" / name).read_bytes())["mail"] == "[email]"
    assert len(call("scrub", "in").stdout.splitlines()) == 2
    assert call("scrub", "-o", "one", "in/sub").exit_code == 0
    assert (tmp_path / "one" / "event.json").exists()


def test_no_file_is_written_over_another(call: Call, event: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "event.json").write_text("{}")
    result = call("scrub", "-o", "clean", "event.json", "sub/event.json")
    assert (result.exit_code, not (tmp_path / "clean").exists()) == (2, True)
    assert call("scrub", "-o", "event.json", "event.json", "sub/event.json").exit_code == 2
    assert json.loads(event.read_text()) == EVENT


# ---- what cannot be scrubbed


def test_what_cannot_be_scrubbed_is_named_and_left_out(call: Call, tmp_path: Path) -> None:
    deep = b'{"extra":' + b"[" * 200 + b"]" * 200 + b"}"
    payload = json.dumps(EVENT).encode()
    (tmp_path / "a.envelope").write_bytes(envelope(({"type": "event"}, deep), ({"type": "transaction"}, payload)))
    result = call("scrub", "a.envelope")
    assert result.exit_code == 1
    assert result.stderr.startswith("a.envelope: item 1 (event): left out, unscrubbable: ")
    assert b"[[[" not in result.stdout_bytes
    assert extra(result.stdout_bytes.split(b"\n")[2])["mail"] == "[email]"


def test_lines_that_cannot_be_scrubbed_do_not_stop_the_others(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"extra":{"n":1}}\nno json, ana@lab.example\n' + "[" * 200 + "]" * 200 + '\n{"extra":{"n":2}}\n'
    )
    result = call("scrub", "a.jsonl")
    assert result.exit_code == 1
    assert [extra(line)["n"] for line in result.stdout.splitlines()] == [1, 2]
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == ["a.jsonl:2", "a.jsonl:3"]
    assert MAIL not in result.output


def test_an_envelope_of_which_nothing_is_left(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.envelope").write_bytes(envelope(({"type": "event"}, b"nonsense")))
    result = call("scrub", "a.envelope")
    assert (result.exit_code, result.stdout) == (1, "")


def test_a_replay_leaves_whole_or_not_at_all(call: Call, tmp_path: Path) -> None:
    replay = b'{"type":"replay_event","replay_id":"%s"}' % (b"b" * 32)
    (tmp_path / "a.envelope").write_bytes(
        envelope(({"type": "replay_event"}, replay), ({"type": "replay_recording"}, b"nonsense"))
    )
    result = call("scrub", "a.envelope")
    assert (result.exit_code, result.stdout) == (1, "")


def test_unreadable_files_do_not_stop_the_others(call: Call, event: Path) -> None:
    result = call("scrub", "nowhere.json", str(event))
    assert result.exit_code == 1
    assert result.stderr == "nowhere.json: cannot be opened: No such file or directory\n"
    assert extra(result.stdout)["mail"] == "[email]"


# ---- rules


def test_the_default_rules_and_profiles(call: Call, event: Path) -> None:
    assert extra(call("scrub", "--profile", "parity", str(event)).stdout)["mail"] == MAIL
    assert extra(call("scrub", "--profile", "strict", str(event)).stdout)["mail"] == "[email]"


def test_rules_of_a_configured_project(call: Call, folder: Folder, event: Path) -> None:
    conf = folder("", p42=f"publicKeys: [{{publicKey: {KEY}}}]\nconfig: {{datascrubbingSettings: {{}}}}")
    assert extra(call("scrub", "-c", str(conf), "--key", KEY, str(event)).stdout) == EVENT["extra"]
    assert extra(call("scrub", "-c", str(conf), "--project-id", "42", str(event)).stdout) == EVENT["extra"]
    result = call("scrub", "-c", str(conf), "--key", "b" * 32, str(event))
    assert (result.exit_code, "has no project" in result.stderr) == (1, True)


def test_another_type(call: Call, tmp_path: Path) -> None:
    (tmp_path / "logs.json").write_text(json.dumps({"items": [{"body": f"by {MAIL}"}]}))
    assert json.loads(call("scrub", "--type", "log", "logs.json").stdout)["items"][0]["body"] == "by [email]"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--diff", "--json", "event.json"),
        ("--key", KEY, "--project-id", "4"),
        ("--type", "nothing"),
        ("--profile", "lax"),
    ],
)
def test_usage(call: Call, arguments: tuple[str, ...]) -> None:
    assert call("scrub", *arguments).exit_code == 2


# ---- what is shown


def test_explanation_of_a_real_transaction(call: Call, tmp_path: Path) -> None:
    source = scrubbing.CORPUS / "045-node-transaction.envelope"
    (tmp_path / source.name).write_bytes(source.read_bytes())
    result = call("scrub", "--explain", "--profile", "parity", source.name)
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert lines == SNAPSHOT.read_text("utf-8").splitlines()


def test_explanation_for_programs(call: Call, event: Path, rules: Path) -> None:
    result = call("scrub", "--explain", "--json", "--pii-config", str(rules), str(event))
    explained, totals = map(json.loads, result.stdout.splitlines())
    assert explained["source"] == str(event)
    assert [(change["path"], change["rule"], change["taken"]) for change in explained["changes"]] == [
        ("/extra/mail", "@email:replace", len(MAIL))
    ]
    assert totals == {"totals": {"@email": {"hits": 1, "bytes": len(MAIL), "nodes": 0, "whole": 1}}, "tried": {}}


def test_explaining_writes_the_payloads_too_if_asked(call: Call, event: Path, tmp_path: Path) -> None:
    result = call("scrub", "--explain", "-o", "out.json", str(event))
    assert "/extra/mail" in result.stdout
    assert extra((tmp_path / "out.json").read_bytes())["mail"] == "[email]"


def test_explaining_what_is_clean(call: Call, tmp_path: Path) -> None:
    (tmp_path / "clean.json").write_text("{}")
    assert call("scrub", "--explain", "clean.json").stdout == "clean.json: nothing changed\n"


def test_dry_runs_are_shown_and_counted(call: Call, event: Path, tmp_path: Path) -> None:
    config = {"rules": {"r": {"type": "email", "dry_run": True}}, "applications": {"$string": ["r"]}}
    (tmp_path / "dry.json").write_text(json.dumps(config))
    result = call("scrub", "--explain", "--diff", "--pii-config", "dry.json", str(event))
    assert "r (dry run)" in result.stdout
    assert extra(call("scrub", "--pii-config", "dry.json", str(event)).stdout) == EVENT["extra"]


@pytest.mark.parametrize("profile", ["parity", "strict"])
@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_no_planted_value_is_shown(call: Call, tmp_path: Path, profile: str, as_json: tuple[str, ...]) -> None:
    def plant(node: Any, turn: list[str]) -> Any:
        if isinstance(node, dict):
            return {key: plant(value, turn) for key, value in node.items()}
        if isinstance(node, list):
            return [plant(value, turn) for value in node]
        turn.append(turn.pop(0))
        return turn[0] if isinstance(node, str) else node

    values = list(planted.PLANTED.values())
    lines = []
    for _, payload in scrubbing.corpus_events()[::20]:
        document = plant(json.loads(payload), values)
        document["extra"] = {planted.EMAIL: 1, planted.CARD: {"a": planted.PASSWORD}, "card": int(planted.CARD)}
        lines.append(json.dumps(document))
    (tmp_path / "planted.jsonl").write_text("\n".join(lines))
    result = call("scrub", "--explain", *as_json, "--profile", profile, "planted.jsonl")
    assert result.exit_code == 0
    assert "@ip:replace" in result.stdout
    assert planted.found(result.stdout_bytes) == {}


def test_headers_are_scrubbed_and_explained(call: Call, tmp_path: Path) -> None:
    body = envelope(({"type": "attachment", "filename": f"{MAIL}.log"}, b"text"))
    (tmp_path / "a.envelope").write_bytes(body)
    assert MAIL.encode() not in call("scrub", "a.envelope").stdout_bytes
    assert "a.envelope: headers" in call("scrub", "--explain", "a.envelope").stdout


def test_diff_in_a_pipe_is_plain(call: Call, event: Path, rules: Path) -> None:
    result = call("scrub", "--diff", "--pii-config", str(rules), str(event))
    assert result.stdout.splitlines() == [f"{event}/extra/mail  @email:replace", f"- {MAIL}", "+ [email]"]


def test_selectors(call: Call, event: Path) -> None:
    rows = {
        cells[0]: cells[1:]
        for line in call("scrub", "--selectors", str(event)).stdout.splitlines()
        if (cells := line.split())
    }
    assert rows["/extra/mail"] == ["extra.mail", "$string", "true", "string"]
    listed = json.loads(call("scrub", "--selectors", "--json", str(event)).stdout)["selectors"]
    assert listed[0] == {
        "path": "/extra/mail",
        "selector": "extra.mail",
        "basic": "$string",
        "class": "true",
        "kind": "string",
    }
    assert "/extra" not in {row["path"] for row in listed}


def test_binary_payloads_have_no_selectors(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.envelope").write_bytes(envelope(({"type": "attachment", "filename": "a.txt"}, b"text")))
    assert call("scrub", "--selectors", "a.envelope").stdout == ""


def test_progress_is_for_terminals(call: Call, event: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrub_run, "_LONG_BYTES", 1)
    assert call("scrub", str(event)).stderr == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = call("scrub", str(event))
    assert "scrubbing" in result.stderr
    assert extra(result.stdout)["mail"] == "[email]"
    monkeypatch.setattr(scrub_run, "_LONG_BYTES", 1_000_000)
    assert call("scrub", str(event)).stderr == ""


def test_a_real_process(event: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "scrubjay", "scrub", "-"],
        input=event.read_bytes(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert extra(result.stdout)["mail"] == "[email]"
    broken = subprocess.run(
        [sys.executable, "-m", "scrubjay", "scrub"], input=b"\xff", capture_output=True, timeout=60, check=False
    )
    assert (broken.returncode, broken.stdout) == (1, b"")
    assert broken.stderr == b"standard input: neither JSON, JSON lines nor an envelope\n"


def test_shows() -> None:
    assert not Shows(as_json=True).anything
    assert [Shows(explain=True).anything, Shows(diff=True).anything, Shows(selectors=True).anything] == [True] * 3
