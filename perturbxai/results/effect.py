"""Effects: what `effects` returns of one column or pair. Frozen, in numbers and names, able to become a tidy table."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perturbxai.core.deprecated import renamed
from perturbxai.core.methods import Method, OfCurves
from perturbxai.core.types import Bools, Data, Floats, Frame, Ints, Labels, Picture
from perturbxai.core.wording import by_output, count, figure, listed, place, word
from perturbxai.results import describing, describing_effects, notebook
from perturbxai.results.effect_reading import Reading
from perturbxai.results.regions import RegionsFound
from perturbxai.results.tidy import LEVEL, Tidy, by_line, factor, student

EffectKey: TypeAlias = str | tuple[str, ...]
"""A column, a pair of them, or a superpixel."""


@dataclass(frozen=True, eq=False)
class Superpixel:
    """What stands behind an effect on a photo: which superpixel, and what it does from hidden (opacity 0) to whole (1).

    picture (H, W, C), labels (H, W), number: the photo, its cut, and which label this one is
    rise, stderr (K,): the curve at 1 less the curve at 0;  df: degrees of freedom of its interval, a number or (K,)
    climb_stderr (G, K): standard error of the curve less its value at 0, without what moves it up or down as a whole
    at_half (K,)       the least opacity with half of the rise; NaN where only the ends of the curve are known
    variation (K,)     the curve's way up and down over |rise|: 1 where it is monotone; NaN alike
    non_monotone (K,)  share of the reference rows' curves that both rise and fall, by more than a hundredth of the widest
                       range among them; NaN where these are not known (ALE, and curves of two ends)
    """

    picture: Picture
    labels: Labels
    number: int
    rise: Floats
    stderr: Floats
    df: float | Floats
    climb_stderr: Floats
    at_half: Floats
    variation: Floats
    non_monotone: Floats

    def interval(self, level: float = LEVEL) -> tuple[Floats, Floats]:
        """Lower and upper ends of the rise, each (K,), by Student's t. Raises ValueError for a level outside (0, 1)."""
        half = student(level, self.df) * self.stderr
        return self.rise - half, self.rise + half


@renamed(rows="individual_rows")
@dataclass(frozen=True, eq=False)
class Effect(Tidy):
    """The effect of one column, of two together, or of a superpixel's opacity, in units of the model's output.

    names   of the columns, one or two;  outputs (K,) names of the model's outputs
    grid    for each column the points (G,) of the curve, in the table's own values, a missing value last; on a photo
            opacities from 0 to 1
    values  (G..., K) the curve, or of two columns the surface, at these points
    stderr  (G..., K) its standard error, from having asked these rows and not all rows like them: infinite where too few
            rows tell it, rounding where nothing was drawn
    df      degrees of freedom of the interval at a point, a number or (G..., K)
    critical  (K,) or (G..., K): values +- critical * stderr holds the whole curve at once in 95 % of draws
    counts  how many rows of the data are behind it. PDP, ICE: at each level, or in each bin between two points (with its
            upper end), missing values last. ALE: behind each step from a point to the next; of two columns behind each cell
    extrapolated  ALE: True for steps or cells without a row, which take the value of the nearest that have some; else None
    importance (K,)  how far the curve varies over the data: its standard deviation over the drawn rows, with their weights,
            read on straight lines between points and flat beyond them. ICE: the mean of that of the rows' curves. A photo:
            the size of the rise, as opacities have no data. Rows with a missing value count if the grid has a point for it
    heterogeneity  how much the rows differ, which is no error: the standard deviation of their curves at each point (PDP,
            ICE), or of their steps (ALE: the shape of `counts`, and K)
    individual (n, G..., K)  ICE: the curves of n drawn rows;  individual_rows: the labels of these rows. Else both None
    differences (L, L, K), differences_stderr  ALE of L levels without an order: what changing the first level to the second
            adds, over the rows that have either; else None
    groups  the same for the rows of each value of the `by` column, or of each region, on the same grid; empty without
    regions  of `regions=`: into which parts the rows fall, how much less they disagree there, and what chance would do
    superpixel  on a photo: the rise with its error and the shape of the curve in numbers, and the photo; else None
    importance_stderr (K,), importance_bias (K,)  the standard error of `importance`, and how much of it is the curve's
            noise; None on a photo, for surfaces of PDP, and for those of ALE with more than 900 points
    reach_stderr (K,)  of one column: the standard error of the curve's highest point less its lowest (missing values apart),
            without what moves both up or down alike, which is most of a PDP's; else None
    reading  of one column: what `attribution` needs to know beside the curve; else None
    method  the frozen method object;  meta: the keys of `Attribution`, and of how it was drawn
    """

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    grid: tuple[NDArray[Any], ...]
    values: Floats
    stderr: Floats
    critical: Floats
    df: float | Floats
    counts: Ints
    importance: Floats
    heterogeneity: Floats
    method: Method
    extrapolated: Bools | None = None
    individual: Floats | None = None
    individual_rows: tuple[Hashable, ...] | None = None
    differences: Floats | None = None
    differences_stderr: Floats | None = None
    groups: Mapping[Hashable, Effect] = field(default_factory=dict)
    superpixel: Superpixel | None = None
    importance_stderr: Floats | None = None
    importance_bias: Floats | None = None
    reach_stderr: Floats | None = None
    reading: Reading | None = None
    regions: RegionsFound | None = None
    meta: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        shape = " x ".join(f"{len(axis):,}" for axis in self.grid)
        head = f"Effect of {' and '.join(word(name) for name in self.names)} by {type(self.method).__name__}: {shape} points"
        return by_output(head, self.outputs, self._told)

    def _repr_html_(self) -> str:
        about = [f"{' and '.join(self.names)} by {type(self.method).__name__}", count(self.values[..., 0].size, "point")]
        return notebook.table("Effect", list(map(notebook.words, about)), self.to_frame())

    def _told(self, k: int) -> str:
        """The line of an output: how far the curve goes, and how much that is."""
        curve = self.values[..., k]
        known = np.flatnonzero(np.isfinite(curve))
        told = []
        for end in known[[curve.flat[known].argmin(), curve.flat[known].argmax()]] if known.size else ():
            at = [axis[i] for axis, i in zip(self.grid, np.unravel_index(end, curve.shape), strict=True)]
            told.append(f"{figure(curve.flat[end])} at {listed(list(map(place, at)))}")
        if self.superpixel is not None:
            size = f"rise {figure(self.superpixel.rise[k], self.superpixel.stderr[k])}"
        else:
            stderr = None if self.importance_stderr is None else self.importance_stderr[k]
            size = f"deviation over the data {figure(self.importance[k], stderr)}"
        return f"{' to '.join(told) or 'not known'}; {size}"

    @property
    def declared(self) -> OfCurves:
        """What the method tells of its curve; of somebody else's object, that it is a plain mean."""
        return self.method if isinstance(self.method, OfCurves) else OfCurves()

    def interval(self, level: float = LEVEL, *, simultaneous: bool = False) -> tuple[Floats, Floats]:
        """Lower and upper ends, each (G..., K): pointwise by Student's t, or simultaneous over the grid.

        What they are about is said by the method's docstring. Raises ValueError for a level outside (0, 1), or a
        simultaneous level other than the kept 0.95.
        """
        half = factor(level, student(level, self.df), simultaneous, self.critical, "band") * self.stderr
        return self.values - half, self.values + half

    def attribution(self, x: Data, *, base: ArrayLike | None = None) -> Floats:
        """(N, K): the value of the column at rows x (N, D) of its table, as `explain` gives it, without asking the model.

        The curve at the row's value less the curve at absence, which is the background of the space; in output units.
        PDP   the curve less the model's mean. What `explain` gives if the curve is over the background (x=X with
              TabularSpace(X, background="all"), no more rows than are drawn) and the value of the row is a point of the
              grid. The mean is that over the drawn rows, read from their own curves: exact where the values of all are
              points, as they are of columns taken value by value and for grid={"bmi": np.unique(X.bmi)}
        ICE   the row's own curve less its mean over the background, for rows whose curves are kept. What `explain` gives if
              the values of the row and of the background are points of the grid
        ALE   the curve less its mean over the background. What `explain` gives for columns of numbers taken in bins, with
              the table of the space as x, and its seed: both then have the same rows and bins, and read straight lines
              between edges
        Elsewhere numbers are read on straight lines between points. ALE goes on flat beyond the last one, as in `explain`.

        base  PDP: the model's mean (K,) where it is known better, such as results["pdp"].base[0] of `explain`
        Raises ValueError for values that no point of the curve is near (outside a PDP or ICE, levels that no drawn row has,
        missing values of an ALE), for pairs, photos and derivatives, for rows without a kept ICE curve, and if the
        background, or for PDP the drawn rows, reach beyond the grid.
        """
        if self.reading is None:
            why = (
                f"{self.names[0]!r} is a superpixel: its value is effect.superpixel.rise" if self.superpixel is not None
                else "a surface of two columns is of no single one: ask for the columns alone" if len(self.names) > 1
                else "a curve of derivatives has no value at a row: take another curves="
            )  # fmt: skip
            raise ValueError(f"attribution: {why}.")
        if base is not None and self.declared.averages and self.declared.curves == "centred":
            raise ValueError('base: the level of this curve was taken away (curves="centred"); leave base out.')
        return self.reading.attribution(self.values, self.individual, x, base)

    def describe(self, *, output: str | int | None = None) -> str:
        """What the curve does in words, a sentence a line: which way, how far, whether rows disagree, where data are few.

        output  name or number of one; None for the first few.  Raises ValueError for an unknown output.
        """
        shown = describing.chosen(self.outputs, output)
        return describing.told([describing_effects.of_effect(self, k) for k in shown])

    def to_frame(self) -> Frame:
        """A tidy table: one line a point and output (and group), with the pointwise and the simultaneous 95 % band.

        On a photo each line also has the superpixel's rise and the shape of its curve in numbers.
        """
        import pandas as pd

        if not self.groups:
            return self._own_frame()
        parts = {"all": self, **self.groups}
        frames = [one._own_frame() for one in parts.values()]
        for group, frame in zip(parts, frames, strict=True):
            frame.insert(0, "group", pd.Series([group] * len(frame), dtype=object))
        return pd.concat(frames, ignore_index=True)

    def _own_frame(self) -> Frame:
        places = np.meshgrid(*[np.arange(len(axis)) for axis in self.grid], indexing="ij")
        lines: dict[str, Any] = {"method": self.meta.get("name", type(self.method).__name__)}
        for number, (name, axis, at) in enumerate(zip(self.names, self.grid, places, strict=True)):
            mark = "" if len(self.grid) == 1 else ("_a", "_b")[number]
            lines |= {f"feature{mark}": name, f"at{mark}": axis[at.ravel()]}
        numbers = dict(zip(("value", "stderr", "low", "high"), (self.values, self.stderr, *self.interval()), strict=True))
        numbers["low_simultaneous"], numbers["high_simultaneous"] = self.interval(simultaneous=True)
        if self.superpixel is not None:
            numbers |= {"rise": self.superpixel.rise, "rise_stderr": self.superpixel.stderr}
            numbers |= {name: getattr(self.superpixel, name) for name in ("at_half", "variation", "non_monotone")}
        return by_line(lines, self.outputs, numbers)


Effects: TypeAlias = Effect | Sequence[Effect] | Mapping[Any, Effect] | Mapping[Any, Mapping[Any, Effect]]
"""What `effects` returned: all of it, the mapping of a method, or some or one of them."""
