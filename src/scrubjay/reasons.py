"""Why something ends: the table of all reasons, from which `docs/reasons.md` is generated.

What is counted is in `categories`, what a reason consists of in `outcomes`. Who books what is the ledger's business; this module only names
things.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from scrubjay.outcomes import Outcome, Reason, Section, filtering, invalid, lost

_SDK = "check the DSN and the version of the SDK"
_BODY = "the client sent something else than it announced; capture the request"

AUTH_MISSING: Final = invalid("auth_missing", 401, "The request carries no key.", _SDK)
AUTH_MULTIPLE: Final = invalid("auth_multiple", 401, "The request carries keys in two places.", _SDK)
AUTH_HEADER: Final = invalid("auth_header", 401, "The authentication header or query cannot be read.", _SDK)
AUTH_ENVELOPE: Final = invalid(
    "auth_envelope", 401, "No key but in the envelope header, and that cannot be read.", _SDK
)
AUTH_VERSION: Final = invalid("auth_version", 400, "Protocol version above 7.", _SDK)
AUTH_KEY: Final = invalid("auth_key", 400, "The key has not 32 characters.", _SDK)
RELAY_AUTH: Final = invalid("relay_auth", 401, "A relay did not prove who it is.", "see `auth.static_relays`")
RELAY_QUERY: Final = invalid(
    "relay_query",
    400,
    "What a relay asked cannot be read, or it asked with the wrong name.",
    "see the version of the relay",
)
RELAY_NOT_LISTED: Final = invalid(
    "relay_not_listed", 403, "The relay may not register here.", "name it and its key under `auth.static_relays`"
)
RELAY_UNASKED: Final = invalid(
    "relay_unasked",
    503,
    "Whether a relay is known could not be asked of the upstream, or too many wait for that.",
    "restore the upstream, or name the relay under `auth.static_relays`",
)
BAD_PROJECT: Final = invalid("bad_project", 400, "The project id in the path is no number.", _SDK)
PROJECT_ID: Final = invalid(
    "project_id",
    403,
    "No plan for this key, the plan is another project's, or key or project is switched off. The detail says which.",
    "add a project file with the key, or a plan `default`; compare its project's id with that of the DSN; mode `managed`: `scrubjay doctor --dsn DSN`",
)
UPSTREAM_DENIED: Final = invalid(
    "upstream_denied",
    403,
    "The server refused this key for this project a moment ago (401, 403); until `cache.miss_expiry` is over it is not asked again.",
    "compare key and project with the server's Client Keys (DSN), and see whether the project is active there",
)
LOOP: Final = invalid("loop", 508, "It came through this relay before.", "see `relay.upstream` of those on its way")
CORS: Final = invalid(
    "cors", 403, "The origin is not in the project's `allowedDomains`.", "add the domain to the project"
)
RELAY_SIGNATURE: Final = invalid(
    "relay_signature",
    400,
    "The header `X-Sentry-Relay-Signature` is no text of ASCII.",
    "see the relay or proxy before this one",
)
MISSING_SIGNATURE: Final = invalid(
    "missing_signature",
    403,
    "The project takes only what a relay has signed (`trustedRelaySettings.verifySignature`), and no signature came.",
    "send through a relay whose key is in the project's `trustedRelays`, or do not demand signatures",
    section=Section.DISCARDED,
)
INVALID_SIGNATURE: Final = invalid(
    "invalid_signature",
    403,
    "The project takes only what a relay has signed, and no key of its `trustedRelays` made the signature that came, or not lately.",
    "compare the relay's key with `trustedRelays`, and its clock with this one (`auth.signature_max_age`)",
    section=Section.DISCARDED,
)
CONTENT_ENCODING: Final = invalid("content_encoding", 415, "Unknown `Content-Encoding`.", _BODY)
CONTENT_TYPE: Final = invalid("content_type", 415, "The endpoint does not take this media type.", _BODY)
REQUEST_TOO_LARGE: Final = invalid(
    "request_too_large", 413, "The decoded body is over the route's limit.", "raise the limit under `limits.`"
)
BODY_TIMEOUT: Final = invalid(
    "body_timeout", 408, "The body stopped coming.", "raise `limits.body_idle_timeout` for slow links"
)
EMPTY_BODY: Final = invalid("empty_body", 400, "The body is empty.", _BODY)
INVALID_BODY: Final = invalid("invalid_body", 400, "The body cannot be decoded.", _BODY)
INVALID_ENVELOPE: Final = invalid("invalid_envelope", 400, "The body is no envelope.", _BODY)
INVALID_STORE_JSON: Final = invalid("invalid_json", 400, "The event is no JSON object.", _BODY)
INVALID_CHECK_IN: Final = invalid("invalid_check_in", 422, "The check-in has no status.", _BODY)
INTERNAL_ENVELOPE: Final = invalid(
    "internal_envelope", 400, "The envelope holds an item that only relays may send.", _BODY
)
DISALLOWED_METHOD: Final = invalid("disallowed_method", 405, "The route exists, but not for this method.", _BODY)

INVALID_JSON: Final = lost(
    "invalid_json",
    "The item's payload cannot be read as its type demands.",
    "the SDK sent a broken payload; capture it in `capture` mode",
    status=200,
    report_as="internal_sdk_error",
)
INVALID_EVENT_ID: Final = lost(
    "invalid_event_id",
    "The item belongs to an event, and the envelope names none.",
    "set `event_id` in the envelope header",
    status=200,
    report_as="internal_sdk_error",
)
UNSCRUBBABLE: Final = lost(
    "unscrubbable",
    "The payload broke a bound or a rule of scrubbing.",
    "see the drop record's detail, then the project's bounds",
    status=200,
    report_as="internal_sdk_error",
)
NOT_ALLOWED: Final = lost(
    "not_allowed",
    "Only listed values leave the project (`scrub.mode: allow`), and of this type of items none can be listed.",
    "name the type in `scrub.allow_items` if it may leave whole",
    status=200,
    report_as="internal_sdk_error",
)
INVALID_REPLAY_RECORDING: Final = lost(
    "invalid_replay_recording",
    "The replay recording cannot be read: no header, no JSON, or no zlib.",
    "the SDK sent a broken recording; capture it in `capture` mode",
    status=200,
    report_as="internal_sdk_error",
)
INVALID_REPLAY_VIDEO: Final = lost(
    "invalid_replay_video",
    "The replay video cannot be read: no msgpack, or no event and recording in it.",
    "the SDK sent a broken video; capture it in `capture` mode",
    status=200,
    report_as="internal_sdk_error",
)
OPAQUE_DROPPED: Final = lost(
    "opaque_dropped",
    "The payload cannot be read, and its policy (`scrub.opaque`, `attachments`, `binary_attachments`, `replay` …) is `drop`.",
    "see the settings under `scrub` if it may leave unread",
    status=200,
    report_as="internal_sdk_error",
)
UNKNOWN_ITEM: Final = Reason(
    "unknown_item",
    Outcome.LOST,
    "The item's type is not known, and `routing.accept_unknown_items` is off.",
    "expected; set `routing.accept_unknown_items: true` to keep such items",
    status=200,
    intended=True,
)
QUEUE_FAILED: Final = lost(
    "queue_failed",
    "Neither memory nor disk can hold the envelope.",
    "raise `spool.envelopes.max_disk_size`, or free the disk",
    status=503,
)
PROJECT_PENDING: Final = lost(
    "project_pending",
    "The project's configuration is not known yet, and there is no room to wait for it. The detail says which.",
    "see why the upstream does not answer (`scrubjay doctor`); raise `spool.envelopes.pending_max_bytes`",
    status=503,
)
UNAUDITED: Final = lost(
    "unaudited",
    "The audit log cannot be written, and the plan has `compliance: true`.",
    "free the disk of `scrub.audit_dir`; `scrubjay audit verify` tells what is there",
    status=503,
)
OUT_OF_MEMORY: Final = lost(
    "out_of_memory",
    "The process is over its memory mark.",
    "raise the memory limit, or `health.max_memory_percent`",
    status=503,
)
BODIES_FULL: Final = lost(
    "bodies_full",
    "Too many large bodies at once; this one found no room in memory in time and was not read.",
    "raise `limits.max_bodies_size`, or the memory limit",
    status=503,
)
INTERNAL: Final = lost(
    "internal", "An error in scrubjay.", "a bug in scrubjay; keep the drop record and report it", status=500
)
INTERNAL_SENDING: Final = lost(
    "internal",
    "An error in scrubjay, after the client had its answer.",
    "a bug in scrubjay; keep the drop record and report it",
    report_as="internal_sdk_error",
)
UNACCOUNTED: Final = lost(
    "unaccounted",
    "A quantity left the account without a reason.",
    "were files of the spool removed? else a bug in scrubjay; keep the drop record and report it",
    report_as="internal_sdk_error",
)

UPSTREAM_REJECTED: Final = lost(
    "upstream_rejected",
    "The server answered 4xx.",
    "see the status in the drop record and the server's log",
    report_as="send_error",
)
UPSTREAM_TOO_LARGE: Final = lost(
    "too_large",
    "The server answered 413.",
    "raise the server's limit, or lower ours so that clients learn of it",
    report_as="send_error",
)
UPSTREAM_ERROR: Final = lost(
    "upstream_error",
    "The server kept answering 5xx.",
    "see the server's log; `http.max_5xx_attempts` is the number of tries",
    report_as="send_error",
)
AMBIGUOUS: Final = lost(
    "ambiguous",
    "Counters were sent whole and no answer came; `http.ambiguous_counters: drop` does not send them twice.",
    "set it to `retry` if counting twice is better than not at all",
    report_as="send_error",
)
DISABLED_MEANWHILE: Final = Reason(
    "project_id",
    Outcome.INVALID,
    "The project was disabled or removed while the envelope waited.",
    "expected; enable the project again before what waits is sent",
    section=Section.DISCARDED,
    report_as="send_error",
)
SPOOL_EVICTED: Final = lost(
    "spool_evicted",
    "The outage outlasted the disk.",
    "raise `spool.envelopes.max_disk_size` or restore the upstream",
    report_as="cache_overflow",
)
SPOOL_EXPIRED: Final = lost(
    "spool_expired",
    "The envelope waited longer than allowed.",
    "raise `spool.envelopes.max_envelope_delay_secs`, or restore the upstream",
    report_as="network_error",
)
SPOOL_DROPPED: Final = lost(
    "spool_dropped",
    "An operator took it out of the spool.",
    "expected after `scrubjay spool drop`",
    report_as="cache_overflow",
)
SPOOL_CORRUPT: Final = lost(
    "spool_corrupt",
    "A record on disk was damaged.",
    "check the disk; the bytes are in `quarantine/`",
    report_as="cache_overflow",
)
DRAIN_TIMEOUT: Final = lost(
    "drain_timeout",
    "The process ended with envelopes in memory alone.",
    "configure a spool, or raise `limits.shutdown_timeout`; of plan `pending`: `spool.envelopes.pending: disk`",
    report_as="network_error",
)
UNANSWERED: Final = Reason(
    "unanswered",
    Outcome.LOST,
    "The process was killed before the envelope was safe: the client has no 200.",
    "expected after a kill: SDKs count such requests as lost themselves",
    intended=True,
)

SAMPLE_RATE: Final = Reason(
    "sample_rate",
    Outcome.SAMPLED,
    "The project's fixed sampling rate left it out.",
    "expected; raise the rate",
    status=200,
    intended=True,
    section=Section.DISCARDED,
)
MISSING_DSC: Final = lost(
    "missing_dsc",
    "Spans came without a sampling context (envelope header `trace`), and the project samples traces.",
    "update the SDK, which has to send one with its spans",
    status=200,
    report_as="internal_sdk_error",
)
INVALID_DSC: Final = lost(
    "invalid_dsc",
    "Spans came with the sampling context of another trace, and the project samples traces.",
    "the SDK mixed traces in one envelope; capture it in `capture` mode",
    status=200,
    report_as="internal_sdk_error",
)
INVALID_STANDALONE_PROFILE: Final = lost(
    "profiling_invalid_standalone",
    "A profile came without its transaction, and does not say that this was left out (`sampled: false`).",
    "update the SDK; a profile belongs into its transaction's envelope",
    status=200,
    report_as="internal_sdk_error",
)
FORWARDED: Final = Reason("forwarded", Outcome.FORWARDED, "The server took it.", "", intended=True)
RESTART: Final = Reason(
    "restart",
    Outcome.FORWARDED,
    "The server gave its final answer before the process was killed; which, could not be written down.",
    "the state files could not be written before the kill: see the log; the server's own counts tell",
    intended=True,
)
MERGED: Final = Reason(
    "merged",
    Outcome.FORWARDED,
    "A client report whose counts travel in ours (`client_reports.mode: merge`), or an outcome of another relay.",
    "",
    status=200,
    intended=True,
)
INVALID_CLIENT_REPORT: Final = lost(
    "invalid_client_report",
    "The client report cannot be read, and so cannot be merged.",
    "the SDK sent a broken report; `client_reports.mode: passthrough` leaves such to the server",
    status=200,
)
UNTOLD_OUTCOME: Final = lost(
    "untold_outcome",
    "An outcome that another relay reported cannot be told to the server (`compat.outcomes_endpoint`).",
    "see the drop record's detail; an unknown project needs a file with its key",
    status=202,
)
CAPTURED: Final = Reason("captured", Outcome.CAPTURED, "It ends in the capture page.", "", intended=True)
SERVER_LIMIT: Final = Reason(
    "generic",
    Outcome.RATE_LIMITED,
    "The server refused with 429 and counted it.",
    "the server refuses; look at its quota, not ours",
    status=None,
    intended=True,
)

ERROR_MESSAGE: Final = filtering("error-message", "A message or exception matches `errorMessages`.")
RELEASE_VERSION: Final = filtering("release-version", "The release matches `releases`.")
INVALID_CSP: Final = filtering("invalid-csp", "A report names a place of `csp`.")
IP_ADDRESS: Final = filtering("ip-address", "The client's address is one of `clientIps`.")
LOCALHOST: Final = filtering("localhost", "It comes from a developer's own machine (`localhost`).")
BROWSER_EXTENSIONS: Final = filtering("browser-extensions", "A browser extension failed, not the page.")
LEGACY_BROWSERS: Final = filtering("legacy-browsers", "The browser is one of `legacyBrowsers`.")
WEB_CRAWLERS: Final = filtering("web-crawlers", "A robot visited the page.")
FILTERED_TRANSACTION: Final = filtering("filtered-transaction", "The transaction's name matches `ignoreTransactions`.")
_FILTER: Final = replace(filtering("", "A filter with a condition, or one of ours."), pattern="*(the filter's id)*")

_LIMIT: Final = Reason(
    "",
    Outcome.RATE_LIMITED,
    "A limit is in force. Origin: a quota's id, or `upstream`.",
    "origin a quota: raise it, or sample more; `upstream`: the server refuses, look at its quota; `pressure`: give the spool more room",
    status=429,
    intended=True,
    section=Section.RATE_LIMITED,
    pattern="*(the quota's or the server's reason code)*",
)
_SAMPLED: Final = Reason(
    "Sampled:",
    Outcome.SAMPLED,
    "The rules of trace sampling left it out. Origin: their ids.",
    "expected; raise the rate of the rule",
    status=200,
    intended=True,
    section=Section.SAMPLING,
    pattern="Sampled:*(categories of the rules)*",
)
_TOO_LARGE: Final = Reason(
    "too_large",
    Outcome.INVALID,
    "An item, or a group of items, is over its limit.",
    "raise the limit under `limits.`",
    status=413,
    pattern="too_large:*(item type)*",
)

REASONS: Final[tuple[Reason, ...]] = tuple(
    value for name, value in sorted(globals().items()) if isinstance(value, Reason)
)
"""All rows, for the docs and for the tests that demand a booking of each."""


def rate_limited(code: str | None, *, is_reported: bool = True) -> Reason:
    """The reason for a loss to a limit; `code` is the limit's reason code, which may be absent."""
    return replace(_LIMIT, code=code or "", section=_LIMIT.section if is_reported else None)


def too_large(item_type: str) -> Reason:
    """The reason for an envelope whose items of one budget are too many or too large."""
    return replace(_TOO_LARGE, code=f"too_large:{item_type}")


def filtered(filter_id: str) -> Reason:
    """The reason for a loss to a filter that has an id."""
    return replace(_FILTER, code=filter_id)


def sampled(code: str) -> Reason:
    """The reason for a loss to rules of trace sampling; `code` names their categories (`core.sampling.reason`)."""
    return replace(_SAMPLED, code=code)
