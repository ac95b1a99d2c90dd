"""The one table of positions whose texts leave as they came, whatever the rules, each with its reason.

Everything else in every item is planted. A position is `item type: path`, `*` being one step or any part of one and `**` any number
of steps, array positions written as `*`.
"""

import re
from functools import cache

_NAMED = "read by value: the server groups, links, counts or displays by it"
_FORMAT = "part of the format: types, units, enumerations, versions"
_CODE = "names and lines of code; class false in the reference"
_FILES = "of a path only the folders are a text; the name of the file is a name of code"
_FACTS = "facts about machine and runtime; class false in the reference"
_SDK = "who wrote the payload"
_TYPED_IN = "what a user typed into the feedback form, and where to answer; class false in the reference"
_REPLAY = "structure of the page, without which nothing can be replayed"
_COUNTS = "counts of what a client dropped; no text of the application's"
_OFF = "not in force: what the server said to itself"

_DOCUMENTS = "event|transaction|feedback|replay_event"
_RECORDS = "span|log|trace_metric"

STAYING: tuple[tuple[str, str, str], ...] = (
    # Any document.
    (_DOCUMENTS, "event_id|replay_id|error_ids.*|trace_ids.*|timestamp|start_timestamp|replay_start_timestamp|received", _NAMED),
    (_DOCUMENTS, "platform|level|release|dist|environment|site|logger|fingerprint.*|modules.*|transaction|project", _NAMED),
    (_DOCUMENTS, "type|version|replay_type|transaction_info.source|measurements.**|breakdowns.**", _FORMAT),
    (_DOCUMENTS, "sdk.name|sdk.version|sdk.integrations.*|sdk.packages.**|sdk.features.*|sdk.settings.**", _SDK),
    (_DOCUMENTS, "request.method|request.protocol|request.api_target|request.inferred_content_type", _FORMAT),
    (_DOCUMENTS, "request.headers.user-agent", _FACTS),
    (_DOCUMENTS, "_meta.**", _FORMAT),
    # Where the code was.
    (_DOCUMENTS, "exception.**.type|exception.**.module|exception.**.thread_id|exception.**.mechanism.source", _CODE),
    (_DOCUMENTS, "exception.**.help_link|exception.**.mechanism.meta.**", _CODE),
    (_DOCUMENTS, "threads.**.id|threads.**.name|threads.**.state", _CODE),
    (_DOCUMENTS, "**.frames.*.function|**.frames.*.raw_function|**.frames.*.symbol|**.frames.*.package", _CODE),
    (_DOCUMENTS, "**.frames.*.context_line|**.frames.*.pre_context.*|**.frames.*.post_context.*|**.frames.*.data.**", _CODE),
    (_DOCUMENTS, "**.frames.*.instruction_addr|**.frames.*.platform|**.frames.*.lock.**", _CODE),
    (_DOCUMENTS, "**.frames.*.filename|**.frames.*.abs_path", _FILES),
    (_DOCUMENTS, "debug_meta.images.*.type|debug_meta.images.*.debug_id|debug_meta.images.*.code_id|debug_meta.images.*.arch", _CODE),
    (_DOCUMENTS, "debug_meta.images.*.image_addr|debug_meta.images.*.code_file|debug_meta.images.*.debug_file", _FILES),
    # What happened around it.
    (_DOCUMENTS, "breadcrumbs.**.type|breadcrumbs.**.level|breadcrumbs.**.event_id|breadcrumbs.**.timestamp", _FORMAT),
    (_DOCUMENTS, "spans.*.op|spans.*.origin|spans.*.status|spans.*.span_id|spans.*.parent_span_id|spans.*.trace_id", _NAMED),
    (_DOCUMENTS, "spans.*.timestamp|spans.*.start_timestamp|spans.*.segment_id", _NAMED),
    (_DOCUMENTS, "spans.*.data.sentry.op|spans.*.data.sentry.origin|spans.*.data.release", _NAMED),
    (_DOCUMENTS, "contexts.*.type", _FORMAT),
    (_DOCUMENTS, "contexts.trace.trace_id|contexts.trace.span_id|contexts.trace.parent_span_id|contexts.trace.op", _NAMED),
    (_DOCUMENTS, "contexts.trace.status|contexts.trace.origin|contexts.trace.data.sentry.*", _NAMED),
    (_DOCUMENTS, "contexts.os.name|contexts.os.version|contexts.runtime.name|contexts.runtime.version", _FACTS),
    (_DOCUMENTS, "contexts.rust.name|contexts.rust.version", _FACTS),
    (_DOCUMENTS, "contexts.device.arch|contexts.device.model|contexts.device.family", _FACTS),
    (_DOCUMENTS, "contexts.profile.profiler_id", _NAMED),
    ("feedback", "contexts.feedback.*", _TYPED_IN),
    # Records.
    (_RECORDS, "ingest_settings.*", _FORMAT),
    (_RECORDS, "items.*.trace_id|items.*.span_id|items.*.parent_span_id|items.*.level|items.*.status|items.*.kind", _NAMED),
    (_RECORDS, "items.*.type|items.*.unit|items.*.attributes.**.type", _FORMAT),
    (_RECORDS, "items.*.attributes.sentry.sdk.**|items.*.attributes.sentry.timestamp.sequence.value", _SDK),
    (_RECORDS, "items.*.attributes.sentry.op.value|items.*.attributes.sentry.origin.value|items.*.attributes.sentry.source.value", _NAMED),
    (_RECORDS, "items.*.attributes.sentry.platform.value|items.*.attributes.sentry.transaction.value", _NAMED),
    (_RECORDS, "items.*.attributes.sentry.segment.id.value|items.*.attributes.sentry.segment_id.value", _NAMED),
    (_RECORDS, "items.*.attributes.sentry.idle_span_finish_reason.value|items.*.attributes.sentry.status.value", _NAMED),
    ("trace_metric", "items.*.name", _NAMED),
    (_RECORDS, "items.*.attributes.sentry.release.value|items.*.attributes.sentry.environment.value", _NAMED),
    # Items that are read by value.
    ("session|sessions", "sid|started|timestamp|status|aggregates.*.started|attrs.release|attrs.environment", _NAMED),
    ("check_in", "check_in_id|event_id|monitor_slug|monitor_config.**|status|release|environment|platform", _NAMED),
    ("check_in", "contexts.trace.*|timestamp|type|sdk.**", _NAMED),
    ("client_report", "**", _COUNTS),
    ("user_report", "event_id", _NAMED),
    ("profile|profile_chunk", "chunk_id|profiler_id|event_id|platform|version|release|environment|timestamp", _NAMED),
    ("profile|profile_chunk", "client_sdk.*|**.thread_id|**.active_thread_id|transaction.id|transaction.trace_id", _NAMED),
    ("profile|profile_chunk", "**.version", _FACTS),
    ("profile|profile_chunk", "transactions.*.id|transactions.*.trace_id", _NAMED),
    ("profile|profile_chunk", "profile.frames.*.*", _CODE),
    ("replay_recording", "**.tagName|*.type|*.data.tag|*.data.payload.type|*.data.payload.op", _REPLAY),
    ("attachment", "rendering_system|windows.**.type", _REPLAY),
    # Headers.
    ("envelope header", "event_id|sent_at|dsn|trace.trace_id|trace.public_key|trace.replay_id|trace.sample_rand", _NAMED),
    ("envelope header", "trace.sample_rate|trace.sampled|trace.release|trace.environment|sdk.**", _NAMED),
    ("item header", "type|content_type|attachment_type|platform", _FORMAT),
)  # fmt: skip


@cache
def reason(item_type: str, path: str) -> str | None:
    """Why a position stays, None if it does not."""
    return next((why for types, pattern, why in STAYING if _fits(types, item_type) and _fits(pattern, path)), None)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    steps = re.escape(pattern).replace(r"\*\*", "\0").replace(r"\*", r"[^.]*").replace("\0", ".*")
    return re.compile(steps)


def _fits(pattern: str, text: str) -> bool:
    return any(_pattern(one).fullmatch(text) for one in pattern.split("|"))
