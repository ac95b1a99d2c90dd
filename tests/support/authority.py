"""Sentry's own side of a managed relay: registration, project configurations, keys of relays, and the envelopes.

Owns a server of a thread that answers as Sentry does (`upstream-and-operations.md` 4.4, 5.1, 5.2, 5.5, 5.6) and keeps all that it was asked.
Challenges, tokens and signatures are judged by the reference's own library, never by the product's code. A test says what the server knows
(`projects`, `relays`, `listed`, `global_config`), and, for what goes wrong, how the next requests of a path are answered (`next`, `always`):

    with presiding() as sentry:
        sentry.projects[KEY] = [WAITING, document(KEY)]     # the second time it is known
        sentry.next(CHALLENGE, Answer(400), Answer(hang=True))
        daemon = Daemon(folder, mode="managed", upstream=sentry.url)

Anybody may register unless `listed` names who.
"""

import json
import secrets
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from support.loopback import Handler, listening
from support.processes import wait_for
from support.recorder import Delivery

CHALLENGE: Final = "/api/0/relays/register/challenge/"
RESPONSE: Final = "/api/0/relays/register/response/"
CONFIGS: Final = "/api/0/relays/projectconfigs/"
GLOBAL: Final = "global"
"""The requests of `CONFIGS` that ask for the global configuration."""
KEYS: Final = "/api/0/relays/publickeys/"
LIVE: Final = "/api/0/relays/live/"
ENVELOPE: Final = "envelope"
"""All paths that take envelopes."""
WAITING: Final = object()
"""In `projects`: not computed yet (`pending`)."""
LONGEST_HANG_S: Final = 120.0
_SIGNATURE_S: Final = 300


@dataclass(frozen=True)
class Answer:
    """Instead of the ordinary answer. `body` is JSON, or bytes as they are; `hang`: none until the server ends; `reset`: the connection ends at once."""

    status: int = 200
    body: object = field(default_factory=dict)
    delay_s: float = 0.0
    hang: bool = False
    reset: bool = False
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Asked:
    """One request, its body decoded, and what it was answered (0: nothing). `is_signed`: the signature is that of the relay it names."""

    name: str
    """The path, or `GLOBAL`, `ENVELOPE`."""
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    at_mono: float
    is_signed: bool

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def document(key: str, project_id: int = 1, *, rev: str = "r1", **config: object) -> dict[str, Any]:
    """A project's configuration as Sentry serves it to a relay of a user's own; `config` are members of its inner part."""
    return {
        "disabled": False,
        "projectId": project_id,
        "rev": rev,
        "lastChange": "2026-01-01T00:00:00Z",
        "slug": "checkout",
        "organizationId": 1,
        "publicKeys": [{"publicKey": key, "numericId": 7}],
        "config": {
            "allowedDomains": ["*"],
            "trustedRelays": [],
            "piiConfig": {},
            "datascrubbingSettings": {
                "scrubData": True,
                "scrubDefaults": True,
                "scrubIpAddresses": False,
                "sensitiveFields": [],
                "excludeFields": [],
            },
            **config,
        },
    }


class Authority:
    """What the server knows, and what it was asked (`asked` and `deliveries` are only appended to)."""

    def __init__(self) -> None:
        self.port = 0
        self.secret = secrets.token_hex(16)
        """Of the tokens."""
        self.listed: dict[str, str] | None = None
        """Relay id → public key of those that may register."""
        self.relays: dict[str, str] = {}
        """Those that are registered now; `forget` ends that."""
        self.projects: dict[str, object] = {}
        """Key → document, `WAITING`, None (`null`), or a list of such, of which each request takes one and the last one stays. Another key is left out."""
        self.global_config: object = {}
        self.global_status: str | None = "ready"
        self.public_keys: dict[str, object] = {}
        """What `publickeys` says of relays that did not register here: id → entry."""
        self.is_away = False
        """Every request gets 503, as from a proxy whose server is down."""
        self.asked: list[Asked] = []
        self.deliveries: list[Delivery] = []
        self._next: defaultdict[str, deque[Answer]] = defaultdict(deque)
        self._always: dict[str, Answer] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def next(self, name: str, *answers: Answer) -> None:
        """The next requests of `name` (a path, `GLOBAL`, `ENVELOPE`) get these."""
        self._next[name].extend(answers)

    def always(self, name: str, answer: Answer | None) -> None:
        """All requests of `name` get this from now on (after those of `next`); None: the ordinary answer again."""
        if answer is None:
            self._always.pop(name, None)
        else:
            self._always[name] = answer

    def forget(self) -> None:
        """As after the loss of what it knew: nobody is registered any more."""
        self.relays.clear()

    def of(self, name: str) -> list[Asked]:
        return [asked for asked in list(self.asked) if asked.name == name]

    def asked_for(self, key: str) -> list[Asked]:
        """The requests of `CONFIGS` that named this key."""
        return [asked for asked in self.of(CONFIGS) if key in asked.json["publicKeys"]]

    def wait_for(self, name: str, count: int = 1, *, timeout_s: float = 30.0) -> list[Asked]:
        """The requests of `name`, once there are so many."""
        found = wait_for(
            lambda: held if len(held := self.of(name)) >= count else [], f"{count} of {name}", timeout_s=timeout_s
        )
        assert found
        return found

    def wait_for_deliveries(self, count: int = 1, *, timeout_s: float = 30.0) -> list[Delivery]:
        """The envelopes that were taken, once there are so many."""
        wait_for(lambda: len(self.deliveries) >= count, f"{count} envelopes", timeout_s=timeout_s)
        return list(self.deliveries)

    def ordinary(self, name: str, headers: dict[str, str], body: bytes) -> Answer:
        """What Sentry answers."""
        relay_id = headers.get("x-sentry-relay-id", "")
        signature = headers.get("x-sentry-relay-signature", "")
        if name == LIVE:
            return Answer(200, {"is_healthy": True})
        if name == ENVELOPE:
            return Answer(200, {"id": "0" * 32})
        if name in {CHALLENGE, RESPONSE}:
            return self._registered(name, relay_id, signature, body)
        if name not in {CONFIGS, GLOBAL, KEYS}:
            return Answer(404, {"detail": "not found"})
        if relay_id not in self.relays:
            return Answer(401, {"detail": "Unknown relay"})
        if not self.is_signed(headers, body):
            return Answer(401, {"detail": "Invalid relay signature"})
        try:
            asked = json.loads(body)
        except ValueError:
            return Answer(400, {"detail": "the body is not JSON"})
        return Answer(200, self._keys(asked) if name == KEYS else self._configs(asked))

    def is_signed(self, headers: dict[str, str], body: bytes) -> bool:
        """True if the relay that the request names signed `body`: with the key it is registered with, or that it asks to register."""
        from sentry_relay.auth import PublicKey

        key = self.relays.get(headers.get("x-sentry-relay-id", ""))
        if key is None and b'"public_key"' in body:
            key = json.loads(body)["public_key"]
        signature = headers.get("x-sentry-relay-signature")
        return bool(key and signature and PublicKey.parse(key).verify(body, signature, _SIGNATURE_S))

    def answer(self, name: str, headers: dict[str, str], body: bytes) -> Answer:
        """The scripted answer, or the ordinary one."""
        with self._lock:
            if self.is_away:
                return Answer(503, {"detail": "away"})
            if self._next[name]:
                return self._next[name].popleft()
            scripted = self._always.get(name)
            return scripted if scripted is not None else self.ordinary(name, headers, body)

    def linger(self, answer: Answer) -> None:
        """As long as this answer takes."""
        self._over.wait(LONGEST_HANG_S if answer.hang else answer.delay_s)

    def end(self) -> None:
        self._over.set()

    def _registered(self, name: str, relay_id: str, signature: str, body: bytes) -> Answer:
        from sentry_relay.auth import create_register_challenge, validate_register_response
        from sentry_relay.exceptions import RelayError

        try:
            said = json.loads(body)
            if said.get("relay_id") != relay_id:
                return Answer(400, {"detail": "relay_id in payload did not match header"})
            if name == CHALLENGE:
                if self.listed is not None and self.listed.get(relay_id) != said["public_key"]:
                    return Answer(403, {"detail": "Relay is not allowed to register"})
                made = create_register_challenge(body, signature, self.secret)
                return Answer(200, {"relay_id": str(made["relay_id"]), "token": made["token"]})
            made = validate_register_response(body, signature, self.secret)
        except (RelayError, ValueError, KeyError) as error:
            return Answer(400, {"detail": str(error).partition("\n")[0]})
        self.relays[relay_id] = made["public_key"]
        return Answer(200, {"relay_id": relay_id})

    def _configs(self, asked: dict[str, Any]) -> dict[str, object]:
        if asked.get("global"):
            status = {} if self.global_status is None else {"globalStatus": self.global_status}
            return {"configs": {}, "global": self.global_config, **status}
        held = dict(zip(asked["publicKeys"], asked.get("revisions") or [None] * len(asked["publicKeys"]), strict=True))
        reply: dict[str, Any] = {"configs": {}, "pending": [], "unchanged": []}
        for key, revision in held.items():
            if key not in self.projects:
                continue
            known = self._of_project(key)
            if known is WAITING:
                reply["pending"].append(key)
            elif isinstance(known, dict) and revision is not None and known.get("rev") == revision:
                reply["unchanged"].append(key)
            else:
                reply["configs"][key] = known
        return reply

    def _of_project(self, key: str) -> object:
        known = self.projects[key]
        if not isinstance(known, list):
            return known
        return known.pop(0) if len(known) > 1 else known[0]

    def _keys(self, asked: dict[str, Any]) -> dict[str, object]:
        registered = {relay: {"publicKey": key, "internal": False} for relay, key in self.relays.items()}
        known = {**registered, **self.public_keys}
        return {"relays": {relay: known.get(relay) for relay in asked["relay_ids"]}}


def name_of(path: str, body: bytes) -> str:
    """What a request is called in `next`, `always` and `of`."""
    name = urlsplit(path).path
    if name.endswith("/envelope/"):
        return ENVELOPE
    with suppress(ValueError, AttributeError):
        if name == CONFIGS and json.loads(body).get("global"):
            return GLOBAL
    return name


@contextmanager
def presiding(port: int = 0) -> Iterator[Authority]:
    """Serve on `port` (a free one by default) until the block ends."""
    authority = Authority()

    class Clerk(Handler):
        def respond(self, body: bytes) -> None:
            name, headers = name_of(self.path, body), self.header_map()
            answer = authority.answer(name, headers, body)
            is_silent = answer.hang or answer.reset
            status = 0 if is_silent else answer.status
            is_signed = authority.is_signed(headers, b"" if name == ENVELOPE else body)
            authority.asked.append(Asked(name, self.path, headers, body, status, time.monotonic(), is_signed))
            if name == ENVELOPE and status == 200:
                authority.deliveries.append(Delivery(self.path, headers, body, status, time.monotonic()))
            authority.linger(answer)
            if is_silent:
                self.close_connection = True
                return
            content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(status)
            for header, value in (*answer.headers, ("Content-Type", "application/json")):
                self.send_header(header, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    try:
        with listening(Clerk, port, "authority") as authority.port:
            yield authority
    finally:
        authority.end()
