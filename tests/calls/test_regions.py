"""Regions of effects: planted ones are found, others are not, and what is told of them is what can be counted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import perturbxai as px

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, size=(600, 4))


def turned(Z):
    """The slope of the first column turns where the second passes .3."""
    return 3.0 * np.where(Z[:, 1] > 0.3, Z[:, 0], -Z[:, 0]) + Z[:, 2]


def found(model, data, methods="pdp", features="x0", **more):
    (effects,) = px.effects(
        methods, model, data, data, features=features, regions=more.pop("regions", "auto"), **more
    ).values()
    return next(iter(effects.values()))


@pytest.mark.parametrize("method", ["pdp", "ice", "ale"])
def test_a_planted_region_is_found_with_its_curves(method):
    effect = found(turned, X, method)
    (low, high), (cut, *_) = effect.regions.regions, effect.regions.cuts
    threshold = low.conditions[0].threshold
    assert low.conditions[0].column == 1 and abs(threshold - 0.3) < 0.02 and cut.kept and cut.honest > 0.8 > 0.2 > cut.floor
    slopes = [np.polyfit(one.grid[0], one.values[:, 0], 1)[0] for one in effect.groups.values()]
    np.testing.assert_allclose(slopes, [-3.0, 3.0], atol=0.6)
    assert low.share + high.share == pytest.approx(1) and set(effect.groups) == {low.name, high.name}
    assert effect.regions.fall[0] > 0.85


def test_two_conditions_make_three_regions():
    def model(Z):
        return Z[:, 0] * np.where(Z[:, 1] > 0, 4.0, np.where(Z[:, 2] > 0.2, 1.0, -1.5))

    effect = found(model, X)
    assert len(effect.regions.regions) == 3
    slopes = sorted(np.polyfit(one.grid[0], one.values[:, 0], 1)[0] for one in effect.groups.values())
    np.testing.assert_allclose(slopes, [-1.5, 1.0, 4.0], atol=0.4)
    one = found(model, X, regions=px.Regions(conditions=1))
    assert len(one.regions.regions) == 2


def test_a_set_of_levels_is_found():
    table = pd.DataFrame({"a": RNG.uniform(-1, 1, 500), "town": pd.Categorical(RNG.choice(list("pqrstu"), 500))})
    effect = found(lambda Z: Z["a"].to_numpy() * np.where(Z["town"].isin(["q", "s", "t"]), 2.0, -2.0), table, features="a")
    names = [one.name for one in effect.regions.regions]
    assert names in (["town is q, s or t", "town is not q, s or t"], ["town is p, r or u", "town is not p, r or u"])
    assert effect.regions.left[0] == pytest.approx(0, abs=1e-6)


def test_missing_values_are_a_condition():
    other = np.where(RNG.random(500) < 0.4, np.nan, RNG.normal(size=500))
    table = pd.DataFrame({"a": RNG.uniform(-1, 1, 500), "b": other})
    effect = found(lambda Z: Z["a"].to_numpy() * np.where(Z["b"].isna(), 2.0, -1.0), table, features="a")
    assert [one.name for one in effect.regions.regions] == ["b is missing", "b is known"]


@pytest.mark.parametrize("method", ["pdp", "ale"])
def test_rows_that_agree_fall_into_no_regions(method):
    effect = found(lambda Z: np.sin(3 * Z[:, 0]) + Z[:, 1] ** 2, X, method)
    assert len(effect.regions.regions) == 1 and not effect.groups and effect.regions.regions[0].name == "all rows"
    assert "Rows agree on it." in effect.describe()


def test_rows_that_disagree_by_nothing_that_is_known_fall_into_none():
    """Slopes by a column that the model has, and conditions may not be about."""
    effect = found(turned, X, regions=px.Regions(columns=["x2", "x3"]))
    assert len(effect.regions.regions) == 1 and effect.regions.cuts and not effect.regions.cuts[0].kept
    assert "no condition on other features makes regions" in effect.describe()


def test_the_best_cut_is_that_of_brute_force():
    effect = found(turned, X[:120], regions=px.Regions(conditions=1, least_rows=0.0))
    grid, curves = effect.grid[0], []
    for point in grid:
        moved = X[:120].copy()
        moved[:, 0] = point
        curves.append(turned(moved))
    at = np.sort(X[:120, 0])
    curves = np.array(curves).T  # (rows, points)
    read = np.array([np.interp(at, grid, one) for one in curves])
    weight = np.zeros(len(grid))  # what each point counts in a mean over the data
    for value in at:
        place = np.clip(np.searchsorted(grid, value) - 1, 0, len(grid) - 2)
        share = (value - grid[place]) / (grid[place + 1] - grid[place])
        weight[place] += (1 - share) / len(at)
        weight[place + 1] += share / len(at)
    shape = (curves - read.mean(axis=1, keepdims=True)) * np.sqrt(weight)

    def spread(rows):
        return rows.sum() * shape[rows].var(axis=0, ddof=1).sum()

    whole, best = spread(np.ones(120, dtype=bool)), (-np.inf, None)
    for column in (1, 2, 3):
        values = X[:120, column]
        for edge in values:
            inside = values <= edge
            if 10 <= inside.sum() <= 110:
                best = max(best, (1 - (spread(inside) + spread(~inside)) / whole, column))
    cut = effect.regions.cuts[0]
    assert cut.fall == pytest.approx(best[0], rel=1e-9)
    assert effect.regions.regions[0].conditions[0].column == best[1]
    assert effect.regions.heterogeneity[0] ** 2 == pytest.approx(whole / 120, rel=1e-9)


def test_the_heterogeneity_of_steps_is_counted_by_hand():
    effect = found(turned, X, "ale", grid=4, regions=px.Regions(conditions=1))
    edges, total = effect.grid[0], 0.0
    for low, high in pairwise(edges):
        rows = X[(X[:, 0] > low) & (X[:, 0] <= high)] if low > edges[0] else X[X[:, 0] <= high]
        ends = [turned(np.column_stack([np.full(len(rows), end), rows[:, 1:]])) for end in (low, high)]
        total += len(rows) * np.var(ends[1] - ends[0], ddof=1)
    assert effect.regions.heterogeneity[0] ** 2 == pytest.approx(total / len(X), rel=1e-9)


def test_rows_of_any_table_find_their_region():
    effect = found(turned, X)
    threshold = effect.regions.regions[0].conditions[0].threshold
    new = np.random.default_rng(5).uniform(-1, 1, size=(50, 4))
    np.testing.assert_array_equal(effect.regions.of(new), (new[:, 1] > threshold).astype(int))
    frame = effect.regions.to_frame()
    assert frame.rows.sum() == 600 and frame.share.sum() == pytest.approx(1)


def test_regional_curves_are_those_of_their_rows_alone():
    effect = found(turned, X)
    number = effect.regions.of(X)
    for n, one in enumerate(effect.groups.values()):
        alone = px.effects("pdp", turned, X, X[number == n], features="x0", grid={"x0": effect.grid[0]})["pdp"]["x0"]
        np.testing.assert_allclose(one.values, alone.values, rtol=1e-9)


def test_weights_count_as_rows_that_stand_there_so_often():
    times = RNG.integers(1, 4, 200)
    space = px.TabularSpace(X[:200], weights=times)
    weighted = px.effects("pdp", turned, space, X[:200], features="x0", grid={"x0": [-1, 0, 1]},
                          regions=px.Regions(conditions=1))["pdp"]["x0"]  # fmt: skip
    again = np.repeat(X[:200], times, axis=0)
    repeated = px.effects("pdp", turned, again, again, features="x0", grid={"x0": [-1, 0, 1]}, rows=10**6,
                          regions=px.Regions(conditions=1))["pdp"]["x0"]  # fmt: skip
    a, b = (one.regions.regions[0].conditions[0] for one in (weighted, repeated))
    assert a.column == b.column == 1 and abs(a.threshold - b.threshold) < 0.1
    np.testing.assert_allclose(weighted.regions.regions[0].share, repeated.regions.regions[0].share, atol=0.05)


def test_regions_are_the_same_at_any_batch_size_and_number_of_workers():
    names = []
    for more in ({"batch_size": 7}, {"batch_size": 1000}, {}):
        predictor = px.Predictor(turned, **more)
        (effect,) = px.effects("pdp", predictor, X, X, features="x0", regions="auto", grid=5)["pdp"].values()
        names.append([(one.name, one.heterogeneity.tolist()) for one in effect.regions.regions])
    assert names[0] == names[1] == names[2]


def test_regions_are_the_same_in_any_order_of_the_rows():
    order = np.random.default_rng(9).permutation(len(X))
    one, other = found(turned, X), found(turned, X[order])
    assert [r.name for r in one.regions.regions] == [r.name for r in other.regions.regions]
    np.testing.assert_allclose([c.honest for c in one.regions.cuts], [c.honest for c in other.regions.cuts], rtol=1e-9)
    np.testing.assert_array_equal(one.regions.of(X)[order], other.regions.of(X[order]))


def test_regions_whose_thresholds_read_alike_keep_their_own_curves():
    data = np.column_stack([RNG.uniform(-1, 1, 300), 1e6 + np.repeat([0.1, 0.2, 0.3], 100)])
    effect = found(lambda Z: Z[:, 0] * np.select([Z[:, 1] < 1e6 + 0.15, Z[:, 1] < 1e6 + 0.25], [3.0, -1.0], -4.0), data)
    names = [one.name for one in effect.regions.regions]
    assert len(names) == 3 == len(set(names)) == len(effect.groups)
    slopes = sorted(np.polyfit(one.grid[0], one.values[:, 0], 1)[0] for one in effect.groups.values())
    np.testing.assert_allclose(slopes, [-4.0, -1.0, 3.0], atol=1e-9)


def test_missing_levels_with_an_order_are_no_level():
    size = pd.Categorical(RNG.choice(["s", "m", "l", None], 400), ["s", "m", "l"], ordered=True)
    table = pd.DataFrame({"a": RNG.uniform(-1, 1, 400), "size": size})
    effect = found(lambda Z: Z["a"].to_numpy() * np.where(Z["size"].isna(), 3.0, -1.0), table, features="a")
    assert {one.name for one in effect.regions.regions} == {"size is missing", "size is known"}
    np.testing.assert_array_equal(effect.regions.of(table) == 0, table["size"].isna().to_numpy())


@pytest.mark.parametrize("unit", [1e-70, 1e70])
@pytest.mark.parametrize("method", ["pdp", "ale"])
def test_regions_do_not_hang_on_the_unit_of_the_output(method, unit):
    one, other = found(turned, X, method), found(lambda Z: unit * turned(Z), X, method)
    assert [r.name for r in one.regions.regions] == [r.name for r in other.regions.regions]
    np.testing.assert_allclose(other.regions.left, unit * one.regions.left, rtol=1e-6, atol=1e-6 * unit)


def test_no_model_row_is_asked_for_regions():
    plain, cut = px.Predictor(turned), px.Predictor(turned)
    px.effects(["pdp", "ale"], plain, X, X, features="x0")
    px.effects(["pdp", "ale"], cut, X, X, features="x0", regions="auto")
    assert plain.rows == cut.rows


def test_several_outputs_have_common_regions():
    effect = found(lambda Z: np.stack([turned(Z), 1000 * Z[:, 3] * Z[:, 0], turned(Z) / 50], axis=1), X)
    assert effect.regions.heterogeneity.shape == (3,) and effect.regions.regions[0].conditions[0].column in (1, 3)
    assert len(effect.describe(output=2).splitlines()) > 3


def test_a_pair_has_regions_by_other_columns():
    effect = found(lambda Z: Z[:, 0] * Z[:, 1] * np.where(Z[:, 2] > 0, 2.0, -2.0), X, features=[("x0", "x1")], grid=4)
    assert {one.column for region in effect.regions.regions for one in region.conditions} == {2}


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"regions": "yes"}, ValueError, "regions='yes' must be \"auto\""),
        ({"regions": 3}, TypeError, "regions=3"),
        ({"regions": "auto", "by": "x1"}, ValueError, "give one of them"),
        ({"regions": px.Regions(columns=["y"])}, ValueError, "regions: 'y' is not a column"),
    ],
)
def test_what_does_not_go_together_is_refused_before_the_model_is_asked(arguments, error, match):
    predictor = px.Predictor(turned)
    with pytest.raises(error, match=match):
        px.effects("pdp", predictor, X, X, features="x0", **arguments)
    assert predictor.rows == 0


@pytest.mark.parametrize(
    ("options", "match"),
    [({"conditions": 0}, "conditions=0"), ({"least_rows": 0.6}, "least_rows=0.6"), ({"least_fall": 1}, "least_fall=1"),
     ({"draws": 5}, "draws=5")],
)  # fmt: skip
def test_options_out_of_their_bounds_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        px.Regions(**options)


def test_photos_and_gradients_have_no_regions():
    with pytest.raises(ValueError, match="x is a photo"):
        px.effects("pdp", lambda p: p.mean(axis=(1, 2, 3)), px.ImageSpace(), np.zeros((8, 8, 1)), regions="auto")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["pdp", "ale"])
def test_regions_are_found_in_at_most_one_draw_in_ten_where_there_are_none(method):
    """Slopes of their own for each row, that no column tells: a floor of 19 draws is exceeded in one of twenty."""
    made = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        data = rng.uniform(-1, 1, size=(200, 4))
        slope = {row.tobytes(): own for row, own in zip(data[:, 1:], rng.normal(size=200), strict=True)}
        effect = found(lambda Z, slope=slope: Z[:, 0] * [slope[row.tobytes()] for row in Z[:, 1:]], data, method, grid=4,
                       regions=px.Regions(conditions=1, least_fall=0.0))  # fmt: skip
        made += len(effect.regions.regions) > 1
    assert made <= 10
