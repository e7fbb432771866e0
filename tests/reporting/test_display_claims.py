"""What scikit-learn's display promises, and its users rely on, of plot_effects: pyplot, axes, style, classes, points."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import PartialDependenceDisplay
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

import perturbxai as px
from perturbxai.models import progress


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    return LinearRegression().fit(X[:50], y[:50]), X[:50]


class Counting:
    """A regressor on a table with strings, that counts the rows it is asked."""

    def __init__(self):
        self.rows = 0

    def __call__(self, rows):
        self.rows += len(rows)
        return rows["size"].to_numpy() + 2.0 * (rows["town"] == "Ulm").to_numpy()


@pytest.fixture
def towns():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"town": rng.choice(["Zug", "Aue", "Ulm", "Bern"], 40), "size": rng.normal(size=40)})


# pyplot and places


def test_the_figure_is_pyplots_in_the_users_style_and_closes(diabetes):
    with plt.rc_context({"figure.figsize": (11.0, 9.0), "axes.facecolor": "lightyellow", "font.size": 5.0}):
        display = px.plot_effects(*diabetes, ["bmi"], grid_resolution=4)
    assert plt.gcf() is display.figure_ and plt.fignum_exists(display.figure_.number)
    assert tuple(display.figure_.get_size_inches()) == (11.0, 9.0)
    assert display.axes_[0, 0].xaxis.label.get_size() == 5.0
    plt.close(display.figure_)
    assert not plt.get_fignums()


def test_an_axes_that_was_divided_is_refused_and_its_panels_are_taken_again(diabetes):
    _, axis = plt.subplots()
    first = px.plot_effects(*diabetes, ["age", "bmi", "bp", ("age", "bp")], grid_resolution=4, ax=axis, kind="average")
    assert first.bounding_ax_ is axis and first.axes_[1, 1] is None
    with pytest.raises(ValueError, match=r"divided by an earlier display.*ax=display\.axes_"):
        px.plot_effects(*diabetes, ["bmi"], grid_resolution=4, ax=axis)
    with pytest.raises(ValueError, match="divided by an earlier display"):
        first.plot(ax=axis)
    second = first.plot(ax=first.axes_)
    assert second.bounding_ax_ is None and len(second.axes_[0, 0].get_lines()) == 2 and second.axes_.shape == (2, 3)


def test_a_second_model_is_drawn_over_the_first_and_keeps_its_names(diabetes):
    model, X = diabetes
    first = px.plot_effects(model, X, ["age", "bmi"], kind="both", subsample=4, grid_resolution=4)
    px.plot_effects(model, X.to_numpy(), [0, 2], kind="both", subsample=4, grid_resolution=4, ax=first.axes_)
    assert [axis.get_xlabel() for axis in first.axes_.ravel()] == ["age", "bmi"]
    assert all(len(axis.get_lines()) == 10 for axis in first.axes_.ravel())


@pytest.mark.parametrize("form", [list, tuple, np.array, lambda axes: np.reshape(axes, (2, -1)).tolist()])
def test_a_wrong_number_of_axes_is_refused_before_the_model_is_asked(diabetes, form):
    axes = form(list(Figure().subplots(2, 2).ravel()))
    predictor = px.Predictor(diabetes[0])
    with pytest.raises(ValueError, match="ax holds 4 axes, and 2 panels are to be drawn"):
        px.plot_effects(predictor, diabetes[1], ["age", "bmi"], ax=axes)
    with pytest.raises(TypeError, match="ax is Figure; expected a matplotlib Axes"):
        px.plot_effects(predictor, diabetes[1], ["age", "bmi"], ax=Figure())
    with pytest.raises(ValueError, match="no place in a grid"):
        px.plot_effects(predictor, diabetes[1], ["age"], ax=Figure().add_axes((0, 0, 1, 1)))
    assert predictor.rows == 0


@pytest.mark.parametrize("features", [["age", "bmi"], [("age", "bp"), "bmi"]])
def test_names_that_the_user_gave_to_axes_stay(diabetes, features):
    _, axes = plt.subplots(1, 2)
    axes[0].set_ylabel("my own")
    axes[1].set_xlabel("mine too")
    axes[1].set_title("and this")
    px.plot_effects(*diabetes, features, ax=axes, grid_resolution=4)
    assert axes[0].get_ylabel() == "my own" and axes[1].get_xlabel() == "mine too" and axes[1].get_title() == "and this"
    assert axes[1].get_ylabel() == "Partial dependence" and not axes[1].get_title(loc="left")


# style


def test_a_display_is_restyled_from_its_numbers_alone(diabetes):
    predictor = px.Predictor(diabetes[0])
    display = px.plot_effects(predictor, diabetes[1], ["age", ("age", "bp")], kind=["both", "average"], grid_resolution=5)
    asked = predictor.rows
    display.plot(line_kw={"c": "r"}, ice_lines_kw={"lw": 3.0}, contour_kw={"cmap": "jet"}, pdp_lim={1: (0.0, 400.0)})
    assert predictor.rows == asked
    assert display.lines_[0, 0, 0].get_color() == display.lines_[0, 0, -1].get_color() == "r"
    assert display.lines_[0, 0, 0].get_linewidth() == 3.0 and display.contours_[0, 1].get_cmap().name == "jet"
    assert display.axes_[0, 0].get_ylim() == (0.0, 400.0) and display.pdp_lim[1] == (0.0, 400.0)


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("kind", ["average", "individual", "both"])
def test_what_is_drawn_is_pd_results_as_it_is(diabetes, kind, centered):
    display = px.plot_effects(*diabetes, ["age", "bmi"], kind=kind, grid_resolution=4)
    for one in display.pd_results:
        for name in {"average", "individual"} & set(one):
            one[name][...] = 1.0
            one[name][(0,) * one[name].ndim] = -1.0
    display.plot(centered=centered)
    low, high = (0.0, 2.0) if centered else (-1.0, 1.0)
    for axis in display.axes_.ravel():
        np.testing.assert_allclose(axis.get_ylim(), (low - 0.1, high + 0.1), atol=1e-12)


@pytest.mark.parametrize(
    ("line", "average", "rows", "colours"),
    [
        ({"color": "r"}, {"color": "g"}, {"color": "b"}, ("g", "b")),
        (None, {"color": "g"}, {"c": "b"}, ("g", "b")),
        ({"c": "r"}, None, {"color": "b"}, ("r", "b")),
        ({"color": "r"}, {"c": "g"}, None, ("g", "r")),
        ({"c": "r"}, None, None, ("r", "r")),
        ({"color": "r"}, {"ls": ":"}, {"linestyle": "-."}, ("r", "r")),
        (None, None, None, ("tab:orange", "tab:blue")),
    ],
)
def test_the_average_and_rows_take_their_own_style_over_the_common_one(diabetes, line, average, rows, colours):
    display = px.plot_effects(
        *diabetes, ["age"], kind="both", line_kw=line, pd_line_kw=average, ice_lines_kw=rows, grid_resolution=4
    )
    mean, own = display.lines_[0, 0, -1], display.lines_[0, 0, 0]
    assert (mean.get_color(), own.get_color()) == colours
    assert mean.get_linestyle() == (":" if average == {"ls": ":"} else "--")
    assert own.get_linestyle() == ("-." if rows == {"linestyle": "-."} else "-")


@pytest.mark.parametrize(
    ("kind", "words", "told"),
    [("individual", {"label": "a"}, None), ("average", {}, None), ("average", {"label": "a"}, "a"), ("both", {}, "average"),
     ("both", {"label": "a"}, "a")],
)  # fmt: skip
def test_a_legend_names_the_average(diabetes, kind, words, told):
    display = px.plot_effects(*diabetes, ["age", "bmi"], kind=kind, line_kw=words, subsample=3, grid_resolution=4)
    for axis in display.axes_.ravel():
        legend = axis.get_legend()
        assert (legend and [text.get_text() for text in legend.get_texts()]) == (told and [told])


def test_bars_heat_maps_and_contours_take_their_keywords(towns):
    towns["side"] = np.where(towns["size"] > 0, "up", "down")
    towns["other"] = towns["size"] ** 2
    display = px.plot_effects(
        Counting(), towns, ["town", ("town", "side"), ("size", "other")], bar_kw={"fc": "r"}, grid_resolution=5,
        heatmap_kw={"cmap": "bone"}, contour_kw={"levels": [-9.0, 0.0, 9.0], "colors": ["w", "k"]}, pdp_lim={2: (-5.0, 5.0)},
    )  # fmt: skip
    assert display.bars_[0, 0].get_facecolor() == (1.0, 0.0, 0.0, 1.0)
    assert display.heatmaps_[0, 1].get_cmap().name == "bone"
    assert list(display.contours_[0, 2].levels) == [-9.0, 0.0, 9.0]
    assert list(display.plot(pdp_lim={2: (-3.5, 3.5)}).contours_[0, 2].levels) == list(np.linspace(-3.5, 3.5, 8))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"line_kw": {"colour": "r"}}, "line_kw=.*colour"),
        ({"pd_line_kw": {"c": "r", "color": "b"}}, "pd_line_kw=.*'c' and 'color'|pd_line_kw=.*'color' and 'c'"),
        ({"ice_lines_kw": ["r"]}, r"ice_lines_kw=\['r'\] must be a dictionary"),
        ({"bar_kw": {"breadth": 1}}, "bar_kw=.*breadth"),
        ({"contour_kw": {"cmpa": "jet"}}, "contour_kw=.*cmpa"),
        ({"heatmap_kw": {"cmpa": "jet"}}, "heatmap_kw=.*cmpa"),
        ({"pdp_lim": {1: (2, 1)}}, r"pdp_lim\[1\]=\(2, 1\) must be two finite numbers that rise"),
        ({"pdp_lim": {3: (1, 2)}}, "pdp_lim=.* must be a dictionary such as"),
        ({"n_jobs": 0}, "n_jobs=0 must be a whole number of workers"),
        ({"verbose": "much"}, "verbose='much' must be a whole number"),
        ({"levels": "any"}, "levels='any' is not known; expected one of 'sorted', 'likeness'"),
    ],
)
def test_keywords_that_mean_nothing_are_refused_before_the_model_is_asked(diabetes, words, told):
    predictor = px.Predictor(diabetes[0])
    with pytest.raises((TypeError, ValueError), match=told):
        px.plot_effects(predictor, diabetes[1], ["age"], **words)
    assert predictor.rows == 0 and not plt.get_fignums()


# features


@pytest.mark.parametrize("form", [np.array, list])
def test_a_mask_is_a_panel_for_each_of_its_columns(diabetes, form):
    mask = form([d in (2, 5) for d in range(10)])
    assert px.plot_effects(*diabetes, mask, grid_resolution=3).features == [(2,), (5,)]
    assert px.plot_effects(*diabetes, [mask, 0], grid_resolution=3).features == [(2, 5), (0,)]


@pytest.mark.parametrize("dtype", [bool, "boolean"])
@pytest.mark.parametrize("named", ["X", "figure"])
def test_a_mask_that_names_the_columns_goes_by_the_names(diabetes, named, dtype):
    model, X = diabetes
    names = list(X.columns) if named == "X" else [f"the {name}" for name in X]
    words = {"feature_names": names, "grid_resolution": 3}
    mask = pd.Series([d in (2, 5) for d in range(10)], index=names, dtype=dtype)[::-1]
    assert px.plot_effects(model, X, mask, **words).features == [(2,), (5,)]
    assert px.plot_effects(model, X, [mask, 0], **words).features == [(2, 5), (0,)]
    levels = pd.Series([d == 1 for d in range(10)], index=names, dtype=dtype)[::-1]  # of ten only this has few values
    assert px.plot_effects(model, X, [1, 0], categorical_features=levels, **words).is_categorical == [(True,), (False,)]
    with pytest.raises(ValueError, match="features is a Series that names"):
        px.plot_effects(model, X, mask.rename({names[0]: "other"}), **words)


@pytest.mark.parametrize(
    ("features", "told"),
    [
        ([(0, 1, 2)], "has 3 columns; expected one, or two for a map"),
        ([[0, 1, 2]], "has 3 columns"),
        ([np.arange(10) < 3], "has 3 columns"),
        ([()], "has 0 columns"),
        ([{}], "column {} is not there"),
        ([4.5], "column 4.5 is not there"),
        ([None], "column None is not there"),
        ([-1], "column -1 is not there"),
        ([np.bool_(True)], "features is a mask of 1 with 1 columns in it; X has 10"),
        ([True, False], "features is a mask of 2"),
        ([False] * 10, "features is a mask of 10 with 0 columns in it"),
        ([(1, 1)], "is named twice in a pair"),
        (3, "features=3 must be a list of columns"),
        ([], r"features=\[\] must be a list of columns"),
    ],
)  # fmt: skip
def test_entries_that_are_no_column_and_no_pair_are_refused(diabetes, features, told):
    predictor = px.Predictor(diabetes[0])
    with pytest.raises(ValueError, match=told):
        px.plot_effects(predictor, diabetes[1], features)
    assert predictor.rows == 0


@pytest.mark.parametrize("table", ["frame", "array", "list"])
@pytest.mark.parametrize("names", [list, np.array, pd.Series, pd.Index, tuple])
def test_columns_are_named_in_any_container(diabetes, table, names):
    model, X = diabetes
    given = {"frame": X, "array": X.to_numpy(), "list": X.to_numpy().tolist()}[table]
    model = model if table == "frame" else LinearRegression().fit(X.to_numpy(), model.predict(X))
    display = px.plot_effects(model, given, [("age", "bmi"), "bmi"], feature_names=names(list(X.columns)), grid_resolution=3)
    assert display.axes_[0, 1].get_xlabel() == "bmi" and display.axes_[0, 0].get_ylabel() == "bmi"
    assert list(display.feature_names) == list(X.columns) and display.features == [(0, 2), (2,)]


def test_a_long_name_and_one_with_signs_is_what_it_is():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 2)), columns=["_cost in $ per $", 7])
    display = px.plot_effects(lambda rows: rows.iloc[:, 0], X, ["_cost in $ per $", 1], grid_resolution=3)
    assert [axis.get_xlabel() for axis in display.axes_[0]] == ["_cost in $ per $", "7"]
    display.figure_.canvas.draw()


# rows


def test_rows_of_weight_zero_have_their_curve_and_nothing_is_asked_twice(towns):
    weight = np.arange(40) % 3
    model = Counting()
    display = px.plot_effects(model, towns, ["town"], kind="both", sample_weight=weight, subsample=None)
    curves, average = display.pd_results[0].individual[0], display.pd_results[0].average[0]
    assert curves.shape == (40, 4) and display.lines_.shape == (1, 1, 41)
    np.testing.assert_allclose(curves, towns["size"].to_numpy()[:, None] + [0.0, 0.0, 2.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(average, weight @ curves / weight.sum(), atol=1e-12)
    assert model.rows == 40 * 4 + 2  # one row to count outputs, one of the call


def test_a_level_that_only_rows_without_weight_have_is_shown(towns):
    display = px.plot_effects(Counting(), towns, ["town"], kind="both", sample_weight=(towns["town"] != "Zug") * 1.0)
    assert display.pd_results[0].grid_values[0].tolist() == ["Aue", "Bern", "Ulm", "Zug"]
    assert display.pd_results[0].individual.shape == (1, 40, 4)


@pytest.mark.parametrize("state", [0, 7, None])
def test_the_rows_that_are_drawn_are_scikit_learns_and_stay_when_drawn_again(diabetes, state):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    display = px.plot_effects(*diabetes, ["age"], kind="individual", subsample=6, random_state=state, grid_resolution=4)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    drawn = [line.get_ydata().tolist() for line in display.lines_[0, 0]]
    assert drawn == [line.get_ydata().tolist() for line in display.plot().lines_[0, 0]]
    if state is not None:
        theirs = PartialDependenceDisplay.from_estimator(
            *diabetes, ["age"], kind="individual", subsample=6, random_state=state, grid_resolution=4
        )
        np.testing.assert_allclose(drawn, [line.get_ydata() for line in theirs.lines_[0, 0]], rtol=0, atol=1e-9)


# points and levels


def test_levels_are_sorted_unless_likeness_is_asked_for(towns):
    shown = px.plot_effects(Counting(), towns, ["town", ("size", "town")], grid_resolution=5)
    assert shown.pd_results[0].grid_values[0].tolist() == ["Aue", "Bern", "Ulm", "Zug"]
    assert shown.pd_results[1].grid_values[1].tolist() == ["Aue", "Bern", "Ulm", "Zug"]
    alike = px.plot_effects(Counting(), towns, ["town", "town"], kind=["average", "ale"], levels="likeness")
    average, ale = (one.grid_values[0].tolist() for one in alike.pd_results)
    found = px.effects("ale", px.Predictor(Counting()), px.TabularSpace(towns), towns, features=["town"])["ale"]["town"]
    assert average == ale == found.grid[0].tolist() != sorted(average)


@pytest.mark.parametrize("kind", ["average", "ale"])
def test_levels_with_an_order_keep_it_and_others_are_sorted_with_their_values(kind):
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"size": pd.Categorical(rng.choice(["s", "m", "l"], 60), ["s", "m", "l"], ordered=True)})
    X["any"] = rng.choice([10, 9, 100], 60).astype(object)
    X["gone"] = rng.choice(np.array(["b", None, "a"], dtype=object), 60)
    model = lambda rows: (rows["size"] == "l") * 1.0 + rows["any"].astype(float) + rows["gone"].isna() * 50.0  # noqa: E731
    display = px.plot_effects(model, X, list(X), kind=kind, categorical_features=list(X))
    first, second, third = (one.grid_values[0].tolist() for one in display.pd_results)
    assert (first, second, third[:2]) == (["s", "m", "l"], [9, 10, 100], ["a", "b"]) and pd.isna(third[2])
    np.testing.assert_allclose(np.diff(display.pd_results[1].average[0]), [1.0, 90.0], atol=1e-9)
    np.testing.assert_allclose(np.diff(display.pd_results[2].average[0]), [0.0, 50.0], atol=1e-9)


@pytest.mark.parametrize("kind", ["average", "both", "ale"])
@pytest.mark.parametrize("points", [["Ulm"], ["Zug", "Aue"], ["Aue", "Ulm", "Aue"]], ids=len)
def test_some_levels_are_shown_in_the_order_they_are_given(towns, points, kind):
    model = Counting()
    display = px.plot_effects(model, towns, ["town"], custom_values={"town": points}, kind=kind, subsample=5)
    one = display.pd_results[0]
    assert one.grid_values[0].tolist() == points
    rise = one.average[0] - towns["size"].mean() if kind != "ale" else one.average[0]
    np.testing.assert_allclose(rise - rise[0], 2.0 * ((np.array(points) == "Ulm") - 1.0 * (points[0] == "Ulm")), atol=1e-9)
    assert kind == "ale" or model.rows <= 40 * max(2, len(set(points))) + 2


@pytest.mark.parametrize("kind", ["average", "individual", "both", "ale"])
@pytest.mark.parametrize("points", [[0.25], [1.0, -1.0], [0.0, 0.5, 0.5, 2.0], [-7.0]], ids=len)
def test_any_points_are_shown_in_the_order_they_are_given(towns, points, kind):
    display = px.plot_effects(Counting(), towns, ["size"], custom_values={1: points}, kind=kind, subsample=5)
    one = display.pd_results[0]
    assert one.grid_values[0].tolist() == points
    if kind != "individual":
        rise = one.average[0] - (0 if kind == "ale" else 2.0 * (towns["town"] == "Ulm").mean())
        np.testing.assert_allclose(rise - rise[0], np.subtract(points, points[0]), atol=1e-9)
    assert all(isinstance(line, Line2D) for line in np.ravel(display.lines_))
    display.figure_.canvas.draw()


def test_one_point_in_a_pair_and_a_column_of_one_value_have_a_picture(towns):
    towns["same"] = 3.0
    model = lambda rows: rows["size"] * rows["same"]  # noqa: E731
    display = px.plot_effects(model, towns, [("size", "same"), "same"], grid_resolution=4)
    assert display.pd_results[0].average.shape == (1, 4, 1) and display.heatmaps_[0, 0] is not None
    assert display.pd_results[1].grid_values[0].tolist() == [3.0]
    many = px.plot_effects(model, towns, ["same"], custom_values={"same": [1.0, 2.0]}).pd_results[0].average[0]
    np.testing.assert_allclose(many, towns["size"].mean() * np.array([1.0, 2.0]), atol=1e-12)


@pytest.mark.parametrize(
    ("custom", "told"),
    [
        ({"town": ["Rom"]}, "town.*'Rom'.*X does not have"),
        ({"size": []}, "custom_values of 'size' have shape"),
        ({"size": [[1.0, 2.0]]}, "custom_values of 'size' have shape"),
        ({"size": [np.inf]}, "custom_values of 'size' must be finite"),
        ({"size": [np.nan]}, "custom_values of 'size' must be finite"),
    ],
)  # fmt: skip
def test_points_that_a_column_cannot_have_are_refused(towns, custom, told):
    model = Counting()
    with pytest.raises(ValueError, match=told):
        px.plot_effects(model, towns, list(custom), custom_values=custom)
    assert model.rows == 0


def test_a_resolution_below_the_levels_of_every_declared_column_is_refused(towns):
    predictor = px.Predictor(Counting())
    with pytest.raises(ValueError, match="grid_resolution=3 is less than the 4 levels of 'town'"):
        px.plot_effects(predictor, towns, ["town"], categorical_features=["town"], grid_resolution=3)
    with pytest.raises(ValueError, match=r"categorical_features=.* must be a list of columns"):
        px.plot_effects(predictor, towns, ["town"], categorical_features=[0.5])


# classes


@pytest.fixture(scope="module")
def classes():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])
    return X, y, names[y]


@pytest.mark.parametrize("scale", [None, "logit"])
def test_a_predictor_of_two_classes_shows_the_second_and_the_one_that_is_named(classes, scale):
    X, _, names = classes[0][:100], None, classes[2][:100]
    model = LogisticRegression().fit(X, names)
    predictor = px.Predictor(model, output=scale)
    method = "decision_function" if scale else "auto"
    theirs = PartialDependenceDisplay.from_estimator(model, X, [0], grid_resolution=5, response_method=method)
    for target in (None, "versicolor", 1):
        ours = px.plot_effects(predictor, X, [0], grid_resolution=5, target=target)
        np.testing.assert_allclose(ours.pd_results[0].average, theirs.pd_results[0].average, rtol=0, atol=1e-9)
        assert ours.target_idx == theirs.target_idx == 0
    if scale:
        with pytest.raises(ValueError, match="speaks of the other class, 'versicolor'"):
            px.plot_effects(predictor, X, [0], target="setosa")
    else:
        first = px.plot_effects(predictor, X, [0], grid_resolution=5, target="setosa").pd_results[0].average
        np.testing.assert_allclose(first, 1.0 - theirs.pd_results[0].average, atol=1e-9)
    with pytest.raises(ValueError, match=r"target='virginica' must be one of the classes \['setosa', 'versicolor'\]"):
        px.plot_effects(predictor, X, [0], target="virginica")


@pytest.mark.parametrize("wrap", [lambda m: m, px.Predictor, lambda m: px.Predictor(m, outputs=["a", "b", "c"])])
@pytest.mark.parametrize("numbers", [True, False])
def test_a_class_is_named_as_it_is_or_reads_with_and_without_a_predictor(classes, wrap, numbers):
    X, y, names = classes
    model = LogisticRegression(max_iter=500).fit(X, y if numbers else names)
    theirs = PartialDependenceDisplay.from_estimator(
        model, X, [1], grid_resolution=4, target=2 if numbers else "virginica"
    ).pd_results[0]
    for target in (2, np.int64(2), "2") if numbers else ("virginica", np.str_("virginica"), 2):
        ours = px.plot_effects(wrap(model), X, [1], grid_resolution=4, target=target)
        assert ours.target_idx == 2
        np.testing.assert_allclose(ours.pd_results[0].average, theirs.average, rtol=0, atol=1e-9)
    for target in (3, "rose", None, -1, 2.5):
        with pytest.raises(ValueError, match="must be one of the classes"):
            px.plot_effects(wrap(model), X, [1], target=target)


def test_searched_models_and_those_with_margins_only_have_their_classes(classes):
    X, _, names = classes
    search = GridSearchCV(SVC(), {"C": [1.0]}, cv=2).fit(X, names)
    theirs = PartialDependenceDisplay.from_estimator(search, X, [1], grid_resolution=4, target="versicolor")
    ours = px.plot_effects(search, X, [1], grid_resolution=4, target="versicolor")
    np.testing.assert_allclose(ours.pd_results[0].average, theirs.pd_results[0].average, rtol=0, atol=1e-9)


def test_an_output_is_chosen_by_its_number_or_name(diabetes):
    X = diabetes[1]
    predictor = px.Predictor(lambda rows: np.column_stack([rows["bmi"], rows["bp"]]), outputs=["one", "two"])
    for target in (1, "two"):
        display = px.plot_effects(predictor, X, ["bp"], grid_resolution=4, target=target)
        assert display.target_idx == 1 and display.pd_results[0].average.shape == (2, 4)
        assert np.ptp(display.lines_[0, 0].get_ydata()) > 0.0
    told = "must be the number of one of the 2 outputs, from 0, or its name: 'one', 'two'"
    for target in (None, 2, -1, "three"):
        with pytest.raises(ValueError, match=told):
            px.plot_effects(predictor, X, ["bp"], target=target)


# workers


def test_n_jobs_is_what_a_model_takes_that_leaves_it_open(diabetes):
    import joblib

    seen = []

    class Forest(RandomForestRegressor):
        def predict(self, X):
            seen.append(joblib.effective_n_jobs(self.n_jobs))
            return super().predict(X)

    X = diabetes[1]
    model = Forest(3, random_state=0).fit(X, X["bmi"])
    for n_jobs, expected in ((None, 1), (2, 2)):
        seen.clear()
        px.plot_effects(model, X, ["bmi"], grid_resolution=3, n_jobs=n_jobs)
        assert set(seen) == {expected}
    assert joblib.effective_n_jobs(None) == 1


def test_verbose_tells_how_far_it_is(diabetes, capsys, monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.0)
    px.plot_effects(*diabetes, ["bmi"], grid_resolution=3, verbose=1)
    assert "effects" in capsys.readouterr().err
    px.plot_effects(*diabetes, ["bmi"], grid_resolution=3)
    assert not capsys.readouterr().err
