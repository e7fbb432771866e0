"""What a glass box cannot read is refused with a way out, before the model is asked."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import ensemble, linear_model, tree
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

import perturbxai as px

X = np.random.default_rng(0).normal(size=(80, 4))
Y = X[:, 0] * X[:, 1] + X[:, 2]
BINARY, THREE = Y > 0, np.digitize(Y, [-0.5, 0.5])
ROWS = X[:3]


@pytest.mark.parametrize(
    ("model", "target", "output", "error", "match"),
    [
        (KNeighborsRegressor(), Y, None, TypeError, "KNeighborsRegressor, which glass_box cannot read"),
        (ensemble.AdaBoostRegressor(n_estimators=3), Y, None, TypeError, "AdaBoostRegressor, which"),
        (linear_model.PoissonRegressor(), abs(Y), None, TypeError, "PoissonRegressor, which"),
        (make_pipeline(PolynomialFeatures(), linear_model.Ridge()), Y, None, TypeError, "has a PolynomialFeatures"),
        (make_pipeline(SimpleImputer(add_indicator=True), linear_model.Ridge()), Y, None, TypeError, "has a SimpleImputer"),
        (ensemble.HistGradientBoostingRegressor(max_iter=3, loss="poisson"), abs(Y), None, ValueError, "loss='poisson'"),
        (linear_model.LogisticRegression(), BINARY, "probability", ValueError, "output='logit'"),
        (ensemble.GradientBoostingClassifier(n_estimators=3), BINARY, "probability", ValueError, "output='logit'"),
        (ensemble.HistGradientBoostingClassifier(max_iter=3), BINARY, None, ValueError, "output='logit'"),
        (ensemble.RandomForestClassifier(3), BINARY, "logit", ValueError, "output='probability'"),
        (ensemble.RandomForestClassifier(3), THREE, "raw", ValueError, "output='probability'"),
        (ensemble.GradientBoostingRegressor(n_estimators=3, init=linear_model.Ridge()), Y, None, TypeError, "starts from"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_a_way_out_before_the_model_is_asked(model, target, output, error, match):
    model.fit(X, target)
    predictor = px.Predictor(model, output=output)
    with pytest.raises(error, match=match):
        px.baselines(["random", "glass_box"], predictor, px.TabularSpace(X), ROWS)
    assert predictor.rows == 0


def test_a_function_cannot_be_read():
    model = tree.DecisionTreeRegressor().fit(X, Y)
    predictor = px.Predictor(lambda rows: model.predict(rows))
    with pytest.raises(TypeError, match="glass_box: the model is a callable, which cannot be read; give"):
        px.baselines("glass_box", predictor, px.TabularSpace(X), ROWS)
    assert predictor.rows == 0


def test_pictures_have_no_glass_box():
    predictor = px.Predictor(lambda pictures: pictures.mean(axis=(1, 2, 3)))
    with pytest.raises(ValueError, match="glass_box is for tables"):
        px.baselines(px.GlassBox(additive=True), predictor, px.ImageSpace(segments="grid"), np.ones((8, 8, 3)))
    assert predictor.rows == 0


def test_a_model_that_was_misread_is_told_by_its_own_answers():
    class Doubled(tree.DecisionTreeRegressor):
        def predict(self, X, check_input=True):
            return 2 * super().predict(X, check_input)

    predictor = px.Predictor(Doubled(max_depth=3).fit(X, Y))
    with pytest.raises(px.ModelError, match="misses its own answers"):
        px.baselines("glass_box", predictor, px.TabularSpace(X), ROWS)
