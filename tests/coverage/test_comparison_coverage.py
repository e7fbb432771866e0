"""What statistics of comparisons promise, simulated: intervals cover, tests are no more often wrong than they say."""

import numpy as np
import pytest
from scipy import stats

from perturbxai.metrics.statistics.bootstrap import interval
from perturbxai.metrics.statistics.components import components
from perturbxai.metrics.statistics.holm import holm
from perturbxai.metrics.statistics.margins import equivalent
from perturbxai.metrics.statistics.power import detectable
from perturbxai.metrics.statistics.signed_ranks import wilcoxon

LAWS = {"normal": (lambda rng, n: rng.normal(size=n), 0.0), "skewed": (lambda rng, n: rng.exponential(size=n), 1.0)}


def covered(law, n, experiments, draws):
    """The share of experiments whose interval holds the true mean."""
    draw, mean = LAWS[law]
    rng, hits = np.random.default_rng(7), 0
    for _ in range(experiments):
        low, high = interval(draw(rng, n), np.ones(n, dtype=np.int64), 0.95, rng, draws)
        hits += low <= mean <= high
    return hits / experiments


def holm_errors(experiments, n=25, family=5):
    """How often any of a family of tests is significant where no method differs from the one that all are set against."""
    rng, errors = np.random.default_rng(1), 0
    for _ in range(experiments):
        differences = rng.normal(size=(family, n)) - rng.normal(size=n)
        errors += bool((holm(np.array([wilcoxon(one) for one in differences])) <= 0.05).any())
    return errors / experiments


def equivalence_errors(experiments, n=30, margin=0.5):
    """How often methods are called equivalent whose difference is the margin itself."""
    rng = np.random.default_rng(2)
    return np.mean([equivalent(rng.normal(margin, 0.5, size=n), margin) <= 0.05 for _ in range(experiments)])


def icc_covered(experiments, sizes, inputs_sd=1.0, seeds_sd=0.7):
    truth = inputs_sd**2 / (inputs_sd**2 + seeds_sd**2)
    rng, hits = np.random.default_rng(3), 0
    for _ in range(experiments):
        groups = [rng.normal(inputs_sd * rng.normal(), seeds_sd, size=m) for m in sizes]
        found = components(groups)
        hits += found.low <= truth <= found.high
    return hits / experiments


def seen(experiments, n, spread=0.3):
    """How often a t test sees the difference that is said to be seen with probability .8."""
    differences = np.random.default_rng(4).normal(detectable(spread, n), spread, size=(experiments, n))
    return float((stats.ttest_1samp(differences, 0.0, axis=1).pvalue <= 0.05).mean())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "n", "least", "most"),
    [("normal", 20, 0.94, 0.96), ("normal", 50, 0.935, 0.96), ("skewed", 20, 0.92, 0.95), ("skewed", 50, 0.93, 0.96)],
)
def test_the_bootstrap_interval_covers_what_its_docstring_says(law, n, least, most):
    assert least <= covered(law, n, 4_000, 2_000) <= most


@pytest.mark.slow
def test_a_family_of_tests_is_wrong_in_one_of_twenty_at_most():
    assert holm_errors(4_000) <= 0.06


@pytest.mark.slow
def test_equivalence_is_claimed_wrongly_in_one_of_twenty_at_most():
    assert equivalence_errors(10_000) <= 0.055


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [[5] * 20, [2, 3, 5, 8, 5] * 4], ids=["as many seeds", "other numbers of seeds"])
def test_the_interval_of_the_intraclass_correlation_covers(sizes):
    assert 0.94 <= icc_covered(6_000, sizes) <= 0.96


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 12, 100])
def test_the_smallest_difference_is_seen_with_probability_eight_in_ten(n):
    assert abs(seen(20_000, n) - 0.8) <= 0.02


def test_a_few_experiments_already_show_all_of_it():
    assert 0.85 <= covered("normal", 20, 150, 500) <= 1.0
    assert holm_errors(200) <= 0.1
    assert equivalence_errors(400) <= 0.09
    assert 0.90 <= icc_covered(300, [2, 3, 5, 8, 5] * 4) <= 0.99
    assert abs(seen(2_000, 12) - 0.8) <= 0.05
