"""Variance between inputs and between seeds, against textbook formulas and where something is not known."""

import numpy as np
import pytest
from scipy import stats

from perturbxai.metrics.statistics.components import components


def grouped(sizes, sd_inputs=1.0, sd_seeds=0.5, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(sd_inputs * rng.normal(), sd_seeds, size=m) for m in sizes]


def test_of_equal_numbers_the_interval_is_shrout_and_fleiss_icc1():
    table = np.array(grouped([4] * 9))
    (k, m), f = table.shape, stats.f_oneway(*table).statistic
    found = components(list(table))
    lower, upper = f / stats.f.ppf(0.975, k - 1, k * (m - 1)), f * stats.f.ppf(0.975, k * (m - 1), k - 1)
    assert found.icc == pytest.approx((f - 1) / (f + m - 1), rel=1e-10)
    assert found.low == pytest.approx((lower - 1) / (lower + m - 1), rel=1e-10)
    assert found.high == pytest.approx((upper - 1) / (upper + m - 1), rel=1e-10)


def test_variances_of_many_inputs_are_found_with_other_numbers_of_seeds():
    found = components(grouped([2, 3, 5, 8] * 500))
    assert found.sd_inputs == pytest.approx(1.0, rel=0.05)
    assert found.sd_seeds == pytest.approx(0.5, rel=0.05)
    assert found.low < 0.8 < found.high


def test_the_mean_weighs_inputs_alike():
    assert components([np.zeros(9), np.ones(1)]).mean == 0.5


def test_variance_between_inputs_is_never_below_zero():
    found = components([np.array([0.0, 1.0]), np.array([1.0, 0.0])])
    assert (found.sd_inputs, found.icc, found.low) == (0.0, 0.0, 0.0)


def test_seeds_that_change_nothing_leave_all_to_the_inputs():
    found = components([np.full(3, 1.0), np.full(3, 2.0)])
    assert (found.sd_seeds, found.icc, found.low, found.high) == (0.0, 1.0, 1.0, 1.0)


def test_one_seed_tells_nothing_of_seeds():
    found = components([np.array([1.0]), np.array([2.0])])
    assert np.isnan([found.sd_seeds, found.sd_inputs, found.icc, found.low, found.high]).all()


def test_one_input_tells_nothing_of_inputs():
    found = components([np.array([1.0, 2.0])])
    assert found.sd_seeds == pytest.approx(np.sqrt(0.5))
    assert np.isnan([found.sd_inputs, found.icc, found.low, found.high]).all()


def test_scores_that_never_differ_have_no_correlation():
    assert np.isnan(components([np.ones(3), np.ones(3)]).icc)


def test_scores_that_rounding_parts_do_not_vary():
    same = [np.array([0.3, 0.1 + 0.2]), np.array([0.1 + 0.2, 0.3])]
    found = components(same)
    assert (found.sd_inputs, found.sd_seeds) == (0.0, 0.0)
    assert np.isnan(found.icc)
    apart = components([np.array([0.3, 0.1 + 0.2]), np.array([0.7, 0.7])])
    assert (apart.sd_seeds, apart.icc) == (0.0, 1.0)
