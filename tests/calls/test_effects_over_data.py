"""What effects say "over the data" is the plain mean or deviation, over the rows, of the curve read at each of them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import perturbxai as px
from perturbxai.core.quantiles import order_statistics
from perturbxai.reporting.curves.axis_places import Ground
from perturbxai.reporting.curves.column_panel import read as drawn_line
from perturbxai.reporting.curves.view import Line

N = 240
METHODS = [
    "pdp", px.Pdp(curves="centred", name="shape"), "ice", px.Ice(curves="centred", name="around"), "ale",
    px.Ale(bands_for="population", name="population"),
]  # fmt: skip


def columns(rng, n=N):
    """Columns whose rows share bins unevenly, and some whose rows do not."""
    levels = rng.choice(list("abcd"), n, p=[0.7, 0.2, 0.06, 0.04])
    return {
        "atom": np.where(rng.random(n) < 0.92, 0.0, rng.lognormal(8, 1, n)),
        "inner atom": np.where(rng.random(n) < 0.6, 0.3, rng.normal(size=n)),
        "outlier": np.append(rng.random(n - 1), 1e4),
        "log-normal": rng.lognormal(0, 2, n),
        "normal": rng.normal(size=n),
        "few": rng.choice([0.0, 1.0, 10.0], n, p=[0.1, 0.85, 0.05]),
        "whole": rng.poisson(2.0, n),
        "many whole": (rng.pareto(1.0, n) * 20).astype(np.int64),
        "levels": levels,
        "ordered": pd.Categorical(levels, ["c", "a", "b", "d"], ordered=True),
        "missing": np.where(rng.random(n) < 0.3, np.nan, rng.exponential(size=n) ** 3),
        "missing levels": np.where(rng.random(n) < 0.2, None, levels),
        "truth": rng.random(n) < 0.1,
    }


def numbers(column):
    """A column as numbers that a model can use."""
    if not pd.api.types.is_numeric_dtype(column):
        return column.astype(object).map({"a": 1.0, "b": -2.0, "c": 0.5, "d": 4.0}).fillna(7.0).to_numpy(dtype=float)
    return np.nan_to_num(column.to_numpy(dtype=float), nan=-3.0)


def model(rows):
    v, other = numbers(rows["v"]), rows["other"].to_numpy()
    bent = np.sign(v) * np.log1p(np.abs(v))
    return np.column_stack([(v > 0) + 0.3 * bent, bent * (1 + other) + np.sin(3 * other)])


def table(name, seed=0, n=N):
    rng = np.random.default_rng(seed)
    column = columns(rng, n)[name]
    return pd.DataFrame({"v": column, "other": rng.normal(size=n), "g": rng.choice(["p", "q"], n, p=[0.2, 0.8])})


def read_at(grid, curve, column):
    """(n, K): a curve (G, K) at the rows, NaN where it has no place for them."""
    known = ~pd.isna(np.asarray(grid, dtype=object))
    gap = pd.isna(column).to_numpy()
    found = np.full((len(column), curve.shape[1]), np.nan)
    if pd.api.types.is_numeric_dtype(column):
        at = np.asarray(grid)[known].astype(float)
        values = column.to_numpy(dtype=float)[~gap]
        found[~gap] = np.column_stack([np.interp(values, at, one) for one in curve[known].T])
    else:
        place = {level: number for number, level in enumerate(grid) if known[number]}
        found[~gap] = curve[[place[level] for level in column[~gap]]]
    if gap.any() and not known.all():
        found[gap] = curve[np.flatnonzero(~known)[0]]
    return found


def moments(read, weight):
    """(K,) twice: the plain mean and standard deviation of what could be read."""
    there = ~np.isnan(read).any(axis=1)
    mean = np.average(read[there], axis=0, weights=weight[there])
    return mean, np.sqrt(np.average((read[there] - mean) ** 2, axis=0, weights=weight[there]))


def assert_over_the_data(found, column, weight, scale):
    """Means and deviations of all methods' curves against plain ones over the rows."""
    near = {"rtol": 1e-9, "atol": 1e-11 * scale}
    for key, effect in found.items():
        grid = effect.grid[0]
        mean, deviation = moments(read_at(grid, effect.values, column), weight)
        if key in ("shape", "around", "ale", "population"):
            np.testing.assert_allclose(mean, 0.0, atol=1e-11 * scale, err_msg=key)
        if effect.individual is None:
            np.testing.assert_allclose(effect.importance, deviation, **near, err_msg=key)
            continue
        rows = [moments(read_at(grid, one, column), weight) for one in effect.individual]
        if key == "around":
            np.testing.assert_allclose([m for m, _ in rows], 0.0, atol=1e-11 * scale)
        own = np.average([d for _, d in rows], axis=0, weights=weight[list(effect.individual_rows)])
        np.testing.assert_allclose(effect.importance, own, **near, err_msg=key)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", columns(np.random.default_rng(0)))
def test_centring_and_importance_are_over_the_rows(name, weighted):
    X = table(name)
    weight = np.random.default_rng(1).integers(0, 5, N) * 1.0 if weighted else np.ones(N)
    space = px.TabularSpace(X, weights=weight)
    found = px.effects(METHODS, px.Predictor(model), space, X, features=["v"], grid=12)
    assert_over_the_data({key: one["v"] for key, one in found.items()}, X["v"], weight, 30.0)
    bars = px.importance(found)
    for key, one in found.items():
        np.testing.assert_array_equal(bars[key].values[0], one["v"].importance)


@pytest.mark.parametrize("name", ["atom", "outlier", "missing", "levels", "many whole"])
def test_of_groups_they_are_over_the_rows_of_the_group(name):
    X = table(name)
    found = px.effects(METHODS, px.Predictor(model), px.TabularSpace(X), X, features=["v"], grid=9, by="g")
    for group in ("p", "q"):
        inside = (X["g"] == group).to_numpy()
        one = {key: effects["v"].groups[group] for key, effects in found.items()}
        assert_over_the_data(one, X["v"], inside * 1.0, 30.0)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["atom", "outlier", "normal", "whole", "missing", "levels"])
def test_of_pairs_they_are_over_the_rows(name, weighted):
    X = table(name, n=30)
    X["other"] = np.where(np.arange(30) < 25, 0.1, X["other"])  # an atom along the second axis too
    weight = np.random.default_rng(1).integers(1, 5, 30) * 1.0 if weighted else np.ones(30)
    space = px.TabularSpace(X, weights=weight)
    methods = [METHODS[1], METHODS[3], "ale"]
    found = px.effects(methods, px.Predictor(model), space, X, features=[("v", "other")], grid=5, rows=10**6)

    def read(surface, grid):
        """Along the second axis at each of the first's points, then along the first: straight lines both."""
        out = np.full((30, 2), np.nan)
        for i in range(30):
            other = [read_at(grid[1], line, X["other"].iloc[[i]])[0] for line in surface]
            out[i] = read_at(grid[0], np.array(other), X["v"].iloc[[i]])[0]
        return out

    for key, effects in found.items():
        effect = effects["v", "other"]
        mean, deviation = moments(read(effect.values, effect.grid), weight)
        np.testing.assert_allclose(mean, 0.0, atol=1e-10, err_msg=key)
        if effect.individual is None:
            np.testing.assert_allclose(effect.importance, deviation, rtol=1e-9, atol=1e-10, err_msg=key)
        else:
            rows = list(range(0, 30, 6))  # reading is slow: some of the rows, whose own means are 0 too
            few = [moments(read(effect.individual[r], effect.grid), weight)[0] for r in rows]
            np.testing.assert_allclose(few, 0.0, atol=1e-10)


def test_an_atom_does_not_move_the_ranking():
    # 92 % of the rows lie at one end of the bin whose step is the whole effect
    rng = np.random.default_rng(3)
    gain = np.where(rng.random(1000) < 0.92, 0.0, rng.lognormal(8, 1, 1000))
    X = pd.DataFrame({"gain": gain, "age": rng.normal(40, 10, 1000)})
    f = lambda d: (d["gain"].to_numpy() > 0) * 1.0 + 0.04 * d["age"].to_numpy()  # noqa: E731
    found = px.effects(["pdp", "ice", "ale"], px.Predictor(f), px.TabularSpace(X), X)
    for effects in found.values():
        assert effects["gain"].importance[0] == pytest.approx((X["gain"] > 0).std(ddof=0), rel=1e-9)
        assert effects["age"].importance[0] == pytest.approx(0.04 * X["age"].std(ddof=0), rel=1e-9)
    np.testing.assert_allclose(found["ale"]["gain"].values[[0, -1], 0], [-0.076, 0.924], rtol=1e-9)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    values=st.lists(st.one_of(st.integers(-3, 3), st.floats(-1e3, 1e3, width=32)), min_size=3, max_size=40),
    grid=st.integers(2, 9), seed=st.integers(0, 99), weighted=st.booleans(), gaps=st.booleans(),
)  # fmt: skip
def test_of_any_column_they_are_over_the_rows(values, grid, seed, weighted, gaps):
    rng, n = np.random.default_rng(seed), len(values)
    column = np.array(values, dtype=float)
    if gaps:
        column[rng.random(n) < 0.2] = np.nan
    weight = rng.integers(1, 4, n) * 1.0 if weighted else np.ones(n)
    X = pd.DataFrame({"v": column, "other": rng.normal(size=n)})
    if len(np.unique(column[~np.isnan(column)])) < 2:
        return
    found = px.effects(METHODS, px.Predictor(model), px.TabularSpace(X, weights=weight), X, features=["v"], grid=grid)
    assert_over_the_data({key: one["v"] for key, one in found.items()}, X["v"], weight, 30.0)


@pytest.mark.parametrize("name", ["atom", "missing", "levels", "log-normal"])
def test_a_curve_that_a_figure_centres_has_its_mean_over_the_rows_taken_away(name):
    X = table(name)
    weight = np.random.default_rng(1).integers(1, 5, N) * 1.0
    found = px.effects(["pdp", "ale"], px.Predictor(model), px.TabularSpace(X, weights=weight), X, features=["v"], grid=12)
    for key in ("pdp", "ale"):
        effect = found[key]["v"]
        ground = Ground.of("v", [effect.grid[0]], name == "levels")
        one = drawn_line(Line(key, effect, "#000000", True, False, centred=True), 1, ground)
        mean, _ = moments(read_at(effect.grid[0], one.y[:, None], X["v"]), weight)
        np.testing.assert_allclose(mean, 0.0, atol=1e-11)


# ------------------------------------------------------------------------------------------------ edges


@pytest.mark.parametrize("n", [50, 200, 1000])
@pytest.mark.parametrize("bins", [2, 3, 5, 7, 10, 20, 40])
def test_distinct_rows_share_the_bins_as_evenly_as_they_can(n, bins):
    X = pd.DataFrame({"v": np.random.default_rng(n).permutation(n) + 0.5, "other": np.zeros(n)})
    found = px.effects(["pdp", "ale"], px.Predictor(lambda rows: rows["v"].to_numpy()), px.TabularSpace(X), X,
                       features=["v"], grid=bins)  # fmt: skip
    expected = np.diff([-(-k * n // bins) for k in range(bins + 1)])
    np.testing.assert_array_equal(found["ale"]["v"].counts, expected)
    np.testing.assert_array_equal(found["pdp"]["v"].counts, expected)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    values=st.lists(st.integers(0, 30), min_size=1, max_size=60), of=st.integers(1, 41), seed=st.integers(0, 999),
    unit=st.sampled_from([1.0, 0.1, 1 / 3, 1e-9, 7e5]), even=st.booleans(),
)  # fmt: skip
def test_order_statistics_are_those_of_exact_arithmetic(values, of, seed, unit, even):
    counts = [1] * len(values) if even else np.random.default_rng(seed).integers(1, 6, len(values)).tolist()
    weight = np.array(counts) * unit
    found = order_statistics(np.array(values, dtype=float), weight / weight.sum(), np.arange(of + 1), of)
    copies = sorted(v for v, c in zip(values, counts, strict=True) for _ in range(c))
    for k, one in enumerate(found):
        row = max(-(-Fraction(k * len(copies), of) // 1), 1)  # the least row that is no less than k n / of
        assert one == copies[int(row) - 1]
