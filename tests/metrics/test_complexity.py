"""How many players a map speaks of: closed forms, numbers of another package, and what changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbxai.metrics import complexity

FEW = settings(max_examples=60, deadline=None, derandomize=True)
MEASURES = pytest.mark.parametrize("measure", [complexity.entropy, complexity.gini, complexity.features_90])
SHARED = np.array([0.5, -2.0, 0.0, 1.25, -0.125, 3.0, 0.75, -0.3])


def test_the_numbers_are_those_of_quantus():
    # quantus 0.6.0: functions.complexity_func.entropy, gini_coeffiient of the absolute values
    assert complexity.entropy(SHARED) == pytest.approx(1.5933531099664469, abs=1e-12)
    assert complexity.gini(SHARED) == pytest.approx(0.5279967921265067, abs=1e-7)  # quantus adds 1e-7 to every value


@pytest.mark.parametrize("n", [2, 5, 40])
def test_the_ends_are_one_player_and_all_players_alike(n):
    one, all_alike = np.eye(n)[0], np.full(n, -3.0)
    assert complexity.entropy(one) == 0.0 and complexity.features_90(one) == 1.0
    assert complexity.gini(one) == pytest.approx(1.0 - 1.0 / n)
    assert complexity.entropy(all_alike) == pytest.approx(np.log(n))
    assert complexity.gini(all_alike) == pytest.approx(0.0, abs=1e-12)
    assert complexity.features_90(all_alike) == np.ceil(0.9 * n)


def test_gini_is_the_mean_difference_of_two_players_over_twice_the_mean():
    sizes = np.abs(SHARED)
    expected = np.abs(sizes[:, None] - sizes).mean() / (2.0 * sizes.mean())
    assert complexity.gini(SHARED) == pytest.approx(expected, abs=1e-12)


@MEASURES
def test_a_map_of_zeros_has_no_number(measure):
    assert np.isnan(measure(np.zeros(4)))


@MEASURES
@FEW
@given(st.lists(st.integers(-50, 50), min_size=1, max_size=30).filter(any), st.floats(0.01, 100.0), st.randoms())
def test_scale_signs_and_order_change_nothing(measure, values, scale, shuffler):
    changed = [scale * value * shuffler.choice((-1, 1)) for value in values]
    shuffler.shuffle(changed)
    assert measure(np.array(changed)) == pytest.approx(measure(np.array(values, dtype=float)), abs=1e-9)
