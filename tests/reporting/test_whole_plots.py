"""Figures of what is about all inputs: a comparison, an H statistic, importances of groups of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import perturbxai as px
from perturbxai.reporting.style import SPARE

RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=80), "b": RNG.normal(size=80), "sex": RNG.choice(["f", "m"], 80)})
PREDICTOR = px.Predictor(lambda X: X.a.to_numpy() * np.where(X.sex == "f", 5.0, 1.0) + X.b.to_numpy() * X.a.to_numpy())
SPACE = px.TabularSpace(X, background=20)


@pytest.fixture(scope="module")
def explained():
    return px.explain(["kernel_shap", "occlusion"], PREDICTOR, SPACE, X.iloc[:12])


def labels(axis):
    return [tick.get_text() for tick in axis.get_yticklabels()]


# ------------------------------------------------------------------------------------------------ comparisons


@pytest.fixture(scope="module")
def compared(explained):
    return px.compare(explained | px.baselines("random", PREDICTOR, SPACE, X.iloc[:12]), PREDICTOR, SPACE)


def test_a_comparison_has_a_panel_a_metric_and_a_line_a_method_the_best_on_top(compared):
    figure = px.plot(compared)
    assert [axis.get_title() for axis in figure.axes] == ["faithfulness", "deletion", "insertion", "srg"]
    best = compared.summary().faithfulness.sort_values(ascending=False)
    assert [name.lower() for name in labels(figure.axes[0])] == [{"kernel_shap": "kernelshap"}.get(n, n) for n in best.index]
    means = [line.get_xdata()[0] for line in figure.axes[0].lines]
    np.testing.assert_allclose(means, best.to_numpy())
    assert "high is good" in figure.axes[0].get_xlabel() and "low is good" in figure.axes[1].get_xlabel()


def test_bars_are_intervals_over_inputs(compared):
    from scipy import stats

    axis = px.plot(compared, output="srg").axes[0]
    scores = compared.scores[compared.scores.metric == "srg"]
    for method, lines in zip(labels(axis), axis.collections, strict=True):
        own = scores[scores.method == {"KernelSHAP": "kernel_shap"}.get(method, method)].value
        half = stats.t.ppf(0.975, len(own) - 1) * own.std() / np.sqrt(len(own))
        np.testing.assert_allclose(lines.get_segments()[0][:, 0], [own.mean() - half, own.mean() + half])


def test_methods_that_score_alike_but_for_rounding_stand_below_each_other():
    predictor, rows = px.Predictor(lambda X: X[:, 0] * X[:, 1] + X[:, 2]), np.random.default_rng(1).normal(size=(50, 4))
    methods = [px.Lime(name="one"), px.Lime(name="other", kernel_width=0.25 + 1e-7)]
    found = px.explain(methods, predictor, rows, rows[:1])
    figure = px.plot(px.compare(found, predictor, rows, metrics="faithfulness"))
    (axis,) = figure.axes
    one, other = (float(np.ravel(line.get_xdata())[0]) for line in axis.lines)
    left, right = axis.get_xlim()
    assert 0 < abs(one - other) < 1e-4 * (right - left)
    figure.canvas.draw()
    assert axis.xaxis.get_offset_text().get_text() == ""


def test_home_is_an_open_point_beside_the_others():
    photo = RNG.uniform(0, 255, (2, 12, 12, 3))
    space = px.ImageSpace(segments="grid", n_segments=4, fill="mean")
    predictor = px.Predictor(lambda p: p[:, :6, :6].std(axis=(1, 2, 3)))
    found = px.compare(px.explain("occlusion", predictor, space, photo), predictor, space, fills=["mean", "blur"])
    figure = px.plot(found, output="srg")
    full, home = figure.axes[0].lines
    summary = found.summary()
    assert full.get_xdata()[0] == pytest.approx(summary.srg["occlusion"])
    assert home.get_xdata()[0] == pytest.approx(summary["srg (home)"]["occlusion"])
    assert home.get_markerfacecolor() == "white" and "open: under" in figure.get_suptitle()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "bars"}, "kind='bars' draws no comparison; take dots"),
        ({"output": "srgg"}, "output='srgg' is no metric of this comparison; expected one of 'deletion'"),
        ({"row": 1}, "row=1: a Comparison is drawn whole"),
        ({"feature": "a"}, "feature='a': a Comparison is drawn whole"),
        ({"ax": Figure().subplots()}, "ax is one panel, and the comparison has 4 metrics"),
    ],
)
def test_what_a_comparison_cannot_show_is_refused(compared, options, message):
    with pytest.raises(ValueError, match=message):
        px.plot(compared, **options)


def test_a_comparison_of_pairs_alone_has_no_dots(explained):
    found = px.compare(explained, PREDICTOR, SPACE, metrics=["spearman"])
    with pytest.raises(ValueError, match="no score of single methods to draw"):
        px.plot(found)


# ------------------------------------------------------------------------------------------------ H statistic


@pytest.fixture(scope="module")
def statistic():
    rows = RNG.normal(size=(60, 4))
    return px.h_statistic(px.Predictor(lambda X: 2 * X[:, 0] * X[:, 1] + X[:, 2]), px.TabularSpace(rows), rows)


def test_an_h_statistic_has_a_bar_a_line_with_chance_behind_it(statistic):
    figure = px.plot(statistic)
    (axis,) = figure.axes
    shown = labels(axis)
    assert shown[:4] != [] and " × " not in "".join(shown[:4]) and all(" × " in name for name in shown[4:])
    widths = np.array([bar.get_width() for bar in axis.patches]).reshape(3, -1)
    names = [" × ".join(one) if isinstance(one, tuple) else one for one in statistic.features]
    order = [names.index(name) for name in shown]
    np.testing.assert_allclose(widths, np.stack([getattr(statistic, w)[order, 0] for w in ("threshold", "floor", "values")]))
    strength = [bar.get_width() for bar in axis.child_axes[0].patches]
    np.testing.assert_allclose(strength, statistic.strength[order, 0])
    assert strength[:4] == sorted(strength[:4], reverse=True)


def test_what_is_within_chance_is_grey(statistic):
    axis = px.plot(statistic).axes[0]
    n = len(labels(axis))
    drawn = dict(zip(labels(axis), [to_hex(bar.get_facecolor()) for bar in axis.patches[2 * n :]], strict=True))
    assert drawn["x0 × x1"] == "#8c4a9e" and drawn["x2"] == "#8a8a8a"


def test_top_leaves_lines_out_and_says_so(statistic):
    figure = px.plot(statistic, top=2)
    assert len(labels(figure.axes[0])) == 4 and "more not shown" in figure.get_suptitle()
    axis = Figure().subplots()
    assert px.plot(statistic, ax=axis) is axis
    with pytest.raises(ValueError, match="draws no H statistic; take bars"):
        px.plot(statistic, "dots")


# ------------------------------------------------------------------------------------------------ groups of rows


def test_importance_by_a_feature_is_that_of_each_group_s_rows(explained):
    a = explained["kernel_shap"]
    found = px.importance(a, by="sex")
    assert list(found) == ["sex = f", "sex = m"]
    for key, one in found.items():
        rows = (X.sex[:12] == key[-1]).to_numpy()
        assert one.n_rows == rows.sum() and one.meta["cohort"] == key
        np.testing.assert_allclose(one.values, np.abs(a.values[rows]).mean(axis=0))


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        (np.arange(12) % 2, ["0", "1"]), (["x", None] * 6, ["missing", "x"]),
        (pd.Series([2, 10] * 6, name="ward"), ["ward = 2", "ward = 10"]),
        (np.tile([True, False], 6), ["False", "True"]), (tuple("ab" * 6), ["a", "b"]),
        ([10.0, np.nan] * 6, ["10", "missing"]),
        ([10.0, np.nan, 2] * 4, ["2", "10", "missing"]), ([1.0000001, 1.0000002] * 6, ["1.0000001", "1.0000002"]),
        ([1, 1.0, 2, 2] * 3, ["1", "2"]),
    ],
)  # fmt: skip
def test_groups_may_be_labels_of_the_rows(explained, by, keys):
    found = px.importance(explained["kernel_shap"], by=by)
    assert list(found) == keys and {one.n_rows for one in found.values()} == {12 // len(keys)}


@pytest.mark.parametrize(
    ("by", "error", "message"),
    [
        ("sexx", KeyError, "did you mean 'sex'"), ([1, 2], ValueError, "by has 2 labels, but the result has 12 rows"),
        (np.zeros((12, 2)), TypeError, "must be the name of a feature, or a label of each row"),
        (5, TypeError, "by=5 must be the name of a feature"),
    ],
)  # fmt: skip
def test_groups_that_fit_no_row_are_refused(explained, by, error, message):
    with pytest.raises(error, match=message):
        px.importance(explained["kernel_shap"], by=by)


def test_more_groups_than_can_be_told_apart_are_refused():
    a = px.explain("occlusion", PREDICTOR, SPACE, X.iloc[:20])["occlusion"]
    with pytest.raises(
        ValueError, match=r"by makes 20 groups .*, and no more than 12 can be told apart; .* as pandas.cut does"
    ):
        px.importance(a, by="a")


def test_groups_are_of_one_result(explained):
    with pytest.raises(TypeError, match="by= groups the rows of one Attribution, and dict came"):
        px.importance(explained, by="sex")


def test_groups_are_drawn_side_by_side_in_one_scale(explained):
    found = px.importance(explained["kernel_shap"], by="sex")
    figure = px.plot(found)
    (axis,) = figure.axes
    assert [one.get_text() for one in figure.legends[0].get_texts()] == [
        f"{key} ({one.n_rows} rows)" for key, one in found.items()
    ]
    bars = np.array([bar.get_width() for bar in axis.patches]).reshape(2, 3)
    order = [list(X.columns).index(name) for name in labels(axis)]
    np.testing.assert_allclose(bars, np.stack([one.values[order, 0] for one in found.values()]))
    assert [to_hex(bar.get_facecolor()).upper() for bar in axis.patches[::3]] == list(SPARE[:2])
    own = Figure().subplots()
    assert px.plot(found, ax=own) is own and own.get_legend() is not None
