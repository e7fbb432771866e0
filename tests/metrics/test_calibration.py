"""Sensitivity-n, infidelity and error: closed forms, what a constant map scores, and what a random one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbxai.metrics.calibration import error, infidelity, sensitivity_n
from perturbxai.metrics.faithfulness import faithfulness


def drawn(seed, n_players=8, n=200):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, n_players, n)
    return np.array([rng.permutation(n_players) < size for size in sizes]), rng


def additive(values, z, base=1.5):
    return base + z @ values


@pytest.mark.parametrize("seed", range(5))
def test_the_values_of_an_additive_game_are_perfect_by_each(seed):
    z, rng = drawn(seed)
    values = rng.normal(size=8)
    answers, prediction = additive(values, z), 1.5 + values.sum()
    assert sensitivity_n(values, z, answers) == pytest.approx(1.0)
    assert infidelity(values, z, answers, prediction) == pytest.approx(0.0, abs=1e-12)
    assert sensitivity_n(-values, z, answers) == pytest.approx(-1.0)


def test_a_map_and_its_reverse_do_not_score_alike_by_infidelity():
    z, rng = drawn(0)
    values = rng.normal(size=8)
    answers, prediction = additive(values, z), 1.5 + values.sum()
    fall = prediction - answers
    counted = (~z).sum(axis=1)
    best = max(0.0, counted @ fall / (counted @ counted))
    left = ((best * counted - fall) ** 2).sum()
    assert infidelity(-values, z, answers, prediction) == pytest.approx((fall @ fall) / left)  # the scale is 0, not below


@given(seed=st.integers(0, 1000), scale=st.floats(1e-3, 1e3), shift=st.floats(-5, 5))
@settings(max_examples=25)
def test_the_scale_of_a_map_and_the_level_of_the_game_do_not_matter(seed, scale, shift):
    z, rng = drawn(seed)
    values, answers, prediction = rng.normal(size=8), rng.normal(size=200), 0.7
    assert sensitivity_n(scale * values, z, answers + shift) == pytest.approx(sensitivity_n(values, z, answers), abs=1e-9)
    moved = infidelity(scale * values, z, answers + shift, prediction + shift)
    assert moved == pytest.approx(infidelity(values, z, answers, prediction), rel=1e-9)


@pytest.mark.parametrize("level", [-2.0, 0.0, 3.0])
def test_a_constant_map_foretells_nothing(level):
    z, rng = drawn(1)
    truth = np.abs(rng.normal(size=8))
    answers, prediction = additive(truth, z), 1.5 + truth.sum()
    assert sensitivity_n(np.full(8, level), z, answers) == 0.0
    scored = infidelity(np.full(8, level), z, answers, prediction)
    assert scored == pytest.approx(1.0) if level > 0 else scored >= 1.0


def test_random_maps_are_no_better_than_chance():
    z, rng = drawn(2, n=400)
    truth = rng.normal(size=8)
    answers, prediction = additive(truth, z), 1.5 + truth.sum()
    maps = rng.normal(size=(2000, 8))
    scores = np.array([sensitivity_n(one, z, answers) for one in maps])
    assert abs(scores.mean()) < 3.5 * scores.std() / np.sqrt(len(scores))
    best = infidelity(truth, z, answers, prediction)
    assert np.mean([infidelity(one, z, answers, prediction) for one in maps[:200]]) > 0.5 > best


def test_sensitivity_n_is_the_mean_over_sizes_and_every_size_counts_alike():
    z, rng = drawn(3)
    values, answers = rng.normal(size=8), rng.normal(size=200)
    sizes = z.sum(axis=1)
    expected = np.mean([np.corrcoef(z[sizes == n] @ values, answers[sizes == n])[0, 1] for n in range(1, 8)])
    assert sensitivity_n(values, z, answers) == pytest.approx(expected)
    louder = answers * np.where(sizes == 4, 100.0, 1.0)  # faithfulness hears that size alone
    assert sensitivity_n(values, z, louder) == pytest.approx(expected)
    assert faithfulness(values, z, louder) != pytest.approx(faithfulness(values, z, answers), abs=0.01)


def test_sizes_with_few_coalitions_tell_no_correlation():
    z = np.repeat(np.eye(5, dtype=bool), 2, axis=0)[:7]
    assert np.isnan(sensitivity_n(np.arange(5.0), z, np.arange(7.0)))


def test_infidelity_by_hand():
    z = np.array([[True, False], [False, True]])  # one player hidden each; f(x) = 3, falls 1 and 2
    answers, prediction = np.array([2.0, 1.0]), 3.0
    # the map (0, 1): its sums over what is hidden are 1 and 0; scale 1 leaves 0 and 4. Counting: 1, 1 at scale 1.5
    assert infidelity(np.array([0.0, 1.0]), z, answers, prediction) == pytest.approx((4.0 / 2) / (0.5 / 2))
    assert infidelity(np.array([2.0, 1.0]), z, answers, prediction) == pytest.approx(0.0)
    weight = np.array([3.0, 1.0])
    counted = (3 * 1 + 1 * 2) / 4
    left = 3 * (counted - 1) ** 2 + (counted - 2) ** 2
    assert infidelity(np.array([0.0, 1.0]), z, answers, prediction, weight) == pytest.approx(4.0 / left)


def test_where_counting_players_leaves_nothing_there_is_no_infidelity():
    z, _ = drawn(4)
    assert np.isnan(infidelity(np.ones(8), z, 2.0 - 0.5 * (~z).sum(axis=1), 2.0))
    assert np.isnan(infidelity(np.ones(8), z, np.full(200, 2.0), 2.0))


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=6))
def test_error_is_zero_for_the_truth_one_for_zeros_and_knows_units(truth):
    truth = np.array(truth)
    if not (truth @ truth > 1e-6):
        return
    assert error(truth, truth) == 0.0
    assert error(np.zeros_like(truth), truth) == pytest.approx(1.0)
    assert error(2.0 * truth, truth) == pytest.approx(1.0)
    assert error(-truth, truth) == pytest.approx(4.0)


def test_error_of_a_truth_of_zeros_is_not_known():
    assert np.isnan(error(np.ones(3), np.zeros(3)))
