"""What rows really are, beside what the model says of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import perturbxai as px
from perturbxai.results.describing_targets import of_target, of_targets

X = np.array([[1.0, 2.0], [3.0, -1.0], [0.0, 4.0]])
SPACE = px.TabularSpace(np.zeros((1, 2)))


def numbers():
    """Predictions 3, 2, 4."""
    return px.explain("kernel_shap", px.Predictor(lambda rows: rows.sum(axis=1)), SPACE, X)["kernel_shap"]


def classes(outputs=None, n=2):
    """Probabilities of "no", "yes" (and "some")."""
    shares = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])

    class Model:
        classes_ = np.array(["no", "yes", "some"][:n])

        def predict_proba(self, rows):
            own = np.array([shares[int(np.argmin(np.abs(X - row).sum(axis=1)))] for row in np.asarray(rows)])
            return own if n == 2 else np.column_stack([own * 0.9, np.full(len(own), 0.1)])

    return px.explain("kernel_shap", px.Predictor(Model()), SPACE, X, outputs=outputs)["kernel_shap"]


def test_numbers_are_told_with_how_far_the_prediction_is_off():
    found = numbers()
    assert of_target(found[0], 0, 5.0) == "In the data it is 5: the prediction is 2 too low."
    assert of_target(found[0], 0, 2.5) == "In the data it is 2.5: the prediction is 0.5 too high."
    assert of_target(found[0], 0, np.float64(3.0)) == "In the data it is 3, as predicted."
    assert of_target(found[0], 0, np.nan) == of_target(found[0], 0, None) == "What it really is is not in the data."
    assert of_targets(found, [5.0, 2.0, 3.5]) == (
        "off by 0.833 on average in these 3 rows, which the model may have been trained on"
    )  # (2 + 0 + 0.5) / 3
    assert (
        of_targets(found, [5.0, np.nan, np.nan])
        == "off by 2 in the 1 row with a value, which the model may have been trained on"
    )


def test_classes_are_told_with_what_the_model_gives_them():
    found = classes()
    assert of_target(found[1], 0, "yes") == "In the data it is 'yes', to which the model gives 80 %."
    assert of_targets(found, ["no", "yes", "yes"]).startswith("right in 2 of these 3 rows,")
    assert of_targets(found, ["no", "yes", "no"]).startswith("right in all of these 3 rows,")
    assert of_targets(found, ["no", None, "yes"]).startswith("right in 1 of the 2 rows with a value,")


def test_one_class_of_two_is_right_where_it_is_rated_to_its_side_of_a_half():
    found = classes(["yes"])
    assert of_target(found[0], 0, "no") == "In the data it is 'no'."
    assert of_targets(found, ["no", "yes", "yes"]).startswith("right in 2 of these 3 rows,")


def test_of_some_classes_the_highest_may_be_another_and_nothing_is_said():
    assert of_targets(classes(["no", "yes"], n=3), ["no", "yes", "no"]) == ""
    assert of_targets(classes(n=3), ["no", "yes", "some"]).startswith("right in 2 of these 3 rows,")
    assert of_targets(classes(["yes"]), ["no", "yes", "some"]) == ""  # three classes: less than a half may be the highest


@pytest.mark.parametrize("targets", [[0, 1, 1], [0.0, 1.0, 1.0], [False, True, True]])
def test_classes_that_are_numbers_are_known_however_a_column_has_them(targets):
    class Model:
        classes_ = np.array([0, 1]) if not isinstance(targets[0], bool) else np.array([False, True])

        def predict_proba(self, rows):
            return np.tile([0.25, 0.75], (len(rows), 1))

    found = px.explain("kernel_shap", px.Predictor(Model()), SPACE, X)["kernel_shap"]
    assert of_target(found[1], 0, targets[1]).endswith("to which the model gives 75 %.")
    assert of_targets(found, targets).startswith("right in 2 of these 3 rows,")


def test_what_cannot_be_compared_is_told_alone():
    assert of_target(numbers()[0], 0, "high") == "In the data it is 'high'."
    assert of_targets(numbers(), ["high", "low", "low"]) == "" == of_targets(numbers(), [None, None, None])


def test_a_class_that_may_be_called_otherwise_in_the_data_is_not_judged():
    """One output of two, and all rows of a class: whether 1 is "yes" nobody knows."""
    assert of_targets(classes(["yes"]), [1, 1, 1]) == "" == of_targets(classes(["yes"]), ["y", "y", "y"])
    assert of_targets(classes(["yes"]), ["no", "no", "no"]).startswith("right in 2 of these 3 rows,")
    one = classes(["yes"])[0]
    single = replace(one, meta={"scale": "probability"})  # of a network with one output
    assert of_targets([single, single], ["no", "no"]) == "" != of_targets([single, single], ["no", "yes"])


def test_one_class_of_three_is_not_judged_though_the_rows_are_of_two():
    found = classes(["yes"], n=3)
    assert found.meta["outputs_left_out"] == ["no", "some"]
    assert of_targets(found, ["no", "yes", "no"]) == ""
    assert "outputs_left_out" not in classes(n=3).meta


def test_the_value_of_a_decision_is_no_guess_of_a_class():
    class Model:
        classes_ = np.array([0, 1])

        def decision_function(self, rows):
            return np.asarray(rows)[:, 0] - 1.0

    found = px.explain("kernel_shap", px.Predictor(Model()), SPACE, X)["kernel_shap"]
    assert found.outputs == ("1",) and found.meta["scale"] == "raw"
    assert of_target(found[0], 0, 1) == "In the data it is '1'." and of_targets(found, [0, 1, 1]) == ""


def test_classes_that_are_called_by_fractions_are_known_as_whole_numbers_too():
    class Model:
        classes_ = np.array([1.0, 2.0])

        def predict_proba(self, rows):
            return np.tile([0.25, 0.75], (len(rows), 1))

    found = px.explain("kernel_shap", px.Predictor(Model()), SPACE, X)["kernel_shap"]
    assert of_targets(found, [1, 2.0, np.float32(2)]).startswith("right in 2 of these 3 rows,")
    assert of_target(found[0], 0, 2).endswith("to which the model gives 75 %.")


def test_a_class_may_be_called_missing():
    assert of_target(classes()[0], 0, "missing") == "In the data it is 'missing'."


def test_numbers_without_end_are_told_and_not_compared():
    assert of_target(numbers()[0], 0, np.inf) == "In the data it is 'inf'."
    assert of_targets(numbers(), [1.0, 2.0, np.inf]) == ""


def test_a_large_number_of_the_data_is_written_out_as_the_prediction_is():
    assert of_target(numbers()[0], 0, 629944.93) == "In the data it is 629,945: the prediction is 629,942 too low."
