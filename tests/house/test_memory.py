"""What a call holds beside its results: a batch and a bounded memo, however many rows are explained."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import recorders

import perturbxai as px
from perturbxai.core import kernels  # noqa: F401  # what is loaded here counts for no call

PLAYERS, BACKGROUND, BUDGET = 12, 10, 60


def asked(n_rows, n_outputs=1):
    """Arguments of a call about so many rows of one table."""
    rng = np.random.default_rng(0)
    data, x = rng.normal(size=(200, PLAYERS)), rng.normal(size=(n_rows, PLAYERS))
    slopes = rng.normal(size=(PLAYERS, n_outputs))
    return px.Predictor(lambda rows: np.tanh(rows @ slopes)), px.TabularSpace(data, background=BACKGROUND), x


def bytes_of_results(found):
    parts = [part for result in found.values() for one in result for part in vars(one).values()]
    return sum(part.nbytes for part in parts if isinstance(part, np.ndarray))


def beside_results(methods, n_rows):
    """Bytes at the peak of a call, less those of the arrays that it returned."""
    predictor, space, x = asked(n_rows)
    px.explain(methods, predictor, space, x[:2], budget=BUDGET)
    tracemalloc.start()
    try:
        found = px.explain(methods, predictor, space, x, budget=BUDGET)
        return tracemalloc.get_traced_memory()[1] - bytes_of_results(found)
    finally:
        tracemalloc.stop()


# without processes, which hold what they need of one input at a time and take a quarter of a second of it
FITS = [px.Lime(surrogate="none"), px.KernelShap(surrogate="none")]


@pytest.mark.parametrize(
    "methods",
    [FITS, pytest.param(["pdp", "ice", "ale"], marks=pytest.mark.slow)],
    ids=["lime, kernel_shap", "pdp, ice, ale"],
)
def test_beside_its_results_a_call_holds_no_more_for_more_rows_than_what_names_them(monkeypatch, methods):
    # small blocks, windows and memo, which 30 rows fill as 90 do
    monkeypatch.setattr("perturbxai.calls.explain_call.ROWS_AT_ONCE", 1 << 12)
    monkeypatch.setattr("perturbxai.game.table_asker.WINDOW", 1 << 12)
    monkeypatch.setattr("perturbxai.game.row_memo.MEMO_BYTES", 1 << 18)
    monkeypatch.setattr("perturbxai.game.row_memo.LEAST_ROWS", 1 << 12)
    few, many = (beside_results(methods, n_rows) for n_rows in (30, 90))
    # an input and its results are some objects, 3 kB a method; its perturbed rows alone would be 58 kB, its table 0.5 kB
    assert many - few < 60 * 3000 * (1 + len(methods))


def test_beside_its_table_a_call_holds_no_more_for_more_coalitions(monkeypatch):
    monkeypatch.setattr("perturbxai.game.table_asker.WINDOW", 1 << 13)
    monkeypatch.setattr("perturbxai.game.row_memo.MEMO_BYTES", 1 << 20)
    monkeypatch.setattr("perturbxai.game.row_memo.LEAST_ROWS", 1 << 13)
    data = np.random.default_rng(0).normal(size=(100, 20))
    predictor, space = px.Predictor(lambda rows: np.tanh(rows.sum(axis=1)), batch_size=1000), px.TabularSpace(data)
    peaks = []
    for budget in (500, 500, 4500):
        tracemalloc.start()
        try:
            px.explain(px.Banzhaf(surrogate="none"), predictor, space, data[:1] + 0.1, budget=budget)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    # names of 400,000 further rows would be 6.4 MB, and 16.6 MB with what sorts them; 4,000 further coalitions hold 20 signs
    # and what 20 groups of the background say of each, some of it twice in the fit and its errors
    assert peaks[2] - peaks[1] < 4000 * 180 * 8  # measured 4000 * 170 * 8; a process at 500 would hide a part of it


@pytest.mark.parametrize("kind", ["table", "picture"])
def test_results_own_their_numbers_and_keep_no_table_alive(kind):
    space, x = recorders.table() if kind == "table" else recorders.pictures()
    model = recorders.of_table if kind == "table" else recorders.of_pictures
    for name, found in px.explain(recorders.FIVE, px.Predictor(model), space, x, budget=200).items():
        for one in found:
            for part in (one.values, one.stderr, one.base, one.prediction, one.critical):
                whole = part if part.base is None else part.base
                assert whole.nbytes <= 2 * part.nbytes, name


def test_a_hundred_outputs_cost_no_more_rows_than_one_where_the_memo_is_full(monkeypatch):
    # of one output all rows are remembered, of a hundred a fifth
    monkeypatch.setattr("perturbxai.game.row_memo.MEMO_BYTES", 1 << 22)
    monkeypatch.setattr("perturbxai.game.row_memo.LEAST_ROWS", 1 << 13)
    monkeypatch.setattr("perturbxai.game.table_asker.WINDOW", 1 << 11)
    monkeypatch.setattr("perturbxai.calls.explain_call.ROWS_AT_ONCE", 1 << 12)
    rows = []
    for n_outputs in (1, 100):
        predictor, space, x = asked(60, n_outputs)
        px.explain(["kernel_shap", "pdp", "ale"], predictor, space, x, outputs=list(range(n_outputs)), budget=BUDGET)
        rows.append(predictor.rows)
    assert rows[0] == rows[1] > 4 * (1 << 13)
