"""Bands of effects: what they are about, what they are made of, and how often they cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import perturbxai as px

METHODS = [
    px.Ale(name="ale"), px.Ale(bands_for="population", name="population"), px.Ale(curves="anchored", name="start"),
    px.Pdp(name="pdp"), px.Pdp(curves="centred", name="shape"),
]  # fmt: skip


def asked(methods, X, model, **options):
    return px.effects(methods, px.Predictor(model), px.TabularSpace(X), X, **options)


def at_rows(curve, grid, x):
    """The mean over data of a curve that is straight between the points of a grid."""
    return np.interp(x, grid, curve(grid)).mean()


# f, curve g (PDP and accumulated ALE alike), mean of g, draw of n rows: columns are independent, so that bins do not bias
GAMES = {
    "product": (lambda X: X[:, 0] * X[:, 1] + X[:, 0], lambda z: z, 0.0, lambda rng, n: rng.normal(size=(n, 2))),
    "wave": (
        lambda X: np.sin(3 * X[:, 0]) * np.exp(X[:, 1]), lambda z: np.sin(3 * z) * np.exp(0.5),
        np.exp(0.5) * (1 - np.cos(3)) / 3, lambda rng, n: np.column_stack([rng.uniform(size=n), rng.normal(size=n)]),
    ),
    "skewed": (
        lambda X: np.log1p(X[:, 0]) * X[:, 1], np.log1p, 0.5963473623231941, lambda rng, n: rng.exponential(size=(n, 2)),
    ),
}  # fmt: skip


def coverage(game, n, grid, runs, methods=METHODS):
    """By method: how often the pointwise band holds the curve, by point, and the simultaneous band all of it."""
    model, curve, mean, draw = GAMES[game]
    points, all_points = {}, {}
    for seed in range(runs):
        X = draw(np.random.default_rng(seed), n)
        found = asked(methods, X, model, features=["x0"], grid=grid, rows=10**7, seed=seed)
        for key, effects in found.items():
            effect = effects["x0"]
            at = effect.grid[0]
            level = {"ale": at_rows(curve, at, X[:, 0]), "shape": at_rows(curve, at, X[:, 0]), "population": mean,
                     "start": curve(at[0]), "pdp": 0.0}[key]  # fmt: skip
            truth = curve(at) - level
            for into, simultaneous in ((points, False), (all_points, True)):
                low, high = effect.interval(simultaneous=simultaneous)
                into.setdefault(key, []).append((low[:, 0] <= truth) & (truth <= high[:, 0]))
    return ({key: np.mean(hits, axis=0) for key, hits in points.items()},
            {key: np.mean([hit.all() for hit in hits]) for key, hits in all_points.items()})  # fmt: skip


@pytest.mark.slow
def test_bands_cover_the_curve_that_they_are_about():
    pointwise, simultaneous = coverage("product", n=400, grid=10, runs=150)
    for key in pointwise:  # points of a curve err together, so 150 runs count little more than 150
        assert 0.91 <= pointwise[key].mean() <= 0.985, (key, pointwise[key])
        assert simultaneous[key] >= 0.90, (key, simultaneous[key])


@pytest.mark.slow
@pytest.mark.parametrize("game", GAMES)
def test_bands_cover_at_two_thousand_rows_and_forty_bins(game):
    pointwise, simultaneous = coverage(game, n=2000, grid=40, runs=600)
    for key, found in pointwise.items():
        # 600 runs: .009 a point, and little less for the mean of points that err together
        assert 0.92 <= found.mean() <= 0.975, (key, found.mean())
        if key in ("ale", "population", "shape"):
            assert 0.925 <= found.mean() <= 0.97, (key, found.mean())
        assert found.min() >= 0.88, (key, found)
        assert simultaneous[key] >= (0.85 if game == "wave" and key == "start" else 0.9), (key, simultaneous[key])


def test_a_function_that_jumps_on_few_rows_is_shown_honestly():
    # most bins hold no row that shows the jump: their own spread is zero, and their band would be too
    rare, hits = stats.norm.ppf(0.994), []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X = np.column_stack([rng.uniform(size=2000), rng.normal(size=2000)])
        found = asked("ale", X, lambda rows: 10 * rows[:, 0] * (rows[:, 1] > rare), features=["x0"], rows=10**4)
        effect = found["ale"]["x0"]
        truth = 0.06 * (effect.grid[0] - at_rows(lambda z: z, effect.grid[0], X[:, 0]))
        low, high = effect.interval()
        hits.append((low[:, 0] <= truth) & (truth <= high[:, 0]))
    assert np.mean(hits) >= 0.93
    assert np.mean(hits, axis=0).min() >= 0.88


@pytest.mark.parametrize("method", ["pdp", "ice", px.Ice(curves="derivative"), px.Ice(curves="anchored")], ids=str)
@pytest.mark.parametrize("n", [40, 150])
def test_points_at_which_all_rows_answer_alike_are_not_certain_of_it(method, n):
    # a class that few rows take where x0 is low: of most draws none does, and the mean there is no certain 0
    model = lambda rows: (rows.sum(axis=1) > 2.5) * 1.0  # noqa: E731
    grid, hits, alike = np.linspace(-2.0, 2.0, 9), [], []
    likely = stats.norm.sf((2.5 - grid) / np.sqrt(2.0))
    name = getattr(method, "curves", method)
    truth = {"derivative": np.diff(likely) / 0.5, "anchored": likely - likely[0]}.get(name, likely)
    for seed in range(60):
        X = np.random.default_rng(seed).normal(size=(n, 3))
        found = asked([method], X, model, features=["x0"], grid={"x0": grid}, rows=10**5, seed=seed)
        (effect,) = (effects["x0"] for effects in found.values())
        low, high = effect.interval()
        hits.append((low[:, 0] <= truth) & (truth <= high[:, 0]))
        alike.append(effect.heterogeneity[:, 0] == 0.0)
        sampled = slice(1, None) if name == "anchored" else slice(None)
        assert (effect.stderr[sampled] > 1e-4).all() and (name != "anchored" or effect.stderr[0, 0] < 1e-12)
    alike, hits = np.array(alike), np.array(hits)
    assert alike.mean() > 0.05 and hits[alike].mean() >= 0.95 and hits.mean() >= 0.9


def test_rows_that_differ_nowhere_are_as_certain_as_they_are():
    X = np.random.default_rng(0).normal(size=(80, 2))
    found = asked(["pdp", px.Pdp(curves="centred", name="shape")], X, lambda rows: np.sin(rows[:, 0]), features=["x0"])
    assert max(effects["x0"].stderr.max() for effects in found.values()) < 1e-12


def test_the_population_band_is_wider_by_the_variance_of_the_curves_mean():
    X = np.random.default_rng(0).normal(size=(300, 2))
    found = asked(METHODS[:2], X, lambda rows: rows[:, 0] * (1 + 0.1 * rows[:, 1]), features=["x0"], grid=10)
    one, wide = found["ale"]["x0"], found["population"]["x0"]
    at = np.interp(X[:, 0], one.grid[0], one.values[:, 0])
    np.testing.assert_allclose(wide.stderr[:, 0] ** 2, one.stderr[:, 0] ** 2 + at.var(ddof=1) / 300, rtol=1e-9)


def test_the_band_of_ale_is_that_of_the_centred_accumulated_curve():
    X = np.random.default_rng(0).normal(size=(300, 2))
    effect = asked("ale", X, lambda rows: rows[:, 0] * rows[:, 1], features=["x0"], grid=6)["ale"]["x0"]
    edges = effect.grid[0]
    place = np.clip(np.searchsorted(edges, X[:, 0], side="left") - 1, 0, 5)
    count = np.bincount(place)
    spread = np.array([(X[place == k, 1] * (edges[k + 1] - edges[k])).var(ddof=1) for k in range(6)])
    # what centring takes of each step: all of it for the rows above, for those of the bin what lies below them
    above = np.clip((X[:, :1] - edges[:-1]) / np.diff(edges), 0, 1).mean(axis=0)
    taken = (np.arange(6)[None] < np.arange(7)[:, None]) - above[None]
    np.testing.assert_allclose(effect.stderr[:, 0], np.sqrt(taken**2 @ (spread / count)), rtol=1e-9)
    parts = taken**2 * (spread / count)
    df = parts.sum(axis=1) ** 2 / (parts**2 / (count - 1)).sum(axis=1)
    np.testing.assert_allclose(effect.df[:, 0], df, rtol=1e-9)
    np.testing.assert_allclose(effect.heterogeneity[:, 0], np.sqrt(spread * (count - 1) / count), rtol=1e-9)


def test_a_bin_with_one_row_or_without_spread_takes_the_pooled_one():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(60.0), np.where(np.arange(60) < 20, 0.0, rng.normal(size=60))])
    grid = {"x0": np.array([0.0, 19.0, 39.0, 58.0, 59.0])}  # a bin of equal answers, two of 20 and 19, one with one row
    effect = asked(px.Ale(curves="anchored"), X, lambda rows: rows[:, 0] * rows[:, 1], features=["x0"], grid=grid)["ale"][
        "x0"
    ]
    np.testing.assert_array_equal(effect.counts, [20, 20, 19, 1])
    steps = [X[20:40, 1] * 20, X[40:59, 1] * 19]
    pooled = sum(((s - s.mean()) ** 2).sum() for s in steps) / (19 + 19 + 18)
    own = [s.var(ddof=1) / len(s) for s in steps]
    variance = np.cumsum([0, pooled / 20, *own, pooled])
    np.testing.assert_allclose(effect.stderr[1:, 0], np.sqrt(variance[1:]), rtol=1e-9)


def test_without_a_degree_of_freedom_the_error_is_infinite():
    X, edges = np.array([[0.9, 1.0], [1.8, -1.0]]), {"x0": [0.5, 1.5, 2.0]}
    effect = asked("ale", X, lambda rows: rows[:, 0] * rows[:, 1], features=["x0"], grid=edges)["ale"]["x0"]
    assert np.isinf(effect.stderr).all()
    low, high = effect.interval(simultaneous=True)
    assert (low == -np.inf).all() and (high == np.inf).all()


def test_the_simultaneous_band_is_wider_than_the_pointwise_and_narrower_than_for_independent_points():
    X = np.random.default_rng(0).normal(size=(500, 2))
    found = asked(["ale", "pdp"], X, lambda rows: np.sin(3 * rows[:, 0] * rows[:, 1]) + rows[:, 0], features=["x0"], grid=40)
    for effects in found.values():
        factor = effects["x0"].critical[0]
        assert 2.2 < factor < stats.norm.ppf(0.5 + 0.5 * 0.95 ** (1 / 41)) + 0.1


def test_the_shape_of_a_curve_is_known_better_than_its_level():
    X = np.random.default_rng(0).normal(size=(400, 2))
    found = asked(METHODS[3:], X, lambda rows: rows[:, 0] + 5 * rows[:, 1], features=["x0"])
    assert found["pdp"]["x0"].stderr.min() > 0.2
    assert found["shape"]["x0"].stderr.max() < 1e-12
