"""The Adult census end to end: eight columns of categories, values that are missing, a thousand rows in one call."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import perturbxai as px
from perturbxai import assets

WORDS = ["workclass", "education", "marital-status", "occupation", "relationship", "race", "sex", "native-country"]


@cache
def table():
    try:
        X, y = assets.adult()
    except ImportError as error:
        pytest.skip(str(error))
    return X, y


@cache
def boosted():
    X, y = table()
    return HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=30, random_state=0).fit(X, y)


class Watched:
    """A classifier that keeps what it was asked."""

    def __init__(self, model):
        self.model, self.classes_, self.frames = model, model.classes_, []
        self.feature_names_in_, self.n_features_in_ = model.feature_names_in_, model.n_features_in_

    def predict_proba(self, rows):
        self.frames.append(rows)
        return self.model.predict_proba(rows)


def explained(model, x, methods=("kernel_shap",), budget=40, background=5, **options):
    space = px.TabularSpace(table()[0], background=background, seed=0)
    predictor = px.Predictor(model, output="probability")
    return px.explain(list(methods), predictor, space, x, outputs=["True"], budget=budget, seed=0, **options)


def test_the_table_has_eight_columns_of_categories_and_real_missing_values():
    X, y = table()
    assert X.shape == (48_842, 14) and y.dtype == bool and 0.23 < y.mean() < 0.25
    assert [name for name in X if isinstance(X[name].dtype, pd.CategoricalDtype)] == WORDS
    assert X.isna().sum()[lambda n: n > 0].to_dict() == {"workclass": 2799, "occupation": 2809, "native-country": 857}


@pytest.mark.slow
def test_a_thousand_rows_in_one_call_reach_the_model_as_it_was_trained():
    X, _ = table()
    model = Watched(boosted())
    found = explained(model, X.iloc[:1000])["kernel_shap"]
    assert found.values.shape == (1000, 14, 1) and np.isfinite(found.values).all()
    np.testing.assert_allclose(found.values.sum(axis=1), found.prediction - found.base, atol=1e-12)
    np.testing.assert_array_equal(found.prediction[:, 0], boosted().predict_proba(X.iloc[:1000])[:, 1])
    asked = pd.concat(model.frames)
    assert asked.dtypes.to_dict() == X.dtypes.to_dict() and list(asked) == list(X)
    assert all(asked[name].cat.categories.equals(X[name].cat.categories) for name in WORDS)
    assert asked.isna().any()[lambda n: n].index.tolist() == ["workclass", "occupation", "native-country"]
    assert not asked.duplicated().any() and len(asked) == found.meta["call_rows"]


def test_rows_in_company_are_as_they_are_alone():
    X, _ = table()
    together = explained(boosted(), X.iloc[:40])["kernel_shap"]
    for number in (0, 17, 39):
        alone = explained(boosted(), X.iloc[number : number + 1])["kernel_shap"]
        np.testing.assert_array_equal(alone.values[0], together.values[number])


def test_a_pipeline_over_words_and_missing_values_is_explained_by_all_methods():
    X, y = table()
    words = X.astype(dict.fromkeys(WORDS, "str"))
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", min_frequency=50), WORDS), remainder=StandardScaler()
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=300)).fit(words, y)
    space = px.TabularSpace(words, background=5, seed=0)
    predictor = px.Predictor(model, output="logit")
    found = px.explain(["lime", "kernel_shap", "pdp", "ice"], predictor, space, words.iloc[:20], budget=60, seed=0)
    # additive in the log-odds: all four are the same numbers
    for name in ("lime", "pdp", "ice"):
        np.testing.assert_allclose(found[name].values, found["kernel_shap"].values, atol=1e-9)


def test_rules_name_categories_and_missing_values():
    X, _ = table()
    row = X[X.occupation.isna()].iloc[:1]
    found = explained(boosted(), row, ["lime_tabular"], budget=2000)["lime_tabular"]
    rules = dict(zip(found.names, found[0].columns["rule"], strict=True))
    assert rules["occupation"] == "occupation is missing"
    assert rules["sex"] == f"sex = {row.sex.iloc[0]}"
    assert re.fullmatch(r"(\d+ < )?age (≤|>) \d+", rules["age"])
