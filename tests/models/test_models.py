"""Estimators, networks and functions as (n, K) numbers: scales, names, what the model is given, private copies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from answering import BINARY, FRAME, PICTURES, THREE, X, answers, log_odds
from matplotlib.figure import Figure
from scipy.sparse import csr_array
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import RFE
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

import perturbxai as px

# ------------------------------------------------------------------------------------------------ scales of estimators


def test_a_classifier_answers_with_its_probabilities_unless_asked_otherwise():
    model = LogisticRegression().fit(X, THREE)
    found, names = answers(model)
    assert (found == model.predict_proba(X)).all() and names == ("0", "10", "20")


@pytest.mark.parametrize("scale", ["logit", "raw"])
def test_a_decision_function_is_the_logit_and_speaks_of_the_second_class(scale):
    model = LogisticRegression().fit(X, BINARY)
    found, names = answers(model, output=scale)
    assert (found[:, 0] == model.decision_function(X)).all() and names == ("yes",)


def test_without_a_decision_function_a_logit_is_the_log_odds_clipped():
    model = RandomForestClassifier(4, random_state=0).fit(X, BINARY)
    with pytest.warns(UserWarning, match="a probability of 0 or 1"):
        found, names = answers(model, output="logit")
    np.testing.assert_allclose(found, log_odds(model.predict_proba(X)), rtol=1e-4)  # near 1 - 1e-12 four digits are left
    assert names == ("no", "yes") and np.isclose(np.abs(found).max(), -np.log(1e-12), rtol=1e-4)


def test_a_classifier_without_probabilities_answers_with_its_decision_function():
    model = SVC().fit(X, BINARY)
    predictor = px.Predictor(model)
    assert predictor.output == "raw" and (predictor(X)[:, 0] == model.decision_function(X)).all()


def test_a_decision_between_pairs_of_classes_does_not_take_the_names_of_the_classes():
    model = make_pipeline(StandardScaler(), SVC(decision_function_shape="ovo")).fit(X, THREE)
    assert answers(model)[1] == ("0", "1", "2")
    assert answers(SVC().fit(X, THREE))[1] == ("0", "10", "20")


PAIRS = SVC(kernel="linear", decision_function_shape="ovo")  # of three classes there are three pairs
HOLDERS = {
    "alone": PAIRS,
    "pipeline": make_pipeline(StandardScaler(), PAIRS),
    "search": GridSearchCV(PAIRS, {"C": [1.0]}, cv=2),
    "searched pipeline": GridSearchCV(make_pipeline(StandardScaler(), PAIRS), {"svc__C": [1.0]}, cv=2),
    "stack": StackingClassifier([("a", LogisticRegression())], PAIRS, cv=2),
    "selection": RFE(PAIRS, n_features_to_select=2),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_pairs_of_classes_are_no_classes_whatever_holds_the_model_that_decides_between_them(holder):
    model = HOLDERS[holder].fit(X, THREE)
    assert answers(model)[1] == ("0", "1", "2")
    axis = Figure().subplots()
    assert px.plot_effects(model, X, [0], target=1, grid_resolution=3, ax=axis).target_idx == 1
    predictor = px.Predictor(model)
    with pytest.raises(ValueError, match="target=20 must be the number of one of the 3 outputs"):
        px.plot_effects(predictor, X, [0], target=20)


def test_what_an_ensemble_is_made_of_does_not_name_what_it_decides():
    model = AdaBoostClassifier(SVC(decision_function_shape="ovo"), n_estimators=2).fit(X, THREE)
    assert answers(model, output="logit")[1] == ("0", "10", "20")


def test_a_regressor_has_the_raw_scale_only():
    model = LinearRegression().fit(X, X[:, 0])
    found, names = answers(model)
    assert (found[:, 0] == model.predict(X)).all() and names == ("prediction",)
    for scale in ("probability", "logit"):
        with pytest.raises(ValueError, match=rf"output='{scale}', but the model has predict only.*\"raw\""):
            px.Predictor(model, output=scale)


def test_anything_with_predict_is_an_estimator_of_the_raw_scale():
    class Predicts:
        def predict(self, rows):
            return rows.sum(axis=1).tolist()

    assert (answers(Predicts())[0][:, 0] == X.sum(axis=1)).all()


@pytest.mark.parametrize(
    ("model", "scale", "message"),
    [
        (SVC().fit(X, BINARY), "probability", r"needs predict_proba, but SVC has \['decision_function', 'predict'\]"),
        (VotingClassifier([("one", SVC())]).fit(X, BINARY), "logit", "needs decision_function or predict_proba, but Voting"),
    ],
)
def test_a_scale_that_an_estimator_does_not_have_is_refused_and_what_it_has_is_named(model, scale, message):
    with pytest.raises(ValueError, match=message):
        px.Predictor(model, output=scale)


# ------------------------------------------------------------------------------------------------ several targets


def test_several_targets_give_columns_of_target_and_class():
    target = np.column_stack([BINARY, THREE.astype(str)])
    model = RandomForestClassifier(4, random_state=0).fit(X, target)
    found, names = answers(model)
    assert names == ("0:no", "0:yes", "1:0", "1:10", "1:20")
    assert (found == np.hstack(model.predict_proba(X))).all()


def test_wrapped_targets_have_log_odds_of_each_class():
    model = MultiOutputClassifier(LogisticRegression()).fit(X, np.column_stack([X[:, 1] > 0, THREE]))
    found, names = answers(model, output="logit")
    assert names == ("0:0", "0:1", "1:0", "1:10", "1:20")
    np.testing.assert_allclose(found, log_odds(np.hstack(model.predict_proba(X))), rtol=1e-9)


def test_a_chain_that_gives_one_column_a_target_names_the_second_class():
    model = ClassifierChain(LogisticRegression()).fit(X, (X[:, :2] > 0).astype(int))
    found, names = answers(model)
    assert names == ("0:1", "1:1") and (found == model.predict_proba(X)).all()


def test_one_classifier_a_label_keeps_the_labels():
    model = OneVsRestClassifier(LogisticRegression()).fit(X, (X > 0).astype(int))
    assert answers(model)[1] == ("0", "1", "2") and (answers(model)[0] == model.predict_proba(X)).all()


def test_several_outputs_of_a_regressor_are_numbered_unless_they_are_named():
    model = LinearRegression().fit(X, X[:, :2] * 2.0)
    assert answers(model)[1] == ("0", "1")
    assert answers(model, outputs=["length", "width"])[1] == ("length", "width")


# ------------------------------------------------------------------------------------------------ what an estimator gets


class Looks:
    """An estimator that keeps what it was given, and knows what it was trained on as scikit-learn's do."""

    def fit(self, rows, _target=None):
        self.n_features_in_ = rows.shape[1]
        if hasattr(rows, "columns"):
            self.feature_names_in_ = np.asarray(rows.columns, dtype=object)
        return self

    def predict(self, rows):
        self.seen_ = rows
        return np.zeros(len(rows))


def test_a_model_of_frames_gets_frames_with_the_dtypes_and_categories_of_training():
    model = Looks().fit(FRAME)
    px.explain("kernel_shap", px.Predictor(model), px.TabularSpace(FRAME, background=4), FRAME.iloc[:2])
    assert list(model.seen_.columns) == list(FRAME.columns)
    assert model.seen_.dtypes.equals(FRAME.dtypes)
    assert list(model.seen_["size"].cat.categories) == ["S", "M", "L"]


def test_columns_in_another_order_are_put_in_the_order_of_training():
    model = Looks().fit(FRAME)
    px.Predictor(model)(FRAME[["rent", "size", "town", "rooms"]])
    pd.testing.assert_frame_equal(model.seen_, FRAME)


def test_a_model_of_frames_gets_a_frame_of_an_array_with_numbers_as_numbers():
    model = Looks().fit(FRAME)
    px.Predictor(model)(FRAME.to_numpy())
    assert list(model.seen_.columns) == list(FRAME.columns)
    assert model.seen_["rooms"].dtype == np.int64 and model.seen_["rent"].dtype == np.float64


def test_a_model_of_arrays_gets_arrays_that_it_may_write_to():
    model = Looks().fit(X)
    px.explain("kernel_shap", px.Predictor(model), px.TabularSpace(pd.DataFrame(X), background=4), X[0])
    assert isinstance(model.seen_, np.ndarray) and model.seen_.flags.writeable


def test_a_model_of_arrays_gets_numbers_of_several_kinds_as_float64_with_nan():
    frame = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [True, False], "c": [0.5, 1.5]})
    model = Looks().fit(np.zeros((2, 3)))
    px.Predictor(model)(frame)
    np.testing.assert_array_equal(model.seen_, [[1.0, 1.0, 0.5], [np.nan, 0.0, 1.5]])


def _encoded():
    columns = ColumnTransformer([("words", OneHotEncoder(), ["town", "size"]), ("numbers", StandardScaler(), ["rooms"])])
    return make_pipeline(columns, LogisticRegression())


MIXED = {
    "pipeline": _encoded,
    "searched pipeline": lambda: GridSearchCV(_encoded(), {"logisticregression__C": [0.1, 1.0]}, cv=2),
    "boosting": lambda: make_pipeline(
        "passthrough", HistGradientBoostingClassifier(max_iter=2, categorical_features=["town", "size"])
    ),
    "boosted categories": lambda: HistGradientBoostingClassifier(max_iter=2, categorical_features="from_dtype"),
}


@pytest.mark.parametrize("kind", MIXED)
def test_pipelines_and_boosting_on_words_and_categories_answer_as_they_do_alone(kind):
    frame = FRAME.astype({"town": "category"})
    model = MIXED[kind]().fit(frame, BINARY)
    predictor = px.Predictor(model, batch_size=7)
    assert (predictor(frame) == model.predict_proba(frame)).all() and predictor.outputs == ("no", "yes")
    found = px.explain("kernel_shap", predictor, px.TabularSpace(frame, background=4), frame.iloc[:2], outputs="yes")
    np.testing.assert_allclose(found["kernel_shap"].prediction[:, 0], model.predict_proba(frame.iloc[:2])[:, 1], atol=1e-15)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (FRAME.rename(columns={"rent": "price"}), r"trained on: unknown feature\(s\) \['price'\], lacking \['rent'\]"),
        (FRAME[["rent", "size", "town", "rooms"]], "was trained on: another order.*in the training order"),
        (FRAME.drop(columns="rent"), r"unknown feature\(s\) \[\], lacking \['rent'\]"),
        (X, "the space has 3 columns, but Looks was trained on 4"),
    ],
)
def test_wrong_columns_are_refused_before_any_row_is_asked(table, message):
    model = Looks().fit(FRAME)
    predictor = px.Predictor(model)
    with pytest.raises(ValueError, match=message):
        px.explain("kernel_shap", predictor, px.TabularSpace(table, background=4), table[:1])
    assert predictor.rows == 0 and not hasattr(model, "seen_")


# ------------------------------------------------------------------------------------------------ functions


RETURNS = {
    "a list": lambda rows: rows[:, 0].tolist(),
    "a list of rows": lambda rows: [row[:1] for row in rows],
    "an array of one column": lambda rows: rows[:, :1],
    "whole numbers": lambda rows: np.round(rows[:, 0]).astype(int) * 0 + rows[:, 0],
    "a Series with labels": lambda rows: pd.Series(rows[:, 0], index=np.arange(len(rows))[::-1]),
    "a DataFrame": lambda rows: pd.DataFrame({"score": rows[:, 0]}),
    "nullable numbers": lambda rows: pd.Series(rows[:, 0], dtype="Float64"),
    "a tensor that wants a gradient": lambda rows: torch.tensor(rows[:, 0], requires_grad=True) * 1.0,
    "a list of such tensors": lambda rows: list(torch.tensor(rows[:, 0], requires_grad=True)),
    "objects": lambda rows: rows[:, 0].astype(object),
}


@pytest.mark.parametrize("what", RETURNS)
def test_a_function_may_return(what):
    found, names = answers(RETURNS[what])
    assert found.dtype == np.float64 and (found == X[:, :1]).all() and names == ("prediction",)


def test_a_function_that_returns_a_sparse_matrix_or_a_list_of_targets_is_understood():
    assert (answers(lambda rows: csr_array(rows))[0] == X).all()
    assert (answers(lambda rows: [rows[:, :2], rows[:, 2:]])[0] == X).all()


NOT_NUMBERS = {
    "nothing": (lambda _: None, "NoneType"),
    "words": (lambda rows: ["1"] * len(rows), "list"),
    "words in a Series": (lambda rows: pd.Series(["1"] * len(rows)), "Series"),
    "words as objects": (lambda rows: np.array(["1"] * len(rows), dtype=object), "ndarray"),
    "dates": (lambda rows: np.zeros(len(rows), dtype="datetime64[s]"), "ndarray"),
    "complex numbers": (lambda rows: rows[:, 0] + 1j, "ndarray"),
    "a generator": (lambda rows: (row[0] for row in rows), "generator"),
}


@pytest.mark.parametrize("what", NOT_NUMBERS)
def test_what_is_no_table_of_numbers_is_refused_and_named(what):
    model, name = NOT_NUMBERS[what]
    with pytest.raises(TypeError, match=rf"the model returned {name} that is not numeric; expected one number a row"):
        answers(model, X[:2])


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (lambda rows: (rows[:, 0], rows[:, 1]), r"a tuple of 2; say which is explained.*select=0"),
        (lambda rows: {"mean": rows[:, 0], "error": 1}, r"a dict with the keys 'mean', 'error'; say which.*select='mean'"),
    ],
)
def test_a_function_of_several_results_is_asked_which_is_meant(model, told):
    with pytest.raises(TypeError, match=rf"the model returned {told}"):
        answers(model, X[:2])


@pytest.mark.parametrize(("shape", "model"), [(r"\(\)", np.mean), (r"\(60, 3, 1\)", lambda rows: rows[..., None])])
def test_other_shapes_are_refused(shape, model):
    with pytest.raises(ValueError, match=rf"returned shape {shape}; expected \(rows,\) or \(rows, outputs\)"):
        answers(model)


@pytest.mark.parametrize("scale", ["probability", "logit"])
def test_a_function_has_the_raw_scale_only(scale):
    with pytest.raises(ValueError, match=f"output='{scale}', but a plain function has one scale, 'raw'"):
        px.Predictor(np.sum, output=scale)


def test_a_function_of_pictures_gets_what_the_transform_makes_of_them():
    model = px.Predictor(lambda batch: batch.mean(axis=(1, 2, 3)), transform=lambda batch: 1.0 - batch)
    np.testing.assert_allclose(model(PICTURES)[:, 0], 1.0 - PICTURES.mean(axis=(1, 2, 3)), rtol=1e-6)
