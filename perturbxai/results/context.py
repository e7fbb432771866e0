"""Context: what lies around explained rows or pictures in the data."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perturbxai.core import checks
from perturbxai.core.types import Floats, Frame, Ints, Objects, Picture
from perturbxai.core.wording import count, listed, own_value
from perturbxai.results import describing_context, notebook
from perturbxai.results.tidy import Tidy


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest of the data to each of N inputs, the nearest first.

    numbers (N, n)   which of the data they are, -1 where there are fewer
    distances (N, n), outputs (N, n, K)  how far each lies, and what the model says of it; NaN alike
    labels, decisions  what they are called, and how they are decided: for each input as many as there are
    has (N, n, P)    what rows have at each player, in the table's own terms;  pictures: of each input. One of them is None
    """

    numbers: Ints
    distances: Floats
    labels: tuple[tuple[Hashable, ...], ...]
    decisions: tuple[tuple[str, ...], ...]
    outputs: Floats
    has: Objects | None
    pictures: tuple[tuple[Picture, ...], ...] | None


@dataclass(frozen=True, eq=False)
class Context(Tidy):
    """What `context` found around N inputs.

    labels (N,), prediction (N, K), outputs (K,), decisions (N,)  the inputs, and what the model says of them
    alike, otherwise  Neighbours: the nearest of all, and the nearest that are decided otherwise
    far (N,)     the share of the data that lie at least as far from their nearest as the input from its own
    ground (N,)  the share of the rows that explanations ask about which lie farther from the data than 95 % of these do; NaN
                 where only one player can be hidden, None of pictures
    inputs, has (N, P), names (P,)  the inputs, and of rows what they have at each player
    meta         `rule`: what a decision is; how many of the data were looked at, model rows, seed
    """

    labels: tuple[Hashable, ...]
    prediction: Floats
    outputs: tuple[str, ...]
    decisions: tuple[str, ...]
    alike: Neighbours
    otherwise: Neighbours
    far: Floats
    ground: Floats | None
    inputs: tuple[Any, ...]
    has: Objects | None
    names: tuple[str, ...]
    meta: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def what(self) -> str:
        """What an input is."""
        return "picture" if self.has is None else "row"

    def __repr__(self) -> str:
        of = [
            f"{own_value(label)} ({decided})" for label, decided in zip(self.labels, self.decisions, strict=True)
        ]  # fmt: skip
        among = f"among {count(self.meta['looked_at'], self.what)}"
        return f"<Context of {count(len(self), self.what)} {among}: {listed(of, 4, 40)}>"

    def _repr_html_(self) -> str:
        return notebook.table("Context", [f"of {count(len(self), self.what)}"], self.to_frame())

    def describe(self, row: int | None = None) -> str:
        """What is most like an input and decided otherwise, and how far off it and its explanation are, in words.

        row  number of an input; None for the first few.  Raises ValueError for a number that is not there.
        """
        if row is not None:
            row = checks.whole("row", row, 0, most=len(self) - 1, of="an input", way=f" to {len(self) - 1}")
            return "\n".join(describing_context.of_input(self, row))
        shown = range(min(len(self), describing_context.INPUTS))
        said = ["\n".join(describing_context.of_input(self, i)) for i in shown]
        left = len(self) - len(shown)
        return "\n\n".join([*said, *[f"And {count(left, f'more {self.what}')}."] * (left > 0)])

    def to_frame(self) -> Frame:
        """A tidy table: a line an input and neighbour, of kind "alike" or "otherwise", with the input's far and ground."""
        import pandas as pd

        lines: list[dict[str, Any]] = []
        for i in range(len(self)):
            own = {"row": self.labels[i], "decision": self.decisions[i], "far": self.far[i]}
            own |= {"ground": np.nan if self.ground is None else self.ground[i]}
            for kind, found in (("alike", self.alike), ("otherwise", self.otherwise)):
                for j, label in enumerate(found.labels[i]):
                    near = {"kind": kind, "neighbour": label, "number": found.numbers[i, j]}
                    near |= {"distance": found.distances[i, j], "neighbour decision": found.decisions[i][j]}
                    near |= dict(zip((f"prediction {name}" for name in self.outputs), found.outputs[i, j], strict=True))
                    lines.append(own | near)
        return pd.DataFrame(lines)
