"""One line for the hurried: a model for a Predictor, its table for a space; and methods as scikit-learn's estimators."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge

import perturbxai as px

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(80, 3)), columns=["a", "b", "c"])
MODEL = LinearRegression().fit(X, X.a - 2 * X.b)
SPACE, PREDICTOR = px.TabularSpace(X), px.Predictor(MODEL)

CALLS = {
    "explain": lambda model, space: px.explain(["kernel_shap", "lime"], model, space, X[:3])["kernel_shap"].values,
    "baselines": lambda model, space: px.baselines("glass_box", model, space, X[:3])["glass_box"].values,
    "effects": lambda model, space: px.effects("ale", model, space, X)["ale"]["a"].values,
    "h_statistic": lambda model, space: px.h_statistic(model, space, X, data_rows=20).values,
    "compare": lambda model, space: px.compare(
        px.explain("kernel_shap", PREDICTOR, SPACE, X[:3], budget=6), model, space, metrics="srg"
    ).scores.value,
    "reference": lambda model, space: px.reference("shap.exact", model, space, X[:2])["shap.exact"].values,
}


@pytest.mark.parametrize("call", CALLS)
def test_a_model_and_its_table_are_those_of_a_predictor_and_a_space_by_default(call):
    if call == "reference":
        pytest.importorskip("shap")
    np.testing.assert_array_equal(CALLS[call](MODEL, X), CALLS[call](PREDICTOR, SPACE))


@pytest.mark.parametrize(
    "given", [LinearRegression().fit(X.to_numpy(), X.a - 2 * X.b).predict, lambda rows: rows @ MODEL.coef_]
)
def test_functions_and_arrays_will_do(given):
    found = px.explain("kernel_shap", given, X.to_numpy(), X.to_numpy()[:2])["kernel_shap"]
    np.testing.assert_allclose(found.values[..., 0], (X[:2] - SPACE.background.mean(axis=0)) * MODEL.coef_, atol=1e-12)


def test_a_network_and_a_photo():
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    photo, space = RNG.integers(0, 255, (12, 12, 3), dtype=np.uint8), px.ImageSpace(segments="grid", n_segments=4)
    found = px.explain("kernel_shap", net, space, photo)["kernel_shap"].values
    np.testing.assert_array_equal(found, px.explain("kernel_shap", px.Predictor(net), space, photo)["kernel_shap"].values)
    assert px.layer_grid(net, photo, "0").shape == (12, 12)


def test_rows_go_into_files_too(tmp_path):
    px.explain_to(tmp_path / "out", "kernel_shap", MODEL, X, X[:4], format="csv")
    found = pd.read_csv(tmp_path / "out/parts/part-000000.csv")
    wanted = px.explain("kernel_shap", PREDICTOR, SPACE, X[:4])["kernel_shap"].values[:, 0, 0]
    np.testing.assert_allclose(found["value_a"], wanted, rtol=1e-12)


@pytest.mark.parametrize("given", ["linear", 3, None, X])
def test_what_is_no_model_is_refused_by_its_argument(given):
    with pytest.raises(TypeError, match=r"predictor is .*; expected the model, or px\.Predictor\(model\): "):
        px.explain("kernel_shap", given, X, X[:1])


@pytest.mark.parametrize("given", [None, "rows.csv", 3.0, np.zeros((4, 4, 3)), px.TabularSpace])
def test_what_is_no_space_is_refused_by_its_argument(given):
    with pytest.raises(
        (TypeError, ValueError), match=r"space is .*; expected px\.TabularSpace\(X\), its X, or px\.ImageSpace"
    ):
        px.explain("kernel_shap", MODEL, given, X[:1])


# ------------------------------------------------------------------------------------------------ methods as estimators


@pytest.mark.parametrize(
    "method", [px.Lime(kernel_width=0.5), px.KernelShap(), px.Ale(bins=7), px.Rise(p=0.3), px.Cam()], ids=repr
)
def test_a_clone_is_the_same_method(method):
    other = clone(method)
    assert other == method and other is not method
    assert type(method)(**method.get_params()) == method


def test_options_of_an_option_are_seen_and_changed():
    method = px.TabularLime(model_regressor=Ridge(alpha=2.0))
    assert method.get_params()["model_regressor__alpha"] == 2.0
    assert "model_regressor__alpha" not in method.get_params(deep=False)
    changed = method.set_params(model_regressor__alpha=5.0, kernel_width=1.0)
    assert (changed.model_regressor.alpha, changed.kernel_width) == (5.0, 1.0)
    assert (method.model_regressor.alpha, method.kernel_width) == (2.0, None)
    assert clone(method).model_regressor.alpha == 2.0 and clone(method).model_regressor is not method.model_regressor


@pytest.mark.parametrize("option", ["bin", "bins__x", "surrogate"])
def test_an_option_that_is_not_there_is_refused(option):
    with pytest.raises(ValueError, match=rf"Ale has no option '{option}'; it has bins, data_rows"):
        px.Ale().set_params(**{option: 1})


def test_json_is_read_back(tmp_path):
    found = px.explain("kernel_shap", MODEL, X, X[:2])["kernel_shap"]
    found.to_json(tmp_path / "found.json")
    again = px.read_json(tmp_path / "found.json")
    assert (again.values == found.values).all() and again.method == found.method


def test_a_space_whose_error_has_arguments_of_its_own_is_refused_in_words():
    class Table:
        columns = ("a",)

        def __array__(self, *_args, **_kwargs):
            raise UnicodeDecodeError("utf-8", b"x", 0, 1, "no text")

    with pytest.raises(ValueError, match=r"space is Table; expected px\.TabularSpace"):
        px.explain("kernel_shap", MODEL, Table(), X[:1])
