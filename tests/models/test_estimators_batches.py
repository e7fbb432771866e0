"""Rows a call of an estimator, by what its kind can use; the answers are the same for any."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import perturbxai as px

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = X[:, 0] > 0
MANY = RNG.normal(size=(70_000, 4))
SIZES = {
    "a forest": (RandomForestClassifier(3, random_state=0), 65_536),
    "boosted trees": (GradientBoostingClassifier(n_estimators=3, random_state=0), 65_536),
    "a network": (MLPClassifier((5,), max_iter=5, tol=1e9, random_state=0), 4096),
    "a scaled network": (make_pipeline(StandardScaler(), MLPClassifier((5,), max_iter=5, tol=1e9, random_state=0)), 4096),
    "a line": (LogisticRegression(), 16_384),
}  # fmt: skip


class Counting:
    """An estimator that tells how many rows it got at once."""

    def __init__(self, model):
        self.model, self.most = model, 0

    def __getattr__(self, name):
        found = getattr(self.model, name)
        if name != "predict_proba":
            return found

        def ask(rows):
            self.most = max(self.most, len(rows))
            return found(rows)

        return ask


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", SIZES)
def test_a_batch_is_as_large_as_the_kind_of_model_can_use(kind):
    model, most = SIZES[kind]
    counting = Counting(model.fit(X, Y))
    found = px.Predictor(counting)(MANY)
    assert counting.most == most
    np.testing.assert_allclose(found, model.predict_proba(MANY), rtol=1e-12)
    px.Predictor(counting, batch_size=100_000)(MANY)
    assert counting.most == len(MANY)


def test_rows_of_many_columns_make_smaller_batches():
    wide = RNG.normal(size=(20, 2000))
    counting = Counting(RandomForestClassifier(2, random_state=0).fit(wide, wide[:, 0] > 0))
    px.Predictor(counting)(RNG.normal(size=(5000, 2000)))
    assert counting.most == (1 << 26) // (2000 * 8)
