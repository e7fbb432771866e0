"""What is explained, and what is true of it: games by name, each of one or several cases.

Up to MOST_LISTED players all 2^P values are listed, once, in a file of the results, in the order of the binary numbers:
player j is present in number k where bit j of k is set. The truth is read from them. Larger games have a formula for their
Shapley values, or are trees, which are walked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from math import comb
from pathlib import Path
from typing import Any

import convergence_models as models
import numpy as np
from convergence_peers import listed

import perturbxai as px
from perturbxai.core.types import Floats

MOST_LISTED = 16
Value = Callable[[Any], Floats]  # (M, P) bool -> (M,)


@dataclass(frozen=True, eq=False)
class Game:
    """A game of which the Shapley values are known.

    name, case  which game, and which row, photo or draw of it
    value       (M, P) bool -> (M,);  shapley (P,)
    table       where its 2^P values lie, None for the games that are too large for it
    """

    name: str
    case: str
    n_players: int
    value: Value
    shapley: Floats
    table: Path | None = None

    @cached_property
    def lime(self) -> Floats:
        """(P,): slopes of the best linear fit under lime's kernel of width .25, over all coalitions."""
        return self._listed(px.Lime())

    @cached_property
    def banzhaf(self) -> Floats:
        return self._listed(px.Banzhaf())

    def _listed(self, method: Any) -> Floats:
        found: Floats = asked(self, method, 2**self.n_players, 0)[0].values[:, 0]
        return found


def asked(game: Game, method: Any, budget: int, seed: int, design: str = "drawn") -> Any:
    """Ours on a game, as an explanation of one picture: a pixel a player, white where it is present and black where not."""
    n = game.n_players
    space = px.ImageSpace(segments=np.arange(n)[None], fill=0.0)
    predictor = px.Predictor(lambda pictures: game.value(np.asarray(pictures)[:, 0, :, 0] > 0.5))
    white = np.ones((1, 1, n, 3), dtype=np.float32)
    return px.explain([method], predictor, space, white, budget=budget, seed=seed, design=design).popitem()[1]


def coalitions(n_players: int) -> Any:
    """(2^P, P) bool, in the order of the tables."""
    return ((np.arange(2**n_players)[:, None] >> np.arange(n_players)) & 1).astype(bool)


def shapley_of(values: Floats, n_players: int) -> Floats:
    """Shapley values by their definition from all 2^P values."""
    numbers = np.arange(2**n_players)
    sizes = np.bitwise_count(numbers)
    weight = np.array([1.0 / (n_players * comb(n_players - 1, size)) for size in range(n_players)])
    found = np.empty(n_players)
    for j in range(n_players):
        without = numbers[(numbers >> j) & 1 == 0]
        found[j] = weight[sizes[without]] @ (values[without | (1 << j)] - values[without])
    return found


def _tabled(name: str, case: str, n_players: int, value: Callable[[], Value], folder: Path) -> Game:
    """A game whose values are listed, or were; value is made only where they are not."""
    path = folder / "tables" / f"{name} {case}.npy".replace(", ", "_").replace(" ", "_")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        found = value()(coalitions(n_players))
        np.save(path, found)
    values = np.load(path, allow_pickle=False)
    return Game(name, case, n_players, listed(values, n_players), shapley_of(values, n_players), path)


# ------------------------------------------------------------------------------------------------ games by a formula


def _threshold() -> Value:
    """14 players of nearly the same weight: 1 where more than .55 of it is there."""
    weights = 1.0 + 0.1 * np.sin(1.7 * np.arange(14))
    return lambda z: (z @ weights > 0.55 * weights.sum()).astype(np.float64)


def _random() -> Value:
    """An independent normal number for each coalition of 10 players."""
    return listed(np.random.default_rng(3).standard_normal(1024), 10)


def _high_orders() -> Value:
    """60 products of 7 to 9 of 16 players in -1 and 1."""
    rng = np.random.default_rng(1)
    terms = [(float(rng.normal()), rng.choice(16, 7 + t % 3, replace=False)) for t in range(60)]

    def value(z: Any) -> Floats:
        signs = 2.0 * np.asarray(z, dtype=np.float64) - 1.0
        return np.asarray(sum(c * signs[:, members].prod(axis=1) for c, members in terms))

    return value


def _nearly_even() -> Value:
    """12 players whose pairs, which no Shapley value sees, are most of the game."""
    rng = np.random.default_rng(5)
    pairs, slopes, inner = rng.normal(size=(12, 12)), rng.normal(size=12), rng.normal(size=12)

    def value(z: Any) -> Floats:
        x = 2.0 * np.asarray(z, dtype=np.float64) - 1.0
        odd = 0.2 * x @ slopes + 0.3 * np.tanh(x @ inner)
        return np.asarray(odd + 0.5 * np.einsum("zi,ij,zj->z", x, pairs, x))

    return value


def _heavy_tails() -> Value:
    """sinh of main effects and pairs of 12 players: a few coalitions carry most of the variance."""
    pairs = np.random.default_rng(6).normal(size=(12, 12)) / 3.0
    return lambda z: np.sinh(np.einsum("zi,ij,zj->z", z.astype(np.float64), pairs, z.astype(np.float64)))


LISTED: dict[str, tuple[int, Callable[[], Value]]] = {
    "threshold": (14, _threshold),
    "random numbers": (10, _random),
    "orders 7 to 9": (16, _high_orders),
    "nearly even": (12, _nearly_even),
    "heavy tails": (12, _heavy_tails),
}


def _products(name: str, n_players: int, sets: list[Any], slopes: Floats, main: Floats) -> Game:
    """Main effects, and products of sets of players: a player's share of a product is its slope over the set's size."""
    shapley = main.copy()
    for members, slope in zip(sets, slopes, strict=True):
        shapley[members] += slope / len(members)

    def value(z: Any) -> Floats:
        z = np.asarray(z, dtype=bool)
        of_sets = (slope * z[:, members].all(axis=1) for members, slope in zip(sets, slopes, strict=True))
        return np.asarray(z @ main + sum(of_sets), dtype=np.float64)

    return Game(name, "0", n_players, value, shapley)


def _triples() -> Game:
    """24 players: a main effect each, and 40 products of three."""
    rng = np.random.default_rng(2)
    sets = [rng.choice(24, 3, replace=False) for _ in range(40)]
    return _products("triples", 24, sets, rng.normal(size=40), rng.normal(size=24))


def _polynomial() -> Game:
    """60 players: 60 products of one to five."""
    rng = np.random.default_rng(4)
    sets = [rng.choice(60, 1 + t % 5, replace=False) for t in range(60)]
    return _products("polynomial", 60, sets, rng.normal(size=60), np.zeros(60))


def _sigmoid(n_players: int, offset: float, temperature: float) -> Game:
    """sigmoid((sum of w_i z_i + offset) / temperature), w_i = (3 i mod 11) - 5: whole, so that subsets can be counted."""
    w = (3 * np.arange(n_players)) % 11 - 5

    def curve(total: Any) -> Floats:
        return np.asarray(1.0 / (1.0 + np.exp(-(total + offset) / temperature)))

    low, high = int(w[w < 0].sum()), int(w[w > 0].sum())
    sums = np.arange(low, high + 1)
    per_size = np.array([comb(n_players - 1, size) for size in range(n_players)], dtype=np.float64)

    def share(own: int) -> float:
        """The mean over sizes of the mean over subsets of that size of what a player of that weight adds."""
        counts = np.zeros((n_players, len(sums)))  # of the others' subsets, by size and sum
        counts[0, -low] = 1.0
        for other in np.delete(w, int(np.argmax(w == own))).tolist():
            counts[1:] += np.roll(counts, other, axis=1)[:-1]  # nothing wraps: the sums range over all that can occur
        return float(np.mean(counts @ (curve(sums + own) - curve(sums)) / per_size))

    by_weight = {own: share(own) for own in set(w.tolist())}
    shapley = np.array([by_weight[own] for own in w.tolist()])
    return Game(f"sigmoid {n_players}", "0", n_players, lambda z: curve(np.asarray(z, dtype=np.float64) @ w), shapley)


BY_FORMULA: dict[str, Callable[[], Game]] = {
    "sigmoid 20": lambda: _sigmoid(20, 2.0, 4.0),
    "sigmoid 50": lambda: _sigmoid(50, 3.0, 7.0),
    "triples": _triples,
    "polynomial": _polynomial,
}


# ------------------------------------------------------------------------------------------------ games by name


def _of_table(table: str, kind: str, row: int, folder: Path) -> Game:
    """A row of a table under a model. Trees of more columns than can be listed are walked for the truth."""
    made = models.on_table(table, kind, row)
    name, case = f"{table}, {kind}", str(row)
    if made.n_players <= MOST_LISTED:
        return _tabled(name, case, made.n_players, lambda: made.value, folder)
    return Game(name, case, made.n_players, made.value, models.walked(table, kind, row))


def cases(name: str, n_cases: int, folder: Path) -> list[Callable[[], Game]]:
    """What makes the games of a name: up to n_cases rows of a table, all photos, the one draw of the others."""
    if name == "photos":
        return [
            partial(_tabled, name, photo, models.REGIONS, partial(models.on_photo, photo), folder) for photo in models.PHOTOS
        ]
    if name in LISTED:
        n_players, make = LISTED[name]
        return [partial(_tabled, name, "0", n_players, make, folder)]
    if name in BY_FORMULA:
        return [BY_FORMULA[name]]
    table, kind = name.split(", ")
    return [partial(_of_table, table, kind, row, folder) for row in models.ROWS[:n_cases]]


NAMES = (
    *(f"{table}, {kind}" for table in models.TABLES for kind in models.KINDS),
    "photos",
    *LISTED,
    *BY_FORMULA,
)
