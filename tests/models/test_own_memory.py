"""Values that lie in the model's own memory are not copied on the way, and are nobody's once the model is asked again."""

from __future__ import annotations

import numpy as np
import pytest

import perturbxai as px
from perturbxai.models.plan import Given

ROWS = np.arange(60.0).reshape(20, 3)


class Reused:
    """A model that writes all its answers to one array, as compiled networks do; a shorter batch gets a part of it."""

    def __init__(self, dtype=np.float64):
        self.memory = np.empty((8, 2), dtype=dtype)

    def __call__(self, rows):
        found = self.memory[: len(rows)]
        found[:] = np.column_stack([rows.sum(axis=1), rows[:, 0] * rows[:, 1]])
        return found


def plain(rows):
    return np.column_stack([rows.sum(axis=1), rows[:, 0] * rows[:, 1]])


@pytest.mark.parametrize("size", [3, 8])
def test_a_model_that_answers_in_one_array_is_read_batch_by_batch(size):
    found = px.Predictor(Reused(), batch_size=size)(ROWS)
    np.testing.assert_array_equal(found, plain(ROWS))


@pytest.mark.parametrize("method", ["kernel_shap", "lime_tabular", "sampling_shap", "pdp"])
def test_such_a_model_is_explained_as_one_that_answers_in_new_arrays(method):
    space = px.TabularSpace(ROWS, background=6)
    some = [px.explain(method, px.Predictor(m, batch_size=8), space, ROWS[:3])[method] for m in (Reused(), plain)]
    np.testing.assert_array_equal(some[0].values, some[1].values)
    np.testing.assert_array_equal(some[0].prediction, some[1].prediction)


def test_effects_of_such_a_model_are_those_of_one_that_answers_in_new_arrays():
    space = px.TabularSpace(ROWS)
    some = [px.effects(["pdp", "ice", "ale"], px.Predictor(m, batch_size=8), space, ROWS) for m in (Reused(), plain)]
    for name, curves in some[0].items():
        for feature, curve in curves.items():
            np.testing.assert_array_equal(curve.values, some[1][name][feature].values)


def test_what_a_predictor_returns_is_the_caller_s_own():
    predictor, given = px.Predictor(lambda rows: rows), ROWS.copy()
    found = predictor(given)
    found[:] = -1.0
    np.testing.assert_array_equal(given, ROWS)


def test_numbers_in_double_precision_are_not_copied_on_the_way():
    model = Reused()
    ((_, _, values),) = px.Predictor(model).run(Given.of(ROWS[:8]))
    assert np.shares_memory(values, model.memory)


def test_what_came_before_a_failure_is_kept_of_such_a_model():
    class Fails(Reused):
        asked = 0

        def __call__(self, rows):
            self.asked += 1
            if self.asked > 2:
                raise OSError("gone")
            return super().__call__(rows)

    with pytest.raises(OSError, match="gone") as caught:
        px.Predictor(Fails(), batch_size=8)(ROWS)
    np.testing.assert_array_equal(caught.value.partial, plain(ROWS[:16]))
