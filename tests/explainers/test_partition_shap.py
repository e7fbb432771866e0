"""PartitionSHAP: Owen values against the definition, what is asked, errors, kinds of hierarchies, groups, and shap's own."""

from __future__ import annotations

from itertools import chain, permutations, product

import games
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.cluster.hierarchy import linkage

import perturbxai as px
from perturbxai.core.questions import Players
from perturbxai.estimation import spread
from perturbxai.estimation.coalitions import hierarchy, owen

FEW = settings(max_examples=20, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)
TREES = {
    "flat": ["x0", "x1", "x2", "x3", "x4", "x5"],
    "two levels": [["x0", "x4"], ["x1", "x2", "x5"], "x3"],
    "binary": [[["x5", "x0"], "x3"], ["x1", ["x4", "x2"]]],
    "chain": ["x2", ["x0", ["x5", ["x1", ["x3", "x4"]]]]],
    "mixed": [["x1", ["x0", "x2", "x3"]], "x4", "x5"],
}
EVERY_TREE = pytest.mark.parametrize("tree", TREES.values(), ids=TREES)


def owen_by_orders(game, tree):
    """(P, K): the mean over all orders that respect the hierarchy of what a player adds to those before it. P <= 6."""

    def orders(part):
        if not isinstance(part, list):
            return [[int(part[1:])]]
        found = []
        for arranged in permutations(part):
            found += [list(chain(*chosen)) for chosen in product(*map(orders, arranged))]
        return found

    n_players = len(orders(tree)[0])
    values = np.asarray(game(oracles.all_coalitions(n_players).astype(float)))
    phi, every = np.zeros((n_players, values.shape[1])), orders(tree)
    for order in every:
        before = 0
        for i in order:
            phi[i] += values[before | 1 << i] - values[before]
            before |= 1 << i
    return phi / len(every)


def explained(game, tree, budget=None, seed=0):
    return px.explain(px.PartitionShap(partition=tree), *games.door(game), budget=budget, seed=seed)["partition_shap"]


def halved(names):
    """The balanced binary tree of these names."""
    half = len(names) // 2
    return names[0] if len(names) == 1 else [halved(names[:half]), halved(names[half:])]


def named(n_players):
    return [f"x{p}" for p in range(n_players)]


def deeper(n_players, seed):
    """A random hierarchy with unions of two to four parts."""
    rng, parts = np.random.default_rng(seed), named(n_players)
    while len(parts) > 4:
        rng.shuffle(parts)
        size = int(rng.integers(2, 5))
        parts = [parts[:size], *parts[size:]]
    return parts


# ------------------------------------------------------------------------------------------------ values


@EVERY_TREE
def test_values_are_means_over_the_orders_that_respect_the_hierarchy(tree):
    game = games.random_table(6, 0)
    found = explained(game, tree)
    np.testing.assert_allclose(found.values[0], owen_by_orders(game, tree), atol=1e-12)
    assert found.meta["listed"] is True and found.stderr.max() < 1e-12 and np.isinf(found[0].df)


@EVERY_TREE
def test_drawn_values_are_those_means_in_expectation(tree):
    game = games.random_table(6, 1, n_outputs=1)
    expected, budget = owen_by_orders(game, tree), 24
    assert not explained(game, tree, budget).meta["listed"]
    found = np.array([explained(game, tree, budget, seed).values[0] for seed in range(300)])
    error = np.maximum(found.std(axis=0, ddof=1) / np.sqrt(len(found)), 1e-12)
    assert (np.abs(found.mean(axis=0) - expected) < 4 * error).all()  # four deviations, six players


def test_one_union_of_all_gives_shapley_values():
    game = games.random_table(8, 2)
    np.testing.assert_allclose(explained(game, named(8)).values[0], game.shapley, atol=1e-12)


@pytest.mark.parametrize("budget", [None, 80])
def test_totals_of_unions_are_shapley_values_of_the_game_between_them(budget):
    # of 80 coalitions the game between the unions is listed, what is inside the large ones is not
    game, tree = games.random_table(10, 3), [["x0", "x3", "x6", "x9"], ["x1", "x2", "x4", "x5"], ["x7", "x8"]]
    found = explained(game, tree, budget)
    assert found.meta["listed"] is (budget is None)
    member = np.array([[f"x{p}" in union for p in range(10)] for union in tree])
    between = oracles.shapley(lambda z: game(z @ member), 3)
    np.testing.assert_allclose(member @ found.values[0], between, atol=1e-12)


@pytest.mark.parametrize("tree", [halved(named(20)), deeper(20, 0), named(20)], ids=["binary", "mixed", "flat"])
def test_one_pair_a_union_solves_games_of_main_effects_and_pairs(tree):
    game = games.two_additive(20, 1)
    found = explained(game, tree, budget=80)
    assert not found.meta["listed"]
    # with interactions of pairs alone the hierarchy changes nothing: half of each goes to either
    np.testing.assert_allclose(found.values[0], game.shapley, atol=1e-11)


def test_more_pairs_of_such_a_game_are_no_proof_but_leave_less_and_less_error():
    few, many = (explained(games.two_additive(20, 1), named(20), budget=budget).stderr for budget in (200, 2000))
    assert many.min() > 1e-3 and many.max() < 0.2 * few.min()


# ------------------------------------------------------------------------------------------------ axioms


@FEW
@given(seed=SEEDS, n_players=st.integers(2, 12), more=st.integers(0, 100))
def test_values_sum_to_the_gain_of_everything_over_nothing_at_any_budget(seed, n_players, more):
    game = games.random_table(n_players, seed)
    found = explained(game, deeper(n_players, seed), 4 * n_players + more).values[0]
    empty, full = game.ends
    np.testing.assert_allclose(found.sum(axis=0), full - empty, atol=1e-11)


@FEW
@given(seed=SEEDS, n_players=st.integers(2, 8))
def test_a_dummy_gets_what_it_brings_alone_and_takes_nothing_from_the_others(seed, n_players):
    inner = games.random_table(n_players, seed)
    game = games.KnownGame("dummy", n_players + 1, lambda z: inner(z[:, :-1]) + 0.7 * z[:, -1:], None)
    tree, lone = deeper(n_players, seed), f"x{n_players}"
    expected = explained(inner, tree, 2**n_players).values[0]
    for place in ([*tree, lone], [tree, lone], [[tree[0], lone], *tree[1:]]):
        found = explained(game, place, 2 ** (n_players + 1)).values[0]
        np.testing.assert_allclose(found[-1], 0.7, atol=1e-11)
        np.testing.assert_allclose(found[:-1], expected, atol=1e-11)


@FEW
@given(seed=SEEDS, n_players=st.integers(1, 6))
def test_symmetric_players_of_one_union_get_the_same(seed, n_players):
    inner = games.random_table(n_players + 1, seed)

    def value(z):  # the first two only count together
        both = (z[:, :1] + z[:, 1:2]) / 2
        return inner(np.column_stack([both == 1, z[:, 2:]])) + (both == 0.5) * 0.3

    others = [f"x{p + 2}" for p in range(n_players)]
    game = games.KnownGame("symmetric", n_players + 2, value, None)
    for tree in (["x0", "x1", *others], [["x0", "x1"], *others], [["x0", others[0], "x1"], *others[1:]]):
        found = explained(game, tree, 2 ** (n_players + 2)).values[0]
        np.testing.assert_allclose(found[0], found[1], atol=1e-11)


@FEW
@given(seed=SEEDS, n_players=st.integers(3, 12), more=st.integers(0, 60), a=st.floats(-5, 5), b=st.floats(-5, 5))
def test_values_are_linear_in_the_game_at_any_budget(seed, n_players, more, a, b):
    u, v = (games.polynomial(n_players, (1, 2, 3), 12, s) for s in (seed, seed // 2 + 1))
    both = games.KnownGame("sum", n_players, lambda z: a * u(z) + b * v(z), None)
    tree = deeper(n_players, seed)
    of_u, of_v, of_both = (explained(game, tree, 4 * n_players + more).values[0] for game in (u, v, both))
    np.testing.assert_allclose(of_both, a * of_u + b * of_v, atol=1e-9)


@FEW
@given(seed=SEEDS, n_players=st.integers(2, 8), data=st.data())
def test_the_order_of_the_columns_does_not_matter_to_exact_values(seed, n_players, data):
    game, tree = games.random_table(n_players, seed), deeper(n_players, seed)
    order = np.array(data.draw(st.permutations(range(n_players))))
    moved = games.KnownGame("moved", n_players, lambda z: game(z[:, np.argsort(order)]), None)

    def renamed(part):
        return list(map(renamed, part)) if isinstance(part, list) else f"x{order.tolist().index(int(part[1:]))}"

    first, second = (explained(g, t, 2**n_players).values[0] for g, t in ((game, tree), (moved, renamed(tree))))
    np.testing.assert_allclose(second, first[order], atol=1e-11)


# ------------------------------------------------------------------------------------------------ what it asks


@pytest.mark.parametrize("tree", [halved(named(14)), deeper(14, 0), named(14), [named(14)[:7], named(14)[7:]]])
@pytest.mark.parametrize("budget", [56, 57, 100, 250, 1000])
def test_counts_are_exact_and_budgets_never_exceeded(tree, budget):
    predictor, space, x = games.door(games.random_table(14, 0))
    found = px.explain(px.PartitionShap(partition=tree), predictor, space, x, budget=budget)["partition_shap"]
    assert predictor.rows == found.meta["rows"] == found.meta["coalitions"] <= budget
    assert found.meta["listed"] is (found.meta["coalitions_to_list"] <= budget)


def test_a_balanced_binary_tree_of_p_players_is_listed_by_a_square():
    found = explained(games.additive(16, 0), halved(named(16)), budget=172)
    assert found.meta["listed"] and found.meta["coalitions"] == found.meta["coalitions_to_list"] == 172  # 2 (P^2 + 2) / 3


@EVERY_TREE
def test_the_coalitions_to_list_are_those_that_an_order_can_begin_with(tree):
    asked = []
    game = games.random_table(6, 0)
    watched = games.KnownGame("watched", 6, lambda z: (asked.append(np.array(z)), game(z))[1], None)
    explained(watched, tree)
    found = {tuple(row) for row in np.concatenate(asked)}
    assert found == _beginnings(tree, 6)


@pytest.mark.parametrize("seed", range(3))
@EVERY_TREE
def test_drawn_coalitions_are_among_them(tree, seed):
    asked = []
    game = games.random_table(6, 0)
    watched = games.KnownGame("watched", 6, lambda z: (asked.append(np.array(z)), game(z))[1], None)
    explained(watched, tree, 24, seed)
    assert {tuple(row) for row in np.concatenate(asked)} <= _beginnings(tree, 6)


def _beginnings(tree, n_players):
    """All coalitions of which no union is cut but along one path: whole parts, and one part begun."""

    def players(part):
        return {int(part[1:])} if isinstance(part, str) else set().union(*map(players, part))

    def begun(part):
        if isinstance(part, str):
            return {frozenset(), frozenset(players(part))}
        found = set()
        for chosen in product((False, True), repeat=len(part)):
            for p, inner in enumerate(part):
                rest = set().union(*(players(o) for q, o in enumerate(part) if chosen[q] and q != p))
                found |= {frozenset(rest | some) for some in begun(inner)}
        return found

    return {tuple(float(p in some) for p in range(n_players)) for some in begun(tree)}


def test_contexts_are_drawn_without_replacement():
    sizes = [2, 2, 2, 2]  # 8 pairs of a unit and its reverse
    drawn = owen._draw_units(sizes, 8, np.random.default_rng(0))
    before = {tuple(int(order[0]) for order in unit) for unit in zip(*drawn, strict=True)}
    assert len(before) == 8 and all(first == 0 for first, *_ in before)


@pytest.mark.parametrize(("n_players", "budget"), [(12, 47), (30, 119)])
def test_a_budget_below_4p_is_refused_before_the_model_is_asked(n_players, budget):
    predictor, space, x = games.door(games.additive(n_players, 0))
    with pytest.raises(ValueError, match=rf"budget={budget} is below the {budget + 1} coalitions that partition_shap"):
        px.explain("partition_shap", predictor, space, x, budget=budget)
    assert predictor.rows == 0


@FEW
@given(seed=SEEDS, n_players=st.integers(2, 60), more=st.integers(0, 3000))
def test_any_budget_from_4p_up_holds_a_pair(seed, n_players, more):
    names = named(n_players)
    for tree in (deeper(n_players, seed), linkage(np.random.default_rng(seed).normal(size=(n_players, 3)))):
        given = px.PartitionShap(partition=tree)._given(players_of(names))
        unions = hierarchy.unions(given)
        n_pairs = owen.affordable(unions, 4 * n_players + more)
        assert n_pairs >= 1 or owen.cost_of_all(unions) <= 4 * n_players + more


# ------------------------------------------------------------------------------------------------ errors


def test_one_pair_knows_no_error_where_it_was_drawn_and_none_is_left_where_all_was_listed():
    tree = ["x0", halved(named(20)[1:])]
    found = explained(games.polynomial(20, (3, 4), 60, seed=0), tree, budget=80)
    assert found.meta["pairs"] == 1
    assert found.stderr[0, 0, 0] < 1e-12 and np.isinf(found.stderr[0, 5:]).any()


def test_errors_of_a_union_and_of_those_around_it_add_up():
    values = np.array([[0.0], [8.0]])
    unions = hierarchy.unions((0, (1, 2)))
    draws = 1.0 + np.random.default_rng(0).normal(size=(2, 5, 1, 1))  # of two unions, five pairs
    draws = np.concatenate([draws, -draws], axis=2)  # of either part of two
    parts = [owen.Deviations(one.mean(axis=0), one, rest) for one, rest in zip(draws, (0.9, 0.5), strict=True)]
    found = owen.share_out(unions, parts, values, 5)
    outer, inner = (one.mean(axis=0)[:, 0] for one in draws)
    np.testing.assert_allclose(found.values[:, 0], [4.0 + outer[0], *(0.5 * (4.0 + outer[1]) + inner)])
    lent = spread.variances([one[:, p] for one in draws for p in range(2)], np.abs(found.values).max(axis=0), np.zeros(1))
    first, second = 0.9 * lent[0, 0] / 5, 0.5 * lent[2, 0] / 5
    np.testing.assert_allclose(found.stderr[:, 0], np.sqrt([first, first / 4 + second, first / 4 + second]))
    assert found.df == 4


def players_of(names):
    return Players("image", tuple(names), {}, lambda: np.random.default_rng(0), everyone=tuple(names))


def answered(method, game, budget, seed):
    """The estimate, each question answered by the game, without the way through a model."""
    asking = method.ask(players_of(named(game.n_players)), budget, np.random.default_rng(seed))
    (question,) = next(asking)
    with pytest.raises(StopIteration) as end:
        asking.send([game(question.z)])
    return end.value.value


COVERED = {
    "sigmoid20": games.SIGMOID_20,
    "sparse20": games.polynomial(20, (3, 4, 5), 60, seed=0),
    "cubic20": games.polynomial(20, (3,), 60, seed=1),
}
HIERARCHIES = {
    "linkage": linkage(np.random.default_rng(0).normal(size=(20, 6)), "average"),
    "two levels": [named(20)[p::5] for p in range(5)],
    "half": [halved(named(20)[:10]), named(20)[10:]],
}


@pytest.mark.slow
@pytest.mark.parametrize("tree", HIERARCHIES.values(), ids=HIERARCHIES)
@pytest.mark.parametrize("name", COVERED)
@pytest.mark.parametrize("budget", [280, 400])
def test_intervals_from_five_pairs_on_cover(name, tree, budget):
    game, method = COVERED[name], px.PartitionShap(partition=tree)
    exact = answered(method, game, 2**13, 0)
    assert exact.notes["listed"]
    found = [answered(method, game, budget, seed) for seed in range(300)]
    assert found[0].notes["pairs"] >= 5
    off = np.array([np.abs(f.values - exact.values) for f in found])
    covered = float((off <= [stats.t.ppf(0.975, f.df) * f.stderr for f in found]).mean())
    # .01: what 300 dependent sets of intervals leave open; on a binary tree errors of many unions add up: more freedom
    assert covered >= 0.93 - 0.01, f"{covered:.4f}"


@pytest.mark.slow
@pytest.mark.parametrize(("budget", "low"), [(500, 0.90), (1000, 0.90), (2000, 0.92)])
def test_intervals_of_large_unions_in_a_game_that_saturates_cover_from_few_pairs(budget, low):
    game, method = games.SIGMOID_50, px.PartitionShap(partition=[named(50)[p::5] for p in range(5)])
    exact = answered(method, game, 10**5, 0)
    found = [answered(method, game, budget, seed) for seed in range(300)]
    off = np.array([np.abs(f.values - exact.values) for f in found])
    covered = float((off <= [stats.t.ppf(0.975, f.df) * f.stderr for f in found]).mean())
    assert covered >= low, f"{covered:.4f}"


# ------------------------------------------------------------------------------------------------ the same bits


def row_by_row(batch_size):
    """A model of nine columns whose numbers do not depend on the batch, a background of five rows, three inputs."""
    game = games.two_additive(9, 0, n_outputs=3)
    rng = np.random.default_rng(0)
    predictor = px.Predictor(lambda X: np.concatenate([game(row[None]) ** 2 for row in X]), batch_size=batch_size)
    return predictor, px.TabularSpace(rng.normal(size=(5, 9))), rng.normal(size=(3, 9))


@pytest.mark.parametrize("batch_size", [1, 7])
def test_the_numbers_are_the_same_bits_in_any_batches(batch_size):
    small, large = (px.explain("partition_shap", *row_by_row(n), budget=60)["partition_shap"] for n in (batch_size, 4096))
    np.testing.assert_array_equal(small.values, large.values)
    np.testing.assert_array_equal(small.stderr, large.stderr)


def test_an_input_has_the_same_bits_alone_and_in_company():
    predictor, space, x = row_by_row(64)
    together = px.explain(["partition_shap", "kernel_shap"], predictor, space, x, budget=60)["partition_shap"]
    alone = px.explain("partition_shap", predictor, space, x[[2]], budget=60)["partition_shap"]
    np.testing.assert_array_equal(together.values[2], alone.values[0])


def test_another_seed_asks_other_questions():
    game = games.polynomial(12, (3, 4), 30, seed=0)
    first, again, other = (explained(game, deeper(12, 0), 60, seed).values for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


# ------------------------------------------------------------------------------------------------ tables, groups, photos


@pytest.fixture(scope="module")
def correlated():
    """Three columns that go together, two others that do, one alone."""
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 300, 1))
    X = np.column_stack([a + 0.2 * rng.normal(size=(300, 3)), b + 0.2 * rng.normal(size=(300, 2)), c])
    return px.Predictor(lambda X: np.tanh(X[:, 0] * X[:, 3] + X[:, 1] * X[:, 2] * X[:, 5] + X[:, 4])), X


def test_without_a_partition_columns_are_clustered_and_meta_tells_how(correlated):
    predictor, X = correlated
    found = px.explain("partition_shap", predictor, px.TabularSpace(X, background=10), X[:2])["partition_shap"]
    told = found.meta["hierarchy"]
    assert any(_names(part) == {"x0", "x1", "x2"} for part in _parts(told))
    assert any(_names(part) == {"x3", "x4"} for part in _parts(told))
    again = px.PartitionShap(partition=told)
    same = px.explain(again, predictor, px.TabularSpace(X, background=10), X[:2])["partition_shap"]
    np.testing.assert_array_equal(same.values, found.values)


def _parts(tree):
    yield tree
    for part in tree:
        if isinstance(part, list):
            yield from _parts(part)


def _names(tree):
    return {tree} if isinstance(tree, str) else set().union(*map(_names, tree))


@pytest.mark.parametrize(
    "partition", [None, ["x0", ["x1", "x2"]], linkage(np.arange(3.0)[:, None])], ids=["data", "names", "linkage"]
)
def test_results_travel_as_json(partition):
    rng = np.random.default_rng(0)
    space, method = px.TabularSpace(rng.normal(size=(9, 3))), px.PartitionShap(partition=partition)
    found = px.explain(method, px.Predictor(lambda X: X.prod(axis=1)), space, np.ones((2, 3)))["partition_shap"]
    again = px.Attribution.from_json(found.to_json())
    np.testing.assert_array_equal(again.values, found.values)
    assert again.method == method and again.meta == found.meta


def test_a_partition_is_not_changed_from_outside():
    given = ["x0", ["x1", "x2"]]
    method = px.PartitionShap(partition=given)
    given[1].append("x3")
    assert method.partition == ("x0", ("x1", "x2")) and hash(method)


GROUPS = {"pair": ["x0", "x3"], "three": ["x1", "x4", "x6"]}


def test_groups_of_columns_are_the_players_of_a_partition():
    game = games.random_table(7, 0)
    space = px.TabularSpace(np.zeros((1, 7)), groups=GROUPS)
    assert space.names == ("pair", "three", "x2", "x5")
    method = px.PartitionShap(partition=[["pair", "x5"], ["three", "x2"]])
    found = px.explain(method, px.Predictor(game), space, np.ones((1, 7)))["partition_shap"]
    grouped = games.KnownGame("grouped", 4, lambda z: game(z[:, space.player_of_column]), None)
    np.testing.assert_allclose(found.values[0], owen_by_orders(grouped, [["x0", "x3"], ["x1", "x2"]]), atol=1e-12)


def test_groups_are_clustered_by_their_columns(correlated):
    predictor, X = correlated
    space = px.TabularSpace(X, background=10, groups={"a": ["x0", "x2"], "b": ["x3", "x4"]})
    found = px.explain("partition_shap", predictor, space, X[:1])["partition_shap"]
    assert any(_names(part) == {"a", "x1"} for part in _parts(found.meta["hierarchy"]))


@pytest.mark.parametrize(
    "method",
    ["exact_shap", "kernel_shap", "permutation_shap", "sampling_shap", "partition_shap", "banzhaf", "occlusion", "inclusion"]
    + ["interactions", "lime", "pdp", "ice"],
)
def test_every_method_of_coalitions_takes_groups_for_players(method):
    game = games.random_table(7, 0)
    space = px.TabularSpace(np.zeros((1, 7)), groups=GROUPS)
    found = px.explain(method, px.Predictor(game), space, np.ones((1, 7)), budget=16)[method]
    grouped = games.KnownGame("grouped", 4, lambda z: game(z[:, space.player_of_column]), None)
    expected = px.explain(method, *games.door(grouped), budget=16)[method]
    np.testing.assert_allclose(found.values, expected.values, atol=1e-12)
    assert found.names == ("pair", "three", "x2", "x5")


def test_players_whose_absence_changes_nothing_get_nothing_and_are_not_asked():
    game, tree = games.random_table(4, 0), [["x0", "x4"], ["x1", ["x5", "x2"], "x3"]]
    predictor = px.Predictor(lambda X: game(X[:, :4]))
    space = px.TabularSpace(np.zeros((1, 6)))
    found = px.explain(px.PartitionShap(partition=tree), predictor, space, [1, 1, 1, 1, 0, 0])["partition_shap"]
    np.testing.assert_allclose(found.values[0, :4], owen_by_orders(game, ["x0", ["x1", "x2", "x3"]]), atol=1e-12)
    assert not found.values[0, 4:].any() and predictor.rows <= 16
    assert found.meta["hierarchy"] == tree


@pytest.mark.parametrize("x", [[0.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
def test_an_input_with_one_player_left_or_none_is_answered(x):
    found = px.explain("partition_shap", px.Predictor(lambda X: X[:, 1]), px.TabularSpace(np.zeros((1, 3))), x)
    np.testing.assert_allclose(found["partition_shap"].values[0, :, 0], x, atol=1e-15)


def test_a_table_of_one_column_has_a_hierarchy_of_one():
    found = px.explain("partition_shap", px.Predictor(lambda X: X[:, 0]), px.TabularSpace(np.zeros((1, 1))), [2.0])
    assert found["partition_shap"].meta["hierarchy"] == ["x0"]


def test_a_photo_is_explained_on_a_hierarchy_of_its_superpixels():
    game = games.network_game(0)
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    predictor, picture = px.Predictor(game.extras["net"]), game.extras["picture"]
    found = px.explain("partition_shap", predictor, space, picture, budget=1024)["partition_shap"]
    tree = found.meta["hierarchy"]
    assert found.meta["listed"] and _names(tree) == set(found.names)
    assert all(len(part) == 2 for part in _parts(tree))

    def renamed(part):
        return list(map(renamed, part)) if isinstance(part, list) else part.replace("superpixel ", "x")

    expected = explained(games.KnownGame("photo", 10, game, None), renamed(tree), 1024)
    np.testing.assert_allclose(found.values, expected.values, atol=1e-11)  # a float64 network in other batches
    given = px.explain(px.PartitionShap(partition=tree), predictor, space, picture, budget=1024)["partition_shap"]
    np.testing.assert_array_equal(given.values, found.values)


def test_drawn_values_of_a_photo_lie_near_the_listed_ones():
    game = games.network_game(0)
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    predictor, picture = px.Predictor(game.extras["net"]), game.extras["picture"]
    found, exact = (
        px.explain("partition_shap", predictor, space, picture, budget=budget)["partition_shap"] for budget in (60, 1024)
    )
    assert not found.meta["listed"] and predictor.rows <= 60 + 1024
    assert games.squared_error(found.values, exact.values) < 1e-2


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("partition", "match"),
    [
        (["x0", ["x1", "wealth"]], "partition names the unknown player 'wealth'; the players are 'x0', 'x1', 'x2'"),
        (["x0", ["x1", 7]], "unknown player 7"),
        (["x0", ["x1", 1.5]], "unknown player 1.5"),
        (["x0", ["x1"]], "partition lacks 'x2'"),
        (["x0", ["x1", "x2"], "x0"], "partition names 'x0' twice"),
        (["x0", ["x1", "x2"], []], "empty list"),
        ([], "empty list"),
        (linkage(np.arange(4.0)[:, None]), "linkage of 3 rows, of 4 players, but there are 3"),
        (np.array([[0, 1, 1.0, 2], [1, 2, 2.0, 3]]), "row 1 of the linkage joins 1 and 2"),
        (np.array([[0, 4, 1.0, 2], [1, 2, 2.0, 3]]), "row 0 of the linkage joins 0 and 4"),
        (np.array([[0, 0, 1.0, 2], [1, 2, 2.0, 3]]), "row 0 of the linkage joins 0 and 0"),
        (np.array([[0, np.nan, 1.0, 2], [1, 2, 2.0, 3]]), "row 0 of the linkage joins 0 and nan"),
    ],
)  # fmt: skip
def test_a_partition_that_is_not_of_the_players_is_refused_before_the_model_is_asked(partition, match):
    predictor = px.Predictor(lambda X: X[:, 0])
    with pytest.raises(ValueError, match=match):
        px.explain(px.PartitionShap(partition=partition), predictor, px.TabularSpace(np.zeros((1, 3))), np.ones(3))
    assert predictor.rows == 0


@pytest.mark.parametrize("partition", ["x0", {"a": ["x0"]}, 3, np.zeros((2, 2)), np.array(["x0", "x1"]), ["x0", {"x1"}]])
def test_a_partition_of_another_kind_is_refused(partition):
    with pytest.raises(TypeError, match="partition"):
        px.PartitionShap(partition=partition)


def test_columns_and_superpixels_may_be_named_by_number():
    game = games.random_table(4, 0)
    found, expected = (explained(game, tree) for tree in ([[0, 3], [1, 2]], [["x0", "x3"], ["x1", "x2"]]))
    np.testing.assert_array_equal(found.values, expected.values)


# ------------------------------------------------------------------------------------------------ shap


@pytest.mark.parametrize("seed", range(3))
def test_values_equal_those_of_the_partition_explainer_of_shap_on_the_same_tree(seed):
    pytest.importorskip("shap")
    game = games.random_table(9, seed)
    tree = linkage(np.random.default_rng(seed).normal(size=(9, 3)), "average")
    predictor, space, x = games.door(game)
    # let run to its end: it asks in twos, and some coalitions again
    (theirs,) = px.reference("shap.partition", predictor, space, x, clustering=tree, budget=4000).values()
    np.testing.assert_allclose(explained(game, tree, 512).values, theirs.values, atol=1e-11)


def test_values_of_a_table_equal_those_of_the_partition_explainer_of_shap(correlated):
    pytest.importorskip("shap")
    predictor, X = correlated
    space = px.TabularSpace(X, background=10)
    tree = linkage(X.T, "complete")
    (theirs,) = px.reference("shap.partition", predictor, space, X[:2], clustering=tree, budget=1000).values()
    ours = px.explain(px.PartitionShap(partition=tree), predictor, space, X[:2])["partition_shap"]
    np.testing.assert_allclose(ours.values, theirs.values, atol=1e-11)
