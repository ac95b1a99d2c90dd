"""What the server is told of rules that left traces out."""

import pytest

from scrubjay.core.sampling.reason import normal_reason, sampled_reason


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        pytest.param([7, 1500, 1412, 1413, 1000], "Sampled:1000,1400,1500,0", id="the example"),
        pytest.param([1500, 3500, 12], "Sampled:1500,3000,0", id="decisions-81"),
        ([3001], "Sampled:3000"),
        ([1005, 1004, 1001], "Sampled:1001,1004,1005"),
        ([1006, 1399, 1499, 1599, 1600, 2999, 4999, 5000], "Sampled:1400,1500,3000,0"),
        ([0], "Sampled:0"),
    ],
)
def test_categories_in_order(ids: list[int], reason: str) -> None:
    assert sampled_reason(ids) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("Sampled:", None, id="decisions-113 empty"),
        pytest.param("Sampled:a", None, id="decisions-113 text"),
        pytest.param("Sampled:1456,1401,9", "Sampled:1400,0", id="decisions-113"),
        ("Sampled:1000,,1001", None),
        ("Sampled:1000, 1001", None),
        ("Sampled:-1", None),
        ("Sampled:٣", None),
        ("Sampled:4294967295", "Sampled:0"),
        ("Sampled:4294967296", None),
        ("Sampled:" + "1" * 5000, None),
        ("sampled:1000", None),
        ("1000", None),
        ("", None),
    ],
)
def test_reasons_of_others(text: str, reason: str | None) -> None:
    assert normal_reason(text) == reason
