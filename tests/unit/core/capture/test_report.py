import pytest

from scrubjay.core.capture.report import Report

CHANGES = [
    {"path": "/items/0/body", "rule": "@ip"},
    {"path": "/items/10/body", "rule": "@email"},
    {"path": "/items/1", "rule": "@email"},
]


def test_a_report_survives_packing():
    report = Report("shape", CHANGES, [{"path": "/a"}], {"@ip": {"hits": 1, "bytes": 2}}, 2, 0.5, "why")
    assert Report.unpacked(report.packed()) == report
    assert report.document()["reason"] == "why"
    assert "reason" not in Report("none").document()


@pytest.mark.parametrize(
    ("part", "counts"),
    [
        (-1, (3, ["@ip", "@email"], 2)),
        (0, (1, ["@ip"], 1)),
        (1, (1, ["@email"], 0)),
        (10, (1, ["@email"], 0)),
        (2, (0, [], 0)),
    ],
)
def test_an_entry_of_a_container_has_its_own_part(part, counts):
    report = Report("full", CHANGES, [{"path": "/items/0/attributes/x"}, {"path": "/version"}])
    assert report.counts([part, 5])[part] == counts
    changes, suspects = report.of_part(part)
    assert (len(changes), len(suspects)) == (counts[0], counts[2])
