"""Rows are counted exactly: what a result says that it cost is what the model was asked for, by any method."""

from __future__ import annotations

import numpy as np
import pytest

import perturbxai as px
from perturbxai.core import catalogue

RNG = np.random.default_rng(0)
TABLES = {
    "numbers": RNG.normal(size=(60, 6)),
    "few values": RNG.integers(0, 2, (60, 6)).astype(float),  # hybrids of different rows are alike
    "a column that never varies": np.column_stack([RNG.integers(0, 3, (60, 4)), np.ones(60), RNG.normal(size=60)]),
}
PIXELS_ONLY = {"rise_smooth", "sliding_occlusion"}
ON_TABLES = sorted(set(catalogue.EXPLAINERS) - PIXELS_ONLY)
ON_PHOTOS = sorted(set(catalogue.EXPLAINERS) - {"lime_tabular"})
PHOTO = RNG.random((18, 24, 3)).astype(np.float32)


class Counting:
    """A model that counts the rows it was asked for, and keeps them."""

    def __init__(self):
        self.rows = []

    def __call__(self, rows):
        flat = np.asarray(rows, dtype=float).reshape(len(rows), -1)
        self.rows.append(flat.copy())
        return np.tanh(flat[:, :5].sum(axis=1)) + flat[:, 0] * flat[:, 1]

    @property
    def n(self):
        return sum(map(len, self.rows))

    @property
    def n_distinct(self):
        return len(np.unique(np.concatenate(self.rows), axis=0))


def asked(methods, space, x, **options):
    model = Counting()
    with np.errstate(all="ignore"):
        found = px.explain(methods, px.Predictor(model), space, x, **options)
    return found, model


@pytest.mark.filterwarnings("ignore:.*infinite error", "ignore:.*widest kernel", "ignore:.*effective sample")
@pytest.mark.parametrize("n_inputs", [1, 3])
@pytest.mark.parametrize("n_background", [1, 7])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("method", ON_TABLES)
def test_a_method_on_a_table_costs_the_rows_it_says(method, table, n_background, n_inputs):
    X = TABLES[table]
    space = px.TabularSpace(X, background=n_background)
    found, model = asked(method, space, X[-n_inputs:], **({} if method == "exact_shap" else {"budget": 64}))
    assert found[method].meta["rows"] == model.n == found[method].meta["call_rows"]
    assert method == "lime_tabular" or model.n == model.n_distinct
    if n_inputs == 1:
        assert found[method][0].meta["rows"] == model.n
    assert found[method].meta["background_rows"] == len(np.unique(space.background, axis=0))


@pytest.mark.parametrize("n_inputs", [1, 2])
@pytest.mark.parametrize("method", ON_PHOTOS)
def test_a_method_on_a_photo_costs_the_pictures_it_says(method, n_inputs):
    space = px.ImageSpace(segments="grid", n_segments=6, fill="mean")
    found, model = asked(method, space, [PHOTO, PHOTO[::-1]][:n_inputs], budget=400)
    assert found[method].meta["rows"] == model.n == model.n_distinct
    assert "background_rows" not in found[method].meta


@pytest.mark.parametrize("method", ["kernel_shap", "lime", "banzhaf"])
@pytest.mark.parametrize("rows", [80, 300])
def test_rows_bound_what_is_asked_beside_the_background(method, rows):
    X = TABLES["numbers"]
    space = px.TabularSpace(X, background="all")
    found, model = asked(method, space, X[:2] + 1.0, rows=rows)
    assert found[method].meta["rows"] == model.n == model.n_distinct
    background = found[method].meta["background_rows"]
    for one in found[method]:
        assert one.meta["rows"] - background <= rows
    assert model.n == background + sum(one.meta["rows"] - background for one in found[method])


@pytest.mark.filterwarnings("ignore:.*effective sample")
@pytest.mark.parametrize("table", TABLES)
def test_together_each_method_costs_what_it_does_alone_and_the_call_no_more_than_all(table):
    X = TABLES[table]
    space = px.TabularSpace(X, background=5)
    methods = ["kernel_shap", "permutation_shap", "sampling_shap", "ale", "partition_shap"]
    found, model = asked(methods, space, X[:3], budget=64)
    for method in methods:
        alone, _ = asked(method, space, X[:3], budget=64)
        assert found[method].meta["rows"] == alone[method].meta["rows"], method
        assert [one.meta["rows"] for one in found[method]] == [one.meta["rows"] for one in alone[method]]
    assert model.n == model.n_distinct <= sum(found[method].meta["rows"] for method in methods)


def test_rows_do_not_depend_on_how_many_the_memory_holds(monkeypatch):
    X = TABLES["few values"]
    space = px.TabularSpace(X, background=7)
    usual, _ = asked("kernel_shap", space, X[:3], budget=64)
    monkeypatch.setattr("perturbxai.game.table_asker.WINDOW", 10)
    small, _ = asked("kernel_shap", space, X[:3], budget=64)
    assert small["kernel_shap"].meta["rows"] == usual["kernel_shap"].meta["rows"]
    assert [one.meta["rows"] for one in small["kernel_shap"]] == [one.meta["rows"] for one in usual["kernel_shap"]]


def test_a_tolerance_counts_each_look_once():
    X = TABLES["few values"]
    found, model = asked("kernel_shap", px.TabularSpace(X, background=7), X[:3], tol=1e-6, budget=60)
    assert found["kernel_shap"].meta["rows"] == model.n == model.n_distinct


def test_rows_that_are_too_few_are_refused_with_what_is_asked_beside_them():
    X, model = TABLES["numbers"], Counting()
    with pytest.raises(ValueError, match=r"rows=20 is below the 25 that .*, beside the 60 background rows"):
        px.explain("kernel_shap", px.Predictor(model), px.TabularSpace(X, background="all"), X[0] + 1.0, rows=20)
    assert not model.rows
