"""What `scrubjay doctor` finds when it introduces itself as the relay would in mode `managed`: whether the server lets it in, and gives it the
configuration of a key (`upstream-and-operations.md` 4.4, 4.5, 5.1).

Registering once more changes nothing for the relay that runs. What the running relay says of itself is `doctor_relay`'s.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from scrubjay.cli.doctor_way import Way
from scrubjay.cli.findings import Finding, failed, ok, skipped, warning
from scrubjay.core.envelope import decode_json
from scrubjay.core.relays import config_reply, registration
from scrubjay.core.signatures import Signer
from scrubjay.errors import ConfigError, Transient, UpstreamError
from scrubjay.runtime.forwarding.http_reply import Reply
from scrubjay.runtime.managed.compiling import PlanCompiler, Sources
from scrubjay.settings.credentials import Credentials

_CHECK: Final = "registration"
_CONFIG: Final = "project config"
_LISTED: Final = (
    "put the public key where the server looks for it: Sentry's Settings → Relays, a gateway's `auth.static_relays`; "
    "`scrubjay credentials show` prints it"
)
_HEADERS: Final = "X-Sentry-Relay-Id and X-Sentry-Relay-Signature"


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who asks: the relay of this configuration. `version`: what it says it speaks. `sources`: what it would make plans with."""

    credentials: Credentials
    version: str
    sources: Sources

    def head(self, body: bytes) -> str:
        signer = Signer(self.credentials.id, self.credentials.secret_key.reveal())
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return length + signer.lines(body, time.time())


class _Ended(Exception):
    """Nothing more can be asked; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding


async def register(way: Way, applicant: Applicant, key: str | None) -> AsyncIterator[Finding]:
    """Both steps, then the configuration of `key`, if one is known."""
    own, version = applicant.credentials, applicant.version
    try:
        first = registration.challenge(own.id, own.public_key, version)
        token = registration.token_of(await _ask(way, applicant, registration.CHALLENGE_PATH, first), own.id)
        second = registration.response(own.id, token, version)
        reply = await _ask(way, applicant, registration.RESPONSE_PATH, second)
        registration.check_registered(reply, own.id)
        yield ok(_CHECK, f"{way.origin} knows the relay {own.id}")
        yield await _configuration(way, applicant, key)
    except _Ended as ended:
        yield ended.finding
    except UpstreamError as error:
        yield failed(
            _CHECK, f"{way.origin}: {error}", "see who answers there: it is no server that relays register with"
        )


async def _ask(way: Way, applicant: Applicant, path: str, asked: object) -> object:
    """The JSON of a good answer. Raises `_Ended`, `UpstreamError`."""
    body = json.dumps(asked, separators=(",", ":")).encode()
    try:
        reply, _ = await way.upstream.call(registration.ROUTE, "POST", path, applicant.head(body), body)
    except Transient as error:
        text = f"{way.origin} gives no answer to it: {error}"
        raise _Ended(
            failed(_CHECK, text, "see the server's log; a relay that was registered before goes on meanwhile")
        ) from error
    if path == config_reply.PATH and reply.status >= 500:
        text = f"{way.origin} lets the relay in and gives no configurations: {reply.detail()}"
        raise _Ended(failed(_CONFIG, text, "the server is in trouble: see its log; envelopes wait meanwhile"))
    if reply.status != 200:
        raise _Ended(_refusal(reply, way, applicant))
    try:
        return decode_json(reply.text().encode())
    except ValueError:
        raise UpstreamError("the answer to the registration is no JSON") from None


def _refusal(reply: Reply, way: Way, applicant: Applicant) -> Finding:
    text, own = f"{way.origin} refuses the relay: {reply.detail()}", applicant.credentials
    facts = {"status": reply.status, "relay_id": own.id, "public_key": own.public_key}
    said = reply.detail().lower()
    if reply.says_stop:
        return failed(
            _CHECK,
            f"{text} (it says that this relay shall stop)",
            f"{_LISTED}. A relay that was told so asks again every 15 minutes; restart it",
            **facts,
        )
    if reply.status in (404, 405):
        advice = "it may be GlitchTip, Bugsink or a proxy: set `relay.mode: static` or `proxy`; see `http.upstream_path_prefix`"
        return failed(_CHECK, f"{way.origin} has no registration for relays ({reply.status})", advice, **facts)
    if any(word in said for word in ("expired", "too old", "too new", "timestamp")):
        return failed(
            _CHECK, text, "set this machine's clock by NTP (`timedatectl`): signatures are good for minutes", **facts
        )
    if "header" not in said and any(
        word in said for word in ("did not match", "does not match", "different", "another key", "another one", "bound")
    ):
        advice = f"the id belongs to another key there: `scrubjay credentials set -i random`, restore the key of {own.id}, or list the new one there"
        return failed(_CHECK, text, advice, **facts)
    if any(word in said for word in ("header", "missing", "signature")):
        return failed(
            _CHECK,
            text,
            f"a proxy on the way changes the body, or takes out {_HEADERS}: let them through as they are",
            **facts,
        )
    if reply.status in (401, 403):
        return failed(_CHECK, text, f"{_LISTED} ({own.public_key})", **facts)
    if reply.status >= 500:
        return failed(_CHECK, text, "the server is in trouble: see its log", **facts)
    return failed(_CHECK, text, "see the server's log for the relay's id", **facts)


async def _configuration(way: Way, applicant: Applicant, key: str | None) -> Finding:
    """Whether the server gives us what it has for a key. Raises `_Ended`, `UpstreamError`."""
    if key is None:
        return skipped(_CONFIG, "of whom? give the DSN of an application with --dsn")
    reply = await _ask(way, applicant, config_reply.PATH, config_reply.question([(key, None)], no_cache=True))
    state = config_reply.read_reply(reply, {key: None}).states[key]
    short = f"{key[:8]}…"
    if isinstance(state, config_reply.Enabled):
        try:
            plan = PlanCompiler()(applicant.sources, key, state.document, None)
        except (ConfigError, RecursionError) as error:
            return failed(
                _CONFIG,
                f"{way.origin} gives that of {short}, and it cannot be used: {error}",
                "correct it there (rules: Settings → Security & Privacy); until then a good one from before goes on, or envelopes wait",
            )
        revision = f", revision {state.revision}" if state.revision else ""
        text = f"{way.origin} gives that of {short}{revision}"
        if plan.problems:
            left_out = "; ".join(problem.text for problem in plan.problems)
            return warning(_CONFIG, f"{text}, without what cannot be used: {left_out}", "correct it where it was set")
        return ok(_CONFIG, text)
    if state is config_reply.WAITING:
        return warning(
            _CONFIG,
            f"{way.origin} has none of {short} yet",
            "ask again in a minute; envelopes wait for it. If it stays so, look at the server's own work on configurations",
        )
    return failed(
        _CONFIG,
        f"{way.origin} gives none of {short}: what comes with it is refused (`project_id`)",
        f"see whether the key is active and of a project whose organisation lists this relay's public key ({applicant.credentials.public_key}); "
        "plans without trusted relays give none: then `relay.mode: static`",
    )
