"""Versus: the methods of a comparison set against one of them, by the same inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perturbxai.calls.describing_versus import of_versus
from perturbxai.core.types import Frame
from perturbxai.core.wording import count, figure, listed, word
from perturbxai.metrics.statistics.friedman import Friedman
from perturbxai.results import notebook
from perturbxai.results.explanation import Attribution
from perturbxai.results.tidy import Tidy


@dataclass(frozen=True, eq=False)
class Versus(Tidy):
    """What `Comparison.versus` found: each method's score less that of `against`, at the same inputs.

    table    one line a method:
             primary       whether it is of the family that was tested; of the others intervals alone are told, and no p
             inputs, left_out  inputs at which both have all scores; those at which either has a NaN
             mean, mean_against  of the scores over these inputs and their outputs, in units of the metric
             difference    above 0 where the method is better than `against`, also by a metric of which low is good
             low, high     its BCa bootstrap interval over inputs; infinite where these are too few or all differ alike
             p, p_holm     Wilcoxon's signed-rank test over inputs, and adjusted for the primary family by Holm
             rank_biserial -1 to 1: how far the signed ranks lean to the method
             win_rate, win_low, win_high  the share of inputs at which it is better, ties as half, and Wilson's interval
             p_no_worse, p_equivalent  where a margin was given: one-sided, and of two one-sided t tests; unadjusted, each
                           claim by itself
             detectable    the smallest mean difference that a single two-sided test at .05 sees with probability .8
    against, metric, better, level, margin, seed  what was asked;  better: "higher" or "lower", of the metric
    fill     "away", "home" or a fill's name;  fills: the names of all that entered
    friedman mean ranks and Friedman's test of all `methods`, `against` among them; by the fills that all can be compared
             under, NaN where there is none
    what     "row" or "picture", what an input is;  n_inputs: clusters, each with `n_outputs` differences
    results  the maps themselves, `against` among them
    """

    table: Frame
    against: str
    metric: str
    better: str
    fill: str
    fills: tuple[str, ...]
    level: float
    margin: float | None
    seed: int
    primary: tuple[str, ...]
    methods: tuple[str, ...]
    friedman: Friedman
    n_inputs: int
    n_outputs: int
    what: str
    results: Mapping[str, Attribution]

    def __repr__(self) -> str:
        lines = [
            f"{word(one['method'])} {figure(one['difference'])} [{figure(one['low'])}, {figure(one['high'])}]"
            for one in self.table.head(4).to_dict("records")
        ]
        rest = [f"and {len(self.table) - 4} more"] if len(self.table) > 4 else []
        head = f"Versus {word(self.against)} by {word(self.metric)} at {count(self.n_inputs, 'input')}"
        return f"{head}: {listed([*lines, *rest], most=5, longest=80)}"

    def _repr_html_(self) -> str:
        about = [f"by {notebook.words(self.metric)}", count(self.n_inputs, "input"), "above 0: better than the other"]
        keep = ["method", "inputs", "difference", "low", "high", "p_holm", "rank_biserial", "win_rate", "detectable"]
        return notebook.table(f"Versus {self.against}", about, self.table[keep])

    def to_frame(self) -> Frame:
        """The table, a line a method."""
        return self.table.copy()

    def describe(self) -> str:
        """In words: first which difference would have been seen, then a sentence a method, a sentence a line."""
        return "\n".join(of_versus(self))
