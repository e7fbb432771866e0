"""Statistics of paired differences against scipy's own, against hand computation, and where there is nothing to tell."""

import numpy as np
import pytest
from scipy import stats

from perturbxai.metrics.statistics import bootstrap, margins
from perturbxai.metrics.statistics.friedman import friedman
from perturbxai.metrics.statistics.holm import holm
from perturbxai.metrics.statistics.power import detectable, power
from perturbxai.metrics.statistics.signed_ranks import rank_biserial, wilcoxon
from perturbxai.metrics.statistics.win_rate import win_rate

RNG = np.random.default_rng(0)
DIFFERENCES = RNG.normal(0.3, 1.0, size=30)
TIED = np.array([1.0, -1.0, 2.0, 2.0, 0.0, 3.0, -2.0, 4.0, 0.0, 1.0])


def ones(n):
    return np.ones(n, dtype=np.int64)


# ------------------------------------------------------------------------------------------------ the bootstrap


def test_the_interval_is_scipys_at_the_expanded_level():
    found = bootstrap.interval(DIFFERENCES, ones(30), 0.95, np.random.default_rng(5), 2_000)
    own = stats.bootstrap(
        (DIFFERENCES,), np.mean, n_resamples=2_000, confidence_level=bootstrap.expanded(0.95, 30), method="BCa",
        random_state=np.random.default_rng(5), batch=1_000,
    ).confidence_interval  # fmt: skip
    np.testing.assert_allclose(found, own, atol=1e-12)


def test_inputs_are_drawn_whole():
    """Ten copies of a difference within an input tell no more than one."""
    alone = bootstrap.interval(DIFFERENCES, ones(30), 0.95, np.random.default_rng(5), 2_000)
    copied = bootstrap.interval(10 * DIFFERENCES, 10 * ones(30), 0.95, np.random.default_rng(5), 2_000)
    np.testing.assert_allclose(copied, alone, atol=1e-12)


def test_of_many_inputs_the_level_is_hardly_expanded():
    assert bootstrap.expanded(0.95, 10_000) == pytest.approx(0.95, abs=2e-4)
    assert bootstrap.expanded(0.95, 20) > 0.96


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_few_inputs_have_an_infinite_interval(n):
    assert bootstrap.interval(DIFFERENCES[:n], ones(n), 0.95, np.random.default_rng(0)) == (-np.inf, np.inf)


def test_more_inputs_are_needed_for_a_higher_level():
    assert not bootstrap.too_few(6, 0.95)
    assert bootstrap.too_few(7, 0.99)
    assert not bootstrap.too_few(8, 0.99)


def test_the_same_difference_everywhere_has_an_infinite_interval():
    assert bootstrap.interval(np.full(40, 0.1), ones(40), 0.95, np.random.default_rng(0)) == (-np.inf, np.inf)


# ------------------------------------------------------------------------------------------------ ranks and wins


@pytest.mark.parametrize("n", [4, 12, 30, 50])
def test_without_ties_wilcoxon_is_scipys_exact_test(n):
    differences = np.random.default_rng(n).normal(0.2, 1.0, size=n)
    assert wilcoxon(differences) == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue, rel=1e-12)


def test_with_ties_all_signs_are_counted():
    there = TIED[TIED != 0]
    own = stats.wilcoxon(there, method=stats.PermutationMethod(n_resamples=np.inf)).pvalue
    assert wilcoxon(TIED) == pytest.approx(own, rel=1e-12)


def test_of_many_differences_it_is_scipys_normal_law_with_ties():
    differences = np.round(np.random.default_rng(1).normal(0.1, 1.0, size=200), 1)
    own = stats.wilcoxon(differences, zero_method="wilcox", correction=False)
    assert wilcoxon(differences) == pytest.approx(own.pvalue, rel=1e-10)


def test_five_inputs_can_never_be_significant():
    assert wilcoxon(np.arange(1.0, 6.0)) == 2 / 2**5


def test_no_difference_at_all_has_p_of_one_and_no_lean():
    assert wilcoxon(np.zeros(8)) == 1.0
    assert rank_biserial(np.zeros(8)) == 0.0


def test_the_rank_biserial_correlation_is_the_difference_of_shares_of_ranks():
    # by hand: sizes 1 1 2 2 2 1 3 4 have the ranks 2 2 5 5 5 2 7 8, of which 2 and 5 are below 0
    assert rank_biserial(TIED) == pytest.approx((29 - 7) / 36)
    assert rank_biserial(np.array([0.1, 5.0])) == 1.0


def test_ties_are_half_a_win_and_the_interval_is_wilsons():
    share, low, high = win_rate(np.array([1.0, 1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 1.0]), 0.95)
    assert share == 6 / 8
    np.testing.assert_allclose((low, high), stats.binomtest(6, 8).proportion_ci(method="wilson"), atol=1e-12)


def test_no_input_has_no_win_rate():
    assert np.isnan(win_rate(np.zeros(0), 0.95)[0])
    assert win_rate(np.zeros(0), 0.95)[1:] == (0.0, 1.0)


# ------------------------------------------------------------------------------------------------ several tests


def test_holm_is_that_of_statsmodels():
    # statsmodels 0.14: multipletests([.01, .04, .03, .005, .5], method="holm")[1]
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005, 0.5])), [0.04, 0.09, 0.09, 0.025, 0.5], rtol=1e-12)
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]
    assert holm(np.zeros(0)).shape == (0,)


def test_friedman_is_scipys_and_the_best_has_the_least_rank():
    scores = RNG.normal(size=(15, 4)) + np.array([0.0, 2.0, 0.0, 0.0])
    found, own = friedman(scores), stats.friedmanchisquare(*scores.T)
    np.testing.assert_allclose((found.statistic, found.p), own, rtol=1e-12)
    assert found.mean_ranks.argmin() == 1
    assert found.mean_ranks.sum() == pytest.approx(10.0)


def test_friedman_leaves_inputs_out_that_lack_a_score_and_tells_how_many_are_left():
    scores = np.array([[1.0, 2.0, 3.0], [np.nan, 1.0, 1.0], [2.0, 3.0, 4.0]])
    assert friedman(scores).n_inputs == 2
    assert friedman(scores).mean_ranks.tolist() == [3.0, 2.0, 1.0]


def test_methods_that_are_alike_everywhere_have_p_of_one_and_two_methods_have_none():
    assert friedman(np.ones((5, 3))).p == 1.0
    assert np.isnan(friedman(RNG.normal(size=(5, 2))).p)


# ------------------------------------------------------------------------------------------------ margins and power


def test_equivalence_is_the_worse_of_two_one_sided_tests():
    upper = stats.ttest_1samp(DIFFERENCES, 1.0, alternative="less").pvalue
    lower = stats.ttest_1samp(DIFFERENCES, -1.0, alternative="greater").pvalue
    assert margins.equivalent(DIFFERENCES, 1.0) == pytest.approx(max(upper, lower), rel=1e-10)
    assert margins.no_worse(DIFFERENCES, 1.0) == pytest.approx(lower, rel=1e-10)


@pytest.mark.parametrize("differences", [np.array([0.1]), np.zeros(20), np.full(20, 0.3)])
def test_what_does_not_vary_is_not_called_equivalent(differences):
    assert np.isnan(margins.equivalent(differences, 1.0))


def test_the_detectable_difference_has_a_power_of_eight_in_ten():
    for n in (2, 3, 10, 300):
        assert power(detectable(0.3, n), 0.3, n) == pytest.approx(0.8, abs=1e-7)


def test_of_many_inputs_it_is_the_rule_of_evaluations():
    # n = (1.96 + .84)^2 sd^2 / delta^2: 196 inputs see .02 at a spread of .1
    assert detectable(0.1, 196) == pytest.approx(0.02, rel=0.01)


def test_no_spread_tells_no_detectable_difference_and_one_input_sees_nothing():
    assert np.isnan(detectable(0.0, 10))
    assert detectable(0.3, 1) == np.inf
