"""How often bands of accumulated surfaces hold the surface of a whole population, on the grid that its rows have."""

from __future__ import annotations

from functools import cache

import numpy as np

import perturbxai as px

POPULATION = 60_000


def _normal(r):
    def draw(n, rng):
        z = rng.normal(size=(n, 3))
        z[:, 1] = r * z[:, 0] + np.sqrt(1 - r * r) * z[:, 1]
        return z

    return draw


@cache
def _trees():
    from sklearn.datasets import load_diabetes
    from sklearn.ensemble import GradientBoostingRegressor

    X, y = load_diabetes(return_X_y=True, scaled=False)
    return GradientBoostingRegressor(random_state=0).fit(X[:, [2, 8, 3, 0, 5]], y), X[:, [2, 8, 3, 0, 5]]


def _like_diabetes(n, rng):
    """Rows like those of the table: neighbours mixed, so that there are as many as are wanted."""
    X = _trees()[1]
    own, near = X[rng.integers(len(X), size=n)], X.std(axis=0) / 3
    return own + near * rng.normal(size=own.shape)


def _with_levels(n, rng):
    z = _normal(0.6)(n, rng)
    z[:, 0] = np.clip(np.round(z[:, 0]), -1, 1)
    return z


# the model, and a draw of n rows: how steps differ within a cell is told by a third column
GAMES = {
    "wave": (lambda X: np.sin(2 * X[:, 0]) * X[:, 1] * (1 + X[:, 2]), _normal(0.0)),
    "wave, correlated": (lambda X: np.sin(2 * X[:, 0]) * X[:, 1] * (1 + X[:, 2]), _normal(0.6)),
    "product, r = .9": (lambda X: X[:, 0] * X[:, 1] * (1 + X[:, 2]), _normal(0.9)),
    "step": (lambda X: (X[:, 0] > 0.3) * (X[:, 1] > -0.2) * (1 + X[:, 2]), _normal(0.0)),
    "step, correlated": (lambda X: (X[:, 0] > 0.3) * (X[:, 1] > -0.2) * (1 + X[:, 2]), _normal(0.6)),
    "levels": (lambda X: X[:, 0] * np.sin(2 * X[:, 1]) * (1 + X[:, 2]), _with_levels),
    "boosted trees": (lambda X: _trees()[0].predict(X), _like_diabetes),
}


def _surface(model, X, grid):
    found = px.effects("ale", px.Predictor(model), px.TabularSpace(X), X, features=[(0, 1)], grid=grid, rows=10**9)
    return found["ale"]["x0", "x1"]


def _weight(effect, rows):
    """(G1, G2): what each point counts where rows (n, 2) of the population read the surface; sums to one."""
    low, share = [], []
    for at, axis in zip(rows.T, effect.grid, strict=True):
        k = np.clip(np.searchsorted(axis, at) - 1, 0, len(axis) - 2)
        low.append(k)
        share.append(np.clip((at - axis[k]) / (axis[k + 1] - axis[k]), 0, 1))
    found = np.zeros(effect.values.shape[:2])
    for i in (0, 1):
        for j in (0, 1):
            part = np.where(i, share[0], 1 - share[0]) * np.where(j, share[1], 1 - share[1])
            np.add.at(found, (low[0] + i, low[1] + j), part)
    return found / found.sum()


def coverage(game, n, runs):
    """How often the bands of draws hold the surface of the population, and how large their errors are.

    Shares: of the data, at which the pointwise band holds it; and of draws whose whole band holds all of it beside rows. The
    last is the error that is told over the error that there is, both in the root mean square over the data and the draws.
    """
    model, draw = GAMES[game]
    everyone = draw(POPULATION, np.random.default_rng(10**6))
    bins = round(n ** (1 / 3))
    truth = _surface(model, everyone, bins)
    weight = _weight(truth, everyone[:, :2])
    # levels are points anyway, and no edges of bins
    grid = {c: axis if len(axis) == bins + 1 else bins for c, axis in enumerate(truth.grid)}
    held, whole, told, there = [], [], [], []
    for seed in range(runs):
        found = _surface(model, draw(n, np.random.default_rng(seed)), grid)
        (low, high), (least, most) = found.interval(), found.interval(simultaneous=True)
        known = np.pad(~found.extrapolated, 1)
        near = known[1:, 1:] | known[:-1, 1:] | known[1:, :-1] | known[:-1, :-1]
        held.append((weight[..., None] * ((low <= truth.values) & (truth.values <= high))).sum())
        whole.append(((least <= truth.values) & (truth.values <= most))[near].all())
        told.append((weight[..., None] * found.stderr**2).sum())
        there.append((weight[..., None] * (found.values - truth.values) ** 2).sum())
    return float(np.mean(held)), float(np.mean(whole)), float(np.sqrt(np.mean(told) / np.mean(there)))


def told_of(held, whole, ratio):
    return f"pointwise {held:.3f}, whole {whole:.2f}, error told over error {ratio:.2f}"
