import pytest

from scrubjay.core.capture.search import search, word
from scrubjay.core.capture.values import BadQuery
from support.founds import NOW, Shelf, event, record, titles

EVENT = {
    "message": "Payment declined: card 42", "level": "warning", "transaction": "/checkout", "culprit": "shop.pay in charge",
    "tags": {"area": "cart", "module": "a b"}, "release": "shop@1.2", "user": {"id": "7"}, "contexts": {"order": {"id": 42}},
}  # fmt: skip


def holds(text, found=None):
    found = event(**EVENT) if found is None else found
    return all(one.test(found) for one in search(text, NOW))


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ("", "refused"), ("payment", "pay mint"), ('"declined: CARD"', '"card declined"'), ("pay*card", "card*pay"), ("*", "x*"),
        ("checkout charge cart", "checkout nothing"), ("level:warning", "level:error"), ("LEVEL:warn", "level:!warning"),
        ("level:[error,warning]", "level:[error]"), ("!level:error", "!level:warning"), ("level:>=info", "level:>warning"),
        ("level>=warning", "level<warning"), ("size>1", "size:>1MB"), ("level:error OR checkout", "level:error OR nothing"),
        ("(level:error OR cart) checkout", "(level:error OR cart) nothing"), ("!(nothing OR none)", "!(cart OR none)"),
        ("payment AND cart", "payment AND nothing"), ("!!cart", "!!!cart"), ("area:cart", "area:shop"), ("area:c*", "area:!cart"),
        ("area:!shop", "!area:cart"), ('tag.module:"a b"', "tag.module:a"), ("user.id:7", "user.id:8"),
        ("path:/contexts/order/id=42", "path:/contexts/order/id=43"), ('path:/transaction="/checkout"', 'path:/transaction="/"'),
        ("release:shop@1.*", "release:shop@2.*"), ('message:~"card [0-9]+"', 'message:~"card [a-z]+"'), ('message:!"x"', 'message:!"card"'),
        ("declined:", "refused:"), ("since:1h", "until:1h"), ("area:cart payment", "a<b"), ("()", "() nothing"), ("!() payment", "!() nothing"),
        ('"payment', '"nothing'), ("declined: card", "http://x"), ("module:b", "module:c"),
    ],
)  # fmt: skip
def test_capture_10_the_grammar(yes, no):
    found = event(**(EVENT | {"breadcrumbs": []}))
    if "module:b" in yes:  # a key that no filter has is the plain text as well
        found = event(message="module:b")
    assert holds(yes, found)
    assert not holds(no, found)


def test_words_look_at_what_logs_say_and_at_tags():
    assert holds("LOGGED", record("log", {"items": [{"body": "user logged in"}]}))
    assert holds("area:ca", event(tags={"area": "cart"})) is True
    assert not holds("nothing", record("attachment", b"nothing"))
    assert list(word("x").read(event(message="boom"))) == ["boom"]


def test_signs_that_are_words():
    found = event(message="a->b std::vector 12:30 C:\\x x=5 !")
    for text in ("a->b", "std::vector", "12:30", "x=5", "!"):
        assert holds(text, found), text
    assert holds("!OR", event(message="and"))
    assert not holds("!AND", event(message="and"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("levle:error", "unknown key 'levle'; did you mean 'level'.*tag.levle"),
        ("sinse:1h", "did you mean 'since'"),
        ("type:eror", "did you mean 'error'"),
        ("level:>much", "cannot be compared"),
        ("area:>5", "unknown parameter 'area'"),
        ("user.x:5", "unknown parameter"),
        ("(a", "without `\\)`"),
        ("a)", "`\\)` without"),
        ("OR a", "on both sides"),
        ("a OR", "on both sides"),
        ("a OR ()", "on both sides"),
        ("x" * 2001, "at most 2000"),
        ("a " * 101, "at most 100 terms"),
        ("(" * 21 + "a" + ")" * 21, "at most 20 brackets"),
        ('message:~"("', "no regular expression"),
    ],
)
def test_capture_10_what_nobody_can_mean_is_refused(text, problem):
    with pytest.raises(BadQuery, match=problem):
        search(text, NOW)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("level:error payment", ["level=error", "payment"]),
        ('(a OR "b c") !d', ['(a OR "b c")', "!d"]),
        ("!(a b)", ["!(a b)"]),
        ("area:cart", ["(tag.area=cart OR area:cart)"]),
    ],
)
def test_what_is_shown_is_what_was_asked(text, shown):
    assert [one.shown for one in search(text, NOW)] == shown


def test_what_a_bracket_costs_is_what_its_parts_cost():
    (one,) = search("level:error OR exception:X OR has:suspects", NOW)
    assert (one.cost, one.needs_reports) == (1, True)
    (levels,) = search("level:error OR level:fatal", NOW)
    assert list(levels.read(event(level="info"))) == ["info"]


def test_many_records_are_found_by_words():
    shelf = Shelf()
    for number in range(3):
        shelf.event(message=f"number {number}")
    assert titles(one for one in shelf.founds if holds("number !1", one)) == ["number 2", "number 0"]
