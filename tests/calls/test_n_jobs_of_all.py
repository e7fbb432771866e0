"""Every call that takes n_jobs finds, counts, tells and keeps with several workers what it does with one."""

from __future__ import annotations

import os
import threading
import warnings

import joblib
import numpy as np
import pytest
from alike import TIMED, assert_same

import perturbxai as px
from perturbxai.calls import crew, workers

RNG = np.random.default_rng(0)
X = np.column_stack([RNG.normal(size=(60, 3)), RNG.integers(0, 4, size=60)])
SPACE = px.TabularSpace(X, background=8)
PHOTOS = [RNG.random((12, 16 + 4 * (n % 2), 3)).astype(np.float32) for n in range(3)]
PHOTOS.insert(2, PHOTOS[0])  # one comes twice
OF_PHOTOS = px.ImageSpace(segments="grid", n_segments=6, fill=0)
HERE = os.getpid()


@pytest.fixture(autouse=True)
def _everything_is_worth_sending(monkeypatch):
    monkeypatch.setattr(crew, "SECONDS_A_PART", 1e-12)
    monkeypatch.setattr(crew, "FEW", 0)


def of_rows(before=len):
    """A model that workers get as it is, and not by the name of this module."""

    def model(rows):
        before(rows)
        return np.tanh(rows[:, 0] + rows[:, 1] * rows[:, 2]) + rows[:, 3] ** 2

    return model


def of_pictures(before=len):
    def model(photos):
        before(photos)
        return np.tanh(photos[:, :6].mean(axis=(1, 2)) + photos[:, :, 3:5, 1].max(axis=(1, 2))[:, None])

    return model


def table_effects(model, n_jobs=None):
    features = [0, 3, (0, 1)]
    return px.effects(["pdp", px.Ice(ice_rows=9), "ale"], model, SPACE, X, features=features, grid=6, by=3, n_jobs=n_jobs)


def photo_effects(model, n_jobs=None):
    return px.effects(["pdp", "ice", "ale"], model, OF_PHOTOS, PHOTOS[0], grid=4, n_jobs=n_jobs)


def h_statistic(model, n_jobs=None):
    return px.h_statistic(model, SPACE, X, data_rows=30, top=3, n_jobs=n_jobs)


def one_photo(model, n_jobs=None):
    return px.explain(
        ["kernel_shap", "permutation_shap", "rise_smooth"], model, OF_PHOTOS, PHOTOS[1], budget=50, n_jobs=n_jobs
    )


def few_rows(model, n_jobs=None):
    return px.explain(["kernel_shap", "ale"], model, SPACE, X[:3], n_jobs=n_jobs)


FOUND = px.explain(["lime", "pdp"], px.Predictor(of_rows()), SPACE, X[:4])
SEEN = px.explain(["lime", "occlusion"], px.Predictor(of_pictures()), OF_PHOTOS, PHOTOS[:2], budget=30)


def table_compare(model, n_jobs=None):
    return px.compare(FOUND, model, SPACE, n_jobs=n_jobs)


def photo_compare(model, n_jobs=None):
    return px.compare(SEEN, model, OF_PHOTOS, fills=[0, "mean"], n_jobs=n_jobs)


def controls(model, n_jobs=None):
    return px.baselines(["random", "centre"], model, OF_PHOTOS, PHOTOS, n_jobs=n_jobs)


CALLS = {
    table_effects: of_rows, h_statistic: of_rows, few_rows: of_rows, table_compare: of_rows,
    photo_effects: of_pictures, one_photo: of_pictures, photo_compare: of_pictures, controls: of_pictures,
}  # fmt: skip


@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_results_and_what_they_cost_are_the_same_to_the_bit(call, backend):
    one, several = (px.Predictor(CALLS[call](), batch_size=16) for _ in range(2))
    alone = call(one)
    with joblib.parallel_config(backend=backend):
        assert_same(call(several, 2), alone)
    assert (several.rows, several.plan) == (one.rows, one.plan)
    assert several.seconds > 0


def test_large_arrays_of_a_question_are_read_where_they_are_mapped():
    data = RNG.normal(size=(900, 160))  # more than a megabyte
    found = [
        px.effects(
            ["pdp", "ale"], px.Predictor(of_rows()), px.TabularSpace(data), data, features=[1, 2], grid=5, n_jobs=n_jobs
        )
        for n_jobs in (1, 2)
    ]
    assert_same(*found)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_workers_ask_and_the_bar_shows_what_they_asked(call):
    asked, shown = {}, []
    note = lambda rows: asked.setdefault(threading.get_ident(), []).append(len(rows))  # noqa: E731
    predictor = px.Predictor(CALLS[call](note), progress=lambda done, total: shown.append((done, total)))
    with joblib.parallel_config(backend="threading", n_jobs=2):
        call(predictor)
    assert len(asked) > 1
    assert shown[-1] == (predictor.rows, predictor.rows) == (sum(map(sum, asked.values())),) * 2
    assert [done for done, _ in shown] == sorted(done for done, _ in shown)


def test_a_row_that_is_at_fault_is_told_by_its_number_in_the_request():
    def undefined(rows):
        return np.where(rows[:, 0] == 777.0, np.nan, rows[:, 0])

    data, told = X.copy(), []
    data[40, 0] = 777.0
    for n_jobs in (1, 2):
        with joblib.parallel_config(backend="threading"), pytest.raises(px.ModelError) as caught:
            px.effects("pdp", px.Predictor(undefined), SPACE, data, features=[1], grid=6, n_jobs=n_jobs)
        told.append((str(caught.value), caught.value.row, caught.value.__notes__))
    assert told[0] == told[1] and "at row 40 of x" in told[0][2][0]


def test_warnings_of_workers_come_once():
    here = HERE

    def warns(_rows):
        if os.getpid() != here:
            warnings.warn("rows are odd", UserWarning, stacklevel=1)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        table_effects(px.Predictor(of_rows(warns), batch_size=64), 2)
    assert [str(one.message) for one in caught if one.category is UserWarning] == ["rows are odd"]


def test_an_interruption_keeps_what_came():
    def stop(done, total):
        if done > 1 and done > 3 * total // 4:
            raise KeyboardInterrupt

    with joblib.parallel_config(backend="threading"), pytest.raises(KeyboardInterrupt) as caught:
        table_effects(px.Predictor(of_rows(), batch_size=8, progress=stop), 2)
    # which of them came depends on which worker was the faster
    partial, whole = caught.value.partial, table_effects(px.Predictor(of_rows()))
    kept = [(method, feature) for method, found in partial.items() for feature in found]
    assert kept
    for method, feature in kept:
        np.testing.assert_allclose(partial[method][feature].values, whole[method][feature].values, atol=1e-12)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_numbers_of_workers_that_are_none_are_refused_before_the_model_is_asked(call):
    predictor = px.Predictor(CALLS[call]())
    with pytest.raises(ValueError, match="n_jobs=0 must be a whole number of workers"):
        call(predictor, 0)
    assert predictor.rows == 0


def test_what_is_not_worth_sending_is_asked_here(monkeypatch):
    monkeypatch.setattr(crew, "SECONDS_A_PART", 60.0)
    monkeypatch.setattr(workers, "spread", None)  # would fail
    table_effects(px.Predictor(of_rows()), 2)


def test_the_first_rows_of_a_table_are_asked_here_and_tell_the_pace(monkeypatch):
    monkeypatch.setattr(crew, "FEW", 1000)
    here, asked = threading.get_ident(), []
    predictor = px.Predictor(of_rows(lambda rows: asked.append((threading.get_ident() == here, len(rows)))))
    with joblib.parallel_config(backend="threading"):
        table_effects(predictor, 2)
    assert sum(n for own, n in asked if own) == 1 + 1000 and sum(n for _, n in asked) == predictor.rows


def test_the_crew_is_gone_when_a_call_ends_or_fails():
    predictor = px.Predictor(of_rows())
    with crew.asked_by(predictor, 2):
        assert predictor._crew is not None and predictor.apart()._crew is None
    assert predictor._crew is None
    with pytest.raises(KeyError), crew.asked_by(predictor, 2):
        raise KeyError
    assert predictor._crew is None


def failing(model, at):
    """A model that fails in the batch that has a row or picture."""

    def stop(rows):
        if any(np.array_equal(row, at) for row in rows):
            raise LookupError("no such place")

    return model(stop)


def row_in_the_middle(call):
    """What the model is asked in the middle of a call."""
    rows = []
    call(px.Predictor(CALLS[call](lambda batch: rows.extend(np.array(batch)))))
    return rows[2 * len(rows) // 3]


# an error stops processes, which the next call has to start again: one call stands for all
@pytest.mark.parametrize(("call", "backend"), [*((call, "threading") for call in CALLS), (table_effects, "loky")])
def test_a_failure_keeps_what_it_keeps_in_one_process(call, backend):
    at, kept = row_in_the_middle(call), []
    for n_jobs in (1, 2):
        predictor = px.Predictor(failing(CALLS[call], at), batch_size=1)
        with joblib.parallel_config(backend=backend), pytest.raises(LookupError, match="no such place") as caught:
            call(predictor, n_jobs)
        kept.append(caught.value.partial)
    told = "\n".join(getattr(caught.value, "__notes__", ()))
    assert backend == "threading" or "in a worker:\nTraceback" in told
    # rows behind the failure may have been asked too
    assert_same(*reversed(kept), without=TIMED | {"rows", "call_rows", "call"})
