"""Whatever is asked of whatever was captured: an answer, or `BadQuery`."""

from hypothesis import example, given
from hypothesis import strategies as st

from scrubjay.core.capture.expectations import Trial, parse_assertion
from scrubjay.core.capture.exports import as_curl, as_json, as_python, line
from scrubjay.core.capture.filters import FILTERS
from scrubjay.core.capture.imports import read_upload
from scrubjay.core.capture.markdown import as_markdown
from scrubjay.core.capture.near import near_misses
from scrubjay.core.capture.query import PAGING, BadQuery, parse_query
from scrubjay.core.capture.select import select
from scrubjay.core.envelope import encode_json
from support.founds import NOW, Shelf

TYPES = (
    "event",
    "transaction",
    "span",
    "log",
    "feedback",
    "check_in",
    "session",
    "replay_recording",
    "attachment",
    "later",
)
KEYS = st.sampled_from(
    (
        "exception", "values", "stacktrace", "frames", "filename", "in_app", "threads", "message", "type", "value", "tags", "user",
        "id", "contexts", "items", "body", "attributes", "level", "timestamp", "start_timestamp", "duration", "_meta", "", "rem",
        "breadcrumbs", "data", "request", "url", "logentry", "lineno", "context_line", "release",
    )
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
JSON = st.recursive(
    LEAVES,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(KEYS, children, max_size=5),
    max_leaves=20,
)
PIECES = st.sampled_from(
    (
        " ", "(", ")", "!", '"', "OR", "AND", ":", ">", "<=", "~", "*", "level", "error", "path:/a/*", "=", "tag.x", "has", "since",
        "duration", "5ms", "[a,b]", "\\", "http://x", "user.id", "message", "a b", "é", "-", "/",
    )
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=12).map("".join)
NAMES = st.sampled_from(
    (*FILTERS, "tag.x", "user.id", "path:/exception/values/*/type", "path:/*/*", "q", "since", "fields", "level>")
)


@given(text=TEXTS)
@example('"')
@example("!")
@example("!(")
@example("a:!~")
@example("!" * 999 + "a")
def test_any_search_is_understood_or_refused(text: str) -> None:
    try:
        query = parse_query([("q", text)], now_unix=NOW)
    except BadQuery:
        return
    shelf = Shelf()
    shelf.event(message=text, tags={"x": text})
    select(shelf.founds, query)
    encode_json(near_misses(shelf.founds, query))


@given(
    item_type=st.sampled_from(TYPES),
    document=JSON | st.dictionaries(KEYS, JSON, max_size=8),
    params=st.lists(st.tuples(NAMES, TEXTS | st.sampled_from(("*", "!*", "~.", "1", "error"))), max_size=4),
)
def test_anything_is_asked_of_anything(item_type: str, document: object, params: list[tuple[str, str]]) -> None:
    shelf = Shelf()
    shelf.offer((item_type, document), headers={"filename": 5, "content_type": None})
    try:
        query = parse_query(params, now_unix=NOW, also=PAGING)
    except BadQuery:
        return
    answer = select(shelf.founds, query)
    encode_json(answer)
    encode_json(near_misses(shelf.founds, query))
    assert answer["matched"] == sum(map(query.matches, shelf.founds))


@given(item_type=st.sampled_from(TYPES), document=JSON | st.dictionaries(KEYS, JSON, max_size=8))
def test_anything_leaves_in_every_form_and_comes_back(item_type: str, document: object) -> None:
    shelf = Shelf()
    founds = shelf.offer((item_type, document))
    for found in founds:
        as_json(found)
        compile(as_python(found), "test", "exec")
        assert as_curl(found.captured, "http://localhost", "k" * 32).isascii() or as_curl(found.captured, "", "")
        assert all(character.isprintable() or character == "\n" for character in as_markdown(found))
    (arrival,) = read_upload(b"\n".join(encode_json(line(found)) for found in founds)).arrivals
    assert [item.type for item in arrival.envelope.items] == [item_type]


@given(document=st.dictionaries(st.sampled_from(("expect", "since", "within_ms")), JSON) | JSON)
def test_any_assertion_is_understood_or_refused(document: object) -> None:
    try:
        parse_assertion(document, now_unix=NOW)
    except BadQuery:
        return


@given(
    expectation=st.fixed_dictionaries(
        {},
        optional={"match": st.dictionaries(NAMES, TEXTS, max_size=2), "count": st.integers(0, 2), "each": st.dictionaries(NAMES, TEXTS, max_size=2),
                  "absent": st.sampled_from(({"regex": "."}, {"text": "a"}))},
    ),
    document=st.dictionaries(KEYS, JSON, max_size=8),
)  # fmt: skip
def test_any_expectation_is_judged(expectation: dict[str, object], document: dict[str, object]) -> None:
    try:
        (expected,) = parse_assertion({"expect": [expectation]}, now_unix=NOW).expectations
    except BadQuery:
        return
    shelf = Shelf()
    shelf.offer(("event", document))
    trial = Trial(expected)
    trial.look(shelf.founds)
    assert not (trial.passed and trial.doomed)
