"""The words of a test that waited in vain."""

from scrubjay.testing.failures import MAX_SHOWN, plain, row, rows, unexpected, unsatisfied

OWN = {"id": "1-0", "type": "error", "level": "error", "title": "boom", "tags": {"b": "2", "a": "1"}}
DSN = "http://key@127.0.0.1:1/7"


def test_a_record_is_a_line():
    assert row(OWN) == "error error      boom  a=1 b=2"
    assert (
        row({"type": "log", "title": "x", "outcome": "filtered", "outcome_reason": "own"})
        == "log              x  filtered: own"
    )
    assert row({}).strip() == ""


def test_what_a_terminal_would_obey_is_gone_and_what_is_long_is_cut():
    assert plain("a\x1b[31m\n\u202eb") == "a\ufffd[31m\ufffd\ufffdb"
    assert plain("x" * 200) == "x" * 159 + "…"


def test_many_are_counted():
    assert rows([OWN] * (MAX_SHOWN + 2))[-1] == "  and 2 more"
    assert unexpected("none wanted", [OWN]) == "none wanted:\n  error error      boom  a=1 b=2"


def test_what_nearly_matched_is_only_of_this_test():
    of_another = {"event": {"id": "2-0", "title": "theirs"}, "failed": [{"condition": "project=7", "actual": ["8"]}]}
    near = {
        "event": OWN,
        "failed": [{"condition": "level=fatal", "actual": ["error"]}, {"condition": "tag.c=1", "actual": []}],
    }
    answer = {"waited_ms": 1234, "events": [], "near_misses": [of_another, near]}
    assert unsatisfied("one wanted", answer, [OWN], [], DSN).splitlines() == [
        "one wanted, after 1.2 s",
        "",
        "Nearly:",
        "  error error      boom  a=1 b=2",
        "      wanted level=fatal, but it has error",
        "      wanted tag.c=1, but it has nothing",
        "",
        "Arrived (1):",
        "  error error      boom  a=1 b=2",
    ]


def test_nothing_at_all_says_what_may_be_wrong():
    text = unsatisfied("one wanted", {}, [], ["9", "8", "9"], DSN)
    assert "arrived meanwhile for project 8, 9: was the SDK started with another DSN?" in text
    assert text.endswith(DSN)
    assert "does it sample?" in unsatisfied("one wanted", {}, [], [], DSN)
