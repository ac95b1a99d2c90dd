"""Files that somebody may write, each with one thing wrong, and what has to be said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KEY: Final = "a" * 32
_PROJECT: Final = f"publicKeys:\n- publicKey: {KEY}\n"
_ID: Final = "7f9b7a54-3d2c-4b0e-9a51-2c6f5c1de001"
_PUBLIC: Final = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
_SECRET: Final = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


@dataclass(frozen=True, slots=True)
class WrongFile:
    """`line`, `key`, `value` and `help` must be named; an empty one cannot be. `flagged`: a schema can tell."""

    text: str
    line: int
    key: str
    value: str
    help: str
    flagged: bool = True
    name: str = "scrubjay.yaml"


WRONG_SETTINGS: Final = (
    # keys
    WrongFile("relay:\n  portt: 3000\n", 2, "relay.portt", "", "did you mean `relay.port`?"),
    WrongFile("rely:\n  port: 3000\n", 2, "rely.port", "", "did you mean `relay.port`?"),
    WrongFile("upstream: https://h\n", 1, "upstream", "", "did you mean `relay.upstream`?"),
    WrongFile("spool:\n  max_disk_size: 1GB\n", 2, "spool.max_disk_size", "", "did you mean `spool.envelopes.max_disk_size`?"),
    WrongFile("limits:\n  max_evnt_size: 1MB\n", 2, "limits.max_evnt_size", "", "did you mean `limits.max_event_size`?"),
    WrongFile("relay:\n  port: 1\n  port: 2\n", 3, "relay.port", "", "occurs twice (accepted: one of them)", False),
    WrongFile("relay:\n  port: 1\nhttp: {}\nrelay:\n  host: ::1\n", 4, "relay", "", "occurs twice", False),
    WrongFile("relay.port: 1\nrelay:\n  port: 2\n", 3, "relay.port", "", "occurs twice"),
    # forms
    WrongFile("relay: 5\n", 1, "relay", "`5`", "a section is expected"),
    WrongFile("relay:\n  port:3000\n", 2, "relay", "`port:3000`", "keys below it, each as `name: value`"),
    WrongFile("relay:\n  port: [3000]\n", 2, "relay.port", "`[3000]`", "a single value"),
    WrongFile("routing:\n  tunnel_paths: /a\n", 2, "routing.tunnel_paths", "`/a`", "did you mean `[/a]`?"),
    WrongFile("routing:\n  tunnel_paths: [[/a]]\n", 2, "routing.tunnel_paths", "", "a list of texts"),
    WrongFile("admin:\n  token: {a: b}\n", 2, "admin.token", "", "a single value"),
    WrongFile("metrics:\n  default_tags: {zone: [a]}\n", 2, "metrics.default_tags.zone", "`[a]`", "a single value"),
    WrongFile("- relay\n", 1, "", "", "must be a mapping of sections"),
    # words and switches
    WrongFile("relay:\n  mode: statc\n", 2, "relay.mode", "`statc`", "did you mean `static`?"),
    WrongFile("logging:\n  level: WARNING\n", 2, "logging.level", "`WARNING`", "did you mean `warn`?"),
    WrongFile("http:\n  encoding: gz\n", 2, "http.encoding", "`gz`", "did you mean `gzip`?"),
    WrongFile("http:\n  encoding_fallback: yes\n", 2, "http.encoding_fallback", "`yes`", "did you mean `true`?"),
    WrongFile("outcomes:\n  emit_outcomes: asdf\n", 2, "outcomes.emit_outcomes", "`asdf`", "as_client_reports"),
    WrongFile("spool:\n  envelopes:\n    shed_order: [replays]\n", 3, "spool.envelopes.shed_order", "`replays`", "did you mean `replay`?"),
    # numbers
    WrongFile("relay:\n  port: eighty\n", 2, "relay.port", "`eighty`", "a whole number"),
    WrongFile("relay:\n  port: 3_000\n", 2, "relay.port", "`3_000`", "did you mean `3000`?"),
    WrongFile("relay:\n  port: 99999\n", 2, "relay.port", "`99999`", "0 to 65535"),
    WrongFile("relay:\n  workers: 0\n", 2, "relay.workers", "`0`", "1 to 100"),
    WrongFile(f"relay:\n  port: {'9' * 5_000}\n", 2, "relay.port", "`99999", "at most 64 characters", False),
    WrongFile("health:\n  max_memory_percent: 95\n", 2, "health.max_memory_percent", "`95`", "0.01 to 1"),
    WrongFile("health:\n  max_memory_percent: 95%\n", 2, "health.max_memory_percent", "`95%`", "a number", False),
    # sizes and durations
    WrongFile("limits:\n  max_event_size: 5mb\n", 2, "limits.max_event_size", "`5mb`", "did you mean `5MB`?"),
    WrongFile("limits:\n  max_event_size: 10tb\n", 2, "limits.max_event_size", "`10tb`", "did you mean `10TB`?"),
    WrongFile("limits:\n  max_event_size: -1\n", 2, "limits.max_event_size", "`-1`", "KiB"),
    WrongFile('limits:\n  max_event_size: ""\n', 2, "limits.max_event_size", "``", "KiB"),
    WrongFile("spool:\n  envelopes:\n    batch_size_bytes: 10TB\n", 3, "spool.envelopes.batch_size_bytes", "`10TB`", "1B to 64MiB", False),
    WrongFile("http:\n  timeout: 5 sec\n", 2, "http.timeout", "`5 sec`", "did you mean `5s`?"),
    WrongFile("http:\n  timeout: 0\n", 2, "http.timeout", "`0`", "at least 0.1"),
    WrongFile("http:\n  timeout: soon\n", 2, "http.timeout", "`soon`", "a number of s"),
    # addresses and paths
    WrongFile("relay:\n  host: localhost\n", 2, "relay.host", "`localhost`", "did you mean `127.0.0.1`?"),
    WrongFile("relay:\n  trusted_proxies: [10.0.0.0/99]\n", 2, "relay.trusted_proxies", "`10.0.0.0/99`", "10.0.0.0/8", False),
    WrongFile("relay:\n  upstream: sentry.example\n", 2, "relay.upstream", "`sentry.example`", "did you mean `https://sentry.example`?"),
    WrongFile("relay:\n  upstream: ftp://h\n", 2, "relay.upstream", "`ftp://h`", "unknown scheme `ftp`"),
    WrongFile("relay:\n  upstream: https://h/x\n", 2, "relay.upstream", "`https://h/x`", "non-root path"),
    WrongFile("relay:\n  upstream: https://key@h.example/7\n", 2, "relay.upstream", "`https://***@h.example/7`", "did you mean `https://h.example`?"),
    WrongFile("http:\n  upstream_path_prefix: relay\n", 2, "http.upstream_path_prefix", "`relay`", "did you mean `/relay`?"),
    WrongFile('spool:\n  envelopes:\n    path: ""\n', 3, "spool.envelopes.path", "``", "a path of this machine"),
    WrongFile("metrics:\n  statsd: localhost\n", 2, "metrics.statsd", "`localhost`", "host:port"),
    # secrets
    WrongFile("http:\n  proxy: socks5://hunter2:1\n", 2, "http.proxy", "`***`", "http or https"),
    WrongFile("quotas:\n  redis: http://hunter2\n", 2, "quotas.redis", "`***`", "redis://"),
    WrongFile("spool:\n  envelopes:\n    encryption_key: hunter2\n", 3, "spool.envelopes.encryption_key", "`***`", "openssl rand -base64 32", False),
    WrongFile("sentry:\n  dsn: hunter2\n", 2, "sentry.dsn", "`***`", "project"),
    # variables
    WrongFile("http:\n  encoding: ${NO_SUCH_VAR}\n", 2, "http.encoding", "`${NO_SUCH_VAR}`", "NO_SUCH_VAR is not set", False),
    WrongFile("relay:\n  port: ${file:missing}\n", 2, "relay.port", "`${file:missing}`", "No such file", False),
    WrongFile("relay:\n  port: ${PORT\n", 2, "relay.port", "`${PORT`", "did you mean `${PORT}`?"),
    # several settings together
    WrongFile("relay:\n  mode: static\n  upstream: http://127.0.0.1:3000\n", 3, "relay.upstream", "", "this relay's own address", False),
    WrongFile("relay:\n  mode: managed\n", 2, "relay.mode", "", "a credentials.json, or another mode", False),
    WrongFile("relay:\n  upstream: [https://a, https://a]\n", 2, "relay.upstream", "", "different servers", False),
    WrongFile("relay: {upstream: 'https://h'}\nhttp:\n  client_cert: a.pem\n", 3, "http.client_cert", "", "needs both", False),
    # relays
    WrongFile("auth:\n  static_relays: [x]\n", 2, "auth.static_relays", "`x`", "ID=KEY"),
    WrongFile(f"auth:\n  static_relays:\n    {_ID}:\n      publickey: {_PUBLIC}\n", 4, f"auth.static_relays.{_ID}.publickey", "", "public_key`?"),
    # YAML
    WrongFile("relay:\n\tport: 3000\n", 2, "", "", "spaces, not tabs", False),
    WrongFile("relay:\n port: 1\n  host: ::1\n", 3, "", "", "equal indents", False),
    WrongFile("relay: {port: 3000\n", 2, "", "", "a closing bracket", False),
    WrongFile("relay: {}\n---\nhttp: {}\n", 2, "", "", "one document", False),
    WrongFile("relay:\n  port: !env PORT\n", 2, "", "`!env`", "the value without a tag", False),
    WrongFile("relay: &r\n  more: *r\n", 1, "", "", "an alias of what it stands in", False),
    WrongFile("relay:\n  port: 3000\x00\n", 2, "", "#x0000", "may not stand in a file", False),
)  # fmt: skip

WRONG_PROJECTS: Final = (
    WrongFile(f"{_PROJECT}confg: {{}}\n", 3, "confg", "", "did you mean `config`?"),
    WrongFile(f"{_PROJECT}config:\n  allowdDomains: [a]\n", 4, "config.allowdDomains", "", "did you mean `allowedDomains`?"),
    WrongFile(f"{_PROJECT}config:\n  datascrubbingSettings: {{scrubIP: true}}\n", 4, "config.datascrubbingSettings.scrubIP", "", "unknown member"),
    WrongFile(f"{_PROJECT}config:\n  allowedDomains: shop.example\n", 4, "config.allowedDomains", "`shop.example`", "expected a list"),
    WrongFile("publicKeys:\n- publicKey: short\n", 2, "publicKeys[0].publicKey", "`short`", "a key of 32 characters"),
    WrongFile(f"{_PROJECT}slug: 99\n", 3, "slug", "`99`", "expected a text"),
    WrongFile(f"{_PROJECT}projectId: -1\n", 3, "projectId", "`-1`", "a whole number >= 0"),
    WrongFile(f"{_PROJECT}disabled: 'no'\n", 3, "disabled", "`no`", "expected true or false"),
    WrongFile(f"{_PROJECT}config:\n  piiConfig:\n    rules:\n      a: {{type: creditcrd}}\n", 6, "rules.a.type", "creditcrd", "did you mean `creditcard`?", False),
    WrongFile(f"{_PROJECT}config:\n  piiConfig:\n    rules:\n      a: {{type: pattern, pattern: '('}}\n", 6, "rules.a", "", "does not compile", False),
    WrongFile(f"{_PROJECT}config:\n  piiConfig:\n    applications: {{'$string': ['@emial']}}\n", 5, "applications", "@emial", "did you mean `@email`?", False),
    WrongFile(f"{_PROJECT}config:\n  scrubjay:\n    scrub: {{profil: strict}}\n", 5, "config.scrubjay.scrub.profil", "", "did you mean `profile`?", False),
    WrongFile(f"{_PROJECT}config:\n  piiConfig:\n    applications:\n      '$strng': ['@email']\n", 6, "applications.$strng", "", "perhaps $string", False),
    WrongFile(f"{_PROJECT}config:\n  quotas:\n  - {{id: q, limit: 5, window: 60}}\n", 5, "quotas[0]", "", "this quota is not applied", False),
    WrongFile(f"{_PROJECT}config:\n  filterSettings:\n    localhst: {{isEnabled: true}}\n", 5, "filterSettings.localhst", "", "did you mean `localhost`?", False),
    WrongFile(f"{_PROJECT}config:\n  scrubjay:\n    scrub: {{profile: strct}}\n", 5, "config.scrubjay.scrub.profile", "strct", "did you mean `strict`?", False),
    WrongFile(f"{_PROJECT}config:\n  scrubjay:\n    spike_protection: {{factor: 0}}\n", 5, "config.scrubjay.spike_protection.factor", "`0`", "expected a number >= 1"),
    WrongFile(f"{_PROJECT}config: [\n", 4, "", "", "malformed YAML", False),
    WrongFile(f'{{"publicKeys":\n[{{"publicKey": "{KEY}"}}],\n}}', 3, "", "", "malformed JSON: trailing comma", False, "7.json"),
    WrongFile(f'{{"publicKeys":\n[{{"publicKey": "{KEY}"}}],\n"slug": 5}}', 3, "slug", "`5`", "expected a text", True, "7.json"),
)  # fmt: skip

WRONG_CREDENTIALS: Final = (
    WrongFile('{\n"id": "x"\n', 2, "", "", "malformed JSON"),
    WrongFile("[]", 1, "", "", "scrubjay credentials generate"),
    WrongFile(f'{{\n"id": 5,\n"public_key": "{_PUBLIC}", "secret_key": "{_SECRET}"}}', 2, "id", "`5`", "a text in quotes"),
    WrongFile(f'{{\n"id": "x",\n"public_key": "{_PUBLIC}", "secret_key": "{_SECRET}"}}', 2, "id", "`x`", "a UUID"),
    WrongFile(f'{{"id": "{_ID}",\n"publickey": "{_PUBLIC}", "secret_key": "{_SECRET}"}}', 2, "publickey", "", "did you mean `public_key`?"),
    WrongFile(f'{{"id": "{_ID}", "public_key": "{_PUBLIC}",\n"secret_key": "hunter2"}}', 2, "secret_key", "`***`", "URL-safe base64"),
    WrongFile(f'{{"id": "{_ID}",\n"public_key": "{_SECRET}",\n"secret_key": "{_SECRET}"}}', 2, "public_key", "", _PUBLIC),
    WrongFile(f'{{"id": "{_ID}", "public_key": "{_PUBLIC}",\n"secret_key": "${{file:gone}}"}}', 2, "secret_key", "", "No such file"),
)  # fmt: skip
