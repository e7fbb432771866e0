"""Errors of many outputs: each as it is alone, whatever stands beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import perturbxai as px
from perturbxai.core.evaluations import Evaluations
from perturbxai.estimation import linear_fit
from perturbxai.estimation.coalitions import blocks
from perturbxai.estimation.intervals import independent_factor, simultaneous_factor, simultaneous_factors
from perturbxai.sampling.coalitions import draw_design

METHODS = {
    "kernel_shap": px.KernelShap(surrogate="none"), "lime": px.Lime(surrogate="none"), "rise": px.Rise(),
    "banzhaf": px.Banzhaf(surrogate="none"), "interactions": px.Interactions(surrogate="none"),
}  # fmt: skip
KINDS = 6


def table(method, n_players, budget, n_outputs=23):
    """Outputs of six kinds: constant, of one player, additive, and three that are neither."""
    rng = np.random.default_rng(n_players)
    design = draw_design([method.law(n_players)], n_players, budget, rng)
    slopes = rng.normal(size=(n_players, n_outputs))
    kind = np.arange(n_outputs) % KINDS
    slopes[:, kind == 0] = 0.0
    slopes[1:, kind == 1] = 0.0
    bend = np.where(kind < 3, 0.0, rng.normal(size=n_outputs))

    def game(z):
        z = np.asarray(z, dtype=np.float64)
        rare = (z[:, :3].all(axis=1) & (z.sum(axis=1) < 5))[:, None] * 30.0 * (kind == 5)
        return 5.0 + z @ slopes + bend * np.tanh(z @ np.abs(slopes)) * z[:, :1] + rare

    return Evaluations(design, game(design.z), *game(np.eye(2)[:, [0]] @ np.ones((1, n_players)) == 0))


def alone(found, k):
    """The same table of one output."""
    design = replace(found.design, cache={})
    return Evaluations(design, found.values[:, [k]], found.empty[[k]], found.full[[k]])


@pytest.mark.parametrize(("n_players", "budget"), [(7, 90), (10, 400)])
@pytest.mark.parametrize("name", METHODS)
def test_an_output_has_the_errors_that_it_has_alone(name, n_players, budget):
    found = table(METHODS[name], n_players, budget)
    together = METHODS[name].estimate(found)
    for k in range(len(found.full)):
        own = METHODS[name].estimate(alone(found, k))
        np.testing.assert_allclose(together.stderr[:, k], own.stderr[:, 0], rtol=1e-10)
        np.testing.assert_allclose(together.critical[k], own.critical[0], rtol=1e-6)
        if own.interactions_stderr is not None:
            np.testing.assert_allclose(together.interactions_stderr[..., k], own.interactions_stderr[..., 0], rtol=1e-10)


@pytest.mark.parametrize("budget", [30, 60], ids=["walk", "pairs"])
def test_outputs_in_blocks_have_the_same_errors(monkeypatch, budget):
    found = table(METHODS["kernel_shap"], 12, budget)
    whole = METHODS["kernel_shap"].estimate(found)
    monkeypatch.setattr(linear_fit.blocks, "blocks", lambda n_rows, _: (slice(at, at + 1) for at in range(n_rows)))
    single = METHODS["kernel_shap"].estimate(replace(found, design=replace(found.design, cache={})))
    np.testing.assert_allclose(single.stderr, whole.stderr, rtol=1e-12)
    np.testing.assert_allclose(single.critical, whole.critical, rtol=1e-6)  # of draws in float32


def quantile_of_largest(covariance, df, design):
    """The factor from its definition: draws of normals with this correlation, over the drawn roots of chi squares."""
    from scipy import stats

    free = np.flatnonzero(np.diag(covariance) > 0)
    if not len(free):
        return independent_factor(len(covariance), df)
    deviation = np.sqrt(np.diag(covariance))[free]
    values, vectors = np.linalg.eigh(covariance[np.ix_(free, free)] / np.outer(deviation, deviation))
    values[values < 1e-14 * len(free)] = 0.0
    draws = np.abs(design.normals[:, : len(free)] @ (vectors * np.sqrt(values)) @ vectors.T).max(axis=1)
    draws /= np.sqrt(stats.chi2.ppf(design.uniforms, df) / df)
    return max(np.quantile(draws, 0.95), independent_factor(1, df))


def covariances(n_players, n, seed):
    """Some of full rank, some of values that sum to zero, some of values of which a few do not vary."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 4 * n_players, n_players)) * rng.random(n_players)
    rows[1::3] -= rows[1::3].mean(axis=2, keepdims=True)
    rows[2::3, :, : n_players // 2] = 0.0
    rows[-1] = 0.0
    return rows.transpose(0, 2, 1) @ rows


def test_simultaneous_factors_are_quantiles_of_the_largest_deviation():
    design = draw_design([px.KernelShap().law(9)], 9, 60, np.random.default_rng(0))
    some = covariances(9, 10, 0)
    expected = [quantile_of_largest(one, 12.0, design) for one in some]
    # draws in float32
    np.testing.assert_allclose(simultaneous_factors(some, 12.0, design), expected, rtol=1e-6)
    np.testing.assert_allclose([simultaneous_factor(one, 12.0, design) for one in some], expected, rtol=1e-6)


def test_a_factor_does_not_hang_on_how_a_sum_of_zero_is_rounded():
    # the least eigenvalue is rounding, of either sign; its root would be 1e-8
    design = draw_design([px.KernelShap().law(9)], 9, 60, np.random.default_rng(0))
    one = np.stack([covariances(9, 3, 1)[1]] * 2)
    jitter = np.random.default_rng(0).normal(size=one.shape) * 1e-16 * np.abs(one).max()
    first, second = simultaneous_factors(one + (jitter + jitter.transpose(0, 2, 1)), 12.0, design)
    np.testing.assert_allclose(first, second, rtol=1e-12)


def test_the_errors_hold_no_array_of_rows_by_players_by_outputs():
    import tracemalloc

    found = table(METHODS["kernel_shap"], 40, 1602, n_outputs=300)
    METHODS["kernel_shap"].estimate(found)  # what is kept for the design
    tracemalloc.start()
    METHODS["kernel_shap"].estimate(found)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < 5 * found.values.nbytes + 6 * 8 * blocks.BLOCK
    assert 8 * len(found.values) * 40 * 300 > 4 * held
