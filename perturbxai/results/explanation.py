"""What a method says of all inputs of a call: frozen, in numbers and names, able to become a tidy table and nothing else."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np

from perturbxai.core import checks
from perturbxai.core.types import Bools, Floats, Frame, Ints
from perturbxai.core.wording import OUTPUTS, by_output, count, highest, leading, listed, word
from perturbxai.results import describing, lines, notebook, serial
from perturbxai.results.one_input import Explanation as Explanation
from perturbxai.results.row_values import told_of
from perturbxai.results.stacked import Stacked
from perturbxai.results.taking import TAKEN_OF, Players, is_label, leaders, only, player_numbers, row_number, row_numbers
from perturbxai.results.tidy import Tidy


@dataclass(frozen=True, eq=False)
class Attribution(Stacked, Sequence[Explanation], Tidy):
    """What one method says of all inputs of a call: a sequence of `Explanation`, and stacked arrays.

    The arrays (`values` (N, P, K), `stderr`, `base` (N, K), ...) exist when all inputs have the same number of players,
    as they do on tables; photos may differ, and then an error says to take `a[i]`.

    `meta` has what space, method and verb tell, and in every result of every verb, its parts, an Effect and an HStatistic:

    seed              None where nothing is drawn by one: `baselines`, `from_shap`, `from_lime`
    budget            coalitions an input, or model rows, that bounded the questions; None where nothing did
    rows              model rows behind it, of a part behind this one: what it would cost in a call of its own
    rows_once_a_call  of these, what the call asks once, whatever it has of methods, inputs and columns: {what: how many}
    rows_shared_with  methods of the call that read some of the same rows
    seconds           the model's time for `rows`, by the call's mean of a row
    merged            players that absence cannot change, which are always present
    scale, space      "probability", "logit" or "raw" (of the outputs);  "table" or "image"
    plan, versions    how the model was run, and packages
    call_rows, call_model_seconds, call_seconds  of the whole call: model rows, the model's time, and time in all

    `name` is a result's key in the call; parts have none. Where coalitions were asked, `asked_coalitions` tells which:
    numbers that draw the same again, or names of them as text. `compare` reads it: nothing is scored on what it asked.
    """

    explanations: tuple[Explanation, ...]
    meta: dict[str, Any] = field(default_factory=dict)

    @overload
    def __getitem__(self, index: int | str) -> Explanation: ...
    @overload
    def __getitem__(self, index: slice | list[Any] | Ints | Bools) -> Attribution: ...
    @overload
    def __getitem__(self, index: tuple[int | str, Players]) -> Explanation: ...
    @overload
    def __getitem__(self, index: tuple[slice | list[Any] | Ints | Bools, Players]) -> Attribution: ...
    @overload
    def __getitem__(self, index: Hashable) -> Any: ...
    def __getitem__(self, index: Any) -> Explanation | Attribution:
        """Rows, or rows and players: a[2], a["patient 3"], a[:5], a[:, "age"], a["patient 3", ["age", "bmi"]].

        A row is its place where that is a whole number, whatever the labels are, and else its label; text also finds a label
        that reads like it, so that a["30"] is the row with the label 30. A slice, a list or a mask of rows, one truth value
        a row in their order (also a pandas Series, whose index is not looked at), is an Attribution. Players are those of
        `Explanation.only`, of each row. A tuple that is itself a label is a row.
        Raises IndexError for a number that is not there, KeyError for a label or a name, ValueError for a label of several.
        """
        if checks.is_whole(index) and -len(self.explanations) <= index < len(self.explanations):
            return self.explanations[index]
        labels = [e.label for e in self.explanations]
        pair = isinstance(index, tuple) and len(index) == 2 and not is_label(labels, index)
        rows, players = index if pair else (index, slice(None))
        if np.ndim(rows) == 1 and not isinstance(rows, (list, tuple)):  # a column of any table, as a mask often is
            rows = np.asarray(rows)
        if not isinstance(rows, (slice, list, np.ndarray)):
            one = self.explanations[row_number(labels, rows)]
            return one.only(players) if pair else one
        found = Attribution(tuple(self.explanations[n] for n in row_numbers(labels, rows)), self.meta)
        return found._only(players) if pair else found

    def _only(self, players: Players) -> Attribution:
        told = zip(self.explanations, told_of(self.explanations), strict=True)
        parts = tuple(only(e, player_numbers(e.names, players), own) for e, own in told)
        taken = [e.meta[TAKEN_OF] for e in parts if TAKEN_OF in e.meta]
        return Attribution(parts, self.meta | ({TAKEN_OF: taken[0]} if taken else {}))

    def top(self, n: int = 5, *, output: str | int | None = None) -> Attribution:
        """All rows, with the n players of the largest mean |value| over them, the largest first; see `Explanation.only`.

        output  name or number of the output that decides; None for all, each on the scale of its own largest
        Raises ValueError for inputs that differ in players, such as photos: take a[i].top(n).
        """
        self._common("top(...)", [e.values.shape for e in self])
        return self._only(leaders(self.values, self.outputs, n, output))

    def __len__(self) -> int:
        return len(self.explanations)

    def __repr__(self) -> str:
        if not self.explanations:
            return f"<Attribution of 0 inputs by {word(self.meta.get('name', 'no method'))}>"
        first, sizes = self.explanations[0], sorted({len(e.names) for e in self})
        table = np.ndim(first.input) == 1
        parts = f"{sizes[0]:,} to " * (len(sizes) > 1) + count(sizes[-1], "feature" if table else "superpixel")
        head = f"Attribution of {count(len(self), 'row' if table else 'picture')} by {word(self._name)}: {parts}"
        if len(self) == 1:
            return by_output(f"{head}, value ± standard error", first.outputs, first._told, highest(first.prediction))
        if not table:  # whose superpixels are not the same
            return f"<{head}, outputs {listed(first.outputs)}>"
        means = sum((np.abs(e.values[:, :OUTPUTS]) for e in self), start=np.zeros(1)) / len(self)
        return by_output(f"{head}, mean size of the values", first.outputs, lambda k: leading(first.names, means[:, k]))

    def interval(self, level: float = 0.95, *, simultaneous: bool = False) -> tuple[Floats, Floats]:
        """Lower and upper ends, each (N, P, K); see `Explanation.interval`."""
        self._common("interval(...)", [e.values.shape for e in self])
        ends = [e.interval(level, simultaneous=simultaneous) for e in self._held]
        return np.stack([low for low, _ in ends]), np.stack([high for _, high in ends])

    def to_frame(self) -> Frame:
        """A tidy table: one line a row, feature and output, the method's name in front; see `Explanation.to_frame`."""
        return lines.of_all(self, [lines.by_feature(e, own) for e, own in zip(self, told_of(self), strict=True)])

    def interactions_frame(self) -> Frame:
        """A tidy table: one line a row, pair of features and output; see `Explanation.interactions_frame`."""
        return lines.of_all(self, [lines.by_pair(e) for e in self])

    @property
    def _name(self) -> str:
        return str(self.meta.get("name") or type(self.method).__name__)

    def describe(self, *, output: str | int | None = None) -> str:
        """What matters over all rows in words, a sentence a line; of one row, as `Explanation.describe`.

        output  name or number of one; None for the first few.  Raises ValueError for an unknown output.
        """
        if len(self) == 1:
            return self[0].describe(output=output)
        return describing.told([describing.of_rows(self, k) for k in describing.chosen(self.outputs, output)])

    def to_json(self, path: str | Path | None = None) -> str:
        """All of this as strict JSON text with a schema version, also written to `path` if one is given.

        `from_json` gives it back equal to the last bit: numbers (infinite errors too), names, labels of every usual index,
        inputs (pictures as base64 of their float32), heat maps, `meta`, and the method object.
        Raises TypeError, before anything is written, for a method that is not perturbxai's and for labels or `meta` of a
        kind that would not come back.

        >>> import numpy as np, perturbxai as px
        >>> space = px.TabularSpace(np.zeros((1, 3)))
        >>> found = px.explain(["lime"], px.Predictor(lambda X: X @ [1.0, 2.0, 3.0]), space, np.ones((1, 3)))["lime"]
        >>> again = px.Attribution.from_json(found.to_json())
        >>> bool((again.values == found.values).all()), again.method
        (True, Lime(kernel_width=0.25, ridge=0.0, surrogate='auto', name=''))
        """
        return serial.write(self._held, self.meta, path)

    @classmethod
    def from_json(cls, text_or_path: str | Path) -> Attribution:
        """What `to_json` wrote, from its text or from a file. Nothing in a file is executed or unpickled.

        Methods are rebuilt from their name in the catalogue and their options; an estimator among the options must be a
        regressor of sklearn.linear_model. Files of earlier versions get the keys of `meta` that results have today: None or
        nothing for what they did not tell, and their own rows and seconds for those of the call.
        Raises FileNotFoundError where no file is, and ValueError, which says what to do, for text that is damaged, that
        was written by a newer schema, or that names a method or an option that this version does not have.
        """
        records, meta = serial.read(text_or_path)
        return cls(tuple(Explanation(**record) for record in records), meta)

    def _repr_html_(self) -> str:
        return notebook.page(self.explanations, self._name) if self.explanations else notebook.words(repr(self))
