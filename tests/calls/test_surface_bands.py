"""Errors of accumulated surfaces: of what they are made, and that they hold the surface of all rows like the drawn ones."""

from __future__ import annotations

import numpy as np
import pytest
from surfaces import GAMES, coverage, told_of

import perturbxai as px
from perturbxai.estimation.curves import surface_error


def surface(model, X, weights=None, **options):
    space = px.TabularSpace(X, weights=weights)
    return px.effects("ale", px.Predictor(model), space, X, features=[(0, 1)], **options)["ale"]["x0", "x1"]


def wave(X):
    return np.sin(3 * X[:, 0]) * X[:, 1] ** 2


def test_a_surface_errs_by_where_the_rows_lie_as_much_as_its_rows_weights_move_it():
    # nothing but the two columns is in the model, so that all rows of a cell step alike: what is left is where they lie
    X = np.random.default_rng(0).uniform(-1, 1, size=(150, 2))
    grid = dict.fromkeys((0, 1), np.array([-1.0, -0.2, 0.3, 1.0]))
    found, moved = surface(wave, X, grid=grid), np.zeros((4, 4))
    for row in range(len(X)):
        ends = [surface(wave, X, np.ones(len(X)) + by * (np.arange(len(X)) == row), grid=grid) for by in (-1e-4, 1e-4)]
        moved += ((ends[1].values - ends[0].values)[..., 0] / 2e-4) ** 2
    assert (found.counts > 5).all()
    np.testing.assert_allclose(found.stderr[..., 0], np.sqrt(moved), rtol=0.02)  # 1 / 50: of means of some fifty rows


def test_a_surface_of_columns_that_do_not_act_together_errs_by_rounding():
    X = np.random.default_rng(0).normal(size=(500, 2))
    found = surface(lambda rows: np.sin(rows[:, 0]) + rows[:, 1] ** 3, X)
    assert found.stderr.max() < 1e-10 and found.importance_bias[0] < 1e-10


def test_what_an_empty_cell_takes_errs_by_as_much_as_it_is():
    X = np.random.default_rng(0).uniform(-1, 1, size=(400, 2))
    far = (X > 1 / 3).all(axis=1)
    points = np.array([-1.0, -1 / 3, 1 / 3, 1.0])
    whole, gone = (surface(wave, rows, grid={0: points, 1: points}) for rows in (X, X[~far]))
    assert gone.extrapolated.sum() == 1 and gone.extrapolated[2, 2]
    step = lambda one: np.diff(np.diff(one.values[..., 0], axis=0), axis=1)[2, 2]  # noqa: E731
    assert abs(step(gone) - step(whole)) > 0.1
    assert gone.stderr[3, 3, 0] > 0.5 * abs(step(gone)) > 5 * whole.stderr[3, 3, 0]


def test_of_a_pair_that_no_row_has_both_values_of_nothing_is_known():
    X = np.random.default_rng(0).normal(size=(60, 2))
    X[:30, 0], X[30:, 1] = np.nan, np.nan
    found = surface(lambda rows: np.nan_to_num(rows).prod(axis=1), X)
    assert np.isinf(found.stderr).all() and "0 rows lie in 9 cells" in found.describe()


def test_what_noise_adds_to_the_importance_of_a_surface_is_known():
    # the columns do nothing together but by way of a third, whose mean is 0
    def model(rows):
        return np.sign(rows[:, 0]) * np.sign(rows[:, 1]) * rows[:, 2]

    rng = np.random.default_rng(0)
    found = [surface(model, rng.normal(size=(400, 3))) for _ in range(30)]
    size, bias, error = (
        np.array([getattr(one, f"importance{name}")[0] for one in found]) for name in ("", "_bias", "_stderr")
    )
    assert (size - bias).mean() < 0.5 * size.mean()
    assert np.mean(size - bias < 1.96 * error) >= 0.9


def test_bands_of_a_surface_hold_that_of_all_rows():
    held, _, ratio = coverage("wave", n=500, runs=60)
    assert 0.92 <= held <= 0.985  # a standard error of about .01: points of a surface err together
    assert 0.85 <= ratio <= 1.3


@pytest.mark.slow
@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("n", [200, 1000, 5000])
def test_bands_of_surfaces_hold_those_of_all_rows_at_the_default_grid(game, n):
    held, whole, ratio = coverage(game, n, runs=100)
    assert 0.92 <= held <= 0.995, told_of(held, whole, ratio)
    assert whole >= 0.82, told_of(held, whole, ratio)
    assert 0.85 <= ratio <= 1.4, told_of(held, whole, ratio)


def test_what_is_lent_to_empty_cells_errs_alike_however_many_cells_are_taken_at_once(monkeypatch):
    X = np.random.default_rng(0).uniform(-1, 1, size=(60, 2))
    whole = surface(wave, X, grid=12)
    assert whole.extrapolated.mean() > 0.3
    monkeypatch.setattr(surface_error, "NUMBERS_AT_ONCE", 1)
    parts = surface(wave, X, grid=12)
    np.testing.assert_allclose(parts.stderr, whole.stderr, rtol=1e-12)
    np.testing.assert_allclose(parts.importance_stderr, whole.importance_stderr, rtol=1e-12)
