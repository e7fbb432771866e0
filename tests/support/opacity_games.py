"""Games of opacities: photos whose values are known by formula, and networks."""

from __future__ import annotations

from functools import cache

import games
import numpy as np

import perturbxai as px

ALL = ["pdp", "ice", "ale"]


def of_formula(value, n_players):
    """(predictor, space, photo) whose model sees the superpixels' opacities themselves: a pixel each, 1 on a fill of 0."""
    space = px.ImageSpace(segments=np.arange(n_players)[None], fill=0)
    model = lambda pictures: value(np.asarray(pictures, dtype=np.float64)[:, 0, :, 0])  # noqa: E731
    return px.Predictor(model, batch_size=4096), space, np.ones((1, n_players, 1), dtype=np.float32)


def of_network(seed=0, n_players=10):
    game = games.network_game(seed, n_players)
    space = px.ImageSpace(segments=game.extras["labels"], fill=game.extras["fill"])
    return game, px.Predictor(game.extras["net"], batch_size=64), space, game.extras["picture"]


def smooth(alpha):
    """Two outputs, smooth in the opacities and no polynomials; players interact."""
    a = alpha @ np.linspace(-1.0, 2.0, alpha.shape[1])
    b = alpha[:, 0] * alpha[:, 1] - alpha[:, -1]
    return np.column_stack([1.0 / (1.0 + np.exp(-2.0 * a)) + b**2, np.sin(a) + b])


def rises(found):
    """(P, K)"""
    return np.array([effect.superpixel.rise for effect in found.values()])


def halves(found):
    return np.array([effect.superpixel.interval()[1] - effect.superpixel.rise for effect in found.values()])


@cache
def formulas():
    """A sum of products of one to four opacities, and by rest the rises (P, 1) that it has in closed form."""
    rng = np.random.default_rng(3)
    sets = np.zeros((14, 6), dtype=bool)
    for t, one in enumerate(sets):
        one[rng.choice(6, 1 + t % 4, replace=False)] = True
    weight = rng.normal(size=14)

    def value(alpha):
        return np.where(sets, alpha[:, None], 1.0).prod(axis=2) @ weight[:, None]

    size = sets.sum(axis=1)
    by_size = {
        "uniform": 1.0 / size, "fade": 1.0 / size, "half": 0.5 ** (size - 1.0), "present": np.ones(14), "absent": size == 1
    }  # fmt: skip
    return value, {rest: ((weight * share) @ sets)[:, None] for rest, share in by_size.items()}
