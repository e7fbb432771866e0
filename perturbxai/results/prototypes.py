"""Prototypes: few examples that stand for the data, and criticisms, which they do not stand for."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perturbxai.core.types import Floats, Frame, Ints, MaybeFrame, Picture
from perturbxai.core.wording import count, listed, word
from perturbxai.results import describing_prototypes, notebook
from perturbxai.results.tidy import Tidy


@dataclass(frozen=True, eq=False)
class Prototypes(Tidy):
    """What `prototypes` found.

    numbers (n,)   which of the data the prototypes are, in the order in which they were chosen (clusters: the largest first)
    share (n,)     of the data that lie nearer to each than to the others; they sum to one
    criticism_numbers (c,), witness (c,)  which of the data the criticisms are, and how much thicker (above 0) or thinner the
                   data lie there than the prototypes say, in units of the kernel, whose largest value is 1
    discrepancy (n,)  squared maximum mean discrepancy of the first 1, 2, ..., n prototypes, counting alike, from all rows
    of_a_draw      the mean of that for one row drawn at random; for n drawn with replacement it is an n-th of it
    kernel_mean    the mean of the kernel over all pairs of rows: what the discrepancy of nothing at all is
    choice         {number of prototypes: score} where the number was chosen; empty where it was given
    table          the prototypes and then the criticisms as rows of the data; None of pictures
    pictures       the same as pictures; None of a table
    ranks (n + c, D)  where each value of a number, or of a level with an order, lies among those of the data, from 0 to 1;
                   NaN of others. None of pictures
    number, nearest, witnesses (R,)  the rows that were looked at, which prototype each lies nearest to, and the witness
    there
    labels, criticism_labels  what the rows are called;  n_data, method;  meta: width of the kernel, distance, seed, rows
    """

    numbers: Ints
    share: Floats
    criticism_numbers: Ints
    witness: Floats
    discrepancy: Floats
    of_a_draw: float
    kernel_mean: float
    choice: Mapping[int, float]
    labels: tuple[Hashable, ...]
    criticism_labels: tuple[Hashable, ...]
    n_data: int
    number: Ints
    nearest: Ints
    witnesses: Floats
    method: str
    table: MaybeFrame = None
    pictures: tuple[Picture, ...] | None = None
    ranks: Floats | None = None
    meta: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def what(self) -> str:
        """What the data are of."""
        return "row" if self.pictures is None else "picture"

    @property
    def as_drawn(self) -> Floats:
        """(n,): how many rows that are drawn at random would be as little discrepant as the first 1, 2, ... prototypes."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.discrepancy > 0.0, self.of_a_draw / self.discrepancy, np.inf)

    @property
    def bound(self) -> Floats:
        """(n,): at least what share of the best possible the first 1, 2, ... prototypes reach.

        In J = kernel_mean - discrepancy, which Kim, Khanna & Koyejo (2016) maximise greedily. As no discrepancy is below 0,
        kernel_mean bounds it from above, whatever the kernel. 0 where that promises nothing.
        """
        return np.maximum(1.0 - self.discrepancy / self.kernel_mean, 0.0)

    def __repr__(self) -> str:
        shares = [f"{word(one, 24)} ({100 * part:.0f} %)" for one, part in zip(self.labels, self.share, strict=True)]
        return (
            f"<{count(len(self), 'prototype')} of {count(self.n_data, self.what)} by {self.method}: {listed(shares, 5, 50)}>"
        )

    def _repr_html_(self) -> str:
        about = [f"of {count(self.n_data, self.what)}", f"by {notebook.words(self.method)}"]
        return notebook.table("Prototypes", about, self.to_frame())

    def describe(self) -> str:
        """What stands for the data, how well, and what does not, in words, a sentence a line."""
        return "\n".join(describing_prototypes.of_prototypes(self))

    def to_frame(self) -> Frame:
        """A line a prototype and then a criticism: which row it is, the share of the data nearest to it, or its witness, and
        what it has in the columns of the data."""
        import pandas as pd

        n, c = len(self.numbers), len(self.criticism_numbers)
        gap = np.full(n, np.nan), np.full(c, np.nan)
        found = pd.DataFrame(
            {
                "example": ["prototype"] * n + ["criticism"] * c,
                "row": pd.Series([*self.labels, *self.criticism_labels], dtype=object),
                "number": np.concatenate([self.numbers, self.criticism_numbers]),
                "share": np.concatenate([self.share, gap[1]]),
                "witness": np.concatenate([gap[0], self.witness]),
                "discrepancy": np.concatenate([self.discrepancy, gap[1]]),
            }
        )
        if self.table is None:
            return found
        own, names = self.table.reset_index(drop=True), list[str]()
        taken = set(map(str, found.columns))
        for name in map(str, own.columns):
            while name in taken:
                name += " (data)"
            taken.add(name)
            names.append(name)
        own.columns = pd.Index(names)
        both: Frame = pd.concat([found, own], axis=1)
        return both
