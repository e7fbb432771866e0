"""Interactions against their definitions, closed forms and axioms; what a sampled table is good for; what is refused."""

from __future__ import annotations

import itertools
import warnings

import games
import numpy as np
import oracles
import pair_oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import perturbxai as px
from perturbxai.core.evaluations import Evaluations
from perturbxai.estimation.coalitions import pair_indices
from perturbxai.estimation.posterior.knowledge import Knowledge
from perturbxai.sampling import laws
from perturbxai.sampling.coalitions import draw_design

LISTED = [
    games.random_table(2, seed=0),
    games.random_table(3, seed=1),
    games.random_table(6, seed=2),
    games.two_additive(6, seed=4, n_outputs=2),
    games.polynomial(8, (2, 3, 4), n_terms=30, seed=5),
    games.unanimity(7, 4),
    games.sigmoid_game(8, 1.0, 3.0),
]
EVERY_INDEX = pytest.mark.parametrize("index", list(pair_oracles.INDEX))
SAMPLED = pytest.mark.parametrize("index", ["sii", "k-sii", "fsii"])


def explained(game, index="sii", budget=None, seed=0, **options):
    (found,) = px.explain(px.Interactions(index=index), *games.door(game), budget=budget, seed=seed, **options).values()
    return found[0]


def sum_of(found):
    """(K,): values, and every pair once."""
    return found.values.sum(axis=0) + 0.5 * found.interactions.sum(axis=(0, 1))


def least(n_players):
    return 2 + 2 * n_players * (n_players - 1)


# ------------------------------------------------------------------------------------------------ exact


@EVERY_INDEX
@pytest.mark.parametrize("game", LISTED, ids=str)
def test_values_and_pairs_equal_their_definitions_when_all_coalitions_are_listed(game, index):
    found = explained(game, index, budget=2**game.n_players)
    values, pairs = pair_oracles.INDEX[index](game, game.n_players)
    np.testing.assert_allclose(found.values, values, atol=1e-9)
    np.testing.assert_allclose(found.interactions, pairs, atol=1e-9)
    assert found.meta["listed"]


@EVERY_INDEX
def test_the_errors_of_exact_pairs_are_rounding_and_hold_the_truth(index):
    game = games.random_table(6, seed=3)
    found = explained(game, index, budget=64)
    _, pairs = pair_oracles.INDEX[index](game, 6)
    assert found.interactions_stderr.max() <= 1e-12
    assert (np.abs(found.interactions - pairs) <= 1.96 * found.interactions_stderr).all()


@EVERY_INDEX
def test_a_product_of_four_shares_by_the_closed_form(index):
    # of a product of s players a pair has 1 / (s - 1), 2 / (s (s - 1)), 6 / (s (s + 1))
    share = {"sii": 1 / 3, "k-sii": 1 / 3, "stii": 1 / 6, "fsii": 3 / 10}[index]
    found = explained(games.unanimity(6, 4), index, budget=64)
    expected = np.where(np.arange(6) < 4, share, 0.0)
    expected = np.minimum.outer(expected, expected) * (1 - np.eye(6))
    np.testing.assert_allclose(found.interactions[..., 0], expected, atol=1e-12)


@pytest.mark.parametrize("n_players", [3, 7, 20, 60])
@pytest.mark.parametrize("index", ["sii", "stii", "fsii"])
def test_the_contexts_of_a_pair_weigh_one_together(index, n_players):
    weights = pair_indices.size_weights(index, n_players)
    # of the coalitions of size s a share of s (s - 1) / (P (P - 1)) holds both
    share = np.arange(n_players + 1) * (np.arange(n_players + 1) - 1.0) / (n_players * (n_players - 1.0))
    assert np.isclose((weights[:, 2] * share).sum(), 1.0, rtol=1e-12)


def test_one_player_has_no_pair():
    found = explained(games.additive(1, 0), budget=2)
    assert found.interactions.shape == (1, 1, 1) and found.interactions[0, 0, 0] == 0.0
    np.testing.assert_allclose(found.values, games.additive(1, 0).shapley)


def test_the_row_sums_of_sii_are_what_a_player_adds_to_everything_less_what_it_adds_to_nothing():
    game = games.random_table(7, seed=8)
    found = explained(game, "sii", budget=128)
    one, full, empty = np.eye(7), np.ones((1, 7)), np.zeros((1, 7))
    expected = (game(full) - game(1 - one)) - (game(one) - game(empty))
    np.testing.assert_allclose(found.interactions.sum(axis=1), expected, atol=1e-11)


# ------------------------------------------------------------------------------------------------ axioms

TABLES = st.integers(0, 2**32 - 1)
PLAYERS = st.integers(2, 6)
INDICES = st.sampled_from(list(pair_oracles.INDEX))
FEW = settings(max_examples=25, deadline=None, derandomize=True)


@FEW
@given(seed=TABLES, n_players=PLAYERS, index=INDICES)
def test_values_and_pairs_sum_to_the_gain_of_everything_over_nothing(seed, n_players, index):
    game = games.random_table(n_players, seed)
    found = explained(game, index, budget=2**n_players)
    empty, full = game.ends
    total = found.values.sum(axis=0) if index == "sii" else sum_of(found)
    np.testing.assert_allclose(total, full - empty, atol=1e-11)


@FEW
@given(seed=TABLES, n_players=PLAYERS, index=INDICES)
def test_a_dummy_interacts_with_nobody_and_gets_what_it_brings_alone(seed, n_players, index):
    inner = games.random_table(n_players, seed, n_outputs=1)
    game = games.KnownGame("with a dummy", n_players + 1, lambda z: inner(z[:, :-1]) + 0.7 * z[:, -1:], None)
    found = explained(game, index, budget=2 ** (n_players + 1))
    np.testing.assert_allclose(found.interactions[-1], 0.0, atol=1e-11)
    np.testing.assert_allclose(found.values[-1], 0.7, atol=1e-11)


@FEW
@given(seed=TABLES, n_players=PLAYERS, index=INDICES)
def test_symmetric_players_interact_alike(seed, n_players, index):
    inner = games.random_table(n_players, seed)

    def value(z):  # players 0 and 1 only count together
        both = (z[:, :1] + z[:, 1:2]) / 2
        return inner(np.column_stack([both == 1, z[:, 2:]])) + (both == 0.5) * 0.3

    found = explained(games.KnownGame("symmetric", n_players + 1, value, None), index, budget=2 ** (n_players + 1))
    np.testing.assert_allclose(found.interactions[0, 2:], found.interactions[1, 2:], atol=1e-11)
    np.testing.assert_allclose(found.values[0], found.values[1], atol=1e-11)


@FEW
@given(seed=TABLES, n_players=st.integers(3, 8), index=st.sampled_from(["sii", "k-sii", "fsii"]), a=st.floats(-5, 5))
def test_values_and_pairs_are_linear_in_the_game_on_a_sampled_table(seed, n_players, index, a):
    u, v = (games.polynomial(n_players, (1, 2, 3), 12, s) for s in (seed, seed // 2 + 1))
    both = games.KnownGame("sum", n_players, lambda z: a * u(z) - v(z), None)
    budget = min(2**n_players, least(n_players) + 4)
    one, two, three = (explained(game, index, budget, seed=3) for game in (u, v, both))
    np.testing.assert_allclose(three.interactions, a * one.interactions - two.interactions, atol=1e-9)
    np.testing.assert_allclose(three.values, a * one.values - two.values, atol=1e-9)


@FEW
@given(seed=TABLES, n_players=PLAYERS, index=INDICES, data=st.data())
def test_the_order_of_the_columns_does_not_matter_to_exact_pairs(seed, n_players, index, data):
    game = games.random_table(n_players, seed)
    order = np.array(data.draw(st.permutations(range(n_players))))
    moved = games.KnownGame("moved", n_players, lambda z: game(z[:, np.argsort(order)]), None)
    budget = 2**n_players
    found, expected = explained(moved, index, budget).interactions, explained(game, index, budget).interactions
    np.testing.assert_allclose(found, expected[np.ix_(order, order)], atol=1e-11)


# ------------------------------------------------------------------------------------------------ sampled


@SAMPLED
@pytest.mark.parametrize("n_players", [7, 8, 12])
def test_games_of_pairs_are_exact_from_the_least_budget(n_players, index):
    for seed in range(20):
        game = games.two_additive(n_players, seed)
        (found,) = games.drawn([px.Interactions(index=index)], game, least(n_players), seed)
        own, pairs = explained_pairs(game)
        np.testing.assert_allclose(found.interactions[..., 0], pairs, atol=1e-9)
        np.testing.assert_allclose(found.values, game.shapley if index == "sii" else own, atol=1e-9)


def explained_pairs(game):
    """Main effects and pairs of a game that has nothing else, from its values at one and two players."""
    one = np.eye(game.n_players)
    empty, own = game(one[:1] * 0), game(one)
    pairs = np.zeros((game.n_players,) * 2)
    for i, j in itertools.combinations(range(game.n_players), 2):
        pairs[i, j] = pairs[j, i] = (game((one[i] + one[j])[None]) - own[i] - own[j] + empty)[0, 0]
    return own - empty, pairs


@pytest.mark.parametrize("index", ["sii", "fsii"])
def test_pairs_of_triples_are_exact_from_the_least_budget(index):
    # the mean of a triple's two sides is made of pairs
    game, *pairs = pair_oracles.product_game(12, (2, 3), 40, seed=0)
    (found,) = games.drawn([px.Interactions(index=index)], game, least(12), seed=0)
    np.testing.assert_allclose(found.interactions[..., 0], pairs[index == "fsii"], atol=1e-9)


@SAMPLED
def test_sampled_values_and_pairs_sum_to_the_gain(index):
    game = games.random_table(9, 1)
    found = explained(game, index, budget=300)
    empty, full = game.ends
    total = found.values.sum(axis=0) if index == "sii" else sum_of(found)
    np.testing.assert_allclose(total, full - empty, atol=1e-10)
    assert not found.meta["listed"]


# the mean of 30 seeds and a sixth more: the mean of ten has a deviation of 6 %
@pytest.mark.parametrize(
    ("orders", "index", "budget", "bound"),
    [
        ((1, 2, 3, 4), "sii", 600, 1.3e-2), ((1, 2, 3, 4), "sii", 2000, 2.3e-3),
        ((3, 4, 5), "sii", 2000, 1.0e-2), ((1, 2, 3, 4), "fsii", 600, 1.5e-2),
        ((1, 2, 3, 4), "fsii", 2000, 2.5e-3), ((3, 4, 5), "fsii", 2000, 1.2e-2),
    ],
)  # fmt: skip
def test_the_squared_error_of_sampled_pairs_stays_below_its_bound(orders, index, budget, bound):
    game, *pairs = pair_oracles.product_game(14, orders, 60, seed=0)
    truth, found = pairs[index == "fsii"], px.Interactions(index=index)
    errors = [
        games.squared_error(games.drawn([found], game, budget, seed)[0].interactions[..., 0], truth) for seed in range(10)
    ]
    assert np.mean(errors) <= bound, f"{np.mean(errors):.3g}"


def test_the_closed_forms_of_products_are_those_of_the_definitions():
    game, *pairs = pair_oracles.product_game(7, (1, 2, 3, 4, 5), 20, seed=1)
    for index, expected in zip(("sii", "fsii"), pairs, strict=True):
        np.testing.assert_allclose(pair_oracles.INDEX[index](game, 7)[1][..., 0], expected, atol=1e-9)


def test_kernel_shap_and_interactions_share_one_table_and_agree_on_shapley_values():
    game = games.polynomial(12, (2, 3, 4), 40, seed=0)
    predictor, space, x = games.door(game)
    found = px.explain(["kernel_shap", "lime", "interactions"], predictor, space, x, budget=500)
    assert predictor.rows == 500
    assert set(found["interactions"].meta["rows_shared_with"]) == {"kernel_shap", "lime"}
    np.testing.assert_allclose(found["interactions"].values, found["kernel_shap"].values, atol=1e-10)
    np.testing.assert_allclose(found["interactions"].stderr, found["kernel_shap"].stderr, rtol=1e-6)


def test_several_rows_and_outputs_come_from_the_tables_that_shap_asks():
    game = games.two_additive(8, 0, n_outputs=3)
    predictor, space, x = games.door(game)
    found = px.explain("interactions", predictor, space, np.vstack([x, x * 2]), budget=120)["interactions"]
    assert found.interactions.shape == found.interactions_stderr.shape == (2, 8, 8, 3)
    np.testing.assert_allclose(found.interactions[0, ..., 2], pairs_of_output(game, 2), atol=1e-9)
    np.testing.assert_array_equal(found.interactions, found.interactions.swapaxes(1, 2))
    for square in (found.interactions, found.interactions_stderr):
        assert (square[:, np.arange(8), np.arange(8)] == 0).all()


def pairs_of_output(game, k):
    return explained_pairs(games.KnownGame("one", game.n_players, lambda z: game(z)[:, k : k + 1], None))[1]


def test_players_whose_absence_changes_nothing_have_no_pairs():
    game = games.random_table(5, 0)
    predictor = px.Predictor(game)
    x = np.array([[1.0, 0.0, 1.0, 1.0, 1.0]])  # the second is as in the background
    found = px.explain("interactions", predictor, px.TabularSpace(np.zeros((1, 5))), x)["interactions"][0]
    _, pairs = pair_oracles.sii(lambda z: game(np.insert(z, 1, 0.0, axis=1)), 4)
    others = np.ix_([0, 2, 3, 4], [0, 2, 3, 4])
    np.testing.assert_allclose(found.interactions[others], pairs, atol=1e-11)
    assert (found.interactions[1] == 0).all() and found.meta["merged"] == ["x1"]


def test_pictures_have_pairs_of_superpixels():
    game = games.network_game(0, n_players=6)
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    found = px.explain("interactions", px.Predictor(game.extras["net"]), space, game.extras["picture"], budget=64)
    _, pairs = pair_oracles.sii(game, 6)
    np.testing.assert_allclose(found["interactions"].interactions[0], pairs, atol=1e-6)  # pictures are float32


# ------------------------------------------------------------------------------------------------ a process

HIGH = pair_oracles.product_game(12, (3, 4, 5), 60, seed=2)


def by(surrogate, game, index="sii", per_player=25, seed=0, affordable=0.0):
    """From one table; affordable: what "auto" may spend."""
    design = draw_design(
        [laws.shapley(game.n_players)], game.n_players, per_player * game.n_players, np.random.default_rng(seed)
    )
    return px.Interactions(index=index, surrogate=surrogate).estimate(
        Evaluations(design, game(design.z), *game.ends, affordable=affordable)
    )


def taken(found):
    return [one["taken"] for one in found.notes["surrogate"]]


@pytest.mark.parametrize("index", ["sii", "fsii"])
def test_a_process_errs_less_than_the_fit_in_games_of_high_orders(index):
    game, *pairs = HIGH
    errors = {
        kind: sum(
            games.squared_error(by(kind, game, index, 40, seed).interactions[..., 0], pairs[index == "fsii"])
            for seed in range(3)
        )
        for kind in ("process", "none")
    }
    assert errors["process"] < 0.5 * errors["none"], errors


@SAMPLED
def test_values_and_pairs_of_a_process_sum_to_the_gain(index):
    game = games.random_table(12, 1)
    found, (empty, full) = by("process", game, index), game.ends
    assert taken(found) == ["posterior"] * 2
    total = found.values.sum(axis=0) if index == "sii" else sum_of(found)
    np.testing.assert_allclose(total, full - empty, atol=1e-10)


@SAMPLED
def test_a_game_of_pairs_is_left_to_the_fit_which_is_exact(index):
    game = games.two_additive(8, 0, n_outputs=2)
    found, plain = (by(kind, game, index, 20) for kind in ("process", "none"))
    assert found.notes["surrogate"] == [{"taken": "none", "variance": 1.0}] * 2 and "surrogate" not in plain.notes
    for part in ("values", "stderr", "critical", "interactions", "interactions_stderr"):
        np.testing.assert_array_equal(getattr(found, part), getattr(plain, part))


def test_each_output_has_what_is_said_to_be_nearer_for_it():
    pairs, other = games.two_additive(8, 0), games.random_table(8, 0, n_outputs=1)
    game = games.KnownGame("both", 8, lambda z: np.hstack([pairs(z), other(z)]), None)
    found, plain, alone = (
        by("process", game, per_player=20),
        by("none", game, per_player=20),
        by("process", other, per_player=20),
    )
    assert taken(found) == ["none", "posterior"]
    np.testing.assert_array_equal(found.interactions_stderr[..., 0], plain.interactions_stderr[..., 0])
    np.testing.assert_allclose(found.interactions[..., 1], alone.interactions[..., 0], atol=1e-9)
    np.testing.assert_allclose(found.interactions_stderr[..., 1], alone.interactions_stderr[..., 0], rtol=1e-6)


def test_the_other_of_two_classes_has_the_opposite_pairs():
    game = games.sigmoid_game(9, 1.0, 3.0)
    both = games.KnownGame("both", 9, lambda z: np.hstack([game(z), 1.0 - game(z)]), None)
    found = by("process", both, "k-sii", 17)
    assert taken(found) == ["posterior"] * 2
    np.testing.assert_allclose(found.interactions[..., 1], -found.interactions[..., 0], atol=1e-12)
    np.testing.assert_allclose(found.values[:, 1], -found.values[:, 0], atol=1e-12)
    np.testing.assert_allclose(found.interactions_stderr[..., 1], found.interactions_stderr[..., 0], rtol=1e-9)


def test_shapley_values_beside_pairs_of_a_process_are_those_of_kernel_shap():
    game = games.random_table(9, 0)
    for seed in range(3):
        both = games.drawn([px.Interactions(surrogate="process"), px.KernelShap(surrogate="process")], game, 150, seed)
        assert taken(both[0]) == taken(both[1]) == ["posterior"] * 2
        np.testing.assert_allclose(both[0].values, both[1].values, atol=1e-9)


def test_auto_takes_a_process_where_the_table_can_afford_it():
    told = [by("auto", HIGH[0], affordable=seconds).notes.get("surrogate") for seconds in (10.0, 0.0)]
    assert told[0][0]["taken"] == "posterior" and told[1] is None


def test_auto_leaves_pairs_to_the_fit_where_reading_them_takes_longer_than_processes():
    game = games.two_additive(27, 0)
    design = draw_design([laws.shapley(27)], 27, least(27), np.random.default_rng(0))
    table = Evaluations(design, game(design.z), *game.ends, affordable=1.0)
    assert Knowledge.of(table, sparing=True) is not None
    assert "surrogate" not in px.Interactions().estimate(table).notes


@pytest.mark.parametrize("scale", [2.0**-400, 2.0**400])
def test_a_process_of_tiny_and_huge_answers_has_the_same_values_and_errors(scale):
    """The fourth power of a residual of theirs is beyond what floats hold."""
    game = games.random_table(9, 0, n_outputs=1)
    scaled = games.KnownGame("scaled", 9, lambda z: scale * game(z), None)
    one, other = by("process", game), by("process", scaled)
    assert taken(one) == taken(other) == ["posterior"]
    for part in ("values", "stderr", "interactions", "interactions_stderr"):
        np.testing.assert_allclose(getattr(other, part) / scale, getattr(one, part), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("index", ["k-sii", "fsii"])
def test_intervals_by_a_process_hold_pairs_and_main_effects(index):
    inside = []
    for game in (games.random_table(9, 0, n_outputs=1), games.sigmoid_game(9, 1.0, 3.0), games.unanimity(9, 3)):
        own, pairs = pair_oracles.INDEX[index](game, 9)
        for per_player, seed in itertools.product((17, 30), range(2)):
            found = by("process", game, index, per_player, seed)
            factor = stats.t.ppf(0.975, found.df)
            of_pairs = np.abs(found.interactions - pairs) <= factor * found.interactions_stderr
            inside.append(
                [of_pairs[np.triu_indices(9, 1)].mean(), (np.abs(found.values - own) <= factor * found.stderr).mean()]
            )
    assert (np.mean(inside, axis=0) >= 0.93).all(), np.mean(inside, axis=0)


# ------------------------------------------------------------------------------------------------ peers


@pytest.fixture
def shapiq():
    """The shapiq package (1.4.1)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield pytest.importorskip("shapiq", reason="shapiq is not installed; its exact indices are the peer here")


@EVERY_INDEX
def test_exact_values_and_pairs_equal_those_of_shapiq(index, shapiq):
    game = games.random_table(7, 5, n_outputs=1)
    found = explained(game, index, budget=128)
    computer = shapiq.ExactComputer(n_players=7, game=lambda z: game(np.asarray(z))[:, 0])
    peer = computer(index={"k-sii": "k-SII"}.get(index, index.upper()), order=2)
    np.testing.assert_allclose(found.values[:, 0], [peer[(i,)] for i in range(7)], atol=1e-9)
    for i, j in itertools.combinations(range(7), 2):
        assert np.isclose(found.interactions[i, j, 0], peer[(i, j)], atol=1e-9)


def test_sampled_pairs_are_closer_to_the_truth_than_those_of_kernel_shap_iq(shapiq):
    game, truth, _ = pair_oracles.product_game(12, (1, 2, 3, 4), 40, seed=0)
    ours, theirs = [], []
    for seed in range(5):
        peer = shapiq.KernelSHAPIQ(12, max_order=2, index="SII", pairing_trick=True, random_state=seed)
        found = peer.approximate(600, lambda z: game(np.asarray(z))[:, 0])
        pairs = np.zeros((12, 12))
        for i, j in itertools.combinations(range(12), 2):
            pairs[i, j] = pairs[j, i] = found[(i, j)]
        theirs.append(games.squared_error(pairs, truth))
        ours.append(games.squared_error(explained(game, "sii", 600, seed).interactions[..., 0], truth))
    assert np.mean(ours) < np.mean(theirs)


# ------------------------------------------------------------------------------------------------ refused


def test_a_budget_that_does_not_tell_pairs_apart_is_refused_before_the_model_is_asked():
    predictor, space, x = games.door(games.additive(12, 0))
    with pytest.raises(ValueError, match=r"budget=265 is below the 266 coalitions that interactions need.*merge players"):
        px.explain("interactions", predictor, space, x, budget=265)
    assert predictor.rows == 0


def test_shapley_taylor_of_a_sample_is_refused_before_the_model_is_asked():
    predictor, space, x = games.door(games.additive(12, 0))
    with pytest.raises(ValueError, match=r"below the 4096 coalitions.*needs all coalitions; index='k-sii' and 'fsii'"):
        px.explain(px.Interactions(index="stii"), predictor, space, x, budget=4095)
    assert predictor.rows == 0


def test_shapley_taylor_of_a_sampled_table_is_refused():
    design = draw_design([laws.shapley(9)], 9, 200, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"index='stii' needs all 2\^9 coalitions.*holds a sample of 200.*Take index="):
        px.Interactions(index="stii").estimate(games.evaluate(games.additive(9, 0), design))


def test_a_table_too_short_for_the_pairs_is_refused():
    design = draw_design([laws.shapley(9)], 9, 60, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"29 pairs of coalitions do not tell the 36 pairs of 9 players apart.*Draw 146"):
        px.Interactions().estimate(games.evaluate(games.additive(9, 0), design))


def test_a_table_drawn_for_lime_alone_is_refused():
    design = draw_design([laws.lime(40, 0.25)], 40, 4000, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"under the law of Shapley kernel"):
        px.Interactions().estimate(games.evaluate(games.additive(40, 0), design))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"index": "SII"}, "index='SII' is not known.*'k-sii'"), ({"order": 3}, "order=3.*take order=2"),
        ({"surrogate": "trees"}, "surrogate='trees' is not known.*'auto', 'none', 'process'"),
    ],
)  # fmt: skip
def test_unknown_options_are_refused(options, told):
    with pytest.raises(ValueError, match=told):
        px.Interactions(**options)


# ------------------------------------------------------------------------------------------------ results


@pytest.fixture(scope="module")
def result():
    game = games.random_table(7, 4)
    predictor, space, x = games.door(game, outputs=["a", "b"])
    return px.explain(["interactions", "lime"], predictor, space, np.vstack([x, x]), budget=100)


def test_the_tidy_table_has_a_line_a_pair_and_output(result):
    found, frame = result["interactions"], result["interactions"].interactions_frame()
    assert list(frame.columns) == ["method", "row", "feature_a", "feature_b", "output", "value", "stderr", "low", "high"]
    assert len(frame) == 2 * 21 * 2 and set(frame.method) == {"interactions"}
    line = frame[(frame.row == 1) & (frame.feature_a == "x2") & (frame.feature_b == "x5") & (frame.output == "b")].iloc[0]
    assert line.value == found.interactions[1, 2, 5, 1] and line.stderr == found.interactions_stderr[1, 2, 5, 1]
    assert line.low < line.value < line.high
    # Student's t, with the degrees of freedom of the values
    low, high = found.interval()
    ratio = (high - low)[0, 0, 0] / found.stderr[0, 0, 0]
    np.testing.assert_allclose((line.high - line.low) / line.stderr, ratio)


def test_methods_without_interactions_have_none_and_say_so(result):
    assert result["lime"].interactions is None and result["lime"].interactions_stderr is None
    with pytest.raises(ValueError, match=r"Lime gives none; explain with px.Interactions"):
        result["lime"].interactions_frame()


def test_json_gives_interactions_back_to_the_last_bit(result):
    found = result["interactions"]
    again = px.Attribution.from_json(found.to_json())
    np.testing.assert_array_equal(again.interactions, found.interactions)
    np.testing.assert_array_equal(again.interactions_stderr, found.interactions_stderr)
    assert again.method == px.Interactions()
    assert px.Attribution.from_json(result["lime"].to_json()).interactions is None


def test_damaged_interactions_are_refused(result):
    import json

    document = json.loads(result["interactions"].to_json())
    document["explanations"][0]["interactions"].pop()
    with pytest.raises(ValueError, match=r"interactions has not the shape \(7, 7, 2\)"):
        px.Attribution.from_json(json.dumps(document))


def test_results_are_compared_with_others():
    game = games.random_table(7, 4)
    predictor, space, x = games.door(game, outputs=["a", "b"])
    found = px.explain(["interactions", "lime"], predictor, space, x, budget=100)
    assert {"interactions", "lime"} <= set(px.compare(found, predictor, space).summary().index)


def test_the_oracles_agree_on_where_they_must():
    game = games.random_table(5, 2)
    for index in ("k-sii", "stii", "fsii"):
        values, pairs = pair_oracles.INDEX[index](game, 5)
        np.testing.assert_allclose(
            values.sum(axis=0) + 0.5 * pairs.sum(axis=(0, 1)), np.subtract(*game.ends[::-1]), atol=1e-10
        )
    np.testing.assert_allclose(oracles.shapley(game, 5), pair_oracles.sii(game, 5)[0])
