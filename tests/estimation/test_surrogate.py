"""Surrogates of games: what they take away has no Shapley values, and when it is taken."""

from __future__ import annotations

from dataclasses import replace

import games
import numpy as np
import oracles
import pytest
from scipy import stats
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.tree import DecisionTreeRegressor

import perturbxai as px
from perturbxai.core.evaluations import Evaluations
from perturbxai.estimation.coalitions.pair_fit import PairFit
from perturbxai.estimation.coalitions.surrogate import N_FOLDS, folds
from perturbxai.estimation.coalitions.surrogate_games import Leaves, grow, triple_controls
from perturbxai.sampling.coalitions import draw_design
from perturbxai.sampling.laws import shapley


def forest_game(n_players, seed, n_trees=30):
    """A sum of trees that were grown on noise and a few products, with its Shapley values by the leaves."""
    rng = np.random.default_rng(seed)
    X, y = rng.random((400, n_players)) < 0.5, rng.normal(size=400)
    y = y * 0.1 + (X[:, 0] & X[:, 1]) + 2.0 * (X[:, 2] & ~X[:, 3] & X[:, 4]) - (X[:, 5] | (X[:, 6] & X[:, 7]))
    model = GradientBoostingRegressor(n_estimators=n_trees, max_depth=4, random_state=0).fit(X.astype(np.float32), y)
    values = 0.1 * Leaves.of([stage.tree_ for stage in model.estimators_[:, 0]], n_players).shapley()

    def value(z):
        return model.predict(np.asarray(z, dtype=np.float32))[:, None]

    return games.KnownGame(f"forest{n_players}", n_players, value, values[:, None])


def table(game, budget, seed=0):
    """As pictures, and tables with many background rows, come: a coalition is costly."""
    design = draw_design([shapley(game.n_players)], game.n_players, budget, np.random.default_rng(seed))
    return Evaluations(design, game(design.z), *game.ends, affordable=10.0)


def pairs_of(found):
    """(fit, z (R, P), left (R,), kept (5, R)) of a table's first output."""
    fit = PairFit.of(shapley(found.design.n_players), found.design)
    odd = 0.5 * (found.values[fit.first, 0] - found.values[fit.second, 0])
    plain = px.KernelShap(surrogate="none").estimate(found).values[:, 0]
    kept = folds(fit.clusters.stratum) != np.arange(N_FOLDS)[:, None]
    return fit, found.design.z[fit.first], odd - fit.u @ plain, kept


def tree_controls(fit, z, left, kept):
    made = [grow(z[mine], left[mine], fit.weight[mine], 0) for mine in kept]
    return np.array([game.odd(z) - fit.u @ game.shapley() for game in made])


# -------------------------------------------------------------------------------------------------- controls


@pytest.mark.parametrize("depth", [1, 3, 6])
@pytest.mark.parametrize("seed", range(3))
def test_a_tree_s_values_by_its_leaves_are_those_of_all_coalitions(depth, seed):
    rng = np.random.default_rng(seed)
    X = (rng.random((200, 7)) < 0.5).astype(np.float32)
    model = DecisionTreeRegressor(max_depth=depth, random_state=seed).fit(X, rng.normal(size=200))
    slow = oracles.shapley(lambda z: model.predict(np.asarray(z, dtype=np.float32))[:, None], 7)[:, 0]
    np.testing.assert_allclose(Leaves.of([model.tree_], 7).shapley(), slow, atol=1e-12)


@pytest.mark.parametrize("depth", [1, 4])
def test_leaves_tell_the_odd_part_of_their_trees(depth):
    rng = np.random.default_rng(0)
    X = rng.random((200, 7)) < 0.5
    model = DecisionTreeRegressor(max_depth=depth, random_state=0).fit(X.astype(np.float32), rng.normal(size=200))
    z = oracles.all_coalitions(7)
    slow = 0.5 * (model.predict(z.astype(np.float32)) - model.predict((~z).astype(np.float32)))
    np.testing.assert_allclose(Leaves.of([model.tree_], 7).odd(z), slow, atol=1e-12)


def test_a_tree_that_never_asks_gives_nothing():
    model = DecisionTreeRegressor().fit(np.zeros((5, 3), dtype=np.float32), np.full(5, 2.0))
    game = Leaves.of([model.tree_], 3)
    assert not game.shapley().any() and not game.odd(oracles.all_coalitions(3)).any()


@pytest.mark.parametrize("kind", ["triples", "trees"])
def test_what_is_taken_away_has_no_shapley_values(kind):
    """All coalitions are listed, so that the projection of a control on linear games is its Shapley values."""
    found = table(forest_game(9, 0), 2**9)
    fit, z, left, kept = pairs_of(found)
    controls = triple_controls(z, left, fit.weight, kept) if kind == "triples" else tree_controls(fit, z, left, kept)
    assert np.abs(controls).max() > 0.01
    np.testing.assert_allclose(fit.solve(controls.T), 0.0, atol=1e-11)


@pytest.mark.parametrize("kind", ["triples", "trees"])
def test_what_is_told_of_a_fold_comes_from_the_others(kind):
    """Other answers in a fold change nothing of what its surrogate says, and all of what the others say."""
    fit, z, left, kept = pairs_of(table(forest_game(12, 0), 900))
    changed = np.where(kept[2], left, left + 0.5 * np.random.default_rng(0).normal(size=len(left)))
    told = [
        triple_controls(z, one, fit.weight, kept) if kind == "triples" else tree_controls(fit, z, one, kept)
        for one in (left, changed)
    ]
    np.testing.assert_array_equal(told[0][2], told[1][2])
    assert min(np.abs(told[0][f] - told[1][f]).max() for f in (0, 1, 3, 4)) > 0.01


def test_triples_of_a_few_products_are_found_among_many():
    """Ten products of 1,140, told from fewer pairs than there are products: what is left unseen is a hundredth."""
    game = games.polynomial(20, (3,), 10, 0)
    fit, z, left, kept = pairs_of(table(game, 1200))
    controls = triple_controls(z, left, fit.weight, kept)
    unseen = np.where(kept, 0.0, controls).sum(axis=0)
    unseen = unseen - fit.u @ fit.solve(unseen[:, None])[:, 0]
    assert fit.weight @ (left - unseen) ** 2 < 0.01 * (fit.weight @ left**2)


def test_triples_are_not_looked_for_where_nothing_or_too_much_would_be_found():
    rng = np.random.default_rng(0)
    z = rng.random((300, 12)) < 0.5
    kept = folds(np.zeros(300, dtype=np.int64)) != np.arange(N_FOLDS)[:, None]
    assert triple_controls(z, rng.normal(size=300), np.ones(300), kept) is None  # noise
    assert triple_controls(z[:20], rng.normal(size=20), np.ones(20), kept[:, :20]) is None  # hardly any pairs
    many = rng.random((300, 110)) < 0.5  # 215,820 products
    assert triple_controls(many, rng.normal(size=300), np.ones(300), kept) is None


def test_folds_spread_every_size():
    stratum = np.repeat([1, 2, 3, 4], [3, 17, 40, 11])
    found = folds(stratum)
    for size in range(1, 5):
        assert np.ptp(np.bincount(found[stratum == size], minlength=N_FOLDS)) <= 1


# -------------------------------------------------------------------------------------------------- taking


def mean_error(game, budget, kind, n_seeds=6):
    found = [px.KernelShap(surrogate=kind).estimate(table(game, budget, seed)) for seed in range(n_seeds)]
    return found, np.mean([games.squared_error(one.values, game.shapley) for one in found])


def test_trees_lower_the_error_on_a_game_of_trees_and_say_so():
    game = forest_game(16, 1)
    found, with_trees = mean_error(game, 40 * 16, "trees")
    _, without = mean_error(game, 40 * 16, "none")
    assert with_trees < without / 2  # a third when it was written
    told = [one.notes["surrogate"][0] for one in found]
    assert all(one["taken"] == "trees" and one["variance"] < 0.5 for one in told)


def test_auto_lowers_the_error_on_a_game_of_trees_ten_times():
    game = forest_game(16, 1)
    assert mean_error(game, 40 * 16, "auto")[1] < 0.1 * mean_error(game, 40 * 16, "none")[1]


def test_a_game_of_triples_is_all_but_solved():
    game = games.polynomial(14, (1, 3), 8, 0)
    assert mean_error(game, 60 * 14, "triples")[1] < 1e-3 * mean_error(game, 60 * 14, "none")[1]


GAMES = {
    "sigmoid20": games.SIGMOID_20,
    "sigmoid50": games.SIGMOID_50,
    "additive": games.additive(15, 0),
    "pairs": games.two_additive(15, 0),
    "polynomial": games.polynomial(20, (1, 2, 3, 4, 5), 30, 0),
    "cubic": games.polynomial(16, (1, 3), 40, 1),
    "sparse": games.polynomial(24, (3, 4, 5), 60, 0),
    "unanimity": games.unanimity(14, 7),
    "random": games.random_table(11, 0, 1),
    "network": games.network_game(0),
    "forest": forest_game(14, 2),
}


# at twenty coalitions a player, and at forty of those where trees, products and processes are taken; what is large is slow
GATED = [(name, per_player) for per_player in (20, 40) for name in GAMES]
LARGE = ("sigmoid50", "sparse", "polynomial")


def is_slow(name, per_player):
    return name in LARGE or per_player == 40


@pytest.mark.parametrize(
    ("name", "per_player"),
    [pytest.param(*one, marks=pytest.mark.slow if is_slow(*one) else ()) for one in GATED],
)
def test_the_gate_never_loses_a_quarter(name, per_player):
    game = GAMES[name]
    error = dict.fromkeys(("none", "auto", "trees"), 0.0)
    for seed in range(4):
        found = table(game, min(per_player * game.n_players, 2**game.n_players - 2), seed)
        for kind in error:
            one = px.KernelShap(surrogate=kind).estimate(found)
            error[kind] += games.squared_error(one.values, game.shapley)
            for told in one.notes.get("surrogate", []):
                assert told["variance"] <= (0.8 if kind == "trees" else 1.0) or told["taken"] == "none"
    assert max(error["auto"], error["trees"]) <= 1.25 * error["none"] + 1e-18


@pytest.mark.parametrize("kind", ["triples", "trees"])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_surrogate_does_no_harm_where_most_coalitions_are_asked(kind, share):
    """What was drawn needs no telling: an error that the folds make among themselves would stay where the others go."""
    game = forest_game(10, 4)
    budget = int(share * 2**10)
    _, with_it = mean_error(game, budget, kind, 4)
    _, without = mean_error(game, budget, "none", 4)
    assert with_it < 0.8 * without


def test_listed_coalitions_stay_exact():
    game = forest_game(9, 3)
    found = px.KernelShap(surrogate="trees").estimate(table(game, 2**9))
    np.testing.assert_allclose(found.values, game.shapley, atol=1e-12)
    assert "surrogate" not in found.notes


@pytest.mark.slow
def test_values_keep_their_sum_and_intervals_their_meaning():
    game, inside = forest_game(14, 3), []
    for seed in range(20):
        found = table(game, 30 * 14, seed)
        one = px.KernelShap(surrogate="auto").estimate(found)
        np.testing.assert_allclose(one.values.sum(axis=0), found.full - found.empty, atol=1e-10)
        inside.append(np.abs(one.values - game.shapley) <= stats.t.ppf(0.975, one.df) * one.stderr)
    assert 0.91 < np.mean(inside) < 0.99


def test_the_other_of_two_classes_is_told_by_the_first():
    game, two = forest_game(12, 0), []
    both = games.KnownGame("both", 12, lambda z: np.hstack([game(z), 1.0 - game(z)]), None)
    for one in (game, both):
        two.append(px.KernelShap(surrogate="auto").estimate(table(one, 400)))
    np.testing.assert_allclose(two[1].values[:, 1], -two[0].values[:, 0], atol=1e-12)
    np.testing.assert_allclose(two[1].stderr, two[0].stderr @ np.ones((1, 2)), rtol=1e-9)
    assert two[1].notes["surrogate"][0] == two[1].notes["surrogate"][1]


def test_each_output_has_its_own_surrogate():
    noise, trees = games.random_table(12, 0, 1), forest_game(12, 0)
    both = games.KnownGame("both", 12, lambda z: np.hstack([noise(z), trees(z)]), None)
    taken = [one["taken"] for one in px.KernelShap(surrogate="trees").estimate(table(both, 400)).notes["surrogate"]]
    assert taken[0] == "none" and taken[1] != "none"


def test_an_additive_game_has_nothing_to_take():
    found = px.KernelShap(surrogate="trees").estimate(table(games.additive(12, 0), 400))
    assert found.notes["surrogate"] == [{"taken": "none", "variance": 1.0}]


@pytest.mark.parametrize("kind", ["none", "linear"])
def test_the_plain_least_squares_can_be_asked_for(kind):
    found = px.KernelShap(surrogate=kind).estimate(table(forest_game(12, 0), 400))
    assert "surrogate" not in found.notes


@pytest.mark.parametrize(("budget", "n_outputs"), [(19 * 12, 1), (400, 21)])
def test_few_coalitions_and_many_outputs_are_left_alone(budget, n_outputs):
    game = forest_game(12, 0)
    many = games.KnownGame("many", 12, lambda z: game(z) * np.arange(1.0, n_outputs + 1), None)
    assert "surrogate" not in px.KernelShap(surrogate="triples").estimate(table(many, budget)).notes


# -------------------------------------------------------------------------------------------------- asking


def steps(rows):
    return (rows[:, 0] > 0) * (rows[:, 1] > 0) * (rows[:, 4] > 0) * 2.0 + (rows[:, 2] > rows[:, 3])


@pytest.mark.parametrize(("background", "seconds", "looks"), [(5, 1e-4, False), (50, 1e-5, False), (50, 1e-4, True)])
def test_auto_looks_only_where_a_coalition_is_costly(clock, background, seconds, looks):
    X = np.random.default_rng(0).normal(size=(200, 12))
    model = px.Predictor(lambda rows: (setattr(clock, "now", clock.now + seconds * len(rows)), steps(rows))[1])
    space = px.TabularSpace(X, background=background)
    found = px.explain(["kernel_shap"], model, space, X[:1], budget=400)["kernel_shap"]
    assert ("surrogate" in found[0].meta) == looks


def test_one_seed_gives_one_answer_alone_in_company_and_in_any_batches():
    X = np.random.default_rng(0).normal(size=(100, 11))
    space, method, x = px.TabularSpace(X, background=20), px.KernelShap(surrogate="trees"), np.abs(X[:3]) + 1.0
    together = px.explain([method], px.Predictor(steps), space, x, budget=300)["kernel_shap"]
    alone = px.explain([method], px.Predictor(steps, batch_size=7), space, x[2:], budget=300)["kernel_shap"]
    assert together[2].meta["surrogate"][0]["taken"] == "trees"
    np.testing.assert_array_equal(alone.values[0], together.values[2])
    np.testing.assert_array_equal(alone.stderr[0], together.stderr[2])


def test_the_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    px.KernelShap(surrogate="trees").estimate(table(forest_game(12, 0), 400))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_an_unknown_surrogate_is_refused():
    with pytest.raises(
        ValueError, match="surrogate='forest' is not known; expected one of 'auto', 'all', 'none', 'linear', 'process'"
    ):
        px.KernelShap(surrogate="forest")


def test_the_odd_share_is_one_of_an_odd_game_and_nought_of_an_even_one():
    odd = games.KnownGame("odd", 9, lambda z: (z - 0.5).sum(axis=1, keepdims=True) ** 3, None)
    even = games.KnownGame("even", 9, lambda z: (z - 0.5).sum(axis=1, keepdims=True) ** 2, None)
    assert px.KernelShap().estimate(table(odd, 200)).notes["odd_share"] == pytest.approx([1.0])
    assert px.KernelShap().estimate(table(even, 200)).notes["odd_share"] == pytest.approx([0.0], abs=1e-20)


def test_what_moves_the_values_further_than_they_may_err_is_no_control():
    """Of 12 players a few coalitions carry most of the variance. In one draw of sixty one of them came first, in one fold,
    and what fits without it said of the others ten-folded the error, at a smaller estimated one."""
    z, pairs = oracles.all_coalitions(12), np.random.default_rng(6).normal(size=(12, 12)) / 3.0
    game = games.tabulated("sinh", 12, np.sinh(np.einsum("zi,ij,zj->z", z, pairs, z)))
    space = px.ImageSpace(segments=np.arange(12)[None], fill=0.0)
    predictor = px.Predictor(lambda pictures: game(pictures[:, 0, :, 0] > 0.5)[:, 0])
    ours, plain = (
        px.explain(px.KernelShap(surrogate=kind), predictor, space, np.ones((1, 1, 12, 3)), budget=120, seed=1)[
            "kernel_shap"
        ]
        for kind in ("process", "none")
    )
    assert games.squared_error(ours.values[0], game.shapley) <= 1.1 * games.squared_error(plain.values[0], game.shapley)


def test_all_of_them_are_tried_whatever_they_cost():
    found = table(GAMES["forest"], 400)
    poor = replace(found, affordable=0.0, cache={})
    one, other, none = (px.KernelShap(surrogate=kind).estimate(poor) for kind in ("all", "auto", "none"))
    np.testing.assert_array_equal(one.values, px.KernelShap(surrogate="all").estimate(found).values)
    np.testing.assert_array_equal(other.values, none.values)
    assert one.notes["surrogate"][0]["taken"] != "none" and one.notes["surrogate"][0]["variance"] < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sigmoid20", "cubic", "sparse", "unanimity", "network", "forest"])
@pytest.mark.parametrize("per_player", [20, 40, 80])
@pytest.mark.parametrize("kind", ["auto", "trees"])
def test_intervals_cover_with_a_surrogate(name, per_player, kind):
    game, inside, together = GAMES[name], [], []
    for seed in range(100):
        found = table(game, min(per_player * game.n_players, 2**game.n_players - 2), seed)
        one = px.KernelShap(surrogate=kind).estimate(found)
        off = np.abs(one.values - game.shapley) / one.stderr
        inside.append(off <= stats.t.ppf(0.975, one.df))
        together.append((off <= one.critical).all(axis=0).mean())
    # "auto" takes processes too, whose intervals are rather wide there: they held .981 to .989 and .985 to .996
    wide = kind == "auto" and name in ("sparse", "network")
    assert 0.92 <= np.mean(inside) <= (0.998 if wide else 0.98), f"{np.mean(inside):.4f}"
    # a share of .90 counted over 100 seeds has a deviation of .03
    assert np.mean(together) >= 0.90 - 0.03, f"{np.mean(together):.4f}"
