"""Two results of one method, player by player: what the means, the mean sizes and single inputs of them differ by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perturbxai.core.types import Bools, Floats
from perturbxai.metrics.statistics import mean_differences
from perturbxai.metrics.statistics.mean_differences import ROUNDING, error_of_difference, summed, together
from perturbxai.results.contrast import Contrast
from perturbxai.results.explanation import Attribution
from perturbxai.results.importance import folded

QUESTIONS = 2  # means and sizes, which are looked at together


@dataclass(frozen=True, eq=False)
class Side:
    """The arrays of one of two results, its players and outputs in the order that both have.

    values, stderr  (N, P, K);  background: the error that a drawn background adds, 0 where none was drawn
    df              (N,) degrees of freedom of each input's errors
    scale           (K,) the largest number that values were made of: differences far below it are rounding
    in_common       the errors of the inputs are one and the same: one set of answers served all
    still           (P,) players that absence changes at no input, as of a column with a single value
    """

    values: Floats
    stderr: Floats
    background: Floats
    df: Floats
    scale: Floats
    in_common: bool
    still: Bools

    @classmethod
    def of(cls, result: Attribution, names: Sequence[str], outputs: Sequence[str]) -> Side:
        """The players and outputs of these names, which the result has."""
        at = np.ix_(
            range(len(result)), [result.names.index(one) for one in names], [result.outputs.index(one) for one in outputs]
        )
        values, stderr, drawn = result.values[at], result.stderr[at], result.stderr_background
        made_of = np.concatenate([np.abs(result.prediction), np.abs(result.base)])[:, at[2].ravel()]
        scale = np.maximum(np.nan_to_num(made_of, posinf=0.0).max(axis=0), np.abs(values).max(axis=(0, 1)))
        merged = set.intersection(*(set(map(str, e.meta.get("merged", ()))) for e in result))
        return cls(
            values, stderr, np.zeros_like(values) if drawn is None else drawn[at], np.array([e.df for e in result]), scale,
            bool(result.meta.get("errors_in_common")), np.array([name in merged for name in names]),
        )  # fmt: skip

    def sizes(self) -> Floats:
        """(N, P, K): |value| less what noise adds to a size, as `importance` has it, where the noise is known.

        No mean over inputs is below 0: an error that bounds what was not seen, as of a game that the questions tell exactly,
        is more than the noise, and would take from a size more than there is.
        """
        size = np.abs(self.values)
        mean, _ = folded(self.values, self.stderr)
        found = np.where(np.isfinite(mean), 2.0 * size - mean, size)
        return np.asarray(found - np.minimum(found.mean(axis=0), 0.0))

    def mean_size(self) -> Floats:
        """(P, K)"""
        return np.asarray(np.maximum(self.sizes().mean(axis=0), 0.0))  # of -1e-17

    def common(self, signs: Floats | float = 1.0) -> tuple[Floats, Floats]:
        """(P, K) each: errors of the mean that all inputs share, of one set of answers and of one background.

        signs  (N, P, K) of the values for the mean of sizes, to first order: as if a background's error were the same at
               all inputs, which it is where players act alone
        """
        asked = self.stderr.mean(axis=0) if self.in_common else np.zeros(self.values.shape[1:])
        return asked, np.abs((signs * self.background).mean(axis=0))


def rounded(difference: Floats, scale: Floats) -> Floats:
    """Differences (..., K) with 0 for what is rounding."""
    return np.asarray(np.where(np.abs(difference) <= ROUNDING * scale, 0.0, difference))


def of_means(a: Side, b: Side, of_pairs: bool, one_background: bool, level: float) -> Contrast:
    """(P, K): the mean value of b less that of a."""
    return _contrast(a, b, (a.values, b.values), (1.0, 1.0), of_pairs, one_background, level)


def of_sizes(a: Side, b: Side, of_pairs: bool, one_background: bool, level: float) -> Contrast:
    """(P, K): the mean size of b less that of a."""
    signs = np.sign(a.values), np.sign(b.values)
    return _contrast(a, b, (a.sizes(), b.sizes()), signs, of_pairs, one_background, level)


def _contrast(
    a: Side, b: Side, measured: tuple[Floats, Floats], signs: tuple[Floats | float, Floats | float], of_pairs: bool,
    one_background: bool, level: float,
) -> Contrast:  # fmt: skip
    """of_pairs: the inputs are the same;  one_background: and so are the rows that stand for what is hidden."""
    (asked_a, rows_a), (asked_b, rows_b) = a.common(signs[0]), b.common(signs[1])
    share = together(a.values, b.values) if of_pairs and one_background else 0.0
    common = np.hypot(np.hypot(asked_a, asked_b), error_of_difference(rows_a, rows_b, share))
    scale, still = np.maximum(a.scale, b.scale), a.still & b.still
    first, second = measured
    if of_pairs:
        found = mean_differences.paired(rounded(second - first, scale), common, still)
    else:
        found = mean_differences.groups(first, second, common, still)
    difference = rounded(found.difference, scale)
    return Contrast(difference, found.stderr, found.df, level, QUESTIONS * len(difference))


def of_inputs(a: Side, b: Side, one_background: bool, level: float) -> Contrast:
    """(N, P, K): at each of the same inputs b less a, with the errors of both values, the players of an input a family.

    The errors of drawn coalitions count as independent. The same seed asks both models the same, and then they go together:
    the error is too large then rather than too small.
    """
    scale = np.maximum(a.scale, b.scale)
    share = together(a.values, b.values) if one_background else 0.0
    drawn = error_of_difference(a.background, b.background, share)
    parts: list[tuple[Floats, float | Floats]] = [
        (a.stderr**2, a.df[:, None, None]), (b.stderr**2, b.df[:, None, None]), (drawn**2, np.inf),
    ]  # fmt: skip
    stderr, df = summed(parts)
    return Contrast(rounded(b.values - a.values, scale), stderr, df, level, a.values.shape[1])
