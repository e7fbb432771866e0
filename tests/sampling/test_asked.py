"""Names of coalitions, what tells them, and what a portfolio needs as one law."""

from __future__ import annotations

import numpy as np
import oracles
import pytest

from perturbxai.sampling import laws
from perturbxai.sampling.asked import Asked, Reader, tell_names
from perturbxai.sampling.coalitions import draw_cells, draw_design, least_budget
from perturbxai.sampling.strata import name_coalitions


@pytest.mark.parametrize("n_players", [1, 5, 8, 9, 12])
def test_few_players_coalitions_are_named_by_their_numbers(n_players):
    z = oracles.all_coalitions(n_players).astype(bool)
    expected = (z * 2 ** np.arange(n_players)).sum(axis=1)
    np.testing.assert_array_equal(name_coalitions(z), expected)


@pytest.mark.parametrize("n_players", [32, 33, 64, 70, 300, 2000])
def test_many_players_coalitions_that_differ_in_one_or_two_of_them_have_other_names(n_players):
    rng = np.random.default_rng(n_players)
    z = np.repeat(rng.random((1, n_players)) < 0.5, 3000, axis=0)
    for row, (a, b) in zip(z, rng.integers(n_players, size=(3000, 2)), strict=True):
        row[[a, b]] = ~row[[a, b]]
    z = np.unique(z, axis=0)
    assert len(np.unique(name_coalitions(z))) >= len(z) - 1  # 2^32 words: two alike by chance once in a thousand times


def test_names_stay_what_they_are_for_results_keep_them():
    z = np.arange(2 * 70).reshape(2, 70) % 3 == 0
    assert name_coalitions(z).tolist() == [3066502415, 3588315596]
    assert name_coalitions(z[:, :20]).tolist() == [299593, 149796]


@pytest.mark.parametrize(("n_players", "n_asked"), [(3, 1), (6, 2), (6, 60), (12, 100), (12, 2000), (40, 50)])
def test_what_is_told_of_coalitions_is_read_again(n_players, n_asked):
    rng = np.random.default_rng(0)
    z = np.unique(rng.random((n_asked, n_players)) < 0.5, axis=0)
    other = rng.random((300, n_players)) < 0.5
    names = name_coalitions(z)
    (asked,) = Reader().read({"a": {"asked_coalitions": tell_names([names[1:], names], n_players)}}, n_players, (1, 2))
    assert asked.holds(z).all() and asked.count == len(z) + 2
    inside = {row.tobytes() for row in z} | {bytes(n_players), bytes([1]) * n_players}
    assert asked.holds(other).tolist() == [row.tobytes() in inside for row in other]


def test_results_that_asked_the_same_are_read_once():
    one = {"asked_coalitions": tell_names([np.array([3, 5], dtype=np.uint32)], 4)}
    assert len(Reader().read({"a": one, "b": one, "c": {}}, 4, (1,))) == 1


def test_a_coalition_in_which_a_player_that_always_was_there_is_missing_was_not_asked():
    asked = Asked(np.array([2, 0]), np.array([1], dtype=np.uint32))  # player 2 without player 0
    z = np.array([[False, True, True], [False, False, True], [True, True, False], [False, True, False], [True] * 3])
    assert asked.holds(z).tolist() == [True, False, False, True, True]


@pytest.mark.parametrize("budget", [0, 1, 7, 200])
@pytest.mark.parametrize(
    "makers",
    [
        [laws.shapley], [lambda n: laws.lime(n, 0.25)], [laws.shapley, lambda n: laws.lime(n, 0.1), laws.singletons],
        [laws.singletons, laws.all_but_one], [laws.all_but_one], [lambda n: laws.binomial(n, 0.3)],
    ],
)  # fmt: skip
def test_one_law_together_draws_what_the_portfolio_draws(makers, budget):
    portfolio = [make(11) for make in makers]
    whole = laws.together(portfolio)
    budget += least_budget(portfolio, 11)
    assert least_budget([whole], 11) == least_budget(portfolio, 11)
    first, again = (draw_design(chosen, 11, budget, np.random.default_rng(1)) for chosen in (portfolio, [whole]))
    np.testing.assert_array_equal(first.z, again.z)
    if whole.design.any():
        first, again = (draw_cells(chosen, 11, 300, 20, np.random.default_rng(1)) for chosen in (portfolio, [whole]))
        np.testing.assert_array_equal(first.z, again.z)
