import numpy as np
import pytest

from model.evaluation.statistics import Mean, Percentile, Ratio, Total, interval, value


def test_values_by_hand():
    numbers = np.array([1.0, 2.0, 6.0])
    assert value(Mean(numbers), 3) == 3.0
    assert value(Total(numbers), 3) == 9.0
    assert value(Ratio(numbers, np.array([2.0, 2.0, 0.0])), 3) == 9 / 4
    assert value(Percentile(np.array([[1.0, np.nan], [3.0, 8.0]]), 50), 2) == 3.0


def test_undefined_is_nan():
    assert np.isnan(value(Ratio(np.zeros(2), np.zeros(2)), 2))
    assert np.isnan(value(Percentile(np.full((2, 1), np.nan), 50), 2))
    assert np.isnan(value(Percentile(np.empty((2, 0)), 50), 2))
    assert np.isnan(interval(Ratio(np.zeros(2), np.zeros(2)).at, 2)).all()


def test_a_sample_takes_objects_as_often_as_they_are_drawn():
    picks = np.array([[0, 0, 1], [2, 2, 2]])
    assert Mean(np.array([0.0, 3.0, 9.0])).at(picks) == pytest.approx([1, 9])
    assert Percentile(np.array([[0.0], [3.0], [9.0]]), 100).at(picks) == pytest.approx([3, 9])


def test_percentiles_as_numpy_s():
    generator = np.random.default_rng(0)
    values = generator.normal(size=(7, 5))
    values[generator.random((7, 5)) < 0.4] = np.nan
    picks = generator.integers(7, size=(30, 7))
    for q in (50, 95):
        expected = [np.nanpercentile(values[pick], q) for pick in picks]
        assert Percentile(values, q).at(picks) == pytest.approx(expected)


def test_the_interval_of_a_mean_is_about_two_standard_errors_wide():
    values = np.random.default_rng(3).normal(10, 2, 400)
    low, high = interval(Mean(values).at, 400)
    assert low < values.mean() < high
    assert (high - low) / 2 == pytest.approx(1.96 * 2 / 20, rel=0.15)


def test_the_same_interval_every_time():
    values = np.arange(20.0)
    assert interval(Mean(values).at, 20) == interval(Mean(values).at, 20)
