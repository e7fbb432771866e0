"""Nothing chosen, and rows that are not there: said in words by whatever is asked of them."""

from __future__ import annotations

import numpy as np
import pytest

import perturbxai as px


@pytest.fixture(scope="module")
def found():
    space = px.TabularSpace(np.zeros((5, 3)))
    return px.explain("kernel_shap", px.Predictor(lambda X: X.sum(axis=1)), space, np.ones((4, 3)))["kernel_shap"]


@pytest.mark.parametrize("place", [4, 99, -5, np.int64(4)])
def test_a_row_that_is_not_there_is_told_with_how_many_there_are(found, place):
    with pytest.raises(IndexError, match=rf"row {place} is not there: the result has 4 rows, numbered from 0"):
        found[place]
    with pytest.raises(IndexError, match="is not there"):
        found[place, "x0"]
    assert found[-4].label == found[0].label and [e.label for e in found] == [0, 1, 2, 3]


def test_what_holds_no_row_says_so(found, tmp_path):
    none = found[[]]
    assert len(none) == len(found[:0]) == len(found[np.zeros(4, dtype=bool)]) == 0 and "0 inputs" in repr(none)
    for asked in (none.describe, none.to_frame, lambda: none.values, lambda: px.plot(none), lambda: px.plot(none, "bars")):
        with pytest.raises(ValueError, match="the Attribution holds no expla"):
            asked()
    with pytest.raises(ValueError, match="report got 'kernel_shap' with no explained input in it"):
        px.report(none, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_results_of_other_rows_are_no_one_report(found, tmp_path):
    for other in (found[:3], found[[1, 0, 2, 3]]):
        with pytest.raises(ValueError, match=r"'a' of 4 inputs and 'b' of [34], which are not the same ones"):
            px.report({"a": found, "b": other}, tmp_path / "out")
