"""Every command that a page tells people to type does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.stage import ROOT, lines, play

ELSEWHERE = {
    "README.md": "tests/e2e/test_readme.py",
    "docs/capture-api.md": "tests/e2e/capture/test_documented.py",
    "docs/capture.md": "tests/e2e/capture/test_documented.py",
    "docs/explaining.md": "tests/unit/cli/test_scrub_docs.py",
    "docs/runbook.md": "tests/e2e/operate/test_runbook.py",
    "docs/spool.md": "tests/unit/cli/test_spool_page.py",
    "docs/testing-rules.md": "tests/unit/cli/test_testing_rules_page.py",
}
"""Pages whose commands another test runs."""

KEYS = 'eval $(scrubjay -c config/chain/sidecar credentials show --json | jq -r \'"SIDECAR_ID=" + .id + " SIDECAR_PUBLIC_KEY=" + .public_key\')'
AUDITED = """
mkdir -p .scrubjay/projects && echo 'config: {}' >.scrubjay/projects/default.yaml
printf 'relay: {mode: static, upstream: "https://errors.example.com/", state_dir: run}\nspool: {envelopes: {path: spool}}\n' >.scrubjay/scrubjay.yaml
line="scrubjay run"; serve 3000 || exit 1
scrubjay send error >/dev/null || exit 1
leave
"""
"""What a relay that has run leaves behind: state files, an audit log."""
REFERENCE = """
mkdir -p .relay/projects old
cat >.relay/config.yml <<'END'
relay: {upstream: "https://errors.example.com/"}
cache: {project_expiry: 600}
spool: {envelopes: {path: old/relay.db}}
END
echo '{"publicKeys": [{"publicKey": "a94ae32be2584e0bbd7a4cbb95971fee"}]}' >.relay/projects/42.json
"$PYTHON" - <<'END' || exit 1
import time
from pathlib import Path
from support.relay_db import write_buffer
body = b'{"event_id":"5d2c7a5e1b8f4c0e9a3d6f7081920abc","dsn":"https://a94ae32be2584e0bbd7a4cbb95971fee@errors.example.com/42"}\\n{"type":"event"}\\n{}\\n'
write_buffer(Path("old/relay.db"), [(int(time.time() * 1000), "a94ae32be2584e0bbd7a4cbb95971fee", body, 1)])
END
export SCRUBJAY__RELAY__STATE_DIR=run
"""
"""What a relay of the reference leaves behind: its folder, its disk buffer."""
INSIDE = "SCRUBJAY__RELAY__INTERNAL_PORT=3001"
"""Where the stage is to ask whether it serves."""
SCENES: dict[str, dict[str, object]] = {
    "docs/configuration.md": {"before": "export SCRUBJAY__RELAY__STATE_DIR=run\n"},
    "docs/gateway.md": {"instead": {"SIDECAR_ID=… SIDECAR_PUBLIC_KEY=…": "SIDECAR_ID SIDECAR_PUBLIC_KEY\n" + KEYS}},
    "docs/managed.md": {},
    "docs/migration.md": {"before": REFERENCE, "instead": {"scrubjay run &": "RELAY_PORT=3001 scrubjay run &"}},
    "docs/privacy.md": {"before": AUDITED},
    "docs/security.md": {},
    "docs/sidecar.md": {},
    "docs/tls.md": {"instead": {"scrubjay -c config/sidecar run": f"{INSIDE} scrubjay -c config/sidecar run"}},
}
"""Page → what the stage is given for it."""


def pages() -> list[str]:
    found = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "helm").rglob("README.md"))]
    return [str(page.relative_to(ROOT)) for page in found if re.search(r"^```sh$", page.read_text(), re.MULTILINE)]


def test_every_page_is_run_somewhere() -> None:
    assert sorted(pages()) == sorted({*SCENES, *ELSEWHERE})
    for page, test in ELSEWHERE.items():
        assert Path(page).name in (ROOT / test).read_text(), f"{test} does not speak of {page}"


@pytest.mark.parametrize("page", SCENES)
def test_its_commands_do_what_they_say(page: str, tmp_path: Path) -> None:
    assert list(lines(page))
    play(page, tmp_path, **SCENES[page])  # type: ignore[arg-type]
