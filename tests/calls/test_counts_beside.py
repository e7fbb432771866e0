"""Rows of effects, baselines and references against a model that counts: a method's own, and what is asked once beside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from costs import once_a_call, own_rows
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px
from perturbxai.core import catalogue

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
MIXED = pd.DataFrame(
    {"a": RNG.normal(size=50), "n": RNG.integers(0, 4, 50), "word": RNG.choice(list("xyz"), 50), "b": RNG.normal(size=50)}
)
PHOTOS = [RNG.random((16, 20, 3)).astype(np.float32) for _ in range(3)]
ROWS = {"one": [3], "two": [3, 4], "the same again": [3, 4, 3, 3]}
BY_RULES = ("deconvnet", "guided_backprop", "guided_grad_cam", "lrp", "deep_taylor")


class Asked:
    """How many rows a model was given: a copy of a network counts in the same place."""

    n = 0


def smooth(rows):
    Asked.n += len(rows)
    flat = np.asarray(rows, dtype=float).reshape(len(rows), -1)
    return np.tanh(flat[:, :4].sum(axis=1)) + flat[:, 0] * flat[:, 1]


def words(rows):
    Asked.n += len(rows)
    return rows.a * (rows.word == "x") + rows.n * rows.b


class Seen(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Conv2d(4, 6, 3, padding=1)
        self.head = torch.nn.Linear(6, 3)

    def forward(self, x):
        Asked.n += len(x)
        return self.head(self.second(self.first(x).relu()).relu().mean((2, 3)))


class Columns(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = torch.nn.Linear(5, 8), torch.nn.Linear(8, 2)

    def forward(self, x):
        Asked.n += len(x)
        return self.head(self.body(x).tanh())


@pytest.fixture(autouse=True)
def from_nothing():
    Asked.n = 0


# ------------------------------------------------------------------------------------------------ baselines


def on_photos(methods, photos, fill="mean", **options):
    torch.manual_seed(0)
    space = px.ImageSpace(segments="grid", n_segments=6, fill=fill)
    predictor = px.Predictor(Seen(), output="logit")
    return px.baselines(methods, predictor, space, photos, outputs=[0, 1], **options)


def on_rows(methods, numbers, background=10):
    if methods == "glass_box":
        model = GradientBoostingRegressor(n_estimators=5).fit(X, X[:, 0] * X[:, 1])
    else:
        torch.manual_seed(0)
        model = Columns().double()
    return px.baselines(methods, px.Predictor(model), px.TabularSpace(X, background=background), X[numbers] + 0.1)


IN_PHOTOS = sorted(set(catalogue.BASELINES) - {"expected_gradients", "glass_box"})
IN_TABLES = ["random", "gradient", "gradient_x_input", "integrated_gradients", "expected_gradients", "glass_box"]


@pytest.mark.parametrize("fill", ["mean", 0.25])
@pytest.mark.parametrize("numbers", [[0], [0, 1, 2], [0, 1, 0, 0]], ids=str)
@pytest.mark.parametrize("method", IN_PHOTOS)
def test_a_baseline_costs_the_pictures_it_says_beside_the_ends_and_the_layer(method, numbers, fill):
    if method in BY_RULES:
        pytest.importorskip("zennit")
    found = on_photos(method, [PHOTOS[n] for n in numbers], fill)[method]
    assert found.meta["rows"] == Asked.n == found.meta["call_rows"]
    nothing, once = len(set(numbers)) if fill == "mean" else 1, found.meta["rows_once_a_call"]
    if found.method.passes:  # v(N) comes along with the look
        assert once["v(nothing)"] == nothing
    else:
        assert once["v(nothing) and v(N)"] == len(set(numbers)) + nothing
    if len(numbers) == 4:  # the same picture is not asked again, and says the same
        assert found[0].meta["rows"] == found[2].meta["rows"] and [one.label for one in found] == [0, 1, 2, 3]
        np.testing.assert_array_equal(found[0].values, found[3].values)
        distinct = on_photos(method, PHOTOS[:2], fill)[method]
        assert found.meta["rows"] == distinct.meta["rows"]
        np.testing.assert_array_equal(found[1].values, distinct[1].values)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("method", IN_TABLES)
def test_a_baseline_on_a_table_costs_the_rows_it_says_beside_the_ends(method, rows):
    numbers = ROWS[rows]
    found = on_rows(method, numbers)[method]
    assert found.meta["rows"] == found.meta["call_rows"]
    assert method == "glass_box" or found.meta["call_rows"] == Asked.n
    assert found.meta["rows_once_a_call"] == {"v(nothing) and v(N)": 10 + len(set(numbers))}


def test_together_maps_cost_what_they_do_alone_and_the_call_no_more_than_all():
    photos = [PHOTOS[n] for n in (0, 1, 0)]
    methods = ["cam", "grad_cam", "cam_difference", "score_cam", "gradient", "smooth_grad", "integrated_gradients", "random"]
    alone = {method: on_photos(method, photos, 0.25)[method].meta for method in methods}
    Asked.n = 0
    found = on_photos(methods, photos, 0.25)
    assert {key: one.meta["rows"] for key, one in found.items()} == {key: meta["rows"] for key, meta in alone.items()}
    assert (
        Asked.n == found["cam"].meta["call_rows"] <= sum(own_rows(one) for one in found.values()) + once_a_call(found["cam"])
    )
    tables = on_rows(IN_TABLES[:-1], [0, 1, 0])
    assert {key: one.meta["rows"] for key, one in tables.items()} == {
        key: on_rows(key, [0, 1, 0])[key].meta["rows"] for key in tables
    }


def test_a_layer_of_ones_own_and_pictures_of_two_sizes_are_counted_too():
    photos = [PHOTOS[0], PHOTOS[1][:12]]
    for options in ({}, {"layer": "first"}):
        Asked.n = 0
        found = on_photos("grad_cam", photos, **options)["grad_cam"]
        assert found.meta["rows"] == Asked.n and found.meta["rows_once_a_call"]["where the layer is"] == 2


# ------------------------------------------------------------------------------------------------ references


@pytest.mark.parametrize("over", ["columns", "coalitions"])
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("name", [n for n in catalogue.PEERS if n.startswith("shap.") and n != "shap.tree"])
def test_a_peer_costs_the_rows_it_says_beside_the_ends_that_it_did_not_ask(name, rows, over):
    pytest.importorskip("shap")
    x = X[ROWS[rows], :4] + 0.1
    space = px.TabularSpace(X[:, :4], background=7)
    budget = None if name == "shap.exact" else 60
    (found,) = px.reference(name, px.Predictor(smooth), space, x, over=over, budget=budget).values()
    assert found.meta["rows"] == Asked.n == found.meta["call_rows"]
    beside = 7 + len(set(ROWS[rows])) if over == "columns" else 0
    assert found.meta["rows_once_a_call"] == {"v(nothing) and v(N)": beside}


@pytest.mark.parametrize("numbers", [[0], [0, 1, 0]], ids=str)
@pytest.mark.parametrize("name", ["lime.image", "lime.tabular", "shap.kernel"])
def test_other_peers_cost_what_they_say_too(name, numbers):
    pytest.importorskip("lime" if "lime" in name else "shap")
    if name == "lime.tabular":
        space, x = px.TabularSpace(X, background=7), X[numbers] + 0.1
    else:
        space, x = px.ImageSpace(segments="grid", n_segments=6, fill="mean"), [PHOTOS[n] for n in numbers]
    (found,) = px.reference(name, px.Predictor(smooth), space, x, budget=60).values()
    assert found.meta["rows"] == Asked.n == found.meta["call_rows"]


# ------------------------------------------------------------------------------------------------ effects


CURVES = {"pdp": ["pdp"], "ice": ["ice"], "ale": ["ale"], "all": ["pdp", "ice", "ale"]}


@pytest.mark.parametrize("features", [None, ["a"], ["word", ("a", "n"), ("b", "word")]], ids=str)
@pytest.mark.parametrize("methods", CURVES)
def test_effects_cost_the_rows_they_say_beside_the_first_row(methods, features):
    found = px.effects(CURVES[methods], px.Predictor(words), px.TabularSpace(MIXED), MIXED, features=features, grid=6)
    for effects in found.values():  # methods of a call read the same answers
        assert {str(one.meta["rows_once_a_call"]) for one in effects.values()} == {"{'the first row': 1}"}
        assert sum(own_rows(one) for one in effects.values()) + 1 == Asked.n
        assert {one.meta["call_rows"] for one in effects.values()} == {Asked.n}


def test_derivatives_are_asked_once_for_all_columns():
    found = px.effects([px.Ale(differential=True)], px.Predictor(Columns().double()), px.TabularSpace(X), X, grid=5)
    (effects,) = found.values()
    assert {own_rows(one) for one in effects.values()} == {60} and Asked.n == 61


@pytest.mark.parametrize("rest", ["uniform", "half", "fade", "present", "absent"])
@pytest.mark.parametrize(
    ("n_segments", "features"),
    [
        (6, None),
        pytest.param(12, None, marks=pytest.mark.slow),
        pytest.param(6, [0, 2], marks=pytest.mark.slow),
        (12, [0, 2]),
    ],
)
def test_curves_of_opacity_cost_the_pictures_they_say_beside_the_ends(n_segments, rest, features):
    space = px.ImageSpace(segments="grid", n_segments=n_segments, fill="mean")

    def curves(methods):
        Asked.n = 0
        return px.effects(methods, px.Predictor(smooth), space, PHOTOS[0], rest=rest, features=features)

    alone = {}
    for method in ("pdp", "ice", "ale"):
        found = curves(method)[method]
        assert {one.meta["rows"] for one in found.values()} == {Asked.n}
        alone[method] = next(iter(found.values())).meta["rows"]
    together = curves(["pdp", "ice", "ale"])
    rows = {method: next(iter(found.values())).meta["rows"] for method, found in together.items()}
    assert rows["pdp"] == rows["ice"] == alone["pdp"] == alone["ice"]
    assert max(rows.values()) <= Asked.n <= rows["pdp"] + rows["ale"] - 2
