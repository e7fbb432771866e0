"""Size laws: masses, mixtures, and what a design is worth under another law."""

from __future__ import annotations

from math import comb

import numpy as np
import oracles
import pytest

from perturbxai.sampling import laws

SOME_PLAYERS = (2, 3, 4, 7, 12, 50, 300)
ALL_LAWS = {
    "shapley": laws.shapley,
    "lime": lambda p: laws.lime(p, 0.25),
    "wide lime": lambda p: laws.lime(p, 1e6),
    "inclusion": laws.singletons,
    "occlusion": laws.all_but_one,
}


@pytest.mark.parametrize("make", ALL_LAWS.values(), ids=ALL_LAWS)
@pytest.mark.parametrize("n_players", SOME_PLAYERS)
def test_masses_are_a_distribution_over_sizes(make, n_players):
    law = make(n_players)
    assert law.n_players == n_players and law.mass.shape == law.design.shape == (n_players + 1,)
    assert (law.mass >= 0).all() and law.mass.sum() == pytest.approx(1.0, abs=1e-12)
    assert law.design.sum() == pytest.approx(1.0 if law.design.any() else 0.0, abs=1e-12)
    assert law.design[0] == law.design[-1] == 0.0


@pytest.mark.parametrize("n_players", SOME_PLAYERS)
def test_questions_are_wanted_alike_at_a_size_and_at_its_complement(n_players):
    for make in ALL_LAWS.values():
        np.testing.assert_allclose(make(n_players).design, make(n_players).design[::-1], rtol=1e-12)


@pytest.mark.parametrize("n_players", [2, 3, 7, 12])
def test_shapley_mass_is_the_kernel_times_the_number_of_coalitions(n_players):
    sizes = np.arange(1, n_players)
    kernel = [(n_players - 1) / (comb(n_players, s) * s * (n_players - s)) for s in sizes]
    mass = np.array([comb(n_players, s) * k for s, k in zip(sizes, kernel, strict=True)])
    np.testing.assert_allclose(laws.shapley(n_players).mass[1:-1], mass / mass.sum(), rtol=1e-12)


@pytest.mark.parametrize("n_players", [2, 3, 7, 12, 50])
@pytest.mark.parametrize("width", [0.1, 0.25, 2.0])
def test_lime_mass_is_its_kernel_at_fair_coin_coalitions(n_players, width):
    binomial = np.array([comb(n_players, s) for s in range(n_players + 1)], dtype=float) / 2.0**n_players
    weighted = binomial * oracles.lime_kernel(n_players, width)
    law = laws.lime(n_players, width)
    np.testing.assert_allclose(law.mass, weighted / weighted.sum(), rtol=1e-10)
    assert law.total == pytest.approx(weighted.sum(), rel=1e-10)


def test_lime_mass_does_not_underflow_at_a_narrow_width_and_many_players():
    law = laws.lime(2000, 0.02)
    assert np.isfinite(law.mass).all() and law.mass.sum() == pytest.approx(1.0, abs=1e-9)


def test_the_mixture_is_the_mean_of_what_its_laws_want_three_to_two_for_shapley():
    both = [laws.shapley(9), laws.lime(9, 0.25), laws.singletons(9)]
    np.testing.assert_allclose(laws.mixture(both), 0.6 * both[0].design + 0.4 * both[1].design, rtol=1e-12)
    assert not laws.mixture([laws.singletons(9), laws.all_but_one(9)]).any()


@pytest.mark.parametrize("n_players", [10, 20, 50, 100])
def test_a_mixture_is_worth_at_least_a_laws_share_of_its_own_design(n_players):
    both = [laws.shapley(n_players), laws.lime(n_players, 0.25)]
    shared = laws.mixture(both)
    for law, share in zip(both, (0.6, 0.4), strict=True):
        assert laws.effective_fraction(law, shared) >= share * laws.effective_fraction(law, law.design) - 1e-12


def test_an_own_design_by_mass_is_worth_all_of_its_rows():
    law = laws.shapley(12)
    assert laws.effective_fraction(law, law.mass) == pytest.approx(1.0)


@pytest.mark.parametrize(("n_players", "fair_coin", "leverage"), [(10, 0.12, 0.84), (20, 4e-4, 0.68), (50, 2e-12, 0.45)])
def test_effective_fractions_of_fair_coin_and_leverage_rows_under_the_shapley_kernel(n_players, fair_coin, leverage):
    # two digits were measured by simulation before this package was written
    law, coin = laws.shapley(n_players), laws.lime(n_players, 1e6).design
    assert laws.effective_fraction(law, coin) == pytest.approx(fair_coin, rel=0.25)
    assert laws.effective_fraction(law, law.design) == pytest.approx(leverage, rel=0.02)


def test_a_size_that_is_never_drawn_makes_a_design_worthless():
    share = laws.shapley(8).design.copy()
    share[[1, -2]] = 0.0
    assert laws.effective_fraction(laws.shapley(8), share) == 0.0
