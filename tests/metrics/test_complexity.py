"""Entropy, Gini's index and the players that hold nine tenths: closed forms and invariances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbxai.metrics.complexity import entropy, features_90, gini

MAPS = st.lists(st.floats(-100, 100).filter(lambda v: v == 0 or abs(v) > 1e-3), min_size=2, max_size=12).filter(any)


@pytest.mark.parametrize("n", [2, 5, 50])
def test_an_even_map_has_the_most_entropy_and_a_single_player_none(n):
    even, single = np.ones(n), np.eye(n)[0] * -3.0
    assert entropy(even) == pytest.approx(np.log(n)) and entropy(single) == 0.0
    assert gini(even) == pytest.approx(0.0, abs=1e-12) and gini(single) == pytest.approx(1.0 - 1.0 / n)
    assert features_90(even) == np.ceil(0.9 * n - 1e-9) and features_90(single) == 1.0


@given(MAPS, st.floats(1e-3, 1e3), st.randoms(use_true_random=False))
def test_scale_signs_and_order_do_not_matter(values, scale, random):
    values = np.array(values)
    other = values.copy()
    random.shuffle(other)
    for measure in (entropy, gini, features_90):
        expected = measure(values)
        assert measure(-scale * values) == pytest.approx(expected, abs=1e-9)
        assert measure(other) == pytest.approx(expected, abs=1e-9)


@given(MAPS)
def test_they_lie_within_their_bounds(values):
    values = np.array(values)
    n = len(values)
    assert -1e-12 <= entropy(values) <= np.log(n) + 1e-12
    assert -1e-12 <= gini(values) <= 1.0 - 1.0 / n + 1e-12
    assert 1 <= features_90(values) <= n


def test_gini_is_the_mean_difference_over_twice_the_mean():
    values = np.random.default_rng(0).normal(size=30)
    sizes = np.abs(values)
    expected = np.abs(sizes[:, None] - sizes[None, :]).mean() / (2.0 * sizes.mean())
    assert gini(values) == pytest.approx(expected)


def test_players_are_counted_until_nine_tenths_are_held():
    assert features_90(np.array([0.9, 0.05, 0.05])) == 1.0
    assert features_90(np.array([0.89, 0.06, 0.05])) == 2.0
    assert features_90(np.full(10, 0.1)) == 9.0


@pytest.mark.parametrize("measure", [entropy, gini, features_90])
def test_a_map_of_zeros_has_none(measure):
    assert np.isnan(measure(np.zeros(4)))
