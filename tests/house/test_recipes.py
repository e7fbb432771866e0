"""Models as people have them: asked with the rows they were trained on, and answering as they do by themselves."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.models import estimators

RECIPES = (Path(__file__).resolve().parents[2] / "docs" / "recipes.md").read_text("utf-8")
PACKAGES = ("torch", "torchvision", "xgboost", "lightgbm", "onnxruntime", "skl2onnx")
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
START, *SNIPPETS = re.findall(r"```python\n(.*?)```", RECIPES, re.DOTALL)


def package(name):
    return pytest.importorskip(name, reason=f"{name} is not installed")


def agrees(
    model: Any, own: Callable[[Any], Any], table: Any = X, methods: Any = METHODS, exact: float = 0.0, **options: Any
):
    """Explain four rows, and hold what was asked and answered against the table and the model itself; the results.

    exact: how far, relatively, answers may be from `own` at the same rows
    """
    asked: list[Any] = []
    as_trained = estimators.EstimatorModel._as_trained

    def watched(self, rows):
        asked.append(as_trained(self, rows))
        return asked[-1]

    predictor = px.Predictor(model, **options)
    space = px.TabularSpace(table, background=20, seed=0)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(estimators.EstimatorModel, "_as_trained", watched)
        warnings.simplefilter("error")
        results = px.explain(methods, predictor, space, table.iloc[:4], budget=100, seed=0)
    shap = results["kernel_shap"]
    np.testing.assert_allclose(shap.prediction, np.asarray(own(table.iloc[:4]), dtype=float).reshape(4, -1), rtol=exact)
    np.testing.assert_allclose(shap.values.sum(axis=1), shap.prediction - shap.base, atol=1e-9)  # sums of 20 rows
    assert all(np.isfinite(found.values).all() for found in results.values())
    rows = pd.concat(asked) if isinstance(asked[0], pd.DataFrame) else pd.DataFrame(np.concatenate(asked))
    assert len(rows) == predictor.rows and not rows.duplicated().any()
    if isinstance(asked[0], pd.DataFrame):
        is_like(rows, table)
    return results


def is_like(rows, table):
    """Columns, dtypes and categories of a table, and values missing where it has some."""
    assert list(rows) == list(table)
    assert rows.dtypes.to_dict() == table.dtypes.to_dict()
    assert (rows.isna().any() == table.isna().any()).all()
    for name in table.select_dtypes("category"):
        assert rows[name].cat.categories.tolist() == table[name].cat.categories.tolist()  # dtypes are equal in any order


@pytest.mark.filterwarnings("ignore:the model has 30 outputs")  # the recipe looks at the five highest
@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: re.findall(r"(?:import|from|def) (\w+)", snippet)[0])
def test_a_recipe_runs_as_it_stands(snippet):
    for name in PACKAGES:
        if re.search(rf"^(import|from) {name}\b", snippet, re.MULTILINE):
            package(name)
    names: dict[str, Any] = {}
    for part in (START, snippet):
        exec(compile(part, "docs/recipes.md", "exec"), names)
    assert all(np.isfinite(one.values).all() for found in names["results"].values() for one in found)


# -------------------------------------------------------------------------------------------------- scikit-learn


def test_a_pipeline_of_columns_sees_the_frame_it_was_trained_on():
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = make_column_transformer(
        (OneHotEncoder(), ["job"]), (make_pipeline(SimpleImputer(), StandardScaler()), ["income", "age"]),
        remainder="passthrough",
    )  # fmt: skip
    model = make_pipeline(columns, LogisticRegression()).fit(X, np.where(Y, "yes", "no"))
    # products of matrices round by the number of rows
    found = agrees(model, model.predict_proba, exact=1e-13)
    assert found["kernel_shap"].outputs == ("no", "yes")


def test_boosted_trees_see_their_categories_and_missing_values():
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=20).fit(X, np.where(Y, "yes", "no"))
    agrees(model, model.predict_proba)


def test_all_six_methods_ask_a_table_of_numbers_alike():
    from sklearn.ensemble import HistGradientBoostingRegressor

    table = X[["age", "member"]].assign(income=X.income.fillna(1.0))
    model = HistGradientBoostingRegressor(max_iter=20).fit(table, X.age)
    agrees(model, model.predict, table, [*METHODS, "ale"])


# -------------------------------------------------------------------------------------------------- xgboost


def test_an_xgboost_estimator_sees_its_categories_and_gives_its_probabilities():
    xgboost = package("xgboost")
    model = xgboost.XGBClassifier(n_estimators=20, enable_categorical=True).fit(X, Y)
    assert agrees(model, model.predict_proba)["kernel_shap"].outputs == ("0", "1")
    number = xgboost.XGBRegressor(n_estimators=20, enable_categorical=True).fit(X, X.age)
    assert agrees(number, number.predict)["kernel_shap"].outputs == ("prediction",)


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
    found = agrees(model.get_booster(), own, exact=1e-6 if target == "two classes" else 0.0)
    names = {"two classes": ("0", "1"), "three classes": ("0", "1", "2"), "a number": ("prediction",)}[target]
    assert found["kernel_shap"].outputs == names


def test_a_booster_that_predicts_class_numbers_is_asked_for_its_probabilities():
    xgboost = package("xgboost")
    table = xgboost.DMatrix(X, label=THREE, enable_categorical=True)
    numbers, shares = (
        xgboost.train({"objective": f"multi:{kind}", "num_class": 3}, table, 8) for kind in ("softmax", "softprob")
    )
    # the same trees; xgboost takes its exponentials in float32
    found = agrees(numbers, lambda rows: shares.predict(xgboost.DMatrix(rows, enable_categorical=True)), exact=1e-5)
    assert found["kernel_shap"].outputs == ("0", "1", "2")
    margin = numbers.predict(table, output_margin=True)
    np.testing.assert_array_equal(px.Predictor(numbers, output="logit")(X), margin.astype(float))


def test_a_booster_that_predicts_0_or_1_is_asked_for_its_score():
    xgboost = package("xgboost")
    table = xgboost.DMatrix(X, label=Y.astype(int), enable_categorical=True)
    booster = xgboost.train({"objective": "binary:hinge"}, table, 8)
    assert set(booster.predict(table)) == {0.0, 1.0}
    score = booster.predict(table, output_margin=True)
    np.testing.assert_array_equal(px.Predictor(booster)(X)[:, 0], score.astype(float))


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
    found = agrees(model if kind == "estimator" else model.booster_, model.predict_proba)
    assert len(found["kernel_shap"].outputs) == (3 if kind == "three classes" else 2)


def test_lightgbm_gives_numbers_and_names_its_classes():
    lightgbm = package("lightgbm")
    number = lightgbm.LGBMRegressor(n_estimators=20, verbose=-1).fit(X, X.age)
    assert agrees(number, number.predict)["kernel_shap"].outputs == ("prediction",)
    assert agrees(number.booster_, number.predict)["kernel_shap"].outputs == ("prediction",)
    named = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(X, np.where(Y, "yes", "no"))
    assert agrees(named, named.predict_proba)["kernel_shap"].outputs == ("no", "yes")


@pytest.mark.parametrize("names", ["spaces", "those of an array"])
def test_lightgbm_s_own_spelling_of_names_does_not_part_a_model_from_its_table(names):
    lightgbm = package("lightgbm")
    table = X.set_axis([f"my {n}" if names == "spaces" else f"Column_{d}" for d, n in enumerate(X)], axis=1)
    model = lightgbm.LGBMClassifier(n_estimators=20, verbose=-1).fit(table, Y)
    agrees(model, model.predict_proba, table)
    agrees(model.booster_, model.predict_proba, table)


# -------------------------------------------------------------------------------------------------- ONNX


def session_of(model, columns, **options):
    onnxruntime, skl2onnx = package("onnxruntime"), package("skl2onnx")
    exported = skl2onnx.to_onnx(model, columns, **options).SerializeToString()
    return onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])


def numbers():
    return X[["age", "income"]].fillna(1.0).astype(np.float32)


def classifier(**options):
    """A session of a classifier of two columns with classes of strings, and the classifier."""
    from sklearn.linear_model import LogisticRegression

    table = numbers().to_numpy()
    model = LogisticRegression(max_iter=5000).fit(table, np.where(Y, "yes", "no"))
    return session_of(model, table[:1], options=options), model


def linear(n_rows, dtype="FLOAT"):
    """A session of age / 64 + income / 2^17, of so many rows, exact in float32 at small whole numbers."""
    onnxruntime, onnx = package("onnxruntime"), package("onnx")
    kind = getattr(onnx.TensorProto, dtype)
    nodes = [
        onnx.helper.make_node("Cast", ["rows"], ["numbers"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("MatMul", ["numbers", "slopes"], ["found"]),
    ]
    graph = onnx.helper.make_graph(
        nodes, "linear",
        [onnx.helper.make_tensor_value_info("rows", kind, [n_rows, 2])],
        [onnx.helper.make_tensor_value_info("found", onnx.TensorProto.FLOAT, [n_rows, 1])],
        [onnx.helper.make_tensor("slopes", onnx.TensorProto.FLOAT, [2, 1], [2.0**-6, 2.0**-17])],
    )  # fmt: skip
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    return onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])


def test_a_session_of_a_classifier_gives_its_probabilities():
    session, model = classifier(zipmap=False)
    found = agrees(session, lambda rows: session.run(["probabilities"], {"X": rows.to_numpy()})[0], numbers())
    np.testing.assert_allclose(
        found["kernel_shap"].prediction, model.predict_proba(numbers().iloc[:4].to_numpy()), atol=1e-5
    )
    assert px.Predictor(session).output == "probability"


def test_a_session_that_gives_dictionaries_names_its_classes():
    session, _ = classifier()
    plain, _ = classifier(zipmap=False)
    found = agrees(session, lambda rows: plain.run(["probabilities"], {"X": rows.to_numpy()})[0], numbers())
    assert found["kernel_shap"].outputs == ("no", "yes")


def test_a_session_with_an_output_a_class_is_refused_with_the_way_out():
    session, _ = classifier(zipmap="columns")
    with pytest.raises(TypeError, match="zipmap"):
        px.Predictor(session)


def test_scores_of_a_session_do_not_pass_for_probabilities():
    session, model = classifier(zipmap=False, raw_scores=True)
    with pytest.raises(ValueError, match="are no probabilities; take output='raw'"):
        px.explain("kernel_shap", px.Predictor(session), px.TabularSpace(numbers()), numbers().iloc[:1])
    scores = px.Predictor(session, output="raw")(numbers())
    np.testing.assert_allclose(scores[:, 1], model.decision_function(numbers().to_numpy()), rtol=1e-4)  # float32


def test_one_column_beside_labels_is_a_score():
    from sklearn.svm import LinearSVC

    table = numbers().to_numpy()
    model = LinearSVC(dual=False).fit(table, Y)
    predictor = px.Predictor(session_of(model, table[:1]))
    np.testing.assert_allclose(predictor(table)[:, 0], model.decision_function(table), rtol=1e-4, atol=1e-6)  # float32
    assert predictor.output == "raw"


def test_a_session_of_a_regressor_gives_numbers():
    from sklearn.linear_model import LinearRegression

    table = numbers()
    session = session_of(LinearRegression().fit(table.to_numpy(), X.age), table.to_numpy()[:1])
    found = agrees(
        session, lambda rows: session.run(None, {"X": rows.to_numpy()})[0], table, [*METHODS, "ale"]
    )  # fmt: skip
    assert found["kernel_shap"].outputs == ("prediction",)


def test_a_session_of_one_row_is_asked_row_by_row():
    agrees(linear(1), lambda rows: linear("n").run(None, {"rows": rows.to_numpy()})[0], numbers())


def test_a_session_of_eight_rows_is_refused():
    with pytest.raises(TypeError, match="free first axis"):
        px.Predictor(linear(8))


@pytest.mark.parametrize("kind", ["INT64", "INT32"])
def test_numbers_are_not_cut_for_a_session_of_whole_numbers(kind):
    whole = X[["age", "member"]].assign(member=X.member.astype(int))
    predictor = px.Predictor(linear("n", kind))
    np.testing.assert_array_equal(predictor(whole)[:, 0], whole.age / 2**6 + whole.member / 2**17)
    for wrong in (whole.age + 0.5, whole.age.where(whole.age > 20)):
        with pytest.raises(ValueError, match=r"takes tensor\(int\d+\), but some values are no such numbers"):
            predictor(whole.assign(age=wrong))
    with pytest.raises(TypeError, match="takes numbers, but not all here are"):
        predictor(whole.assign(member="yes"))


def by_column():
    """A session with a column an input, one of strings; its table, and the model."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    table = X[["age", "job"]].assign(job=X.job.astype(str), age=X.age.astype(np.float32))
    columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["job"]), remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression(max_iter=5000)).fit(table, Y)
    return session_of(model, table.iloc[:1], options={"zipmap": False}), table, model


def test_a_session_with_a_column_an_input_is_fed_by_name():
    session, table, model = by_column()
    found = agrees(session, model.predict_proba, table, exact=1e-4)  # float32
    categories = agrees(session, model.predict_proba, table.astype({"job": X.job.dtype}), exact=1e-4)
    np.testing.assert_array_equal(categories["kernel_shap"].prediction, found["kernel_shap"].prediction)


def test_missing_words_are_not_spelled_out_for_a_session():
    session, table, _ = by_column()
    table.loc[:50, "job"] = None
    with pytest.raises(TypeError, match="input 'job' takes strings, none of them missing"):
        px.explain("kernel_shap", px.Predictor(session), px.TabularSpace(table), table.iloc[:1])


# -------------------------------------------------------------------------------------------------- torch


def seeded(make):
    """A network in eval mode with the same weights each time."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make().eval()


def same_as(network, table, methods):
    """A network's predictions on the predictor's raw scale are its own at the same rows."""
    import torch

    found = px.explain(
        methods, px.Predictor(network, output="raw"), px.TabularSpace(table), table.iloc[:3], budget=60, seed=0
    )
    with torch.no_grad():
        own = network(torch.tensor(table.iloc[:3].to_numpy(dtype=np.float32))).double().numpy()
    shap = found["kernel_shap"]
    np.testing.assert_allclose(shap.prediction, own, atol=1e-6)  # float32, in batches of other sizes
    np.testing.assert_allclose(shap.values.sum(axis=1), shap.prediction - shap.base, atol=1e-9)


def test_a_network_of_numbers_is_explained_by_every_method():
    from torch import nn

    table = X[["age", "member"]].assign(income=np.log(X.income.fillna(1.0) + 1)).astype(np.float32)
    network = seeded(lambda: nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 3)))
    same_as(network, table, [*METHODS, "ale"])


def test_a_network_that_embeds_codes_is_given_whole_ones():
    import torch

    seen = set()

    class Mixed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.job, self.rest = torch.nn.Embedding(3, 2), torch.nn.Linear(3, 1)

        def forward(self, rows):
            seen.update(rows[:, 1].tolist())
            return self.rest(torch.cat([rows[:, :1] / 50, self.job(rows[:, 1].long())], dim=1))

    # lime_tabular would draw numbers between codes that are stored as floats
    table = pd.DataFrame({"age": X.age, "job": X.job.cat.codes.astype(np.int64)})
    same_as(seeded(Mixed), table, METHODS)
    assert seen == {0.0, 1.0, 2.0}
