"""A model that fails on the way: what is said, what is kept, and that everything is usable afterwards."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
import recorders
from recorders import FIVE, bits

import perturbxai as px

pytestmark = pytest.mark.usefixtures("plain_fits")
SHARED = ["lime", "kernel_shap", "pdp", "ice"]


class FailsAfter:
    """A model that does something else once it has answered so many rows; `armed = False` makes it well."""

    def __init__(self, model, n_rows, instead):
        self.model, self.left, self.instead, self.armed, self.calls = model, n_rows, instead, True, 0

    def __call__(self, rows):
        self.calls += 1
        values = self.model(rows)
        self.left -= len(values)
        return self.instead(values) if self.armed and self.left < 0 else values


def with_nan(values):
    values[-1, 1] = np.nan
    return values


def failing(n_rows, instead=with_nan, kind="table", batch_size=10):
    """(model, predictor, space, x) of a model that answers about n_rows."""
    model = recorders.of_table if kind == "table" else recorders.of_pictures
    space, x = recorders.table() if kind == "table" else recorders.pictures()
    broken = FailsAfter(model, n_rows, instead)
    return broken, px.Predictor(broken, outputs=["first", "second"], batch_size=batch_size), space, x


def whole(kind="table", methods=FIVE, budget=40):
    return answered(kind, tuple(methods), budget)


@cache
def answered(kind, methods, budget):
    """What several claims compare with, of a model that does not fail."""
    _, predictor, space, x = failing(10**9, kind=kind)
    return px.explain(methods, predictor, space, x, budget=budget)


def test_nan_stops_the_run_and_names_the_row_and_the_output():
    broken, predictor, space, x = failing(300)
    with pytest.raises(px.ModelError, match=r"the model returned nan for row 299 of this request, output 'second'"):
        px.explain(SHARED, predictor, space, x, budget=40)
    # one row for the input, five for the background, then 30 batches of ten; nothing was asked after the failure
    assert broken.calls == 32 and predictor.rows == 306


def test_what_was_answered_before_nan_is_kept_bit_for_bit():
    _, predictor, space, x = failing(300)
    with pytest.raises(px.ModelError) as caught:
        px.explain(SHARED, predictor, space, x, budget=40)
    expected = whole(methods=SHARED)
    # the first row has five players, all their coalitions take 151 model rows; the second would have needed 186 more
    assert list(caught.value.partial) == SHARED
    for method, partial in caught.value.partial.items():
        assert [bits(e) for e in partial] == [bits(e) for e in expected[method][:1]], method
        assert [e.label for e in partial] == [0]
        assert partial.meta["call_rows"] == predictor.rows


def test_inputs_of_earlier_blocks_are_kept_too(monkeypatch):
    monkeypatch.setattr("perturbxai.calls.explain_call.ROWS_AT_ONCE", 1)
    _, predictor, space, x = failing(500)
    with pytest.raises(px.ModelError) as caught:
        px.explain(SHARED, predictor, space, x, budget=40)
    expected = whole(methods=SHARED)
    for method, partial in caught.value.partial.items():
        assert [bits(e) for e in partial] == [bits(e) for e in expected[method][:3]], method


@pytest.mark.parametrize("kind", ["table", "picture"])
def test_methods_that_had_their_answers_are_kept_without_those_that_had_not(kind):
    budget = 40 if kind == "table" else 200
    first = whole(kind, SHARED if kind == "table" else ["lime", "kernel_shap", "ice"], budget)
    n_rows = next(iter(first.values())).meta["call_rows"]  # the shared tables come first, then questions of their own
    _, predictor, space, x = failing(n_rows + 5, kind=kind)
    with pytest.raises(px.ModelError) as caught:
        px.explain(FIVE, predictor, space, x, budget=budget)
    expected = whole(kind, FIVE, budget)
    assert list(caught.value.partial) == (SHARED if kind == "table" else ["lime", "kernel_shap", "ice"])
    for method, partial in caught.value.partial.items():
        assert [bits(e) for e in partial] == [bits(e) for e in expected[method]], method


@pytest.mark.parametrize("kind", ["table", "picture"])
def test_a_model_that_fails_at_the_first_input_is_asked_once_and_leaves_nothing(kind):
    broken, predictor, space, x = failing(0, kind=kind)
    with pytest.raises(px.ModelError, match="row 0 of this request") as caught:
        px.explain(FIVE, predictor, space, x, budget=200)
    assert broken.calls == 1 and caught.value.partial is None


@pytest.mark.parametrize("kind", ["table", "picture"])
def test_a_failed_model_is_not_asked_for_what_was_left(kind):
    broken, predictor, space, x = failing(60, kind=kind)
    with pytest.raises(px.ModelError):
        px.explain(FIVE, predictor, space, x, budget=200)
    calls_until = 1 + int(np.ceil((60 - 1) / 10)) + 1
    assert broken.calls <= calls_until


def test_a_wrong_number_of_rows_stops_the_run_and_keeps_what_came_before():
    _, predictor, space, x = failing(300, instead=lambda values: values[:-1])
    with pytest.raises(px.ModelError, match=r"the model returned 9 rows for 10; expected one row of outputs") as caught:
        px.explain(SHARED, predictor, space, x, budget=40)
    assert [len(a) for a in caught.value.partial.values()] == [1, 1, 1, 1]


def test_another_number_of_outputs_stops_the_run():
    _, predictor, space, x = failing(300, instead=lambda values: values[:, :1])
    with pytest.raises(px.ModelError, match=r"the model returned 1 outputs, but outputs= names 2"):
        px.explain(SHARED, predictor, space, x, budget=40)


class Boom(Exception):
    pass


def raising(error):
    def instead(_values):
        raise error

    return instead


@pytest.mark.parametrize("error", [Boom("own"), KeyboardInterrupt(), ValueError("own"), LookupError("own")], ids=repr)
@pytest.mark.parametrize("n_rows", [0, 300])
@pytest.mark.parametrize("kind", ["table", "picture"])
def test_what_the_model_raises_comes_through_as_it_is(kind, n_rows, error):
    _, predictor, space, x = failing(n_rows, raising(error), kind)
    with pytest.raises(type(error)) as caught:
        px.explain(FIVE, predictor, space, x, budget=200)
    assert caught.value is error


@pytest.mark.parametrize("instead", [with_nan, raising(Boom()), raising(KeyboardInterrupt())], ids=["nan", "own", "ctrl-c"])
@pytest.mark.parametrize("kind", ["table", "picture"])
def test_after_a_failure_predictor_and_space_work_as_if_nothing_had_been(kind, instead):
    broken, predictor, space, x = failing(250, instead, kind)
    with pytest.raises((px.ModelError, Boom, KeyboardInterrupt)):
        px.explain(FIVE, predictor, space, x, budget=200)
    broken.armed = False
    again, expected = px.explain(FIVE, predictor, space, x, budget=200), whole(kind, FIVE, 200)
    for method in FIVE:
        assert [bits(e) for e in again[method]] == [bits(e) for e in expected[method]], method


def test_progress_starts_anew_after_a_failure():
    seen = []
    broken = FailsAfter(recorders.of_table, 100, raising(Boom()))
    space, x = recorders.table()
    predictor = px.Predictor(broken, batch_size=10, progress=lambda done, total: seen.append((done, total)))
    with pytest.raises(Boom):
        px.explain("lime", predictor, space, x, budget=40)
    broken.armed, seen[:] = False, []
    before = predictor.rows
    px.explain("lime", predictor, space, x, budget=40)
    assert seen[0][0] <= 10 and seen[-1] == (predictor.rows - before, predictor.rows - before)


@pytest.mark.parametrize("kind", ["table", "picture"])
def test_a_game_goes_on_after_a_failure_and_asks_nothing_again(kind):
    broken, predictor, space, x = failing(30, kind=kind, batch_size=4)
    game = px.Game(predictor, space, x)
    z = np.random.default_rng(0).random((20, len(game.inputs[0].names))) < 0.5
    with pytest.raises(px.ModelError):
        game.evaluate(z if kind == "table" else np.concatenate([z, ~z]))
    broken.armed = False
    answered = predictor.rows
    values = game.evaluate(z)
    _, healthy, *_ = failing(10**9, kind=kind)
    fresh = px.Game(healthy, space, x)
    np.testing.assert_array_equal(values, fresh.evaluate(z))
    if kind == "table":  # the batch that failed comes again, the others do not
        assert predictor.rows - answered <= healthy.rows - answered + 4


def test_a_failure_is_noted_with_the_input_that_first_asked_for_the_row():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("abc"), index=[f"id{n}" for n in range(40)])
    faulty = X.a.iloc[23]
    space = px.TabularSpace(X.drop(index="id23"), background=10)
    predictor = px.Predictor(lambda rows: np.where(rows.a == faulty, np.nan, rows.b))
    with pytest.raises(px.ModelError) as caught:
        px.explain(["kernel_shap"], predictor, space, X.iloc[[3, 23, 7]], budget=8)
    assert caught.value.__notes__ == ["first asked while explaining row 'id23'"]
