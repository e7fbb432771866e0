"""predictor.gradient: what it differentiates, what it refuses, and a network left as it was found."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from samples import PICTURES, X, curved, dense, seeded, snapshot
from torch import nn

import perturbxai as px


def smooth(n_columns=3, n_outputs=2, seed=0):
    """A network without kinks, in float64."""
    net = seeded(lambda: nn.Linear(n_columns, 8), nn.Tanh, lambda: nn.Linear(8, n_outputs), seed=seed).double()
    with torch.no_grad():
        net[0].weight.mul_(2.0)
    return net


def differences(predictor, rows, step=1e-5):
    """(n, D, K): central finite differences of what the predictor returns."""
    found = []
    for d in range(rows.shape[1]):
        move = step * np.eye(rows.shape[1])[d]
        found.append((predictor(rows + move) - predictor(rows - move)) / (2 * step))
    return np.stack(found, axis=1)


@pytest.mark.parametrize(
    ("n_outputs", "options"),
    [
        (2, {}), (2, {"output": "logit"}), (2, {"output": "probability"}), (1, {"output": "probability"}),
        (3, {"output": "probability", "multi_label": True}),
    ],
    ids=str,
)  # fmt: skip
def test_gradients_are_those_of_what_the_predictor_returns(n_outputs, options):
    predictor = px.Predictor(smooth(n_outputs=n_outputs), **options)
    found = predictor.gradient(X)
    assert found.shape == (60, 3, n_outputs)
    np.testing.assert_allclose(found, differences(predictor, X), atol=1e-8)  # the error of differences, step^2


def test_a_float32_network_has_the_gradients_of_its_float64_twin():
    found = px.Predictor(smooth().float()).gradient(X)
    np.testing.assert_allclose(found, px.Predictor(smooth()).gradient(X), rtol=1e-4, atol=1e-6)
    assert found.dtype == np.float64


def test_a_probability_keeps_float64_behind_a_float32_network():
    net = seeded(lambda: nn.Linear(3, 2, bias=False))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[20.0, 0, 0], [0, 0, 0]]))
    slope = px.Predictor(net, output="probability").gradient(np.array([[1.0, 0.0, 0.0]]))[0, 0]
    p, q = 1 / (1 + np.exp(-20.0)), 1 / (1 + np.exp(20.0))
    np.testing.assert_allclose(slope, [20 * p * q, -20 * p * q], rtol=1e-6)  # which a softmax in float32 rounds to 0


BUILT = {"device": {"device": "cpu"}, "precision": {"precision": "float64"}, "progress": {"progress": lambda *_: None}}


@pytest.mark.parametrize("options", BUILT.values(), ids=BUILT)
def test_gradients_do_not_depend_on_where_rows_are_built(options):
    found = px.Predictor(dense(), **options).gradient(X)
    np.testing.assert_allclose(found, px.Predictor(dense()).gradient(X), rtol=1e-4, atol=1e-6)  # float32


@pytest.mark.parametrize("batch_size", [None, 1, 7, 60])
def test_gradients_do_not_depend_on_the_batch(batch_size):
    predictor = px.Predictor(dense(), batch_size=batch_size)
    np.testing.assert_allclose(predictor.gradient(X), px.Predictor(dense(), batch_size=60).gradient(X), rtol=1e-5, atol=1e-7)
    assert predictor.rows == 60


def test_outputs_are_taken_by_name_and_number():
    predictor = px.Predictor(smooth(n_outputs=3), outputs=["a", "b", "c"])
    every = predictor.gradient(X)
    np.testing.assert_array_equal(predictor.gradient(X, ["c", "a"]), every[:, :, [2, 0]])
    np.testing.assert_array_equal(predictor.gradient(X, 1), every[:, :, [1]])
    with pytest.raises(ValueError, match="'d' is not an output"):
        predictor.gradient(X, "d")


def test_a_frame_of_numbers_gives_the_gradients_of_its_array():
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": pd.array(X[:, 2], dtype="Float64")})
    np.testing.assert_array_equal(px.Predictor(smooth()).gradient(frame), px.Predictor(smooth()).gradient(X))


@pytest.mark.parametrize("make", [dense, smooth])
@pytest.mark.parametrize("fails", [False, True])
def test_a_network_is_left_as_found_by_its_gradients(make, fails):
    net = make()
    if fails:
        net[-1].register_forward_hook(lambda *_: 1 / 0)
    before, rows = snapshot(net), X.copy()
    predictor = px.Predictor(net)
    with pytest.raises(ZeroDivisionError) if fails else warnings.catch_warnings():
        predictor.gradient(rows)
    assert snapshot(net) == before
    assert (rows == X).all()
    assert predictor.rows == (0 if fails else 60)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_there_are_gradients_whatever_mode_the_caller_is_in(mode):
    predictor = px.Predictor(smooth())
    with mode():
        found = predictor.gradient(X)
    np.testing.assert_array_equal(found, px.Predictor(smooth()).gradient(X))


def test_a_network_that_works_in_place_has_its_gradient():
    class InPlace(nn.Module):
        def forward(self, rows):
            return rows.mul_(rows.detach().clone()).sum(dim=1)

    np.testing.assert_allclose(px.Predictor(InPlace(), precision="float64").gradient(X)[:, :, 0], X)


def test_a_batch_of_gradients_that_does_not_fit_is_halved():
    class Small(nn.Module):
        def forward(self, rows):
            if len(rows) > 10:
                raise MemoryError
            return (rows**2).sum(dim=1)

    predictor = px.Predictor(Small(), precision="float64")
    np.testing.assert_allclose(predictor.gradient(X)[:, :, 0], 2 * X)
    assert predictor.rows == 60 and predictor.retried_rows > 0


class Detached(nn.Module):
    def forward(self, rows):
        return rows.detach().sum(dim=1)


@pytest.mark.parametrize(
    ("model", "rows", "error", "match"),
    [
        (curved, X, TypeError, "the model is a callable, which has no gradient"),
        (Detached(), X, TypeError, "does not depend on its input"),
        (dense(), PICTURES, ValueError, "expected \\(rows, columns\\)"),
        (dense(), X[0], ValueError, "expected \\(rows, columns\\)"),
        (dense(), X[:0], ValueError, "rows is empty"),
        (dense(), X.astype(str), TypeError, "is <U"),
        (dense(), pd.DataFrame({"a": [1.0], "b": ["x"], "c": [2.0]}), TypeError, "column 'b' is"),
        (dense(), pd.DataFrame({"a": [1.0], "b": pd.Categorical([1]), "c": [2.0]}), TypeError, "column 'b' is category"),
    ],
)
def test_what_has_no_gradient_is_refused(model, rows, error, match):
    with pytest.raises(error, match=match):
        px.Predictor(model).gradient(rows)


def test_a_transform_has_no_gradient():
    with pytest.raises(TypeError, match="transform stands between"):
        px.Predictor(dense(), transform=lambda rows: rows).gradient(X)


def test_a_gradient_that_is_not_finite_is_named():
    class Root(nn.Module):
        def forward(self, rows):
            return rows.abs().sqrt().sum(dim=1)

    with pytest.raises(px.ModelError, match="at row 1 by column 2"):
        px.Predictor(Root()).gradient(np.array([[1.0, 1, 1], [1, 1, 0]]))
