"""KernelSHAP against exact Shapley values: listed games, two-additive games, sampled games, axioms, peers."""

from __future__ import annotations

import warnings
from dataclasses import replace

import games
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px
from perturbxai.core.evaluations import Evaluations
from perturbxai.estimation.survey import check_reuse, sum_zero_basis
from perturbxai.sampling import laws
from perturbxai.sampling.coalitions import draw_design

LISTED = [
    games.random_table(2, seed=0),
    games.random_table(5, seed=1),
    games.random_table(9, seed=2),
    games.additive(6, seed=3, n_outputs=3),
    games.two_additive(7, seed=4, n_outputs=2),
    games.polynomial(11, (3, 4, 5), n_terms=30, seed=5),
    games.unanimity(8, 3),
    games.sigmoid_game(12, 1.0, 3.0),
    games.network_game(),
]


def explained(game, budget=None, seed=0, method="kernel_shap"):
    (found,) = px.explain([method], *games.door(game), budget=budget, seed=seed).values()
    return found[0]


def scale_of(game):
    return np.abs(np.concatenate(game.ends)).max()


@pytest.mark.parametrize("game", LISTED, ids=str)
def test_values_are_exact_when_all_coalitions_fit_the_budget(game):
    found = explained(game, budget=2**game.n_players)
    assert found.meta["listed"]
    np.testing.assert_allclose(found.values, game.shapley, atol=1e-9)


@pytest.mark.parametrize("game", LISTED, ids=str)
def test_the_interval_of_an_exact_answer_contains_it(game):
    found = explained(game, budget=2**game.n_players)
    for simultaneous in (False, True):
        low, high = found.interval(simultaneous=simultaneous)
        assert (low <= game.shapley).all() and (game.shapley <= high).all()
    assert found.stderr.max() <= 1e-12 * max(scale_of(game), np.abs(game.shapley).max(), 10.0)


@pytest.mark.parametrize("game", LISTED[:2], ids=str)
def test_the_oracle_itself_agrees_with_the_mean_over_all_orders(game):
    np.testing.assert_allclose(oracles.shapley_by_orders(game, game.n_players), game.shapley, atol=1e-12)


@pytest.mark.parametrize("n_players", [5, 8, 15])
@pytest.mark.parametrize("budget", ["2P", "2P+1", "3P", "4P"])
def test_two_additive_games_are_exact_from_any_budget_of_2p_for_a_thousand_seeds(n_players, budget):
    n_coalitions = {"2P": 2 * n_players, "2P+1": 2 * n_players + 1, "3P": 3 * n_players, "4P": 4 * n_players}[budget]
    for seed in range(84):  # 3 x 4 x 84 = 1008
        game = games.two_additive(n_players, seed)
        (found,) = games.drawn([px.KernelShap()], game, n_coalitions, seed)
        assert np.abs(found.values - game.shapley).max() <= 1e-9 * np.abs(game.shapley).max(), seed
        half = 1.96 * found.stderr  # infinite, or rounding: either way the answer is inside
        assert (np.abs(found.values - game.shapley) <= half).all(), seed


@pytest.mark.parametrize("game", [games.two_additive(15, 0, 3), games.random_table(8, 7), games.SIGMOID_50], ids=str)
@pytest.mark.parametrize("per_player", [2, 3, 6, 20])
def test_values_sum_to_the_gain_of_everything_over_nothing(game, per_player):
    found = explained(game, budget=per_player * game.n_players, seed=per_player)
    empty, full = game.ends
    assert np.abs(found.values.sum(axis=0) - (full - empty)).max() <= 1e-9 * scale_of(game)
    np.testing.assert_allclose(found.base, empty, rtol=1e-12)
    np.testing.assert_allclose(found.prediction, full, rtol=1e-12)


@pytest.mark.parametrize(
    ("game", "per_player", "bound"),
    [
        (games.SIGMOID_20, 6, 2.7e-2), (games.SIGMOID_20, 10, 1.35e-2), (games.SIGMOID_20, 40, 2.4e-3),
        (games.SIGMOID_50, 6, 2.4e-2), (games.SIGMOID_50, 10, 1.1e-2), (games.SIGMOID_50, 40, 2.3e-3),
    ],
    ids=str,
)  # fmt: skip
def test_squared_error_on_the_sigmoid_games_stays_below_its_bound(game, per_player, bound):
    budget = per_player * game.n_players
    errors = [
        games.squared_error(games.drawn([px.KernelShap()], game, budget, seed)[0].values, game.shapley) for seed in range(50)
    ]
    assert np.mean(errors) <= bound, f"{np.mean(errors):.3g} +- {np.std(errors) / 50**0.5:.1g}"


def test_the_short_way_of_these_tests_is_the_way_of_explain():
    game = games.polynomial(13, (1, 2, 3), n_terms=20, seed=0)
    predictor, space, x = games.door(game)
    found = px.explain("kernel_shap", predictor, space, x, budget=100, seed=5)["kernel_shap"][0]
    # explain() gives the design's columns to the players in an order of the row's own; the errors are as large
    (direct,) = games.drawn([px.KernelShap()], game, 100, seed=5)
    order = np.random.default_rng([5, *space.players(x)[0].digest]).permutation(13)
    shuffled = games.KnownGame("shuffled", 13, lambda z: game(z[:, order]), None)
    (direct,) = games.drawn([px.KernelShap()], shuffled, 100, seed=5)
    np.testing.assert_allclose(found.values, direct.values[order], atol=1e-12)
    np.testing.assert_allclose(found.stderr, direct.stderr[order], atol=1e-12)


# ------------------------------------------------------------------------------------------------ one walk


@pytest.mark.parametrize("n_players", [4, 5, 9])
def test_budget_2p_is_one_antithetic_permutation_walk(n_players):
    game = games.random_table(n_players, seed=n_players)
    budget = 2 * n_players
    design = draw_design([laws.shapley(n_players)], n_players, budget, np.random.default_rng(1))
    found = px.KernelShap().estimate(games.evaluate(game, design))
    order = np.argsort(-design.z[0::2].sum(axis=0))  # who is in the most prefixes came first
    np.testing.assert_allclose(found.values, oracles.antithetic_walk(game, order), atol=1e-10)
    assert np.isinf(found.stderr).all()  # one walk says nothing of its own spread


def test_an_interval_that_cannot_be_known_is_infinite_and_not_zero():
    found = explained(games.random_table(6, 0), budget=12)
    assert np.isinf(found.stderr).all()
    low, high = found.interval()
    assert np.isneginf(low).all() and np.isposinf(high).all()


# ------------------------------------------------------------------------------------------------ axioms

TABLES = st.integers(0, 2**32 - 1)
PLAYERS = st.integers(2, 7)
FEW = settings(max_examples=25, deadline=None, derandomize=True)


@FEW
@given(seed=TABLES, n_players=PLAYERS)
def test_a_dummy_gets_what_it_brings_alone(seed, n_players):
    inner = games.random_table(n_players, seed, n_outputs=1)
    game = games.KnownGame("with a dummy", n_players + 1, lambda z: inner(z[:, :-1]) + 0.7 * z[:, -1:], None)
    found = explained(game, budget=2 ** (n_players + 1)).values
    np.testing.assert_allclose(found[-1], 0.7, atol=1e-11)
    np.testing.assert_allclose(found[:-1], inner.shapley, atol=1e-11)


@FEW
@given(seed=TABLES, n_players=PLAYERS)
def test_symmetric_players_get_the_same(seed, n_players):
    inner = games.random_table(n_players, seed)

    def value(z):  # players 0 and 1 only count together
        both = (z[:, :1] + z[:, 1:2]) / 2
        return inner(np.column_stack([both == 1, z[:, 2:]])) + (both == 0.5) * 0.3

    found = explained(games.KnownGame("symmetric", n_players + 1, value, None), budget=2 ** (n_players + 1)).values
    np.testing.assert_allclose(found[0], found[1], atol=1e-11)


@FEW
@given(seed=TABLES, n_players=st.integers(4, 12), budget=st.integers(0, 80), a=st.floats(-5, 5), b=st.floats(-5, 5))
def test_values_are_linear_in_the_game_at_any_budget(seed, n_players, budget, a, b):
    u, v = (games.polynomial(n_players, (1, 2, 3), 12, s) for s in (seed, seed // 2 + 1))
    both = games.KnownGame("sum", n_players, lambda z: a * u(z) + b * v(z), None)
    values = [explained(game, budget=2 * n_players + budget, seed=3).values for game in (u, v, both)]
    np.testing.assert_allclose(values[2], a * values[0] + b * values[1], atol=1e-9)


@FEW
@given(seed=TABLES, n_players=PLAYERS, data=st.data())
def test_the_order_of_the_columns_does_not_matter_to_exact_values(seed, n_players, data):
    game = games.random_table(n_players, seed)
    order = np.array(data.draw(st.permutations(range(n_players))))
    moved = games.KnownGame("moved", n_players, lambda z: game(z[:, np.argsort(order)]), None)
    found = explained(moved, budget=2**n_players).values
    np.testing.assert_allclose(found, game.shapley[order], atol=1e-11)


def test_all_outputs_come_from_one_table():
    game = games.two_additive(12, 0, n_outputs=7)
    predictor, space, x = games.door(game)
    found = px.explain("kernel_shap", predictor, space, x, budget=60)["kernel_shap"]
    assert predictor.rows == 60
    np.testing.assert_allclose(found.values[0], game.shapley, atol=1e-10)


# ------------------------------------------------------------------------------------------------ groups and rows


def test_groups_are_players_of_the_quotient_game():
    game = games.random_table(6, 3)
    space = px.TabularSpace(np.zeros((1, 6)), groups={"pair": ["x0", "x3"], "rest": ["x4", "x5"]})
    found = px.explain("kernel_shap", px.Predictor(game), space, np.ones(6))["kernel_shap"]
    assert found.names == ("pair", "x1", "x2", "rest")
    members = np.array([0, 1, 2, 0, 3, 3])
    expected = oracles.shapley(lambda z: game(z[:, members]), 4)
    np.testing.assert_allclose(found.values[0], expected, atol=1e-11)


@pytest.fixture(scope="module")
def boosted():
    rng = np.random.default_rng(0)
    # values that float32 represents, as the trees compare in it
    X = rng.normal(size=(200, 6)).astype(np.float32).astype(np.float64)
    y = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + (X[:, 3] > 0) * X[:, 4]
    return GradientBoostingRegressor(n_estimators=15, max_depth=3, random_state=0).fit(X, y), X


def test_values_of_boosted_trees_equal_the_walk_over_their_leaves(boosted):
    model, X = boosted
    space = px.TabularSpace(X, background=20)
    found = px.explain("kernel_shap", px.Predictor(model), space, X[:4])["kernel_shap"]
    expected = [oracles.tree_shapley(model, x, space.background, space.background_weights) for x in X[:4]]
    np.testing.assert_allclose(found.values[:, :, 0], expected, atol=1e-9)


def test_weighted_background_rows_count_by_their_weight(boosted):
    model, X = boosted
    space = px.TabularSpace(X, background=12, choose="kmeans")
    assert np.ptp(space.background_weights) > 0
    found = px.explain("kernel_shap", px.Predictor(model), space, X[:2])["kernel_shap"]
    expected = [oracles.tree_shapley(model, x, space.background, space.background_weights) for x in X[:2]]
    np.testing.assert_allclose(found.values[:, :, 0], expected, atol=1e-9)


# ------------------------------------------------------------------------------------------------ peers


@pytest.fixture
def shap():
    """The shap package (0.45 to 0.51), with numpy's global state put back: it has no seed argument."""
    state = np.random.get_state()  # noqa: NPY002
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shap = pytest.importorskip("shap")
        yield shap
    np.random.set_state(state)  # noqa: NPY002


def test_values_equal_those_of_the_exact_explainer_of_shap(boosted, shap):
    model, X = boosted
    space = px.TabularSpace(X, background=30)  # shap cuts a background above 100 rows
    found = px.explain("kernel_shap", px.Predictor(model), space, X[:3])["kernel_shap"]
    masker = shap.maskers.Independent(space.background, max_samples=100)
    peer = shap.explainers.Exact(model.predict, masker)(X[:3])
    np.testing.assert_allclose(found.values[:, :, 0], peer.values, atol=1e-9)
    np.testing.assert_allclose(found.base[:, 0], peer.base_values, atol=1e-9)


def test_values_equal_those_of_the_kernel_explainer_of_shap_without_its_selection(boosted, shap):
    model, X = boosted
    space = px.TabularSpace(X, background=30)
    found = px.explain("kernel_shap", px.Predictor(model), space, X[:3])["kernel_shap"]
    # its default l1_reg="num_features(10)" drops players, so it is switched off
    peer = shap.KernelExplainer(model.predict, space.background).shap_values(X[:3], nsamples=200, l1_reg=0, silent=True)
    np.testing.assert_allclose(found.values[:, :, 0], peer, atol=1e-8)


def test_sampled_values_are_closer_to_the_truth_than_those_of_the_kernel_explainer_of_shap(shap):
    game = games.polynomial(14, (1, 2, 3), n_terms=40, seed=0)
    budget, ours, theirs = 140, [], []
    peer = shap.KernelExplainer(lambda X: game(X)[:, 0], np.zeros((1, 14)))
    for seed in range(8):
        np.random.seed(seed)  # noqa: NPY002
        values = peer.shap_values(np.ones((1, 14)), nsamples=budget - 2, l1_reg=0, silent=True)
        theirs.append(games.squared_error(values[0], game.shapley[:, 0]))
        ours.append(games.squared_error(explained(game, budget, seed).values, game.shapley))
    assert np.mean(ours) < np.mean(theirs)


# ------------------------------------------------------------------------------------------------ re-use


def test_a_table_drawn_for_lime_alone_is_refused_at_50_players():
    game = games.SIGMOID_50
    design = draw_design([laws.lime(50, 0.25)], 50, 1000, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"worth .* under the law of Shapley kernel, below 0.05.*one explain\(\)"):
        px.KernelShap().estimate(games.evaluate(game, design))


def test_a_table_drawn_for_lime_alone_is_warned_of_at_10_players():
    game = games.two_additive(10, 0)
    design = draw_design([laws.lime(10, 0.25)], 10, 300, np.random.default_rng(0))
    with pytest.warns(UserWarning, match=r"effective sample 0\.1\d* of the table's rows under the law of Shapley kernel"):
        found = px.KernelShap().estimate(games.evaluate(game, design))
    np.testing.assert_allclose(found.values, game.shapley, atol=1e-9)


def test_a_shared_table_is_neither_refused_nor_warned_of():
    for n_players in (10, 20, 50, 100, 400):
        game = games.additive(n_players, 0)
        shap, lime = games.drawn([px.KernelShap(), px.Lime()], game, 5 * n_players, seed=0)
        np.testing.assert_allclose(shap.values, game.shapley, atol=1e-9)
        np.testing.assert_allclose(lime.values, game.shapley, atol=1e-9)


@pytest.mark.parametrize("n_players", [150, 1300])
def test_a_methods_own_design_is_worth_its_rows_at_any_number_of_players(n_players):
    law = laws.shapley(n_players)
    design = replace(draw_design([laws.shapley(4)], 4, 10, np.random.default_rng(0)), share=law.design)
    check_reuse(law, design)


def test_rows_without_their_complements_are_refused():
    design = draw_design([laws.lime(9, 0.25)], 9, 12, np.random.default_rng(0))
    with pytest.warns(UserWarning, match="effective sample"), pytest.raises(ValueError, match="complementary pairs"):
        px.KernelShap().estimate(games.evaluate(games.additive(9, 0), design))


def test_the_basis_is_orthonormal_and_orthogonal_to_ones():
    for n_players in (2, 3, 10, 50):
        basis = sum_zero_basis(n_players)
        np.testing.assert_allclose(basis.T @ basis, np.eye(n_players - 1), atol=1e-12)
        np.testing.assert_allclose(basis.sum(axis=0), 0.0, atol=1e-12)


@pytest.mark.parametrize(("budget", "known"), [(62, False), (74, False), (82, True), (122, True)])
def test_just_above_the_least_budget_an_error_is_not_known(budget, known):
    """One walk and a few pairs beside it: their residuals say next to nothing (intervals from them covered .05 to .8)."""
    n_players = 30
    rng = np.random.default_rng(0)
    design = draw_design([laws.shapley(n_players)], n_players, budget, rng)
    weights = rng.normal(size=n_players)
    values = np.tanh(design.z @ weights)[:, None]
    table = Evaluations(design, values, np.zeros(1), np.tanh(weights.sum())[None])
    assert np.isfinite(px.KernelShap().estimate(table).stderr).all() == known
