"""The arrays of all inputs of a result, one behind the other, where their players agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perturbxai.core.methods import Method
from perturbxai.core.types import Floats, Objects, Picture
from perturbxai.results.one_input import Explanation
from perturbxai.results.row_values import told_of


class Stacked:
    """What explanations hold, as arrays of all of them: they exist when all inputs have the same number of players."""

    explanations: tuple[Explanation, ...]

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
            players = [len(e.names) for e in self.explanations]
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
        return None if any(e.stderr_background is None for e in self.explanations) else self._stack("stderr_background")

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
        return None if any(e.heat is None for e in self.explanations) else self._stack("heat")

    @property
    def interactions(self) -> Floats | None:
        """(N, P, P, K), or None where the method gives none."""
        return None if any(e.interactions is None for e in self.explanations) else self._stack("interactions")

    @property
    def feature_values(self) -> Objects | None:
        """(N, P): what each row has at each player; see `Explanation.feature_values`. None where that of some is."""
        told = told_of(self._held)
        self._common("feature_values", [e.values.shape for e in self.explanations])
        known = [own for own in told if own is not None]
        return np.stack(known) if len(known) == len(told) else None

    @property
    def interactions_stderr(self) -> Floats | None:
        return None if any(e.interactions_stderr is None for e in self.explanations) else self._stack("interactions_stderr")

    @property
    def names(self) -> tuple[str, ...]:
        self._common("names", [e.values.shape for e in self.explanations])
        return self._held[0].names

    @property
    def outputs(self) -> tuple[str, ...]:
        return self._held[0].outputs

    @property
    def inputs(self) -> tuple[Floats | Picture, ...]:
        return tuple(e.input for e in self.explanations)

    @property
    def method(self) -> Method:
        return self._held[0].method
