"""Arguments that several verbs have are refused alike by all of them, before the model is asked."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import perturbxai as px
from perturbxai.calls.arguments import default_budget

X = np.random.default_rng(0).normal(size=(20, 3))
RESULTS = px.explain("lime", px.Predictor(lambda rows: rows[:, 0]), px.TabularSpace(X), X[:1])
VERBS = {
    "explain": lambda model, space: px.explain("lime", model, space, X[:1]),
    "effects": lambda model, space: px.effects("pdp", model, space, X),
    "baselines": lambda model, space: px.baselines("random", model, space, X[:1]),
    "compare": lambda model, space: px.compare(RESULTS, model, space),
    "reference": lambda model, space: px.reference("shap.kernel", model, space, X[:1]),
    "h_statistic": lambda model, space: px.h_statistic(model, space, X),
    "from_shap": lambda model, space: px.from_shap(SimpleNamespace(values=X[:1]), model, space, X[:1]),
    "from_lime": lambda model, space: px.from_lime(SimpleNamespace(local_exp={}), model, space, X[:1]),
}


def never(_rows):
    pytest.fail("the model was asked")


@pytest.mark.parametrize("verb", VERBS)
def test_a_model_that_is_not_wrapped_is_told_how(verb):
    with pytest.raises(TypeError, match=r"predictor is function; wrap the model: px\.Predictor\(model\)"):
        VERBS[verb](never, px.TabularSpace(X))


@pytest.mark.parametrize("space", [X, None, px.TabularSpace], ids=["array", "None", "class"])
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_no_space_is_told_how_to_build_one(verb, space):
    with pytest.raises(TypeError, match=rf"space is {type(space).__name__}; .*build px\.TabularSpace\(X\)"):
        VERBS[verb](px.Predictor(never), space)


@pytest.mark.parametrize("n_players", [3, 10, 12])
@pytest.mark.parametrize("kind", ["table", "photo"])
def test_peers_have_the_default_budget_of_explain(kind, n_players):
    pytest.importorskip("shap")
    if kind == "table":
        space = px.TabularSpace(np.random.default_rng(1).normal(size=(5, n_players)), background=2)
        x = np.ones(n_players)
    else:
        space, x = px.ImageSpace(segments="grid", n_segments=n_players, fill=0), np.ones((12, 12, 1), dtype=np.float32)
    predictor = px.Predictor(lambda rows: np.asarray(rows).reshape(len(rows), -1).sum(axis=1))
    found = px.explain("kernel_shap", predictor, space, x)["kernel_shap"]
    theirs = px.reference("shap.kernel", predictor, space, x)["shap.kernel"]
    budget = default_budget(space, len(found.names))
    assert found.meta["coalitions"] <= theirs.meta["budget"] == budget
