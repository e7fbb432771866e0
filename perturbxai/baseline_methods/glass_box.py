"""Exact Shapley values, read from the model: trees, forests, boosting, linear and additive models."""

from math import comb
from typing import Any

import numpy as np

from perturbxai.baseline_methods.kinds import OfRow, TableRow
from perturbxai.baseline_methods.tree_models import Tree, read
from perturbxai.core.compiled import kernels, tree_kernels
from perturbxai.core.options import options
from perturbxai.core.types import Codes, Floats, Ints
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.predictor import ModelError, Predictor

MISREAD = 1e-6  # of the outputs' size; a float32 table costs a linear model 1e-7
ROUNDING = 1e-9  # of the values' size, by which an additive model may miss its sum
ROUNDING_32 = 1e-5  # the same, of a network in float32
ROWS = 4096  # of x, and of the background, that go down a tree together
CELLS = 1 << 22  # (background row, node) answers in memory at once


@options
class GlassBox(OfRow):
    """Exact interventional Shapley values under the space's background (P, K), in output units, read from the model.

    The truth of comparisons on tables, without sampling and with no row of the model. Trees are walked once for each pair of
    x and background row: a leaf that is reached with the players A of x and B of the background gives its value times
    (|A| - 1)! |B|! / (|A| + |B|)! to each of A, and takes value |A|! (|B| - 1)! / (|A| + |B|)! from each of B. Lundberg
    et al., "From local explanations to global understanding with explainable AI for trees" (2020); Laberge & Pequignot,
    "Understanding interventional TreeSHAP: how and why it works" (2022). Rows take the branches that scikit-learn's own
    prediction takes (float32, missing values, categories). A linear model's value is slope times (x - background mean). A
    group of columns is one player, exactly; background weights count.

    Reads scikit-learn's decision trees, random forests and extra trees (regressors; classifiers on "probability", a single
    tree also on "logit"), GradientBoosting and HistGradientBoosting (regressors; classifiers on "logit"), linear regressors
    and classifiers ("logit"), alone or behind scalers in a pipeline. Refused: other models (TypeError), and scales on which
    the model is no sum (ValueError). `meta["gap"]` is v(N) - v(nothing) less the values' sum, by output, with v from the
    model itself: rounding, or ModelError if the model was misread. `meta["own_seconds"]`: what reading and walking took.

    additive  for a model of any kind that is a sum of functions of one player each: asks v({j}) alone, B rows a player.
              Refused (ValueError) if the values do not sum to v(N) - v(nothing) within rounding
    name      the key of the result, "glass_box" if empty

    >>> import numpy as np, perturbxai as px
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> predictor = px.Predictor(DecisionTreeRegressor().fit(X, X[:, 0] * X[:, 1]))
    >>> px.baselines("glass_box", predictor, px.TabularSpace(X[:1]), X[3])["glass_box"].values[0, :, 0].tolist()
    [0.5, 0.5]
    """

    additive: bool = False
    name: str = ""

    def check_table(self, predictor: Predictor, space: TabularSpace) -> None:  # noqa: ARG002
        """Everything that can be known without the model's answers. Raises TypeError or ValueError."""
        if self.additive:
            return
        try:
            read(predictor.estimator())
        except TypeError as error:
            raise TypeError(f"glass_box: {error}") from error

    def of_row(self, row: TableRow) -> tuple[Floats, dict[str, Any]]:
        """(P, K), and notes. Raises ModelError if the model was misread, ValueError if it is not additive."""
        values = self._values(row)
        gap = row.rise - values.sum(axis=0)
        size = np.maximum(np.abs(row.base), np.abs(row.prediction)) + np.abs(values).sum(axis=0)
        share = float((np.abs(gap) / np.where(size > 0, size, 1.0)).max())
        exact = row.predictor.plan.get("precision", "float64") == "float64"
        if self.additive and share > (ROUNDING if exact else ROUNDING_32):
            raise ValueError(
                f"glass_box: additive=True, but at input {row.number} the values miss v(N) - v(nothing) by {gap.tolist()}; "
                "the model is not additive in these players (or computes in float32). Take 'kernel_shap' with budget=2^P."
            )
        if share > MISREAD:
            raise ModelError(
                f"glass_box: what was read of the model misses its own answers by {gap.tolist()} at input {row.number}; "
                "this kind or version of model is not read rightly. Take 'kernel_shap' with budget=2^P, which asks alone."
            )
        return values, {"gap": gap.tolist()}

    def _values(self, row: TableRow) -> Floats:
        """(P, K): v({j}) - v(nothing), of which an additive game is made, or what was read."""
        if self.additive:
            return np.asarray(row.game.evaluate(np.eye(row.space.n_players, dtype=bool), row.number) - row.base)
        # all rows of a call are walked at the first, so that each tree is read once
        return np.asarray(row.once("glass_box", lambda: _walk_all(row))[row.number])


def _walk_all(row: TableRow) -> Floats:
    """(N, P, K): values of all inputs of the game."""
    space, kept = row.space, row.predictor.estimator()
    found = read(kept)
    codes = np.stack([one.codes for one in row.game.table_rows])
    x, background = (found.prepare(kept._as_trained(space.columns.plain(c))) for c in (codes, space.background))
    player, weights = space.player_of_column[found.column], space.background_weights
    values = np.zeros((len(x), space.n_players, len(row.columns)))
    if found.slopes is not None:
        parts = (x - weights @ background)[:, :, None] * found.slopes[:, row.columns]  # (N, D, K)
        np.add.at(values.swapaxes(0, 1), player, parts.swapaxes(0, 1))
        return values
    down, across = (np.ascontiguousarray(rows.T, dtype=np.float64) for rows in (x, background))
    for tree in found.trees():
        present, absent = tree.codes(x, down), tree.codes(background, across)
        _add_tree(tree, present, absent, player, weights, row.columns, values)
    return values


def _add_tree(tree: Tree, x: Codes, background: Codes, player: Ints, weights: Floats, columns: Ints, values: Floats) -> None:
    """Add one tree's Shapley values to (N, P, K), for the outputs `columns` that are explained.

    x, background  rows as the tree's `codes` has them, a line a column
    """
    into, which = np.nonzero(columns[:, None] == tree.outputs)
    if not len(into):
        return
    longest = min(values.shape[1], tree.depth)
    out = np.zeros((x.shape[1], values.shape[1], len(into)))
    leaves, shares = np.ascontiguousarray(tree.values[:, which]), _shares(longest)
    column, threshold = tree.questions(len(x))
    nodes = np.column_stack([tree.children, column, tree.missing_left, player[tree.feature]]).astype(np.int64)
    if longest > tree_kernels.PLAYERS_A_PATH:
        _walk_pairs(tree, nodes, x, background, leaves, weights, shares, out)
    else:
        for some in _steps(background.shape[1], ROWS):
            absent = np.ascontiguousarray(background[:, some])
            for these in _steps(x.shape[1], ROWS):
                present = np.ascontiguousarray(x[:, these])
                tree_kernels.share_tree(nodes, threshold, leaves, present, absent, weights[some], shares, out[these])
    values[:, :, into] += out


def _walk_pairs(
    tree: Tree, nodes: Ints, x: Codes, background: Codes, leaves: Floats, weights: Floats, shares: Floats, out: Floats
) -> None:
    """The same where a path asks for more players than a number has bits: row by row, with each background row."""
    scratch = np.zeros((5, max(out.shape[1], len(shares))), dtype=np.int64)
    walked, step = np.ascontiguousarray(nodes[:, [0, 1, 4]]), max(1, CELLS // len(nodes))
    for these in _steps(x.shape[1], step):
        left_of_x = tree.goes_left(x[:, these])
        for some in _steps(background.shape[1], step):
            left_of_b = tree.goes_left(background[:, some])
            kernels.walk_tree(walked, leaves, left_of_x, left_of_b, weights[some], shares, scratch, out[these])


def _steps(n: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, n, size)]


def _shares(longest: int) -> Floats:
    """(S + 1, S + 1): (a - 1)! b! / (a + b)! = 1 / (a C(a + b, a)), what a leaf gives to each of a players beside b."""
    found = np.zeros((longest + 1, longest + 1))
    for a in range(1, longest + 1):
        for b in range(longest + 1 - a):
            found[a, b] = 1 / (a * comb(a + b, a))
    return found
