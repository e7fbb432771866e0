"""Does a map stay: closed forms, what changes nothing, and that what looks at nothing is told as such."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from perturbxai.metrics import robustness

FEW = settings(max_examples=40, deadline=None, derandomize=True)
VALUES = np.array([3.0, 4.0])
NEAR = np.array([[3.0, 4.0], [3.0, 5.0], [0.0, 0.0]])


def test_max_sensitivity_is_the_longest_move_over_the_map_s_length():
    assert robustness.max_sensitivity(VALUES, NEAR[:2]) == pytest.approx(1.0 / 5.0)
    assert robustness.max_sensitivity(VALUES, NEAR) == pytest.approx(1.0)


def test_lipschitz_is_the_steepest_move_and_skips_what_did_not_move():
    steps = np.array([0.0, 0.1, 1.0])
    assert robustness.lipschitz(VALUES, NEAR, steps) == pytest.approx(1.0 / 0.1 / 5.0)
    assert np.isnan(robustness.lipschitz(VALUES, NEAR, np.zeros(3)))


def test_of_a_linear_method_lipschitz_is_the_relative_slope():
    x, moves = np.array([1.0, 2.0, 2.0]), np.eye(3) * 0.05
    steps = np.sqrt(np.mean(moves**2, axis=1))
    found = robustness.lipschitz(2.0 * x, 2.0 * (x + moves), steps)
    assert found == pytest.approx(np.sqrt(3.0) / 3.0)  # |2 dx| / rms(dx) / |2 x|


def test_a_map_that_looks_at_no_input_never_moves_and_one_of_zeros_has_no_number():
    assert robustness.max_sensitivity(VALUES, np.tile(VALUES, (4, 1))) == 0.0
    assert np.isnan(robustness.max_sensitivity(np.zeros(2), NEAR))
    assert np.isnan(robustness.lipschitz(np.zeros(2), NEAR, np.ones(3)))


@FEW
@given(st.integers(0, 10_000), st.floats(0.01, 100.0))
def test_unit_and_order_of_players_change_nothing(seed, scale):
    rng = np.random.default_rng(seed)
    values, near, steps, order = rng.normal(size=7), rng.normal(size=(5, 7)), rng.random(5) + 0.1, rng.permutation(7)
    for measure in (robustness.max_sensitivity, lambda v, n: robustness.lipschitz(v, n, steps)):
        np.testing.assert_allclose(measure(scale * values[order], scale * near[:, order]), measure(values, near))


@FEW
@given(st.integers(0, 10_000))
def test_more_neighbours_never_make_a_map_steadier(seed):
    rng = np.random.default_rng(seed)
    values, near = rng.normal(size=7), rng.normal(size=(5, 7))
    assert robustness.max_sensitivity(values, near) >= robustness.max_sensitivity(values, near[:4])


def test_seed_stability_is_the_mean_rank_correlation_of_pairs():
    maps = np.random.default_rng(0).normal(size=(3, 9))
    expected = np.mean([stats.spearmanr(maps[a], maps[b]).statistic for a, b in ((0, 1), (0, 2), (1, 2))])
    assert robustness.seed_stability(maps) == pytest.approx(expected, abs=1e-12)
    assert robustness.seed_stability(np.tile(maps[0], (4, 1))) == pytest.approx(1.0)
    assert np.isnan(robustness.seed_stability(np.ones((2, 9))))


def test_maps_of_mere_noise_are_not_stable():
    rng = np.random.default_rng(1)
    found = [robustness.seed_stability(rng.normal(size=(2, 20))) for _ in range(400)]
    assert abs(np.mean(found)) < 3.0 * np.std(found) / np.sqrt(400)


def test_a_map_that_is_rounding_beside_those_near_by_is_one_of_zeros():
    near = np.eye(3)
    assert np.isnan(robustness.max_sensitivity(np.full(3, 1e-16), near))
    assert np.isnan(robustness.lipschitz(np.full(3, 1e-16), near, np.ones(3)))
    assert robustness.max_sensitivity(np.full(3, 1e-16), 1e-16 * near) == pytest.approx(np.sqrt(2 / 3))
