"""Words that reports and notebooks say of attributions: to the letter on known games, and never more than is known."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from explanations import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st

import perturbxai as px
from perturbxai.results import describing, superpixels
from perturbxai.results.amounts import MINUS, Unit, rounded, share, with_error
from perturbxai.results.row_values import Kept

HIDDEN = "A hidden feature takes the values that it has in other rows of the table."
ERRORS = "Behind ± is half of a 95 % interval. It covers the chance in which combinations were tried."


def row(values, *, stderr=0.0, base=100.0, prediction=None, names="abcdefgh", own=None, label=7, **changes):
    """An explanation of one output with these numbers."""
    values = np.asarray(values, dtype=float)
    made = px.Explanation(
        values[:, None], np.broadcast_to(np.asarray(stderr, dtype=float), values.shape)[:, None].copy(), np.array([2.5]),
        np.inf, np.array([base]), np.array([base + values.sum() if prediction is None else prediction]),
        tuple(names[: len(values)]), ("y",), label, np.zeros(len(values)), px.KernelShap(), {"scale": "raw"},
        teller=None if own is None else Kept(np.array([*own, None], dtype=object)[:-1]),
    )  # fmt: skip
    return replace(made, **changes)


def said(*args, **changes):
    return row(*args, **changes).describe().split("\n")


# ------------------------------------------------------------------------------------------------ one row


def test_a_row_of_a_linear_model_is_told_to_the_letter():
    found = said(
        [28.0, 40.0, -5.0, 1.0, -2.0], stderr=1.0, names=["bmi", "s5", "age", "sex", "bp"], own=[32.1, 4.9, 24, "f", 90.5]
    )
    assert found == [
        "For row 7 the prediction of 162 is 62 above the mean prediction of 100, mostly because of s5 = 4.9 (+40 ± 2) and "
        "bmi = 32.1 (+28 ± 2).",
        f"Against it stands age = 24 ({MINUS}5 ± 2).",
        f"The other 2 add up to {MINUS}1.",
        HIDDEN,
        ERRORS,
    ]


def test_exact_values_have_no_error_and_nothing_is_said_of_it():
    found = said([2.0, -1.0])
    assert found == [
        "For row 7 the prediction of 101 is 1 above the mean prediction of 100, mostly because of a (+2).",
        f"Against it stands b ({MINUS}1).",
        HIDDEN,
    ]


def test_a_sign_that_noise_could_turn_is_not_told_as_a_cause():
    found = said([30.0, 3.0], stderr=[1.0, 2.0])
    assert "because of a (+30 ± 2)." in found[0] and "b (" not in found[0]
    assert found[1] == "Whether b (+3 ± 4) raises or lowers it is not beyond noise."


def test_without_errors_nothing_is_called_sure():
    found = said([30.0, 3.0], stderr=np.inf)
    assert found[-2] == "How exact these numbers are is not known." and "±" not in "".join(found)


def test_all_values_zero_move_nothing():
    assert said([0.0, 0.0, 0.0])[:2] == [
        "For row 7 the prediction of 100 is as high as the mean prediction of 100.",
        "No feature moves it.",
    ]


def test_values_that_balance_have_no_cause_but_parts():
    found = said([10.0, -10.0])
    assert found[0].endswith("is as high as the mean prediction of 100.")
    assert found[1] == f"The largest parts are a (+10) and b ({MINUS}10)."


def test_a_small_part_of_the_difference_is_not_most_of_it():
    found = said([6.0, 5.0, 5.0, *[5.0] * 5], names="abcdefgh")
    assert ", in part because of a (+6), b (+5) and c (+5)." in found[0] and found[1] == "The other 5 add up to +25."


def test_what_the_values_do_not_add_up_to_is_told():
    assert "A part of +10 is of no single one." in said([30.0, 10.0], prediction=150.0)
    whole = row([30.0, 20.0, 1.0])
    assert "A part of +21 is of features that were not taken." in whole.only("a").describe()


@pytest.mark.parametrize("base", [np.nan, np.inf])
def test_a_base_that_is_no_number_is_compared_with_nothing(base):
    found = said([30.0, 10.0], base=base, prediction=140.0)
    assert found[0] == (
        "For row 7 the prediction of 140 has nothing to be compared with: what it is with everything hidden is not known."
    )
    assert found[1] == "The largest parts are a (+30) and b (+10)."


def test_the_error_of_the_background_counts_and_is_named():
    found = row([30.0, 10.0], stderr=0.3, stderr_background=np.array([[0.4], [0.4]])).describe()
    assert "a (+30.0 ± 1.0)" in found and found.endswith("tried, and which rows stood for what is hidden.")


def test_probabilities_are_per_cent_and_their_changes_points():
    found = said([0.12, -0.02], base=0.5, stderr=0.01, meta={"scale": "probability"})
    assert found[0] == (
        "For row 7 the prediction of 60 % is 10 percentage points above the mean prediction of 50 %, mostly because of "
        "a (+12 ± 2 points)."
    )


def test_log_odds_are_scores():
    assert said([1.0], base=0.5, meta={"scale": "logit"})[0].startswith(
        "For row 7 the score of 1.5 is 1 above the mean score of 0.5"
    )


def test_one_of_several_outputs_is_named():
    two = replace(
        row([1.0, 2.0]), values=np.ones((2, 2)), stderr=np.zeros((2, 2)), outputs=("cat", "dog"), base=np.zeros(2),
        prediction=np.full(2, 2.0), critical=np.ones(2),
    )  # fmt: skip
    text = two.describe()
    assert "the prediction of cat, 2, is 2 above" in text and text.count(HIDDEN) == 1 and text.endswith(HIDDEN)
    assert "dog" not in two.describe(output="cat")
    with pytest.raises(ValueError, match="'cow' is not an output"):
        two.describe(output="cow")


def test_rules_and_groups_tell_themselves():
    found = row([3.0, 1.0], own=["x = 1, y = b", 2], columns={"rule": np.array(["3.2 < age", "bmi > 5"], dtype=object)})
    assert "because of 3.2 < age (+3) and bmi > 5 (+1)." in found.describe()
    assert "because of a: x = 1, y = b (+3) and b = 2 (+1)." in replace(found, columns={}).describe()


def test_the_game_of_a_linear_model_is_found_in_its_words():
    X = pd.DataFrame(np.random.default_rng(0).integers(0, 9, size=(30, 3)), columns=["a", "b", "c"])
    predictor, space = px.Predictor(lambda X: X.to_numpy() @ [1.0, 10.0, 0.0]), px.TabularSpace(X, background="all")
    found = px.explain("exact_shap", predictor, space, X.iloc[:1])["exact_shap"]
    part = 10.0 * (X.b[0] - X.b.mean())
    assert f"b = {X.b[0]} ({rounded(part) if part < 0 else '+' + rounded(part)}" in found.describe()


# ------------------------------------------------------------------------------------------------ photos


@pytest.mark.parametrize(
    ("player", "place"),
    list(enumerate(["upper left", "top", "upper right", "left", "centre", "right", "lower left", "bottom", "lower right"])),
)
def test_a_superpixel_lies_where_its_middle_is(player, place):
    assert (
        superpixels.where(np.kron(np.arange(9).reshape(3, 3), np.ones((5, 4), dtype=int)).astype(np.int32), player) == place
    )


def test_a_photo_tells_places_and_its_fill():
    labels = np.repeat([[0, 1]], 4, axis=0).repeat(4, axis=1).astype(np.int32)
    one = row([3.0, -1.0], names=["superpixel 0", "superpixel 1"], input=np.zeros((4, 8, 3)), meta={"fill": "blur"}, label=0)
    assert one.describe(space=labels).split("\n") == [
        "For picture 0 the prediction of 102 is 2 above the prediction of 100 with all of it hidden, mostly because of "
        "superpixel 0 (left) (+3).",
        f"Against it stands superpixel 1 (right) ({MINUS}1).",
        "A hidden superpixel shows the fill 'blur'; another fill may tell otherwise.",
    ]
    pair = px.Attribution((one, one))
    assert pair.describe() == "2 pictures: their superpixels are not the same, so that each is told by itself."


# ------------------------------------------------------------------------------------------------ many rows


def rows(sizes, n=12, stderr=0.0, **changes):
    """Rows whose values alternate in sign, with these sizes, and which have higher numbers where they are positive."""
    signs = np.where(np.arange(n) % 2, 1.0, -1.0) * (1.0 + np.arange(n) / (10.0 * n))
    own = [list(sign + 0.0 * np.arange(len(sizes))) for sign in signs]
    parts = [
        row(sign * np.asarray(sizes), stderr=stderr, own=has, label=i, **changes)
        for i, (sign, has) in enumerate(zip(signs, own, strict=True))
    ]
    return px.Attribution(tuple(parts), {"name": "kernel_shap"})


def test_what_matters_over_rows_is_told_to_the_letter():
    found = rows([60.0, 20.0, 10.0, 5.0, 5.0], stderr=0.1).describe().split("\n")
    assert found == [
        "12 rows are explained. Their predictions go from −8.33 to 209, where the mean prediction is 100.",
        "a carries 60 % ± 1 % of the differences between predictions.",
        "On average a moves it by 62.75 ± 0.06, b by 20.92 ± 0.06 and c by 10.46 ± 0.06.",
        "This order is beyond noise.",
        "The 2 not named carry 10 % together.",
        "In these rows a higher a, a higher b and a higher c raise the prediction.",
        HIDDEN,
        ERRORS,
    ]


def test_an_order_within_noise_is_not_told_as_one():
    text = rows([50.0, 49.9, 1.0], stderr=3.0).describe()
    assert "Noise could turn the order of a and b." in text and "This order" not in text


def test_features_that_are_exactly_alike_have_no_order():
    assert "Noise could turn the order of a and b." in rows([10.0, 10.0]).describe()


def test_shares_have_no_error_where_none_is_known():
    text = rows([60.0, 20.0], stderr=np.inf).describe()
    assert "a carries 75 % of" in text and "±" not in text
    assert "How exact these numbers are is not known, nor whether their order is chance." in text


def test_one_row_tells_of_itself_and_one_of_many_that_it_is_one():
    one = rows([60.0, 20.0], n=1)
    assert one.describe() == one[0].describe()
    said = describing.of_rows(one, 0)
    assert said == ["One row is explained: what it says need not hold for others.", *describing.of_row(one[0], 0)]
    assert not any("On average" in sentence or "differences" in sentence for sentence in said)


def test_long_names_that_differ_in_their_middle_differ_in_words():
    names = [f"a rather long name of a measured quantity, number {i} (in kg/m², at 20 °C)" for i in range(3)]
    text = rows([60.0, 20.0, 10.0], stderr=0.1, names=names).describe()
    assert all(text.count(f"number {i} (in") >= 2 for i in range(3))  # how far each moves it, and which way
    assert all(f"number {i} (in" in row([28.0, 40.0, -5.0], names=names).describe() for i in range(3))


def test_neighbours_whose_order_noise_could_turn_are_told_in_pairs():
    text = rows([50.0, 49.9, 49.8], stderr=3.0).describe()
    assert "Noise could turn the order of a and b, and of b and c." in text


def test_probabilities_near_none_and_all_are_told_no_closer_than_anybody_reads():
    parts = [
        row([p - 0.5, 0.0], base=0.5, label=i, meta={"scale": "probability"}) for i, p in enumerate((3e-9, 0.5, 1 - 3e-9))
    ]
    assert "go from less than 0.01 % to more than 99.99 %, where" in px.Attribution(tuple(parts)).describe()
    alike = px.Attribution((parts[0], replace(parts[0], label=8)))
    assert "Their predictions are all less than 0.01 %, where the mean prediction is 50 %." in alike.describe()


def test_rows_that_nothing_moves_are_told_so():
    assert "No feature moves the prediction." in rows([0.0, 0.0]).describe()
    assert "No feature moves the prediction by more than noise." in rows([0.0, 0.0], stderr=1.0).describe()


def test_an_empty_result_has_nothing_to_tell():
    assert describing.of_rows(px.Attribution(()), 0) == ["Nothing is explained."]


def test_a_share_covers_the_truth_as_often_as_it_says():
    rng, truth, hits = np.random.default_rng(0), np.array([30.0, 20.0, 15.0, 10.0]), 0
    for _ in range(200):
        parts = [row(truth * (1 if n % 2 else -1) + rng.normal(size=4), stderr=1.0) for n in range(8)]
        (found,) = re.findall(r"carr\w+ (\d+) % ± (\d+) %", px.Attribution(tuple(parts)).describe())
        hits += abs(float(found[0]) - 100 * 50 / 75) <= float(found[1]) + 0.5  # both are rounded
    assert hits >= 0.92 * 200


def test_an_importance_and_a_pick_have_words():
    found = rows([60.0, 20.0, 10.0, 5.0], stderr=0.1)
    text = px.importance(found).describe()
    assert text.startswith("Importance by kernel_shap, over 12 rows.\na carries 63 % ± ") and text.endswith(
        "other rows, would change."
    )
    pick = px.submodular_pick(found, 1, n_features=4)
    assert (
        pick.describe()
        == "1 row shows 100 % of what matters over all explained rows: 11 (adds 100 %).\n11 is the first to show a, b, c, d."
    )


# ------------------------------------------------------------------------------------------------ whatever comes

NUMBERS = st.floats(-1e12, 1e12) | st.sampled_from([0.0, -0.0, 1e-300, 1e300, 5e-324, 0.1])
ERROR = st.floats(0, 1e6) | st.sampled_from([np.inf, 0.0])
NAMES = st.sampled_from(HOSTILE) | st.text(max_size=60)


@settings(deadline=None, max_examples=150)
@given(
    values=st.lists(NUMBERS, min_size=1, max_size=6), error=ERROR, base=NUMBERS | st.just(np.nan),
    scale=st.sampled_from(["raw", "probability", "logit"]), names=st.lists(NAMES, min_size=6, max_size=6),
    own=st.lists(NUMBERS | st.text(max_size=50) | st.none() | st.booleans(), min_size=6, max_size=6),
)  # fmt: skip
def test_words_are_lines_of_plain_numbers_whatever_comes(values, error, base, scale, names, own):
    n = len(values)
    with np.errstate(over="ignore", invalid="ignore"):
        one = row(values, stderr=error, base=base, names=names, own=own[:n], meta={"scale": scale})
        texts = [describing.of_row(one, 0), describing.of_rows(px.Attribution((one, one, one)), 0)]
    clean = row(values, stderr=error, base=base, meta={"scale": scale})
    with np.errstate(over="ignore", invalid="ignore"):
        plain = [*describing.of_row(clean, 0), *describing.of_rows(px.Attribution((clean, clean)), 0)]
    for sentence in [*texts[0], *texts[1], *plain]:
        assert sentence and "\n" not in sentence and sentence[-1] in '."' and len(sentence) < 1200
    for sentence in plain:
        assert not re.search(r"\bnan\b|\binf\b|[-−]0(?![.\d])|-\d", sentence), sentence


@given(st.floats(-1e15, 1e15), st.floats(0, 1e12))
def test_a_rounded_number_is_near_the_number(value, half):
    text = with_error(value, half).partition(" ±")[0].replace(",", "").replace(MINUS, "-")
    assert abs(float(text) - value) <= max(0.34 * half, 0.0051 * abs(value), 5e-324)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_a_larger_number_is_never_written_smaller(one, other):
    a, b = (float(rounded(x).replace(",", "").replace(MINUS, "-")) for x in sorted([one, other]))
    assert a <= b


@pytest.mark.parametrize("scale", ["raw", "probability", "logit", ""])
def test_a_unit_tells_levels_and_changes_in_one_measure(scale):
    unit = Unit(scale)
    factor = 100 if scale == "probability" else 1
    assert (
        unit.level(0.25).split()[0] == rounded(0.25 * factor)
        and unit.change(0.25).split()[0] == f"+{rounded(0.25 * factor)}"
    )


def test_a_share_grows_with_what_it_is_of():
    texts = [share(x) for x in np.linspace(0.005, 1, 100)]
    assert [int(t.partition(" ")[0]) for t in texts] == sorted(int(t.partition(" ")[0]) for t in texts)


# ------------------------------------------------------------------------------------------------ some of all features


def test_some_features_are_never_said_to_be_all_that_moves_the_prediction():
    X = np.random.default_rng(0).normal(size=(60, 4))
    result = px.explain("kernel_shap", lambda X: X @ [5.0, 3.0, 1.0, 0.0], X, X[:20])["kernel_shap"]
    found = px.importance(result)
    for text in (result[:, "x2"].describe(), found.only("x2").describe(), px.importance(result[:, "x2"]).describe()):
        assert "x2 moves it by" in text and "all that moves" not in text
    for text in (result[:, ["x1", "x2"]].describe(), found.only(["x1", "x2"]).describe()):
        assert "x1 carries" in text and "of what those that were taken do." in text
    assert "None of the features that were taken moves the prediction" in result[:, "x3"].describe()
    assert "differences between predictions" in result[:, ["x3", "x2", "x1", "x0"]].describe()  # all, in another order


def test_curves_of_some_columns_are_not_said_to_be_all_that_moves_the_prediction():
    X = np.random.default_rng(0).normal(size=(60, 2))
    found = px.importance(px.effects("pdp", lambda X: X @ [5.0, 3.0], X, X, features=["x1"]))["pdp"]
    assert "all that moves" not in found.describe()


def test_the_largest_part_of_some_features_is_of_these_alone():
    found = row([5.0, -1.0, 3.0]).only("b").describe().split("\n")
    assert found[1] == f"Of those that were taken the largest part is b ({MINUS}1)."
    assert row([5.0, 0.0, 3.0]).only("b").describe().split("\n")[1] == "None of the features that were taken moves it."


def test_features_in_another_order_are_all_of_them():
    found = row([5.0, -1.0], prediction=110.0).only(["b", "a"]).describe()
    assert "A part of +6 is of no single one." in found


def test_what_is_left_of_sums_is_no_amount():
    assert "The other 2 add up to 0." in said([5.0, -3.0, 2.0, 1e-14, 1e-14])


def test_a_feature_of_no_weight_has_no_way_to_go():
    X = np.random.default_rng(0).normal(size=(60, 3))
    found = px.explain("kernel_shap", lambda X: X @ [5.0, 3.0, 1e-6], X, X[:20])["kernel_shap"].describe()
    assert "In these rows a higher x0 and a higher x1 raise the prediction." in found


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_not_told_as_no_effect(value):
    found = said([5.0, value], prediction=110.0)
    assert found[:2] == [
        "For row 7 the prediction of 110 is 10 above the mean prediction of 100.", "What its features do is not known."
    ]  # fmt: skip
    assert not any("add up" in sentence or "noise" in sentence for sentence in found)


def test_rounding_beside_a_large_prediction_is_no_effect():
    found = row([5.0, 1e-15, -2e-15], prediction=105.0).only(["b", "c"]).describe()
    assert "None of the features that were taken moves it." in found and "noise" not in found
    many = px.Attribution((row([5.0, 1e-15]),) * 12, {"name": "kernel_shap"})
    assert "None of the features that were taken moves the prediction." in many[:, "b"].describe()


def test_picked_rows_of_some_features_show_what_matters_among_these():
    X = np.random.default_rng(0).normal(size=(60, 4))
    result = px.explain("kernel_shap", lambda X: X @ [5.0, 3.0, 1.0, 0.0], X, X[:20])["kernel_shap"]
    assert "of what matters among the features that were taken over" in px.submodular_pick(result[:, "x2"], 1).describe()
    assert "among" not in px.submodular_pick(result, 1).describe()


def test_numbers_of_a_control_are_told_to_be_none_of_the_model_s():
    X = np.random.default_rng(0).normal(size=(30, 3))

    class Model:
        classes_ = np.array(["no", "yes"])

        def predict_proba(self, rows):
            return np.column_stack([rows[:, 0] > 0, rows[:, 0] <= 0]) * 0.5 + 0.25

    found = px.baselines("random", px.Predictor(Model()), px.TabularSpace(X), X[:4])["random"]
    for told in (found.describe(output="yes"), found[0].describe(output="yes")):
        assert "looks at no model" in told and "points" not in told.partition("This is a control")[2]
        assert "order" not in told and "carr" not in told and "because" not in told
