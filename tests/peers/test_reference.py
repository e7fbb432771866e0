"""lime and shap through the Predictor: equal to a hand call and to ours where they agree, counted, without a trace."""

from __future__ import annotations

import builtins
from dataclasses import fields

import games
import numpy as np
import oracles
import pandas as pd
import pytest
from costs import once_a_call, own_rows
from recorders import Recorder
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression

import perturbxai as px
from perturbxai.core import catalogue
from perturbxai.core.catalogue import PEERS
from perturbxai.sampling.asked import Reader

WHERE = np.s_[:, :9], np.s_[:, :, :9], np.s_[:, 4:12, 4:12]
TABLE = ("lime.tabular", "shap.kernel", "shap.permutation", "shap.exact", "shap.partition", "shap.sampling")
OVER_COALITIONS = ("shap.kernel", "shap.permutation", "shap.exact", "shap.partition")
PICTURE = ("lime.image", "shap.kernel", "shap.permutation", "shap.exact", "shap.partition", "shap.sampling")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 5)).astype(np.float32).astype(np.float64)  # values that float32 holds: shap's trees compare in it
SPACE = px.TabularSpace(X, background=20)


def curved(rows):
    """Two outputs with interactions of up to three columns; the second does not know column 3."""
    a, b, c, d, e = np.asarray(rows, dtype=np.float64).T
    return np.column_stack([a * b * c + np.sin(c) + d, e**2 * a + b])


def one(name, *given, **named):
    ((_, found),) = px.reference(name, *given, **named).items()
    return found


@pytest.fixture(scope="module")
def exact():
    return px.explain("kernel_shap", px.Predictor(curved), SPACE, X[:2], budget=32)["kernel_shap"]


@pytest.fixture
def untouched():
    """Fails if numpy's global state is not as it was."""
    np.random.seed(123)  # noqa: NPY002
    np.random.standard_normal()  # noqa: NPY002 - leaves a number kept back, which is part of the state
    before = np.random.get_state()  # noqa: NPY002
    yield
    after = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


# ------------------------------------------------------------------------------------------------ parity


@pytest.mark.parametrize("over", ["columns", "coalitions"])
@pytest.mark.parametrize("name", ["shap.exact", "shap.kernel"])
def test_peers_that_list_all_coalitions_give_our_values_and_say_that_they_are_exact(name, over, exact):
    found = one(name, px.Predictor(curved), SPACE, X[:2], budget=32, over=over)
    np.testing.assert_allclose(found.values, exact.values, atol=1e-9)
    np.testing.assert_allclose(found.meta["peer_base"], exact.base[0], atol=1e-12)
    np.testing.assert_array_equal(found.base, exact.base)
    np.testing.assert_array_equal(found.prediction, exact.prediction)
    assert found.stderr.max() < 1e-12 and found.meta["listed"] and found.meta["coalitions"] == 32
    assert np.abs(found.meta["gap"]).max() < 1e-12


@pytest.mark.parametrize("over", ["columns", "coalitions"])
@pytest.mark.parametrize(("name", "budget", "close"), [("shap.permutation", 400, 0.1), ("shap.sampling", 1000, 0.15)])
def test_peers_that_draw_come_near_exact_values_and_claim_no_error_bar(name, budget, close, over, exact):
    found = one(name, px.Predictor(curved), SPACE, X[:2], budget=budget, over=over)
    assert np.abs(found.values - exact.values).max() < close
    assert np.isinf(found.stderr).all() and not np.isnan(found.interval()).any()


def test_owen_values_of_an_additive_model_are_its_shapley_values():
    found = one("shap.partition", px.Predictor(lambda rows: rows @ np.arange(5.0)), SPACE, X[:2], budget=32)
    np.testing.assert_allclose(found.values[..., 0], (X[:2] - SPACE.background.mean(axis=0)) * np.arange(5.0), atol=1e-9)


def test_values_of_trees_that_shap_reads_are_ours_and_cost_no_row():
    y = curved(X)[:, 0]
    labels = np.digitize(y, [-0.5, 0.5])
    # shap's walk holds its weights as float32, so 1e-9 is out of its reach
    for model, options in (
        (GradientBoostingRegressor(n_estimators=15, random_state=0).fit(X, y), {}),
        (HistGradientBoostingRegressor(max_iter=15).fit(X, y), {}),
        (RandomForestClassifier(5, random_state=0).fit(X, labels), {}),
        (GradientBoostingClassifier(n_estimators=15, random_state=0).fit(X, labels > 0), {"output": "logit"}),
    ):
        found = one("shap.tree", px.Predictor(model, **options), SPACE, X[:3])
        ours = px.explain("kernel_shap", px.Predictor(model, **options), SPACE, X[:3], budget=32)["kernel_shap"]
        np.testing.assert_allclose(found.values, ours.values, atol=5e-8)
        assert found.outputs == ours.outputs and own_rows(found) == 0 and np.abs(found.meta["gap"]).max() < 5e-8
        assert (np.abs(found.values - ours.values) <= found.stderr).all()


def test_probabilities_of_boosted_trees_are_not_called_exact():
    # shap scales the values of the log-odds: no gap, and yet not the Shapley values of the probability
    model = GradientBoostingClassifier(n_estimators=15, random_state=0).fit(X, curved(X)[:, 0] > 0)
    found = one("shap.tree", px.Predictor(model), SPACE, X[:2])
    ours = px.explain("kernel_shap", px.Predictor(model), SPACE, X[:2], budget=32)["kernel_shap"]
    assert found.outputs == ours.outputs == ("False", "True")
    np.testing.assert_allclose(found.values[..., 0], -found.values[..., 1])
    assert np.abs(found.meta["gap"]).max() < 1e-6 and np.isinf(found.stderr).all()
    assert 1e-3 < np.abs(found.values - ours.values).max() < 0.1


def test_trees_as_shipped_follow_their_training_rows_and_show_the_gap():
    model = GradientBoostingRegressor(n_estimators=15, random_state=0).fit(X, curved(X)[:, 0])
    (key, found), *_ = px.reference("shap.tree", px.Predictor(model), SPACE, X[:2], as_shipped=True).items()
    assert key == "shap.tree(as_shipped=True)" and found.method.feature_perturbation == "tree_path_dependent"
    gap = found.prediction - found.meta["peer_base"] - found.values.sum(axis=1)
    assert np.abs(gap).max() < 1e-6 < np.abs(found.meta["gap"]).max() and np.isinf(found.stderr).all()


def test_lime_tabular_is_a_hand_call_of_lime_bit_for_bit():
    lime_tabular = pytest.importorskip("lime.lime_tabular")
    found = one("lime.tabular", px.Predictor(curved), SPACE, X[:2], budget=400, seed=7, outputs=[1])
    for row, own in zip(X[:2], found, strict=True):
        explainer = lime_tabular.LimeTabularExplainer(X, mode="regression", feature_selection="none", random_state=7)
        hand = explainer.explain_instance(row, lambda rows: curved(rows)[:, 1], num_features=5, num_samples=400)
        weights = dict(hand.local_exp[1])
        np.testing.assert_array_equal(own.columns["coefficient"][:, 0], [weights[j] for j in range(5)])
        np.testing.assert_allclose(own.values, own.columns["coefficient"] * 0.75, rtol=0.05)  # a quarter of X in x's bin


@pytest.mark.parametrize("discretizer", ["quartile", None])
def test_lime_as_shipped_is_one_explainer_that_goes_on_from_row_to_row(discretizer):
    lime_tabular = pytest.importorskip("lime.lime_tabular")
    found = one(
        "lime.tabular", px.Predictor(curved), SPACE, X[:2], budget=300, seed=7, as_shipped=True, discretizer=discretizer
    )
    explainer = lime_tabular.LimeTabularExplainer(X, discretize_continuous=discretizer is not None, random_state=7)
    with pytest.warns(UserWarning, match="do not sum to 1"):
        hands = [explainer.explain_instance(row, curved, labels=(0, 1), num_samples=300) for row in X[:2]]
    for own, hand in zip(found, hands, strict=True):
        for k in (0, 1):
            weights = dict(hand.local_exp[k])
            np.testing.assert_array_equal(own.values[:, k], [weights[j] for j in range(5)])


def test_lime_without_bins_has_ours_value_of_a_linear_model():
    found = one("lime.tabular", px.Predictor(lambda r: r @ np.arange(5.0)), SPACE, X[:2], discretizer=None, ridge=0.0)
    np.testing.assert_allclose(found.values[..., 0], (X[:2] - X.mean(axis=0)) * np.arange(5.0), atol=1e-9)


def test_lime_image_with_its_ridge_is_our_lime_on_all_coalitions_within_its_noise(picture_game):
    space, picture, model = picture_game
    found = one("lime.image", px.Predictor(model), space, picture, budget=4000)
    ours = px.explain([px.Lime(ridge=1.0)], px.Predictor(model), space, picture, budget=512)["lime"]
    assert ours.meta["listed"] and own_rows(found) == 3999
    assert games.squared_error(found.values[0], ours.values[0]) < 5e-3


@pytest.mark.parametrize(
    ("name", "rows"),
    [("lime.tabular", 5000), ("shap.kernel", 34 + 2), ("shap.permutation", 45 * 11), ("shap.sampling", 10002)],
)
def test_as_shipped_the_budget_is_the_package_s_own(name, rows):
    space = px.TabularSpace(np.zeros((1, 5)))
    assert 0 < own_rows(one(name, px.Predictor(curved), space, X[:1], as_shipped=True)) <= rows
    wide = px.TabularSpace(np.zeros((1, 300)))
    if name == "shap.permutation":
        with pytest.raises(ValueError, match="budget=500 is below the 601"):
            px.reference(name, px.Predictor(never), wide, np.ones((1, 300)), as_shipped=True)
    if name == "shap.kernel":
        with pytest.raises(ValueError, match="budget=65536 is below the"):
            px.reference("shap.exact", px.Predictor(never), wide, np.ones((1, 300)), as_shipped=True)


def test_shap_kernel_as_shipped_keeps_ten_values_whatever_the_budget():
    weights = np.arange(1.0, 13.0)
    space = px.TabularSpace(np.zeros((1, 12)))
    given = (px.Predictor(lambda rows: rows @ weights), space, np.ones((1, 12)))
    assert np.count_nonzero(one("shap.kernel", *given, as_shipped=True).values.round(9)) == 10
    np.testing.assert_allclose(one("shap.kernel", *given, budget=400).values[0, :, 0], weights, atol=1e-9)


# ------------------------------------------------------------------------------------------------ pictures, groups, weights


@pytest.fixture(scope="module")
def picture_game():
    """A space of nine superpixels, a picture, and a model with two outputs."""
    picture = np.random.default_rng(1).random((18, 18, 3)).astype(np.float32)

    def model(pictures):
        tall = np.asarray(pictures, dtype=np.float64).mean(axis=3)
        top, left, middle = (tall[where].mean((1, 2)) for where in WHERE)
        return np.column_stack([10 * top * left, middle])

    labels = np.arange(18)[:, None] // 6 * 3 + np.arange(18)[None] // 6 + 5  # numbers that lime would not take
    return px.ImageSpace(segments=labels, fill=0.0), picture, model


@pytest.mark.parametrize("name", PICTURE)
@pytest.mark.usefixtures("untouched")
def test_every_peer_explains_pictures_over_the_superpixels_of_the_space(name, picture_game):
    space, picture, model = picture_game
    predictor = px.Predictor(model)
    found = one(name, predictor, space, picture, budget=512)
    ours = px.explain(["kernel_shap", "lime"], px.Predictor(model), space, picture, budget=512)
    truth = ours["lime" if name == "lime.image" else "kernel_shap"]
    assert found.names == truth.names and found.meta["fill"] == truth.meta["fill"] and own_rows(found) <= 512
    assert games.squared_error(found.values[0], truth.values[0]) < 0.03
    np.testing.assert_array_equal(found.base, truth.base)


def test_superpixels_that_the_fill_cannot_change_have_no_value(picture_game):
    _, picture, model = picture_game
    grey = np.array(picture)
    grey[:6, :6] = 0.0
    space = px.ImageSpace(segments="grid", n_segments=9, fill=0.0)
    for name in ("shap.kernel", "shap.permutation", "shap.partition"):
        found = one(name, px.Predictor(model), space, grey, budget=300)
        assert found.meta["merged"] == ["superpixel 0"] and not found.values[0, 0].any()


@pytest.mark.parametrize("name", OVER_COALITIONS)
def test_groups_and_weighted_backgrounds_are_honoured(name):
    groups = px.TabularSpace(X, background=10, groups={"pair": ["x0", "x3"]})
    weighted = px.TabularSpace(X, background=10, choose="kmeans")
    assert np.ptp(weighted.background_weights) > 0
    for space in (groups, weighted):
        options = {}
        if name == "shap.partition" and space is groups:
            options["clustering"] = [[0, 1, 0.1, 2], [2, 3, 0.2, 2], [4, 5, 0.3, 4]]
        ours = px.explain("kernel_shap", px.Predictor(curved), space, X[:2], budget=32)["kernel_shap"]
        found = one(name, px.Predictor(curved), space, X[:2], budget=32, **options)
        assert found.names == ours.names
        np.testing.assert_allclose(found.values.sum(axis=1), ours.values.sum(axis=1), atol=1e-9)
        if name in ("shap.kernel", "shap.exact"):
            np.testing.assert_allclose(found.values, ours.values, atol=1e-9)


def test_shap_kernel_knows_groups_and_weights_by_itself():
    space = px.TabularSpace(X, background=10, choose="kmeans", groups={"pair": ["x0", "x3"]})
    ours = px.explain("kernel_shap", px.Predictor(curved), space, X[:2], budget=16)["kernel_shap"]
    before = np.array(space.background_weights)
    found = one("shap.kernel", px.Predictor(curved), space, X[:2], budget=16, over="columns")
    np.testing.assert_allclose(found.values, ours.values, atol=1e-9)
    np.testing.assert_array_equal(space.background_weights, before)  # shap divides weights in place


def test_a_background_above_100_rows_is_not_cut():
    data = np.random.default_rng(0).normal(size=(150, 5))
    space = px.TabularSpace(data, background="all")
    ours = px.explain("kernel_shap", px.Predictor(curved), space, data[:1], budget=32)["kernel_shap"]
    for name in ("shap.exact", "shap.kernel"):
        found = one(name, px.Predictor(curved), space, data[:1], budget=32, over="columns")
        np.testing.assert_allclose(found.values, ours.values, atol=1e-9)


@pytest.fixture(scope="module")
def mixed():
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "number": rng.normal(size=60), "kind": pd.Categorical(rng.choice(["x", "y", "z"], 60)),
            "word": rng.choice(["u", "v"], 60), "count": rng.integers(0, 5, 60), "flag": rng.random(60) > 0.5,
            "day": pd.date_range("2020-01-01", periods=60, freq="h"),
        },
        index=[f"row {i}" for i in range(60)],
    )  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.usefixtures("untouched")
def test_frames_reach_peers_as_numbers_and_the_model_as_frames(name, mixed):
    def model(frame):
        assert list(frame.dtypes) == list(mixed.dtypes) and list(frame.columns) == list(mixed.columns)
        day = (frame["day"] - mixed["day"].min()) / pd.Timedelta("1D")
        return np.column_stack([frame["number"] * (frame["kind"] == "x") + frame["count"] * (frame["word"] == "u"), day])

    space = px.TabularSpace(mixed, background=20)
    ours = px.explain("kernel_shap", px.Predictor(model), space, mixed.iloc[:2], budget=64)["kernel_shap"]
    budget = 3000 if name == "lime.tabular" else 640
    found = one(name, px.Predictor(model), space, mixed.iloc[:2], budget=budget)
    assert found.names == ours.names and [e.label for e in found] == ["row 0", "row 1"]
    if name == "lime.tabular":
        assert found[0].columns["coefficient"].shape == (6, 2)
    else:  # hours apart are equal to shap's own tolerance, so it is asked over coalitions
        assert found.meta["asked_over"] == "coalitions"
        assert np.abs(found.values - ours.values).max() < 0.25


def test_missing_values_are_kept_from_shap_s_multiplication():
    data = np.array(X)
    data[::3, 1] = np.nan
    space = px.TabularSpace(data, background=15)

    def model(rows):
        return np.nan_to_num(rows, nan=7.0) @ np.arange(5.0)

    ours = px.explain("kernel_shap", px.Predictor(model), space, data[:2], budget=32)["kernel_shap"]
    for name in OVER_COALITIONS:
        found = one(name, px.Predictor(model), space, data[:2], budget=32)
        np.testing.assert_allclose(found.values, ours.values, atol=1e-9)
        assert found.meta["asked_over"] == "coalitions"


@pytest.mark.parametrize("name", OVER_COALITIONS)
def test_an_input_that_is_the_background_has_no_effects(name):
    space = px.TabularSpace(np.zeros((1, 5)))
    moved = np.zeros((2, 5))
    moved[1, 2] = 1.0
    options = {"clustering": "euclidean"} if name == "shap.partition" else {}  # one row has no correlation
    found = one(name, px.Predictor(curved), space, moved, budget=32, **options)
    assert not found.values[0].any()
    np.testing.assert_allclose(found.values[1, 2], curved(moved)[1] - curved(moved)[0])


# ------------------------------------------------------------------------------------------------ counts and states


@pytest.mark.parametrize("over", ["columns", "coalitions"])
@pytest.mark.parametrize("budget", [32, 57])
@pytest.mark.parametrize("name", [n for n in TABLE if n != "lime.tabular"])
def test_rows_are_counted_and_never_above_budget_times_background(name, budget, over):
    predictor = px.Predictor(curved)
    found = one(name, predictor, SPACE, X[:3] + 0.5, budget=budget, over=over)
    assert all(0 < own_rows(e) <= budget * 20 for e in found)
    assert own_rows(found) == sum(own_rows(e) for e in found)
    assert found.meta["call_rows"] == found.meta["rows"] == predictor.rows
    beside = predictor.rows - own_rows(found)  # base once, and each prediction
    assert beside == (20 + 3 if over == "columns" else 0)


def test_a_single_background_row_is_within_the_budget_too():
    space = px.TabularSpace(np.zeros((1, 5)))
    for name in TABLE:
        if name not in ("lime.tabular", "shap.partition"):
            found = one(name, px.Predictor(curved), space, X[:2], budget=40, over="columns")
            assert all(own_rows(e) <= 40 for e in found)


def test_lime_s_rows_are_its_samples():
    found = one("lime.tabular", px.Predictor(curved), SPACE, X[:2] + 0.5, budget=123)
    assert own_rows(found) == 246 and found.meta["call_rows"] == 246 + 20 + 2


@pytest.mark.parametrize("over", ["columns", "coalitions"])
def test_coalitions_that_a_peer_asked_do_not_score_it(over):
    space = px.TabularSpace(np.zeros((1, 8)))
    game = games.random_table(8, 0)
    given = (px.Predictor(game), space, np.ones((1, 8)))
    found = one("shap.kernel", *given, budget=100, over=over)
    assert not found.meta["listed"] and found.meta["coalitions"] == 100
    scored = px.compare({"theirs": found}, *given[:2], metrics=["faithfulness"])
    assert set(scored.scores.test_set) == {"156 untouched coalitions, all that are left"}  # of 256


@pytest.mark.parametrize("over", ["columns", "coalitions"])
@pytest.mark.parametrize(("name", "budget"), [("kernel", 40), ("permutation", 40), ("exact", 64), ("partition", 20)])
def test_what_is_told_of_coalitions_is_what_the_model_was_asked(name, budget, over):
    model, space = Recorder(games.random_table(6, 0)), px.TabularSpace(np.zeros((1, 6)))
    clustering = {"clustering": np.array([[k, 5 + k, k + 1.0, k + 2] for k in range(5)])} if name == "partition" else {}
    found = one(f"shap.{name}", px.Predictor(model), space, np.ones((1, 6)), budget=budget, over=over, **clustering)
    z = oracles.all_coalitions(6).astype(bool)
    (asked,) = Reader().read({"it": found[0].meta}, 6, space.players(np.ones((1, 6)))[0].digest)
    assert {row.tobytes() for row in z[asked.holds(z)]} == {row.tobytes() for row in model.rows.astype(bool)}


@pytest.mark.parametrize("as_shipped", [False, True])
@pytest.mark.parametrize("name", TABLE)
@pytest.mark.usefixtures("untouched")
def test_one_seed_gives_the_same_bits_and_leaves_no_trace(name, as_shipped):
    budget = 200 if name == "lime.tabular" else 57
    first, again, other = (
        one(name, px.Predictor(curved), SPACE, X[:2], budget=budget, seed=seed, as_shipped=as_shipped) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.values, again.values)
    if name in ("lime.tabular", "shap.sampling", "shap.permutation"):
        assert (first.values != other.values).any()


@pytest.mark.parametrize("name", TABLE)
def test_a_row_gets_one_answer_in_any_company(name):
    budget = 200 if name == "lime.tabular" else 57
    together = one(name, px.Predictor(curved), SPACE, X[:3], budget=budget)
    alone = one(name, px.Predictor(curved), SPACE, X[2], budget=budget)
    np.testing.assert_allclose(together.values[2], alone.values[0], atol=1e-12)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.usefixtures("untouched")
def test_the_state_is_put_back_and_finished_rows_kept_when_the_model_fails(name):
    def failing(rows):
        rows = np.asarray(rows)
        return np.where((rows == 9.0).any(axis=1), np.nan, rows.sum(axis=1))

    broken = np.array(X[:2])
    broken[1, 0] = 9.0
    budget = 200 if name == "lime.tabular" else 57
    with pytest.raises(px.ModelError, match="the model returned nan") as caught:
        px.reference(name, px.Predictor(failing), SPACE, broken, budget=budget)
    assert len(caught.value.partial[name]) == 1
    with pytest.raises(px.ModelError):
        px.reference(name, px.Predictor(failing), SPACE, broken[1], budget=budget)


@pytest.mark.usefixtures("untouched")
def test_the_state_is_put_back_when_the_model_raises():
    def raising(_rows):
        raise RuntimeError("no")

    for name in TABLE:
        with pytest.raises(RuntimeError, match="no"):
            px.reference(name, px.Predictor(raising), SPACE, X[0])


def test_lime_s_progress_bar_is_silent_and_comes_back(picture_game, capsys):
    lime_image = pytest.importorskip("lime.lime_image")
    space, picture, model = picture_game
    bar = lime_image.tqdm
    px.reference("lime.image", px.Predictor(model), space, picture, budget=50)
    assert lime_image.tqdm is bar and capsys.readouterr() == ("", "")


# ------------------------------------------------------------------------------------------------ beside ours


def test_results_go_through_compare_and_report_beside_ours(tmp_path):
    results = px.explain(["lime", "kernel_shap"], px.Predictor(curved), SPACE, X[:2], budget=20)
    for name in TABLE:
        results |= px.reference(name, px.Predictor(curved), SPACE, X[:2], budget=200 if name == "lime.tabular" else 32)
    results |= px.reference("shap.kernel", px.Predictor(curved), SPACE, X[:2], as_shipped=True)
    found = px.compare(results, px.Predictor(curved), SPACE)
    summary = found.summary()
    assert list(summary.index) == [*results] and np.isfinite(summary.srg).all()
    assert summary.rows["lime.tabular"] == 400 + once_a_call(results["lime.tabular"])
    folder = px.report(found, tmp_path / "report")
    assert '"shap"' in (folder / "manifest.json").read_text() and (folder / "attributions.csv").exists()


def test_pictures_go_through_compare_under_two_fills(picture_game):
    space, picture, model = picture_game
    results = px.explain(["kernel_shap"], px.Predictor(model), space, picture, budget=100)
    for name in ("lime.image", "shap.permutation"):
        results |= px.reference(name, px.Predictor(model), space, picture, budget=100)
    found = px.compare(results, px.Predictor(model), space, fills=[0.0, "mean"])
    assert set(found.scores.explained_fill) == {"constant 0"} and len(found.summary()) == 3


def test_meta_says_what_ran():
    found = one("shap.permutation", px.Predictor(curved), SPACE, X[:1], budget=57, seed=5)
    meta = found.meta
    assert meta["name"] == "shap.permutation" and meta["seed"] == 5 and meta["walks"] == 5 and meta["budget"] == 57
    assert meta["asked_over"] == "columns" and not meta["as_shipped"] and meta["background"] == 20
    assert "shap" in meta["versions"] and meta["call_seconds"] >= meta["seconds"] >= 0.0
    assert found.to_frame().stderr.eq(np.inf).all()


# ------------------------------------------------------------------------------------------------ errors


def never(_rows):
    raise AssertionError("the model was asked")


@pytest.mark.parametrize(
    ("name", "named", "error", "match"),
    [
        ("shap.deep", {}, ValueError, r"'shap.deep' is not a known method\..* Expected one of lime.image, lime.tabular"),
        (["shap.kernel"], {}, TypeError, r"name is list; expected one of lime.tabular"),
        ("lime.image", {}, ValueError, r"lime.image explains pictures; for rows of a table take 'lime.tabular'"),
        ("shap.kernel", {"nsamples": 3}, TypeError, r"shap.kernel has no option 'nsamples'; it has over, l1_reg"),
        ("shap.kernel", {"over": "rows"}, ValueError, r"over='rows' is not known"),
        ("shap.kernel", {"budget": 11}, ValueError, r"budget=11 is below the 12 that shap.kernel needs at 5 players"),
        ("shap.exact", {"budget": 31}, ValueError, r"budget=31 is below the 32 that shap.exact needs"),
        ("shap.permutation", {"budget": 10}, ValueError, r"budget=10 is below the 11"),
        ("shap.permutation", {"seed": -1}, ValueError, r"seed=-1 must be a whole number"),
        ("shap.permutation", {"seed": 2**32}, ValueError, r"seed=4294967296 is above 4294967295"),
        ("shap.partition", {"clustering": np.zeros((2, 4))}, ValueError, r"clustering has shape \(2, 4\); expected"),
        ("shap.tree", {}, TypeError, r"shap.tree cannot read the model function.*shap.kernel"),
        ("shap.tree", {"feature_perturbation": "x"}, ValueError, r"feature_perturbation='x' is not known"),
        ("lime.tabular", {"discretizer": "entropy"}, ValueError, r"discretizer='entropy' is not known"),
        ("lime.tabular", {"ridge": -1.0}, ValueError, r"ridge=-1.0 must be 0 or more"),
        ("lime.tabular", {"kernel_width": 0.0}, ValueError, r"kernel_width=0.0 must be positive"),
        ("lime.tabular", {"num_features": 0}, ValueError, r"num_features=0 must be a whole number"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("untouched")
def test_what_can_be_known_is_refused_before_the_model_is_asked(name, named, error, match):
    with pytest.raises(error, match=match):
        px.reference(name, px.Predictor(never), SPACE, X[:1], **named)


def test_spaces_that_a_peer_cannot_take_are_refused_by_name(picture_game):
    picture_space, picture, _ = picture_game
    groups = px.TabularSpace(X, groups={"pair": ["x0", "x3"]})
    weights = px.TabularSpace(X, background=10, weights=np.arange(80))
    kmeans = px.TabularSpace(X, background=10, choose="kmeans")
    missing = px.TabularSpace(np.where(X > 2.0, np.nan, X))
    words = px.TabularSpace(np.array([["a"], ["b"]]))
    for name, space, x, match in (
        ("lime.tabular", picture_space, picture, "lime.tabular explains rows of a table"),
        ("shap.tree", picture_space, picture, "shap.tree reads trees over the columns"),
        ("lime.tabular", groups, X[:1], "lime.tabular knows no groups"),
        ("shap.tree", groups, X[:1], "shap.tree knows no groups"),
        ("shap.partition", groups, X[:1], "finds no tree over groups"),
        ("shap.partition", px.TabularSpace(X[:1]), X[:1], r"finds no tree of the columns in a background of 1 row.*linkage"),
        ("lime.tabular", weights, X[:1], "takes every row of X alike"),
        ("shap.tree", kmeans, X[:1], "every background row the same weight"),
        ("lime.tabular", missing, X[:1], "missing or infinite values"),
        ("shap.tree", words, [["a"]], r"needs numbers, but \['x0'\] are not"),
    ):
        with pytest.raises(ValueError, match=match):
            px.reference(name, px.Predictor(never), space, x)
    with pytest.raises(ValueError, match=r'over="columns" is not possible: it knows no groups.*"coalitions"'):
        px.reference("shap.exact", px.Predictor(never), groups, X[:1], over="columns")


def test_models_whose_trees_speak_another_scale_are_refused():
    labels = curved(X)[:, 0] > 0
    forest = RandomForestClassifier(5, random_state=0).fit(X, labels)
    with pytest.raises(ValueError, match=r'scale "probability" here, but the predictor explains "logit"'):
        px.reference("shap.tree", px.Predictor(forest, output="logit"), SPACE, X[:1])
    with pytest.raises(TypeError, match=r"shap.tree cannot read the model LinearRegression"):
        px.reference("shap.tree", px.Predictor(LinearRegression().fit(X, labels)), SPACE, X[:1])


@pytest.mark.parametrize(("name", "package"), [("lime.tabular", "lime"), ("shap.kernel", "shap"), ("shap.tree", "shap")])
@pytest.mark.usefixtures("untouched")
def test_a_package_that_is_not_there_is_named_with_the_line_that_installs_it(name, package, monkeypatch):
    real = builtins.__import__

    def without(what, *given, **named):
        if what.partition(".")[0] == package:
            raise ImportError(what)
        return real(what, *given, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=rf"the package {package} is not installed.*pip install"):
        px.reference(name, px.Predictor(never), SPACE, X[:1])


def test_wrong_kinds_are_type_errors():
    with pytest.raises(TypeError, match="predictor is str; expected the model"):
        px.reference("shap.kernel", "curved", SPACE, X[:1])
    with pytest.raises(TypeError, match="space is NoneType"):
        px.reference("shap.kernel", px.Predictor(curved), None, X[:1])


def test_values_that_are_no_numbers_are_not_passed_on():
    # shap's own sampler divides by the spread of an output that nothing moves
    found = {"outputs": None, "over": "coalitions", "budget": 60}
    predictor = px.Predictor(lambda rows: np.column_stack([curved(rows)[:, 0], rows[:, 3]]))
    assert np.isfinite(one("shap.sampling", predictor, SPACE, X[:1], **found).values).all()
    with pytest.raises(ValueError, match=r"shap.sampling gives values that are not finite for the outputs \['0'.*outputs="):
        px.reference("shap.sampling", predictor, SPACE, X[:1], as_shipped=True, **found)


@pytest.mark.parametrize("name", PEERS)
def test_every_option_of_a_peer_is_explained_and_its_preset_is_of_them(name):
    peer = catalogue.load(PEERS, name)
    assert peer.key == name and set(peer.own) <= {f.name for f in fields(peer)}
    for option in fields(peer):
        assert option.name in peer.__doc__, option.name
        assert option.name in px.reference.__doc__, option.name
