"""Results: frozen, in numbers and names, able to become a tidy table and nothing else."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from perturbxai.core.methods import Method
from perturbxai.core.types import Floats, Frame, Objects, PerOutput, Picture, PlayerValues, TellsRows
from perturbxai.core.wording import OUTPUTS, by_output, count, figure, highest, leading, listed, word
from perturbxai.results import lines, notebook, serial
from perturbxai.results.row_values import told_of
from perturbxai.results.tidy import LEVEL, Tidy, factor, pointwise


@dataclass(frozen=True, eq=False)
class Explanation:
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

    def to_json(self, path: str | Path | None = None) -> str:
        """This input alone as JSON; see `Attribution.to_json`."""
        return Attribution((self,)).to_json(path)

    @classmethod
    def from_json(cls, text_or_path: str | Path) -> Explanation:
        """What `to_json` wrote, of one input. Raises as `Attribution.from_json`, and ValueError for several inputs."""
        found = Attribution.from_json(text_or_path)
        if len(found) != 1:
            raise ValueError(f"the file holds {len(found)} inputs; read it with Attribution.from_json, and take a[i].")
        return found[0]

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


@dataclass(frozen=True, eq=False)
class Attribution(Sequence[Explanation], Tidy):
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
    def __getitem__(self, index: int) -> Explanation: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Explanation]: ...
    def __getitem__(self, index: int | slice) -> Explanation | Sequence[Explanation]:
        return self.explanations[index]

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

    @property
    def _held(self) -> tuple[Explanation, ...]:
        """The explanations. Raises ValueError if there is none."""
        if not self.explanations:
            raise ValueError("the Attribution holds no explanation, and so no values, names or method; see len(...).")
        return self.explanations

    def _stack(self, what: str) -> Floats:
        parts = [getattr(e, what) for e in self._held]
        self._common(what, [np.shape(part) for part in parts])
        return np.stack(parts)

    def _common(self, what: str, shapes: Sequence[tuple[int, ...]]) -> None:
        """Refuse an array of parts that differ in shape, and say where they are."""
        if len(set(shapes)) > 1:
            players = [len(e.names) for e in self]
            why = f"numbers of players ({players})" if len(set(players)) > 1 else f"sizes ({list(shapes)})"
            raise ValueError(
                f"{what}: the inputs have different {why}, so there is no common array. Take them one by one: a[i].{what}"
            )

    @property
    def values(self) -> Floats:
        return self._stack("values")

    @property
    def stderr(self) -> Floats:
        return self._stack("stderr")

    @property
    def stderr_background(self) -> Floats | None:
        return None if any(e.stderr_background is None for e in self) else self._stack("stderr_background")

    @property
    def critical(self) -> Floats:
        return self._stack("critical")

    @property
    def base(self) -> Floats:
        return self._stack("base")

    @property
    def prediction(self) -> Floats:
        return self._stack("prediction")

    @property
    def heat(self) -> Floats | None:
        """(N, K, H, W), or None where the method draws no map of its own."""
        return None if any(e.heat is None for e in self) else self._stack("heat")

    @property
    def interactions(self) -> Floats | None:
        """(N, P, P, K), or None where the method gives none."""
        return None if any(e.interactions is None for e in self) else self._stack("interactions")

    @property
    def feature_values(self) -> Objects | None:
        """(N, P): what each row has at each player; see `Explanation.feature_values`. None where that of some is."""
        told = told_of(self._held)
        self._common("feature_values", [e.values.shape for e in self])
        known = [own for own in told if own is not None]
        return np.stack(known) if len(known) == len(told) else None

    @property
    def interactions_stderr(self) -> Floats | None:
        return None if any(e.interactions_stderr is None for e in self) else self._stack("interactions_stderr")

    @property
    def names(self) -> tuple[str, ...]:
        self._common("names", [e.values.shape for e in self])
        return self._held[0].names

    @property
    def outputs(self) -> tuple[str, ...]:
        return self._held[0].outputs

    @property
    def inputs(self) -> tuple[Floats | Picture, ...]:
        return tuple(e.input for e in self)

    @property
    def method(self) -> Method:
        return self._held[0].method

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
