"""Effects of tables against slow twins: PDP, ICE and ALE of numbers, levels and pairs, weights, missing values, groups."""

from __future__ import annotations

import itertools

import numpy as np
import oracles
import pandas as pd
import pytest
from costs import own_rows

import perturbxai as px
from perturbxai.core import kernels
from perturbxai.models.plan import Gridded


def curved(X):
    X = np.asarray(X, dtype=float)
    return np.column_stack([X[:, 0] * X[:, 1] + np.sin(X[:, 2]), X[:, 0] ** 2 - X[:, 2] * X[:, 1]])


def data(n=120, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def asked(methods, X, model=curved, weights=None, **options):
    return px.effects(methods, px.Predictor(model), px.TabularSpace(X, weights=weights), X, **options)


def curves(model, X, columns, points):
    """(n, T, K): every row at every point, one call of the model a point."""
    out = []
    for point in points:
        rows = X.copy()
        rows[:, columns] = point
        out.append(model(rows))
    return np.stack(out, axis=1)


def bin_of(values, edges):
    """The bin of each value: open to the left but for the lowest edge, what lies outside in the outer bins."""
    found = []
    for value in values:
        inside = [k for k in range(len(edges) - 1) if edges[k] < value <= edges[k + 1]]
        found.append(inside[0] if inside else (0 if value <= edges[0] else len(edges) - 2))
    return np.array(found)


def slow_ale(model, X, column, edges, weight=None):
    """Apley & Zhu's curve: mean steps accumulated, less the mean of what is read of it at the rows."""
    weight = np.ones(len(X)) if weight is None else weight
    bins = bin_of(X[:, column], edges)
    curve = [np.zeros(model(X[:1]).shape[1])]
    for k in range(len(edges) - 1):
        inside = bins == k
        low, high = X[inside].copy(), X[inside].copy()
        low[:, column], high[:, column] = edges[k], edges[k + 1]
        curve.append(curve[-1] + np.average(model(high) - model(low), axis=0, weights=weight[inside]))
    curve = np.array(curve)
    return curve - np.average(read(curve, edges, X[:, column]), axis=0, weights=weight)


def read(curve, edges, values):
    """(n, K): a curve (G, K) at values, straight between the edges and flat beyond them."""
    return np.column_stack([np.interp(values, edges, one) for one in curve.T])


def read_surface(surface, edges, values):
    """(n, K): a surface (G, H, K) at pairs of values (n, 2), straight along either axis within a cell."""
    found = []
    for a, b in values:
        along = np.array([[np.interp(b, edges[1], one) for one in row.T] for row in surface])
        found.append([np.interp(a, edges[0], one) for one in along.T])
    return np.array(found)


def slow_surface(model, X, edges):
    """ALE of the first two columns where every cell has a row: loops over cells, corrections between both of their edges."""
    a, b = bin_of(X[:, 0], edges[0]), bin_of(X[:, 1], edges[1])
    n_a, n_b = len(edges[0]) - 1, len(edges[1]) - 1
    n_outputs = model(X[:1]).shape[1]
    surface, counts = np.zeros((n_a + 1, n_b + 1, n_outputs)), np.zeros((n_a, n_b))
    for k, m in itertools.product(range(n_a), range(n_b)):
        inside = X[(a == k) & (b == m)]
        counts[k, m] = len(inside)
        ends = {}
        for i, j in itertools.product((0, 1), (0, 1)):
            rows = inside.copy()
            rows[:, 0], rows[:, 1] = edges[0][k + i], edges[1][m + j]
            ends[i, j] = model(rows)
        mixed = (ends[1, 1] - ends[0, 1] - ends[1, 0] + ends[0, 0]).mean(axis=0)
        surface[k + 1, m + 1] = mixed + surface[k, m + 1] + surface[k + 1, m] - surface[k, m]
    first, second = np.zeros((n_a + 1, n_outputs)), np.zeros((n_b + 1, n_outputs))
    for k in range(n_a):
        rise = surface[k + 1] - surface[k]
        first[k + 1] = first[k] + read(rise, edges[1], X[a == k, 1]).mean(axis=0)
    for m in range(n_b):
        rise = surface[:, m + 1] - surface[:, m]
        second[m + 1] = second[m] + read(rise, edges[0], X[b == m, 0]).mean(axis=0)
    surface = surface - first[:, None] - second[None]
    return surface - read_surface(surface, edges, X[:, :2]).mean(axis=0)


# ------------------------------------------------------------------------------------------------ the grid


def test_a_row_takes_the_points_of_the_grid_bit_for_bit():
    rows, rng = data(30, 4), np.random.default_rng(1)
    points = rng.normal(size=(6, 2))
    row, first = rng.integers(0, 30, 9).astype(np.int32), rng.integers(0, 3, 9).astype(np.int32)
    offset, columns = np.array([0, 2, 3]), np.array([3, 1])
    expected = oracles.substitute_columns(rows, row, columns, points, first, offset)
    for start, stop in ((0, 27), (5, 14), (26, 27)):
        out = np.empty((stop - start, 4))
        kernels.substitute_columns(rows, row, columns, points, first, offset, start, out)
        np.testing.assert_array_equal(out, expected[start:stop])


@pytest.mark.parametrize("wrong", [{"first": [0, 5]}, {"columns": [4]}, {"row": [0, 30]}, {"row": [0]}, {"offset": [-1, 0]}])
def test_a_plan_refuses_rows_columns_and_points_that_are_not_there(wrong):
    parts = {"row": [0, 29], "columns": [1], "first": [0, 1], "offset": [0, 1]} | wrong
    parts = {name: np.array(part, dtype=np.int32 if name in ("row", "first") else np.int64) for name, part in parts.items()}
    with pytest.raises(ValueError, match="a row, a column or a point that is not there"):
        Gridded(rows=data(30, 4), points=np.zeros((6, 1)), **parts)


def test_edges_are_values_of_the_data_that_share_the_rows_alike_and_ties_merge():
    X = data(400)
    X[:, 1] = np.round(X[:, 1] * 30) / 30
    X[:150, 1] = 0.5
    found = asked("ale", X, features=["x0", "x1"], grid=10)["ale"]
    for name, column in (("x0", 0), ("x1", 1)):
        (edges,) = found[name].grid
        assert set(edges) <= set(X[:, column]) and edges[0] == X[:, column].min() and edges[-1] == X[:, column].max()
        assert found[name].counts.sum() == 400 and (found[name].counts > 0).all()
    np.testing.assert_array_equal(found["x0"].counts, 40)
    assert len(found["x1"].counts) < 10


@pytest.mark.parametrize("dtype", ["int64", "Int64", "bool", "float32"])
def test_points_are_the_tables_own_values_and_reach_the_model_in_its_dtype(dtype):
    values = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 6, 90)
    frame = pd.DataFrame({"a": pd.Series(values).astype(dtype), "b": data(90)[:, 0]})
    seen = set()

    def model(rows):
        assert rows.a.dtype == frame.a.dtype
        seen.update(rows.a.tolist())
        return rows.a.to_numpy(dtype=float) * rows.b.to_numpy()

    found = asked(["pdp", "ale"], frame, model, features=["a"])
    assert seen == set(frame.a.tolist()) == set(found["ale"]["a"].grid[0].tolist())
    assert list(found["pdp"]["a"].counts) == frame.a.value_counts().sort_index().tolist()


# ------------------------------------------------------------------------------------------------ PDP and ICE


def test_pdp_is_the_mean_of_the_rows_at_each_point_and_ice_the_rows_themselves():
    X = data()
    found = asked(["pdp", "ice"], X, features=["x1"], grid=7)
    expected = curves(curved, X, [1], found["pdp"]["x1"].grid[0])
    np.testing.assert_allclose(found["pdp"]["x1"].values, expected.mean(axis=0), atol=1e-12)  # sums of 120 terms
    np.testing.assert_allclose(found["pdp"]["x1"].stderr, expected.std(axis=0, ddof=1) / np.sqrt(120), rtol=1e-9)
    np.testing.assert_allclose(found["pdp"]["x1"].heterogeneity, expected.std(axis=0, ddof=1), rtol=1e-9)
    np.testing.assert_array_equal(found["ice"]["x1"].individual, expected)
    assert found["ice"]["x1"].individual_rows == tuple(range(120))


@pytest.mark.parametrize("shown", ["centred", "anchored"])
def test_centred_curves_are_the_rows_curves_less_their_own_mean_over_the_data_or_their_first_point(shown):
    X = data()
    found = asked(px.Ice(curves=shown), X, features=["x0"], grid=7)["ice"]["x0"]
    raw = curves(curved, X, [0], found.grid[0])
    level = np.array([read(one, found.grid[0], X[:, 0]).mean(axis=0) for one in raw]) if shown == "centred" else raw[:, 0]
    expected = raw - level[:, None]
    np.testing.assert_allclose(found.individual, expected, atol=1e-12)
    np.testing.assert_allclose(found.values, expected.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found.stderr, expected.std(axis=0, ddof=1) / np.sqrt(120), rtol=1e-7, atol=1e-13)
    np.testing.assert_allclose(found.heterogeneity, expected.std(axis=0, ddof=1), rtol=1e-7, atol=1e-13)


def test_derivatives_are_secants_between_the_points():
    X = data()
    found = asked(px.Ice(curves="derivative"), X, features=["x0"], grid=7)["ice"]["x0"]
    edges = asked("pdp", X, features=["x0"], grid=7)["pdp"]["x0"].grid[0]
    expected = np.diff(curves(curved, X, [0], edges), axis=1) / np.diff(edges)[None, :, None]
    np.testing.assert_allclose(found.grid[0], (edges[:-1] + edges[1:]) / 2)
    np.testing.assert_allclose(found.individual, expected, atol=1e-11)
    np.testing.assert_allclose(found.values, expected.mean(axis=0), atol=1e-11)
    np.testing.assert_allclose(found.heterogeneity, expected.std(axis=0, ddof=1), rtol=1e-7, atol=1e-11)


def test_a_surface_is_the_mean_of_the_rows_at_each_pair_of_points():
    X = data(60)
    found = asked(["pdp", px.Ice(ice_rows=20), px.Pdp(curves="centred", name="shape")], X, features=[("x2", "x0")],
                  grid={"x2": 4, "x0": 3})  # fmt: skip
    pdp, ice, shape = (found[key]["x2", "x0"] for key in ("pdp", "ice", "shape"))
    points = list(itertools.product(*pdp.grid))
    raw = curves(curved, X, [2, 0], points).reshape(60, 5, 4, 2)
    np.testing.assert_allclose(pdp.values, raw.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(pdp.stderr, raw.std(axis=0, ddof=1) / np.sqrt(60), rtol=1e-9)
    np.testing.assert_array_equal(ice.individual, raw[list(ice.individual_rows)])
    assert len(ice.individual_rows) == 20
    level = np.array([read_surface(one, pdp.grid, X[:, [2, 0]]).mean(axis=0) for one in raw])
    apart = raw - level[:, None, None]
    np.testing.assert_allclose(shape.values, apart.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(shape.stderr, apart.std(axis=0, ddof=1) / np.sqrt(60), rtol=1e-9)
    assert pdp.counts.sum() == 60 and pdp.counts.shape == (4, 3)


def test_importance_is_the_curves_spread_over_the_data_and_of_ice_the_mean_of_the_rows():
    X = data()
    found = asked(["pdp", "ice", "ale"], X, features=["x0"], grid=7)
    grid = found["pdp"]["x0"].grid[0]
    raw = curves(curved, X, [0], grid)
    own = np.mean([read(one, grid, X[:, 0]).std(axis=0) for one in raw], axis=0)
    for key in ("pdp", "ale"):
        expected = read(found[key]["x0"].values, grid, X[:, 0]).std(axis=0)
        np.testing.assert_allclose(found[key]["x0"].importance, expected, rtol=1e-9)
    np.testing.assert_allclose(found["ice"]["x0"].importance, own, rtol=1e-9)


# ------------------------------------------------------------------------------------------------ ALE of numbers


def test_ale_is_the_centred_sum_of_mean_steps():
    X = data()
    found = asked("ale", X, features=["x0", "x1", "x2"], grid=8)["ale"]
    for column, name in enumerate(found):
        expected = slow_ale(curved, X, column, found[name].grid[0])
        np.testing.assert_allclose(found[name].values, expected, atol=1e-12)


def test_ale_costs_two_rows_a_row_and_four_in_two_dimensions_and_nothing_beside_ice():
    X = data(100)
    for features, each in (([0, 1, 2], 6), ([(0, 1)], 4)):
        predictor, space = px.Predictor(curved), px.TabularSpace(X)
        alone = px.effects("ale", predictor, space, X, features=features, grid=6)["ale"]
        assert predictor.rows == each * 100 + 1  # and the first row, which tells the outputs
        predictor = px.Predictor(curved)
        both = px.effects(["ice", "ale", "pdp"], predictor, space, X, features=features, grid=6)
        assert predictor.rows == 1 + sum(100 * int(np.prod(e.values.shape[:-1])) for e in both["ice"].values())
        for key, effect in alone.items():
            np.testing.assert_allclose(both["ale"][key].values, effect.values, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(both["ale"][key].stderr, effect.stderr, rtol=1e-9, atol=1e-12)


def test_a_surface_of_ale_is_the_double_sum_of_mixed_steps_less_the_effects_of_each_column():
    X = np.random.default_rng(0).uniform(-1, 1, size=(600, 3))

    def model(rows):
        return np.column_stack([rows[:, 0] * rows[:, 1] * rows[:, 2], np.exp(rows[:, 0] * rows[:, 1])])

    found = asked("ale", X, model, features=[("x0", "x1")], grid={"x0": 5, "x1": 4})["ale"]["x0", "x1"]
    assert (found.counts > 0).all() and not found.extrapolated.any()
    np.testing.assert_allclose(found.values, slow_surface(model, X, found.grid), atol=1e-12)


def test_a_surface_of_ale_does_not_depend_on_which_column_comes_first():
    X = data(400)
    X[:, 1] += 1.5 * X[:, 0]  # so that cells are empty, and filled
    found = asked("ale", X, features=[("x0", "x1"), ("x1", "x0")], grid={"x0": 10, "x1": 17})["ale"]
    one, other = found["x0", "x1"], found["x1", "x0"]
    assert one.extrapolated.any()
    np.testing.assert_allclose(one.values, other.values.swapaxes(0, 1), atol=1e-10)
    np.testing.assert_allclose(one.stderr, other.stderr.swapaxes(0, 1), atol=1e-10)
    np.testing.assert_array_equal(one.extrapolated, other.extrapolated.T)


def test_cells_without_rows_are_marked_and_go_on_like_the_nearest():
    X = data(300)
    X[:, 1] = X[:, 0] + 0.05 * X[:, 1]
    found = asked("ale", X, lambda rows: rows[:, 0] * rows[:, 1], features=[(0, 1)], grid=6)["ale"]["x0", "x1"]
    np.testing.assert_array_equal(found.counts == 0, found.extrapolated)
    assert found.extrapolated.sum() >= 20
    step = np.diff(np.diff(found.values[..., 0], axis=0), axis=1)
    area = np.outer(np.diff(found.grid[0]), np.diff(found.grid[1]))
    np.testing.assert_allclose(step, area, rtol=1e-9)  # the mixed derivative of the product is one everywhere


def test_mean_derivatives_of_a_network_take_the_place_of_steps():
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Softplus()).double()
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[1.0, -0.5], [0.3, 2.0]]))
        net[0].bias.zero_()
    X, predictor = data(2000, 2), px.Predictor(net)
    space = px.TabularSpace(X)
    found = px.effects(px.Ale(differential=True), predictor, space, X, grid=20, rows=2001)["ale"]
    assert predictor.rows == 2000 + 1  # one gradient a row for all columns
    slope = predictor.gradient(X)
    plain = px.effects("ale", predictor, space, X, grid=20, rows=10**5)["ale"]
    for column, name in enumerate(("x0", "x1")):
        (edges,) = found[name].grid
        place = bin_of(X[:, column], edges)
        steps = [slope[place == k, column].mean(axis=0) * (edges[k + 1] - edges[k]) for k in range(20)]
        np.testing.assert_allclose(np.diff(found[name].values, axis=0), steps, atol=1e-12)
        # the same curve, but for how derivatives vary within wide bins
        inner = slice(1, -1)
        np.testing.assert_allclose(found[name].values[inner], plain[name].values[inner], atol=0.1)


# ------------------------------------------------------------------------------------------------ ALE of levels


def levels(n=200, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"size": rng.choice(["S", "M", "L"], n), "rooms": rng.integers(1, 5, n), "area": rng.normal(size=n)}
    )
    return frame.assign(size=pd.Categorical(frame["size"], ["S", "M", "L"], ordered=True))


def priced(rows):
    size = rows["size"].cat.codes.to_numpy(dtype=float)
    return (size**2 + rows.rooms.to_numpy() ** 2) * (1 + rows.area.to_numpy()) + size * rows.rooms.to_numpy()


@pytest.mark.parametrize("column", ["size", "rooms"])
def test_levels_step_from_one_to_the_next_over_the_rows_of_both(column):
    frame = levels()
    found = asked("ale", frame, priced, features=[column])["ale"][column]
    kept = list(found.grid[0])
    assert kept == (["S", "M", "L"] if column == "size" else [1, 2, 3, 4])
    curve = [0.0]
    for low, high in itertools.pairwise(kept):
        rows = frame[frame[column].isin([low, high])]
        parts = [rows.assign(**{column: rows[column].where(rows[column] == end, end)}) for end in (low, high)]
        curve.append(curve[-1] + (priced(parts[1]) - priced(parts[0])).mean())
        assert found.counts[kept.index(low)] == len(rows)
    share = np.array([(frame[column] == level).mean() for level in kept])
    np.testing.assert_allclose(found.values[:, 0], np.array(curve) - share @ curve, atol=1e-11)


def test_the_error_of_steps_between_levels_counts_that_a_row_takes_part_in_two_and_that_shares_are_drawn():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.repeat([0.0, 1.0, 2.0], 40), rng.normal(size=120)])

    def model(rows):
        return rows[:, 0] * rows[:, 1]  # every step of a row is its x1

    found = asked(px.Ale(curves="anchored"), X, model, features=[0])["ale"]["x0"]
    x1 = X[:, 1].reshape(3, 40)
    # the curve at 2: half of what levels 0 and 1 do, and half of 1 and 2: the rows of level 1 count in both
    variance = (0.25 * x1[0].var(ddof=1) + x1[1].var(ddof=1) + 0.25 * x1[2].var(ddof=1)) / 40
    # with other numbers of rows the mean over two levels lies elsewhere between their own means
    first, middle, last = x1.mean(axis=1)
    beside = (
        0.5 * (first - middle) / 2.0,
        0.5 * (middle - first) / 2.0 + 0.5 * (middle - last) / 2.0,
        0.5 * (last - middle) / 2.0,
    )
    variance += sum(one**2 for one in beside) / 40
    np.testing.assert_allclose(found.stderr[2, 0], np.sqrt(variance), rtol=1e-9)


def test_levels_without_an_order_follow_each_other_by_likeness_whatever_they_are_called():
    rng = np.random.default_rng(0)
    step = rng.integers(0, 4, 400)
    names = np.array(["pear", "apple", "fig", "quince"])
    frame = pd.DataFrame({"fruit": names[step], "sugar": step + rng.normal(size=400) * 0.1, "shop": rng.normal(size=400)})
    other = frame.assign(fruit=frame.fruit.map(dict(zip(names, "zyxw", strict=True))))
    order = list(asked("ale", frame, lambda r: r.sugar * r.shop, features=["fruit"])["ale"]["fruit"].grid[0])
    renamed = list(asked("ale", other, lambda r: r.sugar * r.shop, features=["fruit"])["ale"]["fruit"].grid[0])
    assert order in (list(names), list(names[::-1]))
    assert renamed in (list("zyxw"), list("wxyz"))


def test_the_order_of_levels_does_not_depend_on_the_order_of_the_rows():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"town": rng.choice(list("dbcae"), 300), "n": rng.integers(0, 3, 300), "v": rng.normal(size=300)})
    orders = set()
    for seed in range(4):
        shuffled = frame.sample(frac=1.0, random_state=seed)
        found = asked("ale", shuffled, lambda rows: rows.v, features=["town"])["ale"]["town"]
        orders.add(tuple(found.grid[0]))
    assert len(orders) == 1


def test_differences_between_all_levels_need_no_order():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"town": rng.choice(["a", "b", "c"], 150), "age": rng.normal(size=150)})
    worth = {"a": 0.0, "b": 2.0, "c": -1.0}

    def model(rows):
        return rows.town.map(worth).astype(float) * (1 + rows.age)

    before = frame.copy()
    found = asked("ale", frame, model, features=["town"])["ale"]["town"]
    pd.testing.assert_frame_equal(frame, before)
    for (i, low), (j, high) in itertools.product(enumerate(found.grid[0]), repeat=2):
        rise = (worth[high] - worth[low]) * (1 + frame.age[frame.town.isin([low, high])])
        np.testing.assert_allclose(found.differences[i, j, 0], rise.mean(), atol=1e-12)
        np.testing.assert_allclose(
            found.differences_stderr[i, j, 0], rise.std(ddof=1) / np.sqrt(len(rise)), rtol=1e-9, atol=1e-9
        )


def test_a_pair_of_levels_and_numbers_has_a_surface():
    frame = levels(500)
    found = asked(["pdp", "ale"], frame, priced, features=[("size", "area"), ("area", "size"), ("size", "rooms")], grid=5)
    alone = asked("ale", frame, priced, features=[("size", "area"), ("area", "size"), ("size", "rooms")], grid=5)
    one, other = found["ale"]["size", "area"], found["ale"]["area", "size"]
    assert one.values.shape == (3, 6, 1) and one.counts.shape == (2, 5)
    np.testing.assert_allclose(one.values, other.values.swapaxes(0, 1), atol=1e-10)
    for key in found["ale"]:
        np.testing.assert_allclose(alone["ale"][key].values, found["ale"][key].values, atol=1e-11)
    # size and rooms meet in their product alone: its surface, centred both ways over independent levels
    surface = found["ale"]["size", "rooms"].values[..., 0]
    expected = np.outer(np.arange(3) - 1.0, np.arange(1, 5) - 2.5)
    np.testing.assert_allclose(surface, expected, atol=0.3)  # the levels' shares miss thirds and quarters by .04
    np.testing.assert_allclose(np.diff(np.diff(surface, axis=0), axis=1), 1.0, atol=1e-10)


# ------------------------------------------------------------------------------------------------ missing values, weights


def test_missing_values_are_a_point_of_pdp_and_left_out_of_ale():
    X = data(200)
    X[::4, 0] = np.nan

    def model(rows):
        return np.where(np.isnan(rows[:, 0]), 5.0, rows[:, 0]) * rows[:, 1]

    found = asked(["pdp", "ale"], X, model, features=["x0"], grid=6)
    pdp, ale = found["pdp"]["x0"], found["ale"]["x0"]
    assert np.isnan(pdp.grid[0][-1]) and len(pdp.grid[0]) == 8
    np.testing.assert_allclose(pdp.values[-1, 0], 5.0 * X[:, 1].mean(), atol=1e-12)
    assert pdp.counts[-1] == 50 and pdp.counts.sum() == 200
    known = X[~np.isnan(X[:, 0])]
    expected = slow_ale(lambda rows: model(rows)[:, None], known, 0, ale.grid[0])
    np.testing.assert_allclose(ale.values, expected, atol=1e-12)
    assert ale.counts.sum() == 150 and ale.meta["missing_rows"] == 50
    alone = asked("ale", X, model, features=["x0"], grid=6)["ale"]["x0"]
    np.testing.assert_allclose(alone.values, ale.values, atol=1e-12)
    assert own_rows(alone) == 300


def test_a_missing_level_is_a_level_of_its_own_but_has_no_place_in_an_order():
    frame = levels(300)
    frame.loc[::5, "size"] = None
    frame["town"] = np.where(np.arange(300) % 7 == 0, None, "x")
    frame.loc[::2, "town"] = "y"

    def model(rows):
        return rows["size"].isna() * 3.0 + rows.town.isna() * rows.area

    found = asked(["pdp", "ale"], frame, model, features=["size", "town"])
    pdp = found["pdp"]["size"]
    assert list(pdp.grid[0][:3]) == ["S", "M", "L"] and pd.isna(pdp.grid[0][3])
    np.testing.assert_allclose(pdp.values[3, 0] - pdp.values[:3, 0], 3.0)
    assert list(found["ale"]["size"].grid[0]) == ["S", "M", "L"]
    assert sum(pd.isna(found["ale"]["town"].grid[0])) == 1


def test_weights_count_as_copies_of_rows_do():
    X, rng = data(80), np.random.default_rng(3)
    copies = rng.integers(1, 4, 80)
    twice = np.repeat(X, copies, axis=0)
    grid = {"x0": np.quantile(X[:, 0], np.linspace(0, 1, 5)), "x1": np.array([-3.0, 0.0, 3.0])}
    options = {"features": ["x0", ("x0", "x1")], "grid": grid}
    one = asked(["pdp", "ale", px.Pdp(curves="centred", name="shape")], X, weights=copies, **options)
    other = asked(["pdp", "ale", px.Pdp(curves="centred", name="shape")], twice, **options)
    for method in one:
        for key in one[method]:
            np.testing.assert_allclose(one[method][key].values, other[method][key].values, atol=1e-11)
            np.testing.assert_allclose(one[method][key].importance, other[method][key].importance, atol=1e-11)


def test_edges_follow_the_weights():
    X = np.column_stack([np.arange(100.0), data(100)[:, 0]])
    weights = np.where(X[:, 0] < 50, 3.0, 1.0)
    (edges,) = asked("ale", X, lambda rows: rows.sum(axis=1), weights=weights, features=["x0"], grid=4)["ale"]["x0"].grid
    np.testing.assert_array_equal(edges, [0, 16, 33, 49, 99])  # quarters of 3 x 50 + 50


# ------------------------------------------------------------------------------------------------ groups, draws, outputs


def test_groups_are_what_their_rows_give_on_the_same_grid_at_no_cost():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=200), "b": rng.normal(size=200), "g": rng.choice(["u", "v"], 200)})

    def model(rows):
        return np.where(rows.g == "u", rows.a * rows.b, rows.a**2)

    predictor = px.Predictor(model)
    found = px.effects(["pdp", "ice", "ale"], predictor, px.TabularSpace(frame), frame, features=["a"], grid=5, by="g")
    assert predictor.rows == 1 + 200 * 6
    edges = found["pdp"]["a"].grid[0]
    assert set(found["pdp"]["a"].groups) == {"u", "v"}
    for group, rows in frame.groupby("g"):
        part = px.effects(
            ["pdp", "ale"], px.Predictor(model), px.TabularSpace(rows), rows, features=["a"], grid={"a": edges}
        )
        for method in part:
            np.testing.assert_allclose(found[method]["a"].groups[group].values, part[method]["a"].values, atol=1e-12)
            np.testing.assert_allclose(
                found[method]["a"].groups[group].stderr, part[method]["a"].stderr, rtol=1e-7, atol=1e-12
            )
        assert set(found["ice"]["a"].groups[group].individual_rows) == set(rows.index)
    table = found["ale"]["a"].to_frame()
    assert list(table.group.unique()) == ["all", "u", "v"]


def test_a_group_of_one_row_has_its_curve_and_no_error_bar():
    X = data(40, 2)
    X[:, 1] = 0.0
    X[7, 1] = 1.0
    found = asked(["pdp", "ice", "ale"], X, lambda rows: rows[:, 0] ** 2 + rows[:, 1], features=["x0"], grid=4, by="x1")
    for method in ("pdp", "ice", "ale"):
        one = found[method]["x0"].groups[1.0]
        assert np.isfinite(one.values).all() and np.isinf(one.stderr).all()
    np.testing.assert_allclose(found["pdp"]["x0"].groups[1.0].values[:, 0], found["pdp"]["x0"].grid[0] ** 2 + 1)
    assert found["ale"]["x0"].groups[1.0].extrapolated.sum() == 3


def test_a_column_that_no_drawn_row_shows_is_left_out_unless_it_is_named():
    X = data(3000, 2)
    X[:, 1] = 0.0
    drawn = px.effects(px.Ice(ice_rows=1000), px.Predictor(lambda rows: rows[:, 0]), px.TabularSpace(X), X, grid=2)
    X[min(set(range(3000)) - set(drawn["ice"]["x0"].individual_rows)), 1] = 1.0
    assert list(asked("ale", X, lambda rows: rows[:, 0], grid=4)["ale"]) == ["x0"]
    with pytest.raises(ValueError, match="'x1' has a single value among the drawn rows"):
        asked("ale", X, lambda rows: rows[:, 0], grid=4, features=["x1"])


def test_at_most_a_thousand_rows_are_drawn_and_rows_bounds_those_of_the_model():
    X = data(3000)
    predictor = px.Predictor(curved)
    found = px.effects("ale", predictor, px.TabularSpace(X), X, grid=10)["ale"]["x0"]
    assert found.meta["drawn_rows"] == 1000 and predictor.rows == 6001
    for rows in (600, 20_000):
        predictor = px.Predictor(curved)
        found = px.effects(["pdp", "ale"], predictor, px.TabularSpace(X), X, features=["x0"], grid=10, rows=rows)["pdp"][
            "x0"
        ]
        assert rows - 11 <= predictor.rows <= rows
        assert found.meta["drawn_rows"] == (rows - 1) // 11


def test_drawn_curves_are_named_by_their_rows_labels():
    frame = pd.DataFrame(data(90), columns=list("abc"), index=[f"row {i}" for i in range(90)])
    found = asked(px.Ice(ice_rows=12), frame, curved, features=["a"])["ice"]["a"]
    assert found.individual.shape[0] == len(set(found.individual_rows)) == 12
    rows = frame.loc[list(found.individual_rows)].to_numpy()
    np.testing.assert_array_equal(found.individual, curves(curved, rows, [0], found.grid[0]))


def test_outputs_are_chosen_by_name():
    X = data(50)
    predictor = px.Predictor(curved, outputs=["up", "down"])
    found = px.effects("pdp", predictor, px.TabularSpace(X), X, features=["x0"], outputs=["down"])["pdp"]["x0"]
    assert found.outputs == ("down",)
    both = asked("pdp", X, features=["x0"])["pdp"]["x0"]
    np.testing.assert_allclose(found.values[:, 0], both.values[:, 1], atol=1e-13)


# ------------------------------------------------------------------------------------------------ peers


@pytest.mark.parametrize("features", [["bmi"], ["sex"], ["bmi", "bp"]])
def test_pdp_and_ice_are_those_of_scikit_learn_on_its_grid(features):
    from sklearn.datasets import load_diabetes
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import partial_dependence

    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    forest = RandomForestRegressor(20, random_state=0).fit(X, y)
    theirs = partial_dependence(forest, X, features, method="brute", kind="both", grid_resolution=8)
    grid = dict(zip(features, theirs["grid_values"], strict=True))
    key = features[0] if len(features) == 1 else tuple(features)
    found = px.effects(["pdp", "ice"], px.Predictor(forest), px.TabularSpace(X), X, features=[key], grid=grid)
    np.testing.assert_allclose(found["pdp"][key].values[..., 0], theirs["average"][0], rtol=1e-12)
    rows = list(found["ice"][key].individual_rows)
    np.testing.assert_allclose(found["ice"][key].individual[..., 0], theirs["individual"][0][rows], rtol=1e-12)


def test_ale_is_that_of_pyale_on_its_edges():
    pyale = pytest.importorskip("PyALE", reason="PyALE is not installed (it is in the extra 'test')")

    X = pd.DataFrame(data(700), columns=list("abc"))
    X["b"] = X.b.round(1)

    class Model:
        def predict(self, rows):
            return curved(rows)[:, 0]

    for column in "abc":
        theirs = pyale.ale(X=X.copy(), model=Model(), feature=[column], feature_type="continuous", grid_size=20, plot=False,
                           include_CI=False)  # fmt: skip
        edges = theirs.index.to_numpy(dtype=float)
        found = asked("ale", X, lambda r: curved(r)[:, 0], features=[column], grid={column: edges})["ale"][column]
        # PyALE centres by the middle of bins, as Apley & Zhu wrote it; ours by where the rows lie in them. So both are
        # set back to the mean of the curve at the rows
        eff = theirs["eff"].to_numpy()
        expected = eff - np.interp(X[column], edges, eff).mean()
        np.testing.assert_allclose(found.values[:, 0], expected, atol=1e-10)
        np.testing.assert_array_equal(found.counts, theirs["size"].to_numpy()[1:])


def test_the_curve_and_the_value_that_explain_gives_agree():
    X = data(300)
    x = X[:4] * 0.9
    space = px.TabularSpace(X, background="all")
    values = px.explain("ale", px.Predictor(curved), space, x)["ale"].values
    found = px.effects("ale", px.Predictor(curved), space, X)["ale"]
    for column, name in enumerate(found):
        grid, curve = found[name].grid[0], found[name].values
        read = [
            np.interp(x[:, column], grid, curve[:, k]) - np.interp(X[:, column], grid, curve[:, k]).mean() for k in (0, 1)
        ]
        np.testing.assert_allclose(values[:, column], np.column_stack(read), atol=1e-11)


def test_differences_of_levels_that_a_group_lacks_are_nothing_beside_themselves():
    X = pd.DataFrame({"k": list("aabbcc") * 10, "o": np.arange(60.0), "g": ["p", "p", "p", "p", "q", "q"] * 10})
    predictor = px.Predictor(lambda rows: rows["o"].to_numpy() + (rows["k"] == "a").to_numpy())
    found = px.effects("ale", predictor, px.TabularSpace(X), X, features=["k"], by="g")["ale"]["k"]
    for group in found.groups.values():
        assert (np.diagonal(group.differences_stderr[..., 0]) == 0.0).all()
        assert np.isfinite(group.differences).all()
