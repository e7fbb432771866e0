"""The scores of a comparison by one metric as an array: methods, inputs, outputs and fills, means over seeds within."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from perturbxai.core.types import Bools, Floats, Frame, Ints

AWAY, HOME = "away", "home"
ROUNDING = 1e-12  # of the scores' size: a difference below it is none


def unit_numbers(scores: Frame) -> Ints:
    """(lines,): the number of the input that each line of `Comparison.scores` is of, in the order they come.

    Labels of rows may repeat: the second line that a method, output, metric, fill and seed have for a label is of the second
    input that is called so.
    """
    seeds = ["seed"] if "seed" in scores else []
    one = ["method", "row", "output", "metric", "scored_fill", *seeds]
    again = scores.groupby(one, dropna=False, sort=False).cumcount()  # 0 where labels are different
    return np.asarray(again.groupby([scores["row"], again], dropna=False, sort=False).ngroup().to_numpy(), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Board:
    """Scores of M methods at N inputs, by output and fill.

    values (M, N, K, F): means over seeds; NaN where there is none, or one is NaN
    home (M, F): whether a method's map was explained under that fill
    """

    methods: tuple[str, ...]
    fills: tuple[str, ...]
    values: Floats
    home: Bools

    @classmethod
    def of(cls, scores: Frame, methods: Sequence[str], metric: str) -> Self:
        """Of the scores of a comparison: those of the methods that were scored by the metric, in their order."""
        lines = scores[scores.metric == metric]
        there = set(lines.method)
        names = [name for name in methods if name in there]
        lines = lines[lines.method.isin(names)]
        outputs, fills = list(dict.fromkeys(lines.output)), list(dict.fromkeys(lines.scored_fill))
        at = (
            lines.method.map({name: n for n, name in enumerate(names)}).to_numpy(dtype=np.int64),
            np.unique(unit_numbers(lines), return_inverse=True)[1],
            lines.output.map({name: n for n, name in enumerate(outputs)}).to_numpy(dtype=np.int64),
            lines.scored_fill.map({name: n for n, name in enumerate(fills)}).to_numpy(dtype=np.int64),
        )
        shape = (len(names), int(at[1].max(initial=-1)) + 1, len(outputs), len(fills))
        total, count, home = np.zeros(shape), np.zeros(shape), np.zeros((shape[0], shape[3]), dtype=bool)
        np.add.at(total, at, lines.value.to_numpy(dtype=np.float64))
        np.add.at(count, at, 1.0)
        home[at[0], at[3]] |= lines.home.to_numpy(dtype=bool)
        return cls(tuple(names), tuple(map(str, fills)), np.where(count > 0, total, np.nan) / np.maximum(count, 1.0), home)

    def fills_for(self, numbers: Sequence[int], fill: str) -> list[int]:
        """The fills, by number, under which methods are set against each other: the same for all of them.

        numbers  of the methods;  fill: "away", those that are home to none of them, and the only one where there is one;
                 "home", those that are home to any of them (of maps that no fill enters, to any method); or a fill's name
        """
        every = range(len(self.fills))
        at_home = np.asarray(self.home[list(numbers)].any(axis=0))
        if fill == AWAY:
            return [f for f in every if not at_home[f] or len(self.fills) == 1]
        if fill == HOME:
            anywhere = at_home if at_home.any() else np.asarray(self.home.any(axis=0))
            return [f for f in every if anywhere[f]]
        return [self.fills.index(fill)]

    def scores(self, method: int, fills: Sequence[int]) -> Floats:
        """(N, K): a method's mean over fills; NaN where one of them is."""
        if not fills:
            return np.full(self.values.shape[1:3], np.nan)
        return np.asarray(self.values[method][:, :, list(fills)].mean(axis=2))

    def apart(self, method: str, other: str, fill: str) -> Floats:
        """(N,): a method's score less another's, mean over outputs and over the fills that they share (see `fills_for`).

        0 where rounding parts them; NaN where either lacks one, or there is no such fill.
        """
        numbers = [self.methods.index(one) for one in (method, other)]
        fills = self.fills_for(numbers, fill)
        own, others = (self.scores(number, fills).mean(axis=1) for number in numbers)
        scale = np.nanmax(np.abs([own, others]), initial=0.0)
        return np.where(np.abs(own - others) <= ROUNDING * scale, 0.0, own - others)
