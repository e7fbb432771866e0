"""Attribution and Explanation: shapes, intervals, tidy tables, and how inputs of different size are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import FrozenInstanceError

import games
import numpy as np
import pandas as pd
import pytest
import recorders
from scipy import stats

import perturbxai as px

SHARED = ["lime", "kernel_shap", "pdp", "ice"]


@pytest.fixture(scope="module")
def found():
    space, x = recorders.table()
    predictor = px.Predictor(recorders.of_table, outputs=["first", "second"])
    return px.explain(SHARED, predictor, space, x, budget=45)


@pytest.fixture(scope="module")
def photos():
    """Two pictures of different size: 9 and 4 superpixels."""
    rng = np.random.default_rng(0)
    space = px.ImageSpace(segments=lambda p: np.arange(p.shape[0])[:, None] // 4 * 9 + np.arange(p.shape[1]) // 4, fill=0.0)
    x = [rng.random((12, 12, 3)).astype(np.float32), rng.random((8, 8, 3)).astype(np.float32)]
    return px.explain(["lime", "kernel_shap", "ale"], px.Predictor(recorders.of_pictures), space, x, budget=200)


@pytest.mark.parametrize("method", SHARED)
def test_arrays_are_inputs_by_players_by_outputs(found, method):
    a = found[method]
    assert a.values.shape == a.stderr.shape == (4, 6, 2)
    assert a.base.shape == a.prediction.shape == a.critical.shape == (4, 2)
    assert a.names == tuple(f"x{d}" for d in range(6)) and a.outputs == ("first", "second")
    assert len(a.inputs) == len(a) == 4
    low, high = a.interval()
    assert low.shape == high.shape == (4, 6, 2)


@pytest.mark.parametrize("method", SHARED)
def test_stacked_arrays_hold_the_numbers_of_the_single_explanations(found, method):
    a = found[method]
    for n in range(4):
        np.testing.assert_array_equal(a.values[n], a[n].values)
        np.testing.assert_array_equal(a.stderr[n], a[n].stderr)
        np.testing.assert_array_equal(a.interval(0.8)[1][n], a[n].interval(0.8)[1])


def test_base_and_values_of_kernel_shap_sum_to_the_prediction(found):
    a = found["kernel_shap"]
    np.testing.assert_allclose(a.base + a.values.sum(axis=1), a.prediction, atol=1e-12)
    _, x = recorders.table()
    np.testing.assert_allclose(a.prediction, recorders.of_table(x), rtol=1e-14)  # a weighted mean of equal numbers


@pytest.mark.parametrize("method", SHARED)
def test_the_background_has_an_error_of_its_own(found, method):
    assert found[method].stderr_background.shape == (4, 6, 2)


def test_an_attribution_is_a_sequence_of_explanations(found):
    a = found["lime"]
    assert isinstance(a, Sequence) and isinstance(a[0], px.Explanation)
    assert list(a) == [a[0], a[1], a[2], a[3]] and a[-1] is a[3]
    assert list(a[1:3]) == [a[1], a[2]] and a[1] in a
    with pytest.raises(IndexError):
        a[4]


def test_the_text_of_an_attribution_says_what_it_is(found, photos):
    told = repr(found["lime"])
    assert (
        told.startswith("<Attribution of 4 rows by lime: 6 features, ") and "\n  first: " in told and "\n  second: " in told
    )
    assert "2 pictures by lime: 4 to 9 superpixels" in repr(photos["lime"])


def test_results_are_frozen(found):
    a = found["lime"]
    with pytest.raises(FrozenInstanceError):
        a.explanations = ()
    with pytest.raises(FrozenInstanceError):
        a[0].values = np.zeros((6, 2))
    with pytest.raises(FrozenInstanceError):
        a.method.kernel_width = 1.0


# ------------------------------------------------------------------------------------------------ intervals


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99])
def test_the_pointwise_interval_is_student_s(found, level):
    one = found["kernel_shap"][1]
    low, high = one.interval(level)
    factor = stats.t.ppf(0.5 + level / 2, one.df)
    assert 0 < one.df < 40
    np.testing.assert_allclose(high - one.values, factor * one.stderr, rtol=1e-9)
    np.testing.assert_allclose(one.values - low, factor * one.stderr, rtol=1e-9)


@pytest.mark.parametrize("method", SHARED)
def test_the_simultaneous_interval_is_wider_than_the_pointwise_one(found, method):
    low, high = found[method].interval(simultaneous=True)
    inner_low, inner_high = found[method].interval()
    assert (low <= inner_low).all() and (inner_high <= high).all()
    half = found[method].critical[:, None] * found[method].stderr
    np.testing.assert_allclose(high - found[method].values, half, rtol=1e-9, atol=1e-14)  # values of 1 have errors of 1e-15


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95, float("nan")])
def test_a_level_outside_0_and_1_is_refused(found, level):
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        found["lime"].interval(level)


def test_a_simultaneous_interval_is_kept_for_95_percent_only(found):
    with pytest.raises(ValueError, match=r"level=0.9: the simultaneous factor is kept for 0.95 only"):
        found["lime"].interval(0.9, simultaneous=True)


@pytest.mark.parametrize("n_players", [1, 2, 5])
def test_an_exact_answer_has_an_error_of_rounding_and_not_of_zero(n_players):
    predictor, space, x = games.door(games.additive(n_players, 0, n_outputs=2))
    for one in px.explain(SHARED, predictor, space, x).values():
        scale = np.abs([one.base[0], one.prediction[0]]).max(axis=0)
        assert (one.stderr[0] >= 8 * np.finfo(float).eps * scale).all() and (one.stderr < 1e-12).all()


# ------------------------------------------------------------------------------------------------ tables


def test_the_frame_has_a_line_for_each_row_feature_and_output(found):
    frame = found["kernel_shap"].to_frame()
    assert list(frame.columns[:6]) == ["method", "row", "feature", "feature_value", "output", "value"]
    assert len(frame) == 4 * 6 * 2 and set(frame["method"]) == {"kernel_shap"}
    assert not frame.duplicated(["row", "feature", "output"]).any()
    low, high = found["kernel_shap"].interval()
    for line in frame.itertuples():
        place = (line.row, int(line.feature[1]), ["first", "second"].index(line.output))
        assert line.value == found["kernel_shap"].values[place] and line.stderr == found["kernel_shap"].stderr[place]
        assert (line.low, line.high) == (low[place], high[place])
        assert line.base == found["kernel_shap"].base[place[0], place[2]]
        assert line.prediction == found["kernel_shap"].prediction[place[0], place[2]]


def test_frames_of_several_methods_stack(found):
    frame = pd.concat([a.to_frame() for a in found.values()])
    assert frame.groupby("method").size().to_dict() == dict.fromkeys(SHARED, 48)
    assert frame["stderr_background"].notna().all()


def test_the_method_column_holds_the_key_of_the_result():
    predictor, space, x = games.door(games.additive(3, 0))
    found = px.explain([px.Lime(), px.Lime(kernel_width=0.5), px.Ice(name="mine")], predictor, space, x)
    for key, one in found.items():
        assert set(one.to_frame()["method"]) == {key}


def test_csv_gives_back_the_frame(found, tmp_path):
    found["ice"].to_csv(tmp_path / "ice.csv")
    frame = pd.read_csv(tmp_path / "ice.csv")
    pd.testing.assert_frame_equal(frame, found["ice"].to_frame(), check_dtype=False)


@pytest.mark.parametrize(
    "index",
    [pd.Index(["a", "b", "c"]), pd.Index([30, 10, 20]), pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]),
     pd.date_range("2024-01-01", periods=3)],
    ids=["text", "numbers", "two levels", "dates"],
)  # fmt: skip
def test_labels_of_a_frames_index_are_kept(index):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(3, 2)), columns=["u", "v"], index=index)
    found = px.explain("lime", px.Predictor(lambda rows: rows["u"] * rows["v"]), px.TabularSpace(frame), frame)["lime"]
    assert [e.label for e in found] == list(index)
    assert list(found.to_frame()["row"]) == [label for label in index for _ in range(2)]


# ------------------------------------------------------------------------------------------------ several sizes


@pytest.mark.parametrize("method", ["lime", "kernel_shap", "ale"])
def test_pictures_of_different_size_have_explanations_of_different_size(photos, method):
    assert [e.values.shape for e in photos[method]] == [(9, 2), (4, 2)]
    assert [e.input.shape for e in photos[method]] == [(12, 12, 3), (8, 8, 3)]
    assert photos[method].base.shape == (2, 2)  # by input and output only: there in any case


@pytest.mark.parametrize("what", ["values", "stderr", "names"])
def test_arrays_over_different_numbers_of_players_are_refused_and_the_way_out_is_said(photos, what):
    message = rf"{what}: the inputs have different numbers of players \(\[9, 4\]\).* one by one: a\[i\]\.{what}"
    with pytest.raises(ValueError, match=message):
        getattr(photos["lime"], what)


def test_intervals_over_different_numbers_of_players_are_refused_and_the_way_out_is_said(photos):
    with pytest.raises(ValueError, match=r"different numbers of players .* one by one: a\[i\]\.interval"):
        photos["lime"].interval()


def test_the_frame_holds_inputs_of_different_size(photos):
    frame = photos["kernel_shap"].to_frame()
    assert frame.groupby("row").size().to_dict() == {0: 18, 1: 8}


def test_each_of_several_pictures_is_explained_as_it_is_alone(photos):
    # the smaller picture, all of whose coalitions fit, against the game itself
    rng = np.random.default_rng(0)
    rng.random((12, 12, 3))
    x = rng.random((8, 8, 3)).astype(np.float32)
    space = px.ImageSpace(segments=np.arange(8)[:, None] // 4 * 2 + np.arange(8) // 4, fill=0.0)
    alone = px.explain("kernel_shap", px.Predictor(recorders.of_pictures), space, x, budget=200)["kernel_shap"]
    np.testing.assert_array_equal(alone.values[0], photos["kernel_shap"][1].values)
