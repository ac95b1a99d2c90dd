from scrubjay.core.capture.remarks import remarks


def meta(**tree):
    return {"x": 1, "_meta": tree}


def rem(*entries, **more):
    return {"": {"rem": list(entries), **more}}


def test_nothing_scrubbed_nothing_listed():
    assert remarks({"a": 1}) == []
    assert remarks([1]) == []
    assert remarks(None) == []
    assert remarks(meta(a={"b": {}})) == []


def test_each_remark_has_path_rule_action_and_range():
    document = meta(
        user={"email": rem(["@email:replace", "s", 0, 7], len=16)},
        request={"headers": {"0": {"1": rem(["@password:filter", "x"])}}},
    )
    assert remarks(document) == [
        {"path": "/user/email", "rule": "@email:replace", "action": "replaced", "range": [0, 7], "len_before": 16},
        {"path": "/request/headers/0/1", "rule": "@password:filter", "action": "removed"},
    ]


def test_several_remarks_on_one_value_stay_in_order():
    found = remarks(meta(a=rem(["r", "m", 0, 1], ["q", "p", 2, 42], ["e", "e", 43, 50], ["z", "a", 51, 52])))
    assert [(one["rule"], one["action"]) for one in found] == [
        ("r", "masked"),
        ("q", "hashed"),
        ("e", "encrypted"),
        ("z", "annotated"),
    ]


def test_the_whole_document_can_be_remarked():
    assert remarks({"_meta": rem(["r", "x"])}) == [{"path": "", "rule": "r", "action": "removed"}]


def test_slashes_and_tildes_in_keys_are_escaped():
    assert remarks({"_meta": {"a/b": {"c~d": rem(["r", "x"])}}})[0]["path"] == "/a~1b/c~0d"


def test_whatever_an_sdk_put_there_is_no_error():
    assert remarks(meta(a={"": 5}, b=[1], c={"": {"rem": [5, ["only"], "x"]}}, d=None)) == []
    assert remarks(meta(a=rem(["r", "s", "0", 7], len="16"))) == [{"path": "/a", "rule": "r", "action": "replaced"}]
    assert remarks(meta(a=rem([5, None]))) == [{"path": "/a", "rule": "5", "action": "annotated"}]


def test_depth_does_not_matter():
    tree = rem(["r", "x"])
    for _ in range(5_000):
        tree = {"a": tree}
    assert remarks({"_meta": tree})[0]["path"] == "/a" * 5_000
