"""Grids of pairs that the user did not choose: so few cells that each has rows, at no more model rows than are paid for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import perturbxai as px


def product(X):
    X = np.asarray(X, dtype=float)
    return X[:, 0] * X[:, 1]


def shape(methods, X, features=("x0", "x1"), model=product, **options):
    """Points along each axis of the first method's effect."""
    found = px.effects(methods, px.Predictor(model), px.TabularSpace(X), X, features=[features], **options)
    return next(iter(next(iter(found.values())).values())).values.shape[:-1]


def normal(n, d=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize(("n", "bins"), [(20, 3), (200, 6), (1000, 10), (5000, 10)])
def test_a_cell_of_a_pair_for_ale_has_as_many_rows_as_there_are_bins_along_an_axis(n, bins):
    # at most 1,000 rows are drawn, of 5,000 too
    assert shape("ale", normal(n)) == (bins + 1, bins + 1)
    assert shape(["pdp", "ale"], normal(n)) == (bins + 1, bins + 1)


def test_more_rows_bear_more_cells():
    assert shape("ale", normal(5000), rows=4 * 5000 + 1) == (18, 18)


def test_pairs_leave_the_grids_of_single_columns_as_they_are():
    X = normal(300)
    found = px.effects("ale", product, X, X, features=["x0", ("x0", "x1")])["ale"]
    alone = px.effects("ale", product, X, X, features=["x0"])["ale"]["x0"]
    assert found["x0"].values.shape == (41, 1) and found["x0", "x1"].values.shape == (8, 8, 1)
    np.testing.assert_array_equal(found["x0"].values, alone.values)


def test_surfaces_that_are_no_sum_of_steps_have_twenty_bins():
    assert shape("pdp", normal(200)) == (21, 21)


def test_a_grid_that_is_named_is_obeyed():
    assert shape("ale", normal(300), grid=30) == (31, 31)
    assert shape("ale", normal(300), grid={"x0": [-1.0, 0.0, 1.0], "x1": 4}) == (3, 5)


def test_beside_few_levels_or_few_bins_a_column_has_more_bins():
    X = pd.DataFrame(normal(1000), columns=["x0", "x1"])
    assert shape("ale", X, grid={"x0": 5}) == (6, 21)  # 100 cells
    assert shape("ale", X.assign(x0=X.x0 > 0)) == (2, 41)  # and never more than a single column has
    X["kind"] = np.repeat(list("abcd"), 250)
    for grid in (None, {"kind": 2}):  # levels have no bins
        assert shape("ale", X, ("kind", "x1"), lambda rows: rows["x1"].to_numpy(), grid=grid) == (4, 26)


def test_rows_without_a_value_bear_no_cells():
    X = normal(1000)
    X[:784, 0] = np.nan
    points = px.effects("ale", lambda rows: np.nan_to_num(rows).sum(axis=1), X, X, features=[(0, 1)])["ale"]["x0", "x1"]
    assert points.values.shape == (7, 7, 1)  # 216 rows


@pytest.mark.parametrize("methods", ["ale", ["pdp", "ale"], "pdp"])
@pytest.mark.parametrize("budget", [1_000, 2_500, 20_000])
def test_model_rows_are_never_exceeded_and_no_row_more_could_be_paid(methods, budget):
    X = normal(4000)
    predictor = px.Predictor(product)
    features = [("x0", "x1"), "x0"]
    found = px.effects(methods, predictor, px.TabularSpace(X), X, features=features, rows=budget)
    effect = next(iter(found.values()))["x0", "x1"]
    assert predictor.rows <= budget
    n, points = effect.meta["drawn_rows"], effect.values[..., 0].size
    each = 4 + 2 if methods == "ale" else points + 41
    finer = round((n + 1) ** (1 / 3)) + 1 if methods != "pdp" else 21
    more = 4 + 2 if methods == "ale" else max(4, finer) ** 2 + 41
    assert n * each < budget and (n + 1) * more >= budget
