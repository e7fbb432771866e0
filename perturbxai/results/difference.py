"""Difference: two results of one method set against each other, player by player."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perturbxai.core.types import Floats, Frame, PlayerValues
from perturbxai.core.wording import by_output, count, leading, word
from perturbxai.results import describing_differences, notebook
from perturbxai.results.contrast import Contrast
from perturbxai.results.describing import chosen, told
from perturbxai.results.explanation import Attribution
from perturbxai.results.tidy import Tidy, by_line, text

ENDS = ("low", "high")


@dataclass(frozen=True, eq=False)
class Difference(Tidy):
    """What `difference` found, in units of the model's output: always b less a. Arrays are (P, K) but where it says else.

    mean_a, mean_b  of the values over the inputs of each side
    size_a, size_b  of their sizes |value|, less what noise adds to a size, as `Importance.corrected`: never below 0, where
                    `of_sizes` may have a little more for a feature that does nothing
    of_means, of_sizes  their differences with errors: `.difference`, `.stderr`, `.df`, `.interval(simultaneous=...)`, `.p`,
                    `.moved`. All players of an output are one family, and both questions with them
    of_inputs       the same (N, P, K) at each of the same inputs, with the errors of both values alone, the players of an
                    input as the family; None of groups
    a, b            (N, P, K) and (M, P, K): the values themselves, players and outputs in one order
    called          what the two are called;  results: both, by these names
    paired          whether they are of the same inputs, by two models; else of two groups of inputs
    names (P,), outputs (K,), labels: of the inputs of a;  name: of the method's result;  level: of all intervals
    notes           sentences on what else differs, and on what the intervals stand
    """

    mean_a: PlayerValues
    mean_b: PlayerValues
    size_a: PlayerValues
    size_b: PlayerValues
    of_means: Contrast
    of_sizes: Contrast
    of_inputs: Contrast | None
    a: Floats
    b: Floats
    called: tuple[str, str]
    results: Mapping[str, Attribution]
    paired: bool
    names: tuple[str, ...]
    outputs: tuple[str, ...]
    labels: tuple[Any, ...]
    name: str
    level: float
    notes: tuple[str, ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def n_inputs(self) -> tuple[int, int]:
        """How many of a, and of b."""
        return len(self.a), len(self.b)

    @property
    def on_photos(self) -> bool:
        """Whether the players are superpixels."""
        return np.ndim(next(iter(self.results.values()))[0].input) > 1

    @property
    def what(self) -> str:
        """What an input is."""
        return "picture" if self.on_photos else "row"

    def __repr__(self) -> str:
        n, m = self.n_inputs
        of = f"at {count(n, self.what)}" if self.paired else f"at {m:,} and {count(n, self.what)}"
        head = f"Difference of {word(self.name)}, {word(self.called[1])} less {word(self.called[0])}, {of}"
        apart = self.of_means
        return by_output(
            f"{head}: mean values ± standard error", self.outputs,
            lambda k: leading(self.names, apart.difference[:, k], apart.stderr[:, k]),
        )  # fmt: skip

    def _repr_html_(self) -> str:
        n, m = self.n_inputs
        about = [
            f"{notebook.words(self.called[1])} less {notebook.words(self.called[0])}",
            count(n, self.what) if self.paired else f"{m:,} and {count(n, self.what)}",
            f"mean values, {100 * self.level:g} % intervals",
        ]
        ends = (self.of_means.difference, *self.of_means.interval())
        return notebook.bars(f"Difference of {self.name}", about, self.outputs, self.names, ends)

    def to_frame(self) -> Frame:
        """A tidy table: one line a feature and output.

        mean_a, mean_b, difference, stderr, low, high, low_simultaneous, high_simultaneous, p, moved are of the mean values;
        size_a, size_b and what begins with "size_" are the same of the mean sizes. p is adjusted for all features of the
        output and both questions, and `moved` is what its simultaneous interval says.
        """
        numbers = {"mean_a": self.mean_a, "mean_b": self.mean_b, **_told(self.of_means, "")}
        numbers |= {"size_a": self.size_a, "size_b": self.size_b, **_told(self.of_sizes, "size_")}
        about = {"method": self.name, "a": self.called[0], "b": self.called[1], "feature": text(self.names)}
        return by_line(about, self.outputs, numbers)

    def rows_frame(self) -> Frame:
        """A tidy table of the same inputs: one line a row, feature and output.

        a, b, difference, its stderr and interval from the errors of both values, and whether it is beyond the noise of all
        features of this row at once.  Raises ValueError for groups, whose inputs are not the same.
        """
        import pandas as pd

        if self.of_inputs is None:
            raise ValueError("rows_frame(): the two are of other inputs, which have no pairs; see to_frame().")
        one, shape = self.of_inputs, (-1, len(self.outputs))
        low, high = one.interval()
        rows = np.empty(len(self.labels), dtype=object)
        rows[:] = self.labels
        lines = {
            "method": self.name,
            "row": pd.Series(np.repeat(rows, len(self.names) * len(self.outputs)), dtype=object),
            "feature": np.tile(text(self.names), len(self.labels)),
        }
        numbers = {"a": self.a, "b": self.b, "difference": one.difference, "stderr": one.stderr, "low": low, "high": high}
        flat: dict[str, Any] = {key: value.reshape(shape) for key, value in numbers.items()}
        flat["moved"] = one.moved.reshape(shape)
        return by_line(lines, self.outputs, flat)

    def describe(self, *, output: str | int | None = None) -> str:
        """What differs beyond noise in words, a sentence a line.

        output  name or number of one; None for the first few.  Raises ValueError for an unknown output.
        """
        said = told([describing_differences.of_difference(self, k) for k in chosen(self.outputs, output)])
        return "\n".join([said, *self.notes])


def _told(one: Contrast, before: str) -> dict[str, Any]:
    """The columns of a contrast; before: how their names begin."""
    found = {f"{before}difference": one.difference, f"{before}stderr": one.stderr}
    found |= dict(zip((f"{before}{end}" for end in ENDS), one.interval(), strict=True))
    found |= dict(zip((f"{before}{end}_simultaneous" for end in ENDS), one.interval(simultaneous=True), strict=True))
    return found | {f"{before}p": one.p, f"{before}moved": one.moved}
