"""Agreement of two maps: Spearman against scipy, overlap of the best players, and what the fill does to a map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from skimage.metrics import structural_similarity

from perturbxai.metrics import agreement
from perturbxai.metrics.localisation import on_pixels

FEW = settings(max_examples=60, deadline=None, derandomize=True)
# whole numbers, so that there are ties
PAIRS = st.integers(2, 30).flatmap(lambda n: st.tuples(*[st.lists(st.integers(-4, 4), min_size=n, max_size=n)] * 2))


def maps(pair):
    return np.array(pair[0], dtype=float), np.array(pair[1], dtype=float)


@FEW
@given(PAIRS)
def test_spearman_equals_that_of_scipy_with_ties(pair):
    left, right = maps(pair)
    assume(np.ptp(left) > 0 and np.ptp(right) > 0)
    expected = stats.spearmanr(left, right).statistic  # scipy 1.10 to 1.17
    np.testing.assert_allclose(agreement.spearman(left, right), expected, atol=1e-12)


@FEW
@given(PAIRS)
def test_agreement_is_symmetric_and_within_its_bounds(pair):
    left, right = maps(pair)
    bounds = {agreement.spearman: -1, agreement.correlation: -1, agreement.top_k_iou: 0, agreement.sign_agreement: 0}
    for measure, low in bounds.items():
        one, other = measure(left, right), measure(right, left)
        np.testing.assert_allclose(one, other, atol=1e-12)
        assert np.isnan(one) or low - 1e-12 <= one <= 1 + 1e-12


@FEW
@given(PAIRS)
def test_ranks_and_the_best_players_do_not_change_under_a_rising_function(pair):
    left, right = maps(pair)
    rising = left**3 + 2 * left + 5
    assert agreement.top_k_iou(rising, right) == agreement.top_k_iou(left, right)
    np.testing.assert_allclose(agreement.spearman(rising, right), agreement.spearman(left, right), atol=1e-12)


@FEW
@given(PAIRS)
def test_a_map_agrees_with_itself_and_opposes_its_negative(pair):
    left, _ = maps(pair)
    assume(np.ptp(left) > 0)
    np.testing.assert_allclose(agreement.spearman(left, left), 1.0, atol=1e-12)
    np.testing.assert_allclose(agreement.spearman(left, -left), -1.0, atol=1e-12)
    assert agreement.top_k_iou(left, left) == 1.0
    assert agreement.sign_agreement(left, left) == 1.0


@FEW
@given(pair=PAIRS, data=st.data())
def test_the_order_of_the_players_does_not_matter(pair, data):
    left, right = maps(pair)
    order = data.draw(st.permutations(range(len(left))))
    for measure in (agreement.spearman, agreement.top_k_iou, agreement.sign_agreement, agreement.correlation):
        np.testing.assert_allclose(measure(left[order], right[order]), measure(left, right), atol=1e-12)


def test_a_constant_map_has_no_rank_correlation():
    assert np.isnan(agreement.spearman(np.ones(5), np.arange(5.0)))
    assert np.isnan(agreement.correlation(np.arange(5.0), np.zeros(5)))


def test_the_overlap_of_the_best_is_intersection_over_union():
    left, right = np.array([9.0, 8, 7, 1, 0]), np.array([9.0, 0, 7, 8, 1])
    assert agreement.top_k_iou(left, right, k=1) == 1.0
    assert agreement.top_k_iou(left, right, k=2) == 1 / 3  # {0, 1} and {0, 3}
    assert agreement.top_k_iou(left, right, k=3) == 2 / 4  # {0, 1, 2} and {0, 2, 3}
    assert agreement.top_k_iou(left, right, k=5) == 1.0


def test_the_best_are_a_fifth_of_the_players_and_at_least_one():
    left, right = np.arange(20.0), np.arange(20.0)
    right[[16, 15]] = right[[15, 16]]  # the fourth and the fifth best of 20
    assert agreement.top_k_iou(left, right) == 3 / 5
    assert agreement.top_k_iou(np.array([2.0, 1.0]), np.array([2.0, 3.0])) == 0.0


def test_players_that_tie_with_the_last_of_the_best_are_counted_in():
    left, right = np.array([5.0, 3, 3, 1]), np.array([5.0, 3, 2, 1])
    assert agreement.top_k_iou(left, right, k=2) == 2 / 3  # {0, 1, 2} and {0, 1}
    assert agreement.top_k_iou(np.zeros(4), right, k=1) == 1 / 4


def test_signs_are_compared_where_either_map_has_one():
    left, right = np.array([1.0, -2, 0, 0, 3]), np.array([2.0, 2, 0, 1, 0])
    assert agreement.sign_agreement(left, right) == 1 / 4
    assert np.isnan(agreement.sign_agreement(np.zeros(3), np.zeros(3)))


@pytest.mark.parametrize("k", [0, -1, 6])
def test_a_number_of_best_players_that_there_are_not_is_refused(k):
    with pytest.raises(ValueError, match=f"k={k} must be a number of players from 1 to 5"):
        agreement.top_k_iou(np.arange(5.0), np.arange(5.0), k=k)


# ------------------------------------------------------------------------------------------------ structural similarity


def cut(seed, n_players=12, side=24):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_players, (side, side))
    labels.ravel()[:n_players] = np.arange(n_players)
    return labels, rng


def test_structural_similarity_of_a_map_with_itself_is_one_and_units_do_not_matter():
    labels, rng = cut(0)
    values = rng.normal(size=12)
    assert agreement.ssim(values, 3.0 * values, labels) == pytest.approx(1.0)
    assert agreement.ssim(values, -values, labels) < 0.0
    assert np.isnan(agreement.ssim(values, np.zeros(12), labels))
    assert np.isnan(agreement.ssim(np.ones(4), np.ones(4), np.arange(4).reshape(2, 2)))


@pytest.mark.parametrize("seed", range(4))
def test_structural_similarity_is_that_of_scikit_image(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 12, (5, 7)).repeat(5, axis=0).repeat(4, axis=1)
    labels.ravel()[:12] = np.arange(12)
    left, right = rng.normal(size=(2, 12))
    a, b = (on_pixels(one, labels) for one in (left, right))
    expected = structural_similarity(*(0.5 + 0.5 * one / np.abs(one).max() for one in (a, b)), data_range=1.0)
    assert agreement.ssim(left, right, labels) == pytest.approx(expected, abs=1e-9)
    assert agreement.ssim(left, 3.0 * left, labels) == pytest.approx(1.0)
    assert agreement.ssim(right, left, labels) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("level", [-1.0, 0.0, 2.0])
def test_structural_similarity_with_a_map_of_one_value_is_not_told(level):
    labels = np.arange(64).reshape(8, 8) // 16
    map_, flat = np.array([1.0, 2.0, -1.0, 0.5]), np.full(4, level)
    assert np.isnan(agreement.ssim(map_, flat, labels)) and np.isnan(agreement.ssim(flat, map_, labels))
    assert np.isnan(agreement.ssim(map_, map_, labels[:6]))


def test_signs_agree_where_either_map_has_one():
    left, right = np.array([1.0, -1.0, 0.0, 2.0, 0.0]), np.array([3.0, 1.0, 0.0, 0.0, 0.0])
    assert agreement.sign_agreement(left, right) == pytest.approx(1.0 / 3.0)
    assert np.isnan(agreement.sign_agreement(np.zeros(3), np.zeros(3)))
