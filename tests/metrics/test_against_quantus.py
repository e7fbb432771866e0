"""Metrics that quantus has too, on the same maps, neighbours and coalitions. Numbers of quantus 0.6.0, with abs=False and
normalise=False: with its defaults it scales every map first, which other metrics than ours are of."""

from __future__ import annotations

import numpy as np
import pytest

from perturbxai.metrics import localisation, robustness
from perturbxai.metrics.faithfulness import faithfulness, faithfulness_raw

SLOPES = np.linspace(-1.0, 2.0, 6)
X = np.array([0.319, -0.359, -1.902, -0.109, -0.804, 1.08])


def model(rows):
    return rows**2 @ SLOPES + rows[:, 0] * rows[:, 1]


def gradient_of_squares(rows):
    return 2.0 * rows * SLOPES


def test_the_share_of_positive_attribution_in_a_region_is_its_relevance_mass_accuracy():
    heat = np.round(np.random.default_rng(0).standard_normal((3, 6, 8)), 3)
    inside = np.zeros((6, 8), dtype=bool)
    inside[:3, :4] = True
    of_quantus = [0.12708043, 0.31275457, 0.13461031]  # RelevanceMassAccuracy of the maps' positive parts
    found = [localisation.energy_pointing_game(one, inside) for one in heat]
    np.testing.assert_allclose(found, of_quantus, atol=5e-9)
    assert [localisation.pointing_game(one, inside) for one in heat] == [False, False, False]  # PointingGame


def test_the_largest_move_of_a_map_is_its_max_sensitivity():
    near = np.array([
        [0.35, -0.404, -1.861, -0.02, -0.879, 1.153],
        [0.231, -0.383, -1.916, -0.111, -0.709, 1.135],
        [0.281, -0.405, -1.829, -0.033, -0.802, 1.049],
        [0.418, -0.396, -1.965, -0.033, -0.742, 1.114],
    ])  # fmt: skip
    found = robustness.max_sensitivity(gradient_of_squares(X), gradient_of_squares(near))
    assert found == pytest.approx(0.07902359, abs=5e-9)  # MaxSensitivity


def test_per_unit_of_the_input_s_move_it_is_the_local_lipschitz_estimate_over_the_map_s_size():
    near = np.array([
        [0.411, -0.274, -1.852, -0.037, -0.855, 1.008],
        [0.353, -0.316, -1.969, -0.13, -0.722, 1.092],
        [0.335, -0.42, -1.897, -0.104, -0.886, 1.176],
        [0.333, -0.458, -1.847, -0.013, -0.786, 1.044],
    ])  # fmt: skip
    values = gradient_of_squares(X)
    found = robustness.lipschitz(values, gradient_of_squares(near), np.linalg.norm(near - X, axis=1))
    assert found * np.linalg.norm(values) == pytest.approx(
        3.19360431, abs=1e-8
    )  # LocalLipschitzEstimate, which adds to the distance


def test_over_coalitions_of_one_size_both_correlations_are_the_faithfulness_correlation():
    hidden = [(2, 1, 4), (4, 2, 0), (2, 0, 5), (3, 5, 4), (1, 5, 0), (3, 5, 1), (2, 5, 3), (2, 4, 3), (4, 3, 2), (5, 4, 1),
              (2, 5, 4), (1, 5, 0)]  # fmt: skip
    z = np.ones((len(hidden), 6), dtype=bool)
    for row, players in zip(z, hidden, strict=True):
        row[list(players)] = False
    values, answers = gradient_of_squares(X) * X, model(z * X)
    for metric in (faithfulness, faithfulness_raw):
        assert metric(values, z, answers) == pytest.approx(0.997656683675655, abs=1e-12)  # FaithfulnessCorrelation
