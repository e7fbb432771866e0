"""Gradient baselines on tables: complete, and equal to Shapley values where they must be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from costs import own_rows
from samples import PICTURES, X, convolutional, seeded
from torch import nn

import perturbxai as px
from perturbxai.reporting.figures import figures

ALL = ["gradient", "gradient_x_input", "integrated_gradients", "expected_gradients"]
IN_OUTPUT_UNITS = ALL[1:]


def smooth(n_columns=3, n_outputs=2, seed=0):
    """A network without kinks, in float64."""
    net = seeded(lambda: nn.Linear(n_columns, 8), nn.Tanh, lambda: nn.Linear(8, n_outputs), seed=seed).double()
    with torch.no_grad():
        net[0].weight.mul_(2.0)
    return net


class Sum(nn.Module):
    """sum_j sin(a_j x_j) + x_j^2: additive, in float64."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64))

    def forward(self, rows):
        return (torch.sin(self.a * rows) + rows**2).sum(dim=1)


def linear():
    return seeded(lambda: nn.Linear(3, 2)).double()


def told(methods, net, x=None, *, background=10, **options):
    """baselines() of a network on X, with the space."""
    space = px.TabularSpace(X, background=background, **options)
    predictor = net if isinstance(net, px.Predictor) else px.Predictor(net)
    return px.baselines(methods, predictor, space, X[:3] if x is None else x), space


# ------------------------------------------------------------------------------------------------ the four methods


def test_gradient_and_gradient_x_input_are_what_they_say():
    found, _ = told(["gradient", "gradient_x_input"], smooth())
    slope = px.Predictor(smooth()).gradient(X[:3])
    np.testing.assert_allclose(found["gradient"].values, slope, rtol=1e-12)
    np.testing.assert_allclose(found["gradient_x_input"].values, X[:3, :, None] * slope, rtol=1e-12)


@pytest.mark.parametrize("weights", [None, np.arange(60.0)], ids=["equal", "weighted"])
def test_on_a_linear_network_all_in_output_units_are_the_shapley_value(weights):
    methods = [px.GradientXInput(baseline="mean"), "integrated_gradients", "expected_gradients"]
    found, space = told(methods, linear(), weights=weights, choose="all")
    shapley = px.explain("kernel_shap", px.Predictor(linear()), space, X[:3], budget=8)["kernel_shap"].values
    for one in found.values():
        np.testing.assert_allclose(one.values, shapley, atol=1e-12)


def test_the_classic_gradient_x_input_is_the_shapley_value_where_absence_is_zero():
    space = px.TabularSpace(np.zeros((1, 3)))
    found = px.baselines(IN_OUTPUT_UNITS, px.Predictor(linear()), space, X[:3])
    shapley = px.explain("kernel_shap", px.Predictor(linear()), space, X[:3], budget=8)["kernel_shap"].values
    for one in found.values():
        np.testing.assert_allclose(one.values, shapley, atol=1e-12)


def test_expected_gradients_of_an_additive_network_are_the_shapley_value():
    found, space = told("expected_gradients", Sum())
    shapley = px.explain("kernel_shap", px.Predictor(Sum()), space, X[:3], budget=8)["kernel_shap"].values
    np.testing.assert_allclose(found["expected_gradients"].values, shapley, atol=1e-10)


@pytest.mark.parametrize("output", ["raw", "probability"])
def test_expected_gradients_sum_to_the_rise_over_the_background(output):
    found, _ = told("expected_gradients", px.Predictor(smooth(), output=output))
    one = found["expected_gradients"]
    np.testing.assert_allclose(one.values.sum(axis=1), one.prediction - one.base, atol=1e-10)
    assert np.abs(one[1].meta["gap"]).max() < 1e-10


def test_integrated_gradients_sum_to_the_rise_over_their_baseline():
    found, space = told("integrated_gradients", smooth())
    one = found["integrated_gradients"]
    mean = (space.background_weights @ space.background)[None]
    at_mean = px.Predictor(smooth())(mean)
    np.testing.assert_allclose(one.values.sum(axis=1), one.prediction - at_mean, atol=1e-10)
    np.testing.assert_allclose(one[0].meta["baseline_prediction"], at_mean[0], rtol=1e-12)


def test_the_gap_of_integrated_gradients_is_what_a_kink_leaves():
    relu = seeded(lambda: nn.Linear(3, 16), nn.ReLU, lambda: nn.Linear(16, 1)).double()
    gaps = {}
    for steps in (4, 400):
        one = told(px.IntegratedGradients(steps=steps), relu)[0]["integrated_gradients"]
        gaps[steps] = np.abs([e.meta["gap"] for e in one]).max()
        rise = one.prediction - np.array([e.meta["baseline_prediction"] for e in one])
        np.testing.assert_allclose(rise - one.values.sum(axis=1), [e.meta["gap"] for e in one], atol=1e-12)
    assert 0 < gaps[400] < gaps[4] / 10


def test_a_baseline_may_be_a_row_by_place_or_by_name():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    space = px.TabularSpace(frame, background=4)
    row = {"c": 3.0, "a": 1.0, "b": 2.0}
    given = (row, pd.Series(row), [1.0, 2.0, 3.0], px.IntegratedGradients(baseline=row).baseline)
    ways = [px.IntegratedGradients(baseline=b, name=str(n)) for n, b in enumerate(given)]
    found = px.baselines(ways, px.Predictor(smooth()), space, frame.iloc[:2])
    for one in found.values():
        np.testing.assert_array_equal(one.values, found["0"].values)
        assert one.meta["baseline"] == [1.0, 2.0, 3.0]
        np.testing.assert_allclose(one.meta["gap"], 0.0, atol=1e-10)


def test_a_group_is_the_sum_of_its_columns():
    alone, _ = told(IN_OUTPUT_UNITS, smooth())
    grouped, _ = told(IN_OUTPUT_UNITS, smooth(), groups={"both": ["x0", "x2"]})
    for key in IN_OUTPUT_UNITS:
        both = alone[key].values[:, [0, 1], :] + np.stack([alone[key].values[:, 2], 0 * alone[key].values[:, 2]], axis=1)
        np.testing.assert_allclose(grouped[key].values, both, atol=1e-13)


def test_rows_are_counted_and_the_gradient_at_x_is_asked_once():
    predictor = px.Predictor(smooth())
    found, _ = told(ALL, predictor, background=10)
    assert {key: own_rows(one) for key, one in found.items()} == {
        "gradient": 3, "gradient_x_input": 3, "integrated_gradients": 151, "expected_gradients": 1500,
    }  # fmt: skip
    assert found["gradient"].meta["rows_shared_with"] == ["gradient_x_input"]
    assert predictor.rows == 3 + 151 + 1500 + 13  # and v(N), v(nothing)


def test_a_long_background_is_taken_in_parts():
    rng = np.random.default_rng(1)
    many = rng.normal(size=(400, 3))
    space = px.TabularSpace(many, background="all")
    one = px.baselines("expected_gradients", px.Predictor(smooth()), space, X[:1])["expected_gradients"]
    np.testing.assert_allclose(one.values.sum(axis=1), one.prediction - one.base, atol=1e-10)


def test_whole_and_truth_columns_have_gradients_too():
    frame = pd.DataFrame({"a": [0, 1, 5, 3], "b": [True, False, True, False], "c": [0.5, 1.5, -1.0, 2.0]})
    space = px.TabularSpace(frame)
    found = px.baselines(ALL, px.Predictor(smooth()), space, frame.iloc[:2])
    np.testing.assert_allclose(found["expected_gradients"].meta["gap"], 0.0, atol=1e-8)


def test_they_are_compared_with_explainers_on_tables():
    predictor = px.Predictor(smooth())
    found, space = told(ALL, predictor)
    results = px.explain(["kernel_shap", "lime"], predictor, space, X[:3], budget=8) | found
    table = px.compare(results, predictor, space)
    assert set(table.summary().index) == set(results)
    assert np.isfinite(table.summary()[["deletion", "insertion", "faithfulness"]].to_numpy()).all()
    pairs = table.agreement[table.agreement.metric == "spearman"]
    assert {"gradient", "expected_gradients"} <= set(pairs.method_b)


def test_a_report_draws_them_as_bars_on_tables():
    found, _ = told(["gradient", "integrated_gradients"], smooth())
    assert [name for name, _ in figures(found)] == ["bars"]


def counting(net):
    """The network, and a list that grows with every forward pass."""
    calls = []
    net.register_forward_pre_hook(lambda *_: calls.append(1))
    return net, calls


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("kind", ["function", "text", "dates", "transform"])
def test_tables_without_gradients_are_refused_before_the_model_is_asked(method, kind):
    net, calls = counting(smooth())
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2]})
    if kind == "text":
        frame["b"] = np.where(X[:, 1] > 0, "yes", "no")
    if kind == "dates":
        frame["b"] = pd.date_range("2020-01-01", periods=60)

    def model(rows):
        calls.append(1)
        return rows.sum(axis=1)

    options = {"transform": lambda rows: rows} if kind == "transform" else {}
    predictor = px.Predictor(model if kind == "function" else net, **options)
    with pytest.raises(TypeError, match=method):
        px.baselines(method, predictor, px.TabularSpace(frame), frame.iloc[:1])
    assert not calls


def test_a_picture_has_no_background_to_expect_over():
    net, calls = counting(convolutional())
    with pytest.raises(ValueError, match="expected_gradients is for tables"):
        px.baselines("expected_gradients", px.Predictor(net), px.ImageSpace(segments="grid", n_segments=4), PICTURES[0])
    assert not calls


def test_groups_have_no_one_gradient():
    net, calls = counting(smooth())
    with pytest.raises(ValueError, match="the space has groups"):
        told("gradient", net, groups={"both": ["x0", "x1"]})
    assert not calls


def test_columns_have_no_channels():
    net, calls = counting(smooth())
    with pytest.raises(ValueError, match="channels='max' is for pictures"):
        told(px.Gradient(channels="max"), net)
    assert not calls


@pytest.mark.parametrize(
    ("options", "match"),
    [({"layer": "0"}, "layer='0' is for maps"), ({"score": "probability"}, "the predictor's own scale")],
)
def test_options_of_maps_are_refused_on_tables(options, match):
    with pytest.raises(ValueError, match=match):
        px.baselines("gradient", px.Predictor(smooth()), px.TabularSpace(X), X[:1], **options)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: px.IntegratedGradients(steps=0), "steps=0"),
        (lambda: px.ExpectedGradients(steps=2.5), "steps=2.5"),
        (lambda: px.IntegratedGradients(baseline="zero"), "baseline='zero'"),
        (lambda: px.IntegratedGradients(baseline=[1.0, np.nan]), "no row of finite numbers"),
        (lambda: px.IntegratedGradients(baseline=np.ones((2, 3))), "no row of finite numbers"),
        (lambda: px.GradientXInput(baseline="median"), "baseline='median'"),
    ],
)
def test_options_that_mean_nothing_are_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()


@pytest.mark.parametrize("baseline", [[1.0, 2.0], {"x0": 1.0, "x1": 2.0}, {"x0": 1.0, "x1": 2.0, "x7": 3.0}], ids=str)
def test_a_baseline_that_does_not_fit_the_table_is_refused_before_the_model_is_asked(baseline):
    net, calls = counting(smooth())
    with pytest.raises(ValueError, match="baseline has"):
        told(px.IntegratedGradients(baseline=baseline), net)
    assert not calls
