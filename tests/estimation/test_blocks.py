"""Fits of long tables: made by blocks of rows they say what they say in one piece, and hold no more than a block."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import sklearn.ensemble  # noqa: F401  # what is loaded here counts for nobody's memory

import perturbxai as px
from perturbxai.calls import explain  # noqa: F401
from perturbxai.core import kernels  # noqa: F401
from perturbxai.core.evaluations import Evaluations, RowGroups
from perturbxai.estimation.coalitions import blocks
from perturbxai.estimation.linear_fit import LinearFit
from perturbxai.estimation.survey import Clusters
from perturbxai.sampling.coalitions import _spans, draw_design

METHODS = {
    "lime": px.Lime(), "lime, ridge": px.Lime(ridge=1.0), "lime, narrow": px.Lime(kernel_width=0.05),
    "lime, narrowest": px.Lime(kernel_width=0.01), "kernel_shap": px.KernelShap(surrogate="none"),
    "kernel_shap, triples": px.KernelShap(surrogate="triples"), "banzhaf": px.Banzhaf(), "banzhaf, rare": px.Banzhaf(p=0.1),
    "rise": px.Rise(), "rise, centred": px.Rise(estimator="centred", p=0.3), "rise, plain": px.Rise(estimator="plain"),
}  # fmt: skip


def table(method, n_players, budget, seed=0, n_outputs=2):
    """A game of pairs and triples, far from zero, with what three groups of a background would add."""
    rng = np.random.default_rng(seed)
    design = draw_design([method.law(n_players)], n_players, budget, rng)
    slopes, pull = rng.normal(size=(2, n_players, n_outputs))

    def game(z):
        z = np.asarray(z, dtype=np.float64)
        return 50.0 + z @ slopes + np.tanh(z @ pull / 3.0) * z[:, :1] - 2.0 * z[:, [0]] * z[:, [1]] * z[:, [2]]

    values = game(design.z)
    ends = game(np.array([np.zeros(n_players), np.ones(n_players)]))
    apart = rng.normal(size=(len(values), 3, n_outputs))
    groups = RowGroups(np.full(3, 1 / 3), rng.normal(size=(3, n_outputs)), apart - apart.mean(axis=1, keepdims=True))
    return Evaluations(design, values, *ends, groups=groups)


def concluded(monkeypatch, method, found, at_once):
    monkeypatch.setattr(blocks, "BLOCK", at_once)
    return method.estimate(replace(found, design=replace(found.design, cache={})))


@pytest.mark.parametrize(("n_players", "budget"), [(9, 60), (14, 40), (14, 400), (40, 700)])
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_by_blocks_a_fit_says_what_it_says_in_one_piece(monkeypatch, method, n_players, budget):
    found = table(method, n_players, budget)
    whole, parts = (concluded(monkeypatch, method, found, at_once) for at_once in (1 << 30, 7 * n_players))
    np.testing.assert_allclose(parts.values, whole.values, atol=1e-12 * found.scale.max(), rtol=0)
    for name in ("stderr", "stderr_background"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-10, err_msg=name)
    np.testing.assert_allclose(parts.critical, whole.critical, rtol=1e-6)
    assert parts.df == whole.df


@pytest.mark.parametrize("name", ["kernel_shap", "lime", "banzhaf"])
def test_the_size_of_a_block_is_rounding_only(monkeypatch, name):
    found = table(METHODS[name], 20, 300)
    some = [concluded(monkeypatch, METHODS[name], found, at_once) for at_once in (20, 333, 2000)]
    for one in some[1:]:
        np.testing.assert_allclose(one.values, some[0].values, atol=1e-12 * found.scale.max(), rtol=0)
        np.testing.assert_allclose(one.stderr, some[0].stderr, rtol=1e-12)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("two", [False, True], ids=["rows", "pairs"])
def test_the_errors_of_blocks_are_those_of_all_deviations(monkeypatch, seed, two):
    # strata of one pair, which borrow, of a few and of many; some drawn whole; half of the time a walk
    rng = np.random.default_rng(seed)
    n_players, counts = 12, rng.permutation([1, 1, 2, 5, 60, 0])
    stratum = rng.permutation(np.repeat(np.arange(1, 7), counts))
    n, weight = len(stratum), rng.random(len(stratum)) + 0.1
    population = np.concatenate([[1.0], np.maximum(counts, 1) * rng.choice([1.0, 1.5, 100.0], 6)])
    walk = (rng.random(n) < 0.2) & bool(seed % 2)
    clusters = Clusters(stratum, population, walk, False, None, population)
    z, each = rng.random(((1 + two) * n, n_players)) < 0.5, rng.normal(size=(1 + two) * n)
    inverse = np.cov(rng.normal(size=(n_players, 40)))
    gain = blocks.Gain(blocks.Columns(z, rng.random(n_players)), each, inverse)
    residuals, first = rng.normal(size=len(z)), 2 * np.arange(n) if two else None
    dense = gain[np.arange(len(z))]
    scores = dense * residuals[:, None]
    moved = clusters.deviations(scores if first is None else scores[::2] + scores[1::2], weight)
    expected = moved.T @ moved
    for at_once, one in ((1, gain), (100, gain), (1 << 20, gain), (1 << 20, dense)):
        monkeypatch.setattr(blocks, "BLOCK", at_once)
        fit = LinearFit(one, weight, first, clusters, 1.0)
        several = np.column_stack([residuals, 3.0 * residuals])
        for k, found in enumerate(fit.covariances(several)):
            np.testing.assert_allclose(found, 9.0**k * expected, atol=9.0**k * 1e-12 * np.abs(expected).max(), rtol=0)
        np.testing.assert_allclose(fit.variances(several)[1], 9.0 * np.diag(expected), rtol=1e-10)


def test_rows_that_do_not_stand_apart_are_factored_themselves(monkeypatch):
    # weights of lime's own draws that span 16 digits: normal equations would lose the light rows
    rng = np.random.default_rng(0)
    found = table(px.Lime(), 8, 120)
    weight = np.where(rng.random(len(found.values)) < 0.05, 1.0, 1e-16)
    own = replace(found, weight=weight, groups=None)
    whole, parts = (concluded(monkeypatch, px.Lime(), own, at_once) for at_once in (1 << 30, 50))
    np.testing.assert_array_equal(parts.values, whole.values)


def peak(method, n_players, budget):
    """Bytes that a conclusion holds at its peak beside the table."""
    found = replace(table(method, n_players, budget, n_outputs=1), groups=None)
    tracemalloc.start()
    try:
        method.estimate(found)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["lime", "lime, ridge", "lime, narrowest", "kernel_shap", "banzhaf", "rise", "rise, plain"])
def test_beside_its_table_a_fit_holds_blocks_only(monkeypatch, name):
    monkeypatch.setattr(blocks, "BLOCK", 1 << 15)
    n_players, few, many = 200, 2000, 8000
    peak(METHODS[name], n_players, few)  # what is loaded once
    grown = peak(METHODS[name], n_players, many) - peak(METHODS[name], n_players, few)
    assert grown < 0.2 * 8 * n_players * (many - few)  # a copy of the table's signs is an eighth of their floats


@pytest.mark.parametrize("name", ["lime", "kernel_shap"])
def test_a_draw_of_coalitions_holds_blocks_only(monkeypatch, name):
    monkeypatch.setattr("perturbxai.sampling.coalitions.SPANNED_AT_ONCE", 1 << 15)
    peaks = []
    for budget in (2000, 2000, 8000):
        tracemalloc.start()
        try:
            draw_design([METHODS[name].law(200)], 200, budget, np.random.default_rng(0))
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[2] - peaks[1] < 0.5 * 8 * 200 * 6000


def test_a_long_draw_that_does_not_span_is_seen_not_to(monkeypatch):
    monkeypatch.setattr("perturbxai.sampling.coalitions.SPANNED_AT_ONCE", 100)
    z = np.random.default_rng(0).random((300, 12)) < 0.5
    assert _spans(z)
    z[:, 3] = z[:, 7]
    assert not _spans(z)


@pytest.mark.parametrize("method", ["lime", "kernel_shap", "banzhaf", "rise"])
def test_an_explanation_of_many_players_holds_its_table_and_blocks(method):
    # 350 players and 24,000 coalitions: an array of them is 67 MB of floats, 8 MB of signs. Two inputs share a design
    n_players, budget = 350, 24_000
    slopes = np.random.default_rng(0).normal(size=n_players)
    space, x = px.TabularSpace(np.zeros((1, n_players))), np.ones((2, n_players))
    x[1] = 2.0
    predictor = px.Predictor(lambda rows: np.tanh(rows @ slopes / 20.0), batch_size=500)
    tracemalloc.start()
    try:
        result = px.explain(method, predictor, space, x, budget=budget, seed=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.isfinite(result[method].stderr).all()
    assert peak < 8 * budget * n_players


@pytest.mark.parametrize(
    ("n_players", "budget"), [(150, 7000), pytest.param(300, 14_000, marks=pytest.mark.slow), (800, 3400)]
)
@pytest.mark.parametrize("name", ["lime", "kernel_shap", "kernel_shap, trees", "banzhaf", "rise", "rise, plain"])
def test_what_a_fit_says_it_holds_is_what_it_holds(name, n_players, budget):
    method = (METHODS | {"kernel_shap, trees": px.KernelShap(surrogate="trees")})[name]
    beside = 8 * 16 * blocks.BLOCK  # blocks, and the columns of trees
    held = peak(method, n_players, budget)
    assert held < 8 * n_players * budget * method.arrays_held(n_players, budget, on_cells=False) + beside
