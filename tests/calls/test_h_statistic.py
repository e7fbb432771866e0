"""H squared against its definition and known values, its noise, what it asks, and what it refuses."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from recorders import Recorder

import perturbxai as px
from perturbxai.calls.distinct_rows import OnceEach
from perturbxai.calls.effect_jobs import run_jobs
from perturbxai.game.row_memo import RowMemo


def data(n=60, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def curved(X):
    X = np.asarray(X, dtype=float)
    return np.column_stack([X[:, 0] * X[:, 1] + np.sin(X[:, 2]), X[:, 0] ** 2 - X[:, 2] * X[:, 1] * X[:, 0] + X[:, 1]])


def found(X, model=curved, weights=None, **options):
    return px.h_statistic(px.Predictor(model), px.TabularSpace(X, weights=weights), X, **options)


def partial_dependence(model, X, columns, weight):
    """(n, K): at each row's own values of some columns, the mean of the model over all rows with these values."""
    out = []
    for row in X:
        changed = X.copy()
        changed[:, columns] = row[columns]
        out.append(np.average(model(changed), axis=0, weights=weight))
    return np.array(out)


def slow(model, X, weight, first, second):
    """H squared and the root of its numerator: centred partial dependences of two sets of columns and of both."""
    both = sorted([*first, *second])
    joint, one, other = (partial_dependence(model, X, c, weight) for c in (both, list(first), list(second)))
    joint, one, other = (v - np.average(v, axis=0, weights=weight) for v in (joint, one, other))
    rest = np.average((joint - one - other) ** 2, axis=0, weights=weight)
    return rest / np.average(joint**2, axis=0, weights=weight), np.sqrt(rest)


# ------------------------------------------------------------------------------------------------ values


@pytest.mark.parametrize("weighted", [False, True])
def test_pairs_and_columns_are_what_the_definition_gives(weighted):
    X = data()
    X[::2, 1] = np.round(X[::2, 1])  # values that repeat are asked once
    X[:5] = X[5:10]
    weight = np.random.default_rng(1).uniform(0.2, 2.0, len(X)) if weighted else np.ones(len(X))
    result = found(X, weights=weight if weighted else None)
    assert result.features == ("x0", "x1", "x2", ("x0", "x1"), ("x0", "x2"), ("x1", "x2"))
    sets = [([c], [d for d in range(3) if d != c]) for c in range(3)] + [([a], [b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    for m, (first, second) in enumerate(sets):
        values, strength = slow(curved, X, weight, first, second)
        np.testing.assert_allclose(result.values[m], values, rtol=1e-9, atol=1e-13)  # differences of sums of 60 terms
        np.testing.assert_allclose(result.strength[m], strength, rtol=1e-9, atol=1e-13)
        np.testing.assert_allclose((result.strength[m] / result.spread[m]) ** 2, values, rtol=1e-9, atol=1e-13)


def test_a_third_of_the_sum_of_two_columns_and_their_product():
    X = np.array(list(itertools.product([-1.5, -0.5, 0.5, 1.5], repeat=2))) / np.sqrt(1.25)  # standardised, independent
    result = found(X, lambda rows: rows[:, 0] + rows[:, 1] + rows[:, 0] * rows[:, 1])
    np.testing.assert_allclose(result.values[:, 0], 1 / 3, rtol=1e-12)
    np.testing.assert_allclose(result.strength[:, 0], 1.0, rtol=1e-12)


@pytest.mark.parametrize("means", [(0.0, 0.0), (1.0, 0.0), (0.5, -2.0)])
def test_a_product_of_two_columns_whose_means_are_known(means):
    a, b = np.array([-1.0, 0.0, 1.0]) + means[0], np.array([-2.0, 0.0, 2.0]) + means[1]
    X = np.array(list(itertools.product(a, b)))
    result = found(X, lambda rows: rows[:, 0] * rows[:, 1])
    one, other = a.var(), b.var()
    expected = one * other / (one * other + means[1] ** 2 * one + means[0] ** 2 * other)
    np.testing.assert_allclose(result.values[:, 0], expected, rtol=1e-12)


def test_exclusive_or_is_all_interaction():
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    result = found(X, lambda rows: (rows[:, 0] != rows[:, 1]).astype(float))
    np.testing.assert_array_equal(result.values, 1.0)
    np.testing.assert_array_equal(result.strength, 0.5)


def test_on_the_data_points_and_not_on_a_grid():
    """A jump in a corner where no row is counts for nothing in the rows' own pairs of values, and for much on a grid."""
    x = np.linspace(-1, 1, 80)
    X = np.column_stack([x, x])
    jump = lambda rows: rows.sum(axis=1) + 5.0 * (rows[:, 0] - rows[:, 1] > 1.9)  # noqa: E731
    result = found(X, jump, data_rows=80)
    values, _ = slow(lambda rows: jump(rows)[:, None], X, np.ones(80), [0], [1])
    np.testing.assert_allclose(result.values[2], values, rtol=1e-9)
    corners = np.array(list(itertools.product(x[::8], repeat=2)))
    assert found(corners, lambda rows: rows.sum(axis=1) + 5.0 * (rows[:, 0] - rows[:, 1] > 1.7)).values[2, 0] > 0.1
    assert result.values[2, 0] < 0.01


@pytest.mark.parametrize("n", [4, 7, 150])
def test_an_additive_function_has_none_however_few_and_correlated_the_rows(n):
    X = data(n, 4)
    X[:, 1] += X[:, 0]
    model = lambda rows: np.exp(rows[:, 0]) + 20 * np.sin(3 * rows[:, 1]) + rows[:, 2] ** 2 + 1e4  # noqa: E731
    result = found(X, model)
    assert len(result.features) == 4 + 6
    assert (result.values <= 1e-20).all() and (result.values <= result.threshold).all() and (result.corrected == 0).all()
    assert (result.to_frame()["low"] == 0).all() and (result.to_frame()["high"] < 1e-20).all()


def test_single_precision_leaves_less_than_a_millionth():
    X = data(100, 3)
    model = lambda rows: (np.exp(rows[:, 0]) + rows[:, 1] - 2 * rows[:, 2]).astype(np.float32)  # noqa: E731
    assert found(X, model).values.max() <= 1e-6


def test_columns_without_any_effect_share_nothing():
    result = found(data(30, 3), lambda rows: np.full(len(rows), 7.0))
    for name in ("values", "floor", "threshold", "stderr", "spread"):
        np.testing.assert_array_equal(getattr(result, name), 0.0)


def test_levels_missing_values_and_whole_numbers_are_taken_as_they_are():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"town": rng.choice(["a", "b", "c"], 90), "rooms": rng.integers(1, 5, 90), "area": rng.normal(size=90)})
    X.loc[::7, "area"] = np.nan
    model = lambda rows: (rows.town == "a") * rows.rooms + rows.area.fillna(3.0)  # noqa: E731
    result = found(X, lambda rows: model(rows).to_numpy(dtype=float))
    by_name = dict(zip(result.features, result.values[:, 0], strict=True))
    assert by_name["town", "rooms"] > 0.05 and by_name["area"] < 1e-20 and by_name["town", "area"] < 1e-20
    rooms, town = X.rooms.to_numpy(float), (X.town == "a").to_numpy(float)
    plain = np.column_stack([town, rooms, X.area.fillna(3.0)])
    values, _ = slow(lambda rows: (rows[:, 0] * rows[:, 1] + rows[:, 2])[:, None], plain, np.ones(90), [0], [1])
    assert by_name["town", "rooms"] == pytest.approx(values[0], rel=1e-9)


# ------------------------------------------------------------------------------------------------ noise


def rough(rows):
    """A number of variance one that looks drawn anew for each row, and is always the same."""
    return np.sqrt(12.0) * (np.abs(np.sin(rows @ [12.9898, 78.233, 37.719]) * 43758.5453) % 1 - 0.5)


NO_PAIR = {
    "a rough additive model": lambda X: X[:, 0] + X[:, 1] + rough(X),
    "three columns at once": lambda X: X[:, 0] + X[:, 1] + X[:, 0] * X[:, 1] * X[:, 2],
    "nothing but three at once": lambda X: X[:, 0] * X[:, 1] * X[:, 2],
}


@pytest.mark.parametrize("model", NO_PAIR.values(), ids=NO_PAIR)
def test_what_few_rows_bring_is_the_floor_and_stays_below_the_threshold(model):
    """The pair has no interaction over all rows like these: PD of both is the sum of that of each."""
    results = [found(data(50, 3, seed), model, features=[(0, 1)], data_rows=50, seed=seed) for seed in range(60)]
    values, floor, threshold = (np.array([getattr(r, n)[2, 0] for r in results]) for n in ("values", "floor", "threshold"))
    assert values.min() > 1e-6  # so that the floor is needed
    assert (values > threshold).mean() <= 0.12  # .05 and three deviations of sixty draws; .02 to .03 in thousands
    assert 0.7 < np.median(values / floor) < 1.3 or np.mean(values) == pytest.approx(np.mean(floor), rel=0.3)


def test_a_true_interaction_stands_far_above_the_threshold():
    result = found(data(100), lambda X: X[:, 0] + X[:, 1] + 0.3 * X[:, 0] * X[:, 1], features=[(0, 1)])
    assert result.values[2, 0] > 5 * result.threshold[2, 0] and result.interval()[0][2, 0] > 0
    np.testing.assert_allclose(result.corrected, result.values - result.floor)


def test_an_interval_that_may_hold_nothing_reaches_down_to_zero():
    result = found(data(50), NO_PAIR["three columns at once"], features=[(0, 1)])
    low, high = result.interval()
    assert low[2, 0] == 0 and high[2, 0] >= result.threshold[2, 0]
    with pytest.raises(ValueError, match="level=95"):
        result.interval(95)


@pytest.mark.slow
@pytest.mark.parametrize("n", [60, 200])
def test_intervals_cover_the_value_over_all_rows(n):
    product = lambda X: X[:, 0] + X[:, 1] + X[:, 0] * X[:, 1]  # noqa: E731
    several = lambda X: X[:, 0] + X[:, 1] + 0.5 * X[:, 0] * X[:, 1] + X[:, 0] * X[:, 1] * X[:, 2]  # noqa: E731
    weak = lambda X: X[:, 0] + X[:, 1] + 0.3 * X[:, 0] * X[:, 1]  # noqa: E731
    cases = ((product, 1 / 3, 1 / 3), (several, 0.25 / 2.25, 1.25 / 3.25), (weak, 0.09 / 2.09, 0.09 / 2.09))
    for model, of_pair, of_column in cases:
        ends = [found(data(n, 3, s), model, features=[(0, 1)], data_rows=n, seed=s).interval() for s in range(300)]
        for m, truth in ((2, of_pair), (0, of_column)):
            covered = np.mean([low[m, 0] <= truth <= high[m, 0] for low, high in ends])
            assert 0.88 < covered < 0.985


@pytest.mark.slow
@pytest.mark.parametrize("model", NO_PAIR.values(), ids=NO_PAIR)
def test_the_threshold_is_passed_by_one_in_twenty_at_most(model):
    results = [found(data(60, 3, s), model, features=[(0, 1)], data_rows=60, seed=s) for s in range(600)]
    assert np.mean([r.values[2, 0] > r.threshold[2, 0] for r in results]) < 0.06


# ------------------------------------------------------------------------------------------------ questions


def test_the_cost_is_at_most_the_distinct_values_times_the_rows_and_no_row_comes_twice():
    X = data(40, 5)
    X[:, 1] = np.round(X[:, 1])
    levels = len(np.unique(X[:, 1]))
    model = Recorder(curved)
    predictor = px.Predictor(model)
    result = px.h_statistic(predictor, px.TabularSpace(X), X, features=[("x0", "x1"), ("x0", "x2"), ("x1", "x0")])
    assert result.features[3:] == (("x0", "x1"), ("x0", "x2"))
    distinct = len(np.unique(model.rows, axis=0))
    assert predictor.rows == len(model.rows) == result.meta["rows"] == distinct
    assert distinct <= 40 + 40 * (39 + levels - 1 + 39 + 3 * 40 + 2 * 39) + 2 * 40 * 39  # the rows as they are come once
    assert result.meta["drawn_rows"] == 40


def test_a_cost_above_the_limit_is_told_and_refused_before_the_model_is_asked():
    X, predictor = data(300), px.Predictor(curved)
    for options, cost in (({}, "up to 60,001"), ({"features": [(0, 1)]}, "up to 30,001"),
                          ({"top": 0}, "up to 30,001"), ({"top": 2}, "up to 40,001")):  # fmt: skip
        with pytest.raises(ValueError, match=f"would ask {cost} model rows, more than limit=0.*fewer data_rows="):
            px.h_statistic(predictor, px.TabularSpace(X), X, limit=0, data_rows=100, **options)
    assert predictor.rows == 0
    px.h_statistic(predictor, px.TabularSpace(X), X, data_rows=30, limit=5401)
    # of three columns a pair of one row's and the third of another's is the same as that third in the other's: 30 x 29 a
    # column, and the rows as they are; what is refused is the cost without rows in common
    assert predictor.rows == 30 + 3 * 30 * 29 < 1 + 900 * 6 == 5401


SHARING = {
    "numbers": lambda rng: rng.normal(size=(20, 5)),
    "three columns": lambda rng: rng.normal(size=(20, 3)),
    "two columns": lambda rng: rng.normal(size=(20, 2)),
    "few values": lambda rng: rng.integers(0, 3, (30, 5)).astype(float),
    "numbers and levels": lambda rng: np.column_stack([rng.normal(size=(20, 3)), rng.integers(0, 2, (20, 2))]),
    "rows that come again": lambda rng: np.repeat(rng.normal(size=(6, 4)), 4, axis=0),
    "missing values": lambda rng: np.where(rng.random((20, 4)) < 0.3, np.nan, rng.normal(size=(20, 4))),
    "a column of one value": lambda rng: np.column_stack([rng.normal(size=(20, 3)), np.ones(20)]),
    "zeros of both signs": lambda rng: np.copysign(rng.integers(0, 2, (20, 3)), rng.normal(size=(20, 3))),
}
ASKED = {
    "ranked": {}, "ranked by all": {"rank": "total"}, "columns": {"top": 0}, "one": {"top": 1}, "three": {"top": 3},
    "pairs": {"features": [(0, 1)]}, "pairs and a column": {"features": [1, (0, 1), (1, 0)]},
}  # fmt: skip


def joint(rows):
    known = np.nan_to_num(rows, nan=-2.0)
    return np.column_stack([known[:, 0] * known[:, 1] + np.sin(3 * known.sum(axis=1)), known[:, 0] - known[:, -1] ** 2])


@pytest.mark.parametrize("lines", [pytest.param(1 << 14, marks=pytest.mark.slow), 17])
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("table", SHARING)
def test_each_distinct_row_is_asked_once_and_the_numbers_are_those_of_asking_all(monkeypatch, table, asked, lines):
    X = SHARING[table](np.random.default_rng(7))
    monkeypatch.setattr("perturbxai.calls.distinct_rows.LINES_AT_ONCE", lines)
    monkeypatch.setattr("perturbxai.calls.distinct_rows.NAMES_AT_ONCE", 16 * lines)
    model = Recorder(joint)
    predictor = px.Predictor(model)
    shared = px.h_statistic(predictor, px.TabularSpace(X), X, **ASKED[asked])
    rows = np.where(np.isnan(model.rows), 9.0, model.rows)
    assert predictor.rows == shared.meta["rows"] == len(rows) == len(np.unique(rows + 0.0, axis=0))
    monkeypatch.setattr(
        OnceEach, "run", lambda self, jobs: run_jobs(jobs, self.predictor, self.space, self.drawn, self.columns)
    )
    every = found(X, joint, **ASKED[asked])
    assert every.meta["rows"] >= shared.meta["rows"] and every.features == shared.features
    for name in ("values", "floor", "threshold", "stderr", "strength", "spread", "importance"):
        np.testing.assert_array_equal(getattr(shared, name), getattr(every, name))


def test_of_named_features_only_the_answers_that_come_again_are_kept(monkeypatch):
    kept = []
    add = RowMemo.add
    monkeypatch.setattr(RowMemo, "add", lambda self, words, values: (kept.append(len(words)), add(self, words, values)))
    found(data(40, 5), features=[(0, 1)])
    assert sum(kept) <= 40 + 2  # the rows as they are, and the first that tells of the outputs, which two hold
    kept.clear()
    found(data(40, 3), features=[(0, 1), 2])
    assert sum(kept) == 40 + 40 * 39 + 2 - 1  # x2 of one row in another is what the pair asks too


def test_numbers_depend_neither_on_batches_nor_on_the_order_of_rows_nor_on_what_else_is_asked():
    X = data(150, 4)
    first = found(X, data_rows=40)
    shuffled = np.random.default_rng(3).permutation(150)
    for other in (
        px.h_statistic(px.Predictor(curved, batch_size=7), px.TabularSpace(X), X, data_rows=40),
        found(X[shuffled], data_rows=40),
        found(X, data_rows=40, features=["x1", ("x0", "x2"), ("x1", "x2")]),
    ):
        where = [first.features.index(one) for one in other.features]
        for name in ("values", "floor", "threshold", "stderr", "strength", "spread"):
            np.testing.assert_array_equal(getattr(other, name), getattr(first, name)[where])
    assert np.abs(found(X, data_rows=40, seed=1).values - first.values).max() > 1e-3


def test_the_weights_of_the_space_draw_the_rows():
    X = data(100)
    result = found(X, weights=(np.arange(100) < 20) * 1.0)
    assert result.meta["drawn_rows"] == 20
    values, _ = slow(curved, X[:20], np.ones(20), [0], [1])
    np.testing.assert_allclose(result.values[3], values, rtol=1e-9)


def test_rows_times_points_are_never_held():
    X = data(600, 4)
    predictor, space = px.Predictor(lambda rows: rows[:, 0] * rows[:, 1], batch_size=2000), px.TabularSpace(X)
    px.h_statistic(predictor, space, X, data_rows=20)  # kernels are compiled
    tracemalloc.start()
    px.h_statistic(predictor, space, X, features=[0, 1, 2, (0, 1)], data_rows=600)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # 600 x 600 answers are 2.9 MB each for three columns and a pair; 20 groups x 600 points are .1 MB
    assert peak < 6e6, peak


# ------------------------------------------------------------------------------------------------ which columns


def test_pairs_are_those_of_the_columns_that_move_the_output_most():
    X = data(80, 5)
    model = lambda rows: 3 * rows[:, 4] + 2 * rows[:, 1] - rows[:, 3] + 0.1 * rows[:, 0] * rows[:, 2]  # noqa: E731
    result = found(X, model, top=3)
    assert result.features[5:] == (("x1", "x3"), ("x1", "x4"), ("x3", "x4"))
    np.testing.assert_allclose(result.importance[[1, 3, 4], 0], [2, 1, 3] * X[:, [1, 3, 4]].std(axis=0))
    assert found(X, model, top=0).features == ("x0", "x1", "x2", "x3", "x4")
    assert found(X, model, top=1).features == ("x0", "x1", "x2", "x3", "x4")


def test_the_ranking_is_that_of_importance_from_effects():
    X = np.round(data(80, 3), 1)
    model = lambda rows: curved(rows)[:, 0]  # noqa: E731
    result = found(X, model, top=0)
    grid = {f"x{c}": np.unique(X[:, c]) for c in range(3)}
    pdp = px.effects("pdp", px.Predictor(model), px.TabularSpace(X), X, grid=grid)["pdp"]
    for c in range(3):  # the curve at the rows: there PDP's own importance halves the rows of a bin
        values = np.interp(X[:, c], grid[f"x{c}"], pdp[f"x{c}"].values[:, 0])
        assert result.importance[c, 0] == pytest.approx(values.std(), rel=1e-9)


def test_total_importance_finds_columns_that_act_only_together():
    X = np.random.default_rng(0).integers(0, 2, size=(64, 4)).astype(float)
    X = np.concatenate([X, 1 - X])
    model = lambda rows: (rows[:, 2] != rows[:, 3]) + 0.2 * rows[:, 0] + 0.1 * rows[:, 1]  # noqa: E731
    assert found(X, model, top=2).features[4:] == (("x0", "x1"),)
    assert found(X, model, top=2, rank="total").features[4:] == (("x2", "x3"),)


# ------------------------------------------------------------------------------------------------ results and refusals


def test_a_table_has_a_line_for_each_column_and_pair_and_output(tmp_path):
    result = found(data())
    frame = result.to_frame()
    assert len(frame) == 6 * 2 and list(frame["kind"].unique()) == ["column", "pair"]
    line = frame[(frame.feature_a == "x0") & (frame.feature_b == "x2") & (frame.output == result.outputs[1])].iloc[0]
    assert line.h_squared == result.values[4, 1] and line.low <= line.h_squared <= line.high
    assert set(frame[frame.kind == "column"].feature_b) == {"all others"}
    result.to_csv(tmp_path / "h.csv")
    assert len(pd.read_csv(tmp_path / "h.csv")) == 12
    assert "3 columns against all others and 3 pairs" in repr(result)


def test_a_failure_keeps_what_was_finished():
    X = data(40, 4)

    def broken(rows):
        out = curved(rows)
        of_fifth = rows == X[5]
        out[of_fifth[:, 1] & of_fifth[:, 2] & ~of_fifth[:, 0] & ~of_fifth[:, 3], 0] = np.nan  # only that pair asks it
        return out

    pairs = [(0, 1), (1, 2), (2, 3)]
    whole = found(X, features=pairs)
    with pytest.raises(px.ModelError) as caught:
        px.h_statistic(px.Predictor(broken, batch_size=1), px.TabularSpace(X), X, features=pairs)
    partial = caught.value.partial
    assert partial.features == whole.features[:5] == ("x0", "x1", "x2", "x3", ("x0", "x1"))
    np.testing.assert_array_equal(partial.values, whole.values[:5])
    assert "asked for the effect of ('x1', 'x2'), at row" in "".join(caught.value.__notes__)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": ["x7"]}, "features: 'x7' is not a column of x"),
        ({"features": [("x0", "x0")]}, "names the same column twice"),
        ({"features": ["x2"]}, "'x2' has a single value in x"),
        ({"data_rows": 3}, "data_rows=3 must be a whole number from 4 up"),
        ({"data_rows": 2.5}, "data_rows=2.5 must be a whole number"),
        ({"top": -1}, "top=-1 must be a whole number from 0 up"),
        ({"limit": None}, "limit=None must be a whole number"),
        ({"rank": "shap"}, "rank='shap' is not known; expected one of 'pdp', 'total'"),
        ({"seed": -1}, "seed=-1 must be a whole number"),
    ],
)
def test_what_can_be_known_without_the_model_is_refused_before_it_is_asked(options, message):
    X = data()
    X[:, 2] = 1.0
    predictor = px.Predictor(curved)
    with pytest.raises(ValueError, match=message):
        px.h_statistic(predictor, px.TabularSpace(X), X, **options)
    assert predictor.rows == 0


def test_what_is_no_predictor_no_table_or_too_few_rows_is_refused():
    X = data()
    with pytest.raises(TypeError, match=r"predictor is str; expected the model, or px\.Predictor"):
        px.h_statistic("curved", px.TabularSpace(X), X)
    with pytest.raises(TypeError, match=r"H squared is of tables: build px\.TabularSpace"):
        px.h_statistic(px.Predictor(curved), px.ImageSpace(), X)
    with pytest.raises(ValueError, match=r"x has 3 row\(s\) of any weight"):
        px.h_statistic(px.Predictor(curved), px.TabularSpace(X), X[:3])


def test_the_standard_error_is_about_the_deviation_over_draws_of_rows():
    X, model = data(3000, 2), px.Predictor(lambda rows: rows[:, 0] * rows[:, 1] + rows[:, 0] + rows[:, 1])
    space = px.TabularSpace(X)
    draws = [px.h_statistic(model, space, X, features=[(0, 1)], data_rows=60, seed=seed) for seed in range(40)]
    ratio = np.mean([one.stderr[2] for one in draws]) / np.std([one.values[2] for one in draws], ddof=1)
    assert 0.5 < ratio < 1.6  # 40 draws tell a deviation to 11 %; a jackknife of 20 groups is rough


@pytest.mark.parametrize(
    "ask",
    [
        lambda *given, **options: px.h_statistic(*given, data_rows=100, **options),
        lambda *given, **options: px.effects("pdp", *given, rows=100, **options)["pdp"],
    ],
)
def test_the_first_input_that_chose_the_outputs_is_called_as_it_is_in_x(ask):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({c: rng.normal(size=200) for c in "abc"}, index=[f"r{i}" for i in range(200)])
    weights = rng.normal(size=(3, 30))

    def model(rows):
        return np.asarray(rows) @ weights

    with pytest.warns(UserWarning, match="30 outputs"):
        found = ask(px.Predictor(model), px.TabularSpace(X), X, features=["a"])
    meta = next(iter(found.values())).meta if isinstance(found, dict) else found.meta
    kept, label = meta["outputs_kept"].split(": ")[0], meta["outputs_kept"].split("(")[1].rstrip(")")
    row = model(X.loc[[label]])[0]
    assert [int(name) for name in kept.split(", ")] == np.argsort(-row, kind="stable")[:5].tolist()
