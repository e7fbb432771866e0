"""Interactive curves, surfaces, scores and photos have the numbers of the figures that matplotlib draws."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
import recorders
from matplotlib.collections import PolyCollection, QuadMesh
from plotly_figures import about, heads, names, numbers, read, told, traces

import perturbxai as px
from perturbxai.reporting.curves.column_panel import DATA
from perturbxai.reporting.curves.pair_panel import without_rows
from perturbxai.reporting.lettering import plain
from perturbxai.reporting.photo import grey, painted
from perturbxai.results.surface_places import within_noise

pytest.importorskip("plotly")
RNG = np.random.default_rng(0)
N = 80
X = pd.DataFrame({
    "size": RNG.normal(size=N), "kind": RNG.choice(["oak", "elm", "ash"], N), "hole": RNG.normal(size=N),
    "day": pd.date_range("2024-01-01", periods=N),
})  # fmt: skip
X["twin"] = X["size"] + 0.01 * RNG.normal(size=N)
X.loc[::10, "hole"] = np.nan


def model(X):
    hole = X["hole"].fillna(0.3).to_numpy()
    return (
        X["size"].to_numpy() * (X["kind"] == "oak").to_numpy()
        + hole**2
        + X["day"].dt.day.to_numpy() / 9.0
        + X["twin"].to_numpy()
    )


@pytest.fixture(scope="module")
def space():
    return px.TabularSpace(X)


@pytest.fixture(scope="module")
def found(space):
    return px.effects(["pdp", "ice", "ale"], model, space, X, features=["size", "kind", "hole", "day"], grid=6)


def both(result, *given, **options):
    drawn, twin = px.plot(result, *given, **options), px.plot(result, *given, interactive=True, **options)
    assert about(twin) == " ".join(plain(drawn.get_suptitle()).split())
    return drawn, twin


def curve(figure, name, axis="x"):
    """The marked points of a curve."""
    (one,) = [t for t in traces(figure, "scatter", mode="markers", xaxis=axis, legendgroup=name) if "error_y" not in t]
    return numbers(one["x"]), numbers(one["y"])


@pytest.mark.parametrize("name", ["pdp", "ale"])
def test_a_curve_has_its_points_and_both_bands(found, name):
    effect = found[name]["size"]
    _, twin = both(effect)
    title = name.upper()
    x, y = curve(twin, title)
    np.testing.assert_allclose(x, effect.grid[0])
    np.testing.assert_allclose(y, effect.values[:, 0])
    (band,) = traces(twin, "scatter", fill="toself")
    low, high = (end[:, 0] for end in effect.interval())
    known = np.isfinite(low)
    assert known.any()
    np.testing.assert_allclose(numbers(band["y"])[:-1], [*low[known], *high[known][::-1]])
    lines = [
        numbers(t["y"]) for t in traces(twin, "scatter", mode="lines", hoverinfo="skip") if t["line"].get("width") == 0.8
    ]
    np.testing.assert_allclose(lines, [end[:, 0] for end in effect.interval(simultaneous=True)])
    told_of = read(traces(twin, "scatter", mode="markers")[0]["hovertext"][0])
    assert told_of.startswith(f"size = {effect.grid[0][0]:.6g} ") and title in told_of


def test_rows_have_their_own_curves_and_one_is_black(found):
    effect = found["ice"]["size"]
    row = effect.individual_rows[3]
    _, twin = both(effect, row=row)
    light, strong = [t for t in traces(twin, "scatter", mode="lines") if t.get("hoverinfo") == "text"]
    np.testing.assert_allclose(numbers(strong["y"])[:-1], effect.individual[3, :, 0])
    others = np.delete(effect.individual[..., 0], 3, axis=0)
    np.testing.assert_allclose(numbers(light["y"]).reshape(len(others), -1)[:, :-1], others)
    assert read(strong["hovertext"][0]).endswith(f"row {row}")


def test_levels_are_bars_from_the_mean_beside_each_other(found):
    drawn, twin = both({name: found[name]["kind"] for name in ("pdp", "ale")})
    bars = [t for t in traces(twin, "bar") if t["name"] in ("PDP", "ALE")]
    of_methods = [patch for patch in drawn.axes[0].patches if patch.get_alpha()]
    np.testing.assert_allclose(np.concatenate([numbers(t["y"]) for t in bars]), [one.get_height() for one in of_methods])
    assert names(twin, "xaxis") == [one.get_text() for one in drawn.axes[0].get_xticklabels()]


def test_a_missing_value_stands_behind_the_curve(found):
    drawn, twin = both(found["pdp"]["hole"])
    (point,) = [t for t in traces(twin, "scatter", mode="markers") if t["marker"].get("symbol") == "diamond"]
    assert numbers(point["y"])[0] == pytest.approx(found["pdp"]["hole"].values[-1, 0])
    assert names(twin, "xaxis")[-1] == "missing" and "hole = missing" in read(point["hovertext"][0])
    assert names(twin, "xaxis") == [plain(one.get_text()) for one in drawn.axes[0].get_xticklabels()]


def test_days_are_dates(found):
    _, twin = both(found["pdp"]["day"])
    (one,) = [t for t in traces(twin, "scatter", mode="markers") if "error_y" not in t]
    assert pd.to_datetime(one["x"]).tolist() == pd.to_datetime(found["pdp"]["day"].grid[0]).tolist()


def test_rows_of_the_data_are_counted_below(found):
    drawn, twin = both(found["pdp"]["size"])
    (data,) = [t for t in traces(twin, "bar") if t["name"] == "rows of the data"]
    assert data["marker"]["color"] == DATA and sum(int(one.split()[0]) for one in data["hovertext"]) == N
    assert list(twin.layout.yaxis.range) == pytest.approx(drawn.axes[0].get_ylim())
    assert list(twin.layout.xaxis.range) == pytest.approx(drawn.axes[0].get_xlim())


def test_where_rows_are_unlike_the_data_it_is_said(space):
    drawn, twin = both(px.effects("pdp", model, space, X, features=["size"], grid=6), space=space)
    (said,) = [one.get_text() for one in drawn.axes[0].texts if "asks" in one.get_text()]
    assert " ".join(plain(said).split()) in heads(twin)


def test_panels_are_those_of_the_static_figure(found):
    drawn, twin = both(found, "separate")
    assert len([one for one in twin.layout if one.startswith("xaxis")]) >= len(drawn.axes)
    assert [one for one in heads(twin) if one in ("PDP", "ICE", "ALE")] == [
        axis.get_title(loc="left") for axis in drawn.axes
    ]


@pytest.mark.parametrize("name", ["pdp", "ale"])
def test_a_surface_has_its_values_and_is_hatched_where_no_rows_are(space, name):
    effect = px.effects(name, model, space, X, features=[("size", "twin")], grid=7)[name]["size", "twin"]
    drawn, twin = both(effect)
    (mesh,) = [one for one in drawn.axes[0].collections if isinstance(one, QuadMesh)]
    surface, *pale = traces(twin, "heatmap")
    np.testing.assert_allclose([numbers(line) for line in surface["z"]], mesh.get_array())
    np.testing.assert_allclose((surface["zmin"], surface["zmax"]), mesh.get_clim())
    np.testing.assert_allclose(numbers(surface["x"]), mesh.get_coordinates()[0, :, 0])
    assert name == "pdp" or surface["zmin"] == -surface["zmax"]
    noisy = within_noise(effect, 0)
    assert len(pale) == noisy.any() and noisy.any() == (name == "ale")
    for one in pale:
        np.testing.assert_array_equal(np.isfinite([numbers(line) for line in one["z"]]), noisy.T)
        assert [["within noise" in told for told in line] for line in surface["hovertext"]] == noisy.T.tolist()
    (hatched,) = traces(twin, "scatter", fill="toself")
    assert without_rows(effect).any() and hatched["fillpattern"]["shape"] == "/"
    maps = [one for one in drawn.axes[0].collections if isinstance(one, PolyCollection) and not isinstance(one, QuadMesh)]
    (cells,) = [one for one in maps if one.get_hatch()]
    assert sum(one is None for one in hatched["x"]) == len(cells.get_paths())


def test_groups_are_lines_of_one_panel(space):
    effect = px.effects("pdp", model, space, X, features=["size"], by="kind", grid=6)["pdp"]["size"]
    _, twin = both(effect)
    for group, own in effect.groups.items():
        np.testing.assert_allclose(curve(twin, str(group))[1], own.values[:, 0])
    assert [t["name"] for t in traces(twin) if t.get("showlegend")][:4] == ["all rows", *map(str, effect.groups)]


def test_effects_of_a_photo_have_no_twin():
    space, x = recorders.pictures(1)
    found = px.effects("pdp", recorders.of_pictures, space, x[0], rows=400)
    with pytest.raises(ValueError, match="opacities has no interactive figure"):
        px.plot(found, interactive=True)


# ------------------------------------------------------------------------------------------------ what is about all


def test_scores_have_means_and_their_intervals():
    space, x = recorders.table(5)
    predictor = px.Predictor(recorders.of_table, outputs=["first", "second"])
    found = px.explain(["lime", "kernel_shap"], predictor, space, x, budget=45)
    table = px.compare(found, predictor, space, metrics=["faithfulness", "deletion"])
    drawn, twin = both(table)
    for n, axis in enumerate(drawn.axes):
        own = traces(twin, "scatter", xaxis="x" + str(n + 1) * bool(n))
        np.testing.assert_allclose(np.sort([t["x"][0] for t in own]), np.sort([line.get_xdata()[0] for line in axis.lines]))
        half = sorted(t["error_x"]["array"][0] for t in own)
        ends = [np.ptp(s[:, 0]) / 2 for one in axis.collections for s in one.get_segments()]
        np.testing.assert_allclose(half, sorted(ends))
    assert names(twin) == [plain(one.get_text()) for one in drawn.axes[0].get_yticklabels()]


def test_an_h_statistic_stands_before_what_chance_shows(space):
    found = px.h_statistic(model, space, X, features=["size", "kind", "hole"], top=2, data_rows=30)
    drawn, twin = both(found)
    bars = traces(twin, "bar")
    assert len(bars) == 4  # chance twice, the share, the size
    widths = [patch.get_width() for axis in (drawn.axes[0], *drawn.axes[0].child_axes) for patch in axis.patches]
    np.testing.assert_allclose(np.concatenate([numbers(bar["x"]) for bar in bars]), widths)
    assert any("by chance" in words for words in told(twin))


def test_a_photo_is_painted_and_told_by_superpixel():
    space, x = recorders.pictures(1)
    found = px.explain("kernel_shap", px.Predictor(recorders.of_pictures), space, x, budget=60)["kernel_shap"]
    _, twin = both(found, output=0, space=space)
    from PIL import Image

    pictures = [np.asarray(Image.open(BytesIO(b64decode(t["source"].partition(",")[2])))) for t in traces(twin, "image")]
    labels = space.players(x[0])[0].labels
    expected = painted(grey(found[0].input), labels, found.values[0, :, 0])
    assert len(pictures) == 2 and np.abs(pictures[1] - 255.0 * expected).max() <= 0.5001
    (under,) = traces(twin, "heatmap")
    at = labels[np.ix_(under["y"], under["x"])]
    values = found.values[0, :, 0]
    np.testing.assert_allclose([numbers(line) for line in under["z"]], values[at] / np.abs(values).max())
    assert read(under["hovertext"][0][0]).startswith(found.names[at[0, 0]])
