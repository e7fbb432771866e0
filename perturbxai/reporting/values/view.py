"""What a call of plot() asks for: which result, rows and outputs, checked before anything is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from perturbxai.core import checks
from perturbxai.core.outputs import select_outputs
from perturbxai.core.types import Floats, Outputs
from perturbxai.inputs.spaces import Space
from perturbxai.reporting.lettering import text
from perturbxai.reporting.style import left_out, title
from perturbxai.reporting.types import Axes
from perturbxai.reporting.values import features
from perturbxai.results.explanation import Attribution, Explanation
from perturbxai.results.importance import Importance
from perturbxai.results.taking import lacks_some

ONE_ROW = ("waterfall", "bars")
MANY_ROWS = ("beeswarm", "heatmap", "decision", "scatter")
PAIRS = ("matrix", "network")  # of one row's interactions
KINDS = (*ONE_ROW, *MANY_ROWS, *PAIRS, "strip")
PANELS = 6  # outputs side by side


@dataclass(frozen=True, eq=False)
class View:
    """What is drawn: the rows, which of them, which outputs, and how many features."""

    name: str
    result: Attribution
    kind: str
    row: int | None
    outputs: list[int]
    n_left_out: int
    top: int
    space: Space | None

    @property
    def one(self) -> Explanation:
        return self.result[self.row or 0]

    @property
    def about(self) -> str:
        head = f"{text(title(self.name, self.result))}, row {text(self.one.label)}"
        return head + left_out(self.n_left_out)

    def about_rows(self, more: str = "") -> str:
        return f"{text(title(self.name, self.result))}, {len(self.result)} rows{more}{left_out(self.n_left_out)}"

    @property
    def rows(self) -> Sequence[Explanation]:
        """What is drawn: one row, or all."""
        return self.result if self.kind in MANY_ROWS else [self.one]

    @cached_property
    def leading(self) -> tuple[list[int], list[int]]:
        """The features that are shown, and the others."""
        size = np.stack([e.values for e in self.rows])
        if self.kind in PAIRS:  # |own value| and half of all |pairs| together
            size = np.abs(size) + 0.5 * np.abs(self.pairs).sum(axis=1)
        return features.leading(features.order(size[..., self.outputs]), self.top)

    @property
    def pairs(self) -> Floats:
        """(P, P, K): the interactions of the one row."""
        assert self.one.interactions is not None  # which `view_of` saw to
        return self.one.interactions

    @cached_property
    def labels(self) -> list[str]:
        """What the features of the one row are called."""
        return features.row_labels(self.one, self.space)

    @property
    def gap_label(self) -> str:
        """What the way from base to prediction is called that no value here goes."""
        return "features not taken" if lacks_some(self.one.meta, len(self.one.names)) else "not explained"

    @cached_property
    def has_gap(self) -> bool:
        """Whether the values of some row and output, all of which share their lines, do not sum to its prediction."""
        sides = [(e.base[self.outputs], e.prediction[self.outputs], e.values[:, self.outputs].T) for e in self.rows]
        return any(unexplained(*side)[1] for side in sides)


def unexplained(base: Floats, prediction: Floats, values: Floats) -> tuple[Floats, bool]:
    """What values (N, P) do not sum to, (N,), and whether any of it is more than rounding. base, prediction (N,)."""
    gap = prediction - base - values.sum(axis=1)
    scale = np.abs(prediction) + np.abs(base) + np.abs(values).sum(axis=1)
    return gap, bool((np.abs(gap) > 1e-9 * scale).any())


def as_named(result: object) -> dict[str, Any]:
    """name -> Attribution or Importance."""
    if isinstance(result, Explanation):
        result = Attribution((result,))
    if isinstance(result, Attribution):
        if not len(result):
            raise ValueError("the Attribution holds no explained input, and there is nothing to draw; see len(...).")
        return {str(result.meta.get("name") or type(result.method).__name__): result}
    if isinstance(result, Importance):
        return {result.name: result}
    named = {str(name): one for name, one in result.items()} if isinstance(result, Mapping) else {}
    if named and any(all(isinstance(one, kind) for one in named.values()) for kind in (Attribution, Importance)):
        return named
    raise TypeError(
        f"plot got {type(result).__name__}; expected an Attribution, an Explanation, an Importance, or a mapping from name "
        "to Attribution or to Importance."
    )


def view_of(
    name: str, result: Attribution, kind: str | None, row: int | str | None, output: Outputs | None, top: int,
    ax: Axes | None, space: Space | None,
) -> View:  # fmt: skip
    picture = np.ndim(result[0].input) > 1
    number = row_number(result, row)
    if kind is None:
        kind = "heatmap" if picture else "beeswarm" if len(result) > 1 and row is None else "waterfall"
    if kind in PAIRS and result[0].interactions is None:
        raise ValueError(
            f"kind={kind!r} shows interactions, and {name} has none; explain with px.Interactions(), or take another kind."
        )
    if picture and kind in ("beeswarm", "decision", "scatter"):
        raise ValueError(
            f"kind={kind!r} needs the same features in all rows, and superpixels of pictures are not; "
            "take heatmap, waterfall or bars, with row= for one picture."
        )
    if row is not None and kind in ("beeswarm", "heatmap", "scatter") and not picture:
        raise ValueError(f"row={row!r}: {kind} shows all rows; leave row= out, or take waterfall, bars or decision.")
    if not picture:
        features.check_space(result[0], space)
        if kind in MANY_ROWS and any(e.names != result[0].names for e in result):
            raise ValueError(f"kind={kind!r} needs the same features in all rows; draw one, with row=.")
    rows = [result[number or 0]] if kind in (*ONE_ROW, *PAIRS) or picture else list(result)
    outputs, n_left_out = panels_of(result.outputs, output, np.mean([e.prediction for e in rows], axis=0), ax)
    return View(name, result, "photo" if picture and kind == "heatmap" else kind, number, outputs, n_left_out, top, space)


def row_number(result: Attribution, row: int | str | None) -> int | None:
    if row is None:
        return None
    labels = [e.label for e in result]
    if isinstance(row, str):
        if labels.count(row) == 1:
            return labels.index(row)
        known = ", ".join(repr(label) for label in labels[:6]) + (" ..." if len(labels) > 6 else "")
        raise ValueError(f"row={row!r} is the label of {labels.count(row)} rows; the labels are {known}. Give its number.")
    if not checks.is_whole(row) or not -len(labels) <= row < len(labels):
        called = f" The row that is called {row} is number {labels.index(row)}." if row in labels else ""
        raise ValueError(f"row={row!r} is no row of the result, which has {len(labels)}: give a number from 0.{called}")
    return int(row) % len(labels)


def panels_of(known: tuple[str, ...], output: Outputs | None, prediction: Floats, ax: Axes | None) -> tuple[list[int], int]:
    """Numbers of the outputs that get a panel, and how many do not."""
    if output is not None:
        return [int(k) for k in select_outputs(output, known)], 0
    if ax is not None and len(known) > 1:
        raise ValueError(f"ax is one panel, and the result has {len(known)} outputs: say which, output={known[0]!r}.")
    chosen = np.sort(np.argsort(-prediction, kind="stable")[:PANELS])
    return [int(k) for k in chosen], len(known) - len(chosen)
