"""What a comparison says in words: who agrees, who is best as far as chance allows, and that home flatters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import stub_results

import perturbxai as px
from perturbxai.calls.describing_comparisons import alike, beyond, of_comparison


def compared(scores, agreement=(), fills=("background",), metric="faithfulness"):
    """A comparison of made-up scores: {method: one an input}, each method at home under the first fill."""
    names, n = list(scores), len(next(iter(scores.values())))
    lines = [
        {"method": name, "row": row, "output": "y", "metric": metric, "explained_fill": fills[0], "scored_fill": fill,
         "home": fill == fills[0], "value": value + (0.0 if fill == fills[0] else -0.25),
         "test_set": "200 untouched coalitions, sizes uniform"}
        for name in names for row, value in enumerate(scores[name]) for fill in fills
    ]  # fmt: skip
    pairs = [
        {"method_a": a, "method_b": b, "row": 0, "output": "y", "metric": "spearman", "value": value}
        for (a, b), value in agreement
    ]
    results = {name: stub_results.result(name) for name in names}
    empty = pd.DataFrame()
    return px.Comparison(
        pd.DataFrame(lines), pd.DataFrame(pairs, columns=["method_a", "method_b", "row", "output", "metric", "value"]),
        empty, empty, empty, results, [None] * n, {"better": {metric: "higher", "deletion": "lower"}},
    )  # fmt: skip


NOISE = np.random.default_rng(0).normal(scale=0.01, size=(3, 12))


def test_a_lead_that_is_sure_but_next_to_nothing_is_called_so():
    said = compared({"lime": 0.8 + NOISE[0], "kernel_shap": 0.8002 + NOISE[0]}).describe()
    assert "better than every other beyond chance; the nearest, lime, is 0.0002 behind, which hardly matters." in said


def test_the_whole_is_told_to_the_letter():
    scores = {"lime": 0.8 + NOISE[0], "kernel_shap": 0.9 + NOISE[0], "pdp": 0.5 + NOISE[1], "random": 0.5 + NOISE[2]}
    pairs = [
        (("lime", "kernel_shap"), 0.97),
        (("lime", "pdp"), 0.4),
        (("kernel_shap", "pdp"), 0.31),
        (("pdp", "random"), 0.35),
    ]
    assert compared(scores, pairs).describe().split("\n") == [
        "4 methods at 12 rows: lime, kernel_shap, pdp and random.",
        "lime and kernel_shap rank the features alike (rank correlation 0.9 or more).",
        "Least alike are kernel_shap and pdp (rank correlation 0.31).",
        "By faithfulness (correlation with untouched coalitions, within sizes) kernel_shap scores best: 0.9, better than "
        "every other beyond chance; the nearest, lime, is 0.1 behind.",
        "No better than the control random, which looks at no model, beyond chance: pdp.",
    ]


def test_few_inputs_say_that_they_are_few_and_not_that_a_method_is_no_better_than_a_control():
    few = NOISE[:, :4]
    text = compared({"lime": 0.9 + few[0], "pdp": 0.5 + few[1], "random": 0.5 + few[2]}).describe()
    assert "4 inputs are too few to tell from the control random, which looks at no model: pdp." in text
    assert "No better" not in text


def test_where_all_coalitions_were_asked_none_is_called_untouched():
    found = compared({"lime": 0.8 + NOISE[0], "pdp": 0.5 + NOISE[1]})
    whole = replace(found, scores=found.scores.assign(test_set="exact table"))
    assert "correlation with untouched coalitions" in found.describe()
    assert "correlation with all coalitions" in whole.describe() and "untouched" not in whole.describe()
    some = replace(found, scores=found.scores.assign(test_set=["exact table", *found.scores.test_set[1:]]))
    assert "correlation with untouched or all coalitions" in some.describe()


def test_beside_scores_of_place_stands_what_a_map_that_says_nothing_has():
    found = compared({"lime": 0.8 + NOISE[0], "pdp": 0.5 + NOISE[1]}, metric="energy_pointing_game")
    told = replace(found, call=found.call | {"masks_cover": 0.231}).describe()
    assert told.endswith(
        "Masks cover 23 % of a picture on average: so much of a map that is the same everywhere lies inside."
    )
    assert "Masks" not in found.describe()


def test_a_page_may_call_methods_otherwise_and_controls_are_known_all_the_same():
    scores = {"lime": 0.8 + NOISE[0], "pdp": 0.5 + NOISE[1], "random": 0.5 + NOISE[2]}
    found = compared(scores, [(("lime", "pdp"), 0.4)])
    said = " ".join(of_comparison(found, {"lime": "LIME", "pdp": "PDP", "random": "Random map"}))
    assert "3 methods at 12 rows: LIME, PDP and Random map." in said and "Least alike are LIME and PDP" in said
    assert "the control Random map, which looks at no model, beyond chance: PDP." in said


def test_methods_within_chance_of_the_best_are_not_told_apart():
    text = compared({"lime": 0.8 + NOISE[0], "kernel_shap": 0.8 + NOISE[1], "pdp": 0.2 + NOISE[2]}).describe()
    assert "not told apart from" in text and "pdp" not in text.split("not told apart from")[1]


def test_one_input_ranks_nobody():
    text = compared({"lime": [0.9], "pdp": [0.1]}).describe()
    assert text.startswith("2 methods at 1 row:") and "One input cannot tell whether that is more than chance." in text


def test_where_low_is_good_the_lowest_is_best():
    text = compared({"lime": 0.8 + NOISE[0], "pdp": 0.2 + NOISE[1]}, metric="deletion").describe()
    assert "By deletion" in text and "pdp scores best" in text


def test_home_flatters_and_is_not_what_ranks():
    text = compared({"lime": 0.8 + NOISE[0], "cam": 0.4 + NOISE[1]}, fills=("blur", "mean")).describe()
    assert "lime scores best: 0.55" in text
    assert text.endswith("it scores 0.25 higher than under others; the scores above are those under others.")


def test_one_method_alone_has_no_rank():
    found = compared({"lime": [0.9, 0.8]})
    assert found.describe() == "1 method at 2 rows: lime."
    assert of_comparison(replace(found, scores=found.scores.assign(metric="faithfulness_raw"))) == [
        "1 method at 2 rows: lime."
    ]


def test_groups_agree_in_every_pair():
    pairs = {("a", "b"): 0.95, ("b", "c"): 0.95, ("a", "c"): 0.7, ("c", "d"): 0.99}
    assert alike(["a", "b", "c", "d"], pairs) == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize(("shift", "expected"), [(0.0, 0.05), (3.0, 1.0)])
def test_chance_is_named_beyond_no_more_often_than_it_may(shift, expected):
    rng = np.random.default_rng(0)
    share = np.mean([beyond(rng.normal(size=10) + shift) for _ in range(2000)])
    assert share <= 0.04 if shift == 0 else share > 0.99 * expected


def test_a_real_comparison_has_words():
    X = np.random.default_rng(0).normal(size=(60, 5))
    predictor, space = px.Predictor(lambda X: X @ [5.0, 3.0, 1.0, 0.5, 0.1]), px.TabularSpace(X)
    found = px.explain(["kernel_shap", "occlusion"], predictor, space, X[:8])
    found |= px.baselines("random", predictor, space, X[:8])
    text = px.compare(found, predictor, space).describe()
    assert "kernel_shap and occlusion rank the features alike" in text
    assert "scores best: 1, not told apart from" in text and "No better than the control" not in text


# ------------------------------------------------------------------------------------------------ what is compared with what


@pytest.mark.parametrize("labels", [["k"] * 12, ["k", "l"] * 6, [np.nan] * 12])
def test_rows_of_one_label_or_none_are_inputs_each(labels):
    found = compared({"lime": 0.8 + NOISE[0], "pdp": 0.5 + NOISE[1]})
    lines = found.scores.assign(row=[labels[row] for row in found.scores.row])
    assert replace(found, scores=lines).describe() == found.describe()


def on_two_fills(blur, mean, other):
    """The same maps under both names: lime@blur at home under blur, lime@mean under mean, scored under three fills."""
    found = compared({"lime@blur": blur, "lime@mean": blur}, fills=("blur", "mean", "black"))
    lines = found.scores
    of_mean = lines.method == "lime@mean"
    lines.loc[of_mean, "explained_fill"], lines.loc[of_mean, "home"] = "mean", lines.scored_fill[of_mean] == "mean"
    by_fill = {"blur": blur, "mean": mean, "black": other}
    lines["value"] = [by_fill[fill][row] for fill, row in zip(lines.scored_fill, lines.row, strict=True)]
    return found


def test_the_same_map_is_not_better_for_the_fill_that_it_was_explained_under():
    found = on_two_fills(0.5 + NOISE[0], 0.9 + NOISE[1], 0.1 + NOISE[2])
    assert "lime@blur scores best: 0.5, not told apart from lime@mean." in found.describe()


def test_methods_that_share_no_fill_are_not_set_against_each_other():
    found = on_two_fills(0.5 + NOISE[0], 0.9 + NOISE[1], 0.1 + NOISE[2])
    two = replace(found, scores=found.scores[found.scores.scored_fill != "black"])
    said = two.describe()
    assert "better than" not in said
    assert "no fill was scored that is home to neither it nor lime@mean" in said


def test_what_is_ahead_only_by_its_other_fills_is_said_to_be_behind():
    found = on_two_fills(0.5 + NOISE[0], 0.9 + NOISE[1], 0.1 + NOISE[2])
    ahead = (found.scores.method == "lime@mean") & (found.scores.scored_fill == "black")
    found.scores.loc[ahead, "value"] += 0.05
    assert "but behind lime@mean under the fills that neither was explained with" in found.describe()


def test_rounding_is_no_lead():
    assert "not told apart from lime" in compared({"lime": 0.8 + NOISE[0], "pdp": (0.8 + NOISE[0]) * (1 + 1e-15)}).describe()


@pytest.mark.parametrize(("n", "sure"), [(1, False), (2, False), (4, False), (5, True)])
def test_margins_that_are_all_one_are_beyond_chance_where_their_signs_are(n, sure):
    assert beyond(np.ones(n)) == sure


def test_a_method_without_a_score_at_an_input_is_not_ranked_and_that_is_said():
    gone = np.where(np.arange(12) == 3, np.nan, 0.9 + NOISE[0])
    said = compared({"lime": gone, "pdp": 0.5 + NOISE[1], "ale": 0.3 + NOISE[2]}).describe()
    assert "pdp scores best" in said
    assert "Not ranked, since some inputs have no score of them: lime." in said


def test_inputs_at_which_no_method_has_a_score_rank_nobody():
    gone = np.where(np.arange(12) == 3, np.nan, 0.0)
    said = compared({"lime": 0.9 + NOISE[0] + gone, "pdp": 0.5 + NOISE[1] + gone}).describe()
    assert "lime scores best: 0.9, better than every other beyond chance" in said
    assert "Not ranked" not in said
