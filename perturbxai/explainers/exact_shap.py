"""Exact Shapley values: all coalitions are asked."""

from dataclasses import replace
from typing import ClassVar

from perturbxai.core.evaluations import Estimate, Evaluations, Law
from perturbxai.core.methods import FromCoalitions
from perturbxai.core.options import options
from perturbxai.estimation.coalitions import semivalues
from perturbxai.sampling import laws

MOST_PLAYERS = 24  # 16.8 million coalitions, whose table takes half a gigabyte


@options
class ExactShap(FromCoalitions):
    """Shapley values from all 2^P coalitions, in units of the model's output.

    phi_i = sum over S without i of |S|! (P - |S| - 1)! / P! * [v(S + i) - v(S)] (Shapley, "A value for n-person games",
    1953), summed as it stands. There is no error of drawn coalitions; `stderr` is rounding. The table is shared with all
    methods of coalitions in the call, which are then exact too, and without `budget=` up to 16 players are listed. More
    need a budget of 2^P, and more than 24 are refused: kernel_shap and permutation_shap draw.

    name  the key of the result, "exact_shap" if empty

    >>> import numpy as np, perturbxai as px
    >>> space = px.TabularSpace(np.zeros((1, 3)))
    >>> model = px.Predictor(lambda X: X[:, 0] * X[:, 1] * X[:, 2] + X[:, 0])
    >>> px.explain("exact_shap", model, space, np.ones((1, 3)))["exact_shap"].values[0, :, 0].round(6)
    array([1.333333, 0.333333, 0.333333])
    """

    name: str = ""
    lists_up_to: ClassVar[int] = 16
    wants_groups: ClassVar[bool] = True

    def law(self, n_players: int) -> Law:
        """Shapley's, which needs all coalitions. Raises ValueError for more players than can be listed."""
        if n_players > MOST_PLAYERS:
            raise ValueError(
                f"exact_shap: {n_players} players have 2^{n_players} coalitions, more than can be listed; at most "
                f"{MOST_PLAYERS} players are. Take kernel_shap or permutation_shap, or merge players into groups."
            )
        way = " exact_shap asks all coalitions; kernel_shap and permutation_shap draw some."
        return replace(laws.shapley(n_players), minimum=2**n_players, remedy=way)

    def estimate(self, table: Evaluations) -> Estimate:
        """Values (P, K) from a table of all coalitions. Raises ValueError if the table is a sample."""
        if not table.design.listed:
            raise ValueError(
                f"exact_shap needs all 2^{table.design.n_players} coalitions, and the table holds a sample of "
                f"{len(table.design.z) + 2}. Take kernel_shap, raise budget, or merge players into groups."
            )
        return semivalues.exact_of_table(table, semivalues.shapley_weights(table.design.n_players))
