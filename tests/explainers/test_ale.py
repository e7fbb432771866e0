"""ALE's value of a player: accumulated local effects against slow twins, closed forms and simulated intervals."""

from __future__ import annotations

import numpy as np
import oracles
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import perturbxai as px
from perturbxai.sampling.streams import Streams


def curved(X):
    return np.column_stack([X[:, 0] * X[:, 1] + np.sin(X[:, 2]), X[:, 0] ** 2 - X[:, 2] * X[:, 1]])


def data(n=256, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def explained(X, x, model=curved, grid=8, rows=10_000, seed=0, **options):
    space = px.TabularSpace(X, **options)
    return px.explain(px.Ale(bins=grid, data_rows=rows), px.Predictor(model), space, x, seed=seed)["ale"], space


def slow_edges(values, grid, low, high):
    """Of each quantile k / grid the smallest value that so large a share does not exceed; ends as far as X reaches."""
    ordered = np.sort(values)
    inner = {ordered[max(-(-k * len(values) // grid), 1) - 1] for k in range(grid + 1)}
    return np.array([low, *sorted(inner)[1:-1], high])


def slow_ale(model, X, column, grid, x, absent):
    known = X[~np.isnan(X[:, column])]
    values = known[:, column]
    edges = slow_edges(values, grid, values.min(), values.max())
    return oracles.ale(model, known, column, edges, x, absent[~np.isnan(absent)])


# ------------------------------------------------------------------------------------------------ tables, slow twin


@pytest.mark.parametrize("background", [20, "all"])
def test_a_value_is_the_accumulated_effect_at_x_less_its_mean_over_the_background(background):
    X, x = data(), data(3, seed=1)
    found, space = explained(X, x, background=background)
    for n, row in enumerate(x):
        for j in range(3):
            expected = slow_ale(curved, X, j, 8, row[j], space.background[:, j])
            np.testing.assert_allclose(found.values[n, j], expected, atol=1e-11)  # sums of 256 terms of order 10


def test_ties_merge_bins():
    X = np.round(data(), 0)  # about seven levels, some of them holding several quantiles
    found, space = explained(X, X[:4], background=20)
    assert (space.background_weights == 0.05).all()
    for n in range(4):
        expected = slow_ale(curved, X, 0, 8, X[n, 0], space.background[:, 0])
        np.testing.assert_allclose(found.values[n, 0], expected, atol=1e-11)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    column=st.lists(st.integers(-3, 3), min_size=4, max_size=40).filter(lambda v: len(set(v)) > 1),
    grid=st.integers(1, 12), at=st.integers(-5, 5),
)  # fmt: skip
def test_any_column_of_ties_gives_what_the_definition_gives(column, grid, at):
    values = np.array(column, dtype=float)
    edges = slow_edges(values, grid, values.min(), values.max())
    X = np.column_stack([values, np.random.default_rng(len(values)).normal(size=len(values))])

    def model(rows):
        return rows[:, 0] ** 2 * rows[:, 1]

    found, _ = explained(X, np.array([[float(at), 0.5]]), model, grid=grid, background="all")
    expected = oracles.ale(model, X, 0, edges, float(at), values)
    np.testing.assert_allclose(found.values[0, 0], expected, atol=1e-10)


def test_beyond_the_values_of_x_the_curve_is_flat():
    X = data()
    found, _ = explained(X, np.array([[50.0, 0, 0], [X[:, 0].max(), 0, 0], [-50.0, 0, 0], [X[:, 0].min(), 0, 0]]))
    np.testing.assert_array_equal(found.values[0, 0], found.values[1, 0])
    np.testing.assert_array_equal(found.values[2, 0], found.values[3, 0])
    assert np.abs(found.values[0, 0] - found.values[2, 0]).max() > 1


def test_missing_values_of_x_are_left_out_of_their_own_column_only():
    X = data()
    X[::3, 0] = np.nan

    def model(rows):
        return np.where(np.isnan(rows[:, 0]), 5.0, rows[:, 0]) * rows[:, 1]

    x = np.array([[0.4, 1.0, 0.0]])
    found, space = explained(X, x, model, background="all")
    for j in (0, 1):
        expected = slow_ale(model, X, j, 8, x[0, j], space.background[:, j])
        np.testing.assert_allclose(found.values[0, j], expected, atol=1e-11)


def test_weights_of_rows_weigh_the_steps_of_a_bin_and_the_background():
    X = np.column_stack([np.repeat([0.0, 1.0], 4), [0, 1, 2, 3, 0, 1, 2, 3]]).astype(float)
    weights = np.array([1, 2, 3, 4, 5, 3, 2, 1.0])
    found, _ = explained(X, np.array([[1.0, 0.0]]), lambda X: X[:, 0] * X[:, 1], grid=1, background="all", weights=weights)
    step = np.average(X[:, 1], weights=weights)  # one bin from 0 to 1: each row's step is its x1
    np.testing.assert_allclose(found.values[0, 0, 0], step * (1.0 - np.average(X[:, 0], weights=weights)), atol=1e-12)


def test_rows_without_weight_are_not_asked():
    X = data(40)
    weights = (np.arange(40) < 20) * 1.0
    found, _ = explained(X, X[:1], weights=weights)
    assert found.meta["drawn_rows"] == 20


def test_a_constant_column_leads_from_its_value_to_the_explained_one():
    X = data()
    X[:, 1] = 2.0
    for at in (5.0, -1.0):
        found, _ = explained(X, np.array([[0.0, at, 0.0]]), background="all")
        high, low = X.copy(), X.copy()
        high[:, 1] = at
        np.testing.assert_allclose(found.values[0, 1], (curved(high) - curved(low)).mean(axis=0), atol=1e-12)


def test_a_column_that_nothing_changes_has_the_value_zero_and_is_not_asked():
    X = data()
    X[:, 1] = 2.0
    found, _ = explained(X, np.array([[0.3, 2.0, 0.1]]))
    np.testing.assert_array_equal(found.values[0, 1], 0.0)
    assert list(found.meta["rows_once_a_call"]) == ["v(nothing) and v(N)", "drawn rows as they are", "x0", "x2"]


def test_whole_numbers_reach_the_model_as_values_of_x():
    frame = pd.DataFrame({"rooms": np.random.default_rng(0).integers(1, 9, 200), "area": data(200)[:, 0]})
    seen = []

    def model(rows):
        assert rows.rooms.dtype == frame.rooms.dtype
        seen.extend(rows.rooms)
        return rows.rooms.to_numpy() * rows.area.to_numpy()

    explained(frame, frame.iloc[:2], model, grid=3)
    assert set(seen) <= set(frame.rooms)


# ------------------------------------------------------------------------------------------------ what it costs


def test_a_column_costs_two_rows_a_drawn_row_however_many_rows_are_explained():
    X = data(600)
    rows = []
    for x in (X[:1] + 0.1, X[:40] + 0.1):
        predictor = px.Predictor(curved)
        found = px.explain(px.Ale(data_rows=100), predictor, px.TabularSpace(X, background=5), x)["ale"]
        assert found.meta["rows"] == predictor.rows
        # besides: the explained rows and the five of the background (which may be on an edge), for base and prediction
        curves = found.meta["rows"] - len(x) - 5
        assert 0.9 * 3 * 2 * 100 < curves <= 3 * 2 * 100  # rows on an edge are there already
        rows.append(curves)
    assert rows[0] == rows[1]


@pytest.mark.parametrize("holes", [False, True])
def test_rows_that_several_columns_ask_are_counted_once(holes):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, size=(200, 3)).astype(float)  # every value is an edge: each row is its own upper edge
    if holes:
        X[rng.random(X.shape) < 0.2] = np.nan
    predictor = px.Predictor(lambda rows: np.nan_to_num(rows).sum(axis=1))
    found = px.explain("ale", predictor, px.TabularSpace(X, background=1), np.array([[0.0, 3.0, 1.0]]))["ale"]
    assert found.meta["rows"] == predictor.rows


def test_a_moved_row_that_is_the_explained_one_is_counted_once():
    X = np.array([[a, b] for a in range(4) for b in range(4) if a != b], dtype=float)
    predictor = px.Predictor(lambda rows: rows[:, 0] * rows[:, 1])
    found = px.explain("ale", predictor, px.TabularSpace(X, background=2), np.array([[1.0, 1.0]]))["ale"]
    # (0, 1) is moved to (1, 1)
    assert found[0].meta["rows"] == sum(found[0].meta["rows_once_a_call"].values()) == predictor.rows


def test_no_more_rows_are_drawn_than_allowed_and_the_seed_draws_them():
    X = data(500)
    (one, _), (again, _), (other, _) = (explained(X, X[:2], rows=60, seed=s) for s in (0, 0, 1))
    assert one.meta["drawn_rows"] == 60
    np.testing.assert_array_equal(one.values, again.values)
    assert np.abs(one.values - other.values).max() > 1e-3


def test_drawn_rows_give_what_the_definition_gives_on_them():
    X = data(500)
    found, space = explained(X, X[:1], rows=64, seed=3)
    drawn = Streams(3).of_call("rows").choice(500, 64, replace=False, p=np.full(500, 1 / 500))
    chosen = X[np.sort(drawn)]
    edges = slow_edges(chosen[:, 0], 8, X[:, 0].min(), X[:, 0].max())
    expected = oracles.ale(curved, chosen, 0, edges, X[0, 0], space.background[:, 0])
    np.testing.assert_allclose(found.values[0, 0], expected, atol=1e-11)


# ------------------------------------------------------------------------------------------------ closed forms


def test_the_effect_in_a_product_of_independent_columns_is_the_others_mean_times_the_distance():
    X = data(20_000, d=2) + [1.0, 3.0]
    x = np.array([[2.0, 0.0], [-0.5, 4.0]])
    found, _ = explained(X, x, lambda X: X[:, 0] * X[:, 1], grid=50, rows=20_000, background="all")
    expected = np.column_stack([3.0 * (x[:, 0] - 1.0), 1.0 * (x[:, 1] - 3.0)])
    # the means of 20,000 rows miss theirs by .007, times distances up to 3
    np.testing.assert_allclose(found.values[:, :, 0], expected, atol=0.07)


@pytest.mark.parametrize("rho", [0.8, -0.5])
def test_the_effect_in_a_product_of_normal_columns_with_correlation_rho_is_half_rho_times_a_parabola(rho):
    z = data(20_000, d=2)
    X = np.column_stack([z[:, 0], rho * z[:, 0] + np.sqrt(1 - rho**2) * z[:, 1]])
    x = np.array([[1.5, 0.0], [0.2, -1.0]])
    space = px.TabularSpace(X, background="all")
    found = px.explain(["pdp", px.Ale(bins=50, data_rows=20_000)], px.Predictor(lambda X: X[:, 0] * X[:, 1]), space, x)
    np.testing.assert_allclose(found["ale"].values[:, :, 0], rho * (x**2 - 1) / 2, atol=0.06)  # noise .01, bins .02
    # PDP leaves the data: its curve is flat, and the value is that of the mean product
    np.testing.assert_allclose(found["pdp"].values[:, :, 0], -rho, atol=0.06)


# ------------------------------------------------------------------------------------------------ standard errors


def coverage(n_rows, grid, runs):
    """How often 95 % intervals hold x0 and 0, the curves of x0 + x0 x1 for independent normal columns, and its spread."""
    x = np.array([[1.2, 0.4], [-0.3, -2.0], [0.05, 1.0]])
    inside, together = [], []
    for seed in range(runs):
        X = data(n_rows, d=2, seed=seed)
        found, space = explained(X, x, lambda X: X[:, 0] + X[:, 0] * X[:, 1], grid=grid, background=30)
        truth = np.column_stack([x[:, 0] - space.background[:, 0].mean(), np.zeros(3)])
        low, high = (end[:, :, 0] for end in found.interval())
        inside.append((low <= truth) & (truth <= high))
        low, high = (end[:, :, 0] for end in found.interval(simultaneous=True))
        together.append(((low <= truth) & (truth <= high)).all(axis=1))
    return np.mean(inside), np.mean(together)


def test_intervals_cover_the_curves_value():
    pointwise, simultaneous = coverage(n_rows=200, grid=10, runs=150)
    # 900 intervals, six of them from one sample: a spread of about .012
    assert 0.91 <= pointwise <= 0.99, pointwise
    assert simultaneous >= 0.91, simultaneous


@pytest.mark.slow
@pytest.mark.parametrize(("n_rows", "grid"), [(60, 20), (200, 10), (500, 10), (500, 40), (1000, 40)])
def test_intervals_cover_at_any_number_of_rows_and_bins(n_rows, grid):
    pointwise, simultaneous = coverage(n_rows, grid, runs=800)
    assert 0.935 <= pointwise <= 0.985, pointwise
    assert simultaneous >= 0.935, simultaneous


def test_the_error_is_that_of_the_centred_accumulated_curve():
    X, x = data(300), np.array([[0.7, 0.0, 0.0]])
    found, space = explained(X, x, grid=6)
    values = X[:, 0]
    edges = slow_edges(values, 6, values.min(), values.max())
    variance = np.zeros(2)
    for k in range(1, len(edges)):
        inside = (values > edges[k - 1]) & (values <= edges[k]) | ((k == 1) & (values == edges[0]))
        low, high = X[inside].copy(), X[inside].copy()
        low[:, 0], high[:, 0] = edges[k - 1], edges[k]
        step = curved(high) - curved(low)

        def passed(v, k=k):
            return np.clip((v - edges[k - 1]) / (edges[k] - edges[k - 1]), 0, 1)

        share = passed(0.7) - passed(space.background[:, 0]).mean()
        variance += share**2 * step.var(axis=0, ddof=1) / inside.sum()
    jump, bend = slow_inside(curved, X, 0, edges)
    variance += slow_between(edges, jump, bend, 0.7, space.background[:, 0])
    np.testing.assert_allclose(found.stderr[0, 0], np.sqrt(variance), rtol=1e-9)


def test_where_no_row_lies_within_a_bin_its_neighbours_tell_how_far_a_line_may_be_wrong():
    # as many bins as rows: every row is an edge, and answers there are what the steps say already
    X = np.column_stack([np.array([-3.0, -1.0, -0.5, 0.0, 0.4, 1.0, 2.5]), np.zeros(7)])
    model = lambda rows: np.column_stack([rows[:, 0] ** 2, (rows[:, 0] > 0.1) * 1.0, 2.0 * rows[:, 0]])  # noqa: E731
    x = np.array([[0.25, 0.0], [-2.0, 0.0], [1.0, 0.0]])
    found, space = explained(X, x, model, grid=7, background="all")
    edges = X[:, 0]
    jump, bend = slow_guess(edges, slow_steps(model, X, 0, edges))
    for n in range(3):
        variance = slow_between(edges, jump, bend, x[n, 0], space.background[:, 0])
        np.testing.assert_allclose(found.stderr[n, 0], np.sqrt(variance), rtol=1e-9, atol=1e-13)  # or rounding
    assert found.stderr[0, 0, 1] > 0.3 and (found.stderr[:, 0, 2] < 1e-13).all()  # a jump in the bin of x, and a line


def slow_steps(model, X, column, edges):
    """(L, K): the mean step over each bin."""
    found = []
    for k in range(1, len(edges)):
        inside = (X[:, column] > edges[k - 1]) & (X[:, column] <= edges[k]) | ((k == 1) & (X[:, column] == edges[0]))
        low, high = X[inside].copy(), X[inside].copy()
        low[:, column], high[:, column] = edges[k - 1], edges[k]
        found.append((model(high) - model(low)).mean(axis=0))
    return np.array(found)


def slow_inside(model, X, column, edges):
    """(L, K) twice: what rows within each bin say of a jump and of a bend in it."""
    jumps, bends = [], []
    for k in range(1, len(edges)):
        inside = X[(X[:, column] > edges[k - 1]) & (X[:, column] <= edges[k]) | ((k == 1) & (X[:, column] == edges[0]))]
        low, high = inside.copy(), inside.copy()
        low[:, column], high[:, column] = edges[k - 1], edges[k]
        s = ((inside[:, column] - edges[k - 1]) / (edges[k] - edges[k - 1]))[:, None]
        beside = model(inside) - (1 - s) * model(low) - s * model(high)
        bend = np.array([np.linalg.lstsq(-s * (1 - s) / 2, one, rcond=None)[0][0] for one in beside.T])
        bends.append(bend)
        jumps.append(((beside + bend * s * (1 - s) / 2) ** 2).sum(axis=0) / (s * (1 - s)).sum())
    return np.array(jumps), np.array(bends)


def slow_guess(edges, steps):
    """(L, K) twice: the same, where only the steps over the bins are known."""
    n_bins, widths = len(steps), np.diff(edges)
    jumps, bends = np.zeros((2, *steps.shape))
    for o, step in enumerate(steps.T):
        slope = step / widths
        sides = np.zeros((n_bins, 2))
        for k, side, other in [(k, 0, k - 1) for k in range(1, n_bins)] + [(k, 1, k + 1) for k in range(n_bins - 1)]:
            most = abs(step[k]) + abs(step[other])
            sides[k, side] = np.clip((slope[max(k, other)] - slope[min(k, other)]) * widths[k], -most, most)
        own = np.maximum(-sides[:, 0] * sides[:, 1], 0)
        inner = [own[k] * (0 < k < n_bins - 1) for k in range(n_bins)]
        around = [(inner[max(k - 1, 0)] + inner[k] + inner[min(k + 1, n_bins - 1)]) / 3 for k in range(n_bins)]
        bend = sides.mean(axis=1)
        for end, side in ((0, 1), (n_bins - 1, 0)):  # one neighbour: a jump or a bend
            own[end], bend[end] = sides[end, side] ** 2, sides[end, side]
        jumps[:, o], bends[:, o] = np.maximum(own, around), bend
    return jumps, bends


def slow_between(edges, jump, bend, at, absent):
    """(K,): the variance of the curve within its bins, at a value less its mean over the background."""
    n_bins, widths = len(jump), np.diff(edges)
    points = np.append(at, absent)
    counts = np.append(1.0, np.full(len(absent), -1.0 / len(absent)))
    tied, arc = np.zeros(n_bins), np.zeros(n_bins)
    for k in range(n_bins):
        s = np.clip((points - edges[k]) / widths[k], 0, 1)
        tied[k] = counts @ (np.minimum(s[:, None], s) - np.outer(s, s)) @ counts  # a Brownian bridge's covariance
        arc[k] = counts @ (s * (1 - s) / 2)
    return tied @ jump + (arc @ bend) ** 2


def test_a_single_known_row_says_nothing_of_its_error():
    X = np.array([[0.0, 1.0], [1.0, 2.0], [np.nan, 3.0]])
    found, _ = explained(X, np.array([[0.5, 2.0]]), lambda X: X[:, 1] + np.nan_to_num(X[:, 0]), weights=[1, 0, 1])
    assert np.isinf(found.stderr[0, 0, 0])
    assert np.isfinite(found.stderr[0, 1, 0])


def test_a_bin_with_one_row_borrows_the_others_spread_instead_of_having_none():
    X = np.column_stack([np.arange(16.0), data(16)[:, 0]])
    found, space = explained(X, np.array([[15.0, 0.0]]), lambda X: X[:, 0] * X[:, 1], grid=15, background=1)
    # bins of width one: only the first holds two rows, whose steps are their x1
    spread = X[:2, 1].var(ddof=1)
    passed = np.clip(space.background[0, 0] - np.arange(15), 0, 1)
    variance = (1 - passed) ** 2 @ np.where(np.arange(15) == 0, spread / 2, spread)
    np.testing.assert_allclose(found.stderr[0, 0, 0], np.sqrt(variance), rtol=1e-9)


def correlated(n, seed):
    z = np.random.default_rng(seed).normal(size=(n, 3))
    z[:, 1] = 0.5 * z[:, 0] + 0.87 * z[:, 1]
    z[:, 2] = np.exp(z[:, 2])
    return z


POPULATION = {  # additive terms, products, jumps: what a straight line within a bin misses, and what the background brings
    "smooth": lambda X: np.sin(2 * X[:, 0]) + X[:, 1] ** 2 / 2 + np.log(X[:, 2]) + 0.3 * X[:, 0] * X[:, 1],
    "jumps": lambda X: (X[:, 0] > 0.3) + (X[:, 1] > 1) * (X[:, 2] > 1) + 0.7 * (X[:, 2] > 3),
    "stairs": lambda X: np.floor(3 * X[:, 0]) + 0.3 * np.floor(X[:, 2]) + np.abs(X[:, 1]),
}


def held(model, runs, rows=1000, background=100):
    """(P,): how often the curve of all rows lies within both errors of the value of rows that were drawn."""
    x, everything = correlated(15, 5), correlated(10_000, 99)
    truth = explained(everything, x, model, grid=200, rows=10_000, background="all")[0].values[:, :, 0]
    inside = []
    for seed in range(runs):
        space = px.TabularSpace(correlated(rows, seed), background=background, seed=seed)
        found = px.explain(px.Ale(data_rows=rows), px.Predictor(model), space, x, seed=seed)["ale"]
        error = np.hypot(found.stderr, found.stderr_background)[:, :, 0]
        inside.append(np.abs(found.values[:, :, 0] - truth) <= 1.97 * error)
    return np.mean(inside, axis=(0, 1))


@pytest.mark.parametrize("game", POPULATION)
def test_with_the_error_of_the_background_they_hold_the_curve_of_all_rows(game):
    covered = held(POPULATION[game], runs=12)
    # 15 values of a column err together by the background's mean: 12 runs count little more than 12
    assert covered.mean() >= 0.9 and covered.min() >= 0.8, covered


@pytest.mark.slow
@pytest.mark.parametrize("game", POPULATION)
def test_both_errors_hold_the_curve_of_all_rows_as_often_as_they_say(game):
    covered = held(POPULATION[game], runs=150)
    # straight lines that bend are told by more than they err, so some are held too often
    assert (covered >= 0.925).all() and covered.mean() <= 0.99, covered


def test_the_error_of_the_background_is_that_of_a_mean_of_the_curve_over_so_many_rows():
    X, x = data(400), data(2, seed=1)
    found, _ = explained(X, x, lambda rows: 2.0 * rows[:, 0] + rows[:, 1], background=25)
    expected = np.array([2.0, 1.0, 0.0]) * X.std(axis=0, ddof=1) / np.sqrt(25)
    np.testing.assert_allclose(found.stderr_background[:, :, 0], [expected, expected], rtol=1e-9, atol=1e-12)
    for background in ("all", 1):  # nothing was drawn, and one row is a choice
        assert explained(X, x, background=background)[0].stderr_background is None


@pytest.mark.parametrize("background", [5, 12])
def test_a_background_that_lies_on_one_side_of_a_jump_is_not_certain_of_its_mean(background):
    X = np.column_stack([np.random.default_rng(0).permutation(np.linspace(0, 1, 500)), np.zeros(500)])
    seen = 0
    for seed in range(8):
        space = px.TabularSpace(X, background=background, seed=seed)
        found = px.explain("ale", px.Predictor(lambda rows: (rows[:, 0] > 0.9) * 1.0), space, np.array([[0.5, 0.0]]))["ale"]
        np.testing.assert_allclose(found.stderr_background[0, 0], 0.3 / np.sqrt(background), rtol=0.1)  # a ramp
        seen += (space.background[:, 0] < 0.9).all()
    assert seen  # of some draws all rows answer alike


def test_bins_whose_rows_all_answer_alike_take_the_others_spread():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.repeat(np.arange(4.0), 50), np.where(np.arange(200) < 150, 0.0, rng.normal(size=200))])
    X[:, 0] += rng.random(200) * 0.9
    found, _ = explained(X, np.array([[1.9, 0.0]]), lambda rows: rows[:, 0] * rows[:, 1], grid=4, background=1)
    assert found.stderr[0, 0, 0] > 0.02  # between bins without any spread


def test_with_weights_the_curve_is_that_of_effects():
    X, weights = data(300), np.random.default_rng(1).random(300)
    found, space = explained(X, X[:6], grid=9, background="all", weights=weights)
    curves = px.effects("ale", px.Predictor(curved), space, X, grid=9)["ale"]
    for number, effect in enumerate(curves.values()):
        np.testing.assert_allclose(found.values[:, number], effect.attribution(X[:6]), atol=1e-12)


# ------------------------------------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("X", "x", "options", "message"),
    [
        (data(9), data(1, seed=1), {"groups": {"both": ["x0", "x1"]}}, "'both' has 2 columns; its curve needs one"),
        (np.array([[1.0, 2], [np.nan, 3]]), [[np.nan, 1.0]], {}, "the explained value of 'x0' is missing"),
        (np.array([[np.nan, 2], [np.nan, 3]]), [[0.0, 1.0]], {}, "'x0' has no value in X"),
    ],
)
def test_a_player_without_a_curve_is_refused_before_the_model_is_asked(X, x, options, message):
    space = px.TabularSpace(X, **options)
    predictor = px.Predictor(lambda rows: np.zeros(len(rows)))
    with pytest.raises(ValueError, match=message):
        px.explain("ale", predictor, space, np.array(x))
    assert predictor.rows == 0


@pytest.mark.parametrize(("option", "value"), [("bins", 0), ("bins", 2.5), ("data_rows", 1), ("data_rows", -3)])
def test_options_that_are_no_count_are_refused(option, value):
    with pytest.raises(ValueError, match=rf"{option}={value} must be a whole number from \d up"):
        px.Ale(**{option: value})
