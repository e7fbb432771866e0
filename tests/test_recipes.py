"""Models as people have them: asked with the rows they were trained on, and answering as they do by themselves."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import perturbxai as px

RECIPES = (Path(__file__).resolve().parent.parent / "docs" / "recipes.md").read_text("utf-8")
PACKAGES = ("xgboost", "lightgbm", "onnxruntime", "skl2onnx")
RNG = np.random.default_rng(0)
N = 400
X = pd.DataFrame(
    {
        "age": RNG.integers(18, 80, N),
        "income": np.where(RNG.random(N) < 0.1, np.nan, RNG.lognormal(10, 1, N)),
        "job": pd.Categorical(RNG.choice(["clerk", "cook", "nurse"], N), categories=["nurse", "clerk", "cook"]),
        "member": RNG.random(N) < 0.3,
    }
)
Y = (((X.age > 45) & (X.job != "cook")) ^ (RNG.random(N) < 0.1)).to_numpy()
THREE = np.where(X.job == "cook", 2, Y.astype(int))
METHODS = ["lime", "kernel_shap", "pdp", "ice", "lime_tabular"]


def package(name):
    return pytest.importorskip(name, reason=f"{name} is not installed")


def agrees(predictor, own, table=X, exact=0.0):
    """The base and the prediction are the model's own, values add up, and every method answers; returns the results."""
    space = px.TabularSpace(table, background=20, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = px.explain(METHODS, predictor, space, table.iloc[:4], budget=100, seed=0)
    shap = results["kernel_shap"]
    np.testing.assert_allclose(shap.prediction, np.asarray(own(table.iloc[:4]), dtype=float).reshape(4, -1), rtol=exact)
    np.testing.assert_allclose(shap.values.sum(axis=1), shap.prediction - shap.base, atol=1e-9)
    assert all(np.isfinite(found.values).all() for found in results.values())
    return results


def test_the_recipes_run_as_they_stand():
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", RECIPES, re.DOTALL):
        for name in PACKAGES:
            if re.search(rf"^(import|from) {name}\b", block, re.MULTILINE):
                package(name)
        exec(compile(block, "docs/recipes.md", "exec"), names)
        if "results" in names:
            found = list(names.pop("results").values())
            assert found and all(np.isfinite(one.values).all() for one in found)


# -------------------------------------------------------------------------------------------------- xgboost


def test_an_xgboost_estimator_sees_its_categories_and_gives_its_probabilities():
    xgboost = package("xgboost")
    model = xgboost.XGBClassifier(n_estimators=20, enable_categorical=True).fit(X, Y)
    found = agrees(px.Predictor(model), model.predict_proba)
    assert found["kernel_shap"].outputs == ("0", "1")


@pytest.mark.parametrize("target", ["two classes", "three classes", "a number"])
def test_an_xgboost_booster_answers_as_its_estimator_does(target):
    xgboost = package("xgboost")
    if target == "a number":
        model = xgboost.XGBRegressor(n_estimators=20, enable_categorical=True).fit(X, X.age * 1.0)
        own = model.predict
    else:
        y = Y.astype(int) if target == "two classes" else THREE
        model = xgboost.XGBClassifier(n_estimators=20, enable_categorical=True).fit(X, y)
        own = model.predict_proba
    # of two classes xgboost takes the second from one in float32
    found = agrees(px.Predictor(model.get_booster()), own, exact=1e-6)
    names = {"two classes": ("0", "1"), "three classes": ("0", "1", "2"), "a number": ("prediction",)}[target]
    assert found["kernel_shap"].outputs == names


def test_a_booster_s_logit_is_its_margin():
    xgboost, lightgbm = package("xgboost"), package("lightgbm")
    first = xgboost.XGBClassifier(n_estimators=10, enable_categorical=True).fit(X, Y).get_booster()
    margin = first.predict(xgboost.DMatrix(X, enable_categorical=True), output_margin=True)
    np.testing.assert_array_equal(px.Predictor(first, output="logit")(X)[:, 0], margin.astype(float))
    second = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1).fit(X, Y).booster_
    np.testing.assert_array_equal(px.Predictor(second, output="logit")(X)[:, 0], second.predict(X, raw_score=True))


def test_a_booster_of_an_array_takes_an_array():
    xgboost, lightgbm = package("xgboost"), package("lightgbm")
    table = X[["age", "income"]].to_numpy()
    for booster in (
        xgboost.train({"objective": "reg:squarederror"}, xgboost.DMatrix(table, label=X.age), 5),
        lightgbm.train({"objective": "l2", "verbose": -1}, lightgbm.Dataset(table, label=X.age.to_numpy()), 5),
    ):
        found = px.explain("kernel_shap", px.Predictor(booster), px.TabularSpace(table, background=10), table[:2])
        np.testing.assert_array_equal(found["kernel_shap"].prediction[:, 0], px.Predictor(booster)(table[:2])[:, 0])
        assert (np.abs(found["kernel_shap"].values[:, 0]) > 10 * np.abs(found["kernel_shap"].values[:, 1])).all()


def test_a_table_of_other_columns_is_refused_before_a_booster_is_asked():
    xgboost = package("xgboost")
    booster = xgboost.XGBClassifier(n_estimators=5, enable_categorical=True).fit(X, Y).get_booster()
    renamed = X.rename(columns={"age": "years"})
    predictor = px.Predictor(booster)
    with pytest.raises(ValueError, match="differ from those that Booster was trained on: unknown feature"):
        px.explain("kernel_shap", predictor, px.TabularSpace(renamed), renamed.iloc[:1])
    assert predictor.rows == 0


# -------------------------------------------------------------------------------------------------- lightgbm


@pytest.mark.parametrize("kind", ["estimator", "booster", "three classes"])
def test_lightgbm_sees_its_categories(kind):
    lightgbm = package("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=20, verbose=-1).fit(X, THREE if kind == "three classes" else Y)
    given = model if kind == "estimator" else model.booster_
    found = agrees(px.Predictor(given), model.predict_proba)
    assert len(found["kernel_shap"].outputs) == (3 if kind == "three classes" else 2)


# -------------------------------------------------------------------------------------------------- ONNX


def session_of(model, columns, **options):
    onnxruntime, skl2onnx = package("onnxruntime"), package("skl2onnx")
    exported = skl2onnx.to_onnx(model, columns, **options).SerializeToString()
    return onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])


def numbers():
    return X[["age", "income"]].fillna(1.0).astype(np.float32)


def test_a_session_of_a_classifier_gives_its_probabilities():
    from sklearn.linear_model import LogisticRegression

    table = numbers()
    model = LogisticRegression(max_iter=5000).fit(table.to_numpy(), Y)
    session = session_of(model, table.to_numpy()[:1], options={"zipmap": False})
    found = agrees(px.Predictor(session), lambda rows: session.run(["probabilities"], {"X": rows.to_numpy()})[0], table)
    np.testing.assert_allclose(found["kernel_shap"].prediction, model.predict_proba(table.iloc[:4].to_numpy()), atol=1e-5)
    assert px.Predictor(session).output == "probability"


def test_a_session_of_a_regressor_gives_numbers():
    from sklearn.linear_model import LinearRegression

    table = numbers()
    model = LinearRegression().fit(table.to_numpy(), X.age)
    session = session_of(model, table.to_numpy()[:1])
    found = agrees(px.Predictor(session), lambda rows: session.run(None, {"X": rows.to_numpy()})[0], table)
    assert found["kernel_shap"].outputs == ("prediction",)


def test_a_session_with_a_column_an_input_is_fed_by_name():
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    table = X[["age", "job"]].assign(job=X.job.astype(str), age=X.age.astype(np.float32))
    columns = make_column_transformer((OneHotEncoder(), ["job"]), remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression(max_iter=5000)).fit(table, Y)
    session = session_of(model, table.iloc[:1], options={"zipmap": False})
    space = px.TabularSpace(table, background=10)
    found = px.explain(["kernel_shap", "lime_tabular"], px.Predictor(session), space, table.iloc[:3], seed=0)
    np.testing.assert_allclose(found["kernel_shap"].prediction, model.predict_proba(table.iloc[:3]), atol=1e-5)


def test_a_session_that_gives_dictionaries_is_refused_with_the_way_out():
    from sklearn.linear_model import LogisticRegression

    table = numbers().to_numpy()
    session = session_of(LogisticRegression(max_iter=5000).fit(table, Y), table[:1])
    with pytest.raises(TypeError, match="zipmap"):
        px.Predictor(session)


# -------------------------------------------------------------------------------------------------- others


def test_a_pipeline_sees_the_frame_it_was_trained_on():
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline

    seen = []

    class Looks(TransformerMixin, BaseEstimator):
        def fit(self, _rows, _y=None):
            return self

        def transform(self, rows):
            seen.append((rows.dtypes.to_dict(), list(rows.columns), rows["job"].cat.categories.tolist()))
            return rows[["age"]].to_numpy()

    model = make_pipeline(Looks(), LinearRegression()).fit(X, X.age)
    seen.clear()
    agrees(px.Predictor(model), lambda rows: rows["age"])
    for dtypes, columns, categories in seen:
        assert dtypes == X.dtypes.to_dict() and columns == list(X) and categories == ["nurse", "clerk", "cook"]


def test_a_network_of_a_table_gives_its_own_numbers_to_the_last_bit():
    import torch

    table = X[["age", "member"]].astype(np.float32)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)).eval()
    found = px.explain("kernel_shap", px.Predictor(network, output="raw"), px.TabularSpace(table), table.iloc[:3])
    with torch.no_grad():
        own = network(torch.as_tensor(table.iloc[:3].to_numpy())).double().numpy()
    np.testing.assert_allclose(found["kernel_shap"].prediction, own, atol=1e-6)
