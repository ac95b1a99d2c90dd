"""The grammar of conditions and how values compare: `decisions.md` 6.1, 6.2, 6.4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address

import pytest

from scrubjay.core.conditions import CLIENT_IP, Asked, HexId, Subject, Value, compile_condition


class Fields:
    """A subject made of its fields."""

    def __init__(self, fields: Mapping[str, object], *, is_broken: bool = False) -> None:
        self._fields = fields
        self.is_broken = is_broken

    def value(self, name: str) -> Value:
        return self._fields.get(name)  # type: ignore[return-value]

    def elements(self, name: str) -> Sequence[Subject] | None:
        found = self._fields.get(name)
        return [Fields(element) for element in found] if isinstance(found, list) else None


def holds(config: object, **fields: object) -> bool:
    """Of a condition that has no problems; underscores in names stand for dots."""
    condition = compile_condition(config)
    assert condition.problems == ()
    assert condition.is_supported
    return condition.matches(Fields({name.replace("_", "."): value for name, value in fields.items()}))


def eq(value: object, **options: object) -> dict[str, object]:
    return {"op": "eq", "name": "f", "value": value, **options}


TRUE = {"op": "and", "inner": []}
FALSE = {"op": "or", "inner": []}
UUID = HexId("ab" * 16)
FOLDED = {"options": {"ignoreCase": True}}


@pytest.mark.parametrize(
    ("condition", "field", "expected"),
    [
        pytest.param(eq(None), None, True, id="decisions-87 missing"),
        pytest.param(eq(None), "x", False, id="decisions-87 present"),
        pytest.param({"op": "not", "inner": eq("prod")}, None, True, id="decisions-88"),
        pytest.param(eq(["a", "b"]), "b", True, id="decisions-90 list"),
        pytest.param(eq(["a", "b"]), "c", False, id="decisions-90 not in the list"),
        pytest.param(eq("AB" * 16), UUID, True, id="decisions-90 hex id in any case"),
        pytest.param(eq("abababab-abab-abab-abab-abababababab"), UUID, False, id="decisions-90 dashes"),
        pytest.param(eq("ab" * 15), UUID, False, id="decisions-90 length"),
        pytest.param(eq(["ab" * 16]), UUID, False, id="hex id in a list"),
        pytest.param(eq("x"), "x", True, id="text"),
        pytest.param(eq("X"), "x", False, id="text of another case"),
        pytest.param(eq("STRASSE", **FOLDED), "straße", True, id="case folding"),
        pytest.param(eq("y", **FOLDED), "x", False, id="case folding, another text"),
        pytest.param(eq(["A", "STRASSE"], **FOLDED), "straße", True, id="case folding in a list"),
        pytest.param(eq("X", ignoreCase=True), "x", False, id="an option beside the value has no effect"),
        pytest.param(eq("x"), True, False, id="text and bool"),
        pytest.param(eq("true"), True, False, id="bools are no texts"),
        pytest.param(eq(True), True, True, id="bool"),
        pytest.param(eq(True), False, False, id="other bool"),
        pytest.param(eq(False), None, False, id="missing is not false"),
        pytest.param(eq(True), 1, False, id="one is not true"),
        pytest.param(eq("1"), 1, False, id="a number is never equal"),
        pytest.param(eq("::1"), ip_address("::1"), True, id="address"),
        pytest.param(eq("0:0::1"), ip_address("::1"), True, id="address in another spelling"),
        pytest.param(eq("::2"), ip_address("::1"), False, id="other address"),
        pytest.param(eq("x"), ip_address("::1"), False, id="no address"),
        pytest.param(eq(["::1"]), ip_address("::1"), False, id="address in a list"),
    ],
)
def test_eq(condition: object, field: object, expected: bool) -> None:
    assert holds(condition, f=field) is expected


@pytest.mark.parametrize(
    ("op", "value", "field", "expected"),
    [
        pytest.param("gte", 500, 500, True, id="decisions-89 gte"),
        pytest.param("lte", 500, 500, True, id="decisions-89 lte"),
        pytest.param("gt", 500, 750.0, True, id="decisions-91 float"),
        pytest.param("gt", 500, None, False, id="decisions-91 missing"),
        pytest.param("gt", "500", 750.0, False, id="decisions-91 text value"),
        pytest.param("gt", 500, "750", False, id="text field"),
        pytest.param("gt", 500, 500, False, id="gt is strict"),
        pytest.param("lt", 500.5, 500, True, id="integer and float"),
        pytest.param("lt", 2**53, 2**53 + 1, False, id="integers compare exactly"),
        pytest.param("gte", float(2**53), 2**53 + 1, True, id="as floats they are equal"),
        pytest.param("gt", 0, True, False, id="a bool is no number"),
        pytest.param("gt", 0, 2**64, False, id="larger than numbers are"),
        pytest.param("lt", 0, -(2**63), True, id="the least number"),
        pytest.param("gt", "a", "b", True, id="texts"),
        pytest.param("lt", "\uffff", "\U00010000", False, id="texts compare by bytes"),
        pytest.param("gt", "a", HexId("b"), False, id="ids have no order"),
        pytest.param("gt", "a", 1, False, id="a number and a text"),
        pytest.param("lte", "a", "\ud800", False, id="half a pair"),
    ],
)
def test_orders(op: str, value: object, field: object, expected: bool) -> None:
    assert holds({"op": op, "name": "f", "value": value}, f=field) is expected


@pytest.mark.parametrize(
    ("patterns", "field", "expected"),
    [
        pytest.param(["payments@2.*"], "PAYMENTS@2.14.0", True, id="decisions-94 match"),
        pytest.param(["payments@2.*"], "xpayments@2.0", False, id="decisions-94 whole text"),
        pytest.param([], "x", False, id="no patterns"),
        pytest.param(["*"], None, False, id="missing"),
        pytest.param(["*"], 5, False, id="number"),
        pytest.param(["*"], UUID, False, id="hex id"),
    ],
)
def test_glob(patterns: object, field: object, expected: bool) -> None:
    assert holds({"op": "glob", "name": "f", "value": patterns}, f=field) is expected


def test_broken_globs_are_skipped() -> None:
    condition = compile_condition({"op": "glob", "name": "f", "value": ["[a", "ok*"]})  # decisions-96
    assert condition.matches(Fields({"f": "okay"}))
    assert condition.is_supported
    assert condition.problems == ("pattern '[a': `[` without `]`; it is skipped",)


def test_quirks_reach_the_globs() -> None:
    config = {"op": "glob", "name": "f", "value": ["x{open"]}
    assert not compile_condition(config).matches(Fields({"f": "x"}))
    assert compile_condition(config, quirks=True).matches(Fields({"f": "x"}))


def test_cidr() -> None:
    condition = compile_condition({"op": "cidr", "name": "f", "value": ["10.0.0.0/8", "bad"]})  # decisions-98
    assert condition.problems == ("'bad' is no address and no network; it is skipped",)
    for field, expected in (
        (ip_address("10.9.9.9"), True),
        ("10.9.9.9", True),
        ("x", False),
        (None, False),
        (5, False),
    ):
        assert condition.matches(Fields({"f": field})) is expected


@pytest.mark.parametrize(
    ("comparator", "value", "field", "expected"),
    [
        pytest.param("lt", "1.10.0", "app@1.9.0", True, id="decisions-97 package of any name"),
        pytest.param("lt", "1.10.0", "1.10.0-rc.1", True, id="decisions-97 pre-release"),
        pytest.param("lt", "1.10.0", "1.10.0+b7", False, id="decisions-97 build"),
        pytest.param("lt", "1.10.0", "a4b7e0f9c2d1", False, id="decisions-97 commit"),
        pytest.param("lt", "app@1.2.0", "other@1.0.0", False, id="decisions-97 other package"),
        pytest.param("lt", "app@1.2.0", "app@1.0.0", True, id="same package"),
        pytest.param("lt", "app@1.2.0", "1.0.0", False, id="no package"),
        pytest.param("eq", "1.10", "app@1.10.0+b", True, id="eq"),
        pytest.param("gte", "1.10", "1.10", True, id="gte"),
        pytest.param("lte", "1.10", "1.11", False, id="lte"),
        pytest.param("gt", "1.10", "1.11", True, id="gt"),
        pytest.param("gt", "1.10", "a/b", False, id="no release"),
        pytest.param("gt", "1.10", None, False, id="missing"),
    ],
)
def test_release(comparator: str, value: str, field: object, expected: bool) -> None:
    assert holds({"op": "release", "name": "f", "comparator": comparator, "value": value}, f=field) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param(TRUE, True, id="decisions-93 empty and"),
        pytest.param(FALSE, False, id="decisions-93 empty or"),
        pytest.param({"op": "and", "inner": [TRUE, FALSE]}, False, id="and"),
        pytest.param({"op": "and", "inner": [TRUE, TRUE]}, True, id="and of all"),
        pytest.param({"op": "or", "inner": [FALSE, TRUE]}, True, id="or"),
        pytest.param({"op": "or", "inner": [FALSE, FALSE]}, False, id="or of none"),
        pytest.param({"op": "not", "inner": TRUE}, False, id="not"),
    ],
)
def test_logic(condition: object, expected: bool) -> None:
    assert holds(condition) is expected


ELEMENTS = [{"ty": "ValueError"}, {"ty": "KeyError"}]


@pytest.mark.parametrize(
    ("op", "field", "expected"),
    [
        pytest.param("any", ELEMENTS, True, id="decisions-92 any"),
        pytest.param("all", ELEMENTS, False, id="decisions-92 all"),
        pytest.param("all", ELEMENTS[1:], True, id="decisions-92 all of one"),
        pytest.param("any", None, False, id="decisions-92 any of none"),
        pytest.param("all", None, False, id="decisions-92 all of none"),
        pytest.param("any", [], False, id="any of an empty array"),
        pytest.param("all", [], True, id="all of an empty array"),
        pytest.param("any", "text", False, id="no array"),
    ],
)
def test_elements(op: str, field: object, expected: bool) -> None:
    config = {"op": op, "name": "f", "inner": {"op": "eq", "name": "ty", "value": "KeyError"}}
    assert holds(config, f=field) is expected


UNSUPPORTED = [
    pytest.param({"op": "neq", "name": "f", "value": "x"}, id="decisions-93"),
    pytest.param({"op": "release", "name": "f", "comparator": "zz", "value": "1.0"}, id="comparator"),
    pytest.param({"op": "release", "name": "f", "comparator": "gt", "value": "latest"}, id="no version"),
    pytest.param({"op": "release", "name": "f", "comparator": "gt", "value": "a4b7e0f9c2d1"}, id="commit"),
    pytest.param({"op": "release", "name": "f", "comparator": "gt", "value": "a/b"}, id="no release"),
]


@pytest.mark.parametrize("config", UNSUPPORTED)
def test_unsupported_never_matches(config: object) -> None:
    condition = compile_condition(config)
    assert not condition.is_supported
    assert len(condition.problems) == 1
    assert not condition.matches(Fields({"f": "1.0"}))
    outers: list[object] = [{"op": "and", "inner": [TRUE, config]}, {"op": "any", "name": "f", "inner": config}]
    for outer in outers:
        assert not compile_condition(outer).is_supported
    assert compile_condition({"op": "not", "inner": config}).matches(Fields({}))


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        pytest.param(eq(5), "`eq` on f with a number never matches; use `gte` and `lte`", id="decisions-89 Q13"),
        pytest.param(eq({"a": 1}), "`eq` on f with an object never matches", id="object"),
        pytest.param(
            {"op": "gt", "name": "f", "value": None},
            "f can only be compared with a number or a text; this condition never matches",
            id="gt null",
        ),
        pytest.param(
            {"op": "gt", "name": "f", "value": True},
            "f can only be compared with a number or a text; this condition never matches",
            id="gt bool",
        ),
    ],
)
def test_what_never_matches_is_named(config: object, problem: str) -> None:
    condition = compile_condition(config)
    assert condition.problems == (problem,)
    assert condition.is_supported
    for field in (5, 500, None, True, "x"):
        assert not condition.matches(Fields({"f": field}))


def test_what_is_no_text_in_a_list_is_skipped() -> None:
    condition = compile_condition(eq(["a", 1, "b"]))  # decisions-90
    assert condition.problems == ("`eq` on f: in a list only texts count; the rest is skipped",)
    assert condition.matches(Fields({"f": "b"}))
    assert not condition.matches(Fields({"f": 1}))


@pytest.mark.parametrize(
    "config",
    [
        *(None, "x", [], 5, {}, {"op": 1}, {"op": None}),
        {"op": "eq", "name": "f"},
        {"op": "eq", "value": "x"},
        {"op": "eq", "name": 1, "value": "x"},
        {"op": "eq", "name": "f", "value": "x", "options": None},
        {"op": "eq", "name": "f", "value": "x", "options": {"ignoreCase": "yes"}},
        {"op": "gt", "name": "f"},
        {"op": "glob", "name": "f", "value": "x"},
        {"op": "glob", "name": "f", "value": ["x", 1]},
        {"op": "cidr", "name": "f", "value": ["10.0.0.1", None]},
        {"op": "release", "name": "f", "comparator": "gt", "value": 1},
        {"op": "release", "name": "f", "comparator": 1, "value": "1.0"},
        {"op": "release", "name": "f", "value": "1.0"},
        {"op": "and"},
        {"op": "or", "inner": {}},
        {"op": "and", "inner": ["x"]},
        {"op": "not", "inner": []},
        {"op": "not"},
        {"op": "any", "inner": TRUE},
        {"op": "all", "name": "f"},
    ],
    ids=repr,
)
def test_parse_errors(config: object) -> None:
    for whole in (config, {"op": "and", "inner": [{"op": "zz"}, config]}):
        with pytest.raises(ValueError, match=r"must|missing"):
            compile_condition(whole)


def test_depth_is_bounded() -> None:
    config: object = TRUE
    for _ in range(100):
        config = {"op": "not", "inner": config}
    assert holds(config)
    with pytest.raises(ValueError, match="too deeply"):
        compile_condition({"op": "not", "inner": config})


def test_what_cannot_be_read_does_not_match() -> None:
    for config in ({"op": "not", "inner": eq("prod")}, eq(None)):
        condition = compile_condition(config)
        assert condition.matches(Fields({}))
        assert not condition.matches(Fields({}, is_broken=True))


def test_what_is_asked_for_is_told_once_and_with_its_place() -> None:
    inner = {
        "op": "and",
        "inner": [{"op": "any", "name": "deeper", "inner": {"op": "eq", "name": "z", "value": 1}}, eq("y")],
    }
    condition = compile_condition(
        {"op": "or", "inner": [eq("x"), {"op": "all", "name": "list", "inner": inner}, eq("y")]}
    )
    assert condition.asked == (
        Asked("f"),
        Asked("list", is_list=True),
        Asked("deeper", is_list=True, within="list"),
        Asked("z", within="deeper"),
        Asked("f", within="list"),
    )
    assert compile_condition(TRUE).asked == ()


def test_the_address_of_the_client_does_not_stand_in_the_payload() -> None:
    broken = Fields({CLIENT_IP: ip_address("::1")}, is_broken=True)
    config = {"op": "cidr", "name": CLIENT_IP, "value": ["::1"]}
    assert compile_condition(config).matches(broken)
    assert not compile_condition({"op": "and", "inner": [config, eq(None)]}).matches(broken)


def test_members_that_nobody_knows_are_ignored() -> None:
    assert holds({**TRUE, "name": 5, "martian": []})
