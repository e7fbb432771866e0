"""stderr_background: the error that a drawn background adds to values from coalitions, and from single cells."""

from __future__ import annotations

import numpy as np
import pytest

import perturbxai as px
from perturbxai.core.evaluations import Evaluations
from perturbxai.estimation.coalitions.background_error import coalition_noise
from perturbxai.estimation.coalitions.pair_fit import PairFit
from perturbxai.estimation.coalitions.slopes import Slopes
from perturbxai.sampling import laws
from perturbxai.sampling.coalitions import draw_design

RNG = np.random.default_rng(5)
X = RNG.standard_t(6, (400, 8)) + RNG.normal(size=(400, 1))
SLOPES = np.array([1.0, -2.0, 0.5, 0.0, 3.0, -1.0, 0.7, 0.2])
ON_TABLES = ("kernel_shap", "lime", "banzhaf")


def linear(rows):
    return np.column_stack([rows @ SLOPES + 5.0, rows[:, 0] - rows[:, 4]])


def crossed(rows):
    jump = 2.0 * (rows[:, 2] > 0) * (rows[:, 3] > -0.5)
    return rows[:, 0] * rows[:, 1] + jump + np.sin(rows[:, 4]) + rows[:, 5] * rows[:, 6]


def explained(methods, model, space, x, **asked):
    return px.explain(list(methods), px.Predictor(model), space, x, seed=0, **asked)


@pytest.mark.parametrize("method", ["exact_shap", *ON_TABLES])
def test_it_is_the_spread_of_the_values_on_single_rows(method):
    space = px.TabularSpace(X, background=12)
    found = explained([method], crossed, space, X[:2], budget=256)[method]
    alone = [px.TabularSpace(row[None]) for row in space.background]
    single = [explained([method], crossed, one, X[:2], budget=256)[method].values for one in alone]
    expected = np.std(single, axis=0, ddof=1) / np.sqrt(12)
    np.testing.assert_allclose(found.stderr_background, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", ON_TABLES)
@pytest.mark.parametrize("asked", [{"budget": 60}, {"rows": 1500}], ids=["coalitions", "cells"])
def test_on_a_linear_model_it_is_that_of_the_columns_means(method, asked):
    space = px.TabularSpace(X, background=20)
    found = explained([method], linear, space, X[:2], **asked)[method]
    deviation = space.background.std(axis=0, ddof=1) / np.sqrt(20)
    expected = np.column_stack([np.abs(SLOPES), np.eye(8)[0] + np.eye(8)[4]]) * deviation[:, None]
    np.testing.assert_allclose(found.stderr_background, np.tile(expected, (2, 1, 1)), rtol=1e-6, atol=1e-7)


def test_one_player_errs_as_the_mean_of_nothing_does():
    space = px.TabularSpace(X[:, :1], background=15)
    found = explained(["kernel_shap", "lime"], lambda rows: rows[:, 0] ** 3, space, X[:1, :1])
    expected = (space.background**3).std(ddof=1) / np.sqrt(15)
    for one in found.values():
        np.testing.assert_allclose(one.stderr_background, [[[expected]]], rtol=1e-10)


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("method", ["exact_shap", "banzhaf", "kernel_shap", "occlusion", "lime"])
def test_one_column_alone_is_a_table_without_a_coalition_to_draw(method, n_outputs):
    X = np.random.default_rng(1).normal(size=(30, 1))
    predictor = px.Predictor(lambda rows: rows[:, :1] ** np.arange(1, n_outputs + 1))
    space = px.TabularSpace(X, background=10)
    found = px.explain(method, predictor, space, X[:2])[method]
    np.testing.assert_allclose(found.values[:, 0], found.prediction - found.base, atol=1e-12)
    expected = predictor(space.background).std(axis=0, ddof=1) / np.sqrt(10)
    np.testing.assert_allclose(found.stderr_background, np.tile(expected, (2, 1, 1)), rtol=1e-10)


@pytest.mark.parametrize("asked", [{"budget": 80}, {"rows": 1200}], ids=["coalitions", "cells"])
def test_a_background_that_was_not_drawn_adds_none(asked):
    space = px.TabularSpace(X[:40], background="all")
    for one in explained(ON_TABLES, crossed, space, X[:1], **asked).values():
        assert one.stderr_background is None


def test_it_does_not_change_the_values_or_their_own_errors():
    space = px.TabularSpace(X, background=30)
    with_all = px.TabularSpace(space.background, background="all")
    for method in ON_TABLES:
        apart = explained([method], crossed, space, X[:2], budget=80)[method]
        none = explained([method], crossed, with_all, X[:2], budget=80)[method]
        np.testing.assert_allclose(apart.values, none.values, atol=1e-12)
        np.testing.assert_allclose(apart.stderr, none.stderr, rtol=1e-9, atol=1e-12)


def test_it_comes_with_every_look_of_a_tolerance():
    def triples(rows):
        return np.tanh(rows[:, 0] * rows[:, 1] * rows[:, 2]) + np.maximum(rows[:, 3:6].max(axis=1), rows[:, 6] * rows[:, 7])

    space = px.TabularSpace(X, background=30)
    found = explained(["kernel_shap"], triples, space, X[:3], budget=240, tol=0.05)["kernel_shap"]
    assert max(one.meta["stages"] for one in found) > 1
    fixed = explained(["kernel_shap"], triples, space, X[:3], budget=240)["kernel_shap"]
    live = fixed.stderr_background > 0.05 * fixed.stderr_background.max()
    np.testing.assert_allclose(found.stderr_background[live], fixed.stderr_background[live], rtol=0.3)  # fewer coalitions


def test_beyond_twenty_outputs_it_is_left_out():
    space = px.TabularSpace(X, background=10)
    model = px.Predictor(lambda rows: np.repeat(rows[:, :1], 21, axis=1))
    assert px.explain("lime", model, space, X[:1], outputs=list(range(21)))["lime"].stderr_background is None


@pytest.mark.parametrize("budget", [30, 120])
def test_the_noise_of_many_outputs_is_that_of_one_after_the_other(budget):
    law = laws.shapley(12)
    rng = np.random.default_rng(1)
    design = draw_design([law], 12, budget, rng)
    values = rng.normal(size=(len(design.z), 5))
    table = Evaluations(design, values, values[0], values[1])
    fit = PairFit.of(law, design)
    residuals = values[fit.first]
    expected = np.column_stack([
        (fit.clusters.deviations(fit.gain * residuals[:, k, None], fit.weight) ** 2).sum(axis=0) for k in range(5)
    ])  # fmt: skip
    df = 1.0  # known, whatever the budget
    np.testing.assert_allclose(coalition_noise(fit.clusters, fit.gain, residuals, None, df), expected, rtol=1e-10)
    slopes = Slopes.of("test", laws.binomial(12, 0.5), 0.0, table)
    expected = []
    for k in range(5):
        scores = np.add.reduceat(slopes.gain * values[:, k, None], slopes.starts, axis=0)
        expected.append((slopes.clusters.deviations(scores, slopes.weight) ** 2).sum(axis=0))
    found = coalition_noise(slopes.clusters, slopes.gain, values, slopes.starts, df)
    np.testing.assert_allclose(found, np.column_stack(expected), rtol=1e-10)


@pytest.mark.parametrize("asked", [{"budget": 60}, {"rows": 900}], ids=["coalitions", "cells"])
def test_with_it_the_intervals_cover_what_all_rows_stand_for(asked):
    x = X[:1]
    truth = explained(["exact_shap"], crossed, px.TabularSpace(X, background="all"), x, budget=256)["exact_shap"].values
    covered, alone = [], []
    for seed in range(60):
        space = px.TabularSpace(X, background=15, seed=seed)
        one = px.explain("kernel_shap", px.Predictor(crossed), space, x, seed=seed, **asked)["kernel_shap"]
        miss = np.abs(one.values - truth)[0, :7, 0]
        covered.append(miss <= 2.1 * np.hypot(one.stderr, one.stderr_background)[0, :7, 0])
        alone.append(miss <= 2.1 * one.stderr[0, :7, 0])
    assert 0.89 <= np.mean(covered) <= 0.985  # 420 of them, dependent within a draw
    assert np.mean(alone) < 0.8


def test_where_each_row_has_one_pair_it_is_rather_too_large():
    covered = []
    x = X[:1]
    truth = explained(["exact_shap"], crossed, px.TabularSpace(X, background="all"), x, budget=256)["exact_shap"].values
    for seed in range(40):
        space = px.TabularSpace(X, background=100, seed=seed)
        one = px.explain("kernel_shap", px.Predictor(crossed), space, x, seed=seed, rows=150)["kernel_shap"]
        covered.append(np.abs(one.values - truth)[0, :7, 0] <= 2.1 * np.hypot(one.stderr, one.stderr_background)[0, :7, 0])
    assert np.mean(covered) >= 0.93
