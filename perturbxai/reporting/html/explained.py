"""What of the results the page shows: which methods, outputs and inputs, the main ones first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from perturbxai.core import catalogue
from perturbxai.core.types import Floats, Ints
from perturbxai.reporting.html.charts.shades import as_numbers
from perturbxai.reporting.html.choices import Choice, Numbering
from perturbxai.reporting.style import titles
from perturbxai.reporting.values.places import Places, placed
from perturbxai.results.explanation import Attribution, Explanation
from perturbxai.results.row_values import told_of

MAIN = ("exact_shap", "glass_box", "kernel_shap", "permutation_shap", "partition_shap", "sampling_shap")
MOST_METHODS = 14
MOST_OUTPUTS = 6
MOST_INPUTS = 60
PANES = 400  # inputs x methods x outputs at most, which keeps the page below five megabytes


@dataclass(frozen=True, eq=False)
class Explained:
    """Results of one call as the page shows them.

    results  name -> Attribution, the one to begin with first;  limit: inputs at most, None for what the page can hold
    """

    results: Mapping[str, Attribution]
    n_left_out: int = 0
    limit: int | None = None

    @classmethod
    def of(cls, results: Mapping[str, Attribution], limit: int | None = None) -> "Explained":
        """Those to begin with first, the controls last, as many as the page holds."""
        order = sorted(results, key=lambda name: rank(results[name]))
        kept = {name: results[name] for name in order[:MOST_METHODS]}
        return cls(kept, len(results) - len(kept), limit)

    @property
    def first(self) -> Attribution:
        return next(iter(self.results.values()))

    @cached_property
    def outputs(self) -> list[int]:
        """Numbers of the outputs shown: those that the model rates highest where there are many, in their order."""
        return highest(np.mean([e.prediction for e in self.first], axis=0))

    @cached_property
    def inputs(self) -> list[int]:
        """Numbers of the inputs that have a panel: all, or so many from the lowest prediction to the highest."""
        most = max(4, PANES // (len(self.results) * len(self.outputs)))
        most = min(MOST_INPUTS, most, len(self.first) if self.limit is None else self.limit)
        if len(self.first) <= most:
            return list(range(len(self.first)))
        order = np.argsort([float(e.prediction[self.outputs[0]]) for e in self.first], kind="stable")
        return sorted(int(order[n]) for n in np.unique(np.linspace(0, len(order) - 1, most).round().astype(int)))

    @cached_property
    def panels(self) -> Ints:
        """(N,): the number of each input's panel, -1 for those without one."""
        found = np.full(len(self.first), -1)
        found[self.inputs] = np.arange(len(self.inputs))
        return found

    @property
    def choices(self) -> list[Choice]:
        """Methods and outputs, where there are several."""
        found = []
        if len(self.results) > 1:
            notes = [catalogue.ABOUT.get(catalogue.key_of(one.method), "") for one in self.results.values()]
            found.append(Choice("m", "Method", list(titles(self.results).values()), 0, notes))
        if len(self.outputs) > 1:
            mean = np.mean([e.prediction for e in self.first], axis=0)
            first = int(np.argmax([mean[k] for k in self.outputs]))
            found.append(Choice("o", "Output", [str(self.first.outputs[k]) for k in self.outputs], first))
        return found

    @property
    def numbering(self) -> Numbering:
        outputs = {str(self.first.outputs[k]): o for o, k in enumerate(self.outputs)}
        return Numbering({name: m for m, name in enumerate(self.results)}, outputs)

    @cached_property
    def has(self) -> list[Sequence[object]] | None:
        """For each input (P,) what it has in each column; None where that is not known."""
        found = told_of(self.first)
        return None if any(one is None for one in found) else [list(one) for one in found if one is not None]

    @cached_property
    def places(self) -> dict[int, Places]:
        """Where the inputs lie along each player that has numbers, for those that colours may be of."""
        found = {p: placed([row[p] for row in self.has or ()]) for p in range(len(self.first.names))}
        return {p: one for p, one in found.items() if one.levels is None}

    @cached_property
    def numbers(self) -> Floats:
        """(N, P): the same as numbers, NaN for what has no order and for what is not known."""
        if self.has is None:
            return np.full((len(self.first), len(self.first.names)), np.nan)
        return np.array([as_numbers(one) for one in self.has]).reshape(len(self.first), -1)


def highest(rated: Floats) -> list[int]:
    """Numbers of the outputs (K,) that are shown, in their order: all, or those that are rated highest."""
    return sorted(int(k) for k in np.argsort(-rated, kind="stable")[:MOST_OUTPUTS])


def leaders(e: Explanation, k: int, most: int = 3) -> list[int]:
    """Numbers of the players with the largest values."""
    return [int(p) for p in np.argsort(-np.abs(e.values[:, k]), kind="stable")[:most] if e.values[p, k] != 0]


def rank(result: Attribution) -> tuple[bool, int]:
    """What results are sorted by: those that a page begins with first, controls last, the others as they came."""
    key = catalogue.key_of(result.method)
    return key in catalogue.CONTROLS, MAIN.index(key) if key in MAIN else len(MAIN)
