"""What a method says of one input: frozen, in numbers and names, able to become a tidy table and nothing else."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.methods import Method
from perturbxai.core.outputs import select_outputs
from perturbxai.core.types import Bools, Floats, Frame, Objects, PerOutput, Picture, PlayerValues, TellsRows
from perturbxai.core.wording import by_output, count, figure, highest, leading, word
from perturbxai.results import describing, lines, notebook, serial
from perturbxai.results.row_values import told_of
from perturbxai.results.superpixels import Cut, labels_of, top_mask
from perturbxai.results.taking import Players, leaders, only, player_numbers
from perturbxai.results.tidy import LEVEL, Tidy, factor, pointwise


@dataclass(frozen=True, eq=False)
class Explanation(Tidy):
    """One input's values by one method.

    values   (P, K), one signed value a player and output, in units of the model's output
    stderr   (P, K), its standard error from having drawn coalitions, not asked all: infinite where too few were drawn to
             tell it, rounding where all were asked
    critical (K,): values +- critical * stderr holds all players at once in 95 % of draws
    df       degrees of freedom of the interval of one player
    base, prediction (K,): the model's value with every player absent, and at the input
    names (P,), outputs (K,); label: its number in the call or its index label
    input    what was explained: the coded row (D,) of a table, or the picture (H, W, C)
    method   the frozen method object;  meta: as `Attribution` has it, about this input alone
    stderr_background (P, K) or None, error that a drawn background adds;  heat (K, H, W) or None, on the picture's grid
    columns  what else `to_frame` shows of the players, by name: each (P,) or (P, K)
    interactions (P, P, K) or None, what pairs of players do together: symmetric, zero on the diagonal (main effects are
             `values`);  interactions_stderr (P, P, K) or None, their standard errors, with the same degrees of freedom
    teller   what tells `feature_values` from `input`: one for all rows of a table; None where they are not known
    """

    values: PlayerValues
    stderr: PlayerValues
    critical: PerOutput
    df: float
    base: PerOutput
    prediction: PerOutput
    names: tuple[str, ...]
    outputs: tuple[str, ...]
    label: Hashable
    input: Floats | Picture
    method: Method
    meta: dict[str, Any] = field(default_factory=dict)
    stderr_background: Floats | None = None
    heat: Floats | None = None
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)
    interactions: Floats | None = None
    interactions_stderr: Floats | None = None
    teller: TellsRows | None = None

    def interval(self, level: float = LEVEL, *, simultaneous: bool = False) -> tuple[Floats, Floats]:
        """Lower and upper ends, each (P, K): pointwise by Student's t, or simultaneous over the players.

        Raises ValueError for a level outside (0, 1), or a simultaneous level other than the kept 0.95.
        """
        half = factor(level, pointwise(level, self.df), simultaneous, self.critical, "interval") * self.stderr
        return self.values - half, self.values + half

    @property
    def feature_values(self) -> Objects | None:
        """(P,): what the row has at each player, in the table's own terms, decoded when it is asked for.

        Numbers, words, truth values and moments as Python has them; of a group of columns a text, "a = 1, b = x"; a missing
        value is NaN in a column of fractions, else None. None for pictures, and where it is not known, as of JSON that an
        earlier version wrote.
        """
        return told_of((self,))[0]

    def only(self, features: Players) -> Explanation:
        """The same of some players, by name or number, in the order given: values, errors, interactions, what the row has.

        Base and prediction stay those of the whole input, so that the values no longer lead from one to the other; the
        simultaneous interval still holds all players at once. `meta["taken_of"]` tells how many players there were.
        Raises KeyError for a name that is not there, IndexError for a number, ValueError for none or one twice.
        """
        return only(self, player_numbers(self.names, features), self.feature_values)

    def top(self, n: int = 5, *, output: str | int | None = None) -> Explanation:
        """The n players with the largest |value|, the largest first; see `only`.

        output  name or number of the output that decides; None for all, each on the scale of its own largest value
        """
        return self.only(leaders(self.values[None], self.outputs, n, output))

    def describe(self, *, output: str | int | None = None, space: Cut | None = None) -> str:
        """What the output is and what it is owed to in words, a sentence a line; see `results.describing`.

        output  name or number of one; None for those that the model rates highest, three at most
        space   of a photo: the ImageSpace of the call or its label map, so that words tell where a superpixel lies
        Raises ValueError for an unknown output, and for a space in which the photo was not explained.
        """
        labels = None if space is None or np.ndim(self.input) == 1 else labels_of(self, space)
        shown = describing.chosen(self.outputs, output, self.prediction)
        return describing.told([describing.of_row(self, k, labels) for k in shown])

    def mask(self, space: Cut, top: int = 5, *, output: str | int | None = None, positive_only: bool = True) -> Bools:
        """(H, W) of a photo: True where the superpixels lie that lead.

        space   the ImageSpace of the call, or its label map (H, W)
        top     how many superpixels, at most;  output: name or number, None for the one that the model rates highest
        positive_only  those that raise the output; else those of the largest |value|. A superpixel of value 0 never leads
        Raises TypeError for the row of a table, ValueError for a space in which the photo was not explained, and for an
        unknown output.
        """
        k = int(np.argmax(self.prediction)) if output is None else int(select_outputs([output], self.outputs)[0])
        return top_mask(self, space, top, k, positive_only)

    def to_json(self, path: str | Path | None = None) -> str:
        """This input alone as JSON; see `Attribution.to_json`."""
        return serial.write((self,), {}, path)

    @classmethod
    def from_json(cls, text_or_path: str | Path) -> Explanation:
        """What `to_json` wrote, of one input. Raises as `Attribution.from_json`, and ValueError for several inputs."""
        records, _ = serial.read(text_or_path)
        if len(records) != 1:
            raise ValueError(f"the file holds {len(records)} inputs; read it with Attribution.from_json, and take a[i].")
        return cls(**records[0])

    def __repr__(self) -> str:
        kind, part = ("row", "feature") if np.ndim(self.input) == 1 else ("picture", "superpixel")
        head = f"Explanation of {kind} {word(self.label)} by {type(self.method).__name__}: {count(len(self.names), part)}"
        return by_output(f"{head}, value ± standard error", self.outputs, self._told, highest(self.prediction))

    def _told(self, k: int) -> str:
        """The line of an output."""
        level = f"{figure(self.prediction[k])} here, {figure(self.base[k])} with everything absent"
        return f"{level}; {leading(self.names, self.values[:, k], self.stderr[:, k])}"

    def _repr_html_(self) -> str:
        return notebook.page([self], type(self.method).__name__)

    def to_frame(self) -> Frame:
        """A tidy table: one line a feature and output; of a row of a table with what the row has, `feature_value`."""
        return lines.frame(self.outputs, *lines.by_feature(self, self.feature_values))

    def interactions_frame(self) -> Frame:
        """A tidy table of the pairs: one line a pair (each once) and output, with a pointwise 95 % interval.

        Raises ValueError for a method without interactions.
        """
        return lines.frame(self.outputs, *lines.by_pair(self))
