"""Figures of effects: the numbers in the artists are those of the effects, and what is not known is not drawn."""

from __future__ import annotations

import warnings
from decimal import Decimal

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

import perturbxai as px
from perturbxai.core.wording import own_value
from perturbxai.reporting.curves import column_panel, pair_panel
from perturbxai.reporting.curves.axis_places import Ground, is_missing
from perturbxai.reporting.style import METHOD_STYLES

COLOUR = {name: METHOD_STYLES[name]["color"].lower() for name in ("pdp", "ice", "ale")}


def table(n: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "size $": rng.normal(size=n),
            "kind": rng.choice(["oak", "elm", "ash"], n, p=[0.5, 0.3, 0.2]),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), "D"),
            "floor": rng.integers(0, 5, n),
            "gap": rng.normal(size=n),
        },
        index=[f"tree {number}" for number in range(n)],
    )
    X.loc[X.index[:30], "gap"] = np.nan
    X.loc[X.index[20:50], "kind"] = None
    return X


def model(rows: pd.DataFrame) -> np.ndarray:
    gap = rows["gap"].fillna(3.0)
    first = rows["size $"] ** 2 + 2.0 * (rows["kind"] == "elm") * (rows["size $"] > 0) + 0.1 * rows["floor"] + gap
    return np.column_stack([first, -first + rows["day"].dt.month])


@pytest.fixture(scope="module")
def space():
    return px.TabularSpace(table())


@pytest.fixture(scope="module")
def found(space):
    predictor = px.Predictor(model, outputs=["first", "second"])
    pairs = [("size $", "floor"), ("kind", "gap")]
    return px.effects(["pdp", "ice", "ale"], predictor, space, table(), features=[*table(), *pairs], grid=12, seed=0)


def one(found, feature, *names):
    return {name: {feature: found[name][feature]} for name in names}


def drawn(figure):
    """The figure as it is seen: everything laid out, without a warning."""
    FigureCanvasAgg(figure).draw()
    return figure


def line(axis, colour):
    """The strong line of a colour."""
    found = [one for one in axis.get_lines() if to_hex(one.get_color()) == colour and one.get_linewidth() >= 1.5]
    return found[0].get_xdata(), found[0].get_ydata()


# ------------------------------------------------------------------------------------------------ curves


@pytest.mark.parametrize("name", ["pdp", "ale"])
def test_a_curve_and_both_bands_are_those_of_the_effect(found, name):
    effect = found[name]["size $"]
    axis = px.plot(effect, output="second").axes[0]
    x, y = line(axis, COLOUR[name])
    np.testing.assert_array_equal(x, effect.grid[0])
    np.testing.assert_array_equal(y, effect.values[:, 1])
    low, high = effect.interval()
    (band,) = [c for c in axis.collections if len(c.get_paths()) and len(c.get_paths()[0].vertices) == 2 * len(x) + 3]
    np.testing.assert_allclose(band.get_datalim(axis.transData).intervaly, [low[:, 1].min(), high[:, 1].max()])
    thin = [one.get_ydata() for one in axis.get_lines() if one.get_linewidth() == 0.6]
    np.testing.assert_array_equal(thin, [end[:, 1] for end in effect.interval(simultaneous=True)])


def test_methods_over_each_other_are_around_their_means_over_the_data(found):
    axis = px.plot(one(found, "size $", "pdp", "ale"), output="first").axes[0]
    pdp, ale = found["pdp"]["size $"], found["ale"]["size $"]
    mean = np.interp(table()["size $"], pdp.grid[0], pdp.values[:, 0]).mean()  # of the curve at the rows
    np.testing.assert_allclose(line(axis, COLOUR["pdp"])[1], pdp.values[:, 0] - mean, atol=1e-12)
    np.testing.assert_array_equal(line(axis, COLOUR["ale"])[1], ale.values[:, 0])
    assert "around its mean" in axis.get_ylabel()


def test_a_curve_that_was_centred_here_has_no_band_and_one_that_came_centred_has_its_own(found, space):
    figure = px.plot(one(found, "size $", "pdp", "ale"), output="first")
    thin = {to_hex(c.get_color()) for c in figure.axes[0].get_lines() if c.get_linewidth() == 0.6}
    assert thin == {COLOUR["ale"]} and "without a band: PDP" in figure.get_suptitle()
    predictor = px.Predictor(model, outputs=["first", "second"])
    both = px.effects([px.Pdp(curves="centred"), "ale"], predictor, space, table(), features=["size $"], grid=12)
    figure = px.plot(both, output="first")
    thin = {to_hex(c.get_color()) for c in figure.axes[0].get_lines() if c.get_linewidth() == 0.6}
    assert thin == {COLOUR["pdp"], COLOUR["ale"]} and "without" not in figure.get_suptitle()


def test_rows_curves_lie_below_the_mean_and_one_row_is_drawn_strong(found):
    ice = found["ice"]["size $"]
    axis = px.plot(one(found, "size $", "pdp", "ice"), output="first", row="tree 7").axes[0]
    lines = axis.get_lines()
    thin = [c.get_ydata() for c in lines if to_hex(c.get_color()) == COLOUR["ice"]]
    np.testing.assert_array_equal(thin, ice.individual[..., 0])
    (strong,) = [c.get_ydata() for c in lines if to_hex(c.get_color()) == "#000000"]
    np.testing.assert_array_equal(strong, ice.individual[ice.individual_rows.index("tree 7"), :, 0])
    assert max(c.get_zorder() for c in lines if to_hex(c.get_color()) == COLOUR["ice"]) < 2


def test_slopes_have_a_panel_of_their_own(space):
    predictor = px.Predictor(lambda rows: model(rows)[:, 0])
    found = px.effects(["pdp", px.Ice(curves="derivative")], predictor, space, table(), features=["size $"], grid=12)
    figure = drawn(px.plot(found))
    assert [axis.get_ylabel() for axis in figure.axes] == ["model's output", "slope of the model's output"]


def test_a_missing_value_stands_apart_with_its_own_error(found):
    pdp = found["pdp"]["gap"]
    axis = drawn(px.plot(pdp, output="first")).axes[0]
    (diamond,) = [c for c in axis.get_lines() if c.get_marker() == "D"]
    assert diamond.get_ydata()[0] == pdp.values[-1, 0] and diamond.get_xdata()[0] > np.nanmax(pdp.grid[0])
    assert axis.get_xticklabels()[-1].get_text() == "missing"
    assert len(line(axis, COLOUR["pdp"])[1]) == len(pdp.grid[0]) - 1


def test_steps_without_rows_are_dotted(space):
    predictor = px.Predictor(lambda rows: model(rows)[:, 0])
    grid = {"size $": [-3.0, -1.0, 0.0, 1.0, 50.0, 60.0]}
    ale = px.effects("ale", predictor, space, table(), features="size $", grid=grid)["ale"]["size $"]
    assert ale.extrapolated.tolist() == [False, False, False, False, True]
    axis = px.plot(ale).axes[0]
    (dotted,) = [c for c in axis.get_lines() if c.get_linestyle() == "--" or c.is_dashed()]
    np.testing.assert_array_equal(dotted.get_xdata()[:2], [50.0, 60.0])


def test_groups_are_lines_on_the_same_grid(space):
    predictor = px.Predictor(lambda rows: model(rows)[:, 0])
    pdp = px.effects("pdp", predictor, space, table(), features="size $", grid=12, by="kind")["pdp"]["size $"]
    figure = drawn(px.plot(pdp))
    strong = [c.get_ydata() for c in figure.axes[0].get_lines() if c.get_linewidth() >= 1.5]
    np.testing.assert_array_equal(strong, [e.values[:, 0] for e in (pdp, *pdp.groups.values())])
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told[:-1] == ["all rows", *map(own_value, pdp.groups)]


# ------------------------------------------------------------------------------------------------ levels and rows


def test_levels_are_bars_from_the_mean_of_the_data_with_whiskers(found):
    pdp = found["pdp"]["kind"]
    axis = drawn(px.plot(pdp, output="first")).axes[0]
    bars = [bar for bar in axis.patches if to_hex(bar.get_facecolor()) == COLOUR["pdp"]]
    mean = pdp.counts @ pdp.values[:, 0] / pdp.counts.sum()
    np.testing.assert_allclose([bar.get_y() for bar in bars], mean)
    np.testing.assert_allclose([bar.get_y() + bar.get_height() for bar in bars], pdp.values[:, 0])
    names = [label.get_text() for label in axis.get_xticklabels()]
    assert names == [*pdp.grid[0][:-1], "missing"]


def test_levels_of_two_methods_meet_in_the_order_of_the_accumulated_curve(found):
    axis = px.plot(one(found, "kind", "pdp", "ale"), output="first").axes[0]
    ale, pdp = found["ale"]["kind"], found["pdp"]["kind"]
    names = [label.get_text() for label in axis.get_xticklabels()]
    known = [value for value in ale.grid[0].tolist() if isinstance(value, str)]
    assert names == [*known, "missing"]
    bars = {
        name: {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in axis.patches
               if to_hex(bar.get_facecolor()) == COLOUR[name]}
        for name in ("pdp", "ale")
    }  # fmt: skip
    for name, effect in (("pdp", pdp), ("ale", ale)):
        share = pdp.counts / pdp.counts.sum()
        values = effect.values[:, 0] - (share @ effect.values[:, 0] if name == "pdp" else 0.0)
        for value, height in zip(effect.grid[0].tolist(), values, strict=True):
            at = names.index(value if isinstance(value, str) else "missing")
            assert bars[name][at] == pytest.approx(height, abs=1e-12)


@pytest.mark.parametrize("name", ["pdp", "ale"])
def test_the_rows_of_the_data_lie_below_the_curves(found, name):
    axis = px.plot(found[name]["size $"], output="first").axes[0]
    data = [bar for bar in axis.patches if to_hex(bar.get_facecolor()) == column_panel.DATA.lower()]
    area = np.array([bar.get_width() * bar.get_height() for bar in data])
    assert len(data) == 12 and (np.ptp(area) < 0.5 * area.max())  # quantile bins hold alike many rows, but for a cut peak
    (rug,) = [c for c in axis.collections if len(c.get_segments() if hasattr(c, "get_segments") else []) == 9]
    deciles = [segment[0, 0] for segment in rug.get_segments()]
    np.testing.assert_allclose(deciles, table()["size $"].quantile(np.arange(1, 10) / 10), atol=0.1)
    lowest = min(c.get_ydata().min() for c in axis.get_lines() if len(c.get_ydata()) > 2)
    assert axis.transAxes.inverted().transform(axis.transData.transform((0, lowest)))[1] > column_panel.STRIP


def test_rows_of_levels_are_written_and_counted_in_the_space_where_an_accumulated_curve_has_steps_only(found, space):
    counts = table()["kind"].fillna("missing").value_counts()
    for name, given in (("pdp", None), ("ale", space)):
        axis = px.plot(found[name]["kind"], output="first", space=given).axes[0]
        names = [label.get_text() for label in axis.get_xticklabels()]
        assert [text.get_text() for text in axis.texts] == [str(counts[name]) for name in names]
    assert not px.plot(found["ale"]["kind"], output="first").axes[0].texts


def test_dates_are_days_and_names_are_text(found):
    figure = drawn(px.plot({f: found["pdp"][f] for f in ("day", "size $")}, output="first"))
    first, second = figure.axes
    np.testing.assert_array_equal(line(first, COLOUR["pdp"])[0], matplotlib.dates.date2num(found["pdp"]["day"].grid[0]))
    assert second.get_xlabel() == r"size \$" and first.get_ylim() == second.get_ylim()


# ------------------------------------------------------------------------------------------------ maps


def test_a_map_has_the_surface_in_its_cells(found):
    pdp = found["pdp"]["size $", "floor"]
    axis = drawn(px.plot(pdp, output="first")).axes[0]
    mesh = axis.collections[0]
    np.testing.assert_array_equal(np.asarray(mesh.get_array()).reshape(pdp.values.shape[1::-1]), pdp.values[..., 0].T)


def test_a_map_of_levels_and_missing_values_puts_both_at_their_place(found):
    effect = found["pdp"]["kind", "gap"]
    axis = drawn(px.plot(effect, output="first")).axes[0]
    meshes = [c for c in axis.collections if isinstance(c, matplotlib.collections.QuadMesh)]
    sizes = sorted(np.asarray(mesh.get_array()).size for mesh in meshes)
    assert sum(sizes) == effect.values[..., 0].size and len(sizes) == 4  # each axis has a missing value
    assert axis.get_xticklabels()[-1].get_text() == axis.get_yticklabels()[-1].get_text() == "missing"


def test_cells_without_rows_in_or_near_them_are_hatched():
    rng = np.random.default_rng(0)
    a = rng.normal(size=2000)
    X = np.column_stack([a, a + 0.1 * rng.normal(size=2000)])
    for grid in (10, 25):
        for name in ("pdp", "ale"):
            predictor, space = px.Predictor(lambda X: X[:, 0] * X[:, 1]), px.TabularSpace(X)
            surface = px.effects(name, predictor, space, X, features=("x0", "x1"), grid=grid)[name]["x0", "x1"]
            empty = pair_panel.without_rows(surface)
            assert not empty[surface.counts > 0].any()
            assert empty[0, -1] and empty[-1, 0] and not np.diag(empty).any() and 0.4 < empty.mean() < 0.9
            figure = drawn(px.plot(surface))
            hatched = [c for c in figure.axes[0].collections if c.get_hatch()]
            assert len(hatched[0].get_paths()) == empty.sum() and "hatched" in figure.get_suptitle()
    X[:, 1] = rng.permutation(X[:, 1])
    surface = px.effects("pdp", px.Predictor(lambda X: X[:, 0]), px.TabularSpace(X), X, features=("x0", "x1"), grid=25)
    assert not pair_panel.without_rows(surface["pdp"]["x0", "x1"]).any()


def veils(figure):
    cells = [c for c in figure.axes[0].collections if isinstance(c, matplotlib.collections.PolyCollection)]
    return [c for c in cells if not c.get_hatch()]


def test_what_is_within_noise_is_pale_and_said_to_be():
    X = np.random.default_rng(0).normal(size=(400, 3))
    model = lambda X: np.maximum(X[:, 0], 0) * np.maximum(X[:, 1], 0) * (1 + 0.5 * X[:, 2])  # noqa: E731
    found = px.effects(["ale", "pdp"], model, X, X, features=("x0", "x1"), grid=6)
    effect = found["ale"]["x0", "x1"]
    low, high = effect.interval()
    noisy = ((low <= 0) & (high >= 0))[..., 0]
    assert 0.2 < noisy.mean() < 0.8
    figure = drawn(px.plot(effect))
    assert [len(one.get_paths()) for one in veils(figure)] == [noisy.sum()] and "pale: within noise" in figure.get_suptitle()
    other = drawn(px.plot(found["pdp"]["x0", "x1"]))  # around no zero
    assert "pale" not in other.get_suptitle() and not veils(other)


def test_no_hatch_reaches_a_missing_value_which_stands_apart():
    rng = np.random.default_rng(0)
    kind = rng.choice(["ash", "elm", "oak", None], 900)
    size = rng.normal(size=900) + 9.0 * np.isin(kind, ["elm", "oak"])  # half of the plane is empty
    X = pd.DataFrame({"size": size, "kind": pd.Series(kind, dtype=object)})
    predictor, space = px.Predictor(lambda rows: rows["size"]), px.TabularSpace(X)
    for name in ("pdp", "ale"):
        surface = px.effects(name, predictor, space, X, features=("kind", "size"), grid=8)[name]["kind", "size"]
        axis = drawn(px.plot(surface)).axes[0]
        (hatched,) = [c for c in axis.collections if c.get_hatch()]
        assert len(hatched.get_paths()) > 0
        assert max(path.vertices[:, 0].max() for path in hatched.get_paths()) <= 2.5  # missing stands at 3


def test_an_interaction_that_is_rounding_has_no_strong_colour():
    X = np.random.default_rng(0).normal(size=(300, 2))
    ale = px.effects("ale", px.Predictor(lambda X: X[:, 0] + X[:, 1] ** 2), px.TabularSpace(X), X, features=("x0", "x1"))
    mesh = px.plot(ale).axes[0].collections[0]
    assert np.abs(mesh.get_array()).max() < 0.1 * mesh.get_clim()[1]


# ------------------------------------------------------------------------------------------------ which panels


def test_each_column_has_a_panel_and_each_output_and_surface_its_own(found):
    figure = px.plot(found)
    panels = [axis for axis in figure.axes if axis.get_xlabel()]
    # five columns with methods over each other, two pairs with a map of PDP and one of ALE, for two outputs
    assert len(panels) == 5 * 2 + 2 * 2 * 2
    separate = px.plot(one(found, "size $", "pdp", "ice", "ale"), kind="separate", output="first")
    assert [axis.get_title(loc="left") for axis in separate.axes] == ["PDP", "ICE", "ALE"]


def test_the_columns_that_matter_most_are_kept(found):
    figure = px.plot({f: found["pdp"][f] for f in table()}, top=2, output="first")
    importance = {f: found["pdp"][f].importance[0] for f in table()}
    kept = sorted(importance, key=importance.get)[-2:]
    assert {axis.get_xlabel().replace("\\", "") for axis in figure.axes} == set(kept)
    assert "3 features more" in figure.get_suptitle()


def test_axes_that_are_given_are_drawn_on(found):
    figure = matplotlib.figure.Figure()
    axis = figure.subplots()
    assert px.plot(found["ale"]["size $"], output="first", ax=axis) is axis
    assert axis.get_xlabel() == r"size \$"


def test_drawing_asks_no_model_and_touches_no_settings(space):
    predictor = px.Predictor(lambda rows: model(rows)[:, 0])
    found = px.effects(["pdp", "ale"], predictor, space, table(), features=["size $"], grid=5)
    before, settings = predictor.rows, dict(matplotlib.rcParams)
    px.plot(found, space=space)
    assert predictor.rows == before and dict(matplotlib.rcParams) == settings


def test_an_error_that_is_not_known_leaves_the_curve_and_no_band():
    X = np.array([[0.0], [1.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ale = px.effects("ale", px.Predictor(lambda X: X[:, 0]), px.TabularSpace(X), X, grid={"x0": [0.0, 0.5, 1.0]})
        assert np.isinf(ale["ale"]["x0"].stderr).any()
        axis = drawn(px.plot(ale)).axes[0]
    np.testing.assert_array_equal(line(axis, COLOUR["ale"])[1], ale["ale"]["x0"].values[:, 0])
    assert np.isfinite(axis.get_ylim()).all()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"kind": "bars"}, "kind='bars' is not known; expected one of 'overlay', 'separate' or None for effects"),
        ({"output": "third"}, "third"),
        ({"row": "tree 7"}, "row='tree 7' is drawn among the rows' curves, and there are none"),
        ({"ax": "an axis"}, "ax is one panel, and 2 are to be drawn"),
        ({"space": px.TabularSpace(np.eye(3))}, r"space has no column 'size \$'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(found, options, told):
    with pytest.raises(ValueError, match=told):
        px.plot(found["pdp"]["size $"], **options)


def test_other_refusals(found):
    with pytest.raises(TypeError, match="space is dict"):
        px.plot(found["pdp"]["size $"], space={})
    with pytest.raises(ValueError, match="'tree 999' is not among the rows whose curves were kept: 'tree "):
        px.plot(found["ice"]["size $"], row="tree 999")
    X = np.random.default_rng(0).normal(size=(20, 1))
    other = px.effects("pdp", px.Predictor(lambda X: X[:, 0]), px.TabularSpace(X), X)["pdp"]["x0"]
    with pytest.raises(ValueError, match="differ in outputs"):
        px.plot([found["pdp"]["size $"], other])


@pytest.mark.parametrize("gone", [None, float("nan"), pd.NA, pd.NaT, Decimal("NaN"), np.datetime64("NaT", "s")], ids=repr)
def test_whatever_pandas_takes_for_missing_has_a_place_beside_the_others(gone):
    grid = np.empty(3, dtype=object)
    grid[:] = ["a", "b", gone]
    ground = Ground.of("column", [grid])
    assert ground.missing and len(ground.at) == 3 and is_missing(grid).tolist() == [False, False, True]


@pytest.mark.parametrize("days", [0.2, 3, 40, 95, 300, 700, 1095, 1200, 2000, 9000])
def test_dates_of_any_span_have_few_ticks_without_a_warning(days):
    X = pd.DataFrame(
        {"day": pd.Timestamp("2021-01-02") + pd.to_timedelta(np.linspace(0.0, 86400.0 * days, 60).round(), unit="s")}
    )
    curves = px.effects("pdp", px.Predictor(lambda rows: 1.0 * np.arange(len(rows))), px.TabularSpace(X), X)
    (axis,) = (one for one in px.plot(curves["pdp"]["day"]).axes if one.get_xlabel() == "day")
    assert 2 <= len(axis.get_xticks()) <= 8
