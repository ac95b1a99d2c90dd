"""What `scrubjay doctor` finds in files: configuration, projects, the relay's identity, the listener's certificate, the spool's folder.

Nothing is sent here and nobody is asked; what the files mean is judged by who reads them at a start.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from scrubjay.cli.check import check_projects
from scrubjay.cli.findings import Finding, failed, ok, skipped, warning
from scrubjay.errors import ConfigError
from scrubjay.settings.load import Loaded

_DAY_S: Final = 86_400
_RENEW_S: Final = 14 * _DAY_S
_MOST_WARNINGS: Final = 5


def configuration(loaded: Loaded) -> Iterator[Finding]:
    """What was loaded, and what of it was left out."""
    relay = loaded.settings.relay
    where = f"folder {loaded.config_dir}" if loaded.config_dir else "no config folder, so all is default"
    upstream = f", upstream {', '.join(relay.upstreams)}" if relay.upstreams else ""
    yield ok("configuration", f"{where}: mode {relay.mode}{upstream}")
    own = [text for text in loaded.warnings if text not in (*loaded.projects.problems, *loaded.projects.warnings)]
    for text in own[:_MOST_WARNINGS]:
        yield warning("configuration", text, "correct it; `scrubjay check` shows each value and where it comes from")
    if len(own) > _MOST_WARNINGS:
        yield warning("configuration", f"{len(own) - _MOST_WARNINGS} more warnings", "see `scrubjay check`")


def projects(loaded: Loaded) -> Iterator[Finding]:
    """Whether every plan compiles, and what becomes of keys without one."""
    settings, found = loaded.settings, list(check_projects(loaded))
    problems = [*loaded.projects.problems, *loaded.projects.shared.problems]
    problems += [problem for project in found for problem in project.problems]
    for problem in problems:
        yield failed(
            "projects", problem, "correct the file: a relay that runs keeps its last good version, a new one none"
        )
    if settings.relay.mode == "capture":
        return
    rest = _unknown_keys(loaded)
    if rest == "refused" and not loaded.projects.by_key:
        yield failed(
            "projects",
            "there is no project and no plan `default`: everything is refused (`project_id`)",
            "add projects/default.yaml with `config: {}`, or a file per project",
        )
    elif rest == "forwarded unread":
        yield warning(
            "projects",
            f"{_count(len(found), 'plan')}; other keys are forwarded as they came, unscrubbed",
            "add projects/default.yaml with `config: {}`, unless the server shall see everything",
        )
    elif not problems:
        yield ok("projects", f"{_count(len(found), 'plan')} compiled; other keys are {rest}")


def _unknown_keys(loaded: Loaded) -> str:
    if loaded.settings.relay.mode == "managed":
        return "configured by the upstream"
    if loaded.projects.default is not None:
        return "treated by the plan `default`"
    return "forwarded unread" if loaded.settings.projects.unknown == "forward" else "refused"


def credentials(loaded: Loaded) -> Iterator[Finding]:
    """The pair was checked when it was loaded."""
    stored = loaded.credentials
    if stored is None:
        yield skipped("credentials", f"none stored; mode {loaded.settings.relay.mode} needs none")
        return
    path = None if loaded.config_dir is None else loaded.config_dir / "credentials.json"
    if path is not None and path.is_file() and path.stat().st_mode & 0o077:
        yield warning("credentials", f"others may read {path}", f"chmod 600 {path}")
    yield ok("credentials", f"relay id {stored.id}, public key {stored.public_key}; the keys belong together")


def certificate(loaded: Loaded) -> Iterator[Finding]:
    """What clients of our own listener are shown."""
    from scrubjay.runtime.certificates import certificates_of

    tls = loaded.settings.tls
    try:
        certificates = certificates_of(tls)
    except ConfigError as error:
        yield failed("listener tls", str(error), "take PEM files of one pair, the key not encrypted")
        return
    if certificates is not None:
        yield lifetime("listener tls", f"{tls.cert}", certificates.shown.until_unix, "tls.cert")


def lifetime(check: str, what: str, ends_unix: float, renewed: str) -> Finding:
    """How long a certificate is good. `renewed`: what is to be replaced."""
    left_s = ends_unix - time.time()
    day = time.strftime("%Y-%m-%d", time.gmtime(ends_unix))
    if left_s <= 0:
        return failed(check, f"{what} expired on {day}", f"renew {renewed}; or this machine's clock is wrong")
    if left_s < _RENEW_S:
        return warning(check, f"{what} expires in {_count(int(left_s // _DAY_S), 'day')}, {day}", f"renew {renewed}")
    return ok(check, f"{what} is good until {day}")


def _count(amount: int, noun: str) -> str:
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"
