"""explain() on DataFrames as people have them: gaps, categories, strings and booleans, behind a scikit-learn pipeline."""

from __future__ import annotations

import numpy as np
import oracles
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import perturbxai as px


@pytest.fixture(scope="module")
def people():
    """A frame with numbers, gaps, categories, strings and booleans, its target, and a pipeline trained on it."""
    rng = np.random.default_rng(0)
    n = 120
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "income": np.where(rng.random(n) < 0.2, np.nan, rng.lognormal(10, 0.4, n)),
            "city": pd.Categorical(rng.choice(["Bern", "Rome", "Oslo"], n), categories=["Rome", "Oslo", "Bern", "Lima"]),
            "job": rng.choice(["cook", "nurse", "smith"], n),
            "member": rng.random(n) < 0.5,
        },
        index=[f"p{i}" for i in range(n)],
    )
    target = np.where((frame["age"] > 45) ^ (frame["city"] == "Rome"), "yes", "no")
    encode = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income"]),
        (OneHotEncoder(handle_unknown="ignore"), ["city", "job", "member"]),
    )
    return frame, make_pipeline(encode, GradientBoostingClassifier(n_estimators=10, random_state=0)).fit(frame, target)


def test_a_pipeline_gets_the_columns_and_dtypes_it_was_trained_on(people):
    frame, pipeline = people
    seen = []

    def model(rows):
        seen.append(rows)
        return pipeline.predict_proba(rows)

    px.explain(["lime", "kernel_shap", "pdp", "ice"], px.Predictor(model), px.TabularSpace(frame, background=10), frame[:3])
    for rows in seen:
        pd.testing.assert_series_equal(rows.dtypes, frame.dtypes)
    asked = pd.concat(seen)
    assert asked["income"].isna().any()
    for column in ("city", "job", "member"):
        assert set(asked[column]) <= set(frame[column])


def test_shapley_values_of_a_pipeline_are_those_of_its_own_predictions(people):
    frame, pipeline = people
    background = frame.iloc[:7]
    space = px.TabularSpace(background, background="all")
    found = px.explain("kernel_shap", px.Predictor(pipeline), space, frame.iloc[20:22])["kernel_shap"]
    assert found.outputs == ("no", "yes") and [e.label for e in found] == ["p20", "p21"]
    for one, label in zip(found, ["p20", "p21"], strict=True):

        def game(z, x=frame.loc[label]):
            values = []
            for present in np.asarray(z, dtype=bool):
                rows = background.copy()
                for column in frame.columns[present]:
                    rows[column] = pd.Series([x[column]] * 7, index=rows.index).astype(frame[column].dtype)
                values.append(pipeline.predict_proba(rows).mean(axis=0))
            return np.array(values)

        np.testing.assert_allclose(one.values, oracles.shapley(game, 5), atol=1e-10)


def test_the_order_of_a_frames_columns_does_not_matter(people):
    frame, pipeline = people
    turned = frame[frame.columns[::-1]]
    space, predictor = px.TabularSpace(frame, background=10), px.Predictor(pipeline)
    straight = px.explain(["lime", "kernel_shap"], predictor, space, frame[:3], budget=20)
    crossed = px.explain(["lime", "kernel_shap"], predictor, space, turned[:3], budget=20)
    for method in straight:
        np.testing.assert_array_equal(straight[method].values, crossed[method].values)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_dates_beside_numbers_are_taken_from_tables_of_any_library(library):
    """Whose columns have no dtype in common."""
    table = pd.DataFrame({"n": np.arange(30.0), "day": pd.date_range("2024-01-01", periods=30)})
    if library == "polars":
        table = pytest.importorskip("polars").from_pandas(table)
    elif library == "pyarrow":
        table = pytest.importorskip("pyarrow").Table.from_pandas(table)
    rows = table.slice(0, 2) if library == "pyarrow" else table[:2]
    found = px.explain("kernel_shap", lambda given: np.asarray(given["n"]) * 2.0, table, rows)["kernel_shap"]
    np.testing.assert_allclose(found.values[..., 0], [[-29.0, 0.0], [-27.0, 0.0]], atol=1e-12)
