"""Comparisons by steps: what `compare` finds, whatever was found before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from kept_steps import Killed, Notebook

import perturbxai as px
from perturbxai.calls import steps
from perturbxai.calls.compare import compare_in_turn

TABLES = ("scores", "curves", "agreement", "fill_spread")
METRICS = ("faithfulness", "srg", "spearman")
METHODS = ["lime", "kernel_shap"]


def pictures():
    """Two sizes, and one of them twice."""
    rng = np.random.default_rng(0)
    found = [rng.random((*size, 3)).astype(np.float32) for size in ((8, 8), (12, 8), (8, 8))]
    return [*found, found[0]]


def model(batch):
    """Answers that hang on their batch, as a network's do."""
    found = np.stack([batch[:, :4].mean(axis=(1, 2, 3)), batch[:, 4:, :5].mean(axis=(1, 2, 3)) ** 2], axis=1)
    return found * (1.0 + 1e-9 * len(batch))


@pytest.fixture(scope="module")
def of_pictures():
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    results = px.explain(METHODS, px.Predictor(model, batch_size=8), space, pictures(), budget=16)

    def compare(step, model=model):
        predictor = px.Predictor(model, batch_size=8)
        given = {"metrics": METRICS, "fills": [0, "mean"], "seed": 3, "n_jobs": None}
        if step is None:
            return px.compare(results, predictor, space, **given)
        return compare_in_turn(results, predictor, space, step, **given)

    return compare


@pytest.fixture
def of_table(monkeypatch):
    monkeypatch.setattr(steps, "ROWS_A_STEP", 2)
    X = np.random.default_rng(0).normal(size=(20, 5))
    space, predictor = px.TabularSpace(X, background=6), px.Predictor(lambda rows: np.tanh(rows @ np.arange(5.0)))
    results = px.explain(METHODS, predictor, space, X[:5], budget=20)

    def compare(step):
        given = {"metrics": METRICS, "seed": 3, "n_jobs": None}
        if step is None:
            return px.compare(results, predictor, space, **given)
        return compare_in_turn(results, predictor, space, step, **given)

    return compare


def assert_alike(one, other, **how):
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), **how)


@pytest.mark.parametrize("of", ["of_pictures", "of_table"])
def test_scores_by_steps_are_those_of_one_call(of, request):
    compare = request.getfixturevalue(of)
    assert_alike(compare(steps.straight), compare(None), rtol=0, atol=1e-6)


@pytest.mark.parametrize("of", ["of_pictures", "of_table"])
def test_whatever_was_found_before_the_scores_are_the_same_to_the_bit(of, request):
    compare, whole = request.getfixturevalue(of), Notebook()
    undisturbed = compare(whole)
    assert len(whole.kept) == {"of_pictures": 6, "of_table": 3}[of]
    for n_kept in range(len(whole.kept) + 1):
        later = whole.first(n_kept)
        assert_alike(compare(later), undisturbed, check_exact=True)
        assert later.worked == list(whole.kept)[n_kept:]


@pytest.mark.parametrize("times", [2, 5])
def test_inputs_that_are_the_same_are_asked_once_and_so_is_the_background(times, monkeypatch):
    monkeypatch.setattr(steps, "ROWS_A_STEP", 2)
    X = np.random.default_rng(0).normal(size=(20, 5))
    space, predictor = px.TabularSpace(X, background=6), px.Predictor(lambda rows: np.tanh(rows @ np.arange(5.0)))
    asked = []
    for x in (X[:3], np.tile(X[:3], (times, 1))):
        results = px.explain(METHODS, predictor, space, x, budget=20)
        before = predictor.rows
        found = compare_in_turn(results, predictor, space, steps.straight, metrics=METRICS, seed=3, n_jobs=None)
        asked.append(predictor.rows - before)
        assert len(found.scores) == len(x) * len(METHODS) * 2
    assert asked[0] == asked[1]
    before = predictor.rows
    px.compare(results, predictor, space, metrics=METRICS, seed=3)
    assert asked[1] - (predictor.rows - before) == 1  # the first row, which tells how many outputs there are


def test_a_kill_costs_the_scores_of_one_picture_under_one_fill(of_pictures):
    asked = []

    def counted(batch):
        asked.append(len(batch))
        return model(batch)

    whole, stopped = Notebook(), Notebook(killed_at=5)
    of_pictures(whole, counted)
    everything = sum(asked)
    with pytest.raises(Killed):
        of_pictures(stopped, counted)
    asked.clear()
    assert_alike(of_pictures(Notebook(stopped.kept), counted), of_pictures(whole), check_exact=True)
    assert 0 < sum(asked) <= everything / 4


def test_other_maps_are_not_scored_by_what_was_kept(of_pictures):
    whole = Notebook()
    of_pictures(whole)
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    other = px.explain(["lime"], px.Predictor(model, batch_size=8), space, pictures(), budget=14, seed=8)
    again = Notebook(whole.kept)
    compare_in_turn(other, px.Predictor(model, batch_size=8), space, again, metrics=["srg"], seed=3, n_jobs=None)
    assert len(again.worked) == 3


def test_a_model_that_fails_keeps_the_scores_before(of_pictures):
    def fails(batch):
        if batch.shape[1] == 12:
            raise ConnectionError("reset by peer")
        return model(batch)

    with pytest.raises(ConnectionError) as stopped:
        of_pictures(steps.straight, fails)
    scores = stopped.value.partial.scores
    assert set(scores.row) == {0, 3} and set(scores.scored_fill) == {"constant 0", "mean"}


def test_maps_that_are_only_compared_with_each_other_are_no_step():
    X = np.random.default_rng(0).normal(size=(20, 5))
    space, predictor = px.TabularSpace(X, background=6), px.Predictor(lambda rows: rows @ np.arange(5.0))
    results, none = px.explain(METHODS, predictor, space, X[:2], budget=20), Notebook()
    found = compare_in_turn(results, predictor, space, none, metrics=["spearman"], seed=0, n_jobs=None)
    assert not none.kept and len(found.agreement) == 2


@pytest.mark.parametrize("kind", ["rows of a table", "pictures"])
def test_maps_that_are_made_again_go_on_where_they_were_stopped(kind):
    if kind == "pictures":
        x, space = pictures()[:2], px.ImageSpace(segments="grid", n_segments=4, fill=0)
        predictor, metrics = px.Predictor(model, batch_size=8), ["max_sensitivity", "faithfulness", "road"]
        results = px.explain(METHODS, predictor, space, x, budget=16)
    else:
        X = np.random.default_rng(0).normal(size=(20, 5))
        x, space, metrics = X[:3], px.TabularSpace(X, background=6), ["lipschitz", "faithfulness"]
        predictor = px.Predictor(lambda rows: np.tanh(rows @ np.arange(5.0)))
        results = px.explain(METHODS, predictor, space, x, budget=20)

    def compare(step):
        return compare_in_turn(results, predictor, space, step, metrics=metrics, seed=3, n_jobs=None)

    whole = Notebook()
    undisturbed = compare(whole)
    for n_kept in range(0, len(whole.kept) + 1, 3):
        later = whole.first(n_kept)
        assert_alike(compare(later), undisturbed, check_exact=True)
        assert later.worked == list(whole.kept)[n_kept:]
    assert_alike(px.compare(results, predictor, space, metrics=metrics, seed=3), undisturbed, rtol=0, atol=1e-6)
