"""Exact values read from models: against slow walks, against all coalitions asked of the model, against shap."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import oracles
import pandas as pd
import pytest
from costs import once_a_call, own_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import ensemble, linear_model, svm, tree
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import perturbxai as px
from perturbxai.baseline_methods import glass_box
from perturbxai.core import kernels, tree_kernels

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 5))
Y = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + np.where(X[:, 3] > 0, X[:, 4], -1.0)
TWO = np.column_stack([Y, X[:, 0] - X[:, 1] * X[:, 2]])
BINARY = np.array(["no", "yes"])[np.digitize(Y, [np.median(Y)])]
THREE = np.digitize(Y, np.quantile(Y, [0.3, 0.7]))
ROWS = X[:3]

REGRESSORS = [
    tree.DecisionTreeRegressor(max_depth=4, random_state=0),
    ensemble.RandomForestRegressor(12, random_state=0),
    ensemble.ExtraTreesRegressor(12, max_depth=5, random_state=0),
    ensemble.GradientBoostingRegressor(n_estimators=25, random_state=0),
    ensemble.GradientBoostingRegressor(n_estimators=10, init="zero", loss="huber", random_state=0),
    ensemble.HistGradientBoostingRegressor(max_iter=15, random_state=0),
    ensemble.HistGradientBoostingRegressor(max_iter=15, loss="absolute_error", random_state=0),
    linear_model.LinearRegression(),
    linear_model.Ridge(),
    linear_model.Lasso(alpha=0.01),
    linear_model.SGDRegressor(random_state=0),
    linear_model.HuberRegressor(),
    svm.LinearSVR(random_state=0),
    make_pipeline(StandardScaler(), linear_model.Ridge()),
    make_pipeline(MinMaxScaler(), ensemble.RandomForestRegressor(5, random_state=0)),
    make_pipeline(make_pipeline(StandardScaler(), "passthrough"), ensemble.GradientBoostingRegressor(n_estimators=9)),
]
PROBABILITY = [
    tree.DecisionTreeClassifier(max_depth=4, random_state=0),
    ensemble.RandomForestClassifier(8, random_state=0),
    ensemble.ExtraTreesClassifier(8, max_depth=5, random_state=0),
    make_pipeline(StandardScaler(), ensemble.RandomForestClassifier(5, random_state=0)),
]
LOGIT = [
    tree.DecisionTreeClassifier(max_depth=4, min_samples_leaf=5, random_state=0),  # any function of one tree is a tree
    ensemble.GradientBoostingClassifier(n_estimators=8, random_state=0),
    ensemble.HistGradientBoostingClassifier(max_iter=8, random_state=0),
    linear_model.LogisticRegression(),
    linear_model.RidgeClassifier(),
    linear_model.SGDClassifier(random_state=0),
    svm.LinearSVC(random_state=0),
    LinearDiscriminantAnalysis(),
    make_pipeline(StandardScaler(), linear_model.LogisticRegression()),
]


def called(model):
    return model.__class__.__name__ + ("." + model.steps[-1][1].__class__.__name__ if hasattr(model, "steps") else "")


def exact(predictor, space, x):
    """Values (N, P, K) from all 2^P coalitions, asked of the model."""
    return px.explain("kernel_shap", predictor, space, x, budget=2**space.n_players)["kernel_shap"].values


def agree(model, rows=ROWS, data=X, output=None, **options):
    """The glass box of a model against all coalitions, and its gap against rounding; returns its Attribution."""
    predictor = px.Predictor(model, output=output)
    space = px.TabularSpace(data, **{"background": 12} | options)
    found = px.baselines("glass_box", predictor, space, rows)["glass_box"]
    truth = exact(predictor, space, rows)
    # least squares on 2^P rows, and sums of trees in another order
    np.testing.assert_allclose(found.values, truth, atol=1e-9 * max(1.0, np.abs(truth).max()))
    assert all(np.abs(one.meta["gap"]).max() <= 1e-9 * max(1.0, np.abs(one.prediction).max()) for one in found)
    assert own_rows(found) == 0
    return found


@pytest.mark.parametrize("model", REGRESSORS, ids=called)
def test_regressors_are_read_exactly(model):
    agree(model.fit(X, Y))


@pytest.mark.parametrize("target", [BINARY, THREE], ids=["binary", "three classes"])
@pytest.mark.parametrize("model", PROBABILITY, ids=called)
def test_probabilities_of_trees_and_forests_are_read_exactly(model, target):
    found = agree(model.fit(X, target), output="probability")
    assert found.outputs == tuple(map(str, np.unique(target)))


@pytest.mark.parametrize("target", [BINARY, THREE], ids=["binary", "three classes"])
@pytest.mark.parametrize("model", LOGIT, ids=called)
@pytest.mark.filterwarnings("ignore:.*a probability of 0 or 1")  # of a tree's pure leaves
def test_decision_functions_are_read_exactly(model, target):
    agree(model.fit(X, target), output="logit")


@pytest.mark.parametrize(
    "model",
    [tree.DecisionTreeRegressor(max_depth=5), ensemble.RandomForestRegressor(5, random_state=0), linear_model.Ridge()],
    ids=called,
)
def test_several_targets_are_read_exactly(model):
    assert agree(model.fit(X, TWO)).values.shape == (3, 5, 2)


def test_a_forest_of_several_classified_targets_is_read_exactly():
    model = ensemble.RandomForestClassifier(5, random_state=0).fit(X, np.column_stack([BINARY == "yes", THREE]))
    assert agree(model).outputs == ("0:0", "0:1", "1:0", "1:1", "1:2")


def test_chosen_outputs_are_those_of_all():
    predictor = px.Predictor(ensemble.GradientBoostingClassifier(n_estimators=5).fit(X, THREE), output="logit")
    space = px.TabularSpace(X, background=9)
    every = px.baselines("glass_box", predictor, space, ROWS)["glass_box"].values
    some = px.baselines("glass_box", predictor, space, ROWS, outputs=["2", "0"])["glass_box"]
    np.testing.assert_array_equal(some.values, every[:, :, [2, 0]])
    assert some.outputs == ("2", "0")


def test_it_agrees_with_the_slow_walk_with_weights():
    model = ensemble.GradientBoostingRegressor(n_estimators=30, random_state=0).fit(X, Y)
    space = px.TabularSpace(X, background=15, choose="kmeans")
    assert np.ptp(space.background_weights) > 0
    found = px.baselines("glass_box", px.Predictor(model), space, ROWS)["glass_box"].values
    for one, x in zip(found, ROWS, strict=True):
        truth = oracles.tree_shapley(model, x, space.background, space.background_weights)
        np.testing.assert_allclose(one[:, 0], truth, atol=1e-13)


@pytest.mark.parametrize("model", [REGRESSORS[1], REGRESSORS[3], REGRESSORS[5], REGRESSORS[8]], ids=called)
def test_weights_of_the_background_count(model):
    agree(model.fit(X, Y), weights=RNG.random(len(X)), background=20, choose="kmeans")


@pytest.mark.parametrize("model", [REGRESSORS[1], REGRESSORS[3], REGRESSORS[5], REGRESSORS[8]], ids=called)
def test_a_group_of_columns_is_one_player(model):
    found = agree(model.fit(X, Y), groups={"pair": ["x0", "x3"], "other": ["x4", "x1"]})
    assert found.names == ("pair", "other", "x2")


def test_a_row_of_the_background_has_no_values():
    model = REGRESSORS[3].fit(X, Y)
    found = px.baselines("glass_box", px.Predictor(model), px.TabularSpace(X[:1]), X[:1])["glass_box"]
    np.testing.assert_array_equal(found.values, 0.0)


def test_a_stump_and_a_tree_of_one_leaf():
    agree(tree.DecisionTreeRegressor(max_depth=1).fit(X, Y))
    found = agree(tree.DecisionTreeRegressor().fit(X, np.ones(len(X))))
    np.testing.assert_array_equal(found.values, 0.0)


def test_the_walk_compares_in_float32_as_the_trees_do():
    # data and thresholds on a grid of tenths tie in float32, where float64 would send them the other way
    grid = np.round(X, 1)
    for model in (REGRESSORS[1], REGRESSORS[3], REGRESSORS[5]):
        agree(model.fit(grid, Y), rows=grid[:3], data=grid)


def test_it_agrees_with_shap_on_data_that_float32_holds():
    shap = pytest.importorskip("shap")
    data = X.astype(np.float32).astype(np.float64)
    for model in (REGRESSORS[1], REGRESSORS[3], REGRESSORS[5]):
        model.fit(data, Y)
        space = px.TabularSpace(data, background=50)
        theirs = shap.TreeExplainer(model, space.background, feature_perturbation="interventional").shap_values(data[:4])
        ours = px.baselines("glass_box", px.Predictor(model), space, data[:4])["glass_box"].values[:, :, 0]
        np.testing.assert_allclose(ours, theirs, atol=1e-7)  # shap 0.51.0 itself misses efficiency by 4e-8


def test_missing_values_take_the_branch_that_the_model_gives_them():
    holes = np.where(RNG.random(X.shape) < 0.3, np.nan, X)
    models = (
        ensemble.HistGradientBoostingRegressor(max_iter=15),
        tree.DecisionTreeRegressor(max_depth=6),
        ensemble.RandomForestRegressor(6, random_state=0),
        make_pipeline(SimpleImputer(), StandardScaler(), ensemble.GradientBoostingRegressor(n_estimators=9)),
    )
    for model in models:
        agree(model.fit(holes, Y), rows=holes[:4], data=holes)


def categories(n_levels=6):
    frame = pd.DataFrame(X[:, :3], columns=["a", "b", "c"])
    levels = np.array(list("uvwxyz"))[:n_levels]
    frame.insert(1, "kind", pd.Categorical(RNG.choice(levels, len(X)), categories=levels))
    frame.insert(3, "other", pd.Categorical(RNG.choice(["red", "green"], len(X))))
    y = X[:, 0] * frame["kind"].cat.codes.isin([0, 3, 4]) + (frame["other"] == "red") * X[:, 1]
    return frame, np.asarray(y)


def test_categories_take_the_branch_that_the_model_gives_them():
    frame, y = categories()
    frame.loc[::9, "kind"] = np.nan
    model = ensemble.HistGradientBoostingRegressor(max_iter=20, categorical_features="from_dtype")
    model.fit(frame, y)
    assert any(p.nodes["is_categorical"].any() for (p,) in model._predictors)
    agree(model, rows=frame.iloc[:6], data=frame)


def test_a_category_that_training_did_not_see_goes_where_missing_values_go():
    frame, y = categories()
    seen = (frame["kind"] != "z").to_numpy()
    codes = frame.assign(kind=frame["kind"].cat.codes, other=frame["other"].cat.codes).astype(float)
    model = ensemble.HistGradientBoostingRegressor(max_iter=20, categorical_features=["kind", "other"])
    model.fit(codes[seen], y[seen])
    agree(model, rows=codes[~seen].iloc[:3], data=codes)


def test_frames_are_read_in_the_models_own_columns():
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame["c"] = (frame["c"] * 3).round().astype(int)
    for model in (REGRESSORS[3], REGRESSORS[5], REGRESSORS[8], REGRESSORS[13]):
        found = agree(model.fit(frame, Y), rows=frame.iloc[:3], data=frame)
        assert found[2].label == 2
    model.fit(X, Y)


def test_an_additive_model_of_any_kind_is_read_from_single_players():
    def model(rows):
        return np.column_stack([np.sin(rows[:, 0]) + rows[:, 1] ** 2, rows[:, 2] - abs(rows[:, 4])])

    predictor, space = px.Predictor(model), px.TabularSpace(X, background=7)
    found = px.baselines(px.GlassBox(additive=True), predictor, space, ROWS)["glass_box"]
    assert predictor.rows == 3 + 7 + 3 * 5 * 7  # v(N), v(nothing), and five players of each input
    assert own_rows(found) == 3 * 5 * 7
    np.testing.assert_allclose(found.values, exact(px.Predictor(model), space, ROWS), atol=1e-12)


@pytest.mark.parametrize("groups", [None, {"both": ["x0", "x1"]}])
def test_a_model_that_is_not_additive_in_the_players_is_refused(groups):
    predictor = px.Predictor(lambda rows: rows[:, 0] * rows[:, 1] + rows[:, 2])
    space = px.TabularSpace(X, background=7, groups=groups)
    if groups:  # additive in these players
        px.baselines(px.GlassBox(additive=True), predictor, space, ROWS)
    else:
        with pytest.raises(ValueError, match="not additive in these players"):
            px.baselines(px.GlassBox(additive=True), predictor, space, ROWS)


def test_it_is_the_truth_that_explainers_are_compared_with():
    predictor, space = px.Predictor(REGRESSORS[3].fit(X, Y)), px.TabularSpace(X, background=20)
    found = px.baselines(["glass_box", "random"], predictor, space, ROWS)
    results = px.explain(["lime", "kernel_shap"], predictor, space, ROWS, budget=32) | found
    table = px.compare(results, predictor, space)
    summary = table.summary()
    np.testing.assert_allclose(
        summary.loc["glass_box", ["deletion", "insertion", "faithfulness"]].to_numpy(float),
        summary.loc["kernel_shap", ["deletion", "insertion", "faithfulness"]].to_numpy(float),
        atol=1e-9,
    )
    both = table.agreement.query("metric == 'spearman' and method_a == 'kernel_shap' and method_b == 'glass_box'")
    np.testing.assert_allclose(both.value, 1.0)
    assert summary.loc["glass_box", "rows"] == once_a_call(found["glass_box"])  # base and prediction alone


def test_a_model_is_left_as_found():
    model = ensemble.HistGradientBoostingRegressor(max_iter=5).fit(X, Y)
    before, rows = [p.nodes.tobytes() for (p,) in model._predictors], X.copy()
    told = px.Predictor(model)(X)
    px.baselines("glass_box", px.Predictor(model), px.TabularSpace(rows), rows[:2])
    assert [p.nodes.tobytes() for (p,) in model._predictors] == before
    np.testing.assert_array_equal(px.Predictor(model)(X), told)
    np.testing.assert_array_equal(rows, X)


def test_twenty_rows_on_a_hundred_trees_take_well_under_a_second():
    model = ensemble.GradientBoostingRegressor(n_estimators=100, max_depth=3).fit(X, Y)
    space, predictor = px.TabularSpace(X, background=100), px.Predictor(model)
    px.baselines("glass_box", predictor, space, X[:1])
    began = time.perf_counter()
    px.baselines("glass_box", predictor, space, X[:20])
    assert time.perf_counter() - began < 0.5


def test_exact_values_need_no_torch():
    code = (
        "import sys, numpy as np, perturbxai as px\n"
        "from sklearn.tree import DecisionTreeRegressor\n"
        "X = np.eye(4)\n"
        "px.baselines('glass_box', px.Predictor(DecisionTreeRegressor().fit(X, X[:, 0])), px.TabularSpace(X), X[:1])\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# ------------------------------------------------------------------------------------------------ the kernel


@st.composite
def trees(draw):
    """(nodes, values, left_of_x, left_of_b, weight, number of players) of a random tree, any answers at any node."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_players, n_inner = draw(st.integers(1, 5)), draw(st.integers(0, 12))
    nodes, leaves = [[-1, -1, 0]], [0]
    for _ in range(n_inner):
        at = leaves.pop(rng.integers(len(leaves)))
        nodes[at] = [len(nodes), len(nodes) + 1, int(rng.integers(n_players))]
        leaves += [len(nodes), len(nodes) + 1]
        nodes += [[-1, -1, 0], [-1, -1, 0]]
    n_outputs, n_x, n_b = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 3))
    answers = [rng.random((n, len(nodes))) < 0.5 for n in (n_x, n_b)]
    return np.array(nodes), rng.normal(size=(len(nodes), n_outputs)), *answers, rng.random(n_b), n_players


@settings(max_examples=60, deadline=None)
@given(trees())
def test_both_walks_agree_with_their_slow_twin(scene):
    from perturbxai.baseline_methods.glass_box import _shares

    nodes, values, left_of_x, left_of_b, weight, n_players = scene
    out = np.zeros((len(left_of_x), n_players, values.shape[1]))
    scratch = np.zeros((5, n_players + 1), dtype=np.int64)
    kernels.walk_tree(nodes, values, left_of_x, left_of_b, weight, _shares(n_players), scratch, out)
    np.testing.assert_allclose(out, oracles.walk_tree(*scene), atol=1e-13)
    assert not scratch[0].any()
    # each node has a column of its own, which goes left at 0, right at 1, and where NaN stands as the node says
    missing = np.arange(len(nodes)) % 2
    asked = np.column_stack([nodes[:, :2], np.arange(len(nodes)), missing, nodes[:, 2]])
    x, b = (np.where(left == missing, np.nan, 1.0 - left).T.copy() for left in (left_of_x, left_of_b))
    again = np.zeros_like(out)
    tree_kernels.share_tree(asked, np.full(len(nodes), 0.5), values, x, b, weight, _shares(n_players), again)
    np.testing.assert_allclose(again, out, atol=1e-13)


def test_a_path_of_more_players_than_a_number_has_bits_is_walked_all_the_same():
    one_hot = np.eye(70)  # a question takes one row from the others
    deep = tree.DecisionTreeRegressor(random_state=0).fit(one_hot, np.arange(70.0))
    assert deep.get_depth() > tree_kernels.PLAYERS_A_PATH
    found = px.baselines("glass_box", px.Predictor(deep), px.TabularSpace(one_hot), one_hot[:3])["glass_box"]
    assert np.abs([one.meta["gap"] for one in found]).max() < 1e-12  # a walk that goes astray misses the sum


MODELS = [ensemble.RandomForestRegressor(9, random_state=0), ensemble.HistGradientBoostingRegressor(max_iter=9)]


@pytest.mark.parametrize("model", MODELS, ids=called)
def test_both_walks_give_the_same_values(model, monkeypatch):
    predictor, space = px.Predictor(model.fit(X, TWO[:, 0])), px.TabularSpace(X, background=30)
    found = px.baselines("glass_box", predictor, space, X[:20])["glass_box"].values
    monkeypatch.setattr(tree_kernels, "PLAYERS_A_PATH", 0)
    pairs = px.baselines("glass_box", predictor, space, X[:20])["glass_box"].values
    np.testing.assert_allclose(found, pairs, atol=1e-12)


@pytest.mark.parametrize("model", MODELS, ids=called)
def test_rows_have_the_same_values_in_any_company_and_in_any_chunks(model, monkeypatch):
    predictor, space = px.Predictor(model.fit(X, Y)), px.TabularSpace(X, background=30)
    together = px.baselines("glass_box", predictor, space, X[:20])["glass_box"].values
    alone = [px.baselines("glass_box", predictor, space, row[None])["glass_box"].values[0] for row in X[:20]]
    np.testing.assert_array_equal(together, alone)
    monkeypatch.setattr(glass_box, "ROWS", 7)
    in_parts = px.baselines("glass_box", predictor, space, X[:20])["glass_box"].values
    np.testing.assert_allclose(in_parts, together, atol=1e-13)  # the background comes in other sums


# ------------------------------------------------------------------------------------------------ what is asked


def test_all_inputs_are_asked_together():
    calls = []
    predictor = px.Predictor(lambda rows: calls.append(len(rows)) or rows.sum(axis=1))
    px.baselines("random", predictor, px.TabularSpace(X, background=10), X[:40])
    # the first row alone tells what the outputs are; then the background and all other rows
    assert len(calls) == 2
    background = px.TabularSpace(X, background=10).background
    assert predictor.rows == sum(calls) == len(np.unique(np.concatenate([background, X[:40]]), axis=0))


@pytest.mark.parametrize("batch_size", [1, 100])
def test_what_was_answered_before_a_failure_is_explained(batch_size):
    predictor = px.Predictor(lambda rows: np.where(rows[:, 0] == X[6, 0], np.nan, rows[:, 0]), batch_size=batch_size)
    with pytest.raises(px.ModelError, match="nan") as told:
        px.baselines("random", predictor, px.TabularSpace(X[:4], background="all"), X[4:9])
    assert len(told.value.partial["random"]) == 2  # those before it, whatever the batch that it failed in


def test_an_input_that_the_model_fails_at_leaves_those_before_it():
    class Failing(linear_model.LinearRegression):
        def predict(self, rows):
            if (rows[:, 0] < -50).any():
                raise LookupError("no such place")
            return super().predict(rows)

    rng = np.random.default_rng(0)
    table, x = rng.normal(size=(50, 3)), rng.normal(size=(5, 3))
    x[2, 0] = -100.0
    model = Failing().fit(table, table.sum(axis=1))
    with pytest.raises(LookupError, match="no such place") as caught:
        px.baselines("glass_box", px.Predictor(model), px.TabularSpace(table, background=10), x)
    assert [one.label for one in caught.value.partial["glass_box"]] == [0, 1]
