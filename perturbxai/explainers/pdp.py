"""PDP's value of a player: its partial dependence at what x has, less that at absence."""

from dataclasses import replace
from typing import ClassVar

import numpy as np

from perturbxai.core import checks
from perturbxai.core.deprecated import renamed
from perturbxai.core.methods import Asking, Questions
from perturbxai.core.options import options
from perturbxai.core.questions import Coalitions, Players
from perturbxai.estimation.coalitions.semivalues import Alone
from perturbxai.estimation.curves.averaged import errors_of_importance, importance_of, mean_curve
from perturbxai.estimation.curves.grid_tables import Curve, FromGrid, GridTable
from perturbxai.estimation.curves.opacity import mean_of_pairs
from perturbxai.estimation.intervals import independent, no_players
from perturbxai.estimation.survey import ROUNDING
from perturbxai.sampling.references import draw_references

CURVES = ("raw", "centred")


@renamed(centred=("curves", {False: "raw", True: "centred"}))
@options
class Pdp(Alone, Asking, FromGrid):
    """Partial dependence as one signed value a player, in units of the model's output.

    On a table: PD_j(x_j) - E f = v({j}) - v(nothing), from the coalitions of size 1 (Friedman, "Greedy function
    approximation", 2001, for the curve). It is exact on its background; `stderr_background` is the error that the draw
    of the background adds. On a picture the feature is a superpixel's opacity, averaged over reference rows in which
    each other superpixel is whole with probability t and t is uniform: the rise from 0 to 1 is then the Shapley value.

    For `effects` it is the curve itself: the mean over rows of X of the model with the column at each point of a grid. Its
    band is about that mean for all rows like these; away from the data the model is asked where no row is. On a picture
    the rows are the reference rows, and the grid is the superpixel's opacity.

    budget on a picture: P + 1 rows a reference row, drawn in antithetic pairs that are the clusters of the error.
    curves  `effects` only: "raw"; or "centred", less its mean over the drawn data, which leaves its shape. The band of a
            centred curve leaves out the errors that move all of it up or down
    name    the key of the result, "pdp" if empty
    Raises ValueError for other curves.
    """

    curves: str = "raw"
    name: str = ""
    of_curves: ClassVar[tuple[str, ...]] = ("curves",)
    law_on: ClassVar[tuple[str, ...]] = ("table",)
    added: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checks.one_of("curves", self.curves, CURVES)

    def curve(self, table: GridTable, rng: np.random.Generator) -> Curve:
        """What `effects` shows of one column or pair."""
        found = mean_curve(table, self.curves, rng)
        moments = table.moments
        assert moments is not None
        values = found.values.reshape(len(table.standing.centre), -1)
        found = replace(found, importance=importance_of(table.standing, values))
        if not moments.joint:
            return found
        n_rows = moments.weight**2 / moments.squares
        error, bias = errors_of_importance(table.standing, values, moments.error[:, :-1, :-1], n_rows)
        base = None
        if table.own is not None:
            base = table.answers / moments.weight - (moments.mean[-1] if self.curves == "centred" else 0.0)
        return replace(found, importance_stderr=error, importance_bias=bias, base=base)

    def least(self, players: Players) -> int:
        return 4 * (players.n_players + 1) + 2

    def ask(self, players: Players, budget: int, rng: np.random.Generator) -> Questions:
        n_players = players.n_players
        if n_players == 0:  # absence changes nothing; only the number of outputs is left to learn
            (values,) = yield [Coalitions(np.ones((1, 0), dtype=bool))]
            return no_players(values.shape[1])
        n_pairs = (budget - 2) // (2 * (n_players + 1))  # two are left for the ends of the game, asked besides
        _, present = draw_references(n_pairs, n_players, rng)  # (2 n_pairs, P)
        flips = present[:, None, :] ^ np.eye(n_players, dtype=bool)[None]  # (M, P, P)
        z = np.concatenate([present[:, None, :], flips], axis=1)  # (M, P + 1, P)
        (found,) = yield [Coalitions(z.reshape(-1, n_players))]
        cube = found.reshape(len(present), n_players + 1, -1)
        sign = np.where(present, 1.0, -1.0)[:, :, None]
        rise = sign * (cube[:, :1] - cube[:, 1:])  # (M, P, K)
        pairs = mean_of_pairs(rise)  # (n, P, K), stratified in t, so that the t interval errs wide
        floor = ROUNDING * np.abs(found).max(axis=0) * np.sqrt(n_players)
        stderr = np.maximum(pairs.std(axis=0, ddof=1) / np.sqrt(n_pairs), floor)
        return independent(pairs.mean(axis=0), stderr, float(n_pairs - 1), notes={"reference_rows": 2 * n_pairs})
