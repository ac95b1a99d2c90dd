"""Containers of plain numbers."""

import pytest

from scrubjay.runtime.series import MAX_SERIES, Buckets, Series


def test_a_series_adds_up_and_is_bounded_without_losing_anything():
    series = Series()
    for number in range(2 * MAX_SERIES):
        series.add((str(number), "x"))
        series.add((str(number), "x"), 2)
    assert len(series) == MAX_SERIES + 1
    assert series["0", "x"] == 3
    assert series["other", "other"] == 3 * MAX_SERIES


def test_a_histogram_counts_each_value_in_its_bucket_bounds_included():
    buckets = Buckets((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 2.1):
        buckets.observe((), value)
    assert buckets[()] == [2, 2, 1, pytest.approx(7.1)]


def test_a_histogram_is_bounded():
    buckets = Buckets((1.0,))
    for number in range(MAX_SERIES + 7):
        buckets.observe((str(number),), 0)
    assert len(buckets) == MAX_SERIES + 1
    assert buckets["other",][0] == 7
