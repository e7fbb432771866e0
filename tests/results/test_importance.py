"""Global importance: the mean size of values, the noise of rows apart from that of estimates, and the bias of noise."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import recorders
from explanations import one
from scipy import stats

import perturbxai as px
from perturbxai.results.importance import folded


def result(values, stderr, **meta):
    """An Attribution of values (N, P) with errors of that deviation."""
    values = np.atleast_2d(values)
    stderr = np.broadcast_to(stderr, values.shape)
    names = tuple(f"x{p}" for p in range(values.shape[1]))
    first = one(values.shape[1], 1)
    numbers = zip(values, stderr, strict=True)
    rows = [replace(first, values=v[:, None], stderr=s[:, None], names=names) for v, s in numbers]
    return px.Attribution(tuple(rows), {"name": "mine"} | meta)


def test_importance_is_the_mean_size_over_rows():
    found = px.importance(result([[1.0, -2.0], [-3.0, 0.0]], 1e-15))
    np.testing.assert_allclose(found.values[:, 0], [2.0, 1.0])
    np.testing.assert_allclose(found.corrected, found.values, atol=1e-14)


@pytest.mark.parametrize("value", [0.0, 0.3, -1.0, 2.5, 40.0])
def test_mean_and_variance_of_a_folded_normal_are_scipy_s(value):
    mean, variance = folded(value, 0.5)
    theirs = stats.foldnorm(abs(value) / 0.5, scale=0.5)
    assert mean == pytest.approx(theirs.mean(), rel=1e-12) and variance == pytest.approx(theirs.var(), rel=1e-6)


CASES = {
    "nothing": lambda rng, shape: 0.0 * rng.random(shape),
    "one size": lambda rng, shape: 1.0 + 0.0 * rng.random(shape),
    "two signs": lambda rng, shape: rng.choice([-1.0, 1.0], shape),
    "normal": lambda rng, shape: rng.normal(size=shape),
    "mostly nothing": lambda rng, shape: rng.normal(size=shape) * (rng.random(shape) < 0.2),
}
REPETITIONS = 1000  # as so many features


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("error", [0.3, 1.0])
def test_taking_off_the_bias_brings_the_value_nearer_to_the_truth(case, error):
    rng = np.random.default_rng(0)
    true = case(rng, (50, REPETITIONS))
    found = px.importance(result(true + error * rng.normal(size=true.shape), error))
    truth = np.abs(true).mean(axis=0)
    missed, corrected = found.values[:, 0] - truth, found.corrected[:, 0] - truth
    # a feature that does nothing keeps .59 of its bias
    assert abs(corrected.mean()) < max(0.61 * abs(missed.mean()), 0.01)
    assert np.sqrt(np.mean(corrected**2)) < 1.03 * np.sqrt(np.mean(missed**2))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_both_errors_are_those_of_a_repetition(case):
    """The estimates' error over repeated errors on the same rows; both together over repeated rows."""
    rng = np.random.default_rng(1)
    n_rows, error = 60, 0.4
    errors = error * rng.normal(size=(n_rows, REPETITIONS))
    kept = px.importance(result(case(rng, (n_rows, 1)) + errors, error))
    fresh = px.importance(result(case(rng, (n_rows, REPETITIONS)) + errors, error))
    # the folded variance is larger at a noisy value than at zero: a third too much at most, never too little
    assert 0.93 * np.std(kept.values) < kept.stderr_estimate.mean() < 1.4 * np.std(kept.values)
    assert 0.93 * np.std(fresh.values) < fresh.stderr.mean() < 1.4 * np.std(fresh.values)


@pytest.mark.parametrize("case", ["one size", "two signs", "normal"])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_cover_the_importance_over_all_rows(case, level):
    rng = np.random.default_rng(2)
    truth = np.abs(CASES[case](rng, 1_000_000)).mean()
    true = CASES[case](rng, (80, REPETITIONS))
    low, high = px.importance(result(true + 0.15 * rng.normal(size=true.shape), 0.15)).interval(level)
    covered = ((low <= truth) & (truth <= high)).mean()
    assert level - 0.03 < covered < min(level + 0.06, 0.995)


def test_an_interval_never_goes_below_zero_and_needs_a_level():
    found = px.importance(result([[0.1, 0.0], [0.0, 0.2]], 0.3))
    assert (found.interval()[0] >= 0).all()
    with pytest.raises(ValueError, match="level=95"):
        found.interval(95)


@pytest.mark.slow
def test_twenty_coalitions_a_row_tell_the_importance_over_thousands_of_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 8))

    def model(rows):
        return np.sin(2 * rows[:, 0]) + rows[:, 1] * rows[:, 2] + np.maximum(rows[:, 3], rows[:, 4]) + 0.1 * rows[:, 5]

    predictor, space = px.Predictor(model), px.TabularSpace(X, background=10)
    exact = px.importance(px.explain(["exact_shap"], predictor, space, X, budget=256)["exact_shap"])
    found = px.importance(px.explain(["kernel_shap"], predictor, space, X, budget=20)["kernel_shap"])
    # on the same rows only the estimates' error is between them, and what is left of the bias of their noise
    apart = np.abs(found.corrected - exact.values)[:, 0]
    assert (apart < 3.0 * found.stderr_estimate[:, 0] + 0.5 * found.bias[:, 0] + 1e-9).all()
    low, high = found.interval()
    assert ((low <= exact.values) & (exact.values <= high))[:6].all()


def test_exact_values_have_the_noise_of_rows_alone():
    values = np.random.default_rng(0).normal(size=(40, 2))
    found = px.importance(result(values, 1e-15))
    np.testing.assert_allclose(found.stderr_rows[:, 0], np.abs(values).std(axis=0, ddof=1) / np.sqrt(40), rtol=1e-9)
    assert (found.stderr_estimate < 1e-14).all()


def test_rows_that_are_alike_have_the_noise_of_estimates_alone():
    rng = np.random.default_rng(0)
    found = px.importance(result(5.0 + 0.2 * rng.normal(size=(2000, 1)), 0.2))
    assert found.stderr_estimate[0, 0] == pytest.approx(0.2 / np.sqrt(2000), rel=1e-3)
    assert found.stderr_rows[0, 0] < 0.3 * found.stderr_estimate[0, 0]


def test_a_larger_budget_mends_one_error_and_more_rows_the_other():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 14))
    predictor = px.Predictor(lambda X: X[:, 0] * X[:, 1] * X[:, 2] + np.abs(X[:, 3:]).sum(axis=1) * X[:, 4])
    space = px.TabularSpace(X, background=5)

    def found(n_rows, budget):
        return px.importance(px.explain("kernel_shap", predictor, space, X[:n_rows], budget=budget)["kernel_shap"])

    few, more_budget, more_rows = found(20, 40), found(20, 640), found(80, 640)
    assert (more_budget.stderr_estimate < 0.5 * few.stderr_estimate).all()
    assert np.median(more_rows.stderr_rows / more_budget.stderr_rows) == pytest.approx(0.5, abs=0.15)


def test_errors_that_rows_have_in_common_do_not_average_out():
    values = 5.0 + np.zeros((100, 1))
    alone, common = px.importance(result(values, 0.3)), px.importance(result(values, 0.3, errors_in_common=True))
    assert not alone.common_errors and common.common_errors
    assert alone.stderr_estimate[0, 0] == pytest.approx(0.03) and common.stderr_estimate[0, 0] == pytest.approx(0.3)


def test_ale_reads_all_rows_off_one_curve():
    space, x = recorders.table()
    found = px.explain(["ale", "kernel_shap"], px.Predictor(recorders.of_table), space, x, budget=60)
    assert {name: one.common_errors for name, one in px.importance(found).items()} == {"ale": True, "kernel_shap": False}


def test_one_row_says_nothing_of_other_rows():
    found = px.importance(result([[1.0, 2.0]], 0.1))
    assert np.isinf(found.stderr_rows).all() and np.isinf(found.stderr).all() and np.isfinite(found.stderr_estimate).all()


def test_unknown_errors_stay_unknown():
    values = np.random.default_rng(0).normal(size=(30, 1))
    found = px.importance(result(values, np.inf))
    assert np.isinf(found.stderr_estimate).all() and np.isnan(found.corrected).all() and np.isnan(found.bias).all()
    assert found.stderr_rows[0, 0] == pytest.approx(np.abs(values).std(ddof=1) / np.sqrt(30))


def test_the_frame_has_a_line_for_each_feature_and_output():
    space, x = recorders.table()
    predictor = px.Predictor(recorders.of_table, outputs=["first", "second"])
    found = px.importance(px.explain("lime", predictor, space, x, budget=45))["lime"]
    frame = found.to_frame()
    assert list(frame) == [
        "method", "feature", "output", "importance", "corrected", "bias", "stderr_rows", "stderr_estimate", "stderr",
        "low", "high",
    ]  # fmt: skip
    assert len(frame) == 12 and set(frame.method) == {"lime"} and set(frame.output) == {"first", "second"}
    line = frame[(frame.feature == "x3") & (frame.output == "second")].iloc[0]
    assert line.importance == found.values[3, 1] and line.stderr_rows == found.stderr_rows[3, 1]


def test_an_importance_is_frozen():
    with pytest.raises(FrozenInstanceError):
        px.importance(result([[1.0]], 0.1)).values = 3


@pytest.mark.parametrize("results", [3, None, [result([[1.0]], 0.1)], {"a": 3}, "lime"])
def test_what_is_no_result_is_refused(results):
    with pytest.raises(TypeError, match="expected an Attribution, or a mapping"):
        px.importance(results)


def test_pictures_are_refused():
    space, x = recorders.pictures(2)
    found = px.baselines("random", px.Predictor(recorders.of_pictures), space, x)
    with pytest.raises(ValueError, match="superpixels of different pictures are not the same features"):
        px.importance(found)


@pytest.mark.parametrize("value", [3.0, -1e6, 0.0])
def test_a_value_without_an_error_is_its_own_size_and_does_not_warn(value):
    mean, variance = folded(value, 0.0)
    assert mean == pytest.approx(abs(value), abs=1e-300) and variance == 0.0


@pytest.mark.parametrize("n", [5, 20])
def test_rows_that_are_all_alike_in_a_feature_do_not_make_it_certain(n):
    # a jump that few rows are beyond: of most draws none is, and the mean size is the same for all
    model = px.Predictor(lambda rows: 2.0 * rows[:, 0] + 3.0 * (rows[:, 1] > 2.2))
    space = px.TabularSpace(np.random.default_rng(0).normal(size=(500, 2)), background=200)
    jump = np.abs(3.0 * (np.random.default_rng(1).normal(size=100_000) > 2.2) - 3.0 * (space.background[:, 1] > 2.2).mean())
    hits = []
    for seed in range(25):
        found = px.importance(px.explain("pdp", model, space, np.random.default_rng(50 + seed).normal(size=(n, 2)))["pdp"])
        assert found.stderr[1, 0] > 1e-3
        low, high = found.interval()
        hits.append(low[1, 0] <= jump.mean() <= high[1, 0])
    assert np.mean(hits) >= 0.9


def test_a_curve_that_is_flat_for_all_drawn_rows_may_not_be_for_few_others():
    X = np.random.default_rng(0).normal(size=(300, 2))
    found = px.importance(px.effects(["pdp", "ale"], px.Predictor(lambda rows: 2.0 * rows[:, 0]), px.TabularSpace(X), X))
    for method in found.values():
        assert method.values[1, 0] < 1e-12 and method.stderr[1, 0] == pytest.approx(3 * method.values[0, 0] / 300)


def test_a_column_with_a_single_value_has_no_error_for_no_row_would_show_more():
    X = np.column_stack([np.random.default_rng(0).normal(size=30), np.ones(30), np.r_[1.0, np.zeros(29)]])
    found = px.importance(px.explain("kernel_shap", lambda rows: rows.sum(axis=1), X, X[1:20])["kernel_shap"])
    low, high = found.interval()
    assert max(-low[1, 0], high[1, 0]) < 1e-12  # rounding
    assert high[2, 0] > 1e-3  # a row that was not explained has another value there
