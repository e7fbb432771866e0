"""Kernels of games as Gaussian processes against their slow twins."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbxai.core import game_kernels

FEW = settings(max_examples=25, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)


def close(found, slow):
    """Sums of up to 4^5 terms of either sign: some roundings of the largest."""
    np.testing.assert_allclose(found, slow, rtol=0.0, atol=1e-12 * max(np.abs(slow).max(), 1e-300))


@FEW
@given(SEEDS, st.integers(1, 7), st.integers(1, 3))
def test_sum_by_size_is_its_slow_twin(seed, n_players, n_rows):
    rng = np.random.default_rng(seed)
    present, absent = rng.normal(size=(2, n_rows, n_players))
    with_player, without = rng.normal(size=(2, n_players))
    out = np.full((n_rows, n_players), np.nan)
    game_kernels.sum_by_size(present, absent, with_player, without, out)
    close(out, oracles.sum_by_size(present, absent, with_player, without))


@FEW
@given(SEEDS, st.integers(1, 5))
def test_sum_by_sizes_is_its_slow_twin(seed, n_players):
    rng = np.random.default_rng(seed)
    apart, same, other = rng.random(n_players), *rng.normal(size=(2, n_players, n_players))
    given_same, given_other, out = same.copy(), other.copy(), np.full(n_players, np.nan)
    game_kernels.sum_by_sizes(apart, same, other, out)
    close(out, oracles.sum_by_sizes(apart, same, other))
    np.testing.assert_array_equal(same, given_same)
    np.testing.assert_array_equal(other, given_other)


def coalitions(seed, total, n=9, n_players=6):
    """angle (n, n), mix (3,), size (n,) of nothing, everything and others at random, of rates that sum to the total."""
    rng = np.random.default_rng(seed)
    rate = rng.dirichlet(np.ones(n_players)) * total
    x = np.vstack([-np.ones(n_players), np.ones(n_players), rng.choice([-1.0, 1.0], (n - 2, n_players))])
    size = ((x.sum(axis=1) + n_players) / 2).astype(np.int64)
    return (x * rate) @ x.T, np.array([rng.uniform(-1, 1), *rng.random(2)]), size, rng


TOTALS = pytest.mark.parametrize("total", [0.01, 1.3, 40.0, 299.0, 301.0, 900.0])  # beyond 300 one exponential will not do


@TOTALS
@FEW
@given(seed=SEEDS)
def test_fill_covariances_fills_the_lower_triangle_as_its_slow_twin_does(total, seed):
    angle, mix, size, _ = coalitions(seed, total)
    out = np.full_like(angle, np.nan)
    game_kernels.fill_covariances(angle, total, mix, size, out)
    lower = np.tril_indices(len(size))
    # an angle of 900 has a rounding of 1e-13, which its exponential has as a relative error
    np.testing.assert_allclose(out[lower], oracles.fill_covariances(angle, total, mix, size)[lower], rtol=0, atol=1e-11)
    assert np.isnan(out[np.triu_indices(len(size), 1)]).all()


@TOTALS
@FEW
@given(seed=SEEDS, n_outputs=st.integers(1, 3))
def test_weigh_covariances_is_its_slow_twin(total, seed, n_outputs):
    angle, mix, size, rng = coalitions(seed, total)
    inverse, loads = rng.normal(size=angle.shape), rng.normal(size=(len(size), n_outputs))
    inverse = inverse + inverse.T
    steep, sums = np.full_like(angle, np.nan), np.full(7, np.nan)
    only_lower = np.where(np.tri(len(size), dtype=bool), inverse, np.nan)
    game_kernels.weigh_covariances(angle, total, mix, size, only_lower, loads, steep, sums)
    slow_steep, slow_sums = oracles.weigh_covariances(angle, total, mix, size, inverse, loads)
    of_pulls = 1e-11 * (n_outputs * np.abs(inverse).sum() + (np.abs(loads).sum(axis=0) ** 2).sum())
    np.testing.assert_allclose(steep, slow_steep, rtol=0, atol=of_pulls)
    np.testing.assert_allclose(sums, slow_sums, rtol=0, atol=of_pulls)
