"""Metrics of size and sign: closed forms, what changes nothing, and what says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbxai.metrics import calibration
from perturbxai.sampling.coalitions import list_coalitions

FEW = settings(max_examples=40, deadline=None, derandomize=True)
P = 6
Z = list_coalitions(P)
EFFECTS = np.array([3.0, -1.0, 0.5, 2.0, -0.25, 1.0])
ANSWERS = 7.0 + Z @ EFFECTS  # additive: every player adds the same wherever it is shown
PREDICTION = 7.0 + EFFECTS.sum()
SEEDS = st.integers(0, 10_000)
WITH_ANSWERS = pytest.mark.parametrize(
    "measure",
    [lambda v, z, a: calibration.sensitivity_n(v, z, a), lambda v, z, a: calibration.infidelity(v, z, a, PREDICTION)],
    ids=["sensitivity_n", "infidelity"],
)


def test_the_effects_of_an_additive_model_are_perfect():
    assert calibration.sensitivity_n(EFFECTS, Z, ANSWERS) == pytest.approx(1.0, abs=1e-12)
    assert calibration.sensitivity_n(-EFFECTS, Z, ANSWERS) == pytest.approx(-1.0, abs=1e-12)
    assert calibration.infidelity(EFFECTS, Z, ANSWERS, PREDICTION) == pytest.approx(0.0, abs=1e-12)


def test_sensitivity_n_is_the_mean_of_pearson_s_correlations_within_sizes():
    values = np.arange(P, dtype=float) ** 2
    answers = np.random.default_rng(0).normal(size=len(Z))
    sizes = Z.sum(axis=1)
    told = [np.corrcoef((Z @ values)[sizes == n], answers[sizes == n])[0, 1] for n in (2, 3, 4)]  # 15, 20, 15 coalitions
    assert calibration.sensitivity_n(values, Z, answers) == pytest.approx(np.mean(told), abs=1e-12)


def test_sensitivity_n_is_not_told_where_no_size_has_eight_coalitions():
    assert np.isnan(calibration.sensitivity_n(EFFECTS[:3], list_coalitions(3), np.arange(6.0)))


def test_infidelity_is_the_mean_square_left_at_the_best_scale_over_that_of_counting():
    rng = np.random.default_rng(1)
    answers, values = rng.normal(size=len(Z)), rng.normal(size=P)
    fall, scales = 2.0 - answers, np.linspace(0.0, 5.0, 20_001)

    def least(sums):
        return min(np.mean((b * sums - fall) ** 2) for b in scales)

    expected = least(~Z @ values) / least(~Z @ np.ones(P))
    assert calibration.infidelity(values, Z, answers, 2.0) == pytest.approx(expected, abs=1e-6)  # the step of the scales


def test_infidelity_does_not_take_a_map_for_its_reverse():
    reverse = calibration.infidelity(-EFFECTS, Z, ANSWERS, PREDICTION)
    assert reverse == pytest.approx(calibration.infidelity(np.zeros(P), Z, ANSWERS, PREDICTION))
    assert reverse >= 1.0


@pytest.mark.parametrize("level", [-2.0, 0.0, 1e-9, 5.0])
def test_a_map_that_is_the_same_everywhere_says_nothing(level):
    values = np.full(P, level)
    assert calibration.sensitivity_n(values, Z, ANSWERS) == 0.0
    assert calibration.infidelity(values, Z, ANSWERS, PREDICTION) >= 1.0 - 1e-12


def test_random_maps_are_on_average_no_better_than_saying_nothing():
    rng = np.random.default_rng(2)
    maps = rng.normal(size=(400, P))
    correlations = [calibration.sensitivity_n(one, Z, ANSWERS) for one in maps]
    left = [calibration.infidelity(one, Z, ANSWERS, PREDICTION) for one in maps]
    assert abs(np.mean(correlations)) < 3.0 * np.std(correlations) / np.sqrt(400)
    assert np.mean(left) >= 1.0


@WITH_ANSWERS
@FEW
@given(SEEDS, st.floats(0.01, 100.0))
def test_the_map_s_unit_and_the_order_of_players_change_nothing(measure, seed, scale):
    rng = np.random.default_rng(seed)
    values, answers, order = rng.normal(size=P), rng.normal(size=len(Z)), rng.permutation(P)
    plain = measure(values, Z, answers)
    np.testing.assert_allclose(measure(scale * values, Z, answers), plain, atol=1e-9)
    np.testing.assert_allclose(measure(values[order], Z[:, order], answers), plain, atol=1e-9)


def test_weights_are_as_repeated_coalitions():
    weight = np.arange(len(Z)) % 3 + 1
    values = np.random.default_rng(3).normal(size=P)
    rows = np.repeat(np.arange(len(Z)), weight)
    weighed = calibration.infidelity(values, Z, ANSWERS, PREDICTION, weight.astype(float))
    assert weighed == pytest.approx(calibration.infidelity(values, Z[rows], ANSWERS[rows], PREDICTION))


def test_infidelity_of_a_model_that_counts_players_is_not_told():
    assert np.isnan(calibration.infidelity(EFFECTS, Z, Z.sum(axis=1).astype(float), float(P)))


def test_error_is_relative_to_what_is_known():
    assert calibration.error(EFFECTS, EFFECTS) == 0.0
    assert calibration.error(np.zeros(P), EFFECTS) == 1.0
    assert calibration.error(2.0 * EFFECTS, EFFECTS) == pytest.approx(1.0)
    assert calibration.error(-EFFECTS, EFFECTS) == pytest.approx(4.0)
    assert np.isnan(calibration.error(EFFECTS, np.zeros(P)))


def test_maps_that_are_right_to_rounding_are_equally_right():
    truth = np.array([0.3, -0.7, 1.1])
    assert calibration.error(truth * (1 + 1e-15), truth) == calibration.error(truth, truth) == 0.0
    assert calibration.error(truth * (1 + 1e-9), truth) == pytest.approx(1e-18)
    z = list_coalitions(3)
    found = [
        calibration.infidelity(truth * scale, z, 5.0 + z @ truth, 5.0 + truth.sum()) for scale in (1.0, 1.0 + 1e-15, 1e3)
    ]
    assert found == [0.0, 0.0, 0.0]
