"""Sensitivity to neighbours and seeds: closed forms, and what a map that looks at nothing scores."""

from __future__ import annotations

import numpy as np
import pytest

from perturbxai.metrics.robustness import lipschitz, max_sensitivity, seed_stability

VALUES = np.array([3.0, -4.0])  # of length 5
NEIGHBOURS = np.array([[3.0, -4.0], [3.0, -2.0], [0.0, -4.0]])  # 0, 2 and 3 away
STEPS = np.array([0.1, 0.05, 0.2])


def test_the_largest_move_is_over_the_map_s_own_size():
    assert max_sensitivity(VALUES, NEIGHBOURS) == pytest.approx(3.0 / 5.0)
    assert lipschitz(VALUES, NEIGHBOURS, STEPS) == pytest.approx(2.0 / 0.05 / 5.0)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_units_of_a_map_do_not_matter(scale):
    assert max_sensitivity(scale * VALUES, scale * NEIGHBOURS) == pytest.approx(0.6)
    assert lipschitz(-scale * VALUES, -scale * NEIGHBOURS, STEPS) == pytest.approx(8.0)


def test_a_map_that_looks_at_no_input_does_not_move():
    assert max_sensitivity(VALUES, np.tile(VALUES, (4, 1))) == 0.0
    assert lipschitz(VALUES, np.tile(VALUES, (3, 1)), STEPS) == 0.0


def test_neighbours_that_are_the_input_tell_no_slope():
    assert np.isnan(lipschitz(VALUES, NEIGHBOURS, np.zeros(3)))
    assert lipschitz(VALUES, NEIGHBOURS, np.array([0.0, 0.0, 0.3])) == pytest.approx(3.0 / 0.3 / 5.0)


def test_a_map_of_zeros_has_no_size_to_move_by():
    assert np.isnan(max_sensitivity(np.zeros(2), NEIGHBOURS)) and np.isnan(lipschitz(np.zeros(2), NEIGHBOURS, STEPS))


def test_seed_stability_is_the_mean_over_pairs_of_seeds():
    a, b, c = np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]), np.array([3.0, 2.0, 1.0])
    assert seed_stability(np.stack([a, a, a])) == 1.0
    assert seed_stability(np.stack([a, b, c])) == pytest.approx((0.5 - 1.0 - 0.5) / 3)
    assert np.isnan(seed_stability(np.stack([a, np.ones(3)])))


def test_random_maps_of_several_seeds_have_nothing_in_common():
    rng = np.random.default_rng(0)
    found = [seed_stability(rng.normal(size=(5, 12))) for _ in range(400)]
    assert abs(np.mean(found)) < 3.5 * np.std(found) / 20
