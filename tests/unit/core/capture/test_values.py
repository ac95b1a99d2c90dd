import pytest

from scrubjay.core.capture.values import BadQuery, Value, compiled, nearest, read_value, searchable, text_of


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("a", Value("a", False, "plain")),
        ("!a", Value("a", True, "plain")),
        ("a*", Value("a*", False, "wildcard")),
        ("!a*b", Value("a*b", True, "wildcard")),
        ("~a.*", Value("a.*", False, "regex")),
        ("!~a", Value("a", True, "regex")),
        (r"\!a*", Value("!a*", False, "plain")),
        (r"!\~a", Value("~a", True, "plain")),
        ("", Value("", False, "plain")),
    ],
)
def test_a_value_says_how_it_is_meant(raw, value):
    assert read_value(raw, "x") == value


@pytest.mark.parametrize(
    ("raw", "style", "yes", "no"),
    [
        ("dev", "whole", "dev", "Dev"),
        ("Oom", "part", "an OOM here", "om"),
        ("views.py", "end", "app/views.py", "views.pyc"),
        ("shop@1.*", "whole", "shop@1.2\n", "shop@12"),
        ("a.(b)*d", "part", "xA.(B)cDx", "axb"),
        ("app/*.py", "end", "src/app/a/b.py", "app/b.pyc"),
        (r"~^\d+$", "whole", "12", "12a"),
        ("~b", "part", "abc", "ABC"),
    ],
)
def test_each_style_and_form(raw, style, yes, no):
    test = read_value(raw, "x").test(style, "x")
    assert test(yes)
    assert not test(no)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [("(", "no regular expression of RE2"), ("a" * 2001, "at most 2000"), (r"\w{1,300}\w{1,300}", "x: "), ("\ud800", "lone surrogate"),
     (r"\w{1,20}@\w{1,20}$", "repeats too much")],
)  # fmt: skip
def test_patterns_are_bounded(pattern, problem):
    with pytest.raises(BadQuery, match=problem):
        compiled(pattern, "x")


def test_values_are_bounded():
    with pytest.raises(BadQuery, match="at most 2000"):
        read_value("a" * 2001, "x")


def test_texts_that_are_no_unicode_are_searched_all_the_same():
    assert searchable("a\ud800b") == b"a?b"
    assert read_value("~a.b", "x").test("whole", "x")("a\ud800b")


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (7, "7"), (True, "true"), (None, "null"), ([1, "b"], '[1,"b"]'), (2**70, str(2**70))],
)
def test_anything_else_is_compared_as_json(value, text):
    assert text_of(value) == text


def test_what_is_no_json_is_compared_too():
    assert text_of({1j}) == "{1j}"


def test_the_nearest_word():
    assert nearest("levle", ["level", "type"]) == "; did you mean 'level'?"
    assert nearest("zzz", ["level", "type"]) == "; accepted: level, type"
