"""What every estimator of Shapley values owes, at any budget or once all coalitions are listed."""

from __future__ import annotations

import games
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import perturbxai as px

ALL = pytest.mark.parametrize("method", ["kernel_shap", "exact_shap", "permutation_shap", "sampling_shap"])
SAMPLED = pytest.mark.parametrize("method", ["kernel_shap", "permutation_shap", "sampling_shap"])
WALKS = pytest.mark.parametrize("method", ["permutation_shap", "sampling_shap"])
SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=20, deadline=None, derandomize=True)


def values(method, game, budget, seed=0):
    return px.explain(method, *games.door(game), budget=budget, seed=seed)[method].values[0]


def with_a_dummy(inner):
    return games.KnownGame("dummy", inner.n_players + 1, lambda z: inner(z[:, :-1]) + 0.7 * z[:, -1:], None)


@SAMPLED
@FEW
@given(seed=SEEDS, n_players=st.integers(4, 10), more=st.integers(0, 60))
def test_values_sum_to_the_gain_of_everything_over_nothing_at_any_budget(method, seed, n_players, more):
    game = games.random_table(n_players, seed)
    found = values(method, game, 2 * n_players + 2 + more, seed % 7)
    empty, full = game.ends
    np.testing.assert_allclose(found.sum(axis=0), full - empty, atol=1e-11)


@WALKS
@FEW
@given(seed=SEEDS, n_players=st.integers(4, 9), more=st.integers(0, 60))
def test_a_dummy_gets_what_it_brings_alone_at_any_budget_of_whole_samples(method, seed, n_players, more):
    # from two samples a player on: one alone cannot tell a dummy, and leaves it a part of what lacks
    game = with_a_dummy(games.random_table(n_players, seed, n_outputs=1))
    found = values(method, game, 4 * (n_players + 1) + 2 + more)
    np.testing.assert_allclose(found[-1], 0.7, atol=1e-11)


@ALL
@FEW
@given(seed=SEEDS, n_players=st.integers(2, 7))
def test_a_dummy_gets_what_it_brings_alone_and_takes_nothing_from_the_others(method, seed, n_players):
    inner = games.random_table(n_players, seed, n_outputs=1)
    found = values(method, with_a_dummy(inner), 2 ** (n_players + 1))
    np.testing.assert_allclose(found[-1], 0.7, atol=1e-11)
    np.testing.assert_allclose(found[:-1], inner.shapley, atol=1e-11)


@ALL
@FEW
@given(seed=SEEDS, n_players=st.integers(2, 7))
def test_symmetric_players_get_the_same(method, seed, n_players):
    inner = games.random_table(n_players, seed)

    def value(z):  # players 0 and 1 only count together
        both = (z[:, :1] + z[:, 1:2]) / 2
        return inner(np.column_stack([both == 1, z[:, 2:]])) + (both == 0.5) * 0.3

    found = values(method, games.KnownGame("symmetric", n_players + 1, value, None), 2 ** (n_players + 1))
    np.testing.assert_allclose(found[0], found[1], atol=1e-11)


@pytest.mark.parametrize("method", ["kernel_shap", "permutation_shap"])
@FEW
@given(seed=SEEDS, n_players=st.integers(4, 12), more=st.integers(0, 80), a=st.floats(-5, 5), b=st.floats(-5, 5))
def test_values_are_linear_in_the_game_at_any_budget(method, seed, n_players, more, a, b):
    u, v = (games.polynomial(n_players, (1, 2, 3), 12, s) for s in (seed, seed // 2 + 1))
    both = games.KnownGame("sum", n_players, lambda z: a * u(z) + b * v(z), None)
    of_u, of_v, of_both = (values(method, game, 2 * n_players + more) for game in (u, v, both))
    np.testing.assert_allclose(of_both, a * of_u + b * of_v, atol=1e-9)


@ALL
@FEW
@given(seed=SEEDS, n_players=st.integers(2, 7), a=st.floats(-5, 5), b=st.floats(-5, 5))
def test_exact_values_are_linear_in_the_game(method, seed, n_players, a, b):
    u, v = games.random_table(n_players, seed), games.random_table(n_players, seed // 2 + 1)
    both = games.KnownGame("sum", n_players, lambda z: a * u(z) + b * v(z), None)
    np.testing.assert_allclose(values(method, both, 2**n_players), a * u.shapley + b * v.shapley, atol=1e-10)


@ALL
@FEW
@given(seed=SEEDS, n_players=st.integers(2, 7), data=st.data())
def test_the_order_of_the_columns_does_not_matter_to_exact_values(method, seed, n_players, data):
    game = games.random_table(n_players, seed)
    order = np.array(data.draw(st.permutations(range(n_players))))
    moved = games.KnownGame("moved", n_players, lambda z: game(z[:, np.argsort(order)]), None)
    np.testing.assert_allclose(values(method, moved, 2**n_players), game.shapley[order], atol=1e-11)


@SAMPLED
def test_the_mean_over_many_seeds_is_the_shapley_value(method):
    game = games.polynomial(9, (1, 2, 3, 4), 30, seed=0)
    found = np.array([values(method, game, 60, seed) for seed in range(150)])
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    # nine differences; kernel_shap's own bias of order 1 / budget is below its noise here
    assert (np.abs(found.mean(axis=0) - game.shapley) <= 4 * error).all()


@SAMPLED
@pytest.mark.parametrize("batch_size", [1, 7])
def test_the_numbers_are_the_same_bits_in_any_batches(method, batch_size):
    small, large = (px.explain(method, *row_by_row(size), budget=60)[method] for size in (batch_size, 4096))
    np.testing.assert_array_equal(small.values, large.values)
    np.testing.assert_array_equal(small.stderr, large.stderr)


def row_by_row(batch_size):
    """A model of nine columns whose numbers do not depend on the batch, a background of five rows, three inputs."""
    game = games.two_additive(9, 0, n_outputs=3)
    rng = np.random.default_rng(0)
    predictor = px.Predictor(lambda X: np.concatenate([game(row[None]) for row in X]), batch_size=batch_size)
    return predictor, px.TabularSpace(rng.normal(size=(5, 9))), rng.normal(size=(3, 9))


@SAMPLED
def test_an_input_has_the_same_bits_alone_and_in_company(method):
    predictor, space, x = row_by_row(64)
    together = px.explain(method, predictor, space, x, budget=60)[method]
    alone = px.explain(method, predictor, space, x[[2]], budget=60)[method]
    np.testing.assert_array_equal(together.values[2], alone.values[0])


@SAMPLED
def test_another_seed_asks_other_questions(method):
    game = games.polynomial(12, (3, 4), 30, seed=0)
    first, again, other = (values(method, game, 60, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
