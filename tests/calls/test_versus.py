"""Methods set against one of them: signs, fills, seeds, labels that repeat, what is tested, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import stub_results
from scipy import stats

import perturbxai as px
from perturbxai.calls import away
from perturbxai.metrics.statistics.bootstrap import interval

RNG = np.random.default_rng(0)
BASE = RNG.normal(0.5, 0.2, size=12)
NOISE = RNG.normal(scale=0.05, size=(6, 12))


def lines_of(method, values, metric="srg", fill="background", home=False, output="y", rows=None, seed=None):
    """Lines of scores, one an input."""
    rows = range(len(values)) if rows is None else rows
    lines = pd.DataFrame(
        {"method": method, "row": list(rows), "output": output, "metric": metric, "explained_fill": "blur",
         "scored_fill": fill, "home": home, "value": values, "test_set": "none"}
    )  # fmt: skip
    return lines if seed is None else lines.assign(seed=pd.array([seed] * len(lines), dtype="Int64"))


def comparison(*parts, better=None, rows=100):
    scores = pd.concat(parts, ignore_index=True)
    names = list(dict.fromkeys(scores.method))
    costs = pd.DataFrame({"method": names, "rows": rows, "seconds": 0.1})
    empty, n = pd.DataFrame(), scores.row.nunique()
    results = {name: stub_results.result(name) for name in names}
    return px.Comparison(scores, empty, costs, empty, empty, results, [None] * n, {"better": better or {}})


def four(**changed):
    given = {
        "lime": BASE + 0.1 + NOISE[0],
        "kernel_shap": BASE + NOISE[1],
        "random": BASE - 0.4 + NOISE[2],
        "grad_cam": BASE,
    }
    return comparison(*(lines_of(name, values) for name, values in (given | changed).items()))


def line(found, method):
    return found.table.set_index("method").loc[method]


# ------------------------------------------------------------------------------------------------ numbers


def test_the_line_of_a_method_holds_what_its_paired_differences_say():
    found = line(four().versus("grad_cam", margin=0.2), "lime")
    apart = 0.1 + NOISE[0]
    assert found.inputs == 12
    assert found.difference == pytest.approx(apart.mean())
    assert found["mean"] - found.mean_against == pytest.approx(apart.mean())
    assert found.p == pytest.approx(stats.wilcoxon(apart).pvalue)
    assert found.win_rate == (apart > 0).mean()
    assert found.p_equivalent == pytest.approx(stats.ttest_1samp(apart, 0.2, alternative="less").pvalue)
    rng = np.random.default_rng(0).spawn(3)[0]
    np.testing.assert_allclose((found.low, found.high), interval(apart, np.ones(12, dtype=int), 0.95, rng), atol=1e-9)


def test_only_the_usual_explainers_are_tested_and_holm_counts_them_alone():
    table = four().versus("grad_cam").table.set_index("method")
    assert table.primary.to_dict() == {"lime": True, "kernel_shap": True, "random": False}
    assert np.isnan(table.p["random"])
    assert np.isnan(table.p_holm["random"])
    assert table.p_holm["lime"] == pytest.approx(2 * table.p["lime"])


def test_a_family_can_be_named():
    table = four().versus("grad_cam", primary="random").table.set_index("method")
    assert table.p.notna().to_dict() == {"lime": False, "kernel_shap": False, "random": True}


def test_above_zero_is_better_also_where_low_is_good():
    low = comparison(lines_of("lime", BASE - 0.1, "deletion"), lines_of("cam", BASE + NOISE[0], "deletion"))
    found = line(low.versus("cam", metric="deletion"), "lime")
    assert found.difference == pytest.approx(0.1 + NOISE[0].mean())
    assert found.win_rate > 0.5


def test_the_first_metric_that_was_scored_of_srg_and_faithfulness_is_taken():
    of = {name: lines_of(name, BASE + NOISE[0], "faithfulness") for name in ("lime", "cam")}
    assert comparison(*of.values()).versus("cam").metric == "faithfulness"
    assert comparison(*of.values(), *(lines_of(n, BASE) for n in of)).versus("cam").metric == "srg"


def test_outputs_of_an_input_are_one_cluster():
    doubled = comparison(
        *(lines_of(name, values, output=k) for k in "ab" for name, values in {"lime": BASE + NOISE[0], "cam": BASE}.items())
    )
    once = comparison(lines_of("lime", BASE + NOISE[0]), lines_of("cam", BASE))
    for what in ("inputs", "p", "low", "high", "detectable"):
        assert line(doubled.versus("cam"), "lime")[what] == pytest.approx(line(once.versus("cam"), "lime")[what], abs=1e-9)


def test_a_seed_gives_the_same_interval_again_and_another_nearly_so():
    first, again, other = (line(four().versus("grad_cam", seed=seed), "lime") for seed in (0, 0, 1))
    assert first.low == again.low
    assert first.low != other.low
    assert first.low == pytest.approx(other.low, abs=0.01)


def test_ranks_are_of_all_methods():
    found = four().versus("grad_cam")
    assert found.methods == ("lime", "kernel_shap", "random", "grad_cam")
    assert found.friedman.mean_ranks.argmax() == 2
    scores = np.array([BASE + 0.1 + NOISE[0], BASE + NOISE[1], BASE - 0.4 + NOISE[2], BASE])
    assert found.friedman.p == pytest.approx(stats.friedmanchisquare(*scores).pvalue)


# ------------------------------------------------------------------------------------------------ fills, seeds, labels


def on_two_fills():
    """lime explained under blur, random and grad_cam under none."""
    return comparison(
        lines_of("lime", BASE + 1.0 + NOISE[0], fill="blur", home=True),
        lines_of("lime", BASE + 0.1 + NOISE[1], fill="mean"),
        lines_of("grad_cam", BASE + 0.5, fill="blur"),
        lines_of("grad_cam", BASE, fill="mean"),
        lines_of("random", BASE - 1.0 + NOISE[2], fill="blur"),
        lines_of("random", BASE - 1.0 + NOISE[2], fill="mean"),
    )


def test_both_are_scored_under_the_fills_that_are_away_for_both():
    found = on_two_fills().versus("grad_cam")
    assert line(found, "lime").difference == pytest.approx(0.1 + NOISE[1].mean())
    assert line(found, "random").mean_against == pytest.approx((BASE + 0.25).mean())
    assert found.fills == ("mean", "blur")


def test_home_is_where_either_was_explained_and_a_name_is_that_fill():
    home, blur = on_two_fills().versus("grad_cam", fill="home"), on_two_fills().versus("grad_cam", fill="blur")
    assert line(home, "lime").difference == line(blur, "lime").difference == pytest.approx(0.5 + NOISE[0].mean())


def test_seeds_are_averaged_within_an_input():
    seeded = comparison(
        *(lines_of("lime", BASE + NOISE[s], seed=s) for s in range(3)), lines_of("cam", BASE, seed=pd.NA)
    )  # fmt: skip
    averaged = comparison(lines_of("lime", BASE + NOISE[:3].mean(axis=0)), lines_of("cam", BASE))
    for what in ("inputs", "difference", "low", "p"):
        assert line(seeded.versus("cam"), "lime")[what] == pytest.approx(line(averaged.versus("cam"), "lime")[what])


@pytest.mark.parametrize("order", ["by method", "by input"])
def test_rows_of_the_same_label_are_different_inputs(order):
    same = comparison(
        lines_of("lime", BASE + NOISE[0], rows=["a", "b"] * 6), lines_of("cam", BASE, rows=["a", "b"] * 6)
    )  # fmt: skip
    if order == "by input":
        places = np.arange(24).reshape(2, 12).T.ravel()
        same.scores[:] = same.scores.iloc[places].to_numpy()
    found = line(same.versus("cam"), "lime")
    assert found.inputs == 12
    assert found.difference == pytest.approx(NOISE[0].mean())
    assert found.detectable == pytest.approx(line(comparison(
        lines_of("lime", BASE + NOISE[0]), lines_of("cam", BASE)).versus("cam"), "lime").detectable)  # fmt: skip


def test_an_input_without_a_score_is_left_out_and_counted():
    gone = np.where(np.arange(12) == 3, np.nan, BASE + NOISE[0])
    found = four(lime=gone).versus("grad_cam")
    assert (line(found, "lime").inputs, line(found, "lime").left_out) == (11, 1)
    assert line(found, "lime").difference == pytest.approx(np.delete(NOISE[0], 3).mean())
    assert line(found, "kernel_shap").left_out == 0
    assert "1 input without a score left out." in found.describe()


def test_sums_that_rounding_parts_from_zero_are_ties_and_of_one_size():
    thirds = {"a": 0.1, "b": 0.2, "c": -0.3}  # of which the sum is 5.6e-17
    even = comparison(
        *(lines_of("lime", BASE * 0 + by, output=k) for k, by in thirds.items()),
        *(lines_of("cam", BASE * 0, output=k) for k in thirds),
    )
    found = line(even.versus("cam"), "lime")
    assert (found.win_rate, found.p, found.rank_biserial) == (0.5, 1.0, 0.0)
    up = np.where(np.arange(12) % 3 == 0, -0.3, 0.1 + 0.2)  # 0.3 and 0.30000000000000004
    found = line(comparison(lines_of("lime", up), lines_of("cam", BASE * 0)).versus("cam"), "lime")
    assert found.rank_biserial == pytest.approx((8 - 4) / 12)


# ------------------------------------------------------------------------------------------------ what cannot be told


def test_the_same_scores_everywhere_tell_no_error():
    found = line(four(lime=BASE).versus("grad_cam", margin=0.1), "lime")
    assert (found.low, found.high, found.p) == (-np.inf, np.inf, 1.0)
    assert np.isnan([found.p_equivalent, found.detectable]).all()


@pytest.mark.parametrize(("n", "told"), [(3, "tells no error"), (12, "p < 0.001 after Holm's adjustment")])
def test_a_difference_that_is_the_same_everywhere_is_told_by_its_signs(n, told):
    hits = comparison(lines_of("lime", np.ones(n)), lines_of("cam", np.zeros(n)))
    said = hits.versus("cam").describe().splitlines()[1]
    assert told in said
    assert ("scores better" in said) == (n == 12)


def test_differences_by_rounding_are_none():
    assert line(four(lime=BASE * (1 + 1e-15)).versus("grad_cam"), "lime").win_rate == 0.5


def test_scores_that_rounding_parts_share_a_rank():
    found = four(lime=BASE * (1 + 1e-15), kernel_shap=BASE * (1 - 1e-15)).versus("grad_cam")
    assert found.friedman.mean_ranks.tolist() == [2.0, 2.0, 4.0, 2.0]


def test_few_inputs_have_infinite_intervals_and_are_told_so():
    few = comparison(lines_of("lime", BASE[:3] + NOISE[0, :3]), lines_of("cam", BASE[:3])).versus("cam")
    assert line(few, "lime").high == np.inf
    assert "too few for a 95 % interval" in few.describe()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"against": "gradcam"}, "against='gradcam'"),
        ({"metric": "deletion"}, "metric='deletion'"),
        ({"primary": ["cam"]}, "primary='cam'"),
        ({"primary": ["grad_cam"]}, "primary='grad_cam'"),
        ({"fill": "blurr"}, "fill='blurr'"),
        ({"level": 1.0}, "level=1.0"),
        ({"margin": 0.0}, "margin=0.0"),
    ],
)
def test_what_is_not_there_is_refused_by_name(asked, told):
    with pytest.raises(ValueError, match=told):
        four().versus(**({"against": "grad_cam"} | asked))


def test_a_metric_that_ranks_nothing_is_refused():
    raw = comparison(lines_of("lime", BASE, "faithfulness_raw"), lines_of("cam", BASE, "faithfulness_raw"))
    with pytest.raises(ValueError, match="has no direction"):
        raw.versus("cam", metric="faithfulness_raw")
    with pytest.raises(ValueError, match="neither was scored"):
        raw.versus("cam")


def test_one_input_is_refused():
    with pytest.raises(ValueError, match="and a spread needs two"):
        comparison(lines_of("lime", BASE[:1]), lines_of("cam", BASE[:1] + 1)).versus("cam")


def test_methods_that_share_no_fill_are_refused():
    crossed = comparison(
        *(lines_of(f"lime@{own}", BASE + NOISE[0], fill=fill, home=own == fill)
          for own in ("blur", "mean") for fill in ("blur", "mean"))
    )  # fmt: skip
    with pytest.raises(ValueError, match="leaves no fill"):
        crossed.versus("lime@blur")
    assert line(crossed.versus("lime@blur", fill="mean"), "lime@mean").inputs == 12


# ------------------------------------------------------------------------------------------------ words and tables


def test_words_say_first_which_difference_would_have_been_seen():
    said = four().versus("grad_cam").describe().split("\n")
    assert said[0].startswith("12 rows, srg, against grad_cam: a mean difference of ")
    assert said[1].startswith("lime scores better than grad_cam at 12 rows: mean difference 0.087, 95 % interval ")
    assert "kernel_shap and grad_cam cannot be told apart by these 12 rows: only a difference of" in said[2]
    assert said[3].startswith("Not tested: random scores worse than grad_cam at 12 rows, by ")
    assert said[4].startswith("Ranks of all 4 methods differ by more than chance (Friedman, p < 0.001)")


def test_a_margin_says_what_is_shown_to_be_no_worse():
    assert "Up to 0.2 they are equivalent" in four().versus("grad_cam", margin=0.2).describe()
    wide = four(kernel_shap=BASE + 8 * NOISE[1]).versus("grad_cam", margin=0.02).describe()
    assert "That it is no worse, up to 0.02, is not shown" in wide


def test_what_is_better_is_not_called_no_worse_as_well():
    assert "no worse" not in four().versus("grad_cam", primary="lime", margin=0.05).describe()


def test_it_is_a_tidy_table():
    found = four().versus("grad_cam")
    assert repr(found).startswith("Versus grad_cam by srg at 12 inputs: lime ")
    assert "Versus grad_cam" in found._repr_html_()
    assert (
        found.to_csv().splitlines()[0].startswith("method,primary,inputs,left_out,mean,mean_against,difference,low,high,p,")
    )
    pd.testing.assert_frame_equal(found.to_frame(), found.table)


# ------------------------------------------------------------------------------------------------ seeds


def test_the_spread_of_seeds_is_told_beside_that_of_inputs():
    seeded = comparison(
        *(lines_of("lime", BASE + NOISE[s], seed=s) for s in range(5)), lines_of("cam", BASE, seed=pd.NA)
    ).seed_spread().set_index("method")  # fmt: skip
    assert seeded.seeds.to_dict() == {"lime": 5, "cam": 0}
    assert seeded.sd_seeds["lime"] == pytest.approx(np.sqrt((NOISE[:5].var(axis=0, ddof=1)).mean()))
    assert seeded.icc_low["lime"] < seeded.icc["lime"] < seeded.icc_high["lime"]
    assert seeded.loc["cam", ["sd_seeds", "icc", "icc_low", "icc_high"]].tolist() == [0.0, 1.0, 1.0, 1.0]
    assert seeded.sd_inputs["cam"] == pytest.approx(BASE.std(ddof=1))
    assert seeded.rows["lime"] == 100


def test_a_map_that_knows_no_fill_is_spread_over_the_fills_that_its_summary_is_of():
    found = on_two_fills()
    found.scores["seed"] = pd.NA
    found.scores["explained_fill"] = np.where(found.scores.method == "lime", "blur", "none")
    spread = found.seed_spread().set_index("method")["mean"]
    means = away.means(found.scores, ["method"])
    assert spread["grad_cam"] == pytest.approx(BASE.mean())
    assert spread.to_dict() == pytest.approx(means.to_dict())


def test_one_seed_tells_nothing_of_seeds():
    spread = comparison(lines_of("lime", BASE, seed=0), lines_of("cam", BASE, seed=pd.NA)).seed_spread()
    assert np.isnan(spread.set_index("method").sd_seeds["lime"])


def test_scores_without_seeds_are_refused():
    with pytest.raises(ValueError, match="no column 'seed'"):
        four().seed_spread()


def test_where_nothing_was_scored_versus_says_so():
    table = np.random.default_rng(0).normal(size=(30, 4))
    results = px.explain(["lime", "kernel_shap"], lambda rows: rows[:, 0], table, table[:2])
    compared = px.compare(results, lambda rows: rows[:, 0], table, metrics="spearman")
    for metric in (None, "srg"):
        with pytest.raises(ValueError, match="scores is empty"):
            compared.versus("lime", metric=metric)


@pytest.mark.parametrize(("n_inputs", "tells"), [(3, False), (5, False), (6, True)])
def test_where_no_test_can_be_significant_no_difference_is_said_to_be_seen(n_inputs, tells):
    base = np.linspace(0.1, 0.9, n_inputs)
    found = comparison(lines_of("lime", base + np.linspace(0.1, 0.2, n_inputs)), lines_of("cam", base)).versus("cam")
    first = found.describe().splitlines()[0]
    assert ("would be seen in 4 of 5" in first) == tells
    assert ("so few can show no difference to a test" in first) == (not tells)
