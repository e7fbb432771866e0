"""Two models, or two groups of inputs: numbers, what is taken for which, what is told, and what is refused."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from two_results import attribution, with_inputs

import perturbxai as px

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(12, 4, 2))
OTHER = VALUES + np.array([0.0, 1.0, 0.0, -1.0])[None, :, None] + RNG.normal(scale=0.1, size=VALUES.shape)


def linear(weights):
    return lambda X: np.asarray(X) @ np.asarray(weights)


def explained(weights, X, rows, **options):
    return px.explain("kernel_shap", px.Predictor(linear(weights)), px.TabularSpace(X), rows, seed=0, **options)[
        "kernel_shap"
    ]


# ------------------------------------------------------------------------------------------------ numbers


def test_the_interval_of_the_same_inputs_is_students_of_their_differences():
    found = px.difference(attribution(VALUES), attribution(OTHER))
    test = stats.ttest_1samp(OTHER - VALUES, 0.0, axis=0)
    low, high = test.confidence_interval(0.95)
    np.testing.assert_allclose(found.of_means.difference, (OTHER - VALUES).mean(axis=0))
    np.testing.assert_allclose(found.of_means.interval(), (low, high))
    np.testing.assert_allclose(
        found.of_means.p, 1 - (1 - test.pvalue) ** 8, rtol=1e-6, atol=1e-14
    )  # 4 features, 2 questions


def test_the_interval_of_groups_is_welchs():
    found = px.difference(attribution(VALUES[:5]), attribution(OTHER[5:], first=5))
    test = stats.ttest_ind(OTHER[5:], VALUES[:5], equal_var=False)
    np.testing.assert_allclose(found.of_means.interval(), test.confidence_interval(0.95))
    assert not found.paired and found.n_inputs == (5, 7)


def test_sizes_are_those_of_importance():
    one, other = attribution(VALUES), attribution(OTHER, 0.3)
    found = px.difference(one, other)
    for size, side in ((found.size_a, one), (found.size_b, other)):
        np.testing.assert_allclose(size, px.importance(side).corrected)


@pytest.mark.parametrize("paired", [True, False])
def test_a_size_that_errors_would_take_below_nothing_is_nothing_also_in_the_difference(paired):
    # a game of pairs is told exactly by paired questions, but its error stands for what was not asked
    def pairs(X):
        return X @ np.arange(12.0) + 5 * X[:, 3] * X[:, 5]

    data = np.random.default_rng(0).normal(size=(120, 12))
    space = px.TabularSpace(data, background=5)
    a, b = (
        px.explain(px.KernelShap(surrogate="none"), model, space, data[rows], budget=60)["kernel_shap"]
        for model, rows in (
            (lambda X: pairs(X) + 0.3 * X[:, 0], slice(0, 20)),
            (pairs, slice(0 if paired else 20, 20 if paired else 40)),
        )
    )
    found = px.difference(a, b)
    assert np.abs(b.values[:, 0]).max() < 1e-9 < 1.0 < np.median(b.stderr[:, 0])
    np.testing.assert_allclose(found.of_sizes.difference, found.size_b - found.size_a, atol=1e-9)
    assert found.size_b[0, 0] < 1e-12 and not found.of_sizes.moved[0, 0]


def test_moved_is_what_the_interval_for_all_features_and_both_questions_says():
    frame = px.difference(attribution(VALUES), attribution(OTHER)).to_frame()
    for before in ("", "size_"):
        outside = (frame[f"{before}low_simultaneous"] > 0) | (frame[f"{before}high_simultaneous"] < 0)
        assert (frame[f"{before}moved"] == outside).all()
        assert (frame[f"{before}moved"] == (frame[f"{before}p"] <= 0.05)).all()
    assert frame[frame.feature.isin(["x1", "x3"])].moved.all() and not frame[frame.feature == "x0"].moved.any()


def test_a_model_with_one_other_coefficient_has_moved_there_and_nowhere_else():
    X = RNG.normal(size=(150, 5))
    found = px.difference(explained([1, 2, 3, 4, 5], X, X[:40]), explained([1, 2, 6, 4, 5], X, X[:40]))
    assert found.of_sizes.moved[:, 0].tolist() == [False, False, True, False, False]
    moved = found.of_inputs.moved[:, :, 0]
    assert moved[:, 2].mean() > 0.8 and not moved[:, [0, 1, 3, 4]].any()
    assert "x2 counts for more in b" in found.describe() and "The other 4 cannot be told apart." in found.describe()


def test_exact_values_of_one_model_do_not_move_though_rounding_does():
    X = np.random.default_rng(1).normal(size=(60, 4)) + 1e6
    one = px.explain("exact_shap", px.Predictor(lambda X: X @ np.ones(4)), px.TabularSpace(X), X[:10], seed=0)["exact_shap"]
    again = px.explain("exact_shap", px.Predictor(lambda X: (X / 3.0) @ np.full(4, 3.0)), px.TabularSpace(X), X[:10])
    found = px.difference(one, again["exact_shap"])
    for part in (found.of_means, found.of_sizes, found.of_inputs):
        assert not part.difference.any() and not part.moved.any() and (part.p == 1).all()


def test_one_model_says_the_same_twice():
    X = RNG.normal(size=(80, 4))
    one = explained([1, 2, 3, 4], X, X[:6])
    found = px.difference(one, one)
    assert not found.of_means.stderr[:, 0].any() and (found.of_means.p == 1).all()
    assert "Both say the same of all of them." in found.describe()


def test_rows_that_all_differ_alike_are_no_proof_that_others_would():
    apart = np.tile([1.0, 0.0, 0.0], (9, 1))
    apart[:, 1] = np.linspace(-1, 1, 9)
    stderr = px.difference(attribution(np.zeros((9, 3)), 0), attribution(apart, 0)).of_means.stderr[:, 0]
    np.testing.assert_allclose(stderr, [3 / 9 * apart[:, 1].std(ddof=1), apart[:, 1].std(ddof=1) / 3, stderr[0]])
    alone = px.difference(attribution(np.zeros((9, 3)), 0), attribution(np.ones((9, 3)), 0))
    assert np.isinf(alone.of_means.stderr).all() and not alone.of_means.moved.any()


def test_a_feature_that_absence_never_changes_lends_nothing():
    apart = np.zeros((9, 2))
    apart[:, 1] = np.linspace(-1, 1, 9)
    a, b = (attribution(values, 0, merged=["x0"]) for values in (np.zeros((9, 2)), apart))
    assert px.difference(a, b).of_means.stderr[0, 0] == 0.0


@pytest.mark.parametrize(("a", "b"), [(VALUES[:1], OTHER[:1]), (VALUES[:1], VALUES[:1])], ids=["other values", "the same"])
def test_a_single_input_has_no_interval_for_others_and_says_so(a, b):
    found = px.difference(attribution(a), attribution(b))
    assert np.isinf(found.of_means.half()).all() and not found.of_sizes.moved.any()
    assert "It is a single row" in found.describe() and not found.to_frame().isna().any(axis=None)


def test_a_group_of_one_has_no_interval_and_says_so():
    found = px.difference(attribution(VALUES[:1]), attribution(OTHER[1:], first=1), names=("him", "others"))
    assert np.isinf(found.of_means.half()).all()
    assert "him has a single input, which tells nothing of others" in found.describe()


def test_errors_that_are_not_known_leave_no_nan():
    found = px.difference(attribution(VALUES, np.inf), attribution(OTHER, np.inf))
    assert not found.to_frame().isna().any(axis=None) and not found.rows_frame().isna().any(axis=None)
    assert not found.of_inputs.moved.any() and found.of_means.moved.any()  # how inputs differ is seen


# ------------------------------------------------------------------------------------------------ what inputs share


def test_models_on_one_background_err_together_as_far_as_their_values_do():
    values, error = VALUES[:, :, :1], np.full((12, 4, 1), 0.3)
    a, b = attribution(values, 0, background=error), attribution(2.0 * values, 0, background=2.0 * error)
    spread = values.std(axis=0, ddof=1) / np.sqrt(12)
    np.testing.assert_allclose(px.difference(a, b).of_means.stderr, np.hypot(spread, 0.3))  # of 2x - x
    other = attribution(2.0 * values, 0, background=2.0 * error, space_seed=1)
    apart = px.difference(a, other)
    np.testing.assert_allclose(apart.of_means.stderr, np.hypot(spread, np.hypot(0.3, 0.6)))
    assert "Other rows stand for what is hidden in a and in b" in apart.describe()


def test_one_set_of_answers_for_all_rows_is_an_error_that_no_row_takes_off():
    a, b = (attribution(values, 0.4, errors_in_common=True) for values in (VALUES, OTHER))
    plain = px.difference(attribution(VALUES, 0.4), attribution(OTHER, 0.4)).of_means.stderr
    np.testing.assert_allclose(px.difference(a, b).of_means.stderr, np.sqrt(plain**2 + 2 * 0.4**2))


def test_at_a_single_input_both_values_errors_count():
    found = px.difference(attribution(VALUES, 0.3), attribution(OTHER, 0.4))
    np.testing.assert_allclose(found.of_inputs.stderr, 0.5)
    factor = stats.t.ppf(0.5 + 0.95 ** (1 / 4) / 2, found.of_inputs.df)
    assert (found.of_inputs.moved == (np.abs(OTHER - VALUES) > factor * 0.5)).all()


# ------------------------------------------------------------------------------------------------ symmetries


numbers = st.integers(0, 2**32 - 1)


@settings(max_examples=25, deadline=None)
@given(numbers, st.integers(2, 7), st.integers(2, 7), st.booleans())
def test_a_against_b_is_b_against_a_turned(seed, n, m, paired):
    rng = np.random.default_rng(seed)
    a = attribution(rng.normal(size=(n, 3, 2)), background=rng.uniform(size=(n, 3, 2)))
    k, first = (n, 0) if paired else (m, n)
    b = attribution(rng.normal(size=(k, 3, 2)), 0.3, background=rng.uniform(size=(k, 3, 2)), first=first)
    found, turned = px.difference(a, b), px.difference(b, a)
    for one, other in ((found.of_means, turned.of_means), (found.of_sizes, turned.of_sizes)):
        np.testing.assert_allclose(one.difference, -other.difference)
        np.testing.assert_allclose(one.stderr, other.stderr)
        np.testing.assert_allclose(one.p, other.p)


@settings(max_examples=25, deadline=None)
@given(numbers, st.permutations(range(6)), st.permutations(range(3)), st.permutations(range(2)))
def test_the_order_of_rows_features_and_outputs_changes_nothing(seed, rows, players, outputs):
    rng = np.random.default_rng(seed)
    a, b = attribution(rng.normal(size=(6, 3, 2))), attribution(rng.normal(size=(6, 3, 2)), 0.2)
    values = b.values[:, players][:, :, outputs]
    names, called = [b.names[p] for p in players], [b.outputs[k] for k in outputs]
    mixed = attribution(values, 0.2, names=names, outputs=called)
    found, other = px.difference(a, b), px.difference(a[list(rows)], mixed[list(rows)])
    assert (found.names, found.outputs) == (other.names, other.outputs)
    np.testing.assert_allclose(found.to_frame().select_dtypes("number"), other.to_frame().select_dtypes("number"))


# ------------------------------------------------------------------------------------------------ which of the two


def test_parts_of_one_result_are_groups_and_all_of_two_are_pairs():
    X = pd.DataFrame(RNG.normal(size=(60, 3)), columns=list("abc"))
    one = explained([1, 2, 3], X, X[:20])
    mask = (X.a[:20] > 0).to_numpy()
    assert not px.difference(one[mask], one[~mask]).paired
    assert px.difference(one, explained([3, 2, 1], X, X[:20])).paired


def test_rows_that_two_spaces_code_otherwise_are_the_same_rows():
    X = pd.DataFrame({"city": list("abcabc"), "n": range(6)})
    more = pd.concat([pd.DataFrame({"city": ["z"], "n": [9]}), X], ignore_index=True)

    def model(X):
        return np.asarray(X.n, dtype=float) + np.asarray(X.city == "a", dtype=float)

    one, other = (
        px.explain("exact_shap", px.Predictor(model), px.TabularSpace(t), X, seed=0)["exact_shap"] for t in (X, more)
    )
    assert one[0].input.tolist() != other[0].input.tolist()
    assert px.difference(one, other).paired


def test_rows_of_which_few_features_were_taken_are_told_apart_by_all():
    X = pd.DataFrame({"sex": [0, 1] * 10, "age": range(20)})
    one = px.explain("exact_shap", px.Predictor(linear([1, 1])), px.TabularSpace(X), X)["exact_shap"][:, "sex"]
    assert not px.difference(one[:10], one[10:]).paired


def test_equal_rows_with_other_labels_are_groups_where_that_is_said():
    a, b = attribution(VALUES[:3]), attribution(OTHER[:3], first=10)
    b = with_inputs(b, [a[0].input, *b.inputs[1:]])
    with pytest.raises(ValueError, match=r"1 input of 'a' \(0\) is in 'b' too.*paired=False"):
        px.difference(a, b)
    assert not px.difference(a, b, paired=False).paired


def test_missing_values_and_signs_of_zero_are_what_they_are():
    a, b = attribution(VALUES[:3]), attribution(OTHER[:3])
    a = with_inputs(a, [[np.nan, 0.0], [1.0, 0.0], [2.0, 0.0]])
    assert px.difference(a, with_inputs(b, [[np.nan, -0.0], [1.0, 0.0], [2.0, -0.0]])).paired


# ------------------------------------------------------------------------------------------------ what is told


def test_what_else_differs_is_told():
    said = px.difference(attribution(VALUES), attribution(OTHER, budget=1200, seed=7), names=("old", "new")).describe()
    assert "Their budgets differ: 40 in old, 1,200 in new." in said and "Their seeds differ: 0 in old, 7 in new." in said
    assert "One seed asked both the same questions" in px.difference(attribution(VALUES), attribution(OTHER)).describe()
    groups = px.difference(attribution(VALUES[:4]), attribution(VALUES[4:], first=4, base=1.0))
    assert "With everything hidden a and b have other outputs" in groups.describe()
    assert px.difference(attribution(VALUES[:4]), attribution(VALUES[4:], first=4)).notes == ()


def test_words_name_what_moved_in_the_unit_of_the_output():
    a, b = (attribution(one[:, :, :1] / 10, 0.01, scale="probability") for one in (VALUES, OTHER))
    lines = px.difference(a, b, names=("before", "after")).describe().splitlines()
    assert lines[0] == "after is set against before at the same 12 rows, by kernel_shap."
    assert any(one.startswith("What x1 adds on average goes from") and "+9.3 ± 1.0 points" in one for one in lines)


def test_mappings_give_a_difference_for_each_name_in_common():
    a, b = attribution(VALUES), attribution(OTHER)
    found = px.difference({"x": a, "mine": a}, {"mine": b, "y": b})
    assert list(found) == ["mine"] and found["mine"].name == "mine"


def test_tables_are_tidy_and_come_back_from_csv():
    found = px.difference(attribution(VALUES), attribution(OTHER), names=("before", "after"))
    frame, rows = found.to_frame(), found.rows_frame()
    assert len(frame) == 4 * 2 and len(rows) == 12 * 4 * 2
    pd.testing.assert_frame_equal(px.read_csv(io.StringIO(found.to_csv())), frame, check_dtype=False)
    picked = rows[(rows.row == 3) & (rows.feature == "x1") & (rows.output == "y1")].iloc[0]
    assert (picked.a, picked.b) == (VALUES[3, 1, 1], OTHER[3, 1, 1]) and picked.difference == picked.b - picked.a
    assert "after less before" in found._repr_html_() and "at 12 rows" in repr(found)


def test_labels_that_are_tuples_stay_whole():
    a, b = ((with_inputs(attribution(v[:2]), [[0.0], [1.0]], [("u", 1), ("u", 2)])) for v in (VALUES, OTHER))
    assert px.difference(a, b).rows_frame().row.iloc[0] == ("u", 1)


def test_one_photo_by_two_models_is_compared_by_superpixel():
    image = np.random.default_rng(0).uniform(size=(16, 16, 3)).astype("float32")
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0.0)
    a, b = (
        px.explain("kernel_shap", px.Predictor(lambda X, w=w: X[:, :8].mean(axis=(1, 2, 3)) * w), space, image)[
            "kernel_shap"
        ]
        for w in (1.0, 5.0)
    )
    found = px.difference(a, b)
    assert found.of_inputs.moved.any() and "the same picture" in found.describe()


# ------------------------------------------------------------------------------------------------ what is refused


def photos(n, first=0, **meta):
    return with_inputs(attribution(VALUES[:n], first=first, **meta), RNG.uniform(size=(n, 4, 4, 3)) + first)


@pytest.mark.parametrize(
    ("b", "match"),
    [
        (attribution(OTHER, method=px.Lime()), "by KernelShap.* and 'b' by Lime.*compare"),
        (attribution(OTHER, method=px.KernelShap(surrogate="none")), "one method and options"),
        (attribution(OTHER, scale="logit"), "scale 'raw' and 'b' 'logit'.*Predictor"),
        (attribution(OTHER, score="logit"), "score None and 'b' 'logit'"),
        (attribution(OTHER, space="image"), "kind of space"),
        (attribution(OTHER, outputs=("y0", "z")), "outputs must be the same.*only 'a' has 'y1', only 'b' has 'z'"),
        (attribution(OTHER, names=("x0", "x1", "x2", "z")), r"features must be the same.*'x3'.*'z'.*a\[:, "),
        (attribution(OTHER[:0]), "'b' holds no explained input"),
        (attribution(np.where(OTHER > 2, np.nan, OTHER)), "values that are not finite"),
        (attribution(OTHER, first=6), r"6 inputs of 'a' \(6, 7, 8.* are in 'b' too"),
        (attribution(OTHER)[::-1], "12 inputs of 'a'"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_way_out(b, match):
    with pytest.raises(ValueError, match=match):
        px.difference(attribution(VALUES), b)


@pytest.mark.parametrize(
    ("a", "b", "options", "match"),
    [
        (VALUES, OTHER[::-1], {}, r"another order; give 'b' in that of 'a', b\[\[\.\.\.\]\]"),
        (VALUES, OTHER[:3], {}, "paired=True, but the inputs.*explain the same inputs by both"),
    ],
)
def test_pairs_that_are_none_are_refused(a, b, options, match):
    one, other = attribution(a), attribution(b)
    if len(b) == len(a):
        other = attribution(a)[::-1]
    with pytest.raises(ValueError, match=match):
        px.difference(one, other, paired=True, **options)


def test_one_result_is_no_two_groups():
    with pytest.raises(ValueError, match="12 inputs of 'a'"):
        px.difference(attribution(VALUES), attribution(OTHER), paired=False)


def test_photos_are_compared_one_at_a_time_and_never_in_groups():
    two = photos(2)
    with pytest.raises(ValueError, match="are of other photos"):
        px.difference(two, photos(2, first=5))
    with pytest.raises(ValueError, match=r"both hold 2 photos.*difference\(a\[\[0\]\], b\[\[0\]\]\)"):
        px.difference(two, two)
    one = photos(1, segments="grid", n_segments=4)
    cut = replace(one, meta=one.meta | {"n_segments": 9})
    with pytest.raises(ValueError, match=r"cut the photo otherwise.*one ImageSpace"):
        px.difference(one, cut)


@pytest.mark.parametrize("names", ["ab", ("a",), ("a", "a"), ("a", 1), ("a", " "), None, ("a", "b", "c")], ids=repr)
def test_two_names_that_differ_are_asked_for(names):
    with pytest.raises((ValueError, TypeError), match="names="):
        px.difference(attribution(VALUES), attribution(OTHER), names=names)


def test_other_arguments_are_refused_as_everywhere():
    a, b = attribution(VALUES), attribution(OTHER)
    with pytest.raises(ValueError, match="level=2"):
        px.difference(a, b, level=2)
    with pytest.raises(ValueError, match="paired='yes'"):
        px.difference(a, b, paired="yes")
    with pytest.raises(TypeError, match="expected two Attributions"):
        px.difference(a, {"x": b})
    with pytest.raises(TypeError, match=r"b\['x'\] is int"):
        px.difference({"x": a}, {"x": 1})
    with pytest.raises(ValueError, match="no name in common"):
        px.difference({"x": a}, {"y": b})
    with pytest.raises(ValueError, match="rows_frame"):
        px.difference(a[:4], a[4:]).rows_frame()
