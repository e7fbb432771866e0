"""One seed, one set of questions and one set of numbers: in any batches, company and order."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest
import recorders
from recorders import FIVE, Recorder, bits

import perturbxai as px

BUDGET = {"table": 40, "picture": 200}  # below 2^6 and 2^9: drawn, not listed
SETTINGS = {"table": (recorders.of_table, recorders.table), "picture": (recorders.of_pictures, recorders.pictures)}
KINDS = pytest.mark.parametrize("kind", SETTINGS)


def explained(kind, x=None, batch_size=None, seed=0, methods=FIVE):
    """(recorder, results) of the rows or pictures numbered in x."""
    model, make = SETTINGS[kind]
    recorder = Recorder(model)
    space, inputs = make()
    chosen = inputs if x is None else [inputs[i] for i in x]
    predictor = px.Predictor(recorder, batch_size=batch_size)
    return recorder, px.explain(methods, predictor, space, chosen, budget=BUDGET[kind], seed=seed)


@cache
def once(kind, batch_size=None):
    """What several claims compare with, explained once for them all: fits to a picture's answers take a second."""
    return explained(kind, batch_size=batch_size)


@KINDS
@pytest.mark.parametrize("batch_size", [1, pytest.param(7, marks=pytest.mark.slow)])
def test_the_questions_and_their_order_are_the_same_in_any_batches(kind, batch_size):
    small, large = once(kind, batch_size)[0], once(kind, 4096)[0]
    assert len(small.batches) > len(large.batches)
    np.testing.assert_array_equal(small.rows, large.rows)


@KINDS
@pytest.mark.parametrize("batch_size", [1, pytest.param(7, marks=pytest.mark.slow)])
def test_the_numbers_are_the_same_bits_in_any_batches(kind, batch_size):
    small, large = once(kind, batch_size)[1], once(kind, 4096)[1]
    for method in FIVE:
        assert [bits(a) for a in small[method]] == [bits(b) for b in large[method]], method


@KINDS
def test_the_model_never_sees_a_batch_above_its_size(kind):
    recorder, _ = once(kind, 7)
    assert max(len(batch) for batch in recorder.batches) == 7


@KINDS
def test_the_same_seed_gives_the_same_bits_and_another_seed_another_draw(kind):
    (_, first), (_, again), (_, other) = once(kind), explained(kind), explained(kind, seed=1)
    for method in FIVE:
        assert [bits(a) for a in first[method]] == [bits(b) for b in again[method]], method
    assert bits(first["kernel_shap"][0]) != bits(other["kernel_shap"][0])
    assert bits(first["lime"][0]) != bits(other["lime"][0])


COMPANIES = [("table", one) for one in ([0], [1], [2, 1], [2, 0, 1], [1, 1, 0])]
COMPANIES += [("picture", one) for one in ([0], [2, 1], [1, 1, 0])]


@pytest.mark.parametrize(("kind", "company"), COMPANIES, ids=str)
def test_an_input_has_the_same_bits_alone_in_company_and_in_another_order(kind, company):
    together, apart = once(kind)[1], explained(kind, company)[1]
    for method in FIVE:
        for place, number in enumerate(company):
            assert bits(apart[method][place]) == bits(together[method][number]), (method, number)


@KINDS
@pytest.mark.parametrize("method", ["pdp", "ale"])
def test_what_a_method_of_its_own_draws_does_not_depend_on_the_other_methods(kind, method):
    together, alone = once(kind)[1][method], explained(kind, methods=[method])[1][method]
    if kind == "table" and method == "pdp":  # read from the common table there, which lists what it needs
        np.testing.assert_allclose(alone.values, together.values, atol=1e-12)
        return
    np.testing.assert_array_equal(alone.values, together.values)


def test_many_rows_in_blocks_have_the_bits_of_one_block(monkeypatch):
    together = explained("table")[1]
    monkeypatch.setattr("perturbxai.calls.explain_call.ROWS_AT_ONCE", 1)
    monkeypatch.setattr("perturbxai.game.table_asker.WINDOW", 64)
    blocks = explained("table")[1]
    for method in FIVE:
        assert [bits(a) for a in together[method]] == [bits(b) for b in blocks[method]], method
        assert blocks[method].meta["rows"] == together[method].meta["rows"]


@KINDS
def test_the_global_random_states_stay_as_they_were(kind):
    torch = pytest.importorskip("torch")
    before = random.getstate(), np.random.get_state(), torch.random.get_rng_state()  # noqa: NPY002
    explained(kind)
    after = random.getstate(), np.random.get_state(), torch.random.get_rng_state()  # noqa: NPY002
    assert before[0] == after[0]
    assert before[1][2:] == after[1][2:] and (before[1][1] == after[1][1]).all()
    assert (before[2] == after[2]).all()


def test_the_users_arrays_stay_as_they_were_even_if_the_model_writes_into_its_input():
    def writes(rows):
        rows = np.asarray(rows)
        found = recorders.of_table(rows)
        rows[:] = -1.0
        return found

    space, x = recorders.table()
    before, data = x.copy(), space.codes.copy()
    found = px.explain(FIVE, px.Predictor(writes), space, x, budget=40)
    assert (x == before).all() and (space.codes == data).all()
    expected = explained("table")[1]
    for method in FIVE:
        assert [bits(a) for a in found[method]] == [bits(b) for b in expected[method]], method


# ------------------------------------------------------------------------------------------------ a common design


def test_rows_that_share_a_design_have_independent_errors():
    rng = np.random.default_rng(0)
    main, pairs = rng.normal(size=12), np.triu(rng.normal(size=(12, 12)), 1)
    triples = [(rng.choice(12, 3, replace=False), c) for c in rng.normal(size=40)]

    def value(X):  # rows differ in size, which the model does not look at: every row plays the same game
        z = (X > 0).astype(np.float64)
        return z @ main + ((z @ pairs) * z).sum(axis=1) + sum(c * z[:, t].prod(axis=1) for t, c in triples)

    space, predictor = px.TabularSpace(np.zeros((1, 12))), px.Predictor(value)
    truth = px.explain("kernel_shap", predictor, space, np.ones(12), budget=2**12)["kernel_shap"].values[0, :, 0]
    x = rng.uniform(1.0, 2.0, size=(100, 12))
    for seed in range(3):
        found = px.explain(["kernel_shap"], predictor, space, x, budget=80, seed=seed)["kernel_shap"]
        errors = found.values[:, :, 0] - truth
        unit = errors / np.linalg.norm(errors, axis=1, keepdims=True)
        correlation = (unit @ unit.T)[np.triu_indices(100, 1)]
        # 4,950 products of unit vectors in 11 dimensions: the mean of independent ones is 0 within .004 (one deviation);
        # without a permutation of their own all would be 1
        assert abs(correlation.mean()) < 0.03, seed
        assert np.abs(correlation).mean() < 0.35, seed  # .25 for directions at random


def test_a_row_with_fewer_players_is_explained_over_those_it_has():
    space, x = recorders.table()
    found = px.explain(FIVE, px.Predictor(recorders.of_table), space, x)
    for method in FIVE:
        assert (found[method].values[::2, 5] == 0).all() and (found[method].values[1::2, 5] != 0).any()
        assert [e.meta["merged"] for e in found[method]] == [["x5"], [], ["x5"], []]
    game = px.Game(px.Predictor(recorders.of_table), space, x)
    for number in range(4):
        empty, full = game.ends(number)
        np.testing.assert_allclose(found["kernel_shap"].values[number].sum(axis=0), full - empty, atol=1e-12)
