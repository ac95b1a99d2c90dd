from scrubjay.core.capture.near import MAX_MISSES, NearMisses, near_misses, printable
from scrubjay.core.capture.query import parse_query
from support.founds import NOW, Shelf


def query(*params):
    return parse_query(params, now_unix=NOW)


def test_capture_10_those_that_fail_least_come_first_and_say_what():
    shelf = Shelf()
    shelf.event(message="a", level="info", tags={"area": "cart"})
    shelf.event(message="b", level="info")
    shelf.event(message="c", level="error")
    shelf.event(message="matching", level="error", tags={"area": "cart"})
    found = near_misses(shelf.founds, query(("level", "error"), ("tag.area", "cart")))
    assert [(one["event"]["title"], one["failed"]) for one in found] == [
        ("c", [{"condition": "tag.area=cart", "actual": []}]),
        ("a", [{"condition": "level=error", "actual": ["info"]}]),
        ("b", [{"condition": "level=error", "actual": ["info"]}, {"condition": "tag.area=cart", "actual": []}]),
    ]


def test_at_most_five_and_the_newest_of_equals():
    shelf = Shelf()
    for number in range(9):
        shelf.event(message=str(number), level="info" if number else "fatal")
    found = near_misses(shelf.founds, query(("level", "error"), ("message", "x")))
    assert [one["event"]["title"] for one in found] == ["8", "7", "6", "5", "4"]
    closer = near_misses(shelf.founds, query(("level", "fatal"), ("message", "x")))
    assert closer[0]["event"]["title"] == "0"
    assert len(closer) == MAX_MISSES
    for number in range(5):
        shelf.event(message=f"closer {number}", level="error")
    closest = near_misses(
        shelf.founds[::-1] + shelf.founds, query(("level", "error"), ("message", "x"), ("release", "1"))
    )
    assert [len(one["failed"]) for one in closest] == [2] * 5


def test_those_of_another_time_or_project_count_only_where_there_are_no_others():
    shelf = Shelf()
    shelf.event(message="before")
    mark = shelf.store.newest_id
    asked = query(("since", mark), ("level", "fatal"))
    (only,) = near_misses(shelf.founds, asked)
    assert [one["condition"] for one in only["failed"]] == [f"since={mark}", "level=fatal"]
    shelf.event(message="after")
    assert [one["event"]["title"] for one in near_misses(shelf.founds, asked)] == ["after"]


def test_a_line_for_people_does_nothing_to_a_terminal():
    shelf = Shelf()
    shelf.event(message="x\x1b[2J\u202e", level="info\x1b")
    near = NearMisses(query(("level", "error"), ("user.id", "7")))
    near.look(shelf.founds)
    (line,) = [miss.line() for miss in near.misses]
    assert line.isprintable()
    assert line.endswith("wanted level=error, but info�; user.id=7, but nothing")
    assert printable("a\nb\tc") == "a�b�c"


def test_long_and_many_values_are_told_in_part():
    shelf = Shelf()
    shelf.event(exception=[{"type": f"E{number}" * 100} for number in range(200)])
    (one,) = near_misses(shelf.founds, query(("exception", "None")))
    (failed,) = one["failed"]
    assert len(failed["actual"]) == 5
    assert all(len(value) == 200 for value in failed["actual"])
