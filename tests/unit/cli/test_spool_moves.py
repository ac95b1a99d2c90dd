"""`scrubjay spool export` and `import`: out of one spool and into another."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from scrubjay.cli import rehearsal, spool_export, spool_import
from scrubjay.core.batch_format import BatchBounds, decode_batch, encode_batch
from scrubjay.core.plan import ProjectPlan, compile_plan, revision_of
from scrubjay.core.spool_format import Record
from scrubjay.runtime.spool.partition import Partition, SpoolOptions
from scrubjay.runtime.spool.partition_lock import PartitionLock
from scrubjay.runtime.state import read_states
from scrubjay.settings.global_config import GlobalConfig
from scrubjay.settings.project import ProjectConfig
from scrubjay.settings.schema import Settings
from support.relay_db import packed, write_buffer, zstd
from support.spool_folders import KEY, OTHER_KEY, envelope, fill, records

Call = Callable[..., Result]
SETTINGS = "relay: {{mode: static, upstream: 'http://server:9000'}}\nspool: {{envelopes: {{path: {root}}}}}\n"


_PLANS: dict[str, ProjectPlan] = {}


@pytest.fixture(autouse=True)
def plans_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is most of the time that an import takes."""

    def compile_once(project: ProjectConfig, settings: Settings, programs: object, shared: GlobalConfig) -> ProjectPlan:
        revision = revision_of(project, settings, shared)
        return _PLANS.setdefault(revision, _PLANS.get(revision) or compile_plan(project, settings, shared=shared))

    monkeypatch.setattr(rehearsal, "compile_plan", compile_once)


@pytest.fixture
def conf(folder: Callable[..., Path], tmp_path: Path) -> str:
    """A static relay whose plan `default` scrubs, and whose spool is the folder `new`."""
    return str(folder(SETTINGS.format(root=tmp_path / "new"), default="config: {}"))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    fill(tmp_path / "old", [records([1, 2, 3]), records([4], key=OTHER_KEY, project_id=7)], consumed=[2])
    return tmp_path / "old"


def cat(call: Call, root: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in call("spool", "cat", "--path", str(root), "--body").stdout.splitlines()]


def facts(call: Call, root: Path) -> list[dict[str, object]]:
    """What waits, but for where it stands."""
    places = ("partition", "seq", "written_ms")
    return [{name: value for name, value in row.items() if name not in places} for row in cat(call, root)]


def account(root: Path) -> dict[str, tuple[int, int, int, int]]:
    found = read_states(root / "run").account
    return {name: (row.received, row.dropped, row.held, row.open) for name, row in found.items()}


def bring(call: Call, conf: str, *arguments: object, status: int = 0) -> dict[str, object]:
    result = call("-c", conf, "spool", "import", "--json", *map(str, arguments))
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)  # type: ignore[no-any-return]


# Export


def test_a_stream_is_a_batch(call: Call, old: Path) -> None:
    result = call("spool", "export", "--path", str(old), "--out", "-")
    assert result.exit_code == 0
    batch = decode_batch(result.stdout_bytes, BatchBounds())
    assert [record.body for record in batch.records] == [envelope(1), envelope(3), envelope(4)]
    assert batch.scrubbed
    assert result.stderr.startswith("3 records, ")


def test_many_records_are_several_batches(
    call: Call, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_export, "_BATCH_BYTES", 600)
    stream = call("spool", "export", "--path", str(old), "--out", "-").stdout_bytes
    assert stream.count(b"SJB1") == stream.count(b"SJBE") == 2


def test_a_selection_is_exported(call: Call, old: Path) -> None:
    result = call("spool", "export", "--path", str(old), "--out", "-", "--project", "7")
    assert len(decode_batch(result.stdout_bytes, BatchBounds()).records) == 1
    result = call("spool", "export", "--path", str(old), "--out", "-", "--seq", "9", "--json")
    assert (result.stdout_bytes, json.loads(result.stderr)) == (b"", {"records": 0, "bytes": 0, "raw": 0})


def test_what_is_not_scrubbed_yet_is_neither_exported_nor_shown_unless_asked_for(call: Call, tmp_path: Path) -> None:
    root = tmp_path / "raw"

    async def work() -> None:
        partition = await Partition.open(root, 0, options=SpoolOptions(fsync="never"))
        await partition.append(records([1]))
        await partition.append([records([2])[0]._replace(body=envelope(2, message="canary"))], raw=True)
        await partition.close()

    asyncio.run(work())
    result = call("spool", "export", "--path", str(root), "--out", "-")
    assert b"canary" not in result.stdout_bytes
    assert "1 more are not scrubbed yet" in result.stderr
    shown = call("spool", "cat", "--path", str(root), "--body").stdout
    assert "canary" not in shown
    assert [json.loads(line).get("raw", False) for line in shown.splitlines()] == [False, True]
    assert "canary" in call("spool", "cat", "--path", str(root), "--body", "--raw").stdout
    assert "1 of them are not scrubbed yet" in call("spool", "stat", "--path", str(root)).stdout


def test_files(call: Call, conf: str, old: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = call("-c", conf, "spool", "export", "--path", str(old), "--out", str(out))
    assert result.stdout.startswith("3 records, ")
    first, _, last = sorted(out.iterdir())
    assert first.name == "p00-00000000000000000001.envelope"
    head, _, rest = first.read_bytes().partition(b"\n")
    assert json.loads(head)["dsn"] == f"http://{KEY}@server:9000/42"
    assert rest == envelope(1).partition(b"\n")[2]
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert abs(first.stat().st_mtime - time.time()) < 60
    assert json.loads(last.read_bytes().partition(b"\n")[0])["dsn"] == f"http://{OTHER_KEY}@server:9000/7"
    again = call("-c", conf, "spool", "export", "--path", str(old), "--out", str(out))
    assert (again.exit_code, "is not empty" in again.stderr) == (1, True)


def test_what_is_no_envelope_is_written_as_it_is(call: Call, tmp_path: Path) -> None:
    fill(tmp_path / "s", [[Record(b"?", b"bytes"), *records([1])]])
    call("spool", "export", "--path", str(tmp_path / "s"), "--out", str(tmp_path / "out"))
    assert [path.read_bytes()[:6] for path in sorted((tmp_path / "out").iterdir())] == [b"bytes", b'{"even']


def test_what_cannot_be_exported(call: Call, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    result = call("spool", "export", "--path", str(old), "--out", str(tmp_path / "file" / "x"))
    assert (result.exit_code, "cannot write to" in result.stderr) == (1, True)

    def breaks(kind: OSError) -> Callable[..., bytes]:
        def encode(*_: object) -> bytes:
            raise kind

        return encode

    for kind, text in ((BrokenPipeError(), "has gone"), (OSError(28, "No space left"), "No space left")):
        monkeypatch.setattr(spool_export, "encode_batch", breaks(kind))
        result = call("spool", "export", "--path", str(old), "--out", "-")
        assert (result.exit_code, text in result.stderr) == (1, True)


def test_a_relay_that_runs_is_pointed_out(call: Call, old: Path) -> None:
    lock = PartitionLock.claim(old, 0, {})
    assert "a relay is running" in call("spool", "export", "--path", str(old), "--out", "-").stderr
    lock.release()


# Import


def test_a_stream_arrives_as_it_left(call: Call, conf: str, old: Path, tmp_path: Path) -> None:
    stream = call("spool", "export", "--path", str(old), "--out", "-").stdout_bytes
    (tmp_path / "x").write_bytes(stream)
    document = bring(call, conf, tmp_path / "x")
    assert (document["found"], document["imported"], document["partition"]) == (3, 3, "p90")
    assert facts(call, tmp_path / "new") == facts(call, old)
    assert call("spool", "export", "--path", str(tmp_path / "new"), "--out", "-").stdout_bytes[32:] == stream[32:]
    assert account(tmp_path / "new") == {"error": (3, 0, 3, 0)}
    bring(call, conf, tmp_path / "x")
    assert account(tmp_path / "new") == {"error": (6, 0, 6, 0)}


def test_files_take_the_path(call: Call, conf: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    dsn = f"https://{KEY}@elsewhere/42"
    (tmp_path / "in" / "a.envelope").write_bytes(envelope(1, message="jane@example.com", dsn=dsn))
    (tmp_path / "in" / "b.envelope").write_bytes(envelope(2))
    os.utime(tmp_path / "in" / "a.envelope", (1_700_000_000, 1_700_000_000))
    result = call("-c", conf, "spool", "import", str(tmp_path / "in"))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "2 envelopes found, 1 imported",
        "1 refused: auth_envelope",
        "1 are older than `spool.envelopes.max_envelope_delay_secs` and may expire before they are sent",
        "They wait in p90; a relay that runs sends them within seconds, one that is stopped when it starts.",
    ]
    (record,) = cat(call, tmp_path / "new")
    assert (record["k"], record["p"], record["r"], record["c"]) == (KEY, "42", 1_700_000_000_000, {"error": 1})
    assert "jane@example.com" not in str(record["body"])
    assert "[email]" in str(record["body"])


def test_envelopes_that_do_not_say_whose_they_are(call: Call, conf: str, tmp_path: Path) -> None:
    (tmp_path / "b.envelope").write_bytes(envelope(2, dsn="?"))
    bring(call, conf, "--dsn", f"https://{OTHER_KEY}@x/7", tmp_path / "b.envelope")
    (record,) = cat(call, tmp_path / "new")
    assert (record["k"], record["p"]) == (OTHER_KEY, "7")
    bad = call("-c", conf, "spool", "import", "--dsn", "nothing", str(tmp_path / "b.envelope"))
    assert (bad.exit_code, "no" in bad.stderr) == (2, True)


def test_operations_92_a_buffer_of_the_reference(call: Call, conf: str, tmp_path: Path) -> None:
    """Rows of one envelope, plain and zstd, and of several; nothing of them was scrubbed."""
    dsn = f"https://{KEY}@sentry.example/42"
    ms = int(time.time() * 1000) - 60_000
    rows = [
        (ms, KEY, envelope(1, message="jane@example.com", dsn=dsn), 1),
        (ms + 1, KEY, zstd(envelope(2, message="jane@example.com", dsn=dsn)), 1),
        (ms + 2, KEY, packed([(ms + 3, envelope(3, dsn=dsn)), (ms + 4, envelope(4, dsn=dsn))]), 2),
        (ms + 5, "no key", envelope(5), 1),
    ]
    document = bring(call, conf, write_buffer(tmp_path / "relay.db", rows), status=1)
    assert (document["found"], document["imported"], document["refused"]) == (5, 4, {"auth_key": 1})
    found = cat(call, tmp_path / "new")
    assert sorted((row["e"], row["r"]) for row in found) == [
        (f"{number:032x}", received_ms) for number, received_ms in ((1, ms), (2, ms + 1), (3, ms + 3), (4, ms + 4))
    ]
    assert not any("jane" in str(row["body"]) for row in found)
    assert account(tmp_path / "new")["error"] == (4, 0, 4, 0)


def test_the_key_of_a_row_stands_in_for_a_header(call: Call, folder: Callable[..., Path], tmp_path: Path) -> None:
    shop = f"projectId: 42\npublicKeys: [{{publicKey: {KEY}}}]\nconfig: {{}}"
    conf = str(folder(SETTINGS.format(root=tmp_path / "new"), shop=shop))
    bring(call, conf, write_buffer(tmp_path / "relay.db", [(1, KEY, envelope(1), 1)]))
    (record,) = cat(call, tmp_path / "new")
    assert (record["k"], record["p"]) == (KEY, "42")


def test_exports_can_take_the_path_too(call: Call, conf: str, tmp_path: Path) -> None:
    record = records([1])[0]._replace(body=envelope(1, message="jane@example.com"))
    (tmp_path / "x").write_bytes(encode_batch(bytes(16), [record]))
    bring(call, conf, tmp_path / "x")
    assert "jane" in str(cat(call, tmp_path / "new")[0]["body"])
    bring(call, conf, "--scrub", tmp_path / "x")
    assert "jane" not in str(cat(call, tmp_path / "new")[1]["body"])
    (tmp_path / "x").write_bytes(encode_batch(bytes(16), [record], scrubbed=False))
    bring(call, conf, tmp_path / "x")
    assert "jane" not in str(cat(call, tmp_path / "new")[2]["body"])


def test_filters_apply_and_quotas_do_not(call: Call, folder: Callable[..., Path], tmp_path: Path) -> None:
    plan = {
        "config": {
            "filterSettings": {"errorMessages": {"patterns": ["noise*"]}},
            "quotas": [{"id": "one", "limit": 1, "window": 60, "categories": ["error"], "reasonCode": "x"}],
        }
    }
    conf = str(folder(SETTINGS.format(root=tmp_path / "new"), default=json.dumps(plan)))
    (tmp_path / "in").mkdir()
    for number in range(1, 6):
        message = "noise" if number == 5 else "fine"
        body = envelope(number, message=message, dsn=f"https://{KEY}@x/42")
        (tmp_path / "in" / f"{number}.envelope").write_bytes(body)
    result = call("-c", conf, "spool", "import", str(tmp_path / "in"))
    assert result.exit_code == 0
    assert "5 envelopes found, 4 imported\n1 left out by filters" in result.stdout
    assert account(tmp_path / "new")["error"] == (5, 1, 4, 0)


def test_projects_that_are_not_known(call: Call, folder: Callable[..., Path], tmp_path: Path) -> None:
    conf = str(folder(SETTINGS.format(root=tmp_path / "new")))
    (tmp_path / "a.envelope").write_bytes(envelope(1, dsn=f"https://{KEY}@x/42"))
    document = bring(call, conf, tmp_path / "a.envelope", status=1)
    assert (document["imported"], document["refused"]) == (0, {"project_id": 1})


def test_a_spool_without_room(call: Call, folder: Callable[..., Path], tmp_path: Path) -> None:
    text = f"spool: {{envelopes: {{path: {tmp_path / 'new'}, max_disk_size: 2MiB}}}}\n"
    conf = str(folder(text))
    noise = [record._replace(body=record.body + os.urandom(40_000) + b"\n") for record in records(range(1, 3))]
    many = [
        noise[number % 2]._replace(body=envelope(number, message=os.urandom(20_000).hex())) for number in range(1, 150)
    ]
    (tmp_path / "x").write_bytes(encode_batch(bytes(16), many))
    result = call("-c", conf, "spool", "import", str(tmp_path / "x"))
    assert result.exit_code == 1
    assert "the spool is full; the rest was not imported" in result.stderr
    waiting = len(cat(call, tmp_path / "new"))
    assert 0 < waiting < 149
    assert f"{waiting:,} imported" in result.stdout
    full = call("-c", conf, "spool", "import", str(tmp_path / "x"))
    assert (full.exit_code, "the spool is full" in full.stderr) == (1, True)


def test_envelopes_that_find_no_room(call: Call, conf: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_import.Hands, "has_capacity", lambda self: False)
    (tmp_path / "a.envelope").write_bytes(envelope(1, dsn=f"https://{KEY}@x/42"))
    document = bring(call, conf, tmp_path / "a.envelope", status=1)
    assert (document["imported"], document["full"]) == (0, True)


def test_many_problems_are_told_in_part(call: Call, conf: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(25):
        (tmp_path / "in" / f"{number}.envelope").write_bytes(b"")
    result = call("-c", conf, "spool", "import", str(tmp_path / "in"))
    assert result.exit_code == 1
    assert result.stderr.count("empty") == 20
    assert "and 5 more like these" in result.stderr


def test_a_relay_may_run_meanwhile(call: Call, conf: str, old: Path, tmp_path: Path) -> None:
    fill(tmp_path / "new", [records([9])])
    lock = PartitionLock.claim(tmp_path / "new", 0, {})
    (tmp_path / "x").write_bytes(encode_batch(bytes(16), records([1])))
    assert bring(call, conf, tmp_path / "x")["partition"] == "p90"
    other = PartitionLock.claim(tmp_path / "new", 90, {})
    assert bring(call, conf, tmp_path / "x")["partition"] == "p91"
    lock.release()
    other.release()


def test_from_standard_input(call: Call, conf: str, tmp_path: Path) -> None:
    result = call("-c", conf, "spool", "import", "-", input=encode_batch(bytes(16), records([1])))
    assert result.exit_code == 0
    assert len(cat(call, tmp_path / "new")) == 1
